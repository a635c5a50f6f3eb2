package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// evenings is how often everybody goes on with what is left, before the demo gives up.
const evenings = 14

// evening lets everybody, above ground and with a signal, finish what is due: what was not given out, not done, not photographed, not confirmed, not decided.
// Photos of the evening are honest.
func (d *demo) evening(ctx context.Context, p *proof) error {
	for _, w := range d.workers {
		w.camera.honest = true
	}
	before := ""
	for n := range evenings {
		left, err := d.round(ctx, p, n)
		if err != nil {
			return err
		}
		d.progress.say("evening: %s", left)
		if left.none() || n > 2 && left.String() == before {
			return nil
		}
		before = left.String()
	}
	return nil // the report tells what is left
}

// left is what the main site still has to do.
type left struct {
	tickets, rounds, questions int
	what                       []string
}

// String is for the log.
func (l left) String() string {
	words := fmt.Sprintf("%d tickets, %d rounds and %d questions are left", l.tickets, l.rounds, l.questions)
	if len(l.what) > 0 && len(l.what) < 8 {
		words += ": " + strings.Join(l.what, "; ")
	}
	return words
}

func (l left) none() bool { return l.tickets+l.rounds+l.questions == 0 }

// present are those of the main site who still have a phone.
func (d *demo) present() []*worker {
	var all []*worker
	for _, w := range d.workers {
		if w.device != nil && !w.visitor && !w.leaves && !w.lost && !w.spare {
			all = append(all, w)
		}
	}
	return all
}

// round lets everybody of the main site do what is theirs once, and says what is left then.
func (d *demo) round(ctx context.Context, p *proof, n int) (left, error) {
	people := d.present()
	d.time.jump(d.time.Now().Add(stride))
	if err := d.time.run(1); err != nil {
		return left{}, err
	}
	for _, office := range []bool{true, false} {
		for _, w := range people {
			if (w.Role != roundsv1.Role_ROLE_WORKER) != office {
				continue
			}
			if err := d.closing(ctx, p, w, people, n); err != nil {
				return left{}, err
			}
		}
	}
	if err := d.analysed(ctx, p); err != nil {
		return left{}, err
	}
	return d.leftover(ctx, p)
}

// closing lets one person do what is theirs in the evening.
func (d *demo) closing(ctx context.Context, p *proof, w *worker, people []*worker, n int) error {
	if _, err := d.syncAtRest(ctx, w); err != nil {
		return err
	}
	tickets, err := w.tickets(ctx)
	if err != nil {
		return err
	}
	switch w.Role {
	case roundsv1.Role_ROLE_DISPATCHER:
		err = d.giveOut(ctx, w, tickets, people)
	case roundsv1.Role_ROLE_FOREMAN:
		err = d.helpers(ctx, w, tickets, people)
	case roundsv1.Role_ROLE_SUPERVISOR:
		if _, err = d.reviewAtDesk(ctx, w); err != nil {
			return err
		}
		if _, err = d.syncAtRest(ctx, w); err != nil {
			return err
		}
		if tickets, err = w.tickets(ctx); err != nil {
			return err
		}
		if _, err = w.review(ctx, tickets, len(tickets)); err != nil {
			return err
		}
		if _, err = w.reviewRounds(ctx, 100); err != nil {
			return err
		}
		err = w.hideRefused(ctx, tickets, func(id client.RecordID) bool { return d.wentWithLostPhone(p, id) })
	case roundsv1.Role_ROLE_BUTLER:
		if n > 0 { // the supervisor, who may settle what two did not agree about, goes first
			_, err = w.review(ctx, tickets, len(tickets))
		}
	default:
		err = w.finish(ctx, tickets)
	}
	if err != nil {
		return err
	}
	if w.Role == roundsv1.Role_ROLE_SUPERVISOR || w.Role == roundsv1.Role_ROLE_FOREMAN {
		if _, err := d.answerAtDesk(ctx, w); err != nil {
			return err
		}
		if _, err := d.syncAtRest(ctx, w); err != nil {
			return err
		}
	}
	if w.Role != roundsv1.Role_ROLE_WORKER {
		if _, err := w.answer(ctx, 1000); err != nil {
			return err
		}
	}
	_, err = d.syncAtRest(ctx, w)
	return err
}

// giveOut gives every ticket that is nobody's, or of somebody who is not there, to somebody who is.
func (d *demo) giveOut(ctx context.Context, w *worker, tickets []client.View, people []*worker) error {
	hands := handsOf(people)
	for _, v := range tickets {
		t := v.Record.GetTicket()
		if openTasks(t, tickets) || v.Pending > 0 {
			continue
		}
		switch t.GetState() {
		case roundsv1.TicketState_TICKET_STATE_NEW, roundsv1.TicketState_TICKET_STATE_TRIAGED:
		case roundsv1.TicketState_TICKET_STATE_DISPATCHED, roundsv1.TicketState_TICKET_STATE_ACCEPTED, roundsv1.TicketState_TICKET_STATE_PAUSED,
			roundsv1.TicketState_TICKET_STATE_REWORK:
			if slices.ContainsFunc(hands, func(h *worker) bool { return h.ID == t.GetAssigneeId() }) {
				continue
			}
		default:
			continue
		}
		if t.GetState() == roundsv1.TicketState_TICKET_STATE_NEW {
			category := t.GetCategoryId()
			if category == "" {
				category = w.Categories[0].ID
			}
			if err := w.triage(ctx, v, category); err != nil {
				return err
			}
		}
		if err := w.command(ctx, v, dispatchTo(pick(w.random, hands).ID)); err != nil {
			return err
		}
	}
	return nil
}

