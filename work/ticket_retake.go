package work

import (
	"cmp"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// retook: whether a completion of a ticket whose photos have to be taken again lists one that no completion listed before, and that shows its place. One that is not
// here yet is asked about when the evidence is verified.
func (j *judgement) retook() bool {
	t := j.ticket()
	if j.foresees || !slices.Contains(t.GetFlags(), FlagRetake) {
		return true
	}
	return slices.ContainsFunc(j.ticketAct().GetSubmitCompletion().GetPhotoIds(), func(id string) bool {
		change := j.lookup(kindPhoto, id)
		return !slices.Contains(manifestOf(t), id) && (change == nil || j.takenAgain(change))
	})
}

// recaptured: whether the manifests of a ticket whose photos have to be taken again list a sound one that was, and that shows its place.
func (j *judgement) recaptured() bool {
	t := j.ticket()
	if j.foresees || !slices.Contains(t.GetFlags(), FlagRetake) {
		return true
	}
	return slices.ContainsFunc(manifestOf(t), func(id string) bool {
		change := j.lookup(kindPhoto, id)
		return sound(change.GetRecord().GetPhoto()) && j.takenAgain(change)
	})
}

// takenAgain: whether a photo of the finished work is of this round, was taken after somebody decided that photos are to be taken again, and shows its place by itself or
// by a tag that was scanned in the round since.
func (j *judgement) takenAgain(change *roundsv1.Change) bool {
	photo, since := change.GetRecord().GetPhoto(), retakeAsked(j.ticket())
	if photo.GetRole() != roundsv1.PhotoRole_PHOTO_ROLE_AFTER || photo.GetHidden() != nil || photo.GetAnnotationOfId() != "" || !j.ofRound(change) ||
		capturedUs(change) <= since {
		return false
	}
	return j.showsPlace(photo.GetLocation()) || j.scannedSince(since)
}

// capturedUs is when a photo was taken, microseconds since 1970: as the look at it reckoned that, before that look when its record was made.
func capturedUs(change *roundsv1.Change) int64 {
	return cmp.Or(change.GetRecord().GetPhoto().GetReport().GetCapturedUs(), writer(change, photoSubject).GetTimeUs())
}

// showsPlace: whether a location proves where something was taken: by a fix that is good enough to say where, as the site has it, and that no other program made up; where
// the tags of the site are not verified, by a tag or by somebody's word, too: where they are, the scan has to be here. A fix that does not say how good it is counts as
// one, as the checks of photos have it.
func (j *judgement) showsPlace(at *roundsv1.Location) bool {
	switch {
	case at.GetMocked():
		return false
	case at.GetSource() == roundsv1.LocationSource_LOCATION_SOURCE_GPS:
		return float64(at.GetAccuracyM()) <= j.reference.Policy(j.Scope).PlaceAccuracy
	}
	return at.GetSource() > roundsv1.LocationSource_LOCATION_SOURCE_GPS && len(j.rules.tags.TagKeys(j.Scope)) == 0
}

// retakeAsked is when somebody decided last that the photos of the round are to be taken again, microseconds since 1970; 0 where that is not known.
func retakeAsked(t *roundsv1.Ticket) int64 {
	for _, r := range slices.Backward(t.GetReviews()) {
		if r.GetRound() == t.GetRound() && r.GetVerdict() == roundsv1.Verdict_VERDICT_ASKED && r.GetReason() == flagRetake {
			return r.GetTimeUs()
		}
	}
	return 0
}

// lostPhotos are the photos of the round that nobody had heard of when somebody decided that they are to be taken again.
func lostPhotos(t *roundsv1.Ticket) []string {
	var ids []string
	if !slices.Contains(t.GetFlags(), FlagRetake) {
		return nil
	}
	for _, r := range t.GetReviews() {
		if r.GetRound() == t.GetRound() && r.GetVerdict() == roundsv1.Verdict_VERDICT_ASKED && r.GetReason() == flagRetake {
			ids = append(ids, r.GetPhotoIds()...)
		}
	}
	return ids
}

// scannedSince: whether a tag of the place was scanned for the ticket after a moment of its round, microseconds since 1970.
func (j *judgement) scannedSince(us int64) bool {
	us = max(us, roundBegan(j.ticket(), j.ticket().GetRound()))
	return slices.ContainsFunc(j.Current.GetWrites(), func(w *roundsv1.Write) bool {
		return w.GetStamp().GetTimeUs() > us && slices.ContainsFunc(w.GetElements(), func(e *roundsv1.ElementKey) bool {
			return e.GetField() == ticketScans && j.ofPlace(e.GetKey())
		})
	})
}

// ofPlace: whether a scan of the ticket read a genuine tag of its place, or of one within it; where the tags of the site are not verified, any counts.
func (j *judgement) ofPlace(scan string) bool {
	if len(j.rules.tags.TagKeys(j.Scope)) == 0 {
		return true
	}
	return slices.ContainsFunc(j.ticket().GetScans(), func(s *roundsv1.Scan) bool {
		if s.GetId() != scan {
			return false
		}
		at, mark := j.checkTag(s.GetPayload(), s.GetCheckpointId())
		return mark == "" && j.within(at, j.ticket().GetLocation().GetPlaceId())
	})
}

// within: whether a place is another one or lies in it; any lies in one that is not known.
func (j *judgement) within(id, other string) bool {
	for range maxDepth {
		if id == other || other == "" {
			return true
		}
		if id = j.lookup(kindPlace, id).GetRecord().GetPlace().GetParentId(); id == "" {
			return false
		}
	}
	return false
}
