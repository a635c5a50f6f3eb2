package arbitration_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

const (
	isRunning   = roundsv1.InspectionState_INSPECTION_STATE_RUNNING
	isSubmitted = roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED
	isPartial   = roundsv1.InspectionState_INSPECTION_STATE_PARTIAL
	isMissed    = roundsv1.InspectionState_INSPECTION_STATE_MISSED
	pass        = roundsv1.AnswerResult_ANSWER_RESULT_PASS
	fail        = roundsv1.AnswerResult_ANSWER_RESULT_FAIL
)

// walkedSite is a site with an inspection round that was released: two checkpoints in version 7 of a checklist.
type walkedSite struct {
	*site
	x, y, s      *phone
	round        string
	series       string
	gate, garage string // the checkpoints
}

// walks sets a round up. Its window ends two hours from now.
func (s *site) walks() *walkedSite {
	s.t.Helper()
	w := &walkedSite{site: s, x: s.phone("X"), y: s.phone("Y"), s: s.phone("S"), series: newID(), gate: newID(), garage: newID()}
	for id, name := range map[string]string{w.gate: "东门", w.garage: "地库"} {
		s.enter(s.scope, id, &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Name: &roundsv1.Text{Zh: name}, Code: id[:8], Tag: "qr-" + id[:8]}}})
	}
	w.publish(7, "lamp", "door")
	end := w.Now().Add(2 * time.Hour)
	ref := w.s.create("", &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{Title: "夜间巡查", ChecklistId: w.series, ChecklistVersion: 7,
		WindowStartUs: w.Now().UnixMicro(), WindowEndUs: end.UnixMicro(), CheckpointIds: []string{w.gate, w.garage}}}})
	w.round = string(ref.ID)
	w.s.sync()
	// The server follows the organisation's lists, and a round whose list it has not heard of is not released yet.
	w.until("the release", func() bool {
		w.s.walk(w.round, &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Release{Release: &roundsv1.InspectionRelease{}}})
		w.s.sync()
		return w.inspection().GetState() == roundsv1.InspectionState_INSPECTION_STATE_RELEASED
	})
	w.all()
	return w
}

// publish puts a version of the checklist before everybody.
func (w *walkedSite) publish(version uint32, items ...string) {
	w.t.Helper()
	list := &roundsv1.Checklist{Name: &roundsv1.Text{Zh: "夜间巡查表"}, SeriesId: w.series, Version: version, Published: true, Code: w.series[:8]}
	for _, item := range items {
		list.Items = append(list.Items, &roundsv1.ChecklistItem{Id: item, Question: &roundsv1.Text{Zh: item + "完好?"}, Weight: 1,
			FailWithoutPhoto: true})
	}
	w.enter(w.org(), newID(), &roundsv1.Record{Kind: &roundsv1.Record_Checklist{Checklist: list}})
}

func (w *walkedSite) inspection() *roundsv1.Inspection {
	w.t.Helper()
	return w.record("inspection", w.round).GetInspection()
}

// begins starts the walk at the gate.
func (p *phone) begins(w *walkedSite) client.Ref {
	p.t.Helper()
	return p.walk(w.round, &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Start{Start: &roundsv1.InspectionStart{ScanPayload: "qr-" + w.gate[:8]}}})
}

// answers gives the answers to items; a fail has its note.
func (p *phone) answers(w *walkedSite, all map[string]roundsv1.AnswerResult) client.Ref {
	p.t.Helper()
	answers := map[string]*roundsv1.Answer{}
	for item, result := range all {
		answers[item] = &roundsv1.Answer{Result: result, Answered: p.reading()}
		if result == fail {
			answers[item].Note = "需更换"
		}
	}
	return p.fact(w.round, &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{Answers: answers}}})
}

// visits scans the tag of a checkpoint.
func (p *phone) visits(w *walkedSite, checkpoint string) (scan string, ref client.Ref) {
	p.t.Helper()
	scan = newID()
	return scan, p.fact(w.round, &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
		Visits: []*roundsv1.Scan{{Id: scan, Payload: "qr-" + checkpoint[:8], CheckpointId: checkpoint, Scanned: p.reading()}}}}})
}

