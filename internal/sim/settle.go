package sim

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

// settle heals all links and lets everybody sync until nothing changes any more.
func (w *world) settle() {
	w.step++
	w.note("all links heal")
	if w.options.Unsynced {
		w.server.kill()
	}
	w.healed = true
	w.pass(3*time.Hour, 4*time.Hour)
	for range min(3, len(w.copies)) {
		w.again()
	}
	for _, p := range w.phones {
		p.online = true
	}
	w.repeat(len(w.desks))
	if w.plan.hours {
		w.pass(24*time.Hour, 50*time.Hour)
		w.server.tick()
	}
	rounds := 12
	if w.photos != nil {
		rounds = 30
	}
	for round := range rounds {
		before := w.heads()
		for _, p := range w.phones {
			w.pass(time.Second, time.Minute)
			p.sync()
		}
		if w.photos != nil {
			w.photos.tend(round)
		}
		for _, scope := range w.sites[:min(len(w.sites), 9*(2-min(round, 2)))] {
			w.develop(scope)
		}
		if w.heads() == before && round > 1 {
			return
		}
	}
	w.broken(promises.P6, "the devices never come to rest")
}

// heads is how far all journals are.
func (w *world) heads() (n int) {
	for _, entries := range w.mirror.entries {
		n += len(entries)
	}
	return n
}

// auditor makes a device that has nothing and may read everything.
func (w *world) auditor() *phone {
	p := newPhone(w, 90, 90)
	w.access.roles[p.person] = []roundsv1.Role{roundsv1.Role_ROLE_MANAGER}
	for _, scope := range w.scopes {
		w.access.grant(p.person, scope, 0)
	}
	p.open()
	return p
}

// judge collects the evidence and looks at it.
func (w *world) judge() (promises.Counts, string) {
	w.mirror.catchUp()
	if w.photos != nil {
		w.photos.judge()
	}
	auditor := w.auditor()
	auditor.sync()
	fresh, err := promises.Holdings(background(), auditor.device)
	if err != nil {
		w.fail("the auditor: %v", err)
		return promises.Counts{}, ""
	}
	e := promises.Evidence{Seed: w.seed, Tolerance: 2 * time.Minute, Trade: trade{}, Shown: func(digest []byte) (journal.Seq, bool) {
		seq, known := w.shown[string(digest)]
		return seq, known
	}, Key: func(device string) ed25519.PublicKey {
		return w.access.DeviceKey(engine.DeviceID(device))
	}}
	for _, scope := range w.scopes {
		e.Scopes = append(e.Scopes, w.scopeEvidence(scope, fresh[scope]))
	}
	for _, p := range w.phones {
		e.Devices = append(e.Devices, w.deviceEvidence(p))
	}
	for _, d := range append(w.acts, w.desks...) {
		if d.told != nil {
			e.Acts = append(e.Acts, promises.Act{Scope: d.scope, Person: string(d.caller.Person), ID: string(d.act.ID), Status: d.told.GetStatus(), Seq: journal.Seq(d.told.GetSeq())})
		}
	}
	report := promises.Check(e)
	for _, f := range report.Findings {
		w.fail("%s", f)
	}
	if !report.Converged && report.OK() {
		w.broken(promises.P3, "the devices do not hold the present state")
	}
	w.model()
	w.count(fresh)
	w.forge(e)
	return report.Counts, digestOf(fresh)
}

func (w *world) scopeEvidence(scope store.Scope, fresh promises.Holding) promises.Scope {
	s := promises.Scope{Name: scope, Journal: w.server.journal(scope), Records: fresh.Records}
	if s.Records == nil {
		s.Records = []*roundsv1.Change{}
	}
	if !fresh.Complete {
		w.broken(promises.P3, "%s: the auditor's pull is not complete", scope)
	}
	for _, id := range w.tickets[scope] {
		change, err := w.server.engine.Record(background(), scope, "ticket", merge.RecordID(id))
		if err != nil {
			w.fail("Record: %v", err)
		}
		if change.GetEvicted() {
			s.Evicted = append(s.Evicted, change)
		}
	}
	for _, seen := range w.witnesses[scope] {
		if seen.epoch == w.server.epoch {
			s.Witnesses = append(s.Witnesses, seen.Witness)
		}
	}
	return s
}

func (w *world) deviceEvidence(p *phone) promises.Device {
	d, err := promises.OfDevice(background(), p.name, p.device)
	if err != nil {
		w.fail("%s: %v", p.name, err)
	}
	d.MayRead = p.mayRead
	for scope, h := range d.Holds {
		if w.restored {
			h.Witnesses = nil // those of an earlier epoch are among them; the mirror's are checked
		}
		if !w.access.EverHad(p.person, scope) {
			delete(d.Holds, scope) // it holds only what it queued itself and nobody will take
			continue
		}
		d.Holds[scope] = h
	}
	d.Queued = slices.DeleteFunc(d.Queued, func(q promises.Queued) bool {
		// What a restored server lost, and the phone had given up before, nobody can bring back.
		gone := w.contents[q.Content]
		if gone == nil && q.Status == 0 && p.wiped {
			return true // a clone that was taken for lost: its branch goes with it
		}
		return !w.access.EverHad(p.person, q.Scope) || gone != nil && gone.excused && gone.taken == 0
	})
	d.Settled = !p.gone && !p.wiped
	for i := range d.Queued {
		q := &d.Queued[i]
		made := w.contents[q.Content]
		if made != nil && !made.late {
			q.Made = timeOf(made.at)
		}
		if made != nil && made.excused && made.taken > 0 {
			// The phone does not hold it any more, and need not have heard what a restored server made of a copy.
			q.Status, q.Seq = w.mirror.entries[q.Scope][made.taken-1].head.GetOutcome().GetStatus(), journal.Seq(made.taken)
		}
	}
	return d
}

