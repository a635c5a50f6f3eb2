package sim

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

// decide answers one of the questions that wait for somebody: mostly by what it offers.
func (p *phone) decide(scope store.Scope) {
	var open []client.View
	for view, err := range p.device.List(background(), scope, "conflict") {
		if err != nil {
			break
		}
		if c := view.Record.GetConflict(); c.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN {
			open = append(open, view)
		}
	}
	if len(open) == 0 {
		return
	}
	w := p.w
	view := pick(w, open)
	if p.do(scope, "decide", commandOf(view.ID, w.decision(view.Record.GetConflict()))) {
		w.seen.Admitted++
	}
}

// decision is a command on a question.
func (w *world) decision(c *roundsv1.Conflict) *roundsv1.Command {
	of := func(c *roundsv1.ConflictCommand) *roundsv1.Command {
		return &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: c}}
	}
	actions := c.GetActions()
	if len(actions) == 0 || w.chance(12) {
		actions = []roundsv1.ConflictAction{roundsv1.ConflictAction(1 + w.rand.IntN(16))}
	}
	action := pick(w, actions)
	switch n := w.rand.IntN(10); {
	case n == 0:
		return of(&roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Assign{Assign: &roundsv1.ConflictAssign{PersonId: string(pick(w, w.phones).person)}}})
	case n < 3 && c.GetJournalSeq() > 0:
		return of(&roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}})
	case n < 4:
		return of(&roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Dismiss{Dismiss: &roundsv1.ConflictDismiss{Reason: "no"}}})
	}
	decide := &roundsv1.ConflictDecide{Action: action, Reason: pick(w, []string{"", "so it is", "so it is"})}
	if action == roundsv1.ConflictAction_CONFLICT_ACTION_MERGE {
		tickets := []string{c.GetSubject().GetId()}
		for _, side := range c.GetSides() {
			tickets = append(tickets, side.GetRecord().GetId())
		}
		decide.TargetId = pick(w, tickets)
	}
	return of(&roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Decide{Decide: decide}})
}

// inbox lets people who may decide look at what waits, now and then two at the same time, on phones and at desks.
func (w *world) inbox() {
	scope := pick(w, w.sites)
	var open []*roundsv1.Change
	for _, id := range slices.Backward(w.questions[scope]) {
		change, err := w.server.engine.Record(background(), scope, "conflict", merge.RecordID(id))
		if err != nil {
			w.fail("Record: %v", err)
		}
		if change.GetRecord().GetConflict().GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN {
			if open = append(open, change); len(open) == 3 {
				break
			}
		}
	}
	if len(open) == 0 {
		return
	}
	one := pick(w, open)
	for range 1 + w.rand.IntN(2) {
		p := pick(w, w.staff())
		for range 3 {
			if p.gone || p.busy || !p.may("conflict", work.Admit) {
				p = pick(w, w.staff())
			}
		}
		if p.gone || p.busy || !w.access.EverHad(p.person, scope) {
			continue
		}
		command := w.decision(one.GetRecord().GetConflict())
		w.seen.Decided++
		if p.office || w.chance(2) {
			p.atDesk(scope, "decide", one.GetVersion(), commandOf(recordID(one.GetRecordId()), command))
			continue
		}
		if _, known := p.look(scope, "conflict", recordID(one.GetRecordId())); !known && p.online {
			p.sync()
		}
		if _, known := p.look(scope, "conflict", recordID(one.GetRecordId())); known {
			p.light()
			p.do(scope, "decide", commandOf(recordID(one.GetRecordId()), command))
			p.after()
		}
	}
}