// ends submits the walk.
func (p *phone) ends(w *walkedSite) client.Ref {
	p.t.Helper()
	return p.walk(w.round, &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Submit{Submit: &roundsv1.InspectionSubmit{Round: 1}}})
}

// madeTickets are the tickets that an item of the round made.
func (w *walkedSite) madeTickets(item string) (all []*found) {
	w.t.Helper()
	w.s.sync()
	for _, f := range w.s.held("ticket") {
		if o := f.record.GetTicket().GetOrigin(); o.GetInspectionId() == w.round && o.GetItemId() == item {
			all = append(all, f)
		}
	}
	return all
}

// TestRow27: one phone says pass, another says fail: both answers are kept, fail counts, one ticket is made, and the reviewer decides. Two fails make one ticket too.
func TestRow27(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.walks()
		w.x.begins(w)
		w.x.sync()
		w.y.sync()
		acts := []client.Ref{
			w.x.answers(w, map[string]roundsv1.AnswerResult{"lamp": pass, "door": fail}),
			w.y.answers(w, map[string]roundsv1.AnswerResult{"lamp": fail, "door": fail}),
		}

		inOrder(aFirst, w.x, w.y)

		for _, act := range acts {
			if o := s.outcome(act); o.GetStatus() != applied && o.GetStatus() != merged {
				s.t.Errorf("%v", o)
			}
		}
		if got := w.inspection().GetAnswers()["lamp"].GetResult(); got != fail {
			s.t.Errorf("what counts is %v", got)
		}
		beside := 0
		for _, write := range s.change("inspection", w.round).GetWrites() {
			if a := write.GetSiblingValues().GetInspection().GetAnswers()["lamp"]; a.GetResult() == pass {
				beside++
			}
		}
		if beside != 1 {
			s.t.Errorf("the other answer stands beside it %d times", beside)
		}
		for _, item := range []string{"lamp", "door"} {
			made := w.madeTickets(item)
			if len(made) != 1 {
				s.t.Fatalf("%d tickets of %s, want one", len(made), item)
			}
			if made[0].record.GetTicket().GetChannel() != roundsv1.Channel_CHANNEL_INSPECTION {
				s.t.Errorf("its ticket came in by %v", made[0].record.GetTicket().GetChannel())
			}
		}

		// The reviewer decides: once the round is submitted, by returning it or by approving it with the fail.
		w.x.sync()
		w.x.ends(w)
		w.x.sync()
		s.until("the round to wait for review", func() bool {
			return w.inspection().GetState() == roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW
		})
		if got := w.inspection().GetTally(); got.GetFailed() != 2 || got.GetPassed() != 0 {
			s.t.Errorf("the tally is %v", got)
		}
		w.s.sync()
		back := w.s.walk(w.round, &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Return{Return: &roundsv1.InspectionReturn{Round: 1, Reason: "两人结果不同",
			ItemIds: []string{"lamp"}}}})
		w.s.sync()
		s.came(back, applied)
	})
}

// TestRow29: X and Y visit the same checkpoint: two visits, the earliest in effective time is official whatever came first, the other confirms it.
func TestRow29(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.walks()
		w.x.begins(w)
		w.x.sync()
		w.y.sync()
		earliest, one := w.x.visits(w, w.garage)
		s.pass(time.Minute)
		_, two := w.y.visits(w, w.garage)

		inOrder(aFirst, w.x, w.y)

		s.came(one, applied)
		s.came(two, applied)
		if got := len(w.inspection().GetVisits()); got != 2 {
			s.t.Errorf("%d visits", got)
		}
		var official []*roundsv1.Visit
		for _, v := range w.inspection().GetOfficialVisits() {
			if v.GetCheckpointId() == w.garage {
				official = append(official, v)
			}
		}
		if len(official) != 1 || official[0].GetScanId() != earliest || official[0].GetPersonId() != w.x.id() ||
			!slices.Equal(official[0].GetConfirmedByIds(), []string{w.y.id()}) {
			s.t.Errorf("official: %v", official)
		}
		w.x.sync()
		w.y.sync()
		if !proto.Equal(w.x.shows("inspection", w.round), w.y.shows("inspection", w.round)) {
			s.t.Error("X and Y do not show the same")
		}
	})
}

