package demo

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
)

// worker is a phone's person at work in a community. Everything it knows it reads on its own phone, and all that it does it queues there.
type worker struct {
	*phone
	*community.Community
	site  client.Scope
	hands []community.Person // the workers of the main site who have a phone
	day   *day

	number      int       // of the phone
	stays       []stay    // where the person is in the shift, in order
	looked      time.Time // the beginning of the stay in which the person had a look around last
	under       stay      // where the last round led that ended without signal
	silentUntil time.Time // and until when the person is there: windows pass by
	risen       time.Time // when the person comes up, or came up last, to send a report
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

var findings = []string{"地面有积水，已放警示牌", "灯管闪烁，疑似镇流器故障", "有异味，需要清洗", "阀门渗水，约每秒两滴", "杂物占道，已通知业主", "门锁松动，关不严",
	"Water on the floor, warning sign is out", "Handrail is loose on the landing", "Bin is overflowing", "Pump runs louder than yesterday"}

// mostAtOnce is how many tickets the customer service gives out before it looks again.
const mostAtOnce = 6

// tasks does what a person's role has to do now. It returns whether there was something.
func (w *worker) tasks(ctx context.Context, tickets []client.View) (did bool, err error) {
	now := w.clocks.time.Now()
	switch w.Role {
	case roundsv1.Role_ROLE_DISPATCHER:
		if w.day.behind(now) {
			if err := w.report(ctx); err != nil {
				return true, err
			}
		}
		if did, err := w.arrange(ctx, tickets); did || err != nil {
			return did, err
		}
		if n, err := w.dispatch(ctx, tickets, mostAtOnce); err != nil || n > 0 {
			return true, err
		}
		return w.answer(ctx, 1)
	case roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_MANAGER:
		if did, err := w.answer(ctx, 1); did || err != nil || w.random.IntN(3) == 0 {
			return did, err
		}
		n, err := w.dispatch(ctx, tickets, 1)
		return n > 0, err
	case roundsv1.Role_ROLE_SUPERVISOR:
		return w.supervise(ctx, tickets)
	case roundsv1.Role_ROLE_BUTLER:
		if w.day.behind(now) && !w.here().silent() { // residents write to their butler
			return true, w.report(ctx)
		}
		if n, err := w.review(ctx, tickets, 2); err != nil || n > 0 {
			return true, err
		}
		return w.answer(ctx, 1)
	}
	if w.arrives() && w.day.behind(now) {
		return true, w.report(ctx)
	}
	switch n := w.random.IntN(5); {
	case n == 0:
		return false, nil
	case n == 1:
		return w.walk(ctx)
	}
	if did, err := w.labour(ctx, tickets); did || err != nil {
		return did, err
	}
	if w.random.IntN(2) == 0 {
		return w.walk(ctx)
	}
	return false, nil
}

func (w *worker) tickets(ctx context.Context) ([]client.View, error) {
	var all []client.View
	for v, err := range w.device.List(ctx, w.site, "ticket") {
		if err != nil {
			return nil, err
		}
		if !v.Deleted && !w.day.taken[v.ID] {
			all = append(all, v)
		}
	}
	return all, nil
}

// in returns the tickets in one of some states.
func in(tickets []client.View, states ...roundsv1.TicketState) []client.View {
	var found []client.View
	for _, v := range tickets {
		for _, s := range states {
			if v.Record.GetTicket().GetState() == s {
				found = append(found, v)
			}
		}
	}
	return found
}

// anywhere is a place of which somebody tells.
func (w *worker) anywhere() *roundsv1.Location {
	p := pick(w.random, w.Places)
	return &roundsv1.Location{PlaceId: p.ID, Words: p.GetName().GetZh(), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}
}

// location is where the person is: of two the one scans the tag there, the other types it.
func (w *worker) location() *roundsv1.Location {
	p, source := w.here().place, roundsv1.LocationSource_LOCATION_SOURCE_TYPED
	if w.random.IntN(2) == 0 {
		source = roundsv1.LocationSource_LOCATION_SOURCE_TAG
	}
	return &roundsv1.Location{PlaceId: p.ID, Words: p.GetName().GetZh(), Source: source}
}

// report makes a ticket: as a resident says it to the customer service or the butler, or as it is found on the way.
func (w *worker) report(ctx context.Context) error {
	w.day.made++
	category := pick(w.random, w.Categories)
	t := &roundsv1.Ticket{Title: category.GetName().GetZh(), Description: pick(w.random, findings), CategoryId: category.ID, Priority: category.GetPriority(),
		Location: w.location(), ReporterId: w.ID, Channel: roundsv1.Channel_CHANNEL_PATROL, Tags: []string{category.GetName().GetEn()}}
	switch w.Role {
	case roundsv1.Role_ROLE_BUTLER, roundsv1.Role_ROLE_DISPATCHER:
		t.Channel = roundsv1.Channel_CHANNEL_BUTLER
		if w.Role == roundsv1.Role_ROLE_DISPATCHER {
			t.Channel = pick(w.random, []roundsv1.Channel{roundsv1.Channel_CHANNEL_PHONE, roundsv1.Channel_CHANNEL_MINI_PROGRAM, roundsv1.Channel_CHANNEL_APP})
		}
		t.Location, t.CustomerWords = w.anywhere(), "业主说："+pick(w.random, findings)
		t.ContactPhone = fmt.Sprintf("139%08d", w.random.IntN(100_000_000))
		ref, err := w.device.Create(ctx, w.site, "", record(t))
		return w.note(ref, err)
	}
	ref, err := w.device.Create(ctx, w.site, "", record(t))
	if err := w.note(ref, err); err != nil || ref.ID == "" {
		return err
	}
	w.comesUp()
	return w.photographFind(ctx, ref.ID, t)
}

func record(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

func (w *worker) clock() *roundsv1.Clock {
	return &roundsv1.Clock{WallUs: w.clocks.Wall().UnixMicro(), BootId: w.clocks.Boot(), MonotonicUs: w.clocks.Monotonic().Microseconds()}
}

func (w *worker) command(ctx context.Context, v client.View, c *roundsv1.TicketCommand) error {
	ref, err := w.device.Command(ctx, w.site, v.ID, &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: c}})
	return w.note(ref, err)
}

