package work_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/checklist"
	"github.com/rounds-sync/rounds/work/tag"
)

func TestRow27_PassAndFailByTwoPhones(t *testing.T) {
	for _, failFirst := range []bool{true, false} {
		p := newPatrol(t, 8, &roundsv1.Inspection{})
		p.x.done(p.id, walk("start"))
		p.x.sync()
		p.y.sync()
		good := p.x.do(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, "clear")}))
		bad := p.y.do(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(fail, "full", uid("photo"))}))
		// Y's own phone made the ticket, too, under the id that everybody derives.
		id := work.FailureTicketID(merge.RecordID(p.id), "", "gutter")
		if want := uuid.NewSHA1(uuid.MustParse(p.id), []byte("\x00gutter")).String(); string(id) != want {
			t.Fatalf("%s, and a phone derives %s", id, want)
		}
		own := p.y.do(string(id), &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: "gutter full", ReporterId: uid("Y"), Channel: roundsv1.Channel_CHANNEL_INSPECTION,
			Origin: &roundsv1.Origin{InspectionId: p.id, ItemId: "gutter"}})})
		first, second := p.x, p.y
		if failFirst {
			first, second = second, first
		}
		first.sync()
		second.sync()
		if p.x.outcomes[good].GetProblem() != nil || p.y.outcomes[bad].GetProblem() != nil || p.y.outcomes[own].GetProblem() != nil {
			t.Fatalf("%v %v %v", p.x.outcomes[good], p.y.outcomes[bad], p.y.outcomes[own])
		}
		i := p.round()
		if i.GetAnswers()["gutter"].GetResult() != fail {
			t.Fatalf("%v", i)
		}
		kept := 0
		for _, w := range p.chief.replica[p.id].GetWrites() {
			for _, e := range slices.Concat(w.GetElements(), w.GetSiblingElements()) {
				if e.GetField() == 7 && e.GetKey() == "gutter" {
					kept++
				}
			}
		}
		made := p.tickets()
		if kept != 2 || len(made) != 1 || made["gutter"].GetState() != roundsv1.TicketState_TICKET_STATE_NEW || made["gutter"].GetReporterId() != uid("Y") {
			t.Fatalf("%d answers, tickets %v", kept, made)
		}
	}
}

// TestRow27_FailureAtACheckpoint: an item that fails at a checkpoint fails, whichever phone says of it first that it passes everywhere; a red line fails the round.
func TestRow27_FailureAtACheckpoint(t *testing.T) {
	for _, failFirst := range []bool{true, false} {
		p := newPatrol(t, 8, &roundsv1.Inspection{CheckpointIds: []string{gate, pit}})
		key := checklist.Key(pit, "pressure")
		low := &roundsv1.Answer{Result: fail, Reading: proto.Float64(1), Note: "low"}
		p.x.done(p.id, walk("start"))
		p.y.sync()
		p.x.do(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, ""), "pressure": measured(3), "cover": answer(pass, "")}))
		p.y.do(p.id, answers(map[string]*roundsv1.Answer{key: low}))
		first, second := p.x, p.y
		if failFirst {
			first, second = second, first
		}
		first.sync()
		second.sync()
		bare := p.x.do(p.id, walk("submit"))
		p.x.sync()
		p.x.refused(bare, roundsv1.ProblemCode_PROBLEM_CODE_MISSING) // the failure has no photo
		low.PhotoIds = []string{uid("gauge")}
		p.x.done(p.id, answers(map[string]*roundsv1.Answer{key: low}))
		p.x.done(p.id, walk("submit"))
		i := p.round()
		if i.GetScore() != 40 || !i.GetFailed() || !proto.Equal(i.GetTally(), &roundsv1.Tally{Passed: 2, Failed: 1}) || p.tickets()["pressure"] == nil {
			t.Fatalf("%v, %v", i, p.tickets())
		}
	}
}

