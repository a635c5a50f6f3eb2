package bench

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
)

// device is an enrolled device that speaks the protocol as the library does and keeps only what the workloads need, so that the generator of the
// load leaves the machine to the server. It is used by one goroutine at a time.
type device struct {
	id, person, token string
	key               ed25519.PrivateKey
	now               func() time.Time
	started           time.Time
	lanes             map[string]*lane
	order             []string // scopes of lanes, in the order of their first mutation
}

// lane is the device's own end of its lane in one scope.
type lane struct {
	next     uint64 // lane seq of the first mutation in unsent
	previous journal.Hash
	hash     journal.Hash // behind all of unsent
	unsent   [][]byte
}

func (d *device) clock() *roundsv1.Clock {
	now := d.now()
	return &roundsv1.Clock{WallUs: now.UnixMicro(), BootId: "bench-" + d.id[:8], MonotonicUs: now.Sub(d.started).Microseconds() + 60_000_000}
}

// seen is a record as a person looked at it.
type seen struct {
	version uint64
	timeUs  int64
}

// do queues a mutation and returns its size.
func (d *device) do(scope, record string, at *roundsv1.Clock, saw seen, act *roundsv1.Mutation) (int, error) {
	l := d.lanes[scope]
	if l == nil {
		start := journal.LaneStart(d.id, scope)
		l = &lane{next: 1, previous: start, hash: start}
		d.lanes[scope] = l
		d.order = append(d.order, scope)
	}
	act.RecordId, act.Clock, act.Base, act.BaseTimeUs = record, at, saw.version, saw.timeUs
	content, err := proto.Marshal(act)
	if err != nil {
		return 0, err
	}
	l.unsent = append(l.unsent, content)
	l.hash = journal.LaneNext(l.hash, content)
	return len(content), nil
}

func create(r *roundsv1.Record) *roundsv1.Mutation {
	return &roundsv1.Mutation{Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: r}}}
}

func fact(r *roundsv1.Record) *roundsv1.Mutation {
	return &roundsv1.Mutation{Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{Record: r}}}
}

// titleField is the number of Ticket.title.
const titleField = 1

func retitle(title string) *roundsv1.Mutation {
	return &roundsv1.Mutation{Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: ticketRecord(&roundsv1.Ticket{Title: title}), Fields: []uint32{titleField}}}}
}

func ticketRecord(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

// The server's limits on one request.
const (
	maxMutations = 1000
	maxLanes     = 64
	maxBytes     = 3 << 20
)

// flush makes a signed request of what is queued, as much as one may carry, and counts it as sent: a device of the benchmark sends one request
// after the other and takes it that each is answered. It returns nil when nothing is queued.
func (d *device) flush() (*roundsv1.ExchangeRequest, int) {
	req := &roundsv1.ExchangeRequest{Clock: d.clock()}
	count, size := 0, 0
	for _, scope := range d.order {
		l := d.lanes[scope]
		if len(l.unsent) == 0 {
			continue
		}
		if len(req.Lanes) == maxLanes || count >= maxMutations || size >= maxBytes {
			break
		}
		n, head := 0, l.previous
		for n < len(l.unsent) && count < maxMutations && (n == 0 || size+len(l.unsent[n]) <= maxBytes) {
			head = journal.LaneNext(head, l.unsent[n])
			size += len(l.unsent[n])
			count++
			n++
		}
		req.Lanes = append(req.Lanes, &roundsv1.LaneBatch{
			Scope: scope, FirstSeq: l.next, PreviousHash: append([]byte(nil), l.previous[:]...), Mutations: l.unsent[:n:n],
			Signature: journal.SignHead(d.key, head), Confirmed: l.next - 1,
		})
		l.next, l.previous, l.unsent = l.next+uint64(n), head, l.unsent[n:]
	}
	if count == 0 {
		return nil, 0
	}
	return req, count
}

// check returns an error unless an answer applied so many mutations.
func check(resp *roundsv1.ExchangeResponse, mutations int) error {
	applied := 0
	for _, l := range resp.GetLanes() {
		for _, o := range l.GetOutcomes() {
			if o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
				return fmt.Errorf("lane seq %d in %s was not applied: %v %v", o.GetLaneSeq(), l.GetScope(), o.GetStatus(), o.GetProblem().GetSentence().GetEn())
			}
			applied++
		}
	}
	if applied != mutations {
		return fmt.Errorf("%d of %d mutations were applied", applied, mutations)
	}
	return nil
}
