package work

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// provingPhotos counts the different photos of the manifests that show the finished work of the round, and are sound.
func (j *judgement) provingPhotos() int {
	_, known := j.afterPhotos()
	counted := map[string]bool{}
	for _, id := range manifestOf(j.ticket()) {
		change := j.lookup(kindPhoto, id)
		photo := change.GetRecord().GetPhoto()
		if countsAsProof(photo, known) && j.provesRound(change) {
			counted[string(photo.GetSha256())] = true
		}
	}
	return len(counted)
}

// countsAsProof: whether a photo shows finished work, apart from whether it is sound and of the round; of a category that is not known any photo does.
func countsAsProof(photo *roundsv1.Photo, known bool) bool {
	return photo != nil && photo.GetHidden() == nil && photo.GetAnnotationOfId() == "" && (!known || photo.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_AFTER)
}

// afterPhotos is how many photos of the finished work the ticket needs, and whether its category said so.
func (j *judgement) afterPhotos() (need int, known bool) {
	switch pinned := j.ticket().GetRequirements(); {
	case pinned.GetCategoryId() != "":
		return int(pinned.GetAfterPhotos()), true
	case j.category != nil:
		return int(j.category.GetAfterPhotos()), true
	}
	return 1, false
}

// provesRound: whether a photo is of this ticket and its round, and sound.
func (j *judgement) provesRound(photo *roundsv1.Change) bool {
	return sound(photo.GetRecord().GetPhoto()) && j.ofRound(photo)
}

// ofRound: whether a photo was taken of this ticket in its current round, as it says and as the journal shows; or in the last round of a ticket that was merged into
// it, since this round began. Of one that came after the round began, and was captured before, the look at it says so.
func (j *judgement) ofRound(change *roundsv1.Change) bool {
	photo := change.GetRecord().GetPhoto()
	ref := photo.GetSubject()
	if ref.GetKind() != "" && ref.GetKind() != string(kindTicket) {
		return false
	}
	if ref.GetId() == j.Current.GetRecordId() {
		return photo.GetRound() == j.ticket().GetRound() && j.sinceRound(change)
	}
	other := j.lookup(kindTicket, ref.GetId())
	if state(other.GetRecord().GetTicket().GetState()) != merged || j.endOf(other).GetRecordId() != j.Current.GetRecordId() {
		return false
	}
	// What was taken before this round began was there when the work was sent back.
	taken, round := capturedUs(change), j.ticket().GetRound()
	return photo.GetRound() == other.GetRecord().GetTicket().GetRound() && j.sinceRound(change) && (round <= 1 || taken > roundBegan(j.ticket(), round))
}

// sound: whether a photo was looked at, its bytes in storage, and may count.
func sound(photo *roundsv1.Photo) bool {
	switch photo.GetState() {
	case roundsv1.PhotoState_PHOTO_STATE_CLEAN, roundsv1.PhotoState_PHOTO_STATE_SOFT:
		return true
	}
	return false
}
