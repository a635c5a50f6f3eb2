package demo

import (
	"context"
	"errors"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
)

// walkLate lets X walk a round in its window, and come to a signal only after it.
func (g *stage) walkLate() {
	g.all()
	round := g.openRound()
	if g.err != nil || round.ID == "" {
		return
	}
	g.day.taken[round.ID] = true
	g.run(func() error {
		return errors.Join(g.x.startRound(g.ctx, round), g.x.visitAll(g.ctx, round), g.x.answerAll(g.ctx, round, 0), g.x.submitRound(g.ctx, round))
	})
	g.x.below = true
	after := time.UnixMicro(round.Record.GetInspection().GetWindowEndUs()).In(g.progress.begin.Location()).Add(4 * time.Minute)
	d, x, c := g.demo, g.x, g.c
	d.added = append(d.added, event{at: after, phone: -1, does: func(ctx context.Context) error {
		later := &stage{demo: d, ctx: ctx}
		later.run(func() error { // something has to happen at the site, or the server sleeps on: it does not know that its clock jumped
			ref, err := c.device.Fact(ctx, c.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
				Words: "谁在巡查? / who is on the round?", PersonId: c.ID, Said: c.clock()}}})
			return c.note(ref, err)
		})
		later.sync(c)
		for range 100 { // the server's clock has just passed the window
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
			later.sync(c)
			if v, err := c.device.Get(ctx, c.site, "inspection", round.ID); err != nil || v.Record.GetInspection().GetState() == roundsv1.InspectionState_INSPECTION_STATE_MISSED {
				break
			}
		}
		x.below = false
		later.sync(x)
		delete(d.day.taken, round.ID)
		return later.err
	}})
}

// openRound is the round that can be walked now and has the least time left, but ten minutes.
func (g *stage) openRound() client.View {
	var round client.View
	g.run(func() error {
		now := g.time.Now().UnixMicro()
		for v, err := range g.x.device.List(g.ctx, g.x.site, "inspection") {
			if err != nil {
				return err
			}
			i := v.Record.GetInspection()
			if i.GetState() == roundsv1.InspectionState_INSPECTION_STATE_RELEASED && i.GetWindowStartUs() <= now && now < i.GetWindowEndUs()-600e6 && !g.day.taken[v.ID] &&
				(round.ID == "" || i.GetWindowEndUs() < round.Record.GetInspection().GetWindowEndUs()) {
				round = v
			}
		}
		return nil
	})
	return round
}

// walkTogether lets two walk one round without knowing of each other: both scan every tag, and they do not agree about one item (27 and 29).
func (g *stage) walkTogether() {
	g.all()
	round := g.openRound()
	if g.err != nil || round.ID == "" {
		return
	}
	list, err := g.x.checklist(g.ctx, round.Record.GetInspection())
	g.run(func() error { return err })
	g.run(func() error { return errors.Join(g.x.startRound(g.ctx, round), g.x.visitAll(g.ctx, round)) })
	g.run(func() error { return g.x.answerAll(g.ctx, round, 0) })
	g.pass(time.Minute)
	g.run(func() error { return g.y.visitAll(g.ctx, round) })
	at := slices.IndexFunc(list.GetItems(), func(i *roundsv1.ChecklistItem) bool { return i.GetUnit() == "" })
	if at >= 0 {
		g.run(func() error {
			return g.y.answerItem(g.ctx, round, list.GetItems()[at], roundsv1.AnswerResult_ANSWER_RESULT_FAIL)
		})
	}
	g.run(func() error { return g.x.submitRound(g.ctx, round) })
	g.sync(g.y, g.x)
}

// second is another phone of somebody, which is enrolled for the purpose.
func (g *stage) second(of *worker) *worker {
	var w *worker
	g.run(func() error {
		return g.withOffice(func() error {
			p, err := newPhone(g.dir, of.name+"-b", g.server.listen, g.time, g.seed+77)
			if err != nil {
				return err
			}
			p.Person, p.url, p.camera, p.spare = of.Person, of.url, &camera{random: of.camera.random, plants: of.camera.plants, took: func() {}}, true
			code, err := g.office.phoneFor(g.ctx, community.Person{ID: of.ID, Name: of.Name})
			if err != nil {
				return err
			}
			if err := errors.Join(p.enrol(g.ctx, code), p.on(g.ctx)); err != nil {
				return err
			}
			w = &worker{phone: p, Community: of.Community, site: of.site, hands: of.hands, day: of.day}
			_, err = p.device.Sync(g.ctx)
			g.workers = append(g.workers, w)
			return err
		})
	})
	return w
}
