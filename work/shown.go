package work

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// maxShown is how many photos beside the manifests the schema lets a record name.
const maxShown = 64

// mostFound is how many photos from before the work are noted when they come, so that a phone which sends a thousand does not change the ticket as often.
const mostFound = 8

// maxNamed is how many photos a refusal names for programs.
const maxNamed = 16

// shows notes photos that are evidence of the ticket of the judgement beside its manifests. Where there is no room, one that is out of sight makes it.
func (j *judgement) shows(ids ...string) {
	all := slices.Clone(j.after().GetShownPhotoIds())
	for _, id := range ids {
		if slices.Contains(all, id) {
			continue
		}
		if all = j.makeRoom(all); len(all) < maxShown {
			all = append(all, id)
			j.editTicket(ticketShown).ShownPhotoIds = slices.Clone(all)
		}
	}
}

// makeRoom takes one photo that is out of sight off a list that is full.
func (j *judgement) makeRoom(all []string) []string {
	if len(all) < maxShown {
		return all
	}
	at := slices.IndexFunc(all, func(id string) bool { return j.lookup(kindPhoto, id).GetRecord().GetPhoto().GetHidden() != nil })
	if at < 0 {
		return all
	}
	return slices.Delete(slices.Clone(all), at, at+1)
}

// isEvidence: whether a photo is one that a reviewer of a round is shown, whoever lists it: from before the work, or of the round. A drawing on a photo is none.
func isEvidence(photo *roundsv1.Photo, round uint32) bool {
	return photo != nil && photo.GetAnnotationOfId() == "" && (photo.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_BEFORE || ofLabel(photo, round))
}

// ofLabel: whether a photo says that it is of a round. One without a round, or of one that has not begun, is of the round in which it came.
func ofLabel(photo *roundsv1.Photo, round uint32) bool {
	return photo.GetRound() == 0 || photo.GetRound() >= round
}

// awaitsDecision: whether the evidence of a ticket was looked at, or will be without anything more from the crew, so that what comes has to be noted by itself.
func awaitsDecision(s state) bool { return s == donePending || s == pendingReview || s == closed }

// notePhoto notes a new photo on its ticket: one from before the work at once, another of the round while the ticket waits for a decision, or where that may be taken
// back. Before that the photos of the round are found when the evidence is verified, so that each photo of a shift is not a change of its ticket.
func (j *judgement) notePhoto(id string, photo *roundsv1.Photo, waits bool) {
	before := photo.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_BEFORE && photo.GetAnnotationOfId() == ""
	if before && !j.after().GetBeforePhoto() {
		j.editTicket(ticketBeforePhoto).BeforePhoto = true
	}
	if before && j.foundSoFar() < mostFound || waits && isEvidence(photo, j.ticket().GetRound()) {
		j.shows(id)
	}
}

// foundSoFar counts the photos from before the work that are noted and may still count.
func (j *judgement) foundSoFar() (n int) {
	for _, id := range j.after().GetShownPhotoIds() {
		photo := j.lookup(kindPhoto, id).GetRecord().GetPhoto()
		if photo.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_BEFORE && photo.GetHidden() == nil && !refused(photo) {
			n++
		}
	}
	return n
}

// showUnlisted notes, when the evidence is verified, the photos of the record that no manifest and no answer names: those that a reviewer is shown beside them.
func (j *judgement) showUnlisted() {
	j.foundAgain()
	if j.Kind == kindInspection {
		if now, was := j.unlistedOfWalk(), j.inspection().GetShownPhotoIds(); !slices.Equal(now, was) {
			j.editInspection(inspectionShown).ShownPhotoIds = now
		}
		return
	}
	listed := ShownPhotos(j.Current)
	for _, id := range j.photos {
		photo := j.lookup(kindPhoto, id).GetRecord().GetPhoto()
		if !slices.Contains(listed, id) && photo.GetHidden() == nil && isEvidence(photo, j.ticket().GetRound()) {
			j.shows(id)
		}
	}
}

