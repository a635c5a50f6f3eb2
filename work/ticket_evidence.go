package work

import (
	"slices"
	"strconv"
	"strings"
)

// evidenceTerms are about the photos of the round as the server finds them: here, sound, enough, and of the work that they are to prove. They are asked when the evidence
// is verified, and again of who approves: a photo may have been taken out of sight since.
type evidenceTerms struct {
	stored, enough, pictured, before, noneRefused, recaptured condition
	notAllHere                                                refusal
	showUnlisted                                              effect
}

func aboutEvidence() evidenceTerms {
	return evidenceTerms{
		stored: condition{
			name:  "every photo of the round is stored and sound",
			holds: (*judgement).evidenceStored,
			refusal: refusal{missing, "",
				"本轮照片尚未全部上传并核验，不能确认（要求{required}张，合格{have}张，缺{missing}张）。请等待，或退回返工。",
				"Not every photo of this round is stored and verified: {required} needed, {have} count, {missing} are missing. Wait, or send it back."},
			facts: (*judgement).evidenceFacts,
		},
		enough: condition{
			name:  "as many photos of the finished work as the category asks for",
			holds: (*judgement).enoughPhotos,
			refusal: refusal{missing, "",
				"合格的完工照片少于类别要求（要求{required}张，合格{have}张）。请补拍完工照片并重新报完工。",
				"There are fewer photos of the finished work than the category asks for: {required} needed, {have} count. Take the missing ones and" +
					" report it as done again."},
			facts: (*judgement).evidenceFacts,
		},
		pictured: condition{
			name:  "a find on patrol was photographed",
			holds: func(j *judgement) bool { return j.foresees || !j.hasNoPhoto() },
			refusal: refusal{missing, "",
				"巡查发现须有照片，此工单还没有任何照片。请为此工单拍一张照片（已经处理的，拍摄现状）。",
				"A find on patrol needs a photo, and this ticket has none. Take one of it; where the work is done, of the place as it is."},
			facts: onePhotoFacts,
		},
		before: condition{
			name:  "a photo from before the work that is stored and sound, where the category asks for one",
			holds: (*judgement).foundSound,
			refusal: refusal{missing, "",
				"缺少合格的「处理前」照片：尚未上传、被判无效或已隐藏。请补传或补拍「处理前」照片；已经处理的，请拍摄现状并选择「处理前」。",
				"A photo from before the work that counts is missing: it has not arrived, was refused, or was taken out of sight. Send it, or take" +
					" another as a photo from before; where the work is done, of the place as it is."},
			facts: onePhotoFacts,
		},
		noneRefused: condition{
			name:  "no photo of the round stands refused and in sight, whoever lists it, nor was taken out of sight by who did some of the work",
			holds: func(j *judgement) bool { return len(j.refusedInSight()) == 0 },
			refusal: refusal{missing, "photo_ids",
				"本轮有{count}张照片被判无效，仍在显示，或由参与处理的人隐藏，不能确认。请由未参与处理的人查看后注明原因隐藏，或退回返工。",
				"{count} photos of this round were refused and are in sight, or were hidden by who did the work. Have somebody who did none of it look" +
					" at them and hide them, with a reason, or send the work back."},
			facts: (*judgement).refusedFacts,
		},
		recaptured: condition{
			name:  "where photos are to be taken again, a sound one that was taken since, with a proof of its place",
			holds: (*judgement).recaptured,
			refusal: refusal{missing, "",
				"照片须重新拍摄，但重拍的照片还没有位置证明。请处理人在现场扫描标签，或开启定位重新拍摄。",
				"The photos have to be taken again, and there is no new one with a proof of its place. Have who did the work scan the tag there, or" +
					" take one with a fix."},
			facts: onePhotoFacts,
		},

		notAllHere: refusal{missing, "",
			"照片尚未全部上传并核验合格，还不能确认（要求{required}张，合格{have}张，缺{missing}张）。请等待上传中的照片；被判无效的照片请注明原因后隐藏，并重新拍摄。",
			"The photos are not all here and sound: {required} needed, {have} count, {missing} are missing. Wait for those that are on their way; hide" +
				" one that was refused, with a reason, and have another taken."},

		showUnlisted: effect{"shown_photo_ids + those of the round that no manifest lists", (*judgement).showUnlisted},
	}
}

// evidenceStored: whether somebody submitted this round and each photo of the manifests is in storage, of this ticket and round, and sound. One
// that a leader took out of sight neither counts nor stands in the way: one that was lost, say, with its phone.
func (j *judgement) evidenceStored() bool {
	if j.foresees {
		return true
	}
	return len(j.awaitedPhotos()) == 0 && len(proving(j.ticket())) > 0
}

// awaitedPhotos are the photos of the manifests, in sight, that do not prove the round yet. One that nobody has heard of is not waited for once somebody decided that it is
// lost and to be taken again; should it come after all, it is.
func (j *judgement) awaitedPhotos() []string {
	lost := lostPhotos(j.ticket())
	return slices.DeleteFunc(manifestOf(j.ticket()), func(id string) bool {
		photo := j.lookup(kindPhoto, id)
		return photo == nil && slices.Contains(lost, id) || photo.GetRecord().GetPhoto().GetHidden() != nil || j.provesRound(photo)
	})
}

// enoughPhotos: whether the manifests of the round hold as many different photos as was asked for: the same bytes count once, and a drawing on a photo is none. What
// was asked for stands in the ticket; where its category was not known when it was pinned, in the category that the question comes with; and where none is known, it is
// one photo.
func (j *judgement) enoughPhotos() bool {
	if j.foresees {
		return true
	}
	need, _ := j.afterPhotos()
	return j.provingPhotos() >= need
}

// evidenceFacts name what is asked of the photos of the round, and what is missing: photos of the manifests or from before the work that are not here, or not found
// sound, and those that stand refused in sight.
func (j *judgement) evidenceFacts() map[string]string {
	need, _ := j.afterPhotos()
	have := j.provingPhotos()
	waits := j.awaitedPhotos()
	for _, id := range j.refusedInSight() {
		if !slices.Contains(waits, id) {
			waits = append(waits, id)
		}
	}
	missing := max(len(waits), need-have)
	if !j.foundSound() {
		before := false
		for _, id := range j.ticket().GetShownPhotoIds() {
			if absent(j.lookup(kindPhoto, id).GetRecord().GetPhoto()) && !slices.Contains(waits, id) {
				waits, before, missing = append(waits, id), true, missing+1
			}
		}
		if !before && len(waits) == 0 {
			missing++ // nobody has promised one
		}
	}
	return photoFacts(need, have, missing, waits)
}

// photoFacts are how many photos are needed, how many count, how many are missing, and the ids of those of them that were promised, as many as a refusal names.
func photoFacts(required, have, missing int, ids []string) map[string]string {
	return map[string]string{"required": strconv.Itoa(required), "have": strconv.Itoa(have), "missing": strconv.Itoa(missing),
		"photos": strings.Join(ids[:min(len(ids), maxNamed)], ",")}
}
