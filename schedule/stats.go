package schedule

import "time"

// Stats is what a Worker has done since it was made.
type Stats struct {
	// Scopes that are known, and of them those that have something due some time.
	Scopes, Waiting int
	// Looks is how often a scope was looked through.
	Looks uint64
	// Breaches that were noticed, by step in the order of the schema.
	Breaches [6]uint64
	// Late is the sum, and Latest the greatest, of the times between when a breach was due and when it was noticed.
	Late, Latest time.Duration
	// Escalations that breaches caused.
	Escalations uint64
	// Made rounds of plans, Released ones, Missed ones and Partial ones, as provisional; and those that were Settled as such.
	Made, Released, Missed, Partial, Settled uint64
	// Chased tickets whose photos are missing: performers asked, and foremen told.
	Chased, Foremen uint64
	// Lingering rounds that somebody was told of: to be reviewed, or to be walked again.
	Lingering uint64
	// Forgotten notices, which devices do not hold any more.
	Forgotten uint64
	// Reminders of questions.
	Reminders uint64
	// Answered questions that were closed by an act on what they are about.
	Answered uint64
	// Dispatched tickets that were given to somebody, and Unassigned ones for which there was nobody.
	Dispatched, Unassigned uint64
	// Twins are questions whether two tickets are about the same thing.
	Twins uint64
	// BadPlans whose rule is not understood.
	BadPlans uint64
	// Failures of scopes or of single things, each of which is tried again.
	Failures uint64
}

// Stats returns what was done so far.
func (w *Worker) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Scopes, s.Waiting = len(w.known), len(w.heap)
	return s
}

func (w *Worker) count(add func(*Stats)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	add(&w.stats)
}
