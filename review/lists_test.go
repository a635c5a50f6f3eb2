package review_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// kept are all tickets of a test, by scope and id, and the places.
type kept struct {
	tickets map[store.Scope]map[string]*roundsv1.Ticket
	places  map[string]*roundsv1.Place
}

var vocabulary = []string{"泵房漏水", "Pump room", "电梯困人", "ＬＩＦＴ 3", "水管爆裂", "Straße", "绿化带", "灯不亮", "门禁 故障", "ｶﾞｽ", "②号楼", "漏"}

// draw makes a random ticket.
func draw(r *rand.Rand, now time.Time) *roundsv1.Ticket {
	pick := func(all []string) string { return all[r.IntN(len(all))] }
	at := func() int64 { return now.Add(time.Duration(r.IntN(200)-150) * time.Minute).UnixMicro() }
	t := &roundsv1.Ticket{Title: pick(vocabulary), Description: pick(vocabulary), State: roundsv1.TicketState(1 + r.IntN(12)), Priority: roundsv1.Priority(r.IntN(5)),
		CategoryId: uid(fmt.Sprint("category ", r.IntN(3))), ReporterId: uid(fmt.Sprint("reporter ", r.IntN(5))), ReportedTimeUs: at(),
		EscalationLevel: uint32(r.IntN(4)), Round: 1, Location: &roundsv1.Location{PlaceId: uid(fmt.Sprint("place ", r.IntN(6))), Words: pick(vocabulary),
			Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}}
	if r.IntN(2) == 0 {
		t.AssigneeId = uid(fmt.Sprint("worker ", r.IntN(4)))
	}
	if r.IntN(3) == 0 {
		t.Flags = []string{"late"}
	}
	if r.IntN(4) == 0 {
		t.Tags = []string{pick(vocabulary)}
	}
	if r.IntN(4) == 0 {
		t.CustomerWords = "HELLO " + pick(vocabulary)
	}
	if r.IntN(5) == 0 {
		t.ParentId = uid("parent")
	}
	for range r.IntN(3) {
		t.Deadlines = append(t.Deadlines, &roundsv1.Deadline{Step: roundsv1.Step(1 + r.IntN(5)), Round: 1, DueUs: at(),
			State: roundsv1.DeadlineState(1 + r.IntN(7))})
		if last := t.Deadlines[len(t.Deadlines)-1]; r.IntN(3) == 0 {
			last.DoneUs = at()
		}
	}
	if t.State == roundsv1.TicketState_TICKET_STATE_CLOSED {
		t.ClosedTimeUs = at()
	}
	return t
}

func (k *kept) put(scope store.Scope, id string, t *roundsv1.Ticket) {
	if k.tickets[scope] == nil {
		k.tickets[scope] = map[string]*roundsv1.Ticket{}
	}
	k.tickets[scope][id] = t
}

// fill makes places and tickets at both sites.
func fill(w *world, r *rand.Rand, n int) *kept {
	k := &kept{tickets: map[store.Scope]map[string]*roundsv1.Ticket{}, places: map[string]*roundsv1.Place{}}
	for _, scope := range []store.Scope{site, farSite} {
		for i := range 6 {
			p := &roundsv1.Place{Name: &roundsv1.Text{Zh: fmt.Sprint(i, "号楼大堂"), En: fmt.Sprint("Lobby ", i)}}
			if i > 2 {
				p.ParentId = uid(fmt.Sprint("place ", i-3))
			}
			k.places[uid(fmt.Sprint("place ", i))] = p
			w.write(scope, made(uid(fmt.Sprint("place ", i)), place(p)))
		}
		for i := range n {
			id, t := uid(fmt.Sprint(scope, " ticket ", i)), draw(r, w.now)
			k.put(scope, id, t)
			w.write(scope, made(id, ticket(t)))
		}
	}
	return k
}

func plainFold(s string) string {
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
}

