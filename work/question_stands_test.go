package work_test

import (
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/policy"
)

// TestWhoTookTheRightAway: rows 32 and 33. The question about what was done without a right says what took the right away, who did that and when.
func TestWhoTookTheRightAway(t *testing.T) {
	const trustA, trustB = roundsv1.Trust_TRUST_A, roundsv1.Trust_TRUST_B
	boss, since := engine.PersonID(uid("boss")), time.UnixMicro(7_000_000)
	for name, test := range map[string]struct {
		loss   work.Loss
		trust  roundsv1.Trust
		roles  []roundsv1.Role
		at     time.Time
		by     engine.PersonID
		zh, en []string
	}{
		"suspended": {work.Loss{Cause: work.LostSuspended, By: boss, Since: since}, trustA, nil, since, boss,
			[]string{"被停用"}, []string{"The person who sent this was suspended from that time on."}},
		"suspended, by a doubtful clock": {work.Loss{Cause: work.LostSuspended, By: boss, Since: since}, trustB, nil, since.Add(-time.Hour), boss,
			[]string{"被停用", "手机时间不能确定"}, []string{"suspended", "may have been done before"}},
		"suspended, nobody knows by whom": {work.Loss{Cause: work.LostSuspended, Since: since}, trustA, nil, since, "", []string{"被停用"}, []string{"suspended"}},
		"a lost phone": {work.Loss{Cause: work.LostPhone, By: boss, Since: since}, trustB, nil, since, boss,
			[]string{"该手机已作为丢失停用。"}, []string{"The phone was revoked as lost."}},
		"deleted": {work.Loss{Cause: work.LostPerson, By: boss, Since: since}, trustA, nil, since, boss, []string{"已被删除"}, []string{"deleted"}},
		"a role that ended": {work.Loss{Cause: work.LostRole, By: boss, Since: since, Role: worker}, trustA, nil, since, boss,
			[]string{"「员工」角色自该时间起终止"}, []string{"The role of worker that this person had here ended"}},
		"one role of two": {work.Loss{Cause: work.LostRole, By: boss, Since: since, Role: foreman}, trustA, []roundsv1.Role{resident}, since, boss,
			[]string{"提交人当时的角色（住户）", "「班长」"}, []string{"In the role that this person had then (resident)", "The role of foreman"}},
		"a role that may not": {work.Loss{}, trustA, []roundsv1.Role{resident}, since, "", []string{"住户"}, []string{"(resident) this may not be done"}},
		"never a right":       {work.Loss{}, trustA, nil, since, "", []string{"没有权限"}, []string{"no right here at that time"}},
	} {
		t.Run(name, func(t *testing.T) {
			rules := work.New(work.Config{People: lost{loss: test.loss, until: since}})
			c := &roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT, PersonId: uid("x"), DeviceId: "d", JournalSeq: 7, OpenedTimeUs: 1,
				Sentence: &roundsv1.Text{Zh: "您没有权限。", En: "You have no right."}, Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("it")}}
			rules.Complete(c, engine.Case{Scope: siteScope, Kind: "ticket", Current: change(ticketRecord(&roundsv1.Ticket{})), Person: engine.PersonID(uid("x")), Device: "d",
				Roles: test.roles, Trust: test.trust, Time: test.at, Taken: since.Add(time.Hour), Mutation: mutation(uid("it"), labour("x"))})
			side := c.GetSides()[0]
			if wantTime := test.loss.Since; side.GetPersonId() != string(test.by) || wantTime.IsZero() != (side.GetTimeUs() == 0) || !wantTime.IsZero() && side.GetTimeUs() != wantTime.UnixMicro() {
				t.Errorf("who and when: %v", side)
			}
			contains(t, side.GetSentence().GetZh(), test.zh)
			contains(t, side.GetSentence().GetEn(), test.en)
			if en := c.GetSentence().GetEn(); strings.Contains(en, "You") || !strings.Contains(en, "say whether it counts") || strings.Contains(c.GetSentence().GetZh(), "您") {
				t.Errorf("it speaks to who sent it: %v", c.GetSentence())
			}
		})
	}
}

func contains(t *testing.T, text string, all []string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
}

// TestQuestionsSpeakToWhoDecides: whatever a mutation waits for, its question does not speak to who sent it; what that one was told is a quotation.
func TestQuestionsSpeakToWhoDecides(t *testing.T) {
	told := &roundsv1.Text{Zh: "您的记录已满，请新建记录。", En: "Your record is full. Go on in a new one."}
	for number := range roundsv1.ConflictType_name {
		c := &roundsv1.Conflict{Type: roundsv1.ConflictType(number), JournalSeq: 7, Sentence: told, Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("it")}}
		current := change(ticketRecord(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_CANCELLED}))
		plainRules().Complete(c, engine.Case{Kind: "ticket", Current: current, Mutation: mutation(uid("it"), labour("x"))})
		if s := c.GetSentence(); s.GetEn() == "" || strings.Contains(s.GetEn(), "Your") || strings.Contains(s.GetZh(), "您") {
			t.Errorf("%v: %v", c.GetType(), s)
		}
		quoted := "The sender was told: “Your record is full. Go on in a new one.”"
		if en := c.GetSides()[0].GetSentence().GetEn(); strings.Contains(en, quoted) != (c.GetType() == roundsv1.ConflictType_CONFLICT_TYPE_COMMAND) {
			t.Errorf("%v: against it stands %q", c.GetType(), en)
		}
	}
	asked := &roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, Sentence: told}
	if plainRules().Complete(asked, engine.Case{}); asked.GetSentence() != told {
		t.Errorf("of what waits for nothing: %v", asked.GetSentence())
	}
}