// dispatch triages what is new and gives what is triaged to somebody: so many tickets. It returns how many.
func (w *worker) dispatch(ctx context.Context, tickets []client.View, most int) (n int, err error) {
	ready := in(tickets, roundsv1.TicketState_TICKET_STATE_TRIAGED)
	if w.Role != roundsv1.Role_ROLE_FOREMAN {
		ready = append(ready, in(tickets, roundsv1.TicketState_TICKET_STATE_NEW)...)
	}
	if w.random.IntN(12) == 0 { // from one person to another
		if given := in(tickets, roundsv1.TicketState_TICKET_STATE_DISPATCHED, roundsv1.TicketState_TICKET_STATE_ACCEPTED); len(given) > 0 {
			ready = append(ready, pick(w.random, given))
		}
	}
	for _, v := range ready {
		if n == most {
			break
		}
		if len(v.Record.GetTicket().GetChildIds()) > 0 {
			continue // its tasks are given out
		}
		n++
		if err := w.give(ctx, v); err != nil {
			return n, err
		}
	}
	return n, nil
}

// give triages a ticket where it is new, and gives it to somebody: mostly of its trade, and now and then to one who does not look at the phone today.
func (w *worker) give(ctx context.Context, v client.View) error {
	t := v.Record.GetTicket()
	if t.GetState() == roundsv1.TicketState_TICKET_STATE_NEW {
		category := t.GetCategoryId()
		if category == "" || w.random.IntN(12) == 0 {
			category = pick(w.random, w.Categories).ID
		}
		if err := w.triage(ctx, v, category); err != nil {
			return err
		}
	}
	line := w.category(t.GetCategoryId()).GetLine()
	fit := slices.DeleteFunc(slices.Clone(w.hands), func(p community.Person) bool { return p.GetLine() != line })
	if len(fit) == 0 || w.random.IntN(3) == 0 {
		fit = w.hands
	}
	return w.command(ctx, v, dispatchTo(pick(w.random, fit).ID))
}

// triage says of what category a ticket is, and how urgent where nobody said.
func (w *worker) triage(ctx context.Context, v client.View, category string) error {
	if v.Record.GetTicket().GetPriority() == 0 {
		ref, err := w.device.Edit(ctx, w.site, v.ID, record(&roundsv1.Ticket{Priority: w.category(category).GetPriority()}), "priority")
		if err := w.note(ref, err); err != nil {
			return err
		}
	}
	return w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: category}}})
}

func dispatchTo(person string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{AssigneeId: person, Reason: "空闲 / free"}}}
}