func naiveDue(t *roundsv1.Ticket) (due int64) {
	for _, d := range t.GetDeadlines() {
		open := d.GetState() == roundsv1.DeadlineState_DEADLINE_STATE_OPEN || d.GetState() == roundsv1.DeadlineState_DEADLINE_STATE_BREACHED
		if open && d.GetDoneUs() == 0 && (due == 0 || d.GetDueUs() < due) {
			due = d.GetDueUs()
		}
	}
	return due
}

// lets is the filter as its comments tell it, without any haste.
func (k *kept) lets(f *roundsv1.TicketFilter, id string, t *roundsv1.Ticket, now int64) bool {
	in := func(span *roundsv1.TimeRange, us int64) bool {
		return us >= span.GetFromUs() && (span.GetToUs() == 0 || us < span.GetToUs())
	}
	anyOf := func(list []string, one string) bool { return len(list) == 0 || slices.Contains(list, one) }
	below := false
	for at, steps := t.GetLocation().GetPlaceId(), 0; at != "" && steps < 10; at, steps = k.places[at].GetParentId(), steps+1 {
		below = below || slices.Contains(f.GetPlaceIds(), at)
	}
	flagged := len(f.GetFlags()) == 0
	for _, flag := range t.GetFlags() {
		flagged = flagged || slices.Contains(f.GetFlags(), flag)
	}
	due := naiveDue(t)
	name := k.places[t.GetLocation().GetPlaceId()]
	texts := append([]string{t.GetTitle(), t.GetDescription(), t.GetCustomerWords(), t.GetNotes(), t.GetContactPhone(), t.GetLocation().GetWords(),
		name.GetName().GetZh(), name.GetName().GetEn()}, t.GetTags()...)
	found := true
	for _, word := range strings.Fields(plainFold(f.GetText())) {
		found = found && slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(plainFold(text), word) })
	}
	return (len(f.GetStates()) == 0 || slices.Contains(f.GetStates(), t.GetState())) &&
		(len(f.GetPriorities()) == 0 || slices.Contains(f.GetPriorities(), t.GetPriority())) &&
		anyOf(f.GetCategoryIds(), t.GetCategoryId()) && anyOf(f.GetAssigneeIds(), t.GetAssigneeId()) && anyOf(f.GetReporterIds(), t.GetReporterId()) &&
		(len(f.GetPlaceIds()) == 0 || below) && t.GetEscalationLevel() >= f.GetEscalation() && flagged && (!f.GetOverdue() || due != 0 && due < now) &&
		(f.GetParentId() == "" || f.GetParentId() == t.GetParentId()) && in(f.GetReported(), t.GetReportedTimeUs()) &&
		(f.GetDue() == nil || due != 0 && in(f.GetDue(), due)) && (f.GetClosed() == nil || t.GetClosedTimeUs() != 0 && in(f.GetClosed(), t.GetClosedTimeUs())) &&
		anyOf(f.GetIds(), id) && found
}

// drawFilter sets a few fields of a filter.
func drawFilter(r *rand.Rand, now time.Time) *roundsv1.TicketFilter {
	f := &roundsv1.TicketFilter{}
	span := func() *roundsv1.TimeRange {
		return &roundsv1.TimeRange{FromUs: now.Add(-time.Duration(1+r.IntN(150)) * time.Minute).UnixMicro(), ToUs: now.Add(time.Duration(r.IntN(50)) * time.Minute).UnixMicro()}
	}
	for range 1 + r.IntN(3) {
		switch r.IntN(14) {
		case 0:
			f.States = []roundsv1.TicketState{roundsv1.TicketState(1 + r.IntN(12)), roundsv1.TicketState(1 + r.IntN(12)), pending}
		case 1:
			f.Priorities = []roundsv1.Priority{roundsv1.Priority(r.IntN(5)), roundsv1.Priority(r.IntN(5))}
		case 2:
			f.CategoryIds = []string{uid(fmt.Sprint("category ", r.IntN(4)))}
		case 3:
			f.AssigneeIds = []string{uid(fmt.Sprint("worker ", r.IntN(4))), ""}[:1+r.IntN(2)]
		case 4:
			f.ReporterIds = []string{uid(fmt.Sprint("reporter ", r.IntN(5)))}
		case 5:
			f.PlaceIds = []string{uid(fmt.Sprint("place ", r.IntN(6)))}
		case 6:
			f.Escalation = uint32(r.IntN(4))
		case 7:
			f.Flags = []string{"late", "other"}
		case 8:
			f.Overdue = true
		case 9:
			f.ParentId = uid("parent")
		case 10:
			f.Reported = span()
		case 11:
			f.Due = span()
		case 12:
			f.Closed = span()
		case 13:
			words := []string{"漏水", "lift", "PUMP", "strasse", "大堂", "lobby 2", "hello", "ガス", "2号", "nowhere", "困 电梯", "\u3000漏　水"}
			f.Text = words[r.IntN(len(words))]
		}
	}
	return f
}

