package demo

import (
	"context"
	"errors"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// category of a ticket; nil where it has none that is known.
func (w *worker) category(id string) *roundsv1.Category {
	i := slices.IndexFunc(w.Categories, func(c community.Category) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return w.Categories[i].Category
}

// ofTicket is a ticket as what a photo is taken of.
func (w *worker) ofTicket(id client.RecordID, t *roundsv1.Ticket, role roundsv1.PhotoRole) subject {
	c := w.category(t.GetCategoryId())
	return subject{kind: "ticket", id: id, role: role, round: max(1, t.GetRound()), place: t.GetLocation().GetPlaceId(),
		line: c.GetLine(), live: c.GetLiveCamera()}
}

// beforeWanted: the category asks for a photo before the work, or the plan for more photos.
func (w *worker) beforeWanted(t *roundsv1.Ticket) bool {
	return w.category(t.GetCategoryId()).GetBeforePhoto() || w.camera.behind(w.clocks.time.Now())
}

// oneInTwoFaults of so many finds is a photo of two faults.
const oneInTwoFaults = 10

// photographFind takes the photo of what was just reported; now and then of two faults at once, which are two tickets.
func (w *worker) photographFind(ctx context.Context, id client.RecordID, t *roundsv1.Ticket) error {
	if w.camera.ahead(w.clocks.time.Now()) {
		return nil
	}
	s := w.ofTicket(id, t, roundsv1.PhotoRole_PHOTO_ROLE_BEFORE)
	if w.camera.random.IntN(oneInTwoFaults) > 0 {
		_, err := w.photograph(ctx, s)
		return err
	}
	ref, err := w.device.Create(ctx, w.site, "", record(&roundsv1.Ticket{Title: t.GetTitle() + "（旁边一处）", Description: t.GetDescription(),
		CategoryId: t.GetCategoryId(), Priority: t.GetPriority(), Location: t.GetLocation(), ReporterId: w.ID, Channel: t.GetChannel()}))
	if err := w.note(ref, err); err != nil || ref.ID == "" {
		return err
	}
	other := s
	other.id = ref.ID
	return w.photographBoth(ctx, s, other)
}

// look takes one more photo of the state of work that is the person's own, or that somebody talks about.
func (w *worker) look(ctx context.Context, tickets []client.View) error {
	var open []client.View
	for _, v := range tickets {
		t := v.Record.GetTicket()
		if t.GetState() <= roundsv1.TicketState_TICKET_STATE_PAUSED && (t.GetAssigneeId() == w.ID || t.GetReporterId() == w.ID) {
			open = append(open, v)
		}
	}
	if len(open) == 0 {
		return nil
	}
	v := pick(w.camera.random, open)
	_, err := w.photograph(ctx, w.ofTicket(v.ID, v.Record.GetTicket(), roundsv1.PhotoRole_PHOTO_ROLE_BEFORE))
	return err
}

// oneRejected of so many reviews sends the work back.
const oneRejected = 8

// review decides on up to so many tickets whose photos are verified, and returns on how many. Nobody decides on work of their own.
func (w *worker) review(ctx context.Context, tickets []client.View, most int) (decided int, err error) {
	for _, v := range in(tickets, roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW) {
		t := v.Record.GetTicket()
		if decided == most || v.Pending > 0 || slices.Contains(performers(t), w.ID) {
			continue
		}
		act := &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Approve{Approve: &roundsv1.TicketApprove{Round: t.GetRound()}}}
		if w.random.IntN(oneRejected) == 0 && t.GetRound() == 1 && !w.camera.honest {
			act.Command = &roundsv1.TicketCommand_Reject{Reject: &roundsv1.TicketReject{Round: t.GetRound(), Reason: "not_clean", Words: "角落仍有污渍 / a corner is still dirty",
				PhotoIds: manifest(t)[:min(1, len(manifest(t)))]}}
		} else if w.random.IntN(oneRejected) == 0 && !w.camera.honest && !slices.ContainsFunc(t.GetReviews(), func(r *roundsv1.Review) bool {
			return r.GetVerdict() == roundsv1.Verdict_VERDICT_ASKED
		}) {
			act.Command = &roundsv1.TicketCommand_Ask{Ask: &roundsv1.TicketAsk{Round: t.GetRound(), Words: "请补拍全景 / one more, from further away"}}
		} else if act.GetApprove().ReviewDigest, err = w.digest(ctx, v); err != nil {
			return decided, err
		}
		if err := w.command(ctx, v, act); err != nil {
			return decided, err
		}
		decided++
	}
	return decided, nil
}

// performers are those who did some of the work of a ticket.
func performers(t *roundsv1.Ticket) []string {
	all := append(slices.Clone(t.GetCrewIds()), t.GetAssigneeId())
	for _, c := range t.GetCompletions() {
		all = append(all, c.GetPersonId())
	}
	for _, l := range t.GetLabour() {
		all = append(all, l.GetPersonId())
	}
	return all
}

// manifest lists the photos that prove the round that a ticket is in.
func manifest(t *roundsv1.Ticket) []string {
	var ids []string
	for _, c := range t.GetCompletions() {
		if c.GetRound() == t.GetRound() {
			ids = append(ids, c.GetPhotoIds()...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// digest is the hash of the evidence that the reviewer has before them.
func (w *worker) digest(ctx context.Context, ticket client.View) ([]byte, error) {
	return work.Digest(&roundsv1.Change{RecordId: string(ticket.ID), Record: ticket.Record}, func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		v, err := w.device.Get(ctx, w.site, kind, client.RecordID(id))
		if errors.Is(err, client.ErrNoRecord) {
			return nil, nil
		}
		return &roundsv1.Change{RecordId: string(id), Record: v.Record, Deleted: v.Deleted}, err
	})
}

// decide lets the offices close by force, two of them together, what waits for the photos of the phone that is lost.
func (d *demo) decide(ctx context.Context, p *proof) error {
	supervisor, foreman := d.first(roundsv1.Role_ROLE_SUPERVISOR), d.first(roundsv1.Role_ROLE_FOREMAN)
	if supervisor == nil || foreman == nil {
		return nil
	}
	for _, pair := range [][2]*worker{{supervisor, foreman}, {foreman, supervisor}} { // one asks, the other confirms
		if err := d.forceClose(ctx, p, pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}

// first is the first of the crew who holds a role, works at the main site and still has a phone; nil: nobody.
func (d *demo) first(role roundsv1.Role) *worker {
	for _, w := range d.workers {
		if w.Role == role && w.device != nil && !w.visitor && !w.leaves && !w.lost {
			return w
		}
	}
	return nil
}

// forceClose has one person ask for the closure, or confirm it, of the tickets that wait for photos which went with the lost phone.
func (d *demo) forceClose(ctx context.Context, p *proof, w, other *worker) error {
	if _, err := d.syncAtRest(ctx, w); err != nil {
		return err
	}
	tickets, err := w.tickets(ctx)
	if err != nil {
		return err
	}
	for _, v := range in(tickets, roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE) {
		t := v.Record.GetTicket()
		if !slices.ContainsFunc(manifest(t), func(id string) bool { return d.wentWithLostPhone(p, client.RecordID(id)) }) {
			continue
		}
		if workers := performers(t); slices.Contains(workers, w.ID) || slices.Contains(workers, other.ID) {
			continue
		}
		if err := w.command(ctx, v, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_ForceClose{ForceClose: &roundsv1.TicketForceClose{
			SecondPersonId: other.ID, Reason: "手机丢失，照片无法上传 / evidence lost with the phone"}}}); err != nil {
			return err
		}
	}
	_, err = d.syncAtRest(ctx, w)
	return err
}

// wentWithLostPhone: the photo was taken with the phone that was lost, and the server does not have it.
func (d *demo) wentWithLostPhone(p *proof, id client.RecordID) bool {
	for _, w := range d.workers {
		if w.lost && slices.ContainsFunc(w.camera.shots, func(s *shot) bool { return s.ref.ID == id }) {
			return !durable(p.records[id])
		}
	}
	return false
}
