package demo

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

func kindOf(name string) merge.Kind { return merge.Kind(name) }

// sighting is one time that a row of the table of concurrent events came about: with which record, and by which entry of the journal.
type sighting struct {
	record string
	seq    uint64
}

// chronicle reads the journal of one scope from the first entry to the last, with a model of what each late act met, and notes each time that a row of the table
// came about. It asks what the table asks: whether the author had seen what came before (the entry's base, or the same device), and what became of the act (its
// outcome, with its flags and problems). What the journal does not tell is handed in: when a person's right ended, when a phone was revoked, when a checklist
// was published. It knows nothing of the rules in package work.
type chronicle struct {
	known
	found   map[int][]sighting
	causes  map[uint64]*roundsv1.Mutation // what waits, by its seq
	tickets map[string]*ticketTrack
	rounds  map[string]*roundTrack
	photos  map[string]photoTrack
	hidden  map[string]seen   // photos that were taken out of sight
	bytes   map[string]string // the first photo that had them, by their hash
	spent   map[string][]seen // deltas, by record and counter
}

// known is what the demo did itself, and the records as they stand in the end.
type known struct {
	dismissed map[string]int64  // persons whose right ended, and when, by the server's clock
	revoked   map[string]int64  // devices that were revoked, and when
	published int64             // when a checklist got another version; 0: none did
	newest    map[string]uint32 // version of a checklist
	records   map[string]*roundsv1.Record
	durable   func(photo string) bool
}

// seen is an act that another one may have seen or not.
type seen struct {
	seq     uint64
	device  string // empty for a desk and for the server
	person  string
	timeUs  int64 // effective
	takenUs int64
}

// act is one entry of the journal as it is followed.
type act struct {
	seen
	base   uint64
	record string
	*roundsv1.EntryHead
	*roundsv1.Mutation
}

func (a act) status() roundsv1.OutcomeStatus { return a.GetOutcome().GetStatus() }
func (a act) problem() roundsv1.ProblemCode  { return a.GetOutcome().GetProblem().GetCode() }
func (a act) flagged(f string) bool          { return slices.Contains(a.GetOutcome().GetFlags(), f) }
func (a act) admitted() bool                 { return a.GetType() == roundsv1.EntryType_ENTRY_TYPE_ADMITTED }
func (a act) server() bool                   { return a.GetType() == roundsv1.EntryType_ENTRY_TYPE_DERIVED }
func (a act) refused(c roundsv1.ProblemCode) bool {
	return a.status() == roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED && a.problem() == c
}
func (a act) parked() bool { return a.status() == roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT }
func (a act) stands() bool {
	return a.status() == roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED || a.status() == roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED
}

// unseen: whether the author of a did not know of another act that came before.
func (a act) unseen(other seen) bool {
	return other.seq > a.base && (other.device == "" || other.device != a.device)
}

// note notes that a row came about.
func (c *chronicle) note(row int, a act) { c.noteAt(row, a.record, a.seq) }

func (c *chronicle) noteAt(row int, record string, seq uint64) {
	c.found[row] = append(c.found[row], sighting{record, seq})
}

func newChronicle(k known) *chronicle {
	return &chronicle{known: k, found: map[int][]sighting{}, causes: map[uint64]*roundsv1.Mutation{}, tickets: map[string]*ticketTrack{}, rounds: map[string]*roundTrack{},
		photos: map[string]photoTrack{}, hidden: map[string]seen{}, bytes: map[string]string{}, spent: map[string][]seen{}}
}