func naiveRank(t *roundsv1.Ticket, by roundsv1.TicketSort) (rank int64, last bool) {
	switch by {
	case roundsv1.TicketSort_TICKET_SORT_DUE:
		return naiveDue(t), naiveDue(t) == 0
	case roundsv1.TicketSort_TICKET_SORT_PRIORITY:
		return int64(t.GetPriority()), false
	case roundsv1.TicketSort_TICKET_SORT_ESCALATION:
		return int64(t.GetEscalationLevel()), false
	}
	return t.GetReportedTimeUs(), false
}

// expected is what a list must be.
func (k *kept) expected(f *roundsv1.TicketFilter, by roundsv1.TicketSort, descending bool, now int64) []string {
	var ids []string
	of := map[string]*roundsv1.Ticket{}
	for _, tickets := range k.tickets {
		for id, t := range tickets {
			if k.lets(f, id, t, now) {
				ids, of[id] = append(ids, id), t
			}
		}
	}
	slices.SortFunc(ids, func(a, b string) int {
		x, xLast := naiveRank(of[a], by)
		y, yLast := naiveRank(of[b], by)
		if xLast != yLast {
			if xLast {
				return 1
			}
			return -1
		}
		if descending {
			x, y = y, x
		}
		return cmp.Or(cmp.Compare(x, y), strings.Compare(a, b))
	})
	return ids
}

func (w *world) list(caller engine.Caller, req *roundsv1.ListTicketsRequest) (ids []string, total uint32) {
	w.t.Helper()
	for {
		resp, err := w.service.ListTickets(context.Background(), caller, req)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(ids) == 0 {
			total = resp.GetTotal()
		}
		ids = append(ids, idsOf(resp.GetRows())...)
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			return ids, total
		}
	}
}

// TestListIsFilter: a list of many pages is what a naive filter over all records gives, for random filters, orders and page sizes, while records change.
func TestListIsFilter(t *testing.T) {
	seed := uint64(20260701)
	r := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	boss := w.person("boss", manager)
	k := fill(w, r, 50)
	met := 0
	for i := range 200 {
		if i%20 == 10 { // some tickets change, one comes
			for scope, tickets := range k.tickets {
				id := slices.Sorted(func(yield func(string) bool) {
					for id := range tickets {
						if !yield(id) {
							return
						}
					}
				})[r.IntN(len(tickets))]
				next := draw(r, w.now)
				changedTicket := proto.CloneOf(tickets[id])
				changedTicket.State, changedTicket.Deadlines, changedTicket.Title = next.State, next.Deadlines, next.Title
				k.put(scope, id, changedTicket)
				w.write(scope, changed(id, ticket(changedTicket), 1, 40, 54))
				fresh := uid(fmt.Sprint(scope, " more ", i))
				k.put(scope, fresh, next)
				w.write(scope, made(fresh, ticket(next)))
			}
		}
		f, by, descending := drawFilter(r, w.now), []roundsv1.TicketSort{0, 1, 3, 4, 5}[r.IntN(5)], r.IntN(2) == 0
		want := k.expected(f, by, descending, w.now.UnixMicro())
		got, total := w.list(boss, &roundsv1.ListTicketsRequest{Scopes: []string{string(site), string(farSite)}, Filter: f, Sort: by, Descending: descending,
			PageSize: uint32(1 + r.IntN(40))})
		same(t, fmt.Sprintf("seed %d, list %d, %v by %v descending %v", seed, i, f, by, descending), got, want)
		if int(total) != len(want) {
			t.Fatalf("a total of %d, not %d", total, len(want))
		}
		met += len(want)
	}
	if met < 500 {
		t.Fatalf("the filters let %d tickets through: they test nothing", met)
	}
}

