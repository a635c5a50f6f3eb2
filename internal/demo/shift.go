package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/link"
)

// A window is what a phone gets at the lift lobby. While it lasts, the demo's clock runs haste times as fast as the machine's, and the link with it.
const (
	window     = 10 * time.Second
	haste      = 60
	cutChance  = 0.06
	loseChance = 0.06
)

// reception is how good a link is.
type reception struct {
	bits  int // a second
	delay time.Duration
}

// signals: of the windows where the signal is weak most are narrow, and one in fairEvery is by a door where there is more. In the last part of the shift, on
// the way home, all are good.
func signals() (narrow, fair, good reception) {
	return reception{64_000, 400 * time.Millisecond}, reception{400_000, 160 * time.Millisecond}, reception{4_000_000, 60 * time.Millisecond}
}

const (
	fairEvery = 5
	goodFrom  = 0.9 // of the shift
)

// shape is the link in the demo's time.
func (r reception) shape() link.Shape {
	return link.Shape{BitsPerSecond: r.bits * haste, RoundTrip: r.delay / haste, Cut: cutChance, LoseReply: loseChance}
}

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

// run plays the events in order. Windows at one time are open together.
func (d *demo) run(ctx context.Context, events []event) error {
	slices.SortStableFunc(events, inTurn)
	for len(events) > 0 || len(d.day.added) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(d.day.added) > 0 {
			events, d.day.added = append(events, d.day.added...), nil
			slices.SortStableFunc(events, inTurn)
		}
		e := events[0]
		d.time.jump(e.at)
		d.progress.at(e.at)
		if !e.window {
			events = events[1:]
			do := e.does
			if do == nil {
				do = d.workers[e.phone].act
			}
			if err := do(ctx); err != nil {
				return fmt.Errorf("demo: %s at %s: %w", d.name(e.phone), e.at.Format(time.TimeOnly), err)
			}
			continue
		}
		n := 1
		for n < len(events) && events[n].window && events[n].at.Equal(e.at) {
			n++
		}
		together := events[:n]
		events = events[n:]
		if err := d.open(ctx, together); err != nil {
			return err
		}
	}
	return nil
}

// inTurn orders events.
func inTurn(a, b event) int {
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(btoi(a.window), btoi(b.window)), cmp.Compare(a.phone, b.phone))
}

func (d *demo) name(phone int) string {
	if phone < 0 {
		return "the office"
	}
	return d.workers[phone].name
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// open gives some phones a signal for ten seconds, at the same time. Where a kill of the server is due, it comes while they send.
func (d *demo) open(ctx context.Context, windows []event) error {
	if err := d.time.run(haste); err != nil {
		return err
	}
	// Words may take longer than the window where the machine is slow; what is not done by then waits for the next one. Photos may not: the window ends
	// in the middle of whatever part is on its way.
	ctx, end := context.WithTimeout(ctx, window/haste*4)
	defer end()
	var all sync.WaitGroup
	var phones []*worker
	for _, e := range windows {
		w := d.workers[e.phone]
		if slices.Contains(phones, w) || w.device == nil || w.below || d.time.Now().Before(w.silentUntil) && !e.lobby {
			continue
		}
		phones = append(phones, w)
		all.Go(func() {
			began := time.Now()
			w.travel.begin()
			w.link.Reshape(e.signal.shape())
			w.link.On()
			defer w.dropIdle()
			defer w.link.Off()
			for range 4 { // a link that is cut is tried again while the window lasts
				report, err := w.device.Sync(ctx, client.WithoutPhotos())
				d.progress.synced(report, err)
				if errors.Is(err, client.ErrRevoked) {
					return
				}
				if err == nil {
					break
				}
				if ctx.Err() != nil {
					return
				}
			}
			// Where the machine is slow, the words took more than their share: photos have half a window at least.
			ends := began.Add(window / haste)
			if least := time.Now().Add(window / haste / 2); ends.Before(least) {
				ends = least
			}
			d.uploadUntil(ctx, w, ends)
		})
	}
	var killed error
	if len(phones) > 0 && d.killDue(d.time.Now(), phones) {
		killed = d.killMidway(ctx, phones)
	}
	all.Wait()
	d.time.jump(d.time.Now())
	return killed
}

// uploadUntil sends photos until a window ends, which is in the middle of what is on its way.
func (d *demo) uploadUntil(ctx context.Context, w *worker, ends time.Time) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	over := time.AfterFunc(time.Until(ends), func() {
		w.link.Off()
		stop()
	})
	defer over.Stop()
	before := w.tally
	_ = w.upload(ctx) // what was cut goes on in the next window, and what never arrives is told by the check
	d.progress.uploaded(before, w.tally)
}

// What has gone up when a kill comes: some of the words of a sync, or some of a part.
const (
	wordsUp = 1500
	partUp  = 4000
)

