package promises

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// Act is what a person did through the server, at a desk, and was answered.
type Act struct {
	Scope  store.Scope
	Person string
	// ID that the caller gave it.
	ID string
	// Status and Seq of the outcome that the caller had.
	Status roundsv1.OutcomeStatus
	Seq    journal.Seq
}

// desks holds acts at desks against the journals: each stands there once, whoever sent it how often, and as its caller was told.
func (c *check) desks() {
	type name struct {
		scope      store.Scope
		person, id string
	}
	done := map[name]*entry{}
	for _, s := range c.evidence.Scopes {
		for _, e := range c.histories[s.Name].entries {
			if e.GetType() != roundsv1.EntryType_ENTRY_TYPE_DESK {
				continue
			}
			act := name{s.Name, e.GetPersonId(), e.GetActId()}
			if first := done[act]; first != nil {
				c.counts.Duplicated++
				c.find(P2, s.Name, "entry %d does again what entry %d did: act %s of %s", e.GetSeq(), first.GetSeq(), act.id, act.person)
				continue
			}
			done[act] = e
			c.counts.Desk++
		}
	}
	for _, a := range c.evidence.Acts {
		switch e := done[name{a.Scope, a.Person, a.ID}]; {
		case e == nil:
			c.counts.Lost++
			c.find(P1, a.Scope, "act %s of %s has the outcome %v, and is not in the journal", a.ID, a.Person, a.Status)
		case e.status() != a.Status || e.GetSeq() != uint64(a.Seq):
			c.find(P1, a.Scope, "act %s of %s: told was %v at %d, the journal says %v at %d", a.ID, a.Person, a.Status, a.Seq, e.status(), e.GetSeq())
		}
	}
}