// openTasks: whether tasks of a ticket go on, which may end it. One that somebody has worked on does not end with them.
func openTasks(t *roundsv1.Ticket, tickets []client.View) bool {
	return slices.ContainsFunc(tickets, func(v client.View) bool {
		return slices.Contains(t.GetChildIds(), string(v.ID)) && v.Record.GetTicket().GetState() < atClosed
	})
}

func handsOf(people []*worker) []*worker {
	return slices.DeleteFunc(slices.Clone(people), func(w *worker) bool { return w.Role != roundsv1.Role_ROLE_WORKER || w.Night })
}

// helpers puts somebody who is there beside those who began and are not there any more, and wherever photos do not count.
func (d *demo) helpers(ctx context.Context, w *worker, tickets []client.View, people []*worker) error {
	hands := handsOf(people)
	for _, v := range in(tickets, roundsv1.TicketState_TICKET_STATE_IN_PROGRESS, roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE) {
		t := v.Record.GetTicket()
		if openTasks(t, tickets) || v.Pending > 0 || slices.ContainsFunc(hands, func(h *worker) bool { return h.ID == t.GetAssigneeId() || slices.Contains(t.GetCrewIds(), h.ID) }) {
			continue
		}
		ref, err := w.device.Edit(ctx, w.site, v.ID, record(&roundsv1.Ticket{CrewIds: []string{pick(w.random, hands).ID}}), "crew_ids")
		if err := w.note(ref, err); err != nil {
			return err
		}
	}
	return nil
}