// TestTwoFailuresMakeOneTicket: two phones find the same fault, and one ticket is made.
func TestTwoFailuresMakeOneTicket(t *testing.T) {
	p := newPatrol(t, 8, &roundsv1.Inspection{CheckpointIds: []string{gate, pit}})
	key := checklist.Key(pit, "gutter")
	x := p.x.do(p.id, answers(map[string]*roundsv1.Answer{key: answer(fail, "full")}))
	y := p.y.do(p.id, answers(map[string]*roundsv1.Answer{key: answer(fail, "very full")}))
	p.y.sync()
	p.x.sync()
	if p.x.outcomes[x].GetProblem() != nil || p.y.outcomes[y].GetProblem() != nil {
		t.Fatal(p.x.outcomes[x], p.y.outcomes[y])
	}
	made := p.tickets()
	if len(made) != 1 || made["gutter"].GetLocation().GetPlaceId() != pit || made["gutter"].GetOrigin().GetCheckpointId() != pit {
		t.Fatalf("%v", made)
	}
	if p.chief.replica[string(work.FailureTicketID(merge.RecordID(p.id), pit, "gutter"))] == nil {
		t.Error("not under the id that is said")
	}
}

// TestFailureOfARoundOfOnePlace: what is asked once of a round that goes to one place is of that place; of one with more nobody knows where it was.
func TestFailureOfARoundOfOnePlace(t *testing.T) {
	for want, route := range map[string][]string{pit: {pit}, "": {gate, pit}} {
		p := newPatrol(t, 8, &roundsv1.Inspection{CheckpointIds: route})
		p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(fail, "full")}))
		made := p.tickets()["gutter"]
		if made.GetLocation().GetPlaceId() != want || made.GetOrigin().GetCheckpointId() != "" {
			t.Errorf("%d places: %v", len(route), made)
		}
	}
}

func TestRow29_TwoVisitsOfACheckpoint(t *testing.T) {
	for _, lateFirst := range []bool{true, false} {
		p := newPatrol(t, 8, &roundsv1.Inspection{CheckpointIds: []string{gate, pit}, Route: &roundsv1.Route{Ordered: true}})
		y := p.y.visit(p.id, pit, payload(pit), 2*time.Minute)
		x := p.x.visit(p.id, pit, payload(pit), 10*time.Minute) // recorded later, but was there first
		first, second := p.x, p.y
		if lateFirst {
			first, second = second, first
		}
		first.sync()
		second.sync()
		p.x.applied(x)
		p.y.applied(y)
		i := p.round()
		v := visited(i, pit)
		if len(i.GetVisits()) != 2 || len(i.GetOfficialVisits()) != 1 || v.GetPersonId() != uid("X") || !slices.Equal(v.GetConfirmedByIds(), []string{uid("Y")}) || len(v.GetFlags()) != 0 {
			t.Fatalf("%v", i)
		}
	}
}

