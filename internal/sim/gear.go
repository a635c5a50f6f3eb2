package sim

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
	"github.com/rounds-sync/rounds/work"
)

// place is where a phone says that it was when it took a photo: in a basement it finds no fix, some phones lie, and some people scan the tag that is there.
func (w *world) place() *roundsv1.Location {
	const gps, tag, none = roundsv1.LocationSource_LOCATION_SOURCE_GPS, roundsv1.LocationSource_LOCATION_SOURCE_TAG, roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX
	at := &roundsv1.Location{Source: pick(w, []roundsv1.LocationSource{gps, gps, gps, none, none, none, tag})}
	if at.GetSource() == gps {
		at.Latitude, at.Longitude, at.AccuracyM, at.Mocked = 22.5, 114, pick(w, []float32{4, 25, 900}), w.chance(3)
	}
	return at
}

// listed: whether the category of a ticket has a checklist.
func listed(t *roundsv1.Ticket) bool { return asked()[t.GetCategoryId()].GetChecklistId() != "" }

// item is one of the checklist of a ticket; where it has none, one of some other list.
func (w *world) item(t *roundsv1.Ticket) string {
	if listed(t) {
		return pick(w, gear().GetItems()).GetId()
	}
	return pick(w, []string{"i1", "i2"})
}

// unproved: whether an item of the checklist of a ticket failed, and nothing shows how.
func unproved(t *roundsv1.Ticket) bool {
	return listed(t) && slices.ContainsFunc(gear().GetItems(), func(item *roundsv1.ChecklistItem) bool {
		a := t.GetAnswers()[item.GetId()]
		return a.GetResult() == roundsv1.AnswerResult_ANSWER_RESULT_FAIL && len(a.GetPhotoIds()) == 0
	})
}

// fills answers the checklist of a ticket, where its category has one: mostly all of it, and mostly as has to be.
func (p *phone) fills(scope store.Scope, id recordID, t *roundsv1.Ticket) {
	w := p.w
	if !listed(t) || len(t.GetAnswers()) > 1 && w.chance(3) {
		return
	}
	said := map[string]*roundsv1.Answer{}
	for _, item := range gear().GetItems() {
		if !w.chance(10) {
			said[item.GetId()] = p.answer(scope, id, t, item)
		}
	}
	if len(said) > 0 {
		p.do(scope, "the checklist of", factOf(id, ticketRecord(&roundsv1.Ticket{Answers: said})))
	}
}

// answer is one to an item: now and then it fails, and then has its photo and its note mostly.
func (p *phone) answer(scope store.Scope, id recordID, t *roundsv1.Ticket, item *roundsv1.ChecklistItem) *roundsv1.Answer {
	const pass, fail, skipped = roundsv1.AnswerResult_ANSWER_RESULT_PASS, roundsv1.AnswerResult_ANSWER_RESULT_FAIL, roundsv1.AnswerResult_ANSWER_RESULT_SKIPPED
	w := p.w
	a := &roundsv1.Answer{Result: pick(w, []roundsv1.AnswerResult{pass, pass, pass, pass, pass, pass, fail, fail, skipped}), Note: pick(w, []string{"seen", "seen", "seen", "seen", ""})}
	fails := a.GetResult() == fail
	if item.GetUnit() != "" && a.GetResult() == pass {
		reading := pick(w, []float64{2, 2.5, 3, 3, 3, 2, 7, 1000})
		a.Reading, fails = &reading, reading > item.GetHigh()
	}
	if fails && !w.chance(4) {
		if photo := p.snap(scope, id, max(1, t.GetRound()), roundsv1.PhotoRole_PHOTO_ROLE_ITEM); photo != "" {
			a.PhotoIds = []string{string(photo)}
		}
	}
	return a
}

// scans the tag at the place of a ticket whose photos are to be taken again: some do.
func (p *phone) scans(scope store.Scope, id recordID, t *roundsv1.Ticket) {
	w := p.w
	if slices.Contains(t.GetFlags(), work.FlagRetake) && w.chance(3) {
		w.serial++
		p.do(scope, "a scan for", factOf(id, ticketRecord(&roundsv1.Ticket{Scans: []*roundsv1.Scan{{Id: string(w.id('v', w.serial)), Payload: "a tag"}}})))
	}
}

// chase is what comes of photos that do not: the server asks what is to become of them, a leader has them taken again, and somebody goes there once more: 36.
func (w *world) chase(scope store.Scope, id recordID) {
	question := w.asksWhatIsLost(scope, id)
	change, err := w.server.engine.Record(background(), scope, "conflict", merge.RecordID(question))
	if err != nil || change.GetRecord().GetConflict() == nil {
		return
	}
	w.seen.Retakes++
	w.officers[0].atDesk(scope, "decide", change.GetVersion(), commandOf(question, &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: &roundsv1.ConflictCommand{
		Command: &roundsv1.ConflictCommand_Decide{Decide: &roundsv1.ConflictDecide{Action: roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE, Reason: "the phone is lost"}}}}}))
	ticket, err := w.server.engine.Record(background(), scope, "ticket", merge.RecordID(id))
	if err != nil {
		w.fail("Record: %v", err)
		return
	}
	if p := w.actor(scope, job, ticket.GetRecord().GetTicket()); p != nil && !p.office {
		p.online = true
		p.sync()
		p.step(scope, id, job)
		p.sync()
	}
}

// asksWhatIsLost lets the server ask about photos of a ticket that do not come, as it does after days. It is the question; "" where none is asked.
func (w *world) asksWhatIsLost(scope store.Scope, id recordID) (question recordID) {
	s := w.server
	err := s.write(scope, func(get getter) ([]derived, error) {
		current, err := get("ticket", merge.RecordID(id))
		if err != nil || current == nil {
			return nil, err
		}
		asks, mark, err := work.EvidenceLost(current, get, nil, s.now())
		if err != nil || mark == "" {
			return nil, err
		}
		question = recordID(asks.RecordID)
		if before, err := get("conflict", asks.RecordID); err != nil || before != nil {
			return nil, err
		}
		return []derived{asks}, nil
	})
	w.note("server: asks what is lost of %s: %v", w.name(id), err)
	if err != nil && s.fuse.struck == memstore.None {
		w.fail("asking what is lost: %v", err)
	}
	s.after()
	w.mirror.catchUp()
	return question
}
