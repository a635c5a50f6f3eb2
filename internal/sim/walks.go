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

// stroll takes an inspection round some steps further, each by somebody who may do that mostly: it is made, released, walked, answered, submitted, decided on.
func (w *world) stroll() {
	scope := pick(w, w.sites)
	id := w.walks[scope][0]
	if w.ends(scope, id) && !w.chance(4) {
		w.serial++
		id = w.record(scope, w.id('w', 100+w.serial), "walk") // the next round
		w.walks[scope] = append([]recordID{id}, w.walks[scope]...)
	}
	for range 4 + w.rand.IntN(5) {
		w.strides(scope, id)
		w.pass(time.Second, 10*time.Minute)
	}
}

// ends: whether nothing more is to be done about a round.
func (w *world) ends(scope store.Scope, id recordID) bool {
	change, err := w.server.engine.Record(background(), scope, "inspection", merge.RecordID(id))
	if err != nil {
		w.fail("Record: %v", err)
	}
	switch change.GetRecord().GetInspection().GetState() {
	case roundsv1.InspectionState_INSPECTION_STATE_APPROVED, roundsv1.InspectionState_INSPECTION_STATE_EXCUSED:
		return true
	}
	return false
}

// strides takes a round one step further.
func (w *world) strides(scope store.Scope, id recordID) {
	change, err := w.server.engine.Record(background(), scope, "inspection", merge.RecordID(id))
	if err != nil {
		w.fail("Record: %v", err)
		return
	}
	round := change.GetRecord().GetInspection()
	if round.GetState() == roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED && !w.chance(5) {
		if w.photos == nil {
			w.develop(scope)
		} else {
			w.photos.look(scope)
		}
		return
	}
	op := w.walksAt(round.GetState())
	p := w.walker(scope, op, round)
	if p == nil {
		return
	}
	if decides := op == work.Approve || op == work.Return || op == work.Excuse || op == work.Release; change != nil && (p.office || decides && w.chance(2)) {
		base := change.GetVersion()
		if old := w.glanced[id]; old.version != 0 && w.chance(4) {
			base = old.version // the page was open for a long time
		}
		if w.chance(3) {
			w.glanced[id] = glance{version: change.GetVersion()}
		}
		p.atDesk(scope, string(op)+" of", base, commandOf(id, &roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: w.walkCommand(op, round, func() []byte {
			return w.walkDigest(change, journal.Seq(len(w.mirror.entries[scope])), func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
				return w.server.engine.Record(background(), scope, kind, id)
			})
		})}}))
		return
	}
	if p.office {
		return
	}
	if view, known := p.look(scope, "inspection", id); p.online && (!known && change != nil || known && view.Version != change.GetVersion()) && !w.chance(4) {
		p.sync()
	}
	p.walk(scope, id)
	if !w.chance(3) {
		p.sync()
	}
}

// walker is somebody who may take a round further, as it truly stands; now and then anybody.
func (w *world) walker(scope store.Scope, op work.Operation, round *roundsv1.Inspection) *phone {
	var fit []*phone
	own := w.chance(3)
	for _, p := range w.staff() {
		if p.gone || p.busy || !w.access.EverHad(p.person, scope) {
			continue
		}
		walked := round.GetInspectorId() == string(p.person) ||
			slices.ContainsFunc(round.GetCompletions(), func(c *roundsv1.Completion) bool { return c.GetPersonId() == string(p.person) })
		ok := p.may("inspection", op)
		switch op {
		case work.Approve, work.Return, work.Excuse:
			ok = ok && (own || !walked)
		case work.Submit:
			ok = ok && walked || round.GetInspectorId() == ""
		case work.Start:
			ok = !p.office
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

// walksAt is what is done next to a round in a state.
func (w *world) walksAt(state roundsv1.InspectionState) work.Operation {
	switch state {
	case roundsv1.InspectionState_INSPECTION_STATE_PLANNED:
		return work.Release
	case roundsv1.InspectionState_INSPECTION_STATE_RELEASED, roundsv1.InspectionState_INSPECTION_STATE_RETURNED:
		return work.Start
	case roundsv1.InspectionState_INSPECTION_STATE_RUNNING:
		return work.Submit
	case roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW:
		return pick(w, []work.Operation{work.Approve, work.Approve, work.Approve, work.Return})
	case roundsv1.InspectionState_INSPECTION_STATE_MISSED, roundsv1.InspectionState_INSPECTION_STATE_PARTIAL:
		return pick(w, []work.Operation{work.Excuse, work.Submit})
	case roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED:
		return work.Approve // too early
	}
	return work.Fact
}

// walkDigest is the hash of what somebody is shown of a round; now and then of something else, or none.
func (w *world) walkDigest(round *roundsv1.Change, through journal.Seq, read func(merge.Kind, merge.RecordID) (*roundsv1.Change, error)) []byte {
	switch w.rand.IntN(10) {
	case 0:
		return slices.Repeat([]byte{2}, 32)
	case 1:
		return nil
	}
	sum, err := work.InspectionDigest(round, read)
	if err != nil {
		w.fail("InspectionDigest: %v", err)
	}
	w.shows(sum, through)
	return sum
}

// walkCommand makes a command with arguments that are right mostly.
func (w *world) walkCommand(op work.Operation, i *roundsv1.Inspection, digest func() []byte) *roundsv1.InspectionCommand {
	round := w.wrongly(max(1, i.GetRound()))
	switch op {
	case work.Release:
		return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Release{Release: &roundsv1.InspectionRelease{}}}
	case work.Start:
		return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Start{Start: &roundsv1.InspectionStart{ScanPayload: "the first tag"}}}
	case work.Submit:
		return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Submit{Submit: &roundsv1.InspectionSubmit{Round: round}}}
	case work.Approve:
		return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Approve{Approve: &roundsv1.InspectionApprove{Round: round, ReviewDigest: digest()}}}
	case work.Return:
		return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Return{Return: &roundsv1.InspectionReturn{Round: round, Reason: "look again",
			ItemIds: pick(w, [][]string{nil, {"i1"}, {"i1", "i2"}})}}}
	}
	return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Excuse{Excuse: &roundsv1.InspectionExcuse{Reason: "flood"}}}
}