// foundAgain takes the mark away that photos were lost, where all that the record names have come after all.
func (j *judgement) foundAgain() {
	if slices.ContainsFunc(ShownPhotos(j.Current), func(id string) bool { return absent(j.lookup(kindPhoto, id).GetRecord().GetPhoto()) }) {
		return
	}
	if j.Kind == kindTicket {
		j.unflag(FlagEvidenceLost)
	} else {
		j.unflagInspection(FlagEvidenceLost)
	}
}

// forgetShown leaves the photos from before the work, when the next round begins.
func (j *judgement) forgetShown() {
	was := j.ticket().GetShownPhotoIds()
	if j.foresees || len(was) == 0 {
		return
	}
	left := slices.DeleteFunc(slices.Clone(was), func(id string) bool {
		return j.lookup(kindPhoto, id).GetRecord().GetPhoto().GetRole() != roundsv1.PhotoRole_PHOTO_ROLE_BEFORE
	})
	if len(left) != len(was) {
		j.editTicket(ticketShown).ShownPhotoIds = left
	}
}

// refusedInSight are the photos of the round that cannot count and were not taken out of sight, listed or not: the open hard flags of the document. Who did some of the
// work does not take one away by hiding it.
func (j *judgement) refusedInSight() []string {
	if j.foresees {
		return nil
	}
	ids := slices.Concat(ShownPhotos(j.Current), j.photos)
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool {
		photo := j.lookup(kindPhoto, id)
		return !refused(photo.GetRecord().GetPhoto()) && !j.hiddenByHands(photo) || photo.GetRecord().GetPhoto().GetAnnotationOfId() != "" || !j.speaksOf(id, photo)
	})
}

// hiddenByHands: whether a photo cannot count and was taken out of sight by somebody who did some of the work, or took it.
func (j *judgement) hiddenByHands(change *roundsv1.Change) bool {
	photo := change.GetRecord().GetPhoto()
	if photo.GetState() != roundsv1.PhotoState_PHOTO_STATE_HARD || photo.GetHidden() == nil {
		return false
	}
	by := cmp.Or(writer(change, photoHidden).GetPersonId(), photo.GetHidden().GetPersonId()) // the server hides in somebody's name
	hands := []string{photo.GetPersonId(), writer(change, photoSubject).GetPersonId()}
	if j.Kind == kindInspection {
		hands = append(hands, j.inspection().GetInspectorId())
		hands = append(hands, j.inspection().GetPerformerIds()...)
	} else {
		hands = append(hands, performers(j.ticket())...)
	}
	return by != "" && slices.Contains(hands, by)
}

// refusedFacts name them, for the refusal's words and for programs.
func (j *judgement) refusedFacts() map[string]string {
	ids := j.refusedInSight()
	return map[string]string{"count": strconv.Itoa(len(ids)), "photos": strings.Join(ids[:min(len(ids), maxNamed)], ",")}
}

// refused: whether a photo cannot count, and is in sight.
func refused(photo *roundsv1.Photo) bool {
	return photo.GetState() == roundsv1.PhotoState_PHOTO_STATE_HARD && photo.GetHidden() == nil
}

// speaksOf: whether a photo is of the current round of the record: of an answer that stands, whenever it was given; else by what it says, and not from before the
// round began.
func (j *judgement) speaksOf(id string, change *roundsv1.Change) bool {
	photo := change.GetRecord().GetPhoto()
	if j.Kind == kindInspection {
		return inAnswers(j.inspection().GetAnswers(), id) || photo.GetSubject().GetId() == j.Current.GetRecordId() && ofLabel(photo, j.inspection().GetRound())
	}
	switch {
	case inAnswers(j.ticket().GetAnswers(), id):
		return true
	case photo.GetSubject().GetId() == j.Current.GetRecordId():
		return ofLabel(photo, j.ticket().GetRound()) && j.sinceRound(change)
	}
	other := j.lookup(kindTicket, photo.GetSubject().GetId())
	return j.isOf(photo.GetSubject()) && ofLabel(photo, other.GetRecord().GetTicket().GetRound()) && j.sinceRound(change)
}