// duringPhotos: of the kills of the server the first comes in the middle of words, the next two in the middle of a part, and so on.
func (c *child) duringPhotos() bool { return c.kills%3 > 0 }

// killMidway waits until bytes are on their way up and kills the server while they are.
func (d *demo) killMidway(ctx context.Context, phones []*worker) error {
	photos := d.server.duringPhotos()
	before := make([]int64, len(phones))
	for i, w := range phones {
		before[i] = w.link.Counts().Up
	}
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		for i, w := range phones {
			up := w.link.Counts().Up
			switch {
			case photos && w.travel.sending.Load() == 0:
				before[i] = up
			case photos && up > before[i]+partUp:
				d.progress.say("kill -9 of the server while %s uploads a photo", w.name)
				return d.server.kill(context.WithoutCancel(ctx))
			case !photos && up > before[i]+wordsUp:
				d.progress.say("kill -9 of the server while %s pushes", w.name)
				return d.server.kill(context.WithoutCancel(ctx))
			}
		}
		select {
		case <-look.C:
		case <-ctx.Done(): // nobody sends so much: it is killed all the same
			d.progress.say("kill -9 of the server")
			return d.server.kill(context.WithoutCancel(ctx))
		}
	}
}

// killDue tells whether a kill is planned at or before a time, and takes it off the plan. One in the middle of photos waits for phones that have some,
// for as long as nothing else is due.
func (d *demo) killDue(now time.Time, phones []*worker) bool {
	if len(d.kills) == 0 || now.Before(d.kills[0]) {
		return false
	}
	full := slices.ContainsFunc(phones, func(w *worker) bool { return len(w.camera.shots) > w.tally.Stored+w.tally.Failed })
	if pressing := len(d.kills) > 1 && !now.Before(d.kills[1]); d.server.duringPhotos() && !full && !pressing {
		return false
	}
	d.kills = d.kills[1:]
	return true
}

// settle lets every phone deliver its words and photos over a good link, and the offices decide what was waiting for these, until nothing is left to do.
func (d *demo) settle(ctx context.Context) error {
	if err := d.time.run(1); err != nil {
		return err
	}
	for _, w := range d.everybody() {
		w.travel.begin()
		w.link.Reshape(link.Shape{})
		w.link.On()
	}
	if err := d.drain(ctx); err != nil {
		return err
	}
	d.progress.step("the server looks at the last photos")
	p := &proof{}
	if err := d.analysed(ctx, p); err != nil {
		return err
	}
	d.progress.step("the offices decide")
	if err := d.decide(ctx, p); err != nil {
		return err
	}
	d.progress.step("in the evening everybody finishes what is due")
	if err := d.evening(ctx, p); err != nil {
		return err
	}
	restless := ""
	for round := range settleRounds {
		restless = ""
		for _, w := range d.everybody() {
			report, err := d.syncAtRest(ctx, w)
			if err != nil {
				return err
			}
			if report.Sent > 0 || report.Changed > 0 || len(report.Purged) > 0 || report.Photos.Parts > 0 || report.Photos.Stored > 0 {
				restless = fmt.Sprintf("%s sent %d mutations and %d photos, and %d records changed", w.name, report.Sent, report.Photos.Stored, report.Changed)
			}
		}
		if restless == "" && round > 0 {
			return nil
		}
	}
	return fmt.Errorf("demo: the phones find no rest: %s", restless)
}

// settleRounds is how often everybody syncs at the end before the demo gives up.
const settleRounds = 8

// everybody is the office and all phones that are switched on.
func (d *demo) everybody() []*worker {
	all := []*worker{d.desk}
	for _, w := range d.workers {
		if w.device != nil {
			all = append(all, w)
		}
	}
	return all
}

// syncAtRest syncs words and photos over the good link of the end, on which only who was shut out may fail.
func (d *demo) syncAtRest(ctx context.Context, w *worker) (client.Report, error) {
	report, err := w.device.Sync(ctx)
	before := w.tally
	w.count(report.Photos)
	d.progress.synced(report, err)
	d.progress.uploaded(before, w.tally)
	if err != nil && !errors.Is(err, client.ErrRevoked) && !w.lost {
		return report, fmt.Errorf("demo: %s at the end of the shift: %w", w.name, err)
	}
	return report, nil
}

// drain lets the phones send until none has anything left that can be sent.
func (d *demo) drain(ctx context.Context) error {
	for range settleRounds {
		left := 0
		for _, w := range d.everybody() {
			report, err := d.syncAtRest(ctx, w)
			if err != nil {
				return err
			}
			if left += report.Sent; w.lost {
				continue
			}
			list, err := w.device.Photos(ctx)
			if err != nil {
				return err
			}
			for _, one := range list {
				if one.Stage != client.PhotoStored && one.Stage != client.PhotoFailed {
					left++
				}
			}
		}
		if left == 0 {
			return nil
		}
	}
	return nil // the check tells what is left
}
