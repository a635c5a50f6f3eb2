package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// scene brings one row of the table of concurrent events about, on phones of the shift, with records of its own. What came of it is not taken from here: the
// report counts rows by what the journal shows, and wants to see the row there with one of the scene's records.
type scene struct {
	row  int
	name string
	play func(*stage)
	also []int // further rows that it brings about
}

// situations are the rows that do not come about by themselves, or not in every shift. Those that need an hour or two come first.
func situations() []scene {
	return slices.Concat(timeScenes(), workScenes(), reviewScenes(), fieldScenes(), roundScenes())
}

// doneUnseen lets somebody report work as done whose photos stay on the phone: what follows when the phone is lost is row 36.
func (d *demo) doneUnseen(ctx context.Context, w *worker) error {
	s := scene{row: 36, name: "done, and the photos are on a phone that gets lost", play: func(g *stage) {
		g.x = w
		g.sync(w)
		id := g.reported(90)
		g.do(g.c, id, dispatchTo(w.ID))
		g.sync(g.c, w)
		g.done(w, id)
		g.sync(w)
		w.below = true
	}}
	return d.play(ctx, s)
}

// play brings a row about.
func (d *demo) play(ctx context.Context, s scene) error {
	g := &stage{demo: d, ctx: ctx}
	var hands []*worker
	for _, w := range d.present() {
		switch {
		case w.Role == roundsv1.Role_ROLE_WORKER && !w.Night:
			hands = append(hands, w)
		case w.Role == roundsv1.Role_ROLE_FOREMAN && g.f == nil:
			g.f = w
		case w.Role == roundsv1.Role_ROLE_DISPATCHER && g.c == nil:
			g.c = w
		case w.Role == roundsv1.Role_ROLE_SUPERVISOR && g.s == nil:
			g.s = w
		case w.Role == roundsv1.Role_ROLE_BUTLER && g.b == nil:
			g.b = w
		}
	}
	if len(hands) < 2 || g.f == nil || g.c == nil || g.s == nil || g.b == nil {
		return nil // too few for it
	}
	g.scene = s
	g.x, g.y = hands[s.row%len(hands)], hands[(s.row+1)%len(hands)]
	people := []*worker{g.x, g.y, g.f, g.c, g.s, g.b}
	for _, w := range people {
		w.camera.honest = true
	}
	g.sync(people...)
	s.play(g)
	for _, w := range people {
		w.camera.honest = false
	}
	for _, id := range g.used {
		if !g.goesOn {
			delete(d.day.taken, id)
		}
		g.shows(string(id))
	}
	if g.err != nil {
		return fmt.Errorf("row %d, %s: %w", s.row, s.name, g.err)
	}
	for _, row := range append([]int{s.row}, s.also...) {
		d.staged[row] = append(d.staged[row], g.shown...)
	}
	d.progress.say("row %d: %s", s.row, s.name)
	return nil
}

// stageScenes spreads the scenes over the shift, and says which rows the day is to show: those that its crew is large enough for.
func (d *demo) stageScenes(begin time.Time, hours float64) []event {
	all := slices.DeleteFunc(situations(), func(s scene) bool { return !d.staging(s.row) })
	enough := d.enough()
	var events []event
	for i, s := range all {
		part := 0.05 + 0.8*float64(i)/float64(max(1, len(all)))
		events = append(events, event{at: begin.Add(time.Duration(part * hours * float64(time.Hour))), phone: -1,
			does: func(ctx context.Context) error { return d.play(ctx, s) }})
		if enough {
			d.asked = append(append(d.asked, s.row), s.also...)
		}
	}
	for _, w := range d.workers {
		if w.leaves && d.staging(32) {
			d.asked = append(d.asked, 32)
		}
		if w.lost && d.staging(33) {
			d.asked = append(d.asked, 33)
		}
		if w.lost && enough && d.staging(36) {
			d.asked = append(d.asked, 36)
		}
	}
	return events
}

// staging: whether a row is one of those that are brought about.
func (d *demo) staging(row int) bool {
	return d.options.scenes == nil || slices.Contains(d.options.scenes, row)
}

// enough: whether there is somebody of each office, and two workers, so that scenes can be played.
func (d *demo) enough() bool {
	count := map[roundsv1.Role]int{}
	for _, w := range d.present() {
		if !w.Night {
			count[w.Role]++
		}
	}
	return count[roundsv1.Role_ROLE_WORKER] >= 2 && count[roundsv1.Role_ROLE_FOREMAN] > 0 && count[roundsv1.Role_ROLE_DISPATCHER] > 0 &&
		count[roundsv1.Role_ROLE_SUPERVISOR] > 0 && count[roundsv1.Role_ROLE_BUTLER] > 0
}
