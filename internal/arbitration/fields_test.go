package arbitration_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/merge"
)

// TestRow21: two reports of one thing within two hours: both live, somebody is asked whether they are the same, and only a person merges. Both orders are the
// same question.
func TestRow21(t *testing.T) {
	for name, action := range map[string]roundsv1.ConflictAction{
		"merge":     roundsv1.ConflictAction_CONFLICT_ACTION_MERGE,
		"keep both": roundsv1.ConflictAction_CONFLICT_ACTION_KEEP_BOTH,
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(s *site, aFirst bool) {
				if action == roundsv1.ConflictAction_CONFLICT_ACTION_KEEP_BOTH && !aFirst {
					return // the order makes no difference to the answer
				}
				x, y, d := s.phone("X"), s.phone("Y"), s.phone("D")
				report := func(p *phone, title string) string {
					return string(p.create("", ofTicket(&roundsv1.Ticket{Title: title, CategoryId: s.categories["pipes"], ReporterId: p.id(), Channel: roundsv1.Channel_CHANNEL_BUTLER,
						Location: &roundsv1.Location{PlaceId: "pump-room-4", Words: "四号泵房", Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}})).ID)
				}
				t1 := report(x, "四号泵房漏水")
				s.pass(time.Hour)
				t2 := report(y, "泵房地面漏水")
				far := string(y.create("", ofTicket(&roundsv1.Ticket{Title: "路灯不亮", CategoryId: s.categories["lighting"], ReporterId: y.id(), Channel: roundsv1.Channel_CHANNEL_BUTLER,
					Location: &roundsv1.Location{PlaceId: "gate-east", Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}})).ID)

				inOrder(aFirst, x, y)

				for _, id := range []string{t1, t2} {
					s.stands(id, roundsv1.TicketState_TICKET_STATE_NEW)
				}
				open := func() []*found {
					return append(d.questions(roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, t1),
						d.questions(roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, t2)...)
				}
				s.until("a hint that they may be the same", func() bool { return len(open()) > 0 })
				all := open()
				if len(all) != 1 {
					s.t.Fatalf("%d questions", len(all))
				}
				question := d.asked(roundsv1.ConflictType_CONFLICT_TYPE_POSSIBLE_DUPLICATE, all[0].conflict().GetSubject().GetId(), dispatcher,
					[]string{x.id(), y.id()}, roundsv1.ConflictAction_CONFLICT_ACTION_MERGE, roundsv1.ConflictAction_CONFLICT_ACTION_KEEP_BOTH)
				var about []string
				for _, side := range question.conflict().GetSides() {
					about = append(about, side.GetRecord().GetId())
				}
				if !slices.Contains(about, t1) || !slices.Contains(about, t2) {
					s.t.Errorf("the question is about %v", about)
				}
				d.noQuestions(far)

				ref := d.decide(question.id, &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Decide{
					Decide: &roundsv1.ConflictDecide{Action: action, Reason: "同一处", TargetId: t1}}})
				d.sync()
				s.came(ref, applied)
				d.decided(question, d, action)
				if action == roundsv1.ConflictAction_CONFLICT_ACTION_MERGE {
					if got := s.stands(t2, isMerged); got.GetMergedIntoId() != t1 {
						s.t.Errorf("merged into %q", got.GetMergedIntoId())
					}
				} else {
					s.stands(t2, roundsv1.TicketState_TICKET_STATE_NEW)
				}
				s.stands(t1, roundsv1.TicketState_TICKET_STATE_NEW)
			})
		})
	}
}

// change reads a record and who wrote what in it from the server.
func (s *site) change(kind merge.Kind, id string) *roundsv1.Change {
	s.t.Helper()
	c, err := s.server.Engine().Record(s.t.Context(), s.scope, kind, merge.RecordID(id))
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// alike requires that two phones show the same of a ticket after a sync.
func alike(a, b *phone, id string) {
	a.t.Helper()
	a.sync()
	b.sync()
	if !proto.Equal(a.shows("ticket", id), b.shows("ticket", id)) {
		a.t.Errorf("%s and %s do not show the same", a.name, b.name)
	}
}

// TestRow22: two descriptions: the later one is shown whatever the order of arrival, and the other is in the history and named to whom it matters.
func TestRow22(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.shift()
		earlier := w.x.edit(w.id, &roundsv1.Ticket{Description: "灯泡坏"}, "description")
		later := w.y.edit(w.id, &roundsv1.Ticket{Description: "灯座坏"}, "description")

		inOrder(aFirst, w.x, w.y)

		if got := w.ticket(w.id).GetDescription(); got != "灯座坏" {
			s.t.Errorf("shown is %q", got)
		}
		alike(w.x, w.y, w.id)
		second, other := later, w.x
		if !aFirst {
			second, other = earlier, w.y
		}
		o := w.came(second, merged)
		if len(o.GetLosses()) != 1 || o.GetLosses()[0].GetLost() != (second == earlier) || o.GetLosses()[0].GetBy().GetPersonId() != other.id() {
			s.t.Errorf("the loss is told as %v", o.GetLosses())
		}
		for ref, words := range map[client.Ref]string{earlier: "灯泡坏", later: "灯座坏"} {
			content, err := s.server.Engine().Content(t.Context(), s.scope, journalSeq(s.outcome(ref)))
			if err != nil {
				s.t.Fatal(err)
			}
			m := &roundsv1.Mutation{}
			if err := proto.Unmarshal(content, m); err != nil || m.GetEdit().GetRecord().GetTicket().GetDescription() != words {
				s.t.Errorf("the history does not have %q: %v", words, err)
			}
		}
	})
}

