package sim

import (
	"errors"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// work lets a phone's person do one thing.
func (p *phone) work() {
	w := p.w
	if p.gone {
		return
	}
	p.light()
	defer p.after()
	scope := pick(w, w.scopes)
	if !w.plan.foreign && !w.access.EverHad(p.person, scope) {
		scope = w.scopes[0]
	}
	if scope[:4] == "desk" {
		p.remark(scope)
		return
	}
	switch n := w.rand.IntN(20); {
	case n == 0:
		p.remark(scope)
	case n == 1:
		p.photo(scope, pick(w, w.tickets[scope]), w.wrongly(1))
	case n < 3, n < 7 && w.plan.deletes:
		p.keepAsset(scope)
	case n == 7:
		p.decide(scope)
	case n == 8:
		p.tidy()
	default:
		p.ticket(scope, pick(w, w.tickets[scope]))
	}
}

// do queues one mutation and notes in the model what the call said.
func (p *phone) do(scope store.Scope, words string, m *roundsv1.Mutation, options ...client.Option) bool {
	w := p.w
	ref, err := p.device.Do(background(), scope, m, options...)
	var refused *client.ProblemError
	mark := p.clock.mark()
	switch {
	case err == nil:
		if w.queued[mark] != nil {
			w.fail("%s: the mark %s is used twice", p.name, mark)
		}
		w.note("%s: %s lane %d: %s %s", p.name, w.short(scope), ref.Lane, words, w.name(ref.ID))
		p.remember(mark, scope, words, true)
		p.returned[scope]++
		w.seen.Mutations++
		return true
	case errors.As(err, &refused):
		w.note("%s: %s: %s is refused here: %v", p.name, w.short(scope), words, refused.Problem.GetCode())
	case errors.Is(err, client.ErrRevoked):
		w.note("%s: %s: %s: revoked", p.name, w.short(scope), words)
	case p.fuse.struck != memstore.None:
		w.note("%s: %s: %s: %v", p.name, w.short(scope), words, err)
		if w.queued[mark] == nil {
			p.remember(mark, scope, words, false)
		}
	default:
		w.fail("%s: Do: %v", p.name, err)
	}
	return false
}

func (p *phone) remember(m mark, scope store.Scope, words string, returned bool) {
	w := p.w
	p.wrote = p.wrote || p.uploading
	w.queued[m] = &queued{phone: p, scope: scope, words: words, returned: returned, made: w.now, excused: p.wiped}
}

func editOf(id recordID, record *roundsv1.Record, fields ...uint32) *roundsv1.Mutation {
	return &roundsv1.Mutation{RecordId: string(id), Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: record, Fields: fields}}}
}

func factOf(id recordID, record *roundsv1.Record) *roundsv1.Mutation {
	return &roundsv1.Mutation{RecordId: string(id), Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{Record: record}}}
}

func commandOf(id recordID, command *roundsv1.Command) *roundsv1.Mutation {
	return &roundsv1.Mutation{RecordId: string(id), Act: &roundsv1.Mutation_Command{Command: command}}
}

