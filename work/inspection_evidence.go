package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// walkEvidenceTerms are about the answers of a round and the photos that they name, as the server finds them.
type walkEvidenceTerms struct {
	stored, noneRefused       condition
	notAllHere                refusal
	takeAnswers, showUnlisted effect
}

func aboutWalkEvidence() walkEvidenceTerms {
	return walkEvidenceTerms{
		stored: condition{
			name:  "every photo of the answers is stored and sound",
			holds: (*judgement).answersStored,
			refusal: refusal{missing, "",
				"照片尚未全部上传并核验，不能确认（共{required}张，合格{have}张，缺{missing}张）。请等待，或退回补检。",
				"Not every photo of the answers is stored and verified: {required} named, {have} count, {missing} are missing. Wait, or return the" +
					" round."},
			facts: (*judgement).walkFacts,
		},
		noneRefused: condition{
			name:  "no photo of the round stands refused and in sight, whoever names it, nor was taken out of sight by who walked some of it",
			holds: func(j *judgement) bool { return len(j.refusedInSight()) == 0 },
			refusal: refusal{missing, "",
				"本轮有{count}张照片被判无效，仍在显示，或由参与巡检的人隐藏，不能确认。请由未参与巡检的人查看后注明原因隐藏，或退回补检。",
				"{count} photos of this round were refused and are in sight, or were hidden by who walked it. Have somebody who walked none of it look" +
					" at them and hide them, with a reason, or return the round."},
			facts: (*judgement).refusedFacts,
		},

		notAllHere: refusal{missing, "",
			"照片尚未上传并核验完毕，还不能确认（共{required}张，合格{have}张，缺{missing}张）。请等待，或提醒巡检人上传照片。",
			"The photos are not all here and verified: {required} named, {have} count, {missing} are missing. Wait, or remind the inspector to upload" +
				" them."},

		takeAnswers:  effect{`tickets of failed items, flag "impossible_reading", score of a round that was submitted`, (*judgement).takeAnswers},
		showUnlisted: effect{"shown_photo_ids = those of the round that no answer names", (*judgement).showUnlisted},
	}
}

// answersStored: whether there are answers, where the round asks for any, and each photo of theirs that is in sight is in storage, of this inspection, and sound.
func (j *judgement) answersStored() bool {
	if j.foresees {
		return true
	}
	_, waits := j.photosOfAnswers()
	return len(waits) == 0 && (len(j.inspection().GetAnswers()) > 0 || !j.asksForAnswers())
}

// asksForAnswers: whether the round has something that must be answered. One that is a walk from tag to tag has not; one with a checklist that nobody knows does.
func (j *judgement) asksForAnswers() bool {
	list := j.checklistOf(j.inspection())
	if list == nil {
		return j.inspection().GetChecklistId() != ""
	}
	return slices.ContainsFunc(list.GetItems(), func(item *roundsv1.ChecklistItem) bool { return !item.GetOptionalItem() })
}

// photosOfAnswers are the photos in sight that the answers name, and those of them that are not here, of another record, or not found sound yet; in order, each once.
func (j *judgement) photosOfAnswers() (named, waits []string) {
	for _, answer := range j.inspection().GetAnswers() {
		for _, id := range answer.GetPhotoIds() {
			if j.lookup(kindPhoto, id).GetRecord().GetPhoto().GetHidden() == nil {
				named = append(named, id)
			}
		}
	}
	slices.Sort(named)
	named = slices.Compact(named)
	return named, slices.DeleteFunc(slices.Clone(named), func(id string) bool {
		photo := j.lookup(kindPhoto, id).GetRecord().GetPhoto()
		return photo.GetSubject().GetId() == j.Current.GetRecordId() && sound(photo)
	})
}

// walkFacts name the photos of the answers that are missing.
func (j *judgement) walkFacts() map[string]string {
	named, waits := j.photosOfAnswers()
	return photoFacts(len(named), len(named)-len(waits), len(waits), waits)
}
