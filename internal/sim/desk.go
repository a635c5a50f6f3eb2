package sim

import (
	"errors"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// deskAct is what somebody did at a desk, through the server. Whoever heard nothing of it sends it again, and some do so who did.
type deskAct struct {
	caller caller
	scope  store.Scope
	act    engine.DeskAct
	told   *roundsv1.Outcome // that the person had; nil: none yet
}

// console is the desk of a phone's person.
func (p *phone) console() caller {
	device := client.DerivedID(p.w.id('d', 1), string(p.person))
	p.w.devices[string(device)] = "the desk of " + p.name
	return caller{Device: engine.DeviceID(device), Person: p.person}
}

// atDesk lets a phone's person do something at a desk, who looks at the record in a version.
func (p *phone) atDesk(scope store.Scope, words string, base uint64, m *roundsv1.Mutation) {
	w := p.w
	w.serial++
	d := &deskAct{caller: p.console(), scope: scope, act: engine.DeskAct{ID: engine.ActID(w.id('k', w.serial)), RecordID: merge.RecordID(m.GetRecordId()), Base: journal.Seq(base),
		Fact: m.GetFact(), Edit: m.GetEdit(), Command: m.GetCommand()}}
	w.note("%s: at a desk in %s: %s %s", p.name, w.short(scope), words, w.name(recordID(m.GetRecordId())))
	w.seen.DeskActs++
	w.send(d)
}

// send brings an act to the server, as the network has it.
func (w *world) send(d *deskAct) {
	fate := w.fate()
	if fate != arrives {
		w.note("the act at the desk %s", fate)
	}
	if fate == lost {
		w.desks = append(w.desks, d)
		return
	}
	outcome, ok := w.done(d)
	if fate == doubled {
		outcome, ok = w.done(d)
	}
	if !ok {
		return
	}
	if outcome != nil && fate != replyLost {
		d.told = outcome
	}
	if outcome == nil || fate != arrives || w.chance(6) {
		w.desks = append(w.desks, d)
	} else {
		w.acts = append(w.acts, d)
	}
}

// done lets the server do an act, and wants its outcome to be what it was before. It is false where the person may not act there at all.
func (w *world) done(d *deskAct) (*roundsv1.Outcome, bool) {
	s := w.server
	if w.plan.serverFaults && !w.healed && w.chance(5) {
		s.fuse.light(pick(w, faults()), 1+w.rand.IntN(40), w.chance(2))
	}
	outcomes, err := s.engine.Act(background(), d.caller, d.scope, []engine.DeskAct{d.act})
	struck := s.fuse.struck != 0
	s.after()
	w.mirror.catchUp()
	var refused *engine.Error
	switch {
	case struck: // and whoever sent it hears nothing
		return nil, true
	case errors.As(err, &refused) && refused.Kind == engine.Denied:
		w.note("the act at the desk is denied")
		return nil, false
	case err != nil:
		w.fail("Act: %v", err)
		return nil, false
	}
	outcome := outcomes[0]
	if d.told != nil && (d.told.GetSeq() != outcome.GetSeq() || d.told.GetStatus() != outcome.GetStatus() || d.told.GetTimeUs() != outcome.GetTimeUs()) {
		w.broken(promises.P2, "%s: the act %s is answered with %v at %d, and was with %v at %d", d.scope, d.act.ID, outcome.GetStatus(), outcome.GetSeq(),
			d.told.GetStatus(), d.told.GetSeq())
	}
	return outcome, true
}

// repeat sends an act of a desk once more.
func (w *world) repeat(n int) {
	for range min(n, len(w.desks)) {
		d := w.desks[0]
		w.desks = w.desks[1:]
		w.seen.DeskRepeats++
		w.note("the act on %s at a desk is sent again", w.name(recordID(d.act.RecordID)))
		if outcome, ok := w.done(d); ok && outcome != nil {
			d.told = outcome
			w.acts = append(w.acts, d)
		} else if ok {
			w.desks = append(w.desks, d)
		}
	}
}

// forgetActs takes back what a restored server told of acts that it does not know any more.
func (w *world) forgetActs(to map[store.Scope]journal.Seq) {
	for i, d := range w.acts {
		if d.told != nil && d.told.GetSeq() > uint64(to[d.scope]) {
			w.acts[i] = &deskAct{caller: d.caller, scope: d.scope, act: d.act}
		}
	}
	for _, d := range w.desks {
		if d.told != nil && d.told.GetSeq() > uint64(to[d.scope]) {
			d.told = nil
		}
	}
}