func inAnswers(answers map[string]*roundsv1.Answer, id string) bool {
	for _, a := range answers {
		if slices.Contains(a.GetPhotoIds(), id) {
			return true
		}
	}
	return false
}

// sinceRound: whether a photo came to the server after the current round had begun. What came before was there when the work was sent back, whatever round it names. It
// goes by the order in the journal, in which no clock has a part.
func (j *judgement) sinceRound(change *roundsv1.Change) bool {
	return j.ticket().GetRound() <= 1 || writer(change, photoSubject).GetSeq() >= writer(j.Current, ticketRound).GetSeq()
}

// foundSound: whether a photo from before the work is in storage and sound, where the category asks for one.
func (j *judgement) foundSound() bool {
	if j.foresees || !j.asksForBefore() {
		return true
	}
	return slices.ContainsFunc(slices.Concat(j.ticket().GetShownPhotoIds(), j.photos), func(id string) bool {
		photo := j.lookup(kindPhoto, id).GetRecord().GetPhoto()
		return photo.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_BEFORE && photo.GetAnnotationOfId() == "" && photo.GetHidden() == nil && sound(photo) && j.isOf(photo.GetSubject())
	})
}

// asksForBefore: whether the ticket needs a photo from before the work.
func (j *judgement) asksForBefore() bool {
	if pinned := j.ticket().GetRequirements(); pinned.GetCategoryId() != "" || j.category == nil {
		return pinned.GetBeforePhoto()
	}
	return j.category.GetBeforePhoto()
}

// notePhotoOfWalk notes a new photo on its inspection round while that waits for a decision, or where that may be taken back; and who took it, where it is of an item:
// that is part of walking the round, and an approval does not rest on who walked it.
func (j *judgement) notePhotoOfWalk() {
	photo, change := j.written().GetPhoto(), j.subjectOf(kindInspection)
	i := change.GetRecord().GetInspection()
	if j.foresees || i == nil {
		return
	}
	id, w := j.Mutation.GetRecordId(), j.beside(change)
	if w == nil {
		return
	}
	if awaitsWalkDecision(w.state()) && photo.GetAnnotationOfId() == "" && ofLabel(photo, i.GetRound()) && !slices.Contains(ShownPhotos(change), id) {
		if all := j.makeRoom(i.GetShownPhotoIds()); len(all) < maxShown {
			w.editInspection(inspectionShown).ShownPhotoIds = append(slices.Clone(all), id)
		}
	}
	people := j.photographersOfWalk(i)
	if len(people) > 0 {
		w.walkers(named([]string{string(j.Person)}), people)
	}
	if self := w.selfApprovedWalk(people); len(self) > 0 {
		j.verdict.Flags = append(j.verdict.Flags, flagSelfApproval)
		w.takeBackWalk(self)
	}
}

// photographersOfWalk are who took a photo of a round, where that is part of walking it: one of an item, or one that an answer rests on, whatever it is of.
func (j *judgement) photographersOfWalk(i *roundsv1.Inspection) []string {
	if inAnswers(i.GetAnswers(), j.Mutation.GetRecordId()) {
		return named([]string{j.written().GetPhoto().GetPersonId(), string(j.Person)})
	}
	return j.photographers()
}

// awaitsWalkDecision: whether a round waits for a decision, or that may be taken back.
func awaitsWalkDecision(s state) bool { return s == submitted || s == inspectionQueue || s == approved }

// unlistedOfWalk are the photos of the round that no answer names: those that were noted and those that were found.
func (j *judgement) unlistedOfWalk() []string {
	i := j.inspection()
	var all []string
	for _, id := range slices.Concat(i.GetShownPhotoIds(), j.photos) {
		photo := j.lookup(kindPhoto, id).GetRecord().GetPhoto()
		if photo.GetHidden() == nil && photo.GetAnnotationOfId() == "" && ofLabel(photo, i.GetRound()) && !inAnswers(i.GetAnswers(), id) && !slices.Contains(all, id) &&
			len(all) < maxShown {
			all = append(all, id)
		}
	}
	return all
}
