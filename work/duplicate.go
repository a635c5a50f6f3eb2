package work

import (
	"slices"
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// Duplicates: whether two tickets are perhaps about the same thing: both go on, are of the same category, were reported within some time of each other, and at the
// same place: the same node of the directory, or where one of them names none the same words. Tasks of a ticket that was split are no duplicates. It is pure.
func Duplicates(a, b *roundsv1.Ticket, within time.Duration) bool {
	if a == nil || b == nil || ended(state(a.GetState())) || ended(state(b.GetState())) || a.GetParentId() != "" || b.GetParentId() != "" {
		return false
	}
	apart := time.Duration(a.GetReportedTimeUs()-b.GetReportedTimeUs()) * time.Microsecond
	if apart.Abs() > within || a.GetCategoryId() == "" || a.GetCategoryId() != b.GetCategoryId() {
		return false
	}
	at, also := a.GetLocation(), b.GetLocation()
	if at.GetPlaceId() != "" && also.GetPlaceId() != "" {
		return at.GetPlaceId() == also.GetPlaceId()
	}
	words := strings.TrimSpace(at.GetWords())
	return words != "" && words == strings.TrimSpace(also.GetWords())
}

// Flags of tickets that others than the rules write.
const (
	// FlagPossibleDuplicate is on both of two tickets that are perhaps about the same thing.
	FlagPossibleDuplicate = "possible_duplicate"
	// FlagEvidenceLost is on a ticket whose promised photos will not come any more: the phone is lost, or wiped.
	FlagEvidenceLost = "evidence_lost"
	// FlagRetake is on a ticket whose photos have to be taken again: a completion needs a new one, and a proof of its place.
	FlagRetake = "retake"
)

// DuplicateQuestion is row 21: the hint that two tickets are perhaps about the same thing, for a person to decide: a question about the one that was reported
// later, and a mark on both. At is the moment of finding it, microseconds since 1970. Written again it changes nothing; it is pure.
func DuplicateQuestion(a, b *roundsv1.Change, at int64) []engine.Derived {
	first, second := a, b
	if t, u := a.GetRecord().GetTicket().GetReportedTimeUs(), b.GetRecord().GetTicket().GetReportedTimeUs(); t > u || t == u && a.GetRecordId() > b.GetRecordId() {
		first, second = b, a
	}
	side := func(c *roundsv1.Change) *roundsv1.Side {
		t := c.GetRecord().GetTicket()
		return &roundsv1.Side{Record: refTo(c), PersonId: t.GetReporterId(), TimeUs: t.GetReportedTimeUs(), Sentence: &roundsv1.Text{
			Zh: "工单:" + t.GetTitle(), En: "Ticket: " + t.GetTitle()}}
	}
	sides := []*roundsv1.Side{side(first), side(second)}
	list := []engine.Derived{QuestionOf(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, Subject: refTo(second),
		OpenedTimeUs: at, Sides: sides}, questionKey(second.GetRecordId(), 0, sides))}
	return append(list, slices.Concat(marked(first, FlagPossibleDuplicate), marked(second, FlagPossibleDuplicate))...)
}

// EvidenceLost is row 36: what to write when promised photos of a ticket will not come: a question to the foreman, who has them taken again or asks for a forced
// closure, and a mark. The photos stay listed in the manifests. Person is who promised them; at is the moment, microseconds since 1970. It is pure.
func EvidenceLost(ticket *roundsv1.Change, person string, photos []string, at int64) []engine.Derived {
	sides := []*roundsv1.Side{{Record: refTo(ticket), PersonId: person, TimeUs: at, Sentence: &roundsv1.Text{
		Zh: "手机丢失或已清除,承诺的照片不会再到达。", En: "The phone is lost or wiped: the photos that it promised will not come."}}}
	for _, id := range photos {
		if len(sides) < maxSides {
			sides = append(sides, &roundsv1.Side{Record: &roundsv1.RecordRef{Kind: string(kindPhoto), Id: id}, PersonId: person, Sentence: &roundsv1.Text{
				Zh: "承诺的照片。", En: "A promised photo."}})
		}
	}
	round := ticket.GetRecord().GetTicket().GetRound()
	question := QuestionOf(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST, Subject: refTo(ticket), OpenedTimeUs: at, Sides: sides},
		questionKey(ticket.GetRecordId(), round, nil))
	return append([]engine.Derived{question}, marked(ticket, FlagEvidenceLost)...)
}

func refTo(c *roundsv1.Change) *roundsv1.RecordRef {
	return &roundsv1.RecordRef{Kind: string(kindTicket), Id: c.GetRecordId()}
}

// marked is a flag more on a ticket, or nothing where it has it.
func marked(c *roundsv1.Change, flag string) []engine.Derived {
	flags := c.GetRecord().GetTicket().GetFlags()
	if slices.Contains(flags, flag) || len(flags) >= maxFlags {
		return nil
	}
	return []engine.Derived{{RecordID: c.GetRecordId(), Edit: &roundsv1.Edit{Fields: []uint32{ticketFlags}, Record: &roundsv1.Record{
		Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Flags: append(slices.Clone(flags), flag)}}}}}}
}