// abroad is the office in another time zone, with the lists of both.
type abroad struct {
	office
	zone string
}

func (a abroad) Policy(store.Scope) policy.Policy {
	p := policy.Default()
	p.TimeZone = a.zone
	return p
}

func (a abroad) Checklist(scope store.Scope, series string, version uint32) *roundsv1.Checklist {
	if list := a.office.Checklist(scope, series, version); list != nil {
		return list
	}
	return library{8}.Checklist(scope, series, version)
}

// TestWhatWaitsInWordsOfTheSite: what waits names items by the question of the list that was pinned, with the checkpoint, and times in the zone of the site.
func TestWhatWaitsInWordsOfTheSite(t *testing.T) {
	pinned := change(ticketRecord(&roundsv1.Ticket{Requirements: &roundsv1.Requirements{ChecklistId: "pumps", ChecklistVersion: 3}}))
	walked := change(round(&roundsv1.Inspection{ChecklistId: uid("list"), ChecklistVersion: 7, CheckpointIds: []string{uid("pump room")}}))
	here := world{uid("pump room"): {Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Name: &roundsv1.Text{Zh: "水泵房", En: "pump room"}}}},
		uid("ticket"): pinned.GetRecord()}
	fail := &roundsv1.Answer{Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL}
	photo := &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("ticket")},
		Role: roundsv1.PhotoRole_PHOTO_ROLE_ITEM, ItemId: "bar"}}}}
	began := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	clock := func(at time.Time) *roundsv1.Clock { return &roundsv1.Clock{WallUs: at.UnixMicro()} }
	hour := &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Labour: []*roundsv1.Labour{{Started: clock(began), Ended: clock(began.Add(time.Hour))}}})}
	for name, test := range map[string]struct {
		zone    string
		current *roundsv1.Change
		fact    *roundsv1.Fact
		zh, en  string
	}{
		"an item of a ticket": {"", pinned, &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"dry": fail}})},
			"检查项「地面干燥」：不合格。", "Item “floor dry”: failed."},
		"an item that has no words": {"", pinned, &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"paint": fail}})},
			"检查项「paint」：不合格。", "Item “paint”: failed."},
		"an item at a checkpoint": {"", walked, answers(map[string]*roundsv1.Answer{uid("pump room") + "/gutter": fail}),
			"检查项「排水沟是否畅通」（水泵房）：不合格。", "Item “Is the gutter clear?” (pump room): failed."},
		"an item of a newer list": {"", walked, answers(map[string]*roundsv1.Answer{"cover": fail}), "检查项「cover」：不合格。", "Item “cover”: failed."},
		"a photo of an item": {"", nil, photo, "检查项「出口压力」的照片（照片" + uid("it")[28:] + "）。",
			"A photo of item “outlet pressure” (photo " + uid("it")[28:] + ")."},
		"labour":            {"", pinned, hour, "工时 2026-07-01 08:00–09:00（手机时间，UTC+8），共60分钟。", "Labour 2026-07-01 08:00–09:00 (the phone's clock, UTC+8), 60 minutes."},
		"labour in Ürümqi":  {"Asia/Urumqi", pinned, hour, "工时 2026-07-01 06:00–07:00（手机时间，UTC+6），共60分钟。", "Labour 2026-07-01 06:00–07:00 (the phone's clock, UTC+6), 60 minutes."},
		"labour in Kolkata": {"Asia/Kolkata", pinned, hour, "工时 2026-07-01 05:30–06:30（手机时间，UTC+5:30），共60分钟。", "Labour 2026-07-01 05:30–06:30 (the phone's clock, UTC+5:30), 60 minutes."},
		"labour in New York": {"America/New_York", pinned, hour, "工时 2026-06-30 20:00–21:00（手机时间，UTC-4），共60分钟。",
			"Labour 2026-06-30 20:00–21:00 (the phone's clock, UTC-4), 60 minutes."},
	} {
		rules := work.New(work.Config{Reference: abroad{zone: test.zone}})
		c := &roundsv1.Conflict{Type: roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT, JournalSeq: 7}
		m := mutation(uid("it"), test.fact)
		kind := "ticket"
		if test.current == nil {
			kind = "photo"
		} else if test.current.GetRecord().GetInspection() != nil {
			kind = "inspection"
		}
		c.Subject = &roundsv1.RecordRef{Kind: kind, Id: uid("it")}
		rules.Complete(c, engine.Case{Scope: siteScope, Kind: merge.Kind(kind), Current: test.current, Mutation: m, Lookup: here.lookup})
		if got := c.GetSides()[1].GetSentence(); got.GetZh() != test.zh || got.GetEn() != test.en {
			t.Errorf("%s: %v", name, got)
		}
	}
}
