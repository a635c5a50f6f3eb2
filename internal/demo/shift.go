package demo

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// slot is how finely windows are laid: those of one slot come at the same time, so that phones meet at the server.
const slot = 2 * time.Minute

// event is something that happens in the shift.
type event struct {
	at     time.Time
	phone  int
	window bool // a signal for ten seconds; else the person does something
	signal reception
	lobby  bool // the person came up for the window, from wherever they are
	does   func(context.Context) error
}

// plan lays out a shift: where everybody is and when, what they do there, and when their phones have a signal. Without signal that is in the ten seconds at the
// lift lobby when the person comes out; where it is weak, in ten seconds every few minutes; elsewhere whenever the person has done something. At the desks of the
// customer service there is one all day.
func plan(workers []*worker, begin time.Time, hours float64, random *rand.Rand) []event {
	end := begin.Add(time.Duration(hours * float64(time.Hour)))
	_, _, good := signals()
	var events []event
	for i, w := range workers {
		if w.Role == roundsv1.Role_ROLE_DISPATCHER {
			for at := begin.Add(slot); at.Before(end); at = at.Add(slot) {
				events = append(events, event{at: at, phone: i, window: true, signal: good}, event{at: at.Add(slot / 2), phone: i})
			}
			continue
		}
		w.wander(begin, end, random)
		shift := shift{phone: i, begin: begin, end: end, random: random}
		for n, s := range w.stays {
			until := end
			if n+1 < len(w.stays) {
				until = w.stays[n+1].from
			}
			events = append(events, shift.at(s, until)...)
		}
	}
	return events
}

// shift is one phone's.
type shift struct {
	phone      int
	begin, end time.Time
	random     *rand.Rand
}

// at is what a phone does and receives during a stay.
func (p shift) at(s stay, until time.Time) (events []event) {
	for act := s.from.Add(actEvery(p.random)); act.Before(until); act = act.Add(actEvery(p.random)) {
		events = append(events, event{at: act, phone: p.phone})
		if !s.silent() {
			events = append(events, p.window(act, s.place.GetSignal())...)
		}
	}
	if s.silent() {
		events = append(events, p.window(until, roundsv1.Signal_SIGNAL_WEAK)...)
	}
	return events
}

// window is the next time from a moment on that a phone has a signal; none where the shift is over by then.
func (p shift) window(from time.Time, signal roundsv1.Signal) []event {
	at := from.Truncate(slot).Add(slot)
	if !at.Before(p.end) {
		return nil
	}
	narrow, fair, good := signals()
	has := narrow
	switch {
	case signal == roundsv1.Signal_SIGNAL_OK || at.Sub(p.begin) > time.Duration(goodFrom*float64(p.end.Sub(p.begin))):
		has = good
	case p.random.IntN(fairEvery) == 0:
		has = fair
	}
	return []event{{at: at, phone: p.phone, window: true, signal: has}}
}

func actEvery(random *rand.Rand) time.Duration {
	return time.Duration((2 + 8*random.Float64()) * float64(time.Minute))
}

// inTurn orders events.
func inTurn(a, b event) int {
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(btoi(a.window), btoi(b.window)), cmp.Compare(a.phone, b.phone))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
