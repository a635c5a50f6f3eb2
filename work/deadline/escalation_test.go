package deadline_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/deadline"
)

func everyStep(roundsv1.Step) bool { return true }

// levels plays the schedule: it looks each minute from one to another, and returns when levels were raised, minutes after the report, and by which step.
func (s story) levels(from, to int, escalates func(roundsv1.Step) bool) (raised [][2]int) {
	for minute := from; minute <= to; minute++ {
		s.look(minute)
		s.Deadlines = deadline.Compute(s.Ticket, calendar.China())
		var one *roundsv1.Deadline
		if s.Deadlines, one = deadline.Raise(s.Deadlines, at(minute), escalates); one != nil {
			raised = append(raised, [2]int{minute, int(one.GetStep())})
		}
	}
	return raised
}

// TestRaise: levels follow each other as the steps' times do, from when the one before was really raised. The steps of begin: 20 minutes, two hours, four.
func TestRaise(t *testing.T) {
	const resp, arr, fin = int(respond), int(roundsv1.Step_STEP_ARRIVE), int(finish)
	for name, test := range map[string]struct {
		from      int
		escalates func(roundsv1.Step) bool
		do        func(story) story
		want      [][2]int
	}{
		"in the ordinary course":            {0, everyStep, nil, [][2]int{{20, resp}, {120, arr}, {240, fin}}},
		"after a downtime":                  {1000, everyStep, nil, [][2]int{{1000, resp}, {1100, arr}, {1220, fin}}},
		"after a downtime in between":       {200, everyStep, nil, [][2]int{{200, resp}, {300, arr}, {420, fin}}},
		"of two steps, one raises":          {1000, func(s roundsv1.Step) bool { return s == finish }, nil, [][2]int{{1000, fin}}},
		"none":                              {1000, func(roundsv1.Step) bool { return false }, nil, nil},
		"what was done late raises nothing": {1000, everyStep, func(s story) story { return s.move(900, inProgress, "xu") }, [][2]int{{1000, fin}}},
		"ended":                             {1000, everyStep, func(s story) story { return s.move(900, roundsv1.TicketState_TICKET_STATE_CANCELLED, "ann") }, nil},
	} {
		s := begin()
		if test.do != nil {
			s = test.do(s)
		}
		got := s.levels(test.from, 2000, test.escalates)
		if len(got) != len(test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
			continue
		}
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("%s: %v, want %v", name, got, test.want)
			}
		}
	}
	// Somebody begins before the level of the arrival has its turn: only the completion's comes.
	s := begin()
	if got := s.levels(1000, 1050, everyStep); len(got) != 1 {
		t.Errorf("%v", got)
	}
	s.move(1060, inProgress, "xu")
	if got := s.levels(1061, 2000, everyStep); len(got) != 1 || got[0] != [2]int{1220, fin} {
		t.Errorf("%v", got)
	}
	before := proto.CloneOf(s.Ticket)
	deadline.Raise(s.Deadlines, at(3000), everyStep)
	deadline.Settle(s.Deadlines)
	if !proto.Equal(before, s.Ticket) {
		t.Error("what it was given was changed")
	}
}
