package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// scene brings one row of the table of concurrent events about, on phones of the shift, with tickets of its own. What came of it is not taken from here: the
// report counts rows by what the records, the journal and the inbox show.
type scene struct {
	row  int
	name string
	play func(*stage)
}

// situations are the rows that do not come about by themselves, or not in every shift.
func situations() []scene {
	return []scene{
		{1, "reassigned, and the former assignee reports it as done", func(g *stage) {
			id := g.given()
			g.do(g.f, id, dispatchTo(g.y.ID))
			g.do(g.x, id, startOf())
			g.done(g.x, id)
			g.sync(g.f, g.y, g.x)
		}},
		{2, "reassigned and begun, and the former assignee reports it as done", func(g *stage) {
			id := g.given()
			g.do(g.f, id, dispatchTo(g.y.ID))
			g.done(g.x, id)
			g.sync(g.f, g.y)
			g.do(g.y, id, startOf())
			g.sync(g.y, g.x)
		}},
		{3, "reassigned, and the former assignee starts", func(g *stage) {
			id := g.given()
			g.do(g.f, id, dispatchTo(g.y.ID))
			g.do(g.x, id, startOf())
			g.run(func() error { return g.x.laboured(g.ctx, id) })
			g.sync(g.f, g.x)
		}},
		{4, "two report the same round as done", func(g *stage) {
			id := g.withCrew()
			g.done(g.x, id)
			g.done(g.y, id)
			g.sync(g.y, g.x)
		}},
		{5, "cancelled, and reported as done", func(g *stage) {
			id := g.given()
			g.do(g.s, id, cancelled())
			g.done(g.x, id)
			g.sync(g.s, g.x)
		}},
		{6, "merged, and reported as done", func(g *stage) {
			one, other := g.reported(3), g.reported(40)
			g.do(g.c, one, dispatchTo(g.x.ID))
			g.do(g.c, other, dispatchTo(g.x.ID))
			g.sync(g.c, g.x)
			g.do(g.c, one, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Merge{Merge: &roundsv1.TicketMerge{IntoId: string(other)}}})
			g.done(g.x, one)
			g.sync(g.c, g.x)
		}},
		{7, "closed on another's work, and reported as done", func(g *stage) {
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
		{9, "sent back, and photos and a completion of the round before", func(g *stage) { // and 8
			id := g.withCrew()
			g.reviewable(id)
			g.done(g.y, id)
			g.do(g.s, id, rejectOf(1))
			g.sync(g.s, g.y)
		}},
		{10, "more evidence, and an approval that had not seen it", func(g *stage) {
			id := g.withCrew()
			g.reviewable(id)
			g.approves(g.b, id)
			g.done(g.y, id)
			g.proved(g.y, id)
			g.sync(g.b)
		}},
		{11, "a failed item, and an approval that had not seen it", func(g *stage) {
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
		{12, "approved by one, sent back by another", func(g *stage) {
			id := g.given()
			g.reviewable(id)
			g.approves(g.b, id)
			g.do(g.s, id, rejectOf(1))
			g.sync(g.b, g.s)
		}},
		{13, "sent back by one, approved by another", func(g *stage) {
			id := g.given()
			g.reviewable(id)
			g.do(g.s, id, rejectOf(1))
			g.approves(g.b, id)
			g.sync(g.s, g.b)
		}},
		{14, "approved by two", func(g *stage) {
			id := g.given()
			g.reviewable(id)
			g.approves(g.s, id)
			g.approves(g.b, id)
			g.sync(g.s, g.b)
		}},
		{15, "opened again, and an approval of the round before", func(g *stage) {
			id := g.given()
			g.reviewable(id)
			g.approves(g.b, id)
			g.approves(g.s, id)
			g.sync(g.s, g.c)
			g.do(g.c, id, disputeOf(1))
			g.sync(g.c, g.b)
		}},
		{17, "done, and a pause from before", func(g *stage) {
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
		{18, "two of a crew start", func(g *stage) {
			id := g.withCrew()
			g.do(g.x, id, startOf())
			g.do(g.y, id, startOf())
			g.sync(g.x, g.y)
		}},
		{19, "two give it out", func(g *stage) {
			id := g.reported(77)
			g.sync(g.f)
			g.do(g.c, id, dispatchTo(g.x.ID))
			g.do(g.f, id, dispatchTo(g.y.ID))
			g.sync(g.c, g.f)
		}},
		{20, "declined, and accepted on a second phone", func(g *stage) {
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
		{21, "the same fault reported twice", func(g *stage) {
			id := g.reported(60)
			again := g.view(g.c, id).Record.GetTicket()
			g.run(func() error {
				ref, err := g.b.device.Create(g.ctx, g.b.site, "", record(&roundsv1.Ticket{Title: again.GetTitle(), CategoryId: again.GetCategoryId(), Priority: again.GetPriority(),
					Channel: roundsv1.Channel_CHANNEL_BUTLER, ReporterId: g.b.ID, Location: again.GetLocation()}))
				return g.b.note(ref, err)
			})
			g.sync(g.b)
		}},
		{22, "two descriptions", func(g *stage) {
			id := g.given()
			g.edit(g.x, id, &roundsv1.Ticket{Description: "阀门渗水"}, "description")
			g.edit(g.y, id, &roundsv1.Ticket{Description: "水管渗水"}, "description")
			g.sync(g.y, g.x)
		}},
		{23, "two categories", func(g *stage) {
			id := g.given()
			g.edit(g.x, id, &roundsv1.Ticket{CategoryId: g.Categories[28].ID}, "category_id")
			g.edit(g.c, id, &roundsv1.Ticket{CategoryId: g.Categories[30].ID}, "category_id")
			g.sync(g.c, g.x)
		}},
		{24, "a tag removed and added", func(g *stage) {
			id := g.given()
			g.edit(g.c, id, &roundsv1.Ticket{Tags: []string{"雨天"}}, "tags")
			g.sync(g.c)
			g.all()
			g.run(func() error {
				ref, err := g.f.device.Do(g.ctx, g.f.site, &roundsv1.Mutation{RecordId: string(id), Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{
					Record: record(&roundsv1.Ticket{}), Removed: record(&roundsv1.Ticket{Tags: []string{"雨天"}}), Fields: []uint32{tagsField}}}})
				return g.f.note(ref, err)
			})
			g.edit(g.y, id, &roundsv1.Ticket{Tags: []string{"雨天"}}, "tags")
			g.sync(g.f, g.y)
		}},
		{25, "a photo hidden, and a remark on it", func(g *stage) {
			id := g.given()
			var photo client.RecordID
			g.run(func() (err error) {
				photo, err = g.x.photograph(g.ctx, g.x.ofTicket(id, g.view(g.x, id).Record.GetTicket(), roundsv1.PhotoRole_PHOTO_ROLE_BEFORE))
				return err
			})
			g.sync(g.x)
			g.all()
			g.run(func() error {
				ref, err := g.s.device.Edit(g.ctx, g.s.site, photo, &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{
					Hidden: &roundsv1.Hidden{Reason: "拍到住户 / shows a resident", PersonId: g.s.ID}}}}, "hidden")
				return g.s.note(ref, err)
			})
			g.run(func() error {
				ref, err := g.y.device.Fact(g.ctx, g.y.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
					Subject: &roundsv1.RecordRef{Kind: "photo", Id: string(photo)}, Words: "左下角就是漏点 / the leak is at the lower left", PersonId: g.y.ID, Said: g.y.clock()}}})
				return g.y.note(ref, err)
			})
			g.sync(g.s, g.y)
		}},
		{28, "two use the same part", func(g *stage) {
			id := g.withCrew()
			g.run(func() error { return errors.Join(g.x.laboured(g.ctx, id), g.y.laboured(g.ctx, id)) })
			g.sync(g.x, g.y)
		}},
		{29, "two walk the same round", func(g *stage) { g.walkTogether() }}, // and 27
		{30, "a round that counts as missed, and was walked", func(g *stage) { g.walkLate() }},
		{31, "a new version of a checklist, and answers to the old one", func(g *stage) {
			g.run(func() error {
				return g.withOffice(func() error { return g.office.publish(g.ctx, g.Community, g.dir, g.day) })
			})
		}},
		{35, "done, and given to somebody else without a signal", func(g *stage) {
			id := g.given()
			g.done(g.x, id)
			g.sync(g.x)
			g.do(g.f, id, dispatchTo(g.y.ID))
			g.sync(g.f)
		}},
		{37, "approved, and the approver had worked on it", func(g *stage) {
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

// doneUnseen lets somebody report work as done whose photos stay on the phone: what follows when the phone is lost is row 36.
func (d *demo) doneUnseen(ctx context.Context, w *worker) error {
	s := scene{36, "done, and the photos are on a phone that gets lost", func(g *stage) {
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
		delete(d.day.taken, id)
	}
	if g.err != nil {
		return fmt.Errorf("row %d, %s: %w", s.row, s.name, g.err)
	}
	d.progress.say("row %d: %s", s.row, s.name)
	return nil
}

// stageScenes spreads the scenes over the shift.
func (d *demo) stageScenes(begin time.Time, hours float64) []event {
	all := slices.DeleteFunc(situations(), func(s scene) bool {
		return d.options.scenes != nil && !slices.Contains(d.options.scenes, s.row)
	})
	var events []event
	for i, s := range all {
		part := 0.05 + 0.8*float64(i)/float64(max(1, len(all)))
		events = append(events, event{at: begin.Add(time.Duration(part * hours * float64(time.Hour))), phone: -1,
			does: func(ctx context.Context) error { return d.play(ctx, s) }})
	}
	return events
}
