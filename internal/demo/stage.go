package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/link"
)

// stage is who plays, and what went wrong so far: after the first fault nothing more is done.
type stage struct {
	*demo
	ctx context.Context
	err error
	// X and Y are workers, F is the foreman, C the customer service, S the supervisor, B the butler.
	x, y, f, c, s, b *worker
	used             []client.RecordID
	scene            scene
	shown            []string // the records that the row is to be seen with
	goesOn           bool     // something comes later: nobody touches the scene's tickets until then
}

// shows says that the scene's row is to be seen with a record.
func (g *stage) shows(record string) {
	if record != "" {
		g.shown = append(g.shown, record)
	}
}

// later plays the rest of a scene at a time, by whoever is on the stage now; then everybody may touch its tickets again.
func (g *stage) later(at time.Time, play func(*stage)) {
	g.goesOn = true
	next := *g
	g.day.added = append(g.day.added, event{at: at, phone: -1, does: func(ctx context.Context) error {
		next.ctx = ctx
		for _, w := range []*worker{next.x, next.y} {
			was := w.camera.honest
			w.camera.honest = true
			defer func() { w.camera.honest = was }()
		}
		play(&next)
		for _, id := range next.used {
			delete(next.day.taken, id)
		}
		if next.err != nil {
			return fmt.Errorf("row %d, %s: %w", next.scene.row, next.scene.name, next.err)
		}
		return nil
	}})
}

// until lets something happen at the site and the office look, again and again, until the server has come to something: it does not know that its clock jumped,
// and would sleep on.
func (g *stage) until(what string, done func() (bool, error)) {
	for n, late := 0, time.Now().Add(patience); time.Now().Before(late); n++ {
		if n%20 == 0 {
			g.run(func() error {
				ref, err := g.c.device.Fact(g.ctx, g.c.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
					Words: "有人在吗？ / is anybody there?", PersonId: g.c.ID, Said: g.c.clock()}}})
				return g.c.note(ref, err)
			})
		}
		g.sync(g.c)
		came := false
		g.run(func() (err error) { came, err = done(); return err })
		if came || g.err != nil {
			return
		}
		g.run(func() error {
			select {
			case <-time.After(25 * time.Millisecond):
				return nil
			case <-g.ctx.Done():
				return g.ctx.Err()
			}
		})
	}
	g.run(func() error { return fmt.Errorf("the server does not come to %s", what) })
}

// connected does something while a phone has the best of signals, with the demo's clock at the speed of the machine's.
func (g *stage) connected(w *worker, do func() error) {
	g.run(func() error {
		if err := g.time.run(1); err != nil {
			return err
		}
		defer func() { g.time.jump(g.time.Now()) }()
		w.link.Reshape(link.Shape{})
		w.link.On()
		defer w.dropIdle()
		defer w.link.Off()
		return do()
	})
}

// sync lets phones have a signal for as long as their words need, one after the other.
func (g *stage) sync(people ...*worker) {
	for _, w := range people {
		g.connected(w, func() error {
			report, err := w.device.Sync(g.ctx, client.WithoutPhotos())
			g.progress.synced(report, err)
			return err
		})
	}
}

// run does one step unless one failed before.
func (g *stage) run(step func() error) {
	if g.err == nil {
		g.err = step()
	}
}

// pass lets some time go by. Meanwhile the desk of the customer service does not stand still: what others report is given out.
func (g *stage) pass(d time.Duration) {
	for ; d > slot; d -= slot {
		g.time.jump(g.time.Now().Add(slot))
		g.sync(g.c)
		g.run(func() error {
			tickets, err := g.c.tickets(g.ctx)
			if err == nil {
				_, err = g.c.dispatch(g.ctx, tickets, mostAtOnce)
			}
			return err
		})
		g.sync(g.c)
	}
	g.time.jump(g.time.Now().Add(d))
}

func (g *stage) all() { g.sync(g.x, g.y, g.f, g.c, g.s, g.b) }

// view is a record of the scene as a phone shows it.
func (g *stage) view(w *worker, id client.RecordID) client.View {
	v := client.View{Scope: w.site, ID: id, Change: &roundsv1.Change{}}
	g.run(func() error {
		found, err := w.device.Get(g.ctx, w.site, "ticket", id)
		if err == nil {
			v = found
		}
		return err
	})
	return v
}

// do asks for a transition.
func (g *stage) do(w *worker, id client.RecordID, c *roundsv1.TicketCommand) {
	g.pass(time.Second)
	g.run(func() error {
		return w.command(g.ctx, client.View{Scope: w.site, Change: &roundsv1.Change{}, ID: id}, c)
	})
}

