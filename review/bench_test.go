package review_test

import (
	"context"
	"fmt"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// large makes a site of so many tickets, each with six records that belong to it.
func large(w *world, tickets int) {
	var list []engine.Derived
	for i := range tickets {
		id := uid(fmt.Sprint("ticket ", i))
		t := &roundsv1.Ticket{Title: fmt.Sprint("泵房漏水 ", i), Description: "地下二层水泵房地面积水,请工程师傅尽快查看并处理,注意用电安全。", State: roundsv1.TicketState(1 + i%12),
			ReportedTimeUs: w.now.UnixMicro() - int64(i), AssigneeId: uid(fmt.Sprint("worker ", i%50)), CategoryId: uid(fmt.Sprint("category ", i%10)), Round: 1,
			Deadlines: []*roundsv1.Deadline{{Step: roundsv1.Step_STEP_FINISH, Round: 1, State: roundsv1.DeadlineState_DEADLINE_STATE_OPEN, DueUs: w.now.UnixMicro() + int64(i)}}}
		for m := range 6 {
			t.Moves = append(t.Moves, &roundsv1.Move{State: roundsv1.TicketState(m), TimeUs: w.now.UnixMicro(), PersonId: t.AssigneeId, Round: 1})
		}
		list = append(list, made(id, ticket(t)))
		for n := range 4 {
			list = append(list, made(uid(fmt.Sprint("photo ", i, n)), photo(&roundsv1.Photo{Subject: of("ticket", id), Round: 1, Role: roundsv1.PhotoRole(1 + n%2),
				PersonId: t.AssigneeId, Sha256: make([]byte, 32), State: roundsv1.PhotoState_PHOTO_STATE_CLEAN, MediaType: "image/jpeg", Preview: make([]byte, 2000)})))
		}
		list = append(list, made(uid(fmt.Sprint("comment ", i)), comment(&roundsv1.Comment{Subject: of("ticket", id), Words: "ok"})),
			made(uid(fmt.Sprint("question ", i)), conflict(&roundsv1.Conflict{Subject: of("ticket", id), OwnerRole: supervisor,
				State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED})))
		if len(list) > 500 {
			w.write(site, list...)
			list = nil
		}
	}
	w.write(site, list...)
}

func BenchmarkLoad(b *testing.B) {
	w := newWorld(b)
	boss := w.person("boss", manager)
	const tickets = 5000
	large(w, tickets)
	for b.Loop() {
		s, err := review.New(review.Config{Records: w.engine, Access: w, Key: make([]byte, 16), Now: w.clock})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.ListTickets(context.Background(), boss, &roundsv1.ListTicketsRequest{Scopes: []string{string(site)}}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(s.Stats().Bytes)/(7*tickets), "bytes/record")
		s.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(7*tickets), "ns/record")
}

func BenchmarkList(b *testing.B) {
	w := newWorld(b)
	boss := w.person("boss", manager)
	large(w, 20000)
	for _, one := range []struct {
		name string
		f    *roundsv1.TicketFilter
	}{{"all", nil}, {"text", &roundsv1.TicketFilter{Text: "用电 1999"}}, {"states", &roundsv1.TicketFilter{States: []roundsv1.TicketState{1, 2}}}} {
		b.Run(one.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := w.service.ListTickets(context.Background(), boss, &roundsv1.ListTicketsRequest{Scopes: []string{string(site)}, Filter: one.f,
					Sort: roundsv1.TicketSort_TICKET_SORT_DUE}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("queue", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.service.ReviewQueue(context.Background(), boss, &roundsv1.ReviewQueueRequest{Scopes: []string{string(site)}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("story", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.service.Story(context.Background(), boss, &roundsv1.StoryRequest{Scope: string(site), Record: of("ticket", uid("ticket 77"))}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStory asks for pages of a long story: 150 entries of the ticket itself, 24 photos of four entries each, and 24 remarks; while the last entries of the site's
// journal are not in the table of histories yet, as it is while people work.
func BenchmarkStory(b *testing.B) {
	w := newWorld(b)
	boss := w.person("boss", manager)
	id := uid("long")
	w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: ticket(&roundsv1.Ticket{Title: "t"})}})
	for i := range 150 {
		w.write(site, changed(id, ticket(&roundsv1.Ticket{Title: fmt.Sprint("title ", i)}), 1))
		if i%6 == 0 {
			w.write(site, made(uid(fmt.Sprint("photo", i)), photo(&roundsv1.Photo{Subject: of("ticket", id), Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, Preview: make([]byte, 2000)})),
				made(uid(fmt.Sprint("remark", i)), comment(&roundsv1.Comment{Subject: of("ticket", id), Words: "ok"})))
			for state := range roundsv1.PhotoState(3) {
				w.write(site, changed(uid(fmt.Sprint("photo", i)), photo(&roundsv1.Photo{State: 1 + state}), 40))
			}
		}
	}
	if _, err := w.engine.Maintain(context.Background(), site); err != nil {
		b.Fatal(err)
	}
	for i := range 60 {
		w.write(site, made(uid(fmt.Sprint("other ", i)), ticket(&roundsv1.Ticket{Title: "another"})))
	}
	for _, one := range []struct {
		name   string
		newest bool
	}{{"oldest", false}, {"newest", true}} {
		b.Run(one.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.service.Story(context.Background(), boss, &roundsv1.StoryRequest{Scope: string(site), Record: of("ticket", id), NewestFirst: one.newest}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
