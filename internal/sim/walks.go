package sim

import (
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

// stroll lets somebody go on with an inspection round: make it, release, walk, answer, submit it, decide on it.
func (w *world) stroll() {
	scope := pick(w, w.sites)
	id := w.walks[scope][0]
	for range 3 + w.rand.IntN(4) {
		change, err := w.server.engine.Record(background(), scope, "inspection", string(id))
		if err != nil {
			w.fail("Record: %v", err)
			return
		}
		round := change.GetRecord().GetInspection()
		if round.GetState() == roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED {
			w.develop(scope)
			continue
		}
		p := pick(w, w.phones)
		for range 3 {
			if walked := round.GetInspectorId() == string(p.person); !p.gone && !p.busy && (p.may("inspection", walksAt(round.GetState())) && !walked || w.chance(8)) {
				break
			}
			p = pick(w, w.phones)
		}
		if round.GetState() == roundsv1.InspectionState_INSPECTION_STATE_RUNNING && w.chance(2) {
			for _, q := range w.phones {
				if string(q.person) == round.GetInspectorId() {
					p = q
				}
			}
		}
		if p.gone || p.busy || !w.access.EverHad(p.person, scope) {
			continue
		}
		if view, known := p.look(scope, "inspection", id); p.online && (!known && change != nil || known && view.Version != change.GetVersion()) && !w.chance(4) {
			p.sync()
		}
		p.walk(scope, id)
		if w.chance(2) {
			p.sync()
		}
		w.pass(time.Second, 10*time.Minute)
	}
}

// walksAt is what is done to a round in a state.
func walksAt(state roundsv1.InspectionState) work.Operation {
	switch state {
	case roundsv1.InspectionState_INSPECTION_STATE_PLANNED:
		return work.Release
	case roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW:
		return work.Approve
	case roundsv1.InspectionState_INSPECTION_STATE_MISSED, roundsv1.InspectionState_INSPECTION_STATE_PARTIAL:
		return work.Excuse
	}
	return work.Fact
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
		made := &roundsv1.Inspection{ChecklistId: walkList, ChecklistVersion: uint32(pick(w, []int{0, 3, 3, 3, 3, 9})), Title: w.word(p), WindowStartUs: w.now, WindowEndUs: w.now + int64(20+w.rand.IntN(5*60))*60_000_000}
		p.do(scope, "new", editOf(id, record(made)))
		return
	}
	i := view.Record.GetInspection()
	round := w.wrongly(max(1, i.GetRound()))
	of := func(c *roundsv1.InspectionCommand) *roundsv1.Mutation {
		return commandOf(id, &roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: c}})
	}
	start := &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Start{Start: &roundsv1.InspectionStart{ScanPayload: "the first tag"}}}
	submit := &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Submit{Submit: &roundsv1.InspectionSubmit{Round: round}}}
	release := &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Release{Release: &roundsv1.InspectionRelease{}}}
	approve := func() *roundsv1.InspectionCommand {
		sum, err := work.InspectionDigest(&roundsv1.Change{RecordId: string(id), Record: view.Record}, func(kind merge.Kind, id string) (*roundsv1.Change, error) {
			view, known := p.look(scope, kind, recordID(id))
			if !known {
				return nil, nil
			}
			return &roundsv1.Change{RecordId: id, Record: view.Record}, nil
		})
		if err != nil {
			w.fail("InspectionDigest: %v", err)
		}
		if w.chance(6) {
			sum = slices.Repeat([]byte{2}, 32)
		}
		return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Approve{Approve: &roundsv1.InspectionApprove{Round: round, ReviewDigest: sum}}}
	}
	back := &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Return{Return: &roundsv1.InspectionReturn{Round: round, Reason: "look again",
		ItemIds: pick(w, [][]string{nil, {"i1"}})}}}
	excuse := &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Excuse{Excuse: &roundsv1.InspectionExcuse{Reason: "flood"}}}
	all := []func() *roundsv1.InspectionCommand{func() *roundsv1.InspectionCommand { return start }, func() *roundsv1.InspectionCommand { return submit },
		func() *roundsv1.InspectionCommand { return release }, approve, func() *roundsv1.InspectionCommand { return back }, func() *roundsv1.InspectionCommand { return excuse }}
	var next *roundsv1.InspectionCommand
	switch state := i.GetState(); {
	case w.chance(6):
		next = pick(w, all)()
	case state <= roundsv1.InspectionState_INSPECTION_STATE_PLANNED:
		next = release
	case state == roundsv1.InspectionState_INSPECTION_STATE_RELEASED, state == roundsv1.InspectionState_INSPECTION_STATE_RETURNED:
		next = start
	case state == roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW && w.chance(4):
		next = back
	case state == roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW:
		next = approve()
	case (state == roundsv1.InspectionState_INSPECTION_STATE_MISSED || state == roundsv1.InspectionState_INSPECTION_STATE_PARTIAL) && w.chance(3):
		next = excuse
	default:
		p.do(scope, "answers of", factOf(id, record(p.answers())))
		next = submit
		if w.chance(4) {
			return
		}
	}
	if !p.do(scope, "command on", of(next)) || next != start || w.chance(3) {
		return
	}
	p.do(scope, "answers of", factOf(id, record(p.answers())))
	if w.chance(2) {
		p.do(scope, "command on", of(submit))
	}
}

// answers of the checklist: now and then one fails, or cannot be.
func (p *phone) answers() *roundsv1.Inspection {
	w := p.w
	w.serial++
	reading := pick(w, []float64{2, 2.5, 3, 3, 7, 1000})
	first := &roundsv1.Answer{Result: pick(w, []roundsv1.AnswerResult{roundsv1.AnswerResult_ANSWER_RESULT_PASS, roundsv1.AnswerResult_ANSWER_RESULT_PASS,
		roundsv1.AnswerResult_ANSWER_RESULT_PASS, roundsv1.AnswerResult_ANSWER_RESULT_FAIL}), Note: "seen"}
	return &roundsv1.Inspection{Visits: []*roundsv1.Scan{{Id: string(w.id('v', w.serial)), Payload: "a tag"}},
		Answers: map[string]*roundsv1.Answer{"i1": first, "i2": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS, Reading: &reading}}}
}