// arrange splits a ticket into tasks for two trades, or merges one that was reported twice: a few of a shift.
func (w *worker) arrange(ctx context.Context, tickets []client.View) (did bool, err error) {
	fresh := in(tickets, roundsv1.TicketState_TICKET_STATE_TRIAGED, roundsv1.TicketState_TICKET_STATE_NEW)
	fresh = slices.DeleteFunc(fresh, func(v client.View) bool {
		return v.Record.GetTicket().GetParentId() != "" || len(v.Record.GetTicket().GetChildIds()) > 0
	})
	untouched := in(fresh, roundsv1.TicketState_TICKET_STATE_NEW) // who takes a report in sees that two trades are needed
	switch {
	case w.day.split < mostSplit && len(untouched) > 0 && w.random.IntN(6) == 0:
		w.day.split++
		first, second := untouched[0].Record.GetTicket().GetCategoryId(), w.Categories[12].ID // one of the tasks asks for what the ticket asks for
		if first == "" {
			first = w.Categories[0].ID
		}
		return true, w.command(ctx, untouched[0], &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Split{Split: &roundsv1.TicketSplit{
			Tasks: []*roundsv1.TicketTask{{CategoryId: first}, {CategoryId: second}}}}})
	case w.day.merged < mostMerged && len(fresh) > 1 && w.random.IntN(6) == 0:
		w.day.merged++
		return true, w.command(ctx, fresh[1], &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Merge{Merge: &roundsv1.TicketMerge{IntoId: string(fresh[0].ID)}}})
	}
	return false, nil
}

// labour goes on with the person's own work. It returns whether there was some.
func (w *worker) labour(ctx context.Context, tickets []client.View) (did bool, err error) {
	var mine []client.View
	for _, v := range tickets {
		t := v.Record.GetTicket()
		working := t.GetState() >= roundsv1.TicketState_TICKET_STATE_DISPATCHED && t.GetState() <= roundsv1.TicketState_TICKET_STATE_PAUSED
		if (t.GetAssigneeId() == w.ID || slices.Contains(t.GetCrewIds(), w.ID)) && len(t.GetChildIds()) == 0 &&
			(working || t.GetState() == roundsv1.TicketState_TICKET_STATE_REWORK) {
			mine = append(mine, v)
		}
	}
	if len(mine) == 0 {
		return false, nil
	}
	v := pick(w.random, mine)
	t := v.Record.GetTicket()
	switch t.GetState() {
	case roundsv1.TicketState_TICKET_STATE_DISPATCHED:
		if w.random.IntN(15) == 0 {
			return true, w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Decline{
				Decline: &roundsv1.TicketDecline{AssignEpoch: t.GetAssignEpoch(), Reason: "正在处理紧急情况 / on an emergency"}}})
		}
		if t.GetAssigneeId() == w.ID {
			return true, w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Accept{Accept: &roundsv1.TicketAccept{AssignEpoch: t.GetAssignEpoch()}}})
		}
		return true, w.begin(ctx, v)
	case roundsv1.TicketState_TICKET_STATE_ACCEPTED, roundsv1.TicketState_TICKET_STATE_REWORK:
		return true, w.begin(ctx, v)
	case roundsv1.TicketState_TICKET_STATE_PAUSED:
		if t.GetAssigneeId() == w.ID {
			return true, w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Resume{Resume: &roundsv1.TicketResume{}}})
		}
		return true, w.begin(ctx, v)
	}
	if w.random.IntN(8) == 0 && t.GetAssigneeId() == w.ID {
		return true, w.pause(ctx, v)
	}
	return true, w.complete(ctx, v)
}

// begin takes the photo from before the work where it is asked for, and starts.
func (w *worker) begin(ctx context.Context, v client.View) error {
	t := v.Record.GetTicket()
	if w.beforeWanted(t) {
		if _, err := w.photograph(ctx, w.ofTicket(v.ID, t, roundsv1.PhotoRole_PHOTO_ROLE_BEFORE)); err != nil {
			return err
		}
	}
	return w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}})
}

// pause lets a ticket wait; for a reason that stops the clocks there is a remark that shows it.
func (w *worker) pause(ctx context.Context, v client.View) error {
	why := &roundsv1.TicketPause{Reason: pick(w.random, []string{"contractor", "other", "parts", "owner"})}
	if why.Reason == "parts" || why.Reason == "owner" {
		ref, err := w.device.Fact(ctx, w.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: string(v.ID)}, Words: "已电话联系，约下午 / called, this afternoon", PersonId: w.ID, Said: w.clock()}}})
		if err := w.note(ref, err); err != nil || ref.ID == "" {
			return err
		}
		why.Proof = &roundsv1.RecordRef{Kind: "comment", Id: string(ref.ID)}
	}
	return w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Pause{Pause: why}})
}

