// Package promises checks the promises of the sync protocol from outside: from the journals of the server, from what each device itself
// recorded of what was queued on it, and from the records that devices hold. It shares with what it checks no more than the schema, the
// formats of package journal, and, for P4 alone, the merge whose law P4 is; how values survive each other it works out anew, in a few
// plain lines a policy.
//
// Collect Evidence when all links are up and every device has synced until nothing was left to do, then call Check:
//
//	fresh, _ := promises.Holdings(ctx, device)          // of a device that was just enrolled and pulled all
//	evidence := promises.Evidence{
//		Scopes:  []promises.Scope{{Name: site, Journal: entries, Records: fresh[site].Records}},
//		Devices: []promises.Device{of},                 // promises.OfDevice(ctx, "Li's phone", device)
//		Key:     keyOfDevice,
//	}
//	report := promises.Check(evidence)
//	fmt.Println(report.Held, report.Findings)
//
// What is left out is not held against anybody: without Made P13 says only what follows from the journal, a Device that is not Settled may
// still have something to send, a Scope without Records is compared among the devices alone.
package promises

import (
	"cmp"
	"crypto/ed25519"
	"fmt"
	"maps"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// Name names a promise of the protocol.
type Name string

// The promises that Check looks at.
const (
	P1  Name = "P1"  // a mutation with an outcome is in the journal exactly once, with that outcome
	P2  Name = "P2"  // resending, doubling, cutting and reordering change nothing: nothing is taken twice, and nothing that nobody queued
	P3  Name = "P3"  // devices with the same scopes at the same cursor hold identical records
	P4  Name = "P4"  // fields merge to the same values whatever the order of arrival
	P5  Name = "P5"  // no concurrent value vanishes, and every fact is kept or quarantined
	P6  Name = "P6"  // no mutation blocks another
	P7  Name = "P7"  // a complete pull holds the device's own acknowledged mutations
	P8  Name = "P8"  // no record leaves its scope to a device without the right to it
	P9  Name = "P9"  // no ticket closes without sound evidence and the word of somebody who did none of the work, or of two where it is forced
	P10 Name = "P10" // all of this through crashes
	P12 Name = "P12" // the journal is whole, and signed by the devices
	P13 Name = "P13" // wrong clocks break none of it
)

// Names returns the names in order. The slice is the caller's.
func Names() []Name { return []Name{P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P12, P13} }

// Evidence is all that Check looks at. It changes none of it.
type Evidence struct {
	// Scopes of the server, each once.
	Scopes []Scope
	// Devices that ever had an outcome or anything queued. Mutations of a device that is not among them count as queued by nobody (P2),
	// unless Strangers is set.
	Devices []Device
	// Acts at desks whose outcome somebody had; those of an earlier epoch that a restored server lost are to be left out.
	Acts []Act
	// Strangers: there were further devices whose own records are not here.
	Strangers bool
	// Trade is what the organisation asks of the work. Nil: P9 takes what stands in the tickets in the end for what was asked of them, and asks nothing of the answers of
	// inspection rounds.
	Trade Trade
	// Shown says of a review digest through which seq of its scope's journal the evidence was shown that it is the hash of; false where nobody was shown such. Nil: it is
	// not known what reviewers were shown.
	Shown func(digest []byte) (journal.Seq, bool)
	// Key returns the public key that a device was enrolled with, nil for one that never was.
	Key func(device string) ed25519.PublicKey
	// Tolerance is how far an effective time of trust A may be from Queued.Made: the latency of the link, and the grain of the clocks.
	// Default: 5 seconds.
	Tolerance time.Duration
	// Orders is in how many other orders the mutations of each record are merged again, for P4. Default: 2.
	Orders int
	// Seed of these orders.
	Seed uint64
}

// Scope is one scope of the server.
type Scope struct {
	Name store.Scope
	// Journal holds the encoded entries from seq 1 to the last.
	Journal [][]byte
	// Records are the live records as a device pulled them that had nothing before; nil where nobody did.
	Records []*roundsv1.Change
	// Evicted are records outside the working set, for P5; they may be left out.
	Evicted []*roundsv1.Change
	// Witnesses are heads of this journal, and of no earlier epoch, that somebody saw, besides those in Devices.
	Witnesses []journal.Witness
}

// Device is one device, under all the identities that it had.
type Device struct {
	// Name for the words of findings.
	Name string
	// Queued is what was ever queued on it and stayed its own, in lane order for each lane.
	Queued []Queued
	// Holds is what it holds now of each scope.
	Holds map[store.Scope]Holding
	// MayRead says which scopes its person may read now; nil: all that it holds.
	MayRead func(store.Scope) bool
	// Settled: it was online to the end and synced until nothing was left to do; so everything that it queued must have an outcome, and
	// what it holds must be the present state.
	Settled bool
}

// Queued is one mutation as the device recorded it.
type Queued struct {
	Scope store.Scope
	// Device by which the server knows the lane.
	Device string
	Lane   journal.LaneSeq
	// Content is the hash of the encoded mutation.
	Content journal.Hash
	// Status of the outcome that the device stored, and the seq of its journal entry; zero while there is none.
	Status roundsv1.OutcomeStatus
	Seq    journal.Seq
	// Made is when it truly happened, by the server's clock; the zero time where nobody knows.
	Made time.Time
}

// Holding is what a device holds of one scope.
type Holding struct {
	// Complete: an exact snapshot, as of Head.
	Complete bool
	Head     journal.Witness
	// Records as they came from the server, whole.
	Records []*roundsv1.Change
	// Pending counts mutations that are laid on top of them.
	Pending int
	// StateHash as the device keeps it; zero where it is not known.
	StateHash journal.Hash
	// Repaired counts records that were put right because the replica had differed from the server.
	Repaired int
	// Witnesses are the heads of the journal that the device saw in the present epoch.
	Witnesses []journal.Witness
}

// Finding is one thing that is wrong.
type Finding struct {
	Promise Name
	Scope   store.Scope // may be empty
	Words   string
}

// String puts it into one line.
func (f Finding) String() string {
	if f.Scope == "" {
		return fmt.Sprintf("%s: %s", f.Promise, f.Words)
	}
	return fmt.Sprintf("%s: %s: %s", f.Promise, f.Scope, f.Words)
}

// Counts are the sums of a Report.
type Counts struct {
	// Queued mutations, by the devices' own records; Taken ones stand in the journals.
	Queued, Taken int
	// Outcomes in the journals. What was let in later still counts as what it first came to.
	Applied, Merged, Conflicts, Rejected, Quarantined int
	// Lost mutations of settled devices stand in no journal; Duplicated ones stand there more than once.
	Lost, Duplicated int
	// Facts taken, of them KeptFacts are in records (or went with one that was deleted), and QuarantinedFacts wait.
	Facts, KeptFacts, QuarantinedFacts int
	// Desk counts acts at desks that stand in the journals.
	Desk int
	// Orders in which records were merged again.
	Orders int
}

// Report is what Check found.
type Report struct {
	// Held says of each promise whether nothing was found against it.
	Held map[Name]bool
	// Findings against them, by promise and scope.
	Findings []Finding
	Counts   Counts
	// Converged: every settled device holds the present state of every scope that it may read.
	Converged bool
}

// OK tells whether every promise was held.
func (r Report) OK() bool { return len(r.Findings) == 0 }

// Check looks at everything. It needs memory for all of it, and a few milliseconds for a thousand mutations.
func Check(e Evidence) Report {
	e.Tolerance = cmp.Or(e.Tolerance, 5*time.Second)
	e.Orders = cmp.Or(e.Orders, 2)
	c := &check{evidence: e, histories: map[store.Scope]*history{}}
	for _, s := range e.Scopes {
		h := c.read(s)
		c.histories[s.Name] = h
		c.outcomes(h)
	}
	c.ledgers()
	c.desks()
	for _, s := range e.Scopes {
		h := c.histories[s.Name]
		c.values(h)
		c.orders(h)
		c.closures(h)
	}
	c.replicas()
	return c.report()
}

// check is one Check.
type check struct {
	evidence  Evidence
	histories map[store.Scope]*history
	findings  []Finding
	counts    Counts
	behind    bool // a settled device does not hold the present state
}

func (c *check) find(p Name, scope store.Scope, format string, args ...any) {
	c.findings = append(c.findings, Finding{Promise: p, Scope: scope, Words: fmt.Sprintf(format, args...)})
}

func (c *check) report() Report {
	r := Report{Held: map[Name]bool{}, Findings: c.findings, Counts: c.counts, Converged: !c.behind}
	for _, name := range Names() {
		r.Held[name] = true
	}
	for _, f := range r.Findings {
		r.Held[f.Promise] = false
	}
	// Crashes and wrong clocks are part of what happened to the evidence, so these hold only where all that they are to leave whole does.
	for _, name := range []Name{P1, P2, P3, P4, P5, P6, P7, P8, P9} {
		r.Held[P10] = r.Held[P10] && r.Held[name]
		r.Held[P13] = r.Held[P13] && r.Held[name]
	}
	order := map[Name]int{}
	for i, name := range Names() {
		order[name] = i
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(order[a.Promise], order[b.Promise]), cmp.Compare(a.Scope, b.Scope))
	})
	return r
}

// Broken returns the names of the promises that were not held, in order.
func (r Report) Broken() []Name {
	return slices.DeleteFunc(slices.SortedFunc(maps.Keys(r.Held), func(a, b Name) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	}), func(n Name) bool { return r.Held[n] })
}