// TestPagesAreStable: paging through everything while other records come, change and go gives each unchanged record once.
func TestPagesAreStable(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 2))
		w := newWorld(t)
		boss := w.person("boss", manager)
		k := fill(w, r, 40)
		unchanged := map[string]bool{}
		var restless []string
		for id := range k.tickets[site] {
			unchanged[id] = true
		}
		for _, id := range slices.Sorted(func(yield func(string) bool) {
			for id := range unchanged {
				if !yield(id) {
					return
				}
			}
		})[:12] {
			delete(unchanged, id)
			restless = append(restless, id)
		}
		by := roundsv1.TicketSort(1 + r.IntN(5))
		req := &roundsv1.ListTicketsRequest{Scopes: []string{string(site)}, Sort: by, Descending: seed%2 == 0, PageSize: 3}
		seen := map[string]int{}
		for page := 0; ; page++ {
			resp, err := w.service.ListTickets(context.Background(), boss, req)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range idsOf(resp.GetRows()) {
				seen[id]++
			}
			if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
				break
			}
			w.pass(time.Minute)
			next := draw(r, w.now)
			w.write(site, changed(restless[r.IntN(len(restless))], ticket(next), 4, 40, 44, 51, 54), made(uid(fmt.Sprint("new ", page)), ticket(draw(r, w.now))))
			if page == 3 {
				w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(restless[0]), Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{
					Ticket: &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Escalate{Escalate: &roundsv1.TicketEscalate{Reason: "test"}}}}}})
			}
		}
		for id := range unchanged {
			if seen[id] != 1 {
				t.Errorf("seed %d by %v: an unchanged ticket came %d times", seed, by, seen[id])
			}
		}
	}
}

// TestWordsStayInTheirField: a word is not found across the end of one field and the beginning of the next; several words may be in several fields.
func TestWordsStayInTheirField(t *testing.T) {
	w := newWorld(t)
	boss := w.person("boss", manager)
	w.write(site, made(uid("t"), ticket(&roundsv1.Ticket{Title: "地面漏", Description: "水泵", Tags: []string{"ＰＵＭＰ"}})))
	for text, want := range map[string]int{"漏水": 0, "漏 水": 1, "pump 漏": 1, "pump nothing": 0, "　": 1} {
		ids, _ := w.list(boss, &roundsv1.ListTicketsRequest{Scopes: []string{string(site)}, Filter: &roundsv1.TicketFilter{Text: text}})
		if len(ids) != want {
			t.Errorf("%q finds %d, not %d", text, len(ids), want)
		}
	}
}

