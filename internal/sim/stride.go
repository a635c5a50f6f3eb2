package sim

import (
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

// stride takes some ticket some steps further, each by somebody who may do that mostly, so that work comes to its end, and goes on after it.
func (w *world) stride() {
	scope := pick(w, w.sites)
	id := w.tickets[scope][0]
	if w.chance(3) {
		id = pick(w, w.tickets[scope])
	}
	if !w.chance(5) {
		id = w.goesOn(scope, id)
	}
	for steps := 3 + w.rand.IntN(6); steps > 0; steps-- {
		if w.further(scope, id) && steps == 1 && !w.chance(4) {
			steps++ // somebody is about to decide
		}
		w.pass(time.Second, 10*time.Minute)
	}
}

// goesOn is a ticket itself, or where it was cancelled or merged one that goes on: a new one where there is none.
func (w *world) goesOn(scope store.Scope, id recordID) recordID {
	all := append([]recordID{id}, w.tickets[scope]...)
	if change, err := w.server.engine.Record(background(), scope, "ticket", merge.RecordID(id)); err == nil && len(change.GetRecord().GetTicket().GetChildIds()) > 0 && !w.chance(5) {
		var tasks []recordID
		for _, task := range change.GetRecord().GetTicket().GetChildIds() {
			if change, err := w.server.engine.Record(background(), scope, "ticket", merge.RecordID(task)); err == nil && change.GetRecord().GetTicket().GetState() < roundsv1.TicketState_TICKET_STATE_CLOSED {
				tasks = append(tasks, recordID(task))
			}
		}
		all = append(tasks, all...)
	}
	for _, other := range all {
		change, err := w.server.engine.Record(background(), scope, "ticket", merge.RecordID(other))
		if err != nil {
			w.fail("Record: %v", err)
		}
		if state := change.GetRecord().GetTicket().GetState(); state < roundsv1.TicketState_TICKET_STATE_CANCELLED {
			return other
		}
	}
	w.serial++
	w.task(scope, w.id('n', w.serial))
	return w.tickets[scope][len(w.tickets[scope])-1]
}

// further takes a ticket one step further. It is true where a decision was about to be made that other people's words came before.
func (w *world) further(scope store.Scope, id recordID) (pending bool) {
	change, err := w.server.engine.Record(background(), scope, "ticket", merge.RecordID(id))
	if err != nil {
		w.fail("Record: %v", err)
		return false
	}
	t := change.GetRecord().GetTicket()
	asked := slices.Contains(t.GetFlags(), "force_close_asked")
	if t.GetState() == roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE && !asked && !w.chance(3) {
		if w.photos == nil {
			w.develop(scope)
		} else {
			w.photos.look(scope)
		}
		return false
	}
	op, reviewed := pick(w, commandsAt(t.GetState())), t.GetState() == roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW
	if t == nil || change.GetDeleted() {
		op = work.Create
	}
	if asked && !w.chance(3) {
		op = work.ForceClose
	}
	if op == chase {
		w.chase(scope, id)
		return false
	}
	old := w.glanced[id]
	if t.GetState() == roundsv1.TicketState_TICKET_STATE_CLOSED && old.digest != nil && w.chance(2) {
		op = work.Reject // the page was open while another approved it
	}
	objects := op == work.Reject && t.GetState() == roundsv1.TicketState_TICKET_STATE_CLOSED
	pending = objects && w.chance(2) || reviewed && (old.news || slices.Contains(t.GetFlags(), "dissent"))
	switch {
	case reviewed && slices.Contains(t.GetFlags(), "dissent"):
		op = pick(w, []work.Operation{work.Approve, work.Approve, work.Reject})
	case reviewed && unproved(t) && !w.chance(3):
		op = work.Approve
	case reviewed && listed(t) && w.chance(5):
		op = answers
	case reviewed && old.news && !w.chance(3):
		op = work.Approve
	}
	p := w.actor(scope, op, t)
	if reviewed && (op == work.Dispute || op == answers) {
		w.glances(id, change, w.sees(w.officers[0], change, scope)) // before that comes
		w.glanced[id] = glance{w.glanced[id].version, w.glanced[id].digest, true}
	}
	switch {
	case p == nil:
		return pending
	case slices.Contains(ticketCommands(), op) && (p.office || objects || w.chance(2)):
		s := w.sees(p, change, scope)
		base := change.GetVersion()
		if old.version != 0 && (w.chance(4) || objects && !w.chance(4) || op == work.Approve && old.news) {
			if base = old.version; old.digest != nil { // the page was open for a long time
				s.digest = func() []byte { return old.digest }
			}
			w.glanced[id] = glance{old.version, old.digest, false}
		} else if reviewed || w.chance(4) && t.GetState() != roundsv1.TicketState_TICKET_STATE_CLOSED {
			w.glances(id, change, s)
		}
		if objects && w.photos == nil && w.chance(4) {
			w.pass(20*time.Hour, 32*time.Hour) // an objection has its time
		}
		p.atDesk(scope, string(op)+" of", base, commandOf(id, &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: w.ticketCommand(op, s)}}))
		return pending
	case p.office:
		return pending
	case p.online:
		if view, known := p.look(scope, "ticket", id); !known || view.Version != change.GetVersion() && !w.chance(4) {
			p.sync()
		}
	default:
		p.online = w.chance(2)
	}
	p.step(scope, id, op)
	if !w.chance(4) {
		p.sync()
	}
	return pending
}

