package work_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// TestRow08_OlderRoundIsSaid: a photo of a round before the one that its ticket is in says so in its outcome, whoever took it; one of this round does not, nor one that
// names no round, or one that there is not yet.
func TestRow08_OlderRoundIsSaid(t *testing.T) {
	for _, approvers := range [][]string{nil, {uid("me")}} { // who asks for a closure by force is named before it is closed
		for round, want := range map[uint32]bool{0: false, 1: true, 2: true, 3: false, 4: false} {
			c := caseOf("photo", nil, shot(uid("it"), round), false)
			c.Lookup = world{uid("it"): ticketRecord(&roundsv1.Ticket{State: stateDone, Round: 3, ApproverIds: approvers})}.lookup
			v := plainRules().Judge(c)
			if got := slices.Contains(v.Flags, "older_round"); v.Problem != nil || got != want {
				t.Errorf("of round %d, in the third: %v, %v", round, v.Flags, v.Problem)
			}
		}
	}
}

// TestHidingSaysWhy: whoever takes a photo or a remark out of sight says why, whether the edit names its fields or not; what else is edited needs no reason, nor does
// showing it again.
func TestHidingSaysWhy(t *testing.T) {
	const missing = codeMissing
	hidden := func(reason string) *roundsv1.Hidden { return &roundsv1.Hidden{Reason: reason} }
	for _, test := range []struct {
		name   string
		hidden *roundsv1.Hidden
		masked bool // only the field that hides is meant
		other  bool // only another field is
		want   roundsv1.ProblemCode
	}{
		{"without a reason", hidden(""), false, false, missing},
		{"without a reason, that field alone", hidden(""), true, false, missing},
		{"with one", hidden("a face"), false, false, 0},
		{"with one, that field alone", hidden("a face"), true, false, 0},
		{"nothing", nil, false, false, 0},
		{"shown again", nil, true, false, 0},
		{"another field, of a record that says hidden", hidden(""), false, true, 0},
	} {
		photo := &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Hidden: test.hidden}}}
		words := &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{Hidden: test.hidden}}}
		for kind, of := range map[string]struct {
			current, edit *roundsv1.Record
			hides, other  uint32
		}{"photo": {photoRecord(1), photo, 16, 14}, "comment": {remark(uid("record"), "wet").GetRecord(), words, 5, 3}} {
			edit := &roundsv1.Edit{Record: of.edit}
			switch {
			case test.masked:
				edit.Fields = []uint32{of.hides}
			case test.other:
				edit.Fields = []uint32{of.other}
			}
			c := caseOf(merge.Kind(kind), change(of.current), edit, true)
			if v := plainRules().Judge(c); v.Problem.GetCode() != test.want {
				t.Errorf("%s of a %s: %v", test.name, kind, v.Problem)
			}
		}
	}
}

// early is a case of a photo that comes to a scope of these records, and what is kept of it there as long as its ticket or round is not.
func early(w world, changes ...func(*roundsv1.Photo)) engine.Case {
	c := caseOf("photo", nil, shot(uid("to come"), 1, changes...), false)
	c.Lookup = w.lookup
	return c
}

// TestEarlyPhotosAreKept: of a photo that is here before its ticket or its round its taker and its id are kept, as far as they will be written there; once, and for no
// other records.
func TestEarlyPhotosAreKept(t *testing.T) {
	about := func(kind, id string) func(*roundsv1.Photo) {
		return func(p *roundsv1.Photo) { p.Subject = &roundsv1.RecordRef{Kind: kind, Id: id} }
	}
	first := plainRules().Judge(early(world{}))
	if len(first.Derived) != 1 {
		t.Fatalf("%+v", first)
	}
	notice := string(first.Derived[0].RecordID)
	kept := func(people []string, photos ...string) world {
		return world{notice: {Kind: &roundsv1.Record_Notice{Notice: &roundsv1.Notice{PersonIds: people, PhotoIds: photos}}}}
	}
	me, record := []string{uid("me")}, uid("record")
	of := func(kind string) *roundsv1.RecordRef { return &roundsv1.RecordRef{Kind: kind, Id: uid("to come")} }
	for _, test := range []struct {
		name   string
		make   engine.Case
		about  *roundsv1.RecordRef // nil: nothing is kept
		people []string
		photos []string
	}{
		{"of a ticket", early(world{}), of("ticket"), me, []string{record}},
		{"of a round", early(world{}, about("inspection", uid("to come"))), of("inspection"), me, nil},
		{"of another kind of record", early(world{}, about("place", uid("to come"))), nil, nil, nil},
		{"of no record", early(world{}, about("ticket", "")), nil, nil, nil},
		{"of a ticket that is here", early(world{uid("to come"): ticketRecord(&roundsv1.Ticket{State: stateTriaged})}), nil, nil, nil},
		{"a second one", early(kept(me, uid("other"))), nil, nil, nil},
		{"the first of somebody else's", early(kept([]string{uid("x")}, uid("other"))), of("ticket"), []string{uid("x"), uid("me")}, []string{uid("other")}},
		{"one from before, beside another", early(kept(me, uid("other")), asBefore), of("ticket"), me, []string{uid("other"), record}},
		{"one from before, beside fifteen", early(kept(me, crowdOf(15)...), asBefore), of("ticket"), me, append(crowdOf(15), record)},
		{"one from before, beside sixteen", early(kept(me, crowdOf(16)...), asBefore), nil, nil, nil},
	} {
		v := plainRules().Judge(test.make)
		v.Derived = slices.DeleteFunc(v.Derived, func(d engine.Derived) bool { return d.Edit.GetRecord().GetNotice() == nil })
		if v.Problem != nil || len(v.Derived) > 1 || (len(v.Derived) == 1) != (test.about != nil) {
			t.Errorf("%s: %v, writes %v", test.name, v.Problem, v.Derived)
			continue
		}
		if test.about == nil {
			continue
		}
		got := v.Derived[0].Edit.GetRecord().GetNotice()
		if got.GetSubject().GetKind() != test.about.GetKind() || got.GetSubject().GetId() != test.about.GetId() || !slices.Equal(got.GetPersonIds(), test.people) ||
			!slices.Equal(got.GetPhotoIds(), test.photos) || string(v.Derived[0].RecordID) != notice {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	blind := early(nil)
	if blind.Lookup = nil; len(plainRules().Judge(blind).Derived) > 0 {
		t.Error("where nothing can be looked up it was taken for early")
	}
}

// TestEarlyPhotoThatIsGone: of photos that were here before their ticket one that is not here any more is not among those of the ticket.
func TestEarlyPhotoThatIsGone(t *testing.T) {
	first := early(world{}, asBefore)
	notice := plainRules().Judge(first).Derived[0]
	for _, here := range []bool{true, false} {
		w := world{string(notice.RecordID): notice.Edit.GetRecord()}
		if here {
			w[uid("record")] = photoRecord(1, asBefore)
		}
		c := caseOf("ticket", nil, &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "a lamp is out", Channel: roundsv1.Channel_CHANNEL_PATROL,
			Location: &roundsv1.Location{PlaceId: uid("B2"), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}})}, false)
		c.Mutation.RecordId, c.Lookup = uid("to come"), w.lookup
		v := work.New(work.Config{}).Judge(c)
		made := v.Effect.GetRecord().GetTicket()
		if v.Problem != nil || slices.Contains(made.GetFlags(), "no_photo") == here || slices.Contains(made.GetShownPhotoIds(), uid("record")) != here || made.GetBeforePhoto() != here {
			t.Errorf("here %v: %v, %v", here, v.Problem, made)
		}
	}
}
