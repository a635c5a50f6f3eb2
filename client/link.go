package client

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// window is how long a request, and its answer, should take at most on the link as it is: two of them fit into the ten seconds
// that a phone sees at the lift lobby.
const window = 4 * time.Second

// leastBytes is the least that is worth a request.
const leastBytes = 4 << 10

// link is what is known of the link to the server. It is used by who has the device's turn.
type link struct {
	limits Limits
	push   int // bytes of mutations for the next request
	pull   int // bytes of changes to ask for
	last   time.Duration
	boot   string
	known  bool

	// bisect bounds the mutations of a lane that was called forked, so that the first one that differs is found.
	bisect map[Scope]int
	// split are the ranges of a scope that the server wants smaller before it repairs them.
	split map[Scope][]*roundsv1.RecordRange
	// denied are the scopes that the server would not hear of in this Sync.
	denied map[Scope]bool
	// parked are the scopes whose lane it refused in this Sync. What the lane itself says of its rest goes by a clock that may be set meanwhile.
	parked map[Scope]bool
	// asked says in which round a scope was pulled last.
	asked map[Scope]uint64
	round uint64
}

func (l *link) reset(limits Limits) {
	*l = link{
		limits: limits, push: min(limits.FirstRequestBytes, limits.RequestBytes), pull: min(limits.FirstRequestBytes, limits.PageBytes),
		bisect: map[Scope]int{}, split: map[Scope][]*roundsv1.RecordRange{}, asked: map[Scope]uint64{},
	}
}

// begin begins a Sync. What was known of the link a minute ago or in another boot is forgotten: the person has walked on.
func (l *link) begin(c Clock) {
	l.denied, l.parked = map[Scope]bool{}, map[Scope]bool{}
	if l.known && l.boot == c.Boot() && c.Monotonic()-l.last < time.Minute {
		return
	}
	l.push, l.pull = min(l.limits.FirstRequestBytes, l.limits.RequestBytes), min(l.limits.FirstRequestBytes, l.limits.PageBytes)
	l.known = false
}

// answered learns from a request of so many bytes both ways that took so long.
func (l *link) answered(c Clock, sent, received int, took time.Duration) {
	l.known, l.last, l.boot = true, c.Monotonic(), c.Boot()
	l.push = learn(l.push, sent, sent+received, took, l.limits.RequestBytes)
	l.pull = learn(l.pull, received, sent+received, took, l.limits.PageBytes)
}

// learn returns the next budget. One that was not used up says nothing about a larger one.
func learn(budget, used, total int, took time.Duration, most int) int {
	switch {
	case took > 2*window:
		return max(budget/2, min(leastBytes, most))
	case took > window || used < budget/2:
		return budget
	case took < window/16:
		budget *= 16
	default:
		rate := float64(total) / took.Seconds()
		budget = max(2*budget, int(rate*window.Seconds()))
	}
	return min(budget, most)
}

// failed learns from a request that was not answered: the next one is smaller.
func (l *link) failed() {
	l.push = max(l.push/2, min(leastBytes, l.limits.RequestBytes))
	l.pull = max(l.pull/2, min(leastBytes, l.limits.PageBytes))
}

// tooLarge learns that the server refused a request for its size. It is false when the request was as small as can be.
func (l *link) tooLarge(sent int) bool {
	if l.push <= 1 {
		return false
	}
	l.push = max(1, min(l.push, sent)/2)
	return true
}