// TestVisitsAreMarked: a false tag, another's, a broken one: taken, marked, and no proof.
func TestVisitsAreMarked(t *testing.T) {
	p := newPatrol(t, 8, &roundsv1.Inspection{CheckpointIds: []string{gate, pit, roof}})
	forged, err := tag.Issue(tag.Tag{Site: siteID, Place: gate}, tag.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	p.x.applied(func() []uint64 {
		seqs := []uint64{p.x.visit(p.id, gate, forged, time.Minute), p.x.visit(p.id, pit, payload(gate), time.Minute), p.x.visit(p.id, roof, "", time.Minute)}
		p.x.sync()
		return seqs
	}()...)
	for place, mark := range map[string]string{gate: "false_tag", pit: "other_tag", roof: "tag_broken"} {
		if v := visited(p.round(), place); !slices.Equal(v.GetFlags(), []string{mark}) {
			t.Errorf("%s: %v, want %s", place, v, mark)
		}
	}
	genuine := p.y.visit(p.id, gate, payload(gate), 0)
	p.y.sync()
	p.y.applied(genuine)
	if v := visited(p.round(), gate); v.GetPersonId() != uid("Y") || len(v.GetFlags()) != 0 || len(v.GetConfirmedByIds()) != 0 {
		t.Errorf("%v", v)
	}
	// A scan that names no checkpoint counts for the one that its tag says.
	p.y.visit(p.id, "", payload(pit), 0)
	p.y.sync()
	if v := visited(p.round(), pit); v.GetPersonId() != uid("Y") || len(v.GetFlags()) != 0 {
		t.Errorf("%v", v)
	}
}

func TestRow30_MissedAndSubmittedLate(t *testing.T) {
	for _, state := range []roundsv1.InspectionState{roundsv1.InspectionState_INSPECTION_STATE_MISSED, roundsv1.InspectionState_INSPECTION_STATE_PARTIAL} {
		for _, inTime := range []bool{true, false} {
			for _, trusted := range []bool{true, false} {
				start := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
				end := start.Add(time.Hour)
				if !inTime {
					end = start.Add(time.Second)
				}
				p := newPatrol(t, 8, &roundsv1.Inspection{WindowStartUs: start.UnixMicro(), WindowEndUs: end.UnixMicro()})
				p.x.sync()
				// In the basement, without signal.
				seqs := []uint64{p.x.do(p.id, walk("start")), p.x.do(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, ""), "pressure": measured(3), "cover": answer(pass, "")})),
					p.x.do(p.id, walk("submit"))}
				p.now = start.Add(3 * time.Hour)
				p.force(&roundsv1.Inspection{State: state, Provisional: true}, 40, 47)
				p.x.restarted = !trusted
				p.x.sync()
				p.x.applied(seqs...)
				i := p.round()
				if i.GetState() != roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED || i.GetProvisional() || !slices.Contains(i.GetFlags(), "late_sync") || i.GetScore() != 100 ||
					i.GetInspectorId() != uid("X") {
					t.Fatalf("%v, in time %v: %v", state, inTime, i)
				}
				question := ""
				for id, c := range p.chief.replica {
					if c.GetRecord().GetConflict().GetType() == roundsv1.ConflictType_CONFLICT_TYPE_DISPUTED_TIME {
						question = id
					}
				}
				if trusted {
					if slices.Contains(i.GetFlags(), "in_time") != inTime || slices.Contains(i.GetFlags(), "after_window") == inTime || question != "" {
						t.Fatalf("in time %v: %v, question %q", inTime, i.GetFlags(), question)
					}
					continue
				}
				if slices.Contains(i.GetFlags(), "in_time") || slices.Contains(i.GetFlags(), "after_window") || question == "" {
					t.Fatalf("%v, question %q", i.GetFlags(), question)
				}
				p.chief.done(question, decide(roundsv1.ConflictAction_CONFLICT_ACTION_COUNT_MET))
				if i = p.round(); !slices.Contains(i.GetFlags(), "in_time") || !slices.Contains(i.GetFlags(), "late_sync") {
					t.Fatalf("%v", i.GetFlags())
				}
			}
		}
	}
}

func TestRow31_AnswersUnderAnOlderVersion(t *testing.T) {
	shelf := &shelf{library{7}}
	s := newSiteOf(t, work.Config{Reference: shelf})
	p := &patrol{site: s, id: uid("round"), x: s.phone("X", worker), chief: s.phone("S", supervisor), lead: s.phone("F", foreman)}
	p.lead.done(p.id, &roundsv1.Edit{Record: round(&roundsv1.Inspection{ChecklistId: uid("list")})})
	p.lead.done(p.id, walk("release"))
	p.x.done(p.id, walk("start"))
	shelf.newest = 8 // published while X walks, with one item more
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, ""), "pressure": measured(3)}))
	p.x.done(p.id, walk("submit"))
	if i := p.round(); i.GetChecklistVersion() != 7 || i.GetState() != roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED || i.GetScore() != 100 || i.GetTally().GetOpen() != 0 {
		t.Fatalf("%v", i)
	}
	p.force(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW}, 40)
	p.chief.done(p.id, p.chief.approvesWalk(p.id))
	if i := p.round(); i.GetChecklistVersion() != 7 || i.GetScore() != 100 {
		t.Fatalf("%v", i)
	}
}