// model holds the simulation's own knowledge against the journals: nothing that a call said was queued is missing.
func (w *world) model() {
	for _, m := range slices.Sorted(maps.Keys(w.queued)) {
		q := w.queued[m]
		if q.returned && !q.excused && q.taken == 0 && w.access.EverHad(q.phone.person, q.scope) {
			w.broken(promises.P1, "%s: what %s queued is lost: %s (%s)", q.scope, q.phone.name, q.words, m)
		}
	}
	for _, scope := range w.scopes {
		for i, encoded := range w.server.journal(scope) {
			if i >= len(w.mirror.entries[scope]) || !w.mirror.entries[scope][i].is(encoded) {
				w.broken(promises.P12, "%s: entry %d is not what it was", scope, i+1)
				break
			}
		}
	}
}

// forge changes one journal in one place, and wants it to be found.
func (w *world) forge(e promises.Evidence) {
	s := e.Scopes[w.rand.IntN(len(e.Scopes))]
	if len(s.Journal) < 2 || len(w.failures) > 0 {
		return
	}
	config := journal.Config{Scope: string(s.Name), Key: e.Key, Head: &journal.Witness{Seq: journal.Seq(len(s.Journal)), By: "the auditor"}}
	_, _, config.Head.Hash, _ = journal.Open(s.Journal[len(s.Journal)-1])
	forged := slices.Clone(s.Journal)
	i := w.rand.IntN(len(forged))
	var how string
	switch w.rand.IntN(4) {
	case 0:
		how = "a bit of it changed"
		forged[i] = slices.Clone(forged[i])
		forged[i][w.rand.IntN(len(forged[i]))] ^= 1 << w.rand.IntN(8)
	case 1:
		how = "taken out"
		forged = slices.Delete(forged, i, i+1)
	case 2:
		how = "put in twice"
		forged = slices.Insert(forged, i, forged[i])
	default:
		how = "put before the one before it"
		i = max(1, i)
		forged[i-1], forged[i] = forged[i], forged[i-1]
	}
	if _, err := journal.Verify(config, each(forged)); err == nil {
		w.broken(promises.P12, "%s: entry %d was %s, and nobody found out", s.Name, i+1, how)
	}
}

func each(entries [][]byte) func(func([]byte, error) bool) {
	return func(yield func([]byte, error) bool) {
		for _, encoded := range entries {
			if !yield(encoded, nil) {
				return
			}
		}
	}
}

// digestOf is a digest of the values of all records.
func digestOf(holds map[store.Scope]promises.Holding) string {
	sum := sha256.New()
	for _, scope := range slices.Sorted(maps.Keys(holds)) {
		for _, change := range holds[scope].Records {
			encoded, err := merge.Marshal(change)
			if err != nil {
				return err.Error()
			}
			sum.Write(encoded)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// count notes how tickets moved, by their ledgers.
func (w *world) count(holds map[store.Scope]promises.Holding) {
	for _, h := range holds {
		for _, change := range h.Records {
			t := change.GetRecord().GetTicket()
			if t.GetMergedIntoId() != "" {
				w.seen.MergedTickets++
			}
			for _, move := range t.GetMoves() {
				switch state := move.GetState(); {
				case state == roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW:
					w.seen.Reviewed++
				case state == roundsv1.TicketState_TICKET_STATE_REWORK:
					w.seen.Reworked++
				case state == roundsv1.TicketState_TICKET_STATE_CLOSED && move.GetReason() == "":
					w.seen.Closed++
					w.seen.ClosedByTasks += min(1, len(t.GetChildIds())) // of one with tasks: most likely
					if t.GetRequirements().GetChecklistId() != "" {
						w.seen.Listed++
					}
					if slices.Contains(t.GetFlags(), work.FlagRetake) {
						w.seen.Retaken++
					}
				}
			}
			for _, review := range t.GetReviews() {
				if review.GetVerdict() == roundsv1.Verdict_VERDICT_OBJECTED {
					w.seen.Dissents++
				}
			}
			for _, flag := range t.GetFlags() {
				switch flag {
				case "forced":
					w.seen.Forced++
				case "late":
					w.seen.LateFacts++
				case "self_approval":
					w.seen.SelfApproved++
				case "reopened", "customer_disputed", "follow_up_failed":
					w.seen.Reopened++
				}
			}
		}
	}
}