// glance is what somebody at a desk looked at.
type glance struct {
	version uint64
	digest  []byte // of the evidence; nil: none was shown
	news    bool   // somebody says something since
}

// glances notes that somebody at a desk has a ticket before the eyes, and goes away for a while.
func (w *world) glances(id recordID, change *roundsv1.Change, s sight) {
	g := glance{version: change.GetVersion()}
	if s.ticket.GetState() == roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW {
		g.digest = s.digest()
	}
	w.glanced[id] = g
}

// sees is a ticket as it stands with the server, before a person at a desk.
func (w *world) sees(p *phone, change *roundsv1.Change, scope store.Scope) sight {
	read := func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		return w.server.engine.Record(background(), scope, kind, id)
	}
	s := sight{scope: scope, id: recordID(change.GetRecordId()), ticket: change.GetRecord().GetTicket(), person: string(p.person)}
	s.digest = func() []byte {
		sum, err := work.Digest(change, read)
		if err != nil {
			w.fail("Digest: %v", err)
		}
		w.shows(sum, journal.Seq(len(w.mirror.entries[scope])))
		return sum
	}
	s.photos = func() (ids []string) {
		for _, c := range s.ticket.GetCompletions() {
			if c.GetRound() == s.ticket.GetRound() {
				ids = append(ids, c.GetPhotoIds()...)
			}
		}
		return ids[:min(len(ids), 3)]
	}
	return s
}

// shows notes that somebody is shown evidence as it stands through a seq of the journal.
func (w *world) shows(digest []byte, through journal.Seq) {
	w.shown[string(digest)] = max(w.shown[string(digest)], through)
}

// through is how much of a scope's journal a phone has seen.
func (p *phone) through(scope store.Scope) journal.Seq {
	status, err := p.device.Status(background())
	if err != nil {
		return 0
	}
	for _, s := range status.Scopes {
		if s.Scope == scope && s.Complete {
			return s.Journal.Seq
		}
	}
	return 0
}

