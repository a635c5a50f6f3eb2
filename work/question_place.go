package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

const (
	ticketLocation = 5
	// maxDepth is how far up a place's building is looked for.
	maxDepth = 16
)

// otherPlace is what an edit of a ticket's place does besides: one in another building than somebody else named, unseen, is a question; who names the place
// having seen it answers that.
func otherPlace() effect {
	return effect{"question OTHER_PLACE where somebody else named another building; answered where the place is corrected", (*judgement).askPlace}
}

func (j *judgement) askPlace() {
	edit := j.Mutation.GetEdit()
	if j.foresees || j.Current == nil || !slices.Contains(edit.GetFields(), ticketLocation) {
		return
	}
	stands, named := j.ticket().GetLocation(), edit.GetRecord().GetTicket().GetLocation()
	id := questionID(j.ref().GetId(), roundsv1.ConflictType_CONFLICT_TYPE_OTHER_PLACE, placeKey)
	open := j.lookup(kindConflict, id).GetRecord().GetConflict().GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN
	if j.saw(ticketLocation) {
		if open {
			j.verdict.Derived = append(j.verdict.Derived, engine.Derived{RecordID: merge.RecordID(id), Edit: conflictEdit(&roundsv1.Conflict{
				State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED, Resolution: "answered: corrected", ResolvedById: string(j.Person), Decision: actEditField,
			}, conflictState, conflictResolution, conflictResolvedBy, conflictDecision)})
		}
		return
	}
	here, there := j.building(stands.GetPlaceId()), j.building(named.GetPlaceId())
	if open || here == "" || there == "" || here == there {
		return
	}
	key := placeKey
	if j.lookup(kindConflict, id) != nil {
		key += " " + j.cause() // it was decided, and comes up again
	}
	by := writer(j.Current, ticketLocation)
	j.verdict.Derived = append(j.verdict.Derived, QuestionOf(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_OTHER_PLACE, Subject: j.ref(), Field: ticketLocation,
		DeviceId: string(j.Device), PersonId: string(j.Person), OpenedTimeUs: j.Time.UnixMicro(), Sides: []*roundsv1.Side{
			{Record: j.ref(), PersonId: by.GetPersonId(), DeviceId: by.GetDeviceId(), TimeUs: by.GetTimeUs(), JournalSeq: by.GetSeq(),
				Sentence: &roundsv1.Text{Zh: "地点：" + j.placeWords(stands), En: "The place: " + j.placeWords(stands)}},
			j.thisSide("地点："+j.placeWords(named), "The place: "+j.placeWords(named)),
		}}, key))
}

// placeKey tells the question about a ticket's place from others.
const placeKey = "place"

// building is the building that a place is in, or is; empty where that is not known.
func (j *judgement) building(id string) string {
	for range maxDepth {
		place := j.lookup(kindPlace, id).GetRecord().GetPlace()
		if place == nil {
			return ""
		}
		if place.GetType() == roundsv1.PlaceType_PLACE_TYPE_BUILDING {
			return id
		}
		id = place.GetParentId()
	}
	return ""
}

// placeWords name a place by its code and name.
func (j *judgement) placeWords(l *roundsv1.Location) string {
	place := j.lookup(kindPlace, l.GetPlaceId()).GetRecord().GetPlace()
	switch {
	case place.GetName().GetZh() != "":
		return place.GetName().GetZh()
	case place.GetCode() != "":
		return place.GetCode()
	case l.GetWords() != "":
		return l.GetWords()
	}
	return l.GetPlaceId()
}
