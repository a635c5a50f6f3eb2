package demo

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// workScenes are about who has a ticket, and what becomes of finished work whose ticket is somebody else's, ended or gone.
func workScenes() []scene {
	return []scene{
		{row: 1, name: "reassigned, and the former assignee reports it as done", play: func(g *stage) {
			id := g.given()
			g.do(g.f, id, dispatchTo(g.y.ID))
			g.do(g.x, id, startOf())
			g.done(g.x, id)
			g.sync(g.f, g.y, g.x)
		}},
		{row: 2, name: "reassigned and begun, and the former assignee reports it as done", play: func(g *stage) {
			id := g.given()
			g.do(g.f, id, dispatchTo(g.y.ID))
			g.done(g.x, id)
			g.sync(g.f, g.y)
			g.do(g.y, id, startOf())
			g.sync(g.y, g.x)
		}},
		{row: 3, name: "reassigned, and the former assignee starts", play: func(g *stage) {
			id := g.given()
			g.do(g.f, id, dispatchTo(g.y.ID))
			g.do(g.x, id, startOf())
			g.run(func() error { return g.x.laboured(g.ctx, id) })
			g.sync(g.f, g.x)
		}},
		{row: 4, name: "two report the same round as done", play: func(g *stage) {
			id := g.withCrew()
			g.done(g.x, id)
			g.done(g.y, id)
			g.sync(g.y, g.x)
		}},
		{row: 5, name: "cancelled, and reported as done", play: func(g *stage) {
			id := g.given()
			g.do(g.s, id, cancelled())
			g.done(g.x, id)
			g.sync(g.s, g.x)
		}},
		{row: 6, name: "merged, and reported as done", play: func(g *stage) {
			one, other := g.reported(3), g.reported(40)
			g.do(g.c, one, dispatchTo(g.x.ID))
			g.do(g.c, other, dispatchTo(g.x.ID))
			g.sync(g.c, g.x)
			g.do(g.c, one, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Merge{Merge: &roundsv1.TicketMerge{IntoId: string(other)}}})
			g.done(g.x, one)
			g.sync(g.c, g.x)
		}},
		{row: 7, name: "closed on another's work, and reported as done", play: func(g *stage) {
			id := g.given()
			g.do(g.f, id, dispatchTo(g.y.ID))
			g.done(g.x, id)
			g.sync(g.f, g.y)
			g.do(g.y, id, startOf())
			g.done(g.y, id)
			g.proved(g.y, id)
			g.sync(g.b)
			g.approves(g.b, id)
			g.sync(g.b, g.x)
		}},
		{row: 17, name: "done, and a pause from before", play: func(g *stage) {
			id := g.withCrew()
			g.do(g.x, id, startOf())
			g.sync(g.x)
			g.all()
			g.do(g.x, id, pauseOf("contractor"))
			g.pass(time.Minute)
			g.do(g.x, id, resumeOf())
			g.pass(time.Minute)
			g.done(g.y, id)
			g.sync(g.y, g.x)
		}},
		{row: 18, name: "two of a crew start", play: func(g *stage) {
			id := g.withCrew()
			g.do(g.x, id, startOf())
			g.do(g.y, id, startOf())
			g.sync(g.x, g.y)
		}},
		{row: 19, name: "two give it out", play: func(g *stage) {
			id := g.reported(77)
			g.sync(g.f)
			g.do(g.c, id, dispatchTo(g.x.ID))
			g.do(g.f, id, dispatchTo(g.y.ID))
			g.sync(g.c, g.f)
		}},
		{row: 20, name: "declined, and accepted on a second phone", play: func(g *stage) {
			second := g.second(g.x)
			if second == nil {
				return
			}
			id := g.reported(50)
			g.do(g.c, id, dispatchTo(g.x.ID))
			g.sync(g.c, g.x, second)
			g.do(second, id, acceptOf(1))
			g.do(g.x, id, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Decline{Decline: &roundsv1.TicketDecline{AssignEpoch: 1, Reason: "在处理急修 / on an emergency"}}})
			g.sync(g.x, second)
		}},
		{row: 35, name: "done, and given to somebody else without a signal", play: func(g *stage) {
			id := g.given()
			g.done(g.x, id)
			g.sync(g.x)
			g.do(g.f, id, dispatchTo(g.y.ID))
			g.sync(g.f)
		}},
	}
}
