package work_test

import (
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/policy"
)

// opensIn is a round of the gate and the pit whose window begins that long after the site's clock.
func opensIn(ahead time.Duration) *roundsv1.Inspection {
	begins := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC).Add(ahead)
	return &roundsv1.Inspection{CheckpointIds: []string{gate, pit}, WindowStartUs: begins.UnixMicro(), WindowEndUs: begins.Add(4 * time.Hour).UnixMicro()}
}

// TestTooEarly: what of a walk is before its window, and by more than the site allows, is marked by its effective time, and nothing is refused.
func TestTooEarly(t *testing.T) {
	rules, early := work.New(work.Config{Reference: library{8}, Tags: library{8}}), policy.Default().RoundEarly
	start := &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Start{Start: &roundsv1.InspectionStart{ScanPayload: payload(gate)}}}
	for _, of := range []struct {
		name  string
		state roundsv1.InspectionState
		act   *roundsv1.InspectionCommand
	}{
		{"a start", roundsv1.InspectionState_INSPECTION_STATE_RELEASED, start},
		{"a submission", roundsv1.InspectionState_INSPECTION_STATE_RUNNING, walk("submit")},
		{"a submission of a round that was missed", roundsv1.InspectionState_INSPECTION_STATE_MISSED, walk("submit")},
	} {
		for ahead, want := range map[time.Duration]bool{48 * time.Hour: true, early + 1000: true, early: false, 0: false, -time.Hour: false} {
			i := opensIn(0)
			i.State, i.Round = of.state, 1
			c := caseOf("inspection", change(round(i)), of.act, true)
			c.Time, c.Trust = time.UnixMicro(i.GetWindowStartUs()).Add(-ahead), roundsv1.Trust_TRUST_A
			v := rules.Judge(c)
			if v.Problem != nil || slices.Contains(v.Flags, "too_early") != want || slices.Contains(v.Effect.GetRecord().GetInspection().GetFlags(), "too_early") != want {
				t.Errorf("%s %v ahead: %v %v", of.name, ahead, v.Problem, v.Flags)
			}
			if want && slices.Contains(v.Flags, "in_time") {
				t.Errorf("%s %v ahead is in time", of.name, ahead)
			}
		}
	}
	// Without a window nothing is too early.
	c := caseOf("inspection", change(round(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_RELEASED, Round: 1})), start, true)
	if v := rules.Judge(c); v.Problem != nil || len(v.Flags) > 0 {
		t.Errorf("no window: %v %v", v.Problem, v.Flags)
	}
}

// TestVisitsTooEarly: a visit before the window says so, and the round does, also where it was begun in its window; each phone's scan counts all the same.
func TestVisitsTooEarly(t *testing.T) {
	p := newPatrol(t, 8, opensIn(10*time.Minute))
	p.x.visit(p.id, gate, payload(gate), time.Hour) // noted down by the phone's clock: an hour ago
	p.x.visit(p.id, pit, payload(pit), 0)
	p.x.sync()
	i := p.round()
	if !slices.Contains(i.GetFlags(), "too_early") || !slices.Contains(visited(i, gate).GetFlags(), "too_early") || len(visited(i, pit).GetFlags()) > 0 {
		t.Errorf("%v, %v", i.GetFlags(), i.GetOfficialVisits())
	}
	p = newPatrol(t, 8, opensIn(10*time.Minute))
	p.x.visit(p.id, gate, payload(gate), 0)
	p.x.sync()
	if i := p.round(); len(i.GetFlags()) > 0 || len(visited(i, gate).GetFlags()) > 0 {
		t.Errorf("within what the site allows: %v, %v", i.GetFlags(), i.GetOfficialVisits())
	}
}
