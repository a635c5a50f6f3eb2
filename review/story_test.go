package review_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
)

func (w *world) story(caller engine.Caller, req *roundsv1.StoryRequest) []*roundsv1.StoryEntry {
	w.t.Helper()
	req.Scope = string(site)
	var all []*roundsv1.StoryEntry
	for {
		resp, err := w.service.Story(w.t.Context(), caller, req)
		if err != nil {
			w.t.Fatal(err)
		}
		if (resp.GetRow() != nil) != (req.GetPageToken() == "") {
			w.t.Fatal("the record comes with the first page only")
		}
		all = append(all, resp.GetEntries()...)
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			return all
		}
	}
}

func doings(entries []*roundsv1.StoryEntry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.GetRecord().GetKind()+" "+e.GetOperation())
	}
	return all
}

// TestStory: what was done to a ticket and to what belongs to it, in both orders, page by page, with what it replaced and what became of it.
func TestStory(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	w.write(site, made(uid("boss"), staff("陈经理")))
	id := uid("t")
	base := func() journal.Seq {
		c, err := w.engine.Record(t.Context(), site, "ticket", merge.RecordID(id))
		if err != nil {
			t.Fatal(err)
		}
		return journal.Seq(c.GetVersion())
	}
	w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: ticket(&roundsv1.Ticket{Title: "leak", Tags: []string{"a"}})}})
	w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(id), Base: base(), Edit: &roundsv1.Edit{Record: ticket(&roundsv1.Ticket{Title: "big leak"}), Fields: []uint32{1, 2}}})
	w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(uid("c")), Fact: &roundsv1.Fact{Record: comment(&roundsv1.Comment{Subject: of("ticket", id), Words: "look"})}})
	w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(id), Base: base(), Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: &roundsv1.TicketCommand{
		Command: &roundsv1.TicketCommand_Approve{Approve: &roundsv1.TicketApprove{Round: 1}}}}}})
	w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(id), Base: base(), Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: &roundsv1.TicketCommand{
		Command: &roundsv1.TicketCommand_Escalate{Escalate: &roundsv1.TicketEscalate{Reason: "twice"}}}}}})
	w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(id), Base: base(), Edit: &roundsv1.Edit{Record: ticket(&roundsv1.Ticket{Title: "burst"}), Fields: []uint32{1}}})

	ref := of("ticket", id)
	all := slices.DeleteFunc(w.story(boss, &roundsv1.StoryRequest{Record: ref, PageSize: 2}), func(e *roundsv1.StoryEntry) bool {
		return e.GetType() == roundsv1.EntryType_ENTRY_TYPE_DERIVED // what the rules make of it is theirs
	})
	same(t, "the story", doings(all), []string{"ticket create", "ticket edit", "comment add", "ticket approve", "ticket escalate", "ticket edit"})
	for i, e := range all {
		if e.GetType() != roundsv1.EntryType_ENTRY_TYPE_DESK || e.GetPersonId() != uid("boss") || e.GetTrust() != roundsv1.Trust_TRUST_A ||
			e.GetTakenUs() == 0 || e.GetTimeUs() == 0 || i > 0 && e.GetTimeUs() <= all[i-1].GetTimeUs() || len(e.GetRoles()) == 0 {
			t.Errorf("entry %v", e)
		}
		if !strings.HasPrefix(e.GetSentence().GetZh(), "陈经理 ") || e.GetSentence().GetEn() == "" {
			t.Errorf("sentence %v", e.GetSentence())
		}
	}
	if e := all[1]; !slices.Equal(e.GetReplacedFields(), []uint32{1}) || e.GetReplaced().GetTicket().GetTitle() != "leak" {
		t.Errorf("what the first edit replaced: %v %v", e.GetReplacedFields(), e.GetReplaced())
	}
	if e := all[5]; e.GetReplaced().GetTicket().GetTitle() != "big leak" || len(e.GetReplaced().GetTicket().GetTags()) > 0 {
		t.Errorf("what the second edit replaced: %v %v", e.GetReplacedFields(), e.GetReplaced())
	}
	if e := all[3]; e.GetOutcome().GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED || !strings.Contains(e.GetSentence().GetEn(), " (refused; the sender was told: “") ||
		!strings.Contains(e.GetSentence().GetZh(), "（被拒绝；提交人收到的说明：「") {
		t.Errorf("a refused command: %v", e)
	}
	if e := all[4]; !strings.Contains(e.GetSentence().GetZh(), "twice") {
		t.Errorf("a reason: %v", e.GetSentence())
	}
	newest := w.story(boss, &roundsv1.StoryRequest{Record: ref, PageSize: 3, NewestFirst: true})
	oldest := w.story(boss, &roundsv1.StoryRequest{Record: ref})
	slices.Reverse(newest)
	same(t, "newest first, turned around", doings(newest), doings(oldest))
	alone := w.story(boss, &roundsv1.StoryRequest{Record: ref, RecordAlone: true, ByArrival: true})
	for i, e := range alone {
		if e.GetRecord().GetKind() != "ticket" || i > 0 && e.GetSeq() <= alone[i-1].GetSeq() {
			t.Errorf("the ticket alone by arrival: %v", e)
		}
	}
	_, err := w.service.Story(t.Context(), boss, &roundsv1.StoryRequest{Scope: string(site), Record: of("ticket", uid("none"))})
	fails(t, err, engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD)
	for _, bad := range []*roundsv1.RecordRef{nil, of("ticket", "x"), of("nothing", id)} {
		_, err = w.service.Story(t.Context(), boss, &roundsv1.StoryRequest{Scope: string(site), Record: bad})
		fails(t, err, engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD)
	}
}

