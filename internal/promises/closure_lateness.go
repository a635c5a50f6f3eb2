package promises

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// missedStep is a step of a round that was not done in time.
type missedStep struct {
	step  roundsv1.Step
	round uint32
}

// mostDeadlines is how many a ticket keeps: of more, those of the earliest rounds are left out.
const mostDeadlines = 256

// late notes what the server found to be late.
func (t *work) late(e *entry, all []*roundsv1.Deadline) {
	for _, d := range all {
		key := missedStep{d.GetStep(), d.GetRound()}
		if d.GetBreachedUs() != 0 && t.missed[key] == nil {
			t.missed[key] = e
		}
	}
}

// lateness holds the deadlines of a ticket against what was told of them: that a step was late is never forgotten, and it was a false alarm only where something came
// afterwards that had been done before: 16. That somebody says of which category the ticket is, or how urgent, is no such thing.
func (m *trade) lateness(t *work, record *roundsv1.Ticket) {
	wrong := func(d missedStep, what string) {
		m.c.find(P9, m.h.scope.Name, "ticket %s, %v of round %d: %s", t.id, d.step, d.round, what)
	}
	for key := range t.missed {
		i := slices.IndexFunc(record.GetDeadlines(), func(d *roundsv1.Deadline) bool { return d.GetStep() == key.step && d.GetRound() == key.round })
		if len(record.GetDeadlines()) < mostDeadlines && (i < 0 || record.GetDeadlines()[i].GetBreachedUs() == 0) {
			wrong(key, "it was told to be late, and that is forgotten")
		}
	}
	for _, d := range record.GetDeadlines() {
		key := missedStep{d.GetStep(), d.GetRound()}
		told := t.missed[key]
		if !d.GetOfflineFalseAlarm() {
			continue
		}
		came := func(e *entry) bool {
			return e.GetSeq() > told.GetSeq() && e.GetOutcome().GetTimeUs() <= d.GetBreachedUs()
		}
		if told == nil || !slices.ContainsFunc(t.moves, came) {
			wrong(key, "it counts as a false alarm, and nothing came that had been done in time")
		}
	}
}
