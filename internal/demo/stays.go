package demo

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/community"
)

// stay is a time that a person spends at one place.
type stay struct {
	from  time.Time
	place community.Place
}

// silent: a phone receives nothing there.
func (s stay) silent() bool { return s.place.GetSignal() == roundsv1.Signal_SIGNAL_NONE }

// Sessions without signal: lognormal, half of them shorter than medianSilence, and 3 % longer than six hours.
const (
	medianSilence = 12 * time.Minute
	silenceSpread = 1.808 // of the logarithm: ln(6 h / 12 min) is 1.881 of it
)

func silence(random *rand.Rand) time.Duration {
	return time.Duration(float64(medianSilence) * math.Exp(silenceSpread*random.NormFloat64()))
}

// Where a phone receives something a person stays for so long.
const shortestStay, longestStay = 5 * time.Minute, 25 * time.Minute

// wander lays out where a person is in a shift: at one place after the other, any as likely as any other. Where there is no signal that is for a session without
// signal.
func (w *worker) wander(begin, end time.Time, random *rand.Rand) {
	for at := begin; at.Before(end); {
		s := stay{from: at, place: pick(random, w.Places)}
		w.stays = append(w.stays, s)
		lasts := shortestStay + time.Duration(random.Float64()*float64(longestStay-shortestStay))
		if s.silent() {
			lasts = max(silence(random), slot)
		}
		at = at.Add(lasts)
	}
}

// here is where a person is, by the plan of the shift.
func (w *worker) here() stay {
	now := w.clocks.time.Now()
	if now.Before(w.silentUntil) {
		return w.under
	}
	at := slices.IndexFunc(w.stays, func(s stay) bool { return s.from.After(now) })
	switch {
	case len(w.stays) == 0:
		return stay{place: w.Places[0]}
	case at < 0:
		return w.stays[len(w.stays)-1]
	}
	return w.stays[max(0, at-1)]
}

// arrives: whether the person has a first look around where they are: what is to be found at a place is found then.
func (w *worker) arrives() bool {
	here := w.here()
	if w.looked.Equal(here.from) {
		return false
	}
	w.looked = here.from
	return true
}

// descends lets a person who walks a route that ends at places without signal stay there, from the first of these on, for a session without signal.
func (w *worker) descends(route []string) {
	silent := 0
	for _, id := range slices.Backward(route) {
		p, known := w.placeOf(id)
		if !known || p.GetSignal() != roundsv1.Signal_SIGNAL_NONE {
			break
		}
		if silent == 0 {
			w.under = stay{place: p}
		}
		silent++
	}
	if silent > 0 {
		w.under.from = w.clocks.time.Now().Add(-time.Duration(silent-1) * stride)
		w.silentUntil = w.under.from.Add(silence(w.random))
	}
}

// Of those who report something where there is no signal all but one in oneStays come up to the lift lobby within so long, to send it: whoever reports a fault knows that
// somebody has to answer within 20 minutes. The others send it when they are through with what they do there.
const (
	oneStays            = 4
	soonestUp, latestUp = 3 * time.Minute, 13 * time.Minute
)

// comesUp lets a person who has just reported something send it.
func (w *worker) comesUp() {
	now := w.clocks.time.Now()
	if !w.here().silent() || w.risen.After(now) || w.random.IntN(oneStays) == 0 {
		return
	}
	w.risen = now.Add(soonestUp + time.Duration(w.random.Float64()*float64(latestUp-soonestUp))).Truncate(slot).Add(slot)
	if w.risen.Sub(w.day.begin).Hours() >= w.day.hours {
		return // the shift is over by then
	}
	narrow, _, _ := signals()
	w.day.added = append(w.day.added, event{at: w.risen, phone: w.number, window: true, signal: narrow, lobby: true})
}

// placeOf is a place of the site; false: it is none of them.
func (w *worker) placeOf(id string) (community.Place, bool) {
	i := slices.IndexFunc(w.Places, func(p community.Place) bool { return p.ID == id })
	if i < 0 {
		return community.Place{}, false
	}
	return w.Places[i], true
}