// walkVersion is that of the checklist which a round is made with, by whomever: none, one that there is, or one that there is not.
func (w *world) walkVersion(id recordID) uint32 {
	return []uint32{0, 2, 3, 0, 2, 3, 3, 9}[(w.seed+uint64(id[len(id)-1]))%8]
}

// walk lets a phone's person do what comes next with a round, as the phone shows it; now and then something else.
func (p *phone) walk(scope store.Scope, id recordID) {
	w := p.w
	p.light()
	defer p.after()
	record := func(i *roundsv1.Inspection) *roundsv1.Record {
		return &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: i}}
	}
	view, known := p.look(scope, "inspection", id)
	if !known {
		made := &roundsv1.Inspection{ChecklistId: walkList, ChecklistVersion: w.walkVersion(id), Title: w.word(p), WindowStartUs: w.now, WindowEndUs: w.now + int64(20+w.rand.IntN(5*60))*60_000_000}
		p.do(scope, "new", editOf(id, record(made)))
		return
	}
	i := view.Record.GetInspection()
	does := func(op work.Operation) bool {
		command := w.walkCommand(op, i, func() []byte {
			return w.walkDigest(&roundsv1.Change{RecordId: string(id), Record: view.Record}, p.through(scope), func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
				view, known := p.look(scope, kind, recordID(id))
				if !known {
					return nil, nil
				}
				return &roundsv1.Change{RecordId: string(id), Record: view.Record}, nil
			})
		})
		return p.do(scope, string(op)+" of", commandOf(id, &roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: command}}))
	}
	answer := func(times int) {
		for range times {
			said := p.answers(scope, id, max(1, i.GetRound())) // an item's photo comes before what names it
			p.do(scope, "answers of", factOf(id, record(said)))
		}
	}
	switch op := w.walksAt(i.GetState()); {
	case w.chance(8):
		does(pick(w, []work.Operation{work.Release, work.Start, work.Submit, work.Approve, work.Return, work.Excuse}))
	case op == work.Fact, op == work.Submit && w.chance(6):
		answer(1)
	case op == work.Submit:
		answer(1 + w.rand.IntN(2))
		does(op)
	default:
		if !does(op) || op != work.Start || w.chance(4) {
			return
		}
		if answer(1 + w.rand.IntN(2)); !w.chance(4) {
			does(work.Submit)
		}
	}
}

// answers of the checklist: now and then one fails, or cannot be.
func (p *phone) answers(scope store.Scope, id recordID, round uint32) *roundsv1.Inspection {
	w := p.w
	w.serial++
	serial := w.serial
	const pass, fail, skipped = roundsv1.AnswerResult_ANSWER_RESULT_PASS, roundsv1.AnswerResult_ANSWER_RESULT_FAIL, roundsv1.AnswerResult_ANSWER_RESULT_SKIPPED
	reading := pick(w, []float64{2, 2.5, 3, 3, 3, 2, 7, 1000})
	said := map[string]*roundsv1.Answer{"i2": {Result: pass, Reading: &reading}}
	for _, item := range []string{"i1", "i3", "i4"} {
		a := &roundsv1.Answer{Result: pick(w, []roundsv1.AnswerResult{pass, pass, pass, pass, pass, fail, fail, skipped, roundsv1.AnswerResult_ANSWER_RESULT_NOT_APPLICABLE}), Note: "seen"}
		if a.GetResult() == fail && item == "i3" && w.photos == nil && !w.chance(8) {
			a.PhotoIds = []string{string(p.promise(scope, &roundsv1.RecordRef{Kind: "inspection", Id: string(id)}, roundsv1.PhotoRole_PHOTO_ROLE_ITEM, round))}
		}
		if a.GetResult() == skipped && w.chance(6) {
			a.Note = ""
		}
		if item != "i4" || w.chance(2) {
			said[item] = a
		}
	}
	return &roundsv1.Inspection{Visits: []*roundsv1.Scan{{Id: string(w.id('v', serial)), Payload: "a tag"}}, Answers: said}
}
