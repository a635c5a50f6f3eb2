package demo

import (
	"errors"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// fieldScenes are about fields that two people write.
func fieldScenes() []scene {
	return []scene{
		{row: 21, name: "the same fault reported twice", play: func(g *stage) {
			id := g.reported(60)
			again := g.view(g.c, id).Record.GetTicket()
			g.run(func() error {
				ref, err := g.b.device.Create(g.ctx, g.b.site, "", record(&roundsv1.Ticket{Title: again.GetTitle(), CategoryId: again.GetCategoryId(), Priority: again.GetPriority(),
					Channel: roundsv1.Channel_CHANNEL_BUTLER, ReporterId: g.b.ID, Location: again.GetLocation()}))
				g.shows(string(ref.ID))
				return g.b.note(ref, err)
			})
			g.sync(g.b)
		}},
		{row: 22, name: "two descriptions", play: func(g *stage) {
			id := g.given()
			g.edit(g.x, id, &roundsv1.Ticket{Description: "阀门渗水"}, "description")
			g.edit(g.y, id, &roundsv1.Ticket{Description: "水管渗水"}, "description")
			g.sync(g.y, g.x)
		}},
		{row: 23, name: "two categories", play: func(g *stage) {
			id := g.given()
			g.edit(g.b, id, &roundsv1.Ticket{CategoryId: g.Categories[28].ID}, "category_id")
			g.edit(g.c, id, &roundsv1.Ticket{CategoryId: g.Categories[30].ID}, "category_id")
			g.sync(g.c, g.b)
		}},
		{row: 24, name: "a tag removed and added", play: func(g *stage) {
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
		{row: 25, name: "a photo hidden, and a remark on it", play: func(g *stage) {
			id := g.given()
			var photo client.RecordID
			g.run(func() (err error) {
				photo, err = g.x.photograph(g.ctx, g.x.ofTicket(id, g.view(g.x, id).Record.GetTicket(), roundsv1.PhotoRole_PHOTO_ROLE_BEFORE))
				return err
			})
			g.shows(string(photo))
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
			g.pass(time.Minute)
			g.sync(g.s, g.y)
		}},
		{row: 26, name: "one photo for two tickets", play: (*stage).reuse},
		{row: 28, name: "two use the same part, and take it from the same stock", play: func(g *stage) {
			id := g.withCrew()
			asset := g.Assets[g.random().IntN(len(g.Assets))].ID
			for _, w := range []*worker{g.x, g.y} {
				g.run(func() error {
					ref, err := w.device.Fact(g.ctx, w.site, client.RecordID(asset), &roundsv1.Record{Kind: &roundsv1.Record_Asset{Asset: &roundsv1.Asset{Stock: -1}}})
					return errors.Join(w.note(ref, err), w.laboured(g.ctx, id))
				})
			}
			g.sync(g.x, g.y)
		}},
	}
}

// reuse takes a photo of one ticket, and offers the same bytes as a photo of another: for the first it is honest, for the second it is not (26).
func (g *stage) reuse() {
	one, other := g.given(), g.given()
	g.run(func() error {
		first := g.x.ofTicket(one, g.view(g.x, one).Record.GetTicket(), roundsv1.PhotoRole_PHOTO_ROLE_BEFORE)
		shot, captured := g.x.expose(first), g.x.clock()
		if _, err := g.x.promise(g.ctx, shot, first, captured, false); err != nil {
			return err
		}
		again, second := *shot.shot, first
		again.trick, second.id, shot.shot = tricks()[0], other, &again
		_, err := g.x.promise(g.ctx, shot, second, captured, false)
		return err
	})
	g.pass(time.Second)
	g.sync(g.x)
}