// tellRows reads the journal of a scope. What is damaged is left out: the promises tell of it.
func tellRows(s promises.Scope, k known) map[int][]sighting {
	c := newChronicle(k)
	for _, encoded := range s.Journal {
		head, content, _, err := journal.Open(encoded)
		m := new(roundsv1.Mutation)
		if err != nil || proto.Unmarshal(content, m) != nil {
			continue
		}
		if head.GetType() == roundsv1.EntryType_ENTRY_TYPE_ADMITTED {
			if m = c.causes[head.GetCause()]; m == nil {
				continue
			}
		} else if head.GetOutcome().GetConflictId() != "" {
			c.causes[head.GetSeq()] = m
		}
		c.take(act{EntryHead: head, Mutation: m, base: m.GetBase(), record: head.GetRecord().GetId(), seen: seen{seq: head.GetSeq(), device: head.GetDeviceId(),
			person: head.GetPersonId(), timeUs: head.GetOutcome().GetTimeUs(), takenUs: head.GetTakenUs()}})
	}
	c.settle()
	return c.found
}

// take follows one entry.
func (c *chronicle) take(a act) {
	if at, gone := c.dismissed[a.person]; gone && !a.admitted() && a.takenUs > at {
		c.note(32, a)
	}
	if at, lost := c.revoked[a.device]; lost && a.device != "" && !a.admitted() && a.takenUs > at && !a.stands() {
		c.note(33, a)
	}
	if a.flagged("self_approval") {
		c.note(37, a)
	}
	switch a.EntryHead.GetRecord().GetKind() {
	case "ticket":
		c.ticket(a)
	case "inspection":
		c.inspection(a)
	case "photo":
		c.photo(a)
	case "comment":
		c.comment(a)
	case "asset":
		if a.stands() && a.GetFact() != nil && a.GetFact().GetRecord().GetAsset().GetStock() != 0 {
			c.spend(a, "stock")
		}
	case "conflict":
		if a.server() {
			c.question(a)
		}
	}
}

// question notes what the server asks by itself.
func (c *chronicle) question(a act) {
	q := a.GetEdit().GetRecord().GetConflict()
	switch about := q.GetSubject(); {
	case q.GetType() == duplicateType:
		c.noteAt(21, about.GetId(), a.seq)
	case q.GetType() == timeType && about.GetKind() == "ticket":
		c.noteAt(16, about.GetId(), a.seq)
	}
}

// settle notes what shows in the end alone.
func (c *chronicle) settle() {
	for id, t := range c.tickets {
		for _, photos := range t.manifests {
			if t.forced > 0 && slices.ContainsFunc(photos, func(p string) bool { return !c.durable(p) }) {
				c.noteAt(36, id, t.forced)
				break
			}
		}
	}
	for id, r := range c.rounds {
		if r.underOld > 0 {
			c.noteAt(31, id, r.underOld)
		}
	}
}

// Row is a row of the table of concurrent events, and how often it came about.
type Row struct {
	Number int `json:"row"`
	Times  int `json:"times"`
	// Staged: how often a scene brought it about on purpose; the others came of the day itself.
	Staged int `json:"staged"`
	// A was on the server, B came late.
	A string `json:"a"`
	B string `json:"b"`
}

// fillRows puts what was found into the report, and says which rows are missing: of those that the day was to show, and of the scenes that were played and whose
// records do not show the row.
func (d *Day) fillRows(found map[int][]sighting, staged map[int][]string, asked []int) {
	for _, row := range work.Arbitrations() {
		one := Row{Number: row.Number, Times: len(found[row.Number]), A: row.A.EN, B: row.B.EN}
		wanted := staged[row.Number]
		for _, record := range wanted {
			if slices.ContainsFunc(found[row.Number], func(s sighting) bool { return s.record == record }) {
				one.Staged++
			}
		}
		d.Rows = append(d.Rows, one)
		switch {
		case len(wanted) > 0 && one.Staged == 0:
			d.faulty = append(d.faulty, fmt.Sprintf("row %d was staged with %v, whose journal does not show it", row.Number, wanted))
		case one.Times > 0:
		case slices.Contains(asked, row.Number):
			d.faulty = append(d.faulty, fmt.Sprintf("row %d did not come about", row.Number))
		default:
			d.NotAsked = append(d.NotAsked, row.Number)
		}
	}
}