// complete reports a ticket as done: facts, and one command.
func (w *worker) complete(ctx context.Context, v client.View) error {
	t := v.Record.GetTicket()
	if err := w.laboured(ctx, v.ID); err != nil {
		return err
	}
	var photos []string
	for range max(1, int(t.GetRequirements().GetAfterPhotos())) {
		photo, err := w.photograph(ctx, w.ofTicket(v.ID, t, roundsv1.PhotoRole_PHOTO_ROLE_AFTER))
		if err != nil || photo == "" {
			return err
		}
		photos = append(photos, string(photo))
	}
	return w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{
		SubmitCompletion: &roundsv1.TicketSubmit{Round: t.GetRound(), PhotoIds: photos}}})
}

// laboured adds an interval of work, parts and a visit to a ticket.
func (w *worker) laboured(ctx context.Context, ticket client.RecordID) error {
	id, err := w.device.NewID()
	if err != nil {
		return err
	}
	ref, err := w.device.Fact(ctx, w.site, ticket, record(&roundsv1.Ticket{
		Labour: []*roundsv1.Labour{{Id: string(id), PersonId: w.ID, Ended: w.clock()}}, Visits: 1, PartsUsed: map[string]int64{"PART-001": int64(1 + w.random.IntN(2))}}))
	return w.note(ref, err)
}

// touch edits a ticket that others edit too: this is where conflicts come from.
func (w *worker) touch(ctx context.Context, tickets []client.View) error {
	if len(tickets) == 0 {
		return nil
	}
	// Everybody talks about the same few.
	slices.SortFunc(tickets, func(a, b client.View) int {
		return cmp.Compare(b.Record.GetTicket().GetReportedTimeUs(), a.Record.GetTicket().GetReportedTimeUs())
	})
	v := tickets[w.random.IntN(min(4, len(tickets)))]
	var t *roundsv1.Ticket
	var field string
	switch w.random.IntN(14) {
	case 0:
		t, field = &roundsv1.Ticket{Title: fmt.Sprintf("%s（%s 改）", v.Record.GetTicket().GetTitle(), w.Name)}, "title"
		if len(t.GetTitle()) > 200 {
			t.Title = pick(w.random, findings)
		}
	case 1:
		t, field = &roundsv1.Ticket{Priority: roundsv1.Priority(1 + w.random.IntN(4))}, "priority"
	case 2:
		t, field = &roundsv1.Ticket{CategoryId: pick(w.random, w.Categories).ID}, "category_id"
	case 3:
		t, field = &roundsv1.Ticket{ContactPhone: fmt.Sprintf("138%08d", w.random.IntN(100_000_000))}, "contact_phone"
	case 4:
		t, field = &roundsv1.Ticket{Tags: []string{pick(w.random, []string{"urgent", "雨天", "业主在场", "夜间"})}}, "tags"
	case 5:
		t, field = &roundsv1.Ticket{Attributes: map[string]string{pick(w.random, []string{"gate", "key", "dog"}): w.Name}}, "attributes"
	case 6:
		t, field = &roundsv1.Ticket{Location: w.anywhere()}, "location"
	default:
		ref, err := w.device.Fact(ctx, w.site, "", &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: string(v.ID)}, Words: pick(w.random, findings), PersonId: w.ID, Said: w.clock()}}})
		return w.note(ref, err)
	}
	ref, err := w.device.Edit(ctx, w.site, v.ID, record(t), field)
	return w.note(ref, err)
}

// supervise decides what waits, and cancels now and then.
func (w *worker) supervise(ctx context.Context, tickets []client.View) (did bool, err error) {
	if n, err := w.review(ctx, tickets, 2); err != nil || n > 0 {
		return true, err
	}
	if did, err := w.reviewRounds(ctx, 2); err != nil || did {
		return did, err
	}
	if did, err := w.answer(ctx, 1); err != nil || did {
		return did, err
	}
	// Cancelling what somebody in a basement is finishing is where work after a cancellation comes from.
	open := in(tickets, roundsv1.TicketState_TICKET_STATE_ACCEPTED, roundsv1.TicketState_TICKET_STATE_IN_PROGRESS)
	if len(open) > 0 && w.day.cancelled < mostCancelled && w.random.IntN(3) == 0 {
		w.day.cancelled++
		return true, w.command(ctx, pick(w.random, open), cancelled())
	}
	return false, nil
}

func cancelled() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Cancel{Cancel: &roundsv1.TicketCancel{Reason: "重复报事 / reported twice"}}}
}