// step lets a phone's person do one thing with a ticket, as the phone shows it.
func (p *phone) step(scope store.Scope, id recordID, op work.Operation) {
	w := p.w
	if p.gone || p.busy {
		return
	}
	p.light()
	defer p.after()
	view, known := p.look(scope, "ticket", id)
	if !known {
		p.ticket(scope, id)
		return
	}
	t := view.Record.GetTicket()
	s := p.sees(scope, id, t, func() []byte { return p.digest(scope, id, view) })
	of := func(op work.Operation) *roundsv1.Mutation {
		return commandOf(id, &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: w.ticketCommand(op, s)}})
	}
	switch op {
	case work.Create:
		m, _ := p.edit(id)
		p.do(scope, "edit", m)
	case job:
		if w.chance(2) && t.GetState() != roundsv1.TicketState_TICKET_STATE_IN_PROGRESS {
			p.do(scope, "start of", of(work.Start))
		}
		asks := asked()[t.GetCategoryId()]
		if asks.GetBeforePhoto() && !t.GetBeforePhoto() && !w.chance(4) {
			p.snap(scope, id, max(1, t.GetRound()), roundsv1.PhotoRole_PHOTO_ROLE_BEFORE)
		}
		p.fills(scope, id, t)
		p.scans(scope, id, t)
		for n := len(s.photos()); n < max(1, int(asks.GetAfterPhotos())) && (n == 0 || !w.chance(4)) || w.chance(4); n++ {
			p.snap(scope, id, max(1, t.GetRound()), roundsv1.PhotoRole_PHOTO_ROLE_AFTER)
		}
		p.do(scope, "submit with photos", of(work.SubmitCompletion))
	case hide:
		for _, photo := range s.photos() {
			if view, known := p.look(scope, "photo", recordID(photo)); known && !sound(view.Record.GetPhoto()) {
				p.do(scope, "hide", editOf(recordID(photo), &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{
					Hidden: &roundsv1.Hidden{Reason: "blurred", PersonId: string(p.person)}}}}, 16))
				return
			}
		}
	case mate:
		p.do(scope, "a mate for", editOf(id, ticketRecord(&roundsv1.Ticket{CrewIds: []string{w.hand()}}), 13))
	case answers:
		fail := &roundsv1.Answer{Result: pick(w, []roundsv1.AnswerResult{roundsv1.AnswerResult_ANSWER_RESULT_FAIL, roundsv1.AnswerResult_ANSWER_RESULT_FAIL,
			roundsv1.AnswerResult_ANSWER_RESULT_PASS}), Note: w.word(p)}
		p.do(scope, "an answer on", factOf(id, ticketRecord(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{w.item(t): fail}})))
	case labour:
		w.serial++
		who := string(p.person)
		if by := t.GetApproverIds(); len(by) > 0 && w.chance(2) {
			who = pick(w, by) // worked, too, as it turns out
		}
		p.do(scope, "labour on", factOf(id, ticketRecord(&roundsv1.Ticket{Labour: []*roundsv1.Labour{{Id: string(w.id('l', w.serial)), PersonId: who}}})))
	default:
		p.do(scope, string(op)+" of", of(op))
	}
}

