package work_test

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// TestWhatWaits: the question about a mutation that waits says what that is, on every phone, in both languages and bounded, beside what stands against it.
func TestWhatWaits(t *testing.T) {
	began := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC) // 8 o'clock where most sites are
	clock := func(at time.Time) *roundsv1.Clock {
		return &roundsv1.Clock{WallUs: at.UnixMicro(), BootId: "b", MonotonicUs: at.UnixMicro()}
	}
	ticket := func(t *roundsv1.Ticket) *roundsv1.Fact { return &roundsv1.Fact{Record: ticketRecord(t)} }
	on := &roundsv1.RecordRef{Kind: "ticket", Id: uid("the ticket")}
	submit := &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{SubmitCompletion: &roundsv1.TicketSubmit{Round: 1,
		PhotoIds: []string{uid("p1"), uid("p2")}}}}
	long := strings.Repeat("漏水 ", 3000)
	for name, test := range map[string]struct {
		kind   merge.Kind
		act    any
		zh, en []string
	}{
		"a photo": {"photo", &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: on, Round: 1,
			Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, Source: roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY}}}},
			[]string{"完工照片", "第1轮", "来自相册"}, []string{"A photo of the finished work, round 1, from the gallery (photo " + uid("it")[28:] + ")."}},
		"a remark":      {"comment", remark(on.GetId(), "called Li"), []string{"备注：「called Li」"}, []string{"A remark: “called Li”."}},
		"a long remark": {"comment", remark(on.GetId(), long), []string{"漏水 漏水", "…」"}, []string{"…”."}},
		"a reading": {"ticket", ticket(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Quantity: "outlet pressure", Value: 3.2, Unit: "bar"}}}),
			[]string{"读数「outlet pressure」：3.2 bar"}, []string{"A reading of outlet pressure: 3.2 bar."}},
		"a scan": {"ticket", ticket(&roundsv1.Ticket{Scans: []*roundsv1.Scan{{Payload: "rounds:1:pump room:abcdefghijklmnop"}}}),
			[]string{"扫码「rounds:1:pump r…」"}, []string{"A scan of tag “rounds:1:pump r…”."}},
		"a scan of a place": {"inspection", &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
			Visits: []*roundsv1.Scan{{Payload: "secret", CheckpointId: uid("pump room")}}}}}}, []string{"扫码「水泵房」"}, []string{"A scan of tag “pump room”."}},
		"labour": {"ticket", ticket(&roundsv1.Ticket{Labour: []*roundsv1.Labour{{Started: clock(began), Ended: clock(began.Add(90 * time.Minute))}}}),
			[]string{"工时 2026-07-01 08:00–09:30（手机时间，UTC+8）", "共90分钟"}, []string{"Labour 2026-07-01 08:00–09:30 (the phone's clock, UTC+8), 90 minutes"}},
		"answers": {"ticket", ticket(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"dry": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL, Note: "wet", PhotoIds: []string{"p"}},
			"lock": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS}}}), []string{"检查项「dry」：不合格", "「wet」", "检查项「lock」：合格"},
			[]string{"Item “dry”: failed, photos: 1: “wet”; item “lock”: passed."}},
		"many": {"ticket", ticket(&roundsv1.Ticket{Readings: make([]*roundsv1.Reading, 900)}), []string{"另有896项"}, []string{"and 896 more"}},
		"a completion": {"ticket", submit, []string{"报完工，第1轮，照片2张。"},
			[]string{"Completion of round 1, photos: 2."}},
		"an approval": {"ticket", &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Approve{
			Approve: &roundsv1.TicketApprove{Round: 2}}}, []string{"确认，第2轮。"}, []string{"Approval of round 2."}},
		"an edit":                  {"ticket", &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{ContactPhone: "13900000000"}), Fields: []uint32{15}}, []string{"共1个字段"}, []string{"fields: 1"}},
		"nothing that can be read": {"", nil, []string{"无法读取"}, []string{"cannot read"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := &roundsv1.Mutation{RecordId: uid("it")}
			if test.act != nil {
				m = mutation(uid("it"), test.act)
			}
			here := world{uid("pump room"): {Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Name: &roundsv1.Text{Zh: "水泵房", En: "pump room"}}}}}
			c := &roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT, PersonId: uid("x"), DeviceId: "d", OpenedTimeUs: 1000, JournalSeq: 7,
				Subject: &roundsv1.RecordRef{Kind: string(test.kind), Id: uid("it")}}
			plainRules().Complete(c, engine.Case{Kind: test.kind, Mutation: m, Person: engine.PersonID(uid("x")), Lookup: here.lookup})
			if len(c.GetSides()) != 2 {
				t.Fatalf("%d sides: %v", len(c.GetSides()), c)
			}
			stands, waits := c.GetSides()[0], c.GetSides()[1]
			if stands.GetPersonId() != "" || !strings.Contains(stands.GetSentence().GetEn(), "no right") || stands.GetSentence().GetZh() == "" {
				t.Errorf("what stands against it: %v", stands)
			}
			if waits.GetPersonId() != uid("x") || waits.GetTimeUs() != 1000 || waits.GetJournalSeq() != 7 || waits.GetRecord().GetId() != uid("it") {
				t.Errorf("what waits: %v", waits)
			}
			if strings.HasPrefix(string(test.kind), "photo") && stands.GetRecord().GetId() != on.GetId() {
				t.Errorf("it is about %v", stands.GetRecord())
			}
			for _, want := range test.zh {
				if !strings.Contains(waits.GetSentence().GetZh(), want) {
					t.Errorf("%q lacks %q", waits.GetSentence().GetZh(), want)
				}
			}
			for _, want := range test.en {
				if !strings.Contains(waits.GetSentence().GetEn(), want) {
					t.Errorf("%q lacks %q", waits.GetSentence().GetEn(), want)
				}
			}
			for _, text := range []string{waits.GetSentence().GetZh(), waits.GetSentence().GetEn()} {
				if utf8.RuneCountInString(text) > 1000 || strings.Contains(text, "13900000000") || strings.Contains(text, "secret") {
					t.Errorf("it says too much: %q", text)
				}
			}
		})
	}
}

