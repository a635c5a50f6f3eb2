package work

import (
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// photoTerms are about the photos that the crew shows while it works, and when it reports the work as done.
//
// A refusal is for what the person could have known: how many photos the manifest lists, which items nobody answered. What was asked of the ticket has to have
// been before the person's eyes, so where the requirements changed unseen the act is taken, and the evidence waits for what is missing. A manifest may also name
// photos that have not arrived: those of another phone, or one that waits in quarantine. They count here; whether they come, and what they show, is known when the
// bytes are verified. A device's own photos are here before its command, because its lane is in order.
type photoTerms struct {
	before, listed, takenAgain condition
}

func aboutPhotos() photoTerms {
	return photoTerms{
		before: condition{
			name:  "a photo from before, where the category asks for one",
			holds: (*judgement).showsBefore,
			refusal: refusal{missing, "",
				"此类工单开工前须先拍现场照片（要求{required}张，现有{have}张）。请先拍「处理前」照片再操作；已经处理的，请拍摄现状并选择「处理前」。",
				"This needs a photo of the place from before the work ({required} needed, {have} here). Take it as a photo from before, then try again."},
			facts: onePhotoFacts,
		},
		listed: condition{
			name:  "the manifest lists as many photos of the finished work as was asked for, of this round and from the camera",
			holds: (*judgement).showsEnough,
			refusal: refusal{missing, "photo_ids",
				"还缺完工照片：要求{required}张，符合要求的有{have}张。须为本轮拍摄的「处理后」照片，要求实时拍摄的不能用相册。请补拍后重新报完工。",
				"Photos of the finished work are missing: {required} needed, {have} listed that count. They have to be of this round, taken as photos" +
					" from after, with the live camera where that is asked for. Take the missing ones, then report it as done again."},
			facts: (*judgement).shownFacts,
		},
		takenAgain: condition{
			name:  "where photos are to be taken again, one that was taken since, with a proof of its place",
			holds: (*judgement).retook,
			refusal: refusal{missing, "photo_ids",
				"照片须重新拍摄：请在现场拍一张新的完工照片，并扫描现场标签或开启定位，再报完工。",
				"The photos have to be taken again: take a new one at the place, with its tag scanned or with a fix, then report it as done."},
		},
	}
}

// knewRequirements: whether what is asked of the ticket was before the person's eyes, and can be known here.
func (j *judgement) knewRequirements() bool {
	return !j.foresees && !j.Admitted && j.merged == nil && j.ticket().GetRequirements() != nil && j.saw(ticketRequirements)
}

// showsBefore: whether there is a photo from before the work, where the crew knew that one is asked for. After the first round the place is not as it was found.
func (j *judgement) showsBefore() bool {
	t := j.ticket()
	return !t.GetRequirements().GetBeforePhoto() || t.GetBeforePhoto() || !j.knewRequirements() || t.GetRound() > 1
}

// showsEnough: whether as many photos of the finished work are listed as the crew knew to be asked for.
func (j *judgement) showsEnough() bool {
	return j.photosShown() >= j.photosAsked() || !j.knewRequirements()
}

// photosAsked is how many photos of the finished work a completion needs; 0 where no category says so.
func (j *judgement) photosAsked() int { return int(j.ticket().GetRequirements().GetAfterPhotos()) }

// photosShown is how many photos of the manifests of the round count, with those of the completion that is submitted: each once, also where the same bytes were
// promised twice.
func (j *judgement) photosShown() int {
	shown := map[string]bool{}
	all, _ := j.completions()
	for _, c := range all {
		if c.GetRound() != j.args.round {
			continue
		}
		for _, id := range c.GetPhotoIds() {
			if bytes, counts := j.showsWork(id); counts {
				shown[bytes] = true
			}
		}
	}
	return len(shown)
}

// showsWork: whether a photo of a manifest may be one of the finished work, and which bytes it is: by its hash, by its id where it is not here.
func (j *judgement) showsWork(id string) (bytes string, counts bool) {
	change := j.lookup(kindPhoto, id)
	if change == nil {
		return id, true
	}
	photo := change.GetRecord().GetPhoto()
	gallery := j.ticket().GetRequirements().GetLiveCamera() && photo.GetSource() != roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA
	if photo.GetRole() != roundsv1.PhotoRole_PHOTO_ROLE_AFTER || gallery || photo.GetHidden() != nil || photo.GetAnnotationOfId() != "" || !j.ofRound(change) {
		return "", false
	}
	if hash := string(photo.GetSha256()); hash != "" {
		return hash, true
	}
	return id, true
}

// shownFacts count the photos that are asked for, and those that are listed.
func (j *judgement) shownFacts() map[string]string {
	return map[string]string{"required": strconv.Itoa(j.photosAsked()), "have": strconv.Itoa(j.photosShown()), "round": strconv.Itoa(int(j.args.round))}
}

// onePhotoFacts are those of a photo that is missing altogether.
func onePhotoFacts(*judgement) map[string]string {
	return map[string]string{"required": "1", "have": "0"}
}