// TestRow23: two categories: that of the higher role stands whoever came first and whoever was later, and the other value stands beside it. A worker's is none: who
// is to do the work is told whom to suggest it to.
func TestRow23(t *testing.T) {
	for name, two := range map[string]struct{ higher, lower string }{
		"dispatcher and butler": {"D", "R"}, "manager and dispatcher": {"M", "D"}, "dispatcher and foreman": {"D", "F"},
	} {
		for _, later := range []bool{false, true} { // whether the lower role's is the later one
			t.Run(name, func(t *testing.T) {
				both(t, func(s *site, aFirst bool) {
					w := s.shift()
					phones := map[string]*phone{"D": w.d, "F": w.f}
					for _, who := range []string{two.higher, two.lower} {
						if phones[who] == nil {
							phones[who] = s.phone(who)
						}
					}
					high, low := phones[two.higher], phones[two.lower]
					acts := map[*phone]client.Ref{}
					edit := func(p *phone, category string) {
						acts[p] = p.edit(w.id, &roundsv1.Ticket{CategoryId: s.categories[category]}, "category_id")
						s.pass(time.Second)
					}
					if later {
						edit(high, "pipes")
						edit(low, "wiring")
					} else {
						edit(low, "wiring")
						edit(high, "pipes")
					}

					inOrder(aFirst, high, low)

					if got := w.ticket(w.id); got.GetCategoryId() != s.categories["pipes"] || got.GetRequirements().GetCategoryId() != s.categories["pipes"] {
						s.t.Errorf("shown is %q, asked for is %v", got.GetCategoryId(), got.GetRequirements())
					}
					second := acts[low]
					if !aFirst {
						second = acts[high]
					}
					if o := w.came(second, merged); len(o.GetLosses()) != 1 || o.GetLosses()[0].GetLost() != aFirst {
						s.t.Errorf("the loss is told as %v", o.GetLosses())
					}
					var suggestions []string
					for _, write := range w.change("ticket", w.id).GetWrites() {
						if other := write.GetSiblingValues().GetTicket().GetCategoryId(); other != "" {
							suggestions = append(suggestions, other)
						}
					}
					if !slices.Equal(suggestions, []string{s.categories["wiring"]}) {
						s.t.Errorf("suggested are %v", suggestions)
					}
					alike(high, low, w.id)

					w.x.sync()
					worker := w.x.edit(w.id, &roundsv1.Ticket{CategoryId: s.categories["lighting"]}, "category_id")
					w.x.sync()
					if p := w.came(worker, rejected).GetProblem(); p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
						s.t.Errorf("the worker is told %v", p)
					}
				})
			})
		}
	}
}

// TestRow24: a tag taken away by one who saw it, and put on by another who did not see that: it is there.
func TestRow24(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.shift()
		w.x.edit(w.id, &roundsv1.Ticket{Tags: []string{"漏水"}}, "tags")
		w.x.sync()
		w.all()
		gone, err := w.x.device.Do(t.Context(), client.Scope(s.scope), &roundsv1.Mutation{RecordId: w.id, Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{
			Record: ofTicket(&roundsv1.Ticket{}), Fields: []uint32{11}, Removed: ofTicket(&roundsv1.Ticket{Tags: []string{"漏水"}})}}})
		w.x.noted(gone, err, false)
		if slices.Contains(w.x.shows("ticket", w.id).GetTicket().GetTags(), "漏水") {
			s.t.Error("X still sees the tag that X took away")
		}
		w.y.edit(w.id, &roundsv1.Ticket{Tags: []string{"漏水"}}, "tags")

		inOrder(aFirst, w.x, w.y)

		if got := w.ticket(w.id).GetTags(); !slices.Equal(got, []string{"漏水"}) {
			s.t.Errorf("tags %v", got)
		}
		alike(w.x, w.y, w.id)
	})
}