// TestRow30: the window has passed and nothing came: missed, for now. Then the phone comes out of the basement: submitted, late; in time by its clock if that is well
// known, else a supervisor says. With the submission first nothing is missed.
func TestRow30(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"trust A", "trust B", "nothing comes", "B first", "begun in sight"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).site(t).walks()
			begun, passed := w.x.begins(w), isMissed
			if name == "begun in sight" {
				passed = isPartial
				w.x.sync()
			}
			w.x.visits(w, w.gate)
			w.x.visits(w, w.garage)
			w.x.answers(w, map[string]roundsv1.AnswerResult{"lamp": pass, "door": pass})
			done := w.x.ends(w)
			if name == "B first" {
				w.x.sync()
			}
			w.later(3 * time.Hour)
			if name == "B first" {
				w.s.sync()
				w.came(done, applied)
				if i := w.inspection(); i.GetState() == isMissed || slices.Contains(i.GetFlags(), "late_sync") {
					t.Errorf("%v %v", i.GetState(), i.GetFlags())
				}
				w.settled()
				return
			}
			w.until("the round to be missed", func() bool { return w.inspection().GetState() == passed })
			if i := w.inspection(); !i.GetProvisional() || i.GetGraceEndUs() <= w.Now().UnixMicro() {
				t.Errorf("missed for good: %v, grace %v", i.GetProvisional(), i.GetGraceEndUs())
			}
			w.s.notTold(roundsv1.NoticeCode_NOTICE_CODE_MISSED, w.round)
			if name == "nothing comes" {
				w.later(48 * time.Hour)
				w.until("the round to be missed for good", func() bool { return !w.inspection().GetProvisional() })
				w.s.told(roundsv1.NoticeCode_NOTICE_CODE_MISSED, w.round)
				return
			}
			if name == "trust B" {
				w.x.clock.reboot()
				w.x.clock.skew = time.Hour // somebody set the wall clock: no anchor is left
			}
			w.x.sync()

			w.came(begun, applied)
			w.came(done, applied)
			w.until("the round to be submitted", func() bool { return w.inspection().GetState() >= isSubmitted && w.inspection().GetState() != passed })
			i := w.inspection()
			if !slices.Contains(i.GetFlags(), "late_sync") || i.GetProvisional() || i.GetInspectorId() != w.x.id() {
				t.Errorf("flags %v, provisional %v, by %v", i.GetFlags(), i.GetProvisional(), w.names([]string{i.GetInspectorId()}))
			}
			if name != "trust B" {
				if !slices.Contains(i.GetFlags(), "in_time") {
					t.Errorf("flags %v", i.GetFlags())
				}
				w.s.told(roundsv1.NoticeCode_NOTICE_CODE_CORRECTED, w.round)
				w.s.noQuestions(w.round)
			} else {
				asked := w.s.asked(roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME, w.round, supervisor, []string{w.x.id()},
					roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET, roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MISSED)
				w.came(w.s.choose(asked, roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET), applied)
				w.s.decided(asked, w.s, roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET)
			}
			w.settled()
		})
	}
}

// TestRow31: version 8 of the list is published, and answers under 7 come: taken under 7, and never held against 8. So it is in both orders.
func TestRow31(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.walks()
		w.x.begins(w)
		w.x.visits(w, w.gate)
		w.x.visits(w, w.garage)
		given := w.x.answers(w, map[string]roundsv1.AnswerResult{"lamp": pass, "door": fail})
		done := w.x.ends(w)
		if aFirst {
			w.publish(8, "lamp", "camera", "gate")
			w.x.sync()
		} else {
			w.x.sync()
			w.publish(8, "lamp", "camera", "gate")
		}
		s.came(given, applied)
		s.came(done, applied)
		i := w.inspection()
		if i.GetChecklistVersion() != 7 || len(i.GetAnswers()) != 2 {
			s.t.Errorf("version %d with %d answers", i.GetChecklistVersion(), len(i.GetAnswers()))
		}
		if got := i.GetTally(); got.GetPassed() != 1 || got.GetFailed() != 1 || got.GetOpen() != 0 {
			s.t.Errorf("the tally under version 7 is %v", got)
		}
		w.s.noQuestions(w.round)
	})
}
