package demo

import (
	"errors"
	"fmt"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
)

// roundScenes are about inspection rounds, which the supervisor sets up for the purpose.
func roundScenes() []scene {
	return []scene{
		{row: 29, name: "two walk the same round, and do not agree about an item", play: (*stage).walkTogether, also: []int{27}},
		{row: 30, name: "a round that counts as missed, and was walked", play: (*stage).walkLate},
		{row: 31, name: "a new version of a checklist, and answers to the old one", play: (*stage).walkWithTheOld},
	}
}

// inspection sets up a round with a checklist, from now until a while later, and lets X and Y see it.
func (g *stage) inspection(code string, window time.Duration) client.View {
	var v client.View
	g.all()
	g.run(func() error {
		list, err := g.s.newest(g.ctx, code)
		if err != nil {
			return err
		}
		var route []string
		for _, p := range g.Silent() {
			if p.GetTag() != "" && len(route) < 3 {
				route = append(route, p.ID)
			}
		}
		now := g.time.Now()
		ref, err := g.s.device.Create(g.ctx, g.s.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
			Title: "临时加巡 / an extra round", ChecklistId: list.GetSeriesId(), ChecklistVersion: list.GetVersion(),
			WindowStartUs: now.UnixMicro(), WindowEndUs: now.Add(window).UnixMicro(), CheckpointIds: route}}})
		if err := g.s.note(ref, err); err != nil {
			return err
		}
		v.ID = ref.ID
		g.day.taken[ref.ID] = true
		g.used = append(g.used, ref.ID)
		return g.s.roundCommand(g.ctx, ref.ID, &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Release{Release: &roundsv1.InspectionRelease{}}})
	})
	g.sync(g.s, g.x, g.y)
	return g.walking(g.x, v.ID)
}

// walking is a round as a phone shows it.
func (g *stage) walking(w *worker, id client.RecordID) (v client.View) {
	g.run(func() (err error) {
		if v, err = w.device.Get(g.ctx, w.site, "inspection", id); err == nil && v.Record.GetInspection() == nil {
			err = fmt.Errorf("round %s is not on the phone of %s", id, w.name)
		}
		return err
	})
	return v
}

// walks lets somebody walk a round from its first tag to the word that it is done.
func (g *stage) walks(w *worker, v client.View) {
	g.run(func() error {
		return errors.Join(w.startRound(g.ctx, v), w.visitAll(g.ctx, v), w.answerAll(g.ctx, v, 0), w.submitRound(g.ctx, v))
	})
}

// walkLate lets X walk a round in its window, and come to a signal only after it (30).
func (g *stage) walkLate() {
	far := g.second(g.x)
	v := g.inspection(gatesList, 20*time.Minute)
	g.sync(far)
	g.pass(10 * time.Minute)
	g.walks(far, v)
	g.later(g.time.Now().Add(14*time.Minute), func(g *stage) {
		g.until("taking the round for missed", func() (bool, error) {
			at, err := g.c.device.Get(g.ctx, g.c.site, "inspection", v.ID)
			return at.Record.GetInspection().GetState() == roundsv1.InspectionState_INSPECTION_STATE_MISSED, err
		})
		g.sync(far)
	})
}

// walkTogether lets two walk one round without knowing of each other: both scan every tag, and they do not agree about one item (27 and 29).
func (g *stage) walkTogether() {
	v := g.inspection(gatesList, 3*time.Hour)
	g.pass(10 * time.Minute)
	var list *roundsv1.Checklist
	g.run(func() (err error) { list, err = g.x.checklist(g.ctx, v.Record.GetInspection()); return err })
	g.run(func() error {
		return errors.Join(g.x.startRound(g.ctx, v), g.x.visitAll(g.ctx, v), g.x.answerAll(g.ctx, v, 0))
	})
	g.pass(time.Minute)
	g.run(func() error { return g.y.visitAll(g.ctx, v) })
	g.run(func() error {
		at := slices.IndexFunc(list.GetItems(), func(i *roundsv1.ChecklistItem) bool { return i.GetUnit() == "" })
		if at < 0 {
			return errors.New("the checklist has no question to disagree about")
		}
		return g.y.answerItem(g.ctx, v, list.GetItems()[at], roundsv1.AnswerResult_ANSWER_RESULT_FAIL)
	})
	g.sync(g.x, g.y) // what is visited after the word that the round is done does not confirm anything
	g.run(func() error { return g.x.submitRound(g.ctx, v) })
	g.sync(g.x)
}

// walkWithTheOld lets X walk a round with the version of the checklist that it was released with, while a newer one is published (31).
func (g *stage) walkWithTheOld() {
	v := g.inspection(gatesList, 3*time.Hour)
	g.run(func() error {
		return g.withOffice(func() error { return g.office.publish(g.ctx, g.Community, g.dir, g.day) })
	})
	g.pass(10 * time.Minute)
	g.walks(g.x, v)
	g.sync(g.x)
}

// second is another phone of somebody, which is enrolled for the purpose and stands where there is no signal. Its photos are honest.
func (g *stage) second(of *worker) *worker {
	w := &worker{phone: &phone{}, site: of.site}
	g.run(func() error {
		return g.withOffice(func() error {
			g.spares++
			p, err := newPhone(g.dir, fmt.Sprintf("%s-%d", of.name, g.spares+1), g.server.listen, g.time, g.seed+76+uint64(g.spares))
			if err != nil {
				return err
			}
			p.Person, p.url, p.spare = of.Person, of.url, true
			p.camera = &camera{random: of.camera.random, plants: of.camera.plants, begin: of.camera.begin, hours: of.camera.hours, took: of.camera.took, honest: true}
			w = &worker{phone: p, Community: of.Community, site: of.site, hands: of.hands, day: of.day}
			g.workers = append(g.workers, w)
			code, err := g.office.phoneFor(g.ctx, community.Person{ID: of.ID, Name: of.Name})
			if err != nil {
				return err
			}
			if err := errors.Join(p.enrol(g.ctx, code), p.on(g.ctx)); err != nil {
				return err
			}
			_, err = p.device.Sync(g.ctx)
			p.link.Off()
			p.dropIdle()
			return err
		})
	})
	return w
}