// reported is a ticket that the customer service took in and triaged: at home, where photos of the finished work are enough.
func (g *stage) reported(where int) client.RecordID { return g.reportedAs(26+len(g.used)%12, where) }

// reportedAs is one of a category, at a place.
func (g *stage) reportedAs(kind, where int) client.RecordID {
	var id client.RecordID
	category := g.Categories[kind]
	place := g.Places[where%len(g.Places)]
	g.run(func() error {
		ref, err := g.c.device.Create(g.ctx, g.c.site, "", record(&roundsv1.Ticket{Title: category.GetName().GetZh(), CustomerWords: "业主来电", CategoryId: category.ID,
			Priority: category.GetPriority(), Channel: roundsv1.Channel_CHANNEL_PHONE, ReporterId: g.c.ID,
			Location: &roundsv1.Location{PlaceId: place.ID, Words: place.GetName().GetZh(), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}}))
		id = ref.ID
		g.day.taken[id] = true
		g.used = append(g.used, id)
		return g.c.note(ref, err)
	})
	g.do(g.c, id, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: category.ID}}})
	g.sync(g.c)
	return id
}

// given is a ticket that X has accepted, which everybody has seen.
func (g *stage) given() client.RecordID {
	id := g.reported(int(g.random().IntN(1000)))
	g.do(g.c, id, dispatchTo(g.x.ID))
	g.sync(g.c, g.x)
	g.do(g.x, id, acceptOf(1))
	g.sync(g.x)
	g.all()
	return id
}

func (g *stage) random() *rand.Rand { return g.c.random }

// withCrew is a ticket of X with Y in the crew.
func (g *stage) withCrew() client.RecordID {
	id := g.given()
	g.edit(g.f, id, &roundsv1.Ticket{CrewIds: []string{g.y.ID}}, "crew_ids")
	g.sync(g.f)
	g.all()
	return id
}

func (g *stage) edit(w *worker, id client.RecordID, t *roundsv1.Ticket, fields ...string) {
	g.pass(time.Second)
	g.run(func() error {
		ref, err := w.device.Edit(g.ctx, w.site, id, record(t), fields...)
		return w.note(ref, err)
	})
}

// done lets somebody report a ticket as done, with an honest photo.
func (g *stage) done(w *worker, id client.RecordID) {
	v := g.view(w, id)
	g.pass(time.Second)
	g.run(func() error { return w.complete(g.ctx, v) })
}

// reviewable lets X do the work, until it waits for somebody's word, and everybody see that.
func (g *stage) reviewable(id client.RecordID) {
	g.do(g.x, id, startOf())
	g.done(g.x, id)
	g.proved(g.x, id)
	g.all()
}

// proved lets a phone upload until the ticket waits for review.
func (g *stage) proved(w *worker, id client.RecordID) {
	g.connected(w, func() error {
		for late := time.Now().Add(patience); time.Now().Before(late); {
			report, err := w.device.Sync(g.ctx)
			w.count(report.Photos)
			if err != nil {
				return err
			}
			if g.view(w, id).Record.GetTicket().GetState() == roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW {
				return nil
			}
			select {
			case <-time.After(25 * time.Millisecond):
			case <-g.ctx.Done():
				return g.ctx.Err()
			}
		}
		return fmt.Errorf("ticket %s is %s, and does not come to a review", id, g.view(w, id).Record.GetTicket().GetState())
	})
}

// approves confirms a ticket by the evidence as the phone shows it.
func (g *stage) approves(w *worker, id client.RecordID) {
	v := g.view(w, id)
	g.pass(time.Second)
	g.run(func() error {
		digest, err := w.digest(g.ctx, v)
		if err != nil {
			return err
		}
		return w.command(g.ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Approve{Approve: &roundsv1.TicketApprove{
			Round: v.Record.GetTicket().GetRound(), ReviewDigest: digest}}})
	})
}

func acceptOf(epoch uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Accept{Accept: &roundsv1.TicketAccept{AssignEpoch: epoch}}}
}

func startOf() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}}
}

func pauseOf(reason string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Pause{Pause: &roundsv1.TicketPause{Reason: reason}}}
}

func resumeOf() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Resume{Resume: &roundsv1.TicketResume{}}}
}

func rejectOf(round uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reject{Reject: &roundsv1.TicketReject{Round: round, Reason: "not_done", Words: "问题还在 / it is still there"}}}
}

func disputeOf(round uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispute{Dispute: &roundsv1.TicketDispute{Round: round, Words: "还在漏水 / it still leaks"}}}
}