// TestStoryOfLateThings: what arrives late is told where it happened, or by arrival where it came.
func TestStoryOfLateThings(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	id := uid("t")
	w.write(site, made(id, ticket(&roundsv1.Ticket{Title: "t"})))
	w.pass(time.Hour)
	w.write(site, changed(id, ticket(&roundsv1.Ticket{Title: "u"}), 1))
	all := w.story(boss, &roundsv1.StoryRequest{Record: of("ticket", id)})
	if len(all) != 2 || all[0].GetType() != roundsv1.EntryType_ENTRY_TYPE_DERIVED || all[0].GetPersonId() != "" || all[1].GetReplaced().GetTicket().GetTitle() != "t" {
		t.Errorf("what the server wrote: %v", all)
	}
	if !strings.HasPrefix(all[1].GetSentence().GetZh(), "系统 修改标题") || !strings.HasPrefix(all[1].GetSentence().GetEn(), "The server changed title") {
		t.Errorf("sentence %v", all[1].GetSentence())
	}
}

// TestStoryNamesWhatElseIsChanged: what the server writes in a ticket's photo is told of the photo, by name, and not as if it were of the ticket; in the photo's own
// story it is of that.
func TestStoryNamesWhatElseIsChanged(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	id, shot := uid("t"), uid("p")
	w.write(site, made(id, ticket(&roundsv1.Ticket{Title: "t"})))
	w.write(site, made(shot, photo(&roundsv1.Photo{Subject: of("ticket", id)})))
	w.write(site, changed(shot, photo(&roundsv1.Photo{State: roundsv1.PhotoState_PHOTO_STATE_STORED}), 40))
	short := shot[len(shot)-8:]
	for _, test := range []struct {
		of     *roundsv1.RecordRef
		zh, en string
	}{
		{of("ticket", id), "系统 修改照片 " + short + " 的状态", "The server changed photo " + short + ": state"},
		{of("photo", shot), "系统 修改状态", "The server changed state"},
	} {
		all := w.story(boss, &roundsv1.StoryRequest{Record: test.of})
		says := all[len(all)-1].GetSentence()
		if !strings.HasPrefix(says.GetZh(), test.zh) || !strings.HasPrefix(says.GetEn(), test.en) {
			t.Errorf("of %s: %v", test.of.GetKind(), says)
		}
	}
}

// TestStoryNamesEveryField: whatever the server writes in a ticket, a round or a question has a name that people read in Chinese, too.
func TestStoryNamesEveryField(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	for kind, record := range map[merge.Kind]*roundsv1.Record{"ticket": ticket(&roundsv1.Ticket{}), "inspection": inspection(&roundsv1.Inspection{}),
		"conflict": conflict(&roundsv1.Conflict{}), "photo": photo(&roundsv1.Photo{}), "comment": comment(&roundsv1.Comment{})} {
		id := uid(string(kind))
		w.write(site, made(id, record))
		fields := record.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(kind)).Message().Fields()
		for i := range fields.Len() {
			something(record.ProtoReflect().Mutable(record.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(kind))).Message(), fields.Get(i))
			w.write(site, changed(id, record, uint32(fields.Get(i).Number())))
		}
		all := w.story(boss, &roundsv1.StoryRequest{Record: of(kind, id), RecordAlone: true})
		if len(all) < fields.Len()/2 {
			t.Fatalf("%s: %d entries", kind, len(all))
		}
		for _, entry := range all {
			// An item of a checklist that nobody has is called by its code, in quotes.
			if told := regexp.MustCompile("「.*?」").ReplaceAllString(entry.GetSentence().GetZh(), ""); strings.ContainsAny(told, "abcdefghijklmnopqrstuvwxyz") {
				t.Errorf("%s: %s", kind, told)
			}
		}
	}
}

// something sets a field to a value that it does not have of itself.
func something(m protoreflect.Message, field protoreflect.FieldDescriptor) {
	scalar := map[protoreflect.Kind]protoreflect.Value{
		protoreflect.StringKind: protoreflect.ValueOfString(uid("some")), protoreflect.BytesKind: protoreflect.ValueOfBytes([]byte{1}),
		protoreflect.BoolKind: protoreflect.ValueOfBool(true), protoreflect.EnumKind: protoreflect.ValueOfEnum(1), protoreflect.Uint32Kind: protoreflect.ValueOfUint32(1),
		protoreflect.Uint64Kind: protoreflect.ValueOfUint64(1), protoreflect.Int32Kind: protoreflect.ValueOfInt32(1), protoreflect.Int64Kind: protoreflect.ValueOfInt64(1),
		protoreflect.DoubleKind: protoreflect.ValueOfFloat64(1),
	}[field.Kind()]
	switch {
	case field.IsMap():
		entries := m.Mutable(field).Map()
		entries.Set(protoreflect.ValueOfString("some").MapKey(), entries.NewValue())
	case field.IsList() && scalar.IsValid():
		m.Mutable(field).List().Append(scalar)
	case field.IsList():
		one := m.Mutable(field).List().AppendMutable().Message()
		if id := one.Descriptor().Fields().ByName("id"); id != nil {
			one.Set(id, protoreflect.ValueOfString(uid("some")))
		}
	case scalar.IsValid():
		m.Set(field, scalar)
	default:
		m.Mutable(field)
	}
}
