package work

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
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
	// FlagEvidenceLost is on a ticket or an inspection round whose promised photos did not come in the time that its site gives them: the phone is lost, or wiped, perhaps.
	// It goes when they come after all, and with the round.
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
			Zh: "工单：" + t.GetTitle(), En: "Ticket: " + t.GetTitle()}}
	}
	sides := []*roundsv1.Side{side(first), side(second)}
	list := []engine.Derived{QuestionOf(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, Subject: refTo(second),
		OpenedTimeUs: at, Sides: sides, Sentence: alike(first.GetRecord().GetTicket(), second.GetRecord().GetTicket())}, questionKey(second.GetRecordId(), 0, sides))}
	return append(list, slices.Concat(marked(first, FlagPossibleDuplicate), marked(second, FlagPossibleDuplicate))...)
}

// alike asks whether two tickets are the same, and says what of them is: beside the category the place, its tag, the words, and the photos that both name.
func alike(a, b *roundsv1.Ticket) *roundsv1.Text {
	zh, en := []string{"类别"}, []string{"the category"}
	say := func(same bool, z, e string) {
		if same {
			zh, en = append(zh, z), append(en, e)
		}
	}
	at, also := a.GetLocation(), b.GetLocation()
	same := func(x, y string) bool {
		x, y = strings.TrimSpace(x), strings.TrimSpace(y)
		return x != "" && strings.EqualFold(x, y)
	}
	const scanned = roundsv1.LocationSource_LOCATION_SOURCE_TAG
	onPlace := same(at.GetPlaceId(), also.GetPlaceId())
	say(onPlace, "地点", "the place")
	say(onPlace && at.GetSource() == scanned && also.GetSource() == scanned, "扫描的标签", "the tag that was scanned")
	say(same(at.GetWords(), also.GetWords()), "地点描述", "the place in words")
	say(same(a.GetTitle(), b.GetTitle()), "标题", "the title")
	say(same(a.GetCustomerWords(), b.GetCustomerWords()), "客户原话", "the customer's words")
	say(slices.ContainsFunc(a.GetOrigin().GetPhotoIds(), func(id string) bool { return slices.Contains(b.GetOrigin().GetPhotoIds(), id) }), "照片", "a photo")
	return &roundsv1.Text{Zh: "这两张工单可能是同一件事（相同：" + strings.Join(zh, "、") + "），请合并或分别保留。",
		En: "These two tickets may be about the same thing (alike: " + strings.Join(en, ", ") + "); merge one into the other, or keep both."}
}

// EvidenceLost is row 36: what to write when promised photos of a ticket or an inspection round do not come: a question to the foreman, who has them taken again or asks
// for a forced closure, with a side for each who reported the work as done and for each photo that is not here; and the mark of the record, "" where every photo that it
// names is here, so that it waits for something else. The photos stay listed. Sentence is what is asked, nil for what is asked of every such record; at is the
// moment, microseconds since 1970. lookup reads another record of the scope, nil where there is none; its error is returned. It is pure but for lookup.
func EvidenceLost(record *roundsv1.Change, lookup func(merge.Kind, merge.RecordID) (*roundsv1.Change, error), sentence *roundsv1.Text, at int64) (
	question engine.Derived, mark string, err error,
) {
	about, t, i := refTo(record), record.GetRecord().GetTicket(), record.GetRecord().GetInspection()
	round := max(t.GetRound(), i.GetRound())
	var sides []*roundsv1.Side
	for _, c := range slices.Concat(t.GetCompletions(), i.GetCompletions()) {
		if c.GetRound() == round && len(sides) < maxSides {
			sides = append(sides, &roundsv1.Side{Record: about, PersonId: c.GetPersonId(), TimeUs: c.GetTimeUs(), Sentence: &roundsv1.Text{
				Zh: fmt.Sprintf("已报完工，承诺 %d 张照片。", len(c.GetPhotoIds())), En: fmt.Sprintf("Reported it as done, with %d photos.", len(c.GetPhotoIds()))}})
		}
	}
	for _, id := range ShownPhotos(record) {
		change, err := lookup(kindPhoto, merge.RecordID(id))
		if err != nil {
			return engine.Derived{}, "", err
		}
		if !absent(change.GetRecord().GetPhoto()) {
			continue
		}
		if mark = FlagEvidenceLost; len(sides) < maxSides {
			by := writer(change, photoSubject)
			sides = append(sides, &roundsv1.Side{Record: &roundsv1.RecordRef{Kind: string(kindPhoto), Id: id}, PersonId: by.GetPersonId(), DeviceId: by.GetDeviceId(),
				TimeUs: cmp.Or(by.GetTimeUs(), at), Sentence: &roundsv1.Text{Zh: "承诺的照片，尚未到达。", En: "A promised photo that has not come."}})
		}
	}
	return QuestionOf(&roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_EVIDENCE_LOST, Subject: about, OpenedTimeUs: at, Sides: sides, Sentence: sentence},
		questionKey(record.GetRecordId(), round, nil)), mark, nil
}

// absent: whether the bytes of a photo are not in storage: it is promised, in sight or not, or nobody has heard of it.
func absent(photo *roundsv1.Photo) bool {
	switch photo.GetState() {
	case roundsv1.PhotoState_PHOTO_STATE_UNSPECIFIED, roundsv1.PhotoState_PHOTO_STATE_DECLARED, roundsv1.PhotoState_PHOTO_STATE_UPLOADING:
		return true
	}
	return false
}

func refTo(c *roundsv1.Change) *roundsv1.RecordRef {
	kind, _ := merge.KindOf(c.GetRecord())
	return &roundsv1.RecordRef{Kind: string(kind), Id: c.GetRecordId()}
}

// marked is a flag more on a ticket, or nothing where it has it.
func marked(c *roundsv1.Change, flag string) []engine.Derived {
	flags := c.GetRecord().GetTicket().GetFlags()
	if slices.Contains(flags, flag) || len(flags) >= maxFlags {
		return nil
	}
	return []engine.Derived{{RecordID: merge.RecordID(c.GetRecordId()), Edit: &roundsv1.Edit{Fields: []uint32{ticketFlags}, Record: &roundsv1.Record{
		Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Flags: append(slices.Clone(flags), flag)}}}}}}
}