// hideRefused takes photos out of sight that cannot count, and of rounds those that will never come, with the reason, so that they do not stand in the way of
// better ones.
func (w *worker) hideRefused(ctx context.Context, tickets []client.View, gone func(client.RecordID) bool) error {
	var shown [][]string
	waits := map[string][]string{}
	for _, v := range in(tickets, roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE, roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW) {
		if t := v.Record.GetTicket(); !w.lacksPhotos(ctx, t) { // a better one is here first, so that nothing goes to review without any
			waits[string(v.ID)] = manifest(t)
			shown = append(shown, t.GetShownPhotoIds()) // also those of tickets that were merged into it
		}
	}
	for v, err := range w.device.List(ctx, w.site, "photo") { // listed as a proof or not: none that was refused may stand in sight
		if err != nil {
			return err
		}
		if _, ok := waits[v.Record.GetPhoto().GetSubject().GetId()]; ok {
			shown = append(shown, []string{string(v.ID)})
		}
	}
	for _, listed := range waits {
		shown = append(shown, listed)
	}
	for v, err := range w.device.List(ctx, w.site, "inspection") {
		if err != nil {
			return err
		}
		if i := v.Record.GetInspection(); i.GetState() == roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED {
			for _, a := range i.GetAnswers() {
				shown = append(shown, a.GetPhotoIds())
			}
		}
	}
	for _, ids := range shown {
		for _, id := range ids {
			p, err := w.device.Get(ctx, w.site, "photo", client.RecordID(id))
			if err != nil || p.Record.GetPhoto().GetHidden() != nil || p.Record.GetPhoto().GetState() != roundsv1.PhotoState_PHOTO_STATE_HARD &&
				(slices.Contains(waits[p.Record.GetPhoto().GetSubject().GetId()], id) || !gone(p.ID)) {
				continue
			}
			ref, err := w.device.Edit(ctx, w.site, p.ID, &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{
				Hidden: &roundsv1.Hidden{Reason: "照片无效，请重拍 / refused, to be taken again", PersonId: w.ID}}}}, "hidden")
			if err := w.note(ref, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish does all of a person's own work, as far as it goes at once: accept, begin, complete, and complete again where photos were refused.
func (w *worker) finish(ctx context.Context, tickets []client.View) error {
	for _, v := range tickets {
		t := v.Record.GetTicket()
		if t.GetAssigneeId() != w.ID && !slices.Contains(t.GetCrewIds(), w.ID) || openTasks(t, tickets) || v.Pending > 0 {
			continue
		}
		var err error
		switch t.GetState() {
		case roundsv1.TicketState_TICKET_STATE_DISPATCHED, roundsv1.TicketState_TICKET_STATE_ACCEPTED, roundsv1.TicketState_TICKET_STATE_PAUSED,
			roundsv1.TicketState_TICKET_STATE_REWORK:
			if err = w.begin(ctx, v); err == nil {
				err = w.complete(ctx, v)
			}
		case roundsv1.TicketState_TICKET_STATE_IN_PROGRESS:
			if w.lacksBefore(ctx, v) {
				if _, err = w.photograph(ctx, w.ofTicket(v.ID, t, roundsv1.PhotoRole_PHOTO_ROLE_BEFORE)); err != nil {
					return err
				}
			}
			err = w.complete(ctx, v)
		case roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE:
			if w.lacksBefore(ctx, v) {
				if _, err = w.photograph(ctx, w.ofTicket(v.ID, t, roundsv1.PhotoRole_PHOTO_ROLE_BEFORE)); err != nil {
					return err
				}
			}
			if w.lacksPhotos(ctx, t) {
				err = w.complete(ctx, v)
			}
		}
		if err != nil {
			return err
		}
	}
	for range 40 {
		if did, err := w.walkAgain(ctx); err != nil || !did {
			return err
		}
	}
	return nil
}

// walkAgain walks a round that was sent back.
func (w *worker) walkAgain(ctx context.Context) (did bool, err error) {
	for v, err := range w.device.List(ctx, w.site, "inspection") {
		if err != nil {
			return false, err
		}
		i := v.Record.GetInspection()
		mine := i.GetAssigneeId() == "" || i.GetAssigneeId() == w.ID
		if i.GetState() == roundsv1.InspectionState_INSPECTION_STATE_RETURNED && mine && v.Pending == 0 {
			for _, step := range []func() error{func() error { return w.startRound(ctx, v) }, func() error { return w.visitAll(ctx, v) },
				func() error { return w.answerAll(ctx, v, 0) }, func() error { return w.submitRound(ctx, v) }} {
				if err := step(); err != nil {
					return true, err
				}
			}
			return true, nil
		}
		if i.GetState() == roundsv1.InspectionState_INSPECTION_STATE_RUNNING && i.GetInspectorId() == w.ID && v.Pending == 0 {
			if err := w.answerAll(ctx, v, 0); err != nil {
				return true, err
			}
			return false, w.submitRound(ctx, v)
		}
	}
	return false, nil
}

// lacksBefore: whether a photo from before the work is asked for, and none is here, or on its way, that can count.
func (w *worker) lacksBefore(ctx context.Context, of client.View) bool {
	if !of.Record.GetTicket().GetRequirements().GetBeforePhoto() {
		return false
	}
	for v, err := range w.device.List(ctx, w.site, "photo") {
		p := v.Record.GetPhoto()
		if err != nil || p.GetSubject().GetId() == string(of.ID) && p.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_BEFORE && p.GetHidden() == nil &&
			p.GetState() != roundsv1.PhotoState_PHOTO_STATE_HARD {
			return false
		}
	}
	return true
}

// lacksPhotos: whether of the photos of a round that was reported as done too few can count, and no more are on their way.
func (w *worker) lacksPhotos(ctx context.Context, t *roundsv1.Ticket) bool {
	good := 0
	for _, id := range manifest(t) {
		v, err := w.device.Get(ctx, w.site, "photo", client.RecordID(id))
		if err != nil {
			return false
		}
		photo := v.Record.GetPhoto()
		switch {
		case photo.GetHidden() != nil || photo.GetState() == roundsv1.PhotoState_PHOTO_STATE_HARD:
		case !settled(photo):
			return false
		case photo.GetRole() == roundsv1.PhotoRole_PHOTO_ROLE_AFTER && photo.GetRound() == t.GetRound():
			good++
		}
	}
	return good < max(1, int(t.GetRequirements().GetAfterPhotos()))
}

// leftover counts what is due and not finished.
func (d *demo) leftover(ctx context.Context, p *proof) (left, error) {
	var l left
	for _, change := range p.tickets {
		t := change.GetRecord().GetTicket()
		if t.GetState() < roundsv1.TicketState_TICKET_STATE_CLOSED {
			l.tickets++
			l.what = append(l.what, fmt.Sprintf("ticket %s %s", change.GetRecordId(), t.GetState()))
		}
	}
	for v, err := range d.desk.device.List(ctx, d.desk.site, "inspection") {
		if err != nil {
			return l, err
		}
		switch v.Record.GetInspection().GetState() {
		case roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED, roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW,
			roundsv1.InspectionState_INSPECTION_STATE_RETURNED, roundsv1.InspectionState_INSPECTION_STATE_RUNNING:
			l.rounds++
			l.what = append(l.what, fmt.Sprintf("round %s %s by %s", v.ID, v.Record.GetInspection().GetState(), v.Record.GetInspection().GetInspectorId()))
		}
	}
	for v, err := range d.desk.device.List(ctx, d.desk.site, "conflict") {
		if err != nil {
			return l, err
		}
		if v.Record.GetConflict().GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN {
			l.questions++
			l.what = append(l.what, fmt.Sprintf("question %s %s about %s", v.ID, v.Record.GetConflict().GetType(), v.Record.GetConflict().GetSubject()))
		}
	}
	return l, nil
}

// stateName is the last part of an enum's name, in lower case.
func stateName(name, prefix string) string { return strings.ToLower(strings.TrimPrefix(name, prefix)) }