// TestRow25: a photo hidden by a leader, and drawn upon and spoken of by somebody who did not see that: both are kept, and it stays hidden.
func TestRow25(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.shift()
		photo := w.x.shoots(w.id)
		w.x.sync()
		w.looked(photo)
		w.all()
		w.f.hides(photo)
		drawing := w.x.shoots(w.id, func(in *client.PhotoInput) {
			in.Role, in.AnnotationOf = roundsv1.PhotoRole_PHOTO_ROLE_ANNOTATION, client.RecordID(photo)
		})
		remark := w.x.fact("", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
			Subject: &roundsv1.RecordRef{Kind: "photo", Id: photo}, Words: "裂缝在左下角", PersonId: w.x.id()}}})

		inOrder(aFirst, w.f, w.x)
		w.looked(drawing)

		if got := w.photo(photo).GetHidden(); got.GetReason() == "" || got.GetPersonId() != w.f.id() {
			s.t.Errorf("hidden: %v", got)
		}
		w.came(remark, applied)
		if got := w.photo(drawing); got.GetAnnotationOfId() != photo || got.GetHidden() != nil {
			s.t.Errorf("the drawing: %v", got)
		}
		w.y.sync()
		if w.y.shows("comment", string(remark.ID)) == nil || w.y.shows("photo", photo).GetPhoto().GetHidden() == nil {
			s.t.Error("Y does not see the remark, or sees the photo")
		}
	})
}

// hides takes a photo out of sight.
func (p *phone) hides(photo string) client.Ref {
	p.t.Helper()
	ref, err := p.device.Edit(p.t.Context(), client.Scope(p.scope), client.RecordID(photo), &roundsv1.Record{Kind: &roundsv1.Record_Photo{
		Photo: &roundsv1.Photo{Hidden: &roundsv1.Hidden{Reason: "拍到住户", PersonId: p.id()}}}}, "hidden")
	return p.noted(ref, err, false)
}

// TestRow28: each takes one part: two are gone, from the ticket's list and from the stock. Below zero is flagged and not refused.
func TestRow28(t *testing.T) {
	both(t, func(s *site, aFirst bool) {
		w := s.shift()
		asset := newID()
		s.enter(s.scope, asset, &roundsv1.Record{Kind: &roundsv1.Record_Asset{Asset: &roundsv1.Asset{Code: "LAMP-E27", Stock: 1}}})
		w.all()
		var acts []client.Ref
		for _, p := range []*phone{w.x, w.y} {
			acts = append(acts, p.fact(asset, &roundsv1.Record{Kind: &roundsv1.Record_Asset{Asset: &roundsv1.Asset{Stock: -1}}}))
			p.fact(w.id, ofTicket(&roundsv1.Ticket{PartsUsed: map[string]int64{"LAMP-E27": 1}}))
		}

		inOrder(aFirst, w.x, w.y)

		if got := s.record("asset", asset).GetAsset().GetStock(); got != -1 {
			s.t.Errorf("the stock is %d, want -1", got)
		}
		if got := w.ticket(w.id).GetPartsUsed()["LAMP-E27"]; got != 2 {
			s.t.Errorf("%d parts used, want 2", got)
		}
		second := acts[1]
		if !aFirst {
			second = acts[0]
		}
		if got := w.came(second, applied).GetFlags(); !slices.Contains(got, "counter_below_zero") {
			s.t.Errorf("flags %v", got)
		}
		alike(w.x, w.y, w.id)
	})
}

// TestAskNamesWhoEntered: a question about different numbers names everybody who entered one, also who comes third.
func TestAskNamesWhoEntered(t *testing.T) {
	only(t, func(s *site) {
		w := s.shift()
		w.f.sync()
		w.x.edit(w.id, &roundsv1.Ticket{ContactPhone: "1"}, "contact_phone")
		w.y.edit(w.id, &roundsv1.Ticket{ContactPhone: "2"}, "contact_phone")
		w.f.edit(w.id, &roundsv1.Ticket{ContactPhone: "3"}, "contact_phone")
		w.x.sync()
		w.y.sync()
		w.d.asked(roundsv1.ConflictType_CONFLICT_TYPE_ASK, w.id, butler, []string{w.x.id(), w.y.id()})
		w.f.sync()
		w.d.asked(roundsv1.ConflictType_CONFLICT_TYPE_ASK, w.id, butler, []string{w.x.id(), w.y.id(), w.f.id()},
			roundsv1.ConflictAction_CONFLICT_ACTION_EDIT_FIELD)
		s.settled()
	})
}
