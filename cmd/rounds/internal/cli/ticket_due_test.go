package cli

import (
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestDueOfWhatIsOverdue: a deadline that was missed counts until its step is done, as it does at a desk; one that is done or void does not.
func TestDueOfWhatIsOverdue(t *testing.T) {
	const open, breached = roundsv1.DeadlineState_DEADLINE_STATE_OPEN, roundsv1.DeadlineState_DEADLINE_STATE_BREACHED
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	d := &deviceCommands{program: &program{Streams: Streams{Now: func() time.Time { return now }}}}
	at := func(hours int) int64 { return now.Add(time.Duration(hours) * time.Hour).UnixMicro() }
	for name, test := range map[string]struct {
		deadlines []*roundsv1.Deadline
		want      string
	}{
		"the answer is overdue, the finish is not": {[]*roundsv1.Deadline{{DueUs: at(5), State: open}, {DueUs: at(-1), State: breached}}, when(at(-1)) + " !"},
		"overdue alone": {[]*roundsv1.Deadline{{DueUs: at(-1), State: breached}}, when(at(-1)) + " !"},
		"answered late": {[]*roundsv1.Deadline{{DueUs: at(5), State: open}, {DueUs: at(-1), DoneUs: at(0), State: breached}}, when(at(5))},
		"passed, and nobody has noticed it as missed": {[]*roundsv1.Deadline{{DueUs: at(-1), State: open}}, when(at(-1)) + " !"},
		"none": {nil, "-"},
	} {
		if got := d.due(&roundsv1.Ticket{Deadlines: test.deadlines}); strings.TrimSpace(got) != test.want {
			t.Errorf("%s: %q, not %q", name, got, test.want)
		}
	}
}