// TestWhatStandsAgainst: the other side is the state that stood against what waits, with who brought it about and when.
func TestWhatStandsAgainst(t *testing.T) {
	at := time.UnixMicro(5_000_000)
	stands := change(ticketRecord(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_CANCELLED}))
	stands.TimeUs = 77
	deleted := change(ticketRecord(&roundsv1.Ticket{}))
	deleted.Deleted, deleted.TimeUs = true, 77
	for name, test := range map[string]struct {
		of      roundsv1.ConflictType
		current *roundsv1.Change
		roles   []roundsv1.Role
		says    string
		time    bool
	}{
		"no role":   {roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT, stands, nil, "no right here", false},
		"a role":    {roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT, stands, []roundsv1.Role{resident}, "role", false},
		"no record": {roundsv1.ConflictType_CONFLICT_TYPE_NO_RECORD, nil, nil, "not on the server yet", false},
		"deleted":   {roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN, deleted, nil, "deleted", true},
		"cancelled": {roundsv1.ConflictType_CONFLICT_TYPE_COMMAND, stands, nil, "The ticket is cancelled.", true},
	} {
		c := &roundsv1.Conflict{Type: test.of, PersonId: uid("x"), Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("it")}}
		plainRules().Complete(c, engine.Case{Kind: "ticket", Current: test.current, Roles: test.roles, Time: at, Mutation: mutation(uid("it"), labour("X"))})
		side := c.GetSides()[0]
		if !strings.Contains(side.GetSentence().GetEn(), test.says) || side.GetSentence().GetZh() == "" || (side.GetTimeUs() != 0) != test.time {
			t.Errorf("%s: %v", name, side)
		}
	}
}

// TestWhatWaitsIsNotQuotedAfterAnErasure: who still had before their eyes what was erased since may say it again. That waits, unquoted; and when the waiting remark itself is
// erased, the question forgets it, on phones too.
func TestWhatWaitsIsNotQuotedAfterAnErasure(t *testing.T) {
	const orphan = roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN
	w := newTown(t, "light")
	w.x.sync()
	first := w.x.do(uid("remark"), remark(w.id, "Li in 7-302"))
	if err := w.engine.Redact(context.Background(), siteScope, "ticket", merge.RecordID(w.id), []uint32{1}, "asked for by the household"); err != nil {
		t.Fatal(err)
	}
	w.x.sync()
	question := w.x.parked(first, orphan)
	w.chief.sync()
	side := w.chief.replica[question].GetRecord().GetConflict().GetSides()[1]
	if en := side.GetSentence().GetEn(); strings.Contains(en, "Li") || !strings.Contains(en, "A remark (11 characters, not shown") {
		t.Errorf("it says %q", en)
	}

	// A role that may not, and what is erased while it waits.
	w.roles[w.y.person] = []roundsv1.Role{roundsv1.Role_ROLE_AUDITOR}
	second := w.y.do(uid("other remark"), remark(uid("another ticket"), "Wang in 9-101"))
	w.y.sync()
	question = w.y.parked(second, roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT)
	w.chief.sync()
	if en := w.chief.replica[question].GetRecord().GetConflict().GetSides()[1].GetSentence().GetEn(); en != "A remark: “Wang in 9-101”." {
		t.Errorf("it says %q", en)
	}
	if err := w.engine.Redact(context.Background(), siteScope, "comment", merge.RecordID(uid("other remark")), []uint32{2}, "asked for"); err != nil {
		t.Fatal(err)
	}
	w.chief.sync()
	if c := w.chief.replica[question].GetRecord().GetConflict(); strings.Contains(c.String(), "Wang") || c.GetPersonId() == "" || c.GetState() != openState {
		t.Errorf("after the erasure: %v", c)
	}
}