func ticketRecord(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

// ticket works on a ticket: makes it, where the phone has none, and else adds, edits or commands.
func (p *phone) ticket(scope store.Scope, id recordID) {
	w := p.w
	view, known := p.look(scope, "ticket", id)
	if !known {
		switch {
		case w.chance(8):
			// Somebody told the person of it: the record is still on another phone.
			p.do(scope, "blind reading of", factOf(id, ticketRecord(&roundsv1.Ticket{Readings: []*roundsv1.Reading{p.reading()}})))
		default:
			made := &roundsv1.Ticket{Title: w.word(p), CustomerWords: "the light is out", Tags: []string{"new"},
				Priority: roundsv1.Priority(w.rand.IntN(5)), ContactPhone: pick(w, []string{"", "100"})}
			if w.chance(3) {
				made.ReporterId = string(w.officers[1].person)
			}
			if w.chance(3) { // perhaps as another
				made.CategoryId, made.Location = "pipe", &roundsv1.Location{Words: "the pump room", Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}
			}
			p.do(scope, "new", editOf(id, ticketRecord(made)))
		}
		return
	}
	var options []client.Option
	seen := p.looked[id]
	if seen.Change != nil && w.chance(5) {
		options = append(options, client.Seen(seen))
	}
	if w.chance(3) {
		p.looked[id] = view
	}
	n := w.rand.IntN(10)
	if w.plan.busy {
		n += 4
	}
	switch {
	case n < 5:
		m, check := p.edit(id)
		if p.do(scope, "edit", m, options...) && len(options) == 0 {
			p.shows(scope, id, check)
		}
	case n < 8:
		p.do(scope, "fact on", p.fact(id), options...)
	default:
		shown := view
		if len(options) > 0 {
			shown = seen
		}
		p.do(scope, "command on", p.command(p.sees(scope, id, shown.Record.GetTicket(), func() []byte { return p.digest(scope, id, shown) })), options...)
	}
}

// look reads a record as the person sees it.
func (p *phone) look(scope store.Scope, kind merge.Kind, id recordID) (client.View, bool) {
	view, err := p.device.Get(background(), scope, kind, id)
	switch {
	case errors.Is(err, client.ErrNoRecord):
		return view, false
	case err != nil && p.fuse.struck == memstore.None:
		p.w.fail("%s: Get: %v", p.name, err)
	}
	return view, err == nil && !view.Deleted
}

// shows wants what was just written to be seen.
func (p *phone) shows(scope store.Scope, id recordID, check func(*roundsv1.Ticket) bool) {
	view, known := p.look(scope, "ticket", id)
	if p.fuse.struck != memstore.None {
		return
	}
	if !known || !check(view.Record.GetTicket()) {
		p.w.broken(promises.P7, "%s: does not show what was just written to %s", p.name, p.w.name(id))
	}
}

// edit makes an edit of one or two fields, and what must be seen after it.
func (p *phone) edit(id recordID) (*roundsv1.Mutation, func(*roundsv1.Ticket) bool) {
	w, t := p.w, &roundsv1.Ticket{}
	always := func(*roundsv1.Ticket) bool { return true }
	value := w.word(p)
	tags := []string{"wet", "lift", "night"}
	switch w.rand.IntN(14) {
	case 0, 1, 2:
		t.Title = value
		return editOf(id, ticketRecord(t), 1), func(t *roundsv1.Ticket) bool { return t.GetTitle() == value }
	case 3:
		t.Title, t.Notes = value, "notes "+value
		return editOf(id, ticketRecord(t), 1, 14), func(t *roundsv1.Ticket) bool { return t.GetTitle() == value }
	case 4:
		return editOf(id, ticketRecord(t), 14), func(t *roundsv1.Ticket) bool { return t.GetNotes() == "" }
	case 5:
		t.Priority = roundsv1.Priority(w.rand.IntN(5))
		return editOf(id, ticketRecord(t), 4), always
	case 6:
		t.CategoryId = pick(w, categories())
		return editOf(id, ticketRecord(t), 3), always
	case 7:
		t.Location = &roundsv1.Location{Words: value, Source: roundsv1.LocationSource(1 + w.rand.IntN(5))}
		return editOf(id, ticketRecord(t), 5), always
	case 8:
		t.Tags = []string{pick(w, tags)}
		return editOf(id, ticketRecord(t), 11), func(now *roundsv1.Ticket) bool { return slices.Contains(now.GetTags(), t.Tags[0]) }
	case 9:
		m := editOf(id, ticketRecord(t), 11)
		m.GetEdit().Removed = ticketRecord(&roundsv1.Ticket{Tags: []string{pick(w, tags)}})
		return m, always
	case 10:
		t.ContactPhone = pick(w, []string{"100", "200", "300"})
		if w.chance(3) {
			t.ChargeCents = int64(100 * w.rand.IntN(3))
			return editOf(id, ticketRecord(t), 15, 16), always
		}
		return editOf(id, ticketRecord(t), 15), always
	case 11:
		t.Attributes = map[string]string{pick(w, []string{"a", "b"}): value}
		return editOf(id, ticketRecord(t), 17), always
	case 12:
		m := editOf(id, ticketRecord(t), 17)
		m.GetEdit().Removed = ticketRecord(&roundsv1.Ticket{Attributes: map[string]string{pick(w, []string{"a", "b"}): ""}})
		return m, always
	default:
		t.Visits = int64(w.rand.IntN(5) - 1)
		return editOf(id, ticketRecord(t), 19), always
	}
}

func (p *phone) reading() *roundsv1.Reading {
	p.w.serial++
	return &roundsv1.Reading{Id: string(p.w.id('r', p.w.serial)), Quantity: "pressure", Value: float64(p.w.serial), Unit: "bar"}
}

// fact makes evidence.
func (p *phone) fact(id recordID) *roundsv1.Mutation {
	w, t := p.w, &roundsv1.Ticket{}
	switch w.rand.IntN(5) {
	case 0, 1:
		t.Readings = []*roundsv1.Reading{p.reading()}
		if w.chance(4) {
			t.Readings = append(t.Readings, p.reading())
		}
	case 2:
		t.Answers = map[string]*roundsv1.Answer{pick(w, []string{"i1", "i2", "g1", "g2"}): {
			Result: roundsv1.AnswerResult(1 + w.rand.IntN(4)), Note: pick(w, []string{"", w.word(p)})}}
	case 3:
		t.PartsUsed = map[string]int64{pick(w, []string{"bulb", "seal"}): int64(w.rand.IntN(5) - 2)}
		t.Visits = 1
	default:
		w.serial++
		t.Labour = []*roundsv1.Labour{{Id: string(w.id('l', w.serial)), PersonId: string(p.person)}}
	}
	return factOf(id, ticketRecord(t))
}

// remark says something, as a record of its own.
func (p *phone) remark(scope store.Scope) {
	w := p.w
	w.serial++
	id := w.record(scope, w.id('c', w.serial), "remark"+itoa(uint64(w.serial)))
	comment := &roundsv1.Comment{Words: w.word(p), PersonId: string(p.person)}
	if tickets := w.tickets[scope]; len(tickets) > 0 {
		comment.Subject = &roundsv1.RecordRef{Kind: "ticket", Id: string(pick(w, tickets))}
	}
	p.do(scope, "new", factOf(id, &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: comment}}))
}