// TestRights: who may not read a scope learns nothing of it, nor whether there is one.
func TestRights(t *testing.T) {
	w := newWorld(t)
	w.person("boss", manager)
	w.write(site, made(uid("t"), ticket(&roundsv1.Ticket{Title: "secret"})))
	stranger := engine.Caller{Person: engine.PersonID(uid("stranger"))}
	nowhere := "site/" + uid("nowhere")
	for _, scope := range []string{string(site), nowhere} {
		_, err := w.service.ListTickets(t.Context(), stranger, &roundsv1.ListTicketsRequest{Scopes: []string{scope}})
		fails(t, err, engine.Denied, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
		_, err = w.service.Story(t.Context(), stranger, &roundsv1.StoryRequest{Scope: scope, Record: of("ticket", uid("t"))})
		fails(t, err, engine.Denied, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
		_, err = w.service.Inbox(t.Context(), stranger, &roundsv1.InboxRequest{Scopes: []string{scope}})
		fails(t, err, engine.Denied, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT)
		resp, err := w.service.Decide(t.Context(), stranger, &roundsv1.DecideRequest{Acts: []*roundsv1.DeskAct{{ActId: uid("a"), Scope: scope, RecordId: uid("t")}}})
		if err != nil || resp.GetResults()[0].GetProblem().GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
			t.Fatalf("a stranger's act: %v, %v", resp, err)
		}
	}
	if stats := w.service.Stats(); stats.Boards != 0 {
		t.Errorf("a stranger made the server read %d scopes", stats.Boards)
	}
}

// TestTokens: a token is good for the person, scopes, filter and order that it was made for, on a server with its key.
func TestTokens(t *testing.T) {
	w := newWorld(t)
	boss, other := w.person("boss", manager), w.person("other", manager)
	for i := range 5 {
		w.write(site, made(uid(fmt.Sprint(i)), ticket(&roundsv1.Ticket{Title: "t", State: roundsv1.TicketState_TICKET_STATE_NEW})))
	}
	first := &roundsv1.ListTicketsRequest{Scopes: []string{string(site)}, PageSize: 2}
	resp, err := w.service.ListTickets(t.Context(), boss, first)
	if err != nil || resp.GetNextPageToken() == "" {
		t.Fatal(resp, err)
	}
	token := resp.GetNextPageToken()
	second := func(caller engine.Caller, change func(*roundsv1.ListTicketsRequest)) error {
		req := proto.CloneOf(first)
		req.PageToken = token
		change(req)
		_, err := w.service.ListTickets(t.Context(), caller, req)
		return err
	}
	if err := second(boss, func(r *roundsv1.ListTicketsRequest) { r.PageSize = 7 }); err != nil {
		t.Errorf("another size of page: %v", err)
	}
	for what, change := range map[string]func(*roundsv1.ListTicketsRequest){
		"scope":  func(r *roundsv1.ListTicketsRequest) { r.Scopes = append(r.Scopes, string(farSite)) },
		"filter": func(r *roundsv1.ListTicketsRequest) { r.Filter = &roundsv1.TicketFilter{Overdue: true} },
		"order":  func(r *roundsv1.ListTicketsRequest) { r.Descending = true },
		"sort":   func(r *roundsv1.ListTicketsRequest) { r.Sort = roundsv1.TicketSort_TICKET_SORT_DUE },
		"bit":    func(r *roundsv1.ListTicketsRequest) { r.PageToken = "B" + token[1:] },
		"length": func(r *roundsv1.ListTicketsRequest) { r.PageToken = token[:len(token)-4] },
		"noise":  func(r *roundsv1.ListTicketsRequest) { r.PageToken = "?" },
	} {
		t.Run(what, func(t *testing.T) {
			fails(t, second(boss, change), engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_LINK)
		})
	}
	nothing := func(*roundsv1.ListTicketsRequest) {}
	fails(t, second(other, nothing), engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_LINK)
	if err := second(boss, nothing); err != nil {
		t.Errorf("the token itself: %v", err)
	}
	_, err = w.service.ListInspections(t.Context(), boss, &roundsv1.ListInspectionsRequest{Scopes: []string{string(site)}, PageToken: token})
	fails(t, err, engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_LINK)
	same, err := review.New(review.Config{Records: w.engine, Access: w, Key: []byte("another key of 16"), Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	defer same.Close()
	req := proto.CloneOf(first)
	req.PageToken = token
	_, err = same.ListTickets(t.Context(), boss, req)
	fails(t, err, engine.Invalid, roundsv1.ProblemCode_PROBLEM_CODE_LINK)
}