// actor is the phone of somebody who may do something with a ticket, as it truly stands; now and then of anybody.
func (w *world) actor(scope store.Scope, op work.Operation, t *roundsv1.Ticket) *phone {
	var fit []*phone
	worked := slices.Concat([]string{t.GetAssigneeId()}, t.GetPerformerIds())
	own := w.chance(3) && slices.ContainsFunc(w.staff(), func(p *phone) bool {
		return !p.gone && p.may("ticket", op) && slices.Contains(worked, string(p.person))
	})
	between := slices.Contains(t.GetFlags(), "dissent") && !w.chance(4)
	for _, p := range w.staff() {
		if p.gone || p.busy || !w.access.EverHad(p.person, scope) {
			continue
		}
		ok := true
		switch op {
		case job, answers, work.Accept, work.Decline, work.Start, work.Pause, work.Resume:
			ok = t.GetAssigneeId() == string(p.person) || (op == job || op == work.Start) && slices.Contains(t.GetCrewIds(), string(p.person)) || t.GetState() >= roundsv1.TicketState_TICKET_STATE_CLOSED && slices.Contains(t.GetFormerAssigneeIds(), string(p.person))
		case work.Approve, work.Reject, work.Ask, work.ForceClose:
			ok = p.may("ticket", op) && slices.Contains(worked, string(p.person)) == (own && !between) // some decide on their own work, or try to
			if between && op != work.ForceClose {
				ok = ok && !p.may("ticket", work.Reopen) // who is no supervisor tries to decide between two reviewers
			}
			if op == work.ForceClose && !w.chance(6) {
				ok = ok && !slices.Contains(t.GetApproverIds(), string(p.person))
			}
			if op == work.Reject && t.GetState() == roundsv1.TicketState_TICKET_STATE_CLOSED {
				ok = ok && !slices.Contains(t.GetApproverIds(), string(p.person))
			}
		case hide:
			ok = p.may("photo", work.Edit)
		case mate:
			ok = p.may("ticket", work.Dispatch)
		case labour:
			ok = !p.office
		default:
			ok = p.may("ticket", op)
		}
		if ok || w.chance(14) {
			fit = append(fit, p)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return pick(w, fit)
}

// snap takes a photo of a ticket, with its bytes where histories have them, and returns its id; "" where it could not be.
func (p *phone) snap(scope store.Scope, id recordID, round uint32, role roundsv1.PhotoRole) recordID {
	if p.w.photos != nil {
		return p.w.photos.shoot(p, scope, id, role)
	}
	return p.promise(scope, &roundsv1.RecordRef{Kind: "ticket", Id: string(id)}, role, round)
}

// manifest are the photos of a round of a ticket that a phone sees; now and then with those of an earlier one.
func (w *world) manifest(p *phone, scope store.Scope, ticket recordID, round uint32) (ids []string) {
	if w.photos != nil {
		return w.photos.manifest(p, scope, ticket, round)
	}
	old := round > 1 && w.chance(3)
	for _, one := range w.prints[scope] {
		if one.subject != ticket || one.role != roundsv1.PhotoRole_PHOTO_ROLE_AFTER || one.round != round && !(old && one.round < round) {
			continue
		}
		if view, known := p.look(scope, "photo", one.id); known && view.Record.GetPhoto().GetHidden() == nil {
			ids = append(ids, string(one.id))
		}
	}
	if slices.Sort(ids); old {
		slices.Reverse(ids)
	}
	return ids[:min(len(ids), 3)]
}

// promised is a photo of which nobody has the bytes.
type promised struct {
	id, subject recordID
	role        roundsv1.PhotoRole
	round       uint32
	fate        roundsv1.PhotoState // what is found of it; 0: its bytes never come
}

// develop looks at the photos of a scope in a history where none has bytes: what a desk would have found of them was drawn when they were taken. Then what waits
// for them goes to review.
func (w *world) develop(scope store.Scope) {
	if w.photos != nil {
		return
	}
	s := w.server
	if w.plan.serverFaults && !w.healed && w.chance(4) {
		s.fuse.light(pick(w, faults()), 1+w.rand.IntN(30), w.chance(2))
	}
	err := s.write(scope, func(get getter) (all []derived, _ error) {
		for _, one := range w.prints[scope] {
			change, err := get("photo", merge.RecordID(one.id))
			if err != nil {
				return nil, err
			}
			photo, fate := change.GetRecord().GetPhoto(), one.fate
			subject, err := get("ticket", merge.RecordID(one.subject))
			if err != nil {
				return nil, err
			}
			if subject.GetRecord().GetTicket().GetRequirements().GetLiveCamera() && photo.GetSource() != roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA && fate != 0 {
				fate = roundsv1.PhotoState_PHOTO_STATE_HARD
			}
			if photo == nil || fate == 0 || photo.GetState() == fate {
				continue
			}
			all = append(all, derived{RecordID: merge.RecordID(one.id), Edit: &roundsv1.Edit{Fields: []uint32{40}, Record: &roundsv1.Record{
				Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{State: fate}}}}})
		}
		return all, nil
	})
	if err == nil {
		err = s.write(scope, func(get getter) (all []derived, _ error) {
			if w.options.lookup != nil {
				get = w.options.lookup(get)
			}
			verify := func(kind merge.Kind, id recordID) error {
				change, err := get(kind, merge.RecordID(id))
				if err != nil || change == nil {
					return err
				}
				if edit, ok := w.rules.Verified(scope, change, nil, nil, get); ok {
					all = append(all, derived{RecordID: merge.RecordID(id), Edit: edit})
				}
				return nil
			}
			for _, id := range w.tickets[scope] {
				if err := verify("ticket", id); err != nil {
					return nil, err
				}
			}
			for _, id := range w.walks[scope] {
				if err := verify("inspection", id); err != nil {
					return nil, err
				}
			}
			return all, nil
		})
	}
	struck := s.fuse.struck != 0
	w.note("server: looked at the photos of %s: %v", w.short(scope), err)
	if err != nil && !struck {
		w.fail("looking at photos: %v", err)
	}
	s.after()
	w.mirror.catchUp()
}