// photo promises an image of finished work, of which nobody has the bytes.
func (p *phone) photo(scope store.Scope, subject recordID, round uint32) {
	p.promise(scope, &roundsv1.RecordRef{Kind: "ticket", Id: string(subject)}, roundsv1.PhotoRole_PHOTO_ROLE_AFTER, round)
}

// promise promises an image, of which nobody has the bytes, and returns its id.
func (p *phone) promise(scope store.Scope, subject *roundsv1.RecordRef, role roundsv1.PhotoRole, round uint32) recordID {
	w := p.w
	w.serial++
	id := w.record(scope, w.id('f', w.serial), "photo"+itoa(uint64(w.serial)))
	photo := &roundsv1.Photo{Subject: subject, Role: role, Round: round, SizeBytes: int64(w.serial), PersonId: string(p.person), Location: w.place()}
	const camera, gallery = roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA, roundsv1.PhotoSource_PHOTO_SOURCE_GALLERY
	photo.Source = pick(w, []roundsv1.PhotoSource{camera, camera, camera, camera, camera, camera, camera, gallery})
	const clean, soft, hard = roundsv1.PhotoState_PHOTO_STATE_CLEAN, roundsv1.PhotoState_PHOTO_STATE_SOFT, roundsv1.PhotoState_PHOTO_STATE_HARD
	one := promised{id: id, subject: recordID(subject.GetId()), role: role, round: round, fate: pick(w, []roundsv1.PhotoState{clean, clean, clean, clean, soft, hard, 0})}
	if w.photos == nil {
		if change, err := w.server.engine.Record(background(), scope, "ticket", merge.RecordID(subject.GetId())); err == nil && subject.GetKind() == "ticket" &&
			round > max(1, change.GetRecord().GetTicket().GetRound()) && one.fate != 0 {
			one.fate = hard // of a round that has not begun: a desk finds that it was taken too early
		}
		hash := sha([]byte(id))
		photo.Sha256 = hash[:]
		w.prints[scope] = append(w.prints[scope], one)
	}
	p.do(scope, "new", factOf(id, &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: photo}}))
	return id
}

// keepAsset makes, edits, counts or deletes an asset. Most may not.
func (p *phone) keepAsset(scope store.Scope) {
	w := p.w
	id := pick(w, w.assets[scope])
	record := func(a *roundsv1.Asset) *roundsv1.Record {
		return &roundsv1.Record{Kind: &roundsv1.Record_Asset{Asset: a}}
	}
	_, known := p.look(scope, "asset", id)
	chief := p.person == w.phones[0].person
	switch n := w.rand.IntN(6); {
	case !known && chief:
		p.do(scope, "new", editOf(id, record(&roundsv1.Asset{Code: w.word(p), Type: "pump"})))
	case w.plan.deletes && (n == 0 || n < 4 && chief):
		p.do(scope, "delete", commandOf(id, &roundsv1.Command{Command: &roundsv1.Command_Delete{
			Delete: &roundsv1.Delete{Kind: "asset", Reason: "sold"}}}))
	case n < 4:
		p.do(scope, "stock of", factOf(id, record(&roundsv1.Asset{Stock: int64(1 + w.rand.IntN(4))})))
	default:
		p.do(scope, "edit", editOf(id, record(&roundsv1.Asset{Code: w.word(p)}), 2))
	}
}

// tidy looks through the tray: resends what was rejected, and discards.
func (p *phone) tidy() {
	w := p.w
	items, err := p.device.Tray(background())
	if err != nil || len(items) == 0 {
		return
	}
	item := pick(w, items)
	if item.Status != client.TrayRejected {
		if item.Status != client.TrayParked && w.chance(2) {
			if err := p.device.Discard(background(), item.Key); err != nil && p.fuse.struck == memstore.None {
				w.fail("%s: Discard: %v", p.name, err)
			}
		}
		return
	}
	_, err = p.device.Resend(background(), item.Key, nil)
	mark := p.clock.mark()
	var refused *client.ProblemError
	switch {
	case err == nil:
		w.seen.Resent++
		w.note("%s: %s: sent again what was rejected", p.name, w.short(item.Key.Scope))
		p.remember(mark, item.Key.Scope, "resent", true)
		p.returned[item.Key.Scope]++
	case errors.As(err, &refused), errors.Is(err, client.ErrRevoked):
	case p.fuse.struck != memstore.None:
		if w.queued[mark] == nil {
			p.remember(mark, item.Key.Scope, "resent", false)
		}
	default:
		w.fail("%s: Resend: %v", p.name, err)
	}
}
