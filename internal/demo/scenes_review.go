package demo

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// reviewScenes are about decisions on finished work by people who did not know of each other, or of what came meanwhile.
func reviewScenes() []scene {
	return []scene{
		{row: 9, name: "sent back, and photos and a completion of the round before", play: func(g *stage) {
			id := g.withCrew()
			g.reviewable(id)
			g.done(g.y, id)
			g.pass(time.Minute)
			g.do(g.s, id, rejectOf(1))
			g.sync(g.s, g.y)
		}, also: []int{8}},
		{row: 10, name: "more evidence, and an approval that had not seen it", play: func(g *stage) {
			id := g.withCrew()
			g.reviewable(id)
			g.approves(g.b, id)
			g.done(g.y, id)
			g.proved(g.y, id)
			g.sync(g.b)
		}},
		{row: 11, name: "a failed item, and an approval that had not seen it", play: func(g *stage) {
			id := g.given()
			g.reviewable(id)
			g.approves(g.b, id)
			g.run(func() error {
				ref, err := g.f.device.Fact(g.ctx, g.f.site, id, record(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{
					"i04": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL, Note: "现场未清理 / the place was left dirty", Answered: g.f.clock()}}}))
				return g.f.note(ref, err)
			})
			g.sync(g.f, g.b)
		}},
		{row: 12, name: "approved by one, sent back by another", play: func(g *stage) {
			id := g.given()
			g.reviewable(id)
			g.approves(g.b, id)
			g.do(g.s, id, rejectOf(1))
			g.sync(g.b, g.s)
		}},
		{row: 13, name: "sent back by one, approved by another", play: func(g *stage) {
			id := g.given()
			g.reviewable(id)
			g.do(g.s, id, rejectOf(1))
			g.approves(g.b, id)
			g.sync(g.s, g.b)
		}},
		{row: 14, name: "approved by two", play: func(g *stage) {
			id := g.given()
			g.reviewable(id)
			g.approves(g.s, id)
			g.approves(g.b, id)
			g.sync(g.s, g.b)
		}},
		{row: 15, name: "opened again, and an approval of the round before", play: func(g *stage) {
			id := g.given()
			g.reviewable(id)
			g.approves(g.b, id)
			g.approves(g.s, id)
			g.sync(g.s, g.c)
			g.do(g.c, id, disputeOf(1))
			g.sync(g.c, g.b)
		}},
		{row: 37, name: "approved, and the approver had worked on it", play: func(g *stage) {
			id := g.given()
			g.reviewable(id)
			g.run(func() error { return g.f.laboured(g.ctx, id) })
			g.approves(g.b, id)
			g.sync(g.b)
			g.run(func() error { return g.b.laboured(g.ctx, id) })
			g.sync(g.b, g.f)
		}},
	}
}
