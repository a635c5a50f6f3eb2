package demo

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/promises"
)

// timeScenes are about what passes before something is heard of: a deadline, the time of a record in the working set, the age of a backup.
func timeScenes() []scene {
	return []scene{
		{row: 16, name: "overdue and a level up, and done in time where there was no signal", play: (*stage).doneInTime},
		{row: 34, name: "closed and archived, and labour comes", play: (*stage).archived},
		{row: 38, name: "a phone that was restored from a backup uses its numbers again", play: (*stage).restored},
	}
}

// fireCategory is an emergency, for which photos of the finished work are enough: fire or smoke.
const fireCategory = 38

// doneInTime lets X do an emergency without a signal, while its deadline passes for all that the server knows (16).
func (g *stage) doneInTime() {
	far := g.second(g.x)
	id := g.reportedAs(fireCategory, g.random().IntN(1000))
	g.do(g.c, id, dispatchTo(g.x.ID))
	g.sync(g.c, far)
	due := time.Time{}
	for _, d := range g.view(far, id).Record.GetTicket().GetDeadlines() {
		if d.GetStep() == roundsv1.Step_STEP_FINISH {
			due = time.UnixMicro(d.GetDueUs()).In(g.progress.begin.Location())
		}
	}
	g.run(func() error {
		if !due.After(g.time.Now().Add(10 * time.Minute)) {
			return fmt.Errorf("the work has to be finished by %v", due)
		}
		return nil
	})
	g.pass(3 * time.Minute)
	g.do(far, id, startOf())
	g.pass(5 * time.Minute)
	g.done(far, id)
	g.later(due.Add(4*time.Minute), func(g *stage) {
		g.until("taking the ticket for overdue", func() (bool, error) {
			v, err := g.c.device.Get(g.ctx, g.c.site, "ticket", id)
			return slices.ContainsFunc(v.Record.GetTicket().GetDeadlines(), func(d *roundsv1.Deadline) bool {
				return d.GetStep() == roundsv1.Step_STEP_FINISH && d.GetState() == roundsv1.DeadlineState_DEADLINE_STATE_BREACHED && d.GetBreachedUs() > 0
			}), err
		})
		g.sync(far)
	})
}

// archived lets a closed ticket leave the working set while X still has something for it (34).
func (g *stage) archived() {
	id := g.given()
	g.reviewable(id)
	g.approves(g.b, id)
	g.sync(g.b)
	g.run(func() error { return g.x.laboured(g.ctx, id) })
	g.run(func() error {
		return g.withOffice(func() error { return g.server.archive(string(g.x.site), "ticket", string(id)) })
	})
	g.sync(g.x)
}

// restored lets a phone work on after its backup was made, and its restored backup, too: the same numbers with other content. The restored phone is taken in anew,
// and both branches are kept (38).
func (g *stage) restored() {
	id := g.given()
	far := g.second(g.y)
	backup := far.dir + ".backup"
	var kept []client.Ref
	works := func() {
		g.pass(time.Minute)
		g.run(func() error {
			made, err := far.device.NewID()
			if err != nil {
				return err
			}
			ref, err := far.device.Fact(g.ctx, far.site, id, record(&roundsv1.Ticket{Labour: []*roundsv1.Labour{{Id: string(made), PersonId: far.ID, Ended: far.clock()}}}))
			kept = append(kept, client.Ref{Scope: ref.Scope, Kind: ref.Kind, ID: client.RecordID(made)})
			return err
		})
	}
	g.run(func() error { return far.off(g.ctx) })
	g.run(func() error { return os.CopyFS(backup, os.DirFS(far.dir)) })
	g.run(func() error { return far.on(g.ctx) })
	works()
	g.sync(far)
	g.run(func() error { return g.demo.remember(g.ctx, far) })
	g.run(func() error { return far.off(g.ctx) })
	g.run(func() error { return errors.Join(os.RemoveAll(far.dir), os.Rename(backup, far.dir)) })
	g.run(func() error { return far.on(g.ctx) })
	g.run(func() error { return g.demo.forget(g.ctx, far) })
	works()
	g.run(func() error { return g.takenInAnew(far) })
	g.sync(far, g.c)
	g.run(func() error {
		v, err := g.c.device.Get(g.ctx, g.c.site, "ticket", id)
		if err != nil {
			return err
		}
		for _, ref := range kept {
			if !slices.ContainsFunc(v.Record.GetTicket().GetLabour(), func(l *roundsv1.Labour) bool { return l.GetId() == string(ref.ID) }) {
				return errors.New("not both branches are kept")
			}
		}
		g.demo.forks = append(g.demo.forks, sighting{record: string(id)})
		return nil
	})
}

// takenInAnew wants the server to find that a phone's lane is forked, and enrols the phone as another device.
func (g *stage) takenInAnew(far *worker) error {
	return g.withOffice(func() error {
		far.link.On()
		defer far.dropIdle()
		defer far.link.Off()
		if _, err := far.device.Sync(g.ctx, client.WithoutPhotos()); !errors.Is(err, client.ErrForked) {
			return fmt.Errorf("the fork is not found: %w", err)
		}
		was, err := far.device.Identity()
		if err != nil {
			return err
		}
		g.formerKeys[string(was.Device)] = was.Key.Public().(ed25519.PublicKey)
		code, err := g.office.phoneFor(g.ctx, far.Person)
		if err != nil {
			return err
		}
		me, err := client.Enrol(g.ctx, far.store, client.Enrolment{Auth: roundsv1connect.NewAuthServiceClient(far.httpc, far.address()), Audience: far.url, Code: code,
			Name: far.name, Model: "demo"})
		if err != nil {
			return err
		}
		return far.device.Reenrol(context.WithoutCancel(g.ctx), me)
	})
}

// remember keeps what a phone has recorded, before it is restored to what it was.
func (d *demo) remember(ctx context.Context, w *worker) error {
	of, err := promises.OfDevice(ctx, w.name+" before it was restored", w.device)
	of.Holds = nil // they are gone
	d.former = append(d.former, of)
	return err
}

// forget takes from what was remembered last what the restored phone has recorded itself.
func (d *demo) forget(ctx context.Context, w *worker) error {
	now, err := promises.OfDevice(ctx, w.name, w.device)
	last := &d.former[len(d.former)-1]
	last.Queued = slices.DeleteFunc(last.Queued, func(q promises.Queued) bool {
		return slices.ContainsFunc(now.Queued, func(o promises.Queued) bool { return o.Scope == q.Scope && o.Device == q.Device && o.Lane == q.Lane })
	})
	return err
}
