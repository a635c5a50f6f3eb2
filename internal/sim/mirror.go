package sim

import (
	"bytes"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// mirror is the simulation's own copy of the journals, taken down entry by entry. What was once in it must stay.
type mirror struct {
	w       *world
	entries map[store.Scope][]taken
	stale   bool // what arrives now is a copy of an old request
}

// taken is one entry of the mirror.
type taken struct {
	head    *roundsv1.EntryHead
	encoded []byte
	hash    journal.Hash
	mark    mark
}

// mark tells one mutation from all others: the reading of its device's clock when it was queued.
type mark string

func markOf(c *roundsv1.Clock) mark {
	return mark(fmt.Sprintf("%s/%d", c.GetBootId(), c.GetMonotonicUs()))
}

func newMirror(w *world) *mirror { return &mirror{w: w, entries: map[store.Scope][]taken{}} }

// catchUp takes down what the journals hold beyond the mirror.
func (m *mirror) catchUp() {
	for _, scope := range m.w.scopes {
		m.follow(scope)
	}
}

func (m *mirror) follow(scope store.Scope) {
	have := m.entries[scope]
	seq, hash, err := m.w.server.engine.Head(background(), scope)
	if err != nil {
		m.w.fail("reading the head of %s: %v", scope, err)
		return
	}
	if int(seq) < len(have) {
		m.w.broken(promises.P10, "%s: the journal went back from %d to %d", scope, len(have), seq)
		panic(stop{})
	}
	if int(seq) > len(have) {
		for encoded, err := range m.w.server.engine.Journal(background(), scope, journal.Seq(len(have)+1)) {
			if err != nil {
				m.w.broken(promises.P12, "%s: reading the journal: %v", scope, err)
				return
			}
			m.add(scope, bytes.Clone(encoded))
		}
		have = m.entries[scope]
	}
	if len(have) > 0 && have[len(have)-1].hash != hash {
		m.w.broken(promises.P12, "%s: the head's hash is not that of entry %d", scope, len(have))
	}
}

// add takes down one entry.
func (m *mirror) add(scope store.Scope, encoded []byte) {
	head, content, hash, err := journal.Open(encoded)
	if err != nil {
		m.w.broken(promises.P12, "%s: %v", scope, err)
		return
	}
	have := m.entries[scope]
	if head.GetSeq() != uint64(len(have)+1) || len(have) > 0 && !bytes.Equal(head.GetPrevious(), have[len(have)-1].hash[:]) {
		m.w.broken(promises.P12, "%s: entry %d does not follow on %d", scope, head.GetSeq(), len(have))
	}
	t := taken{head: head, encoded: encoded, hash: hash}
	if head.GetType() == roundsv1.EntryType_ENTRY_TYPE_MUTATION {
		mutation := new(roundsv1.Mutation)
		if err := proto.Unmarshal(content, mutation); err != nil {
			m.w.broken(promises.P1, "%s: entry %d: %v", scope, head.GetSeq(), err)
		}
		t.mark = markOf(mutation.GetClock())
		if mutation.GetCommand().GetDelete() != nil && head.GetOutcome().GetStatus() == roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
			m.w.seen.Deleted++
		}
		m.took(scope, t)
	}
	m.count(head, content)
	if id := recordID(head.GetRecord().GetId()); head.GetRecord().GetKind() == "conflict" && !slices.Contains(m.w.questions[scope], id) {
		m.w.questions[scope] = append(m.w.questions[scope], id)
	}
	m.w.note("journal: %s", m.words(scope, t))
	m.entries[scope] = append(have, t)
}

// commandName is the kind and the name of a command in the schema: "ticket approve".
func commandName(c *roundsv1.Command) string {
	of := c.ProtoReflect()
	kind := of.WhichOneof(of.Descriptor().Oneofs().ByName("command"))
	if kind == nil {
		return "unknown"
	}
	name := string(kind.Name())
	if act := of.Get(kind).Message(); act.Descriptor().Oneofs().Len() > 0 {
		if which := act.WhichOneof(act.Descriptor().Oneofs().Get(0)); which != nil {
			name += " " + string(which.Name())
		}
	}
	return name
}

// fateOf is what became of a mutation: "taken", "kept" for somebody to decide, or "refused".
func fateOf(o *roundsv1.Outcome) string {
	switch o.GetStatus() {
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED:
		return "taken"
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT, roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED:
		return "kept"
	}
	return "refused"
}

// count notes what became of commands.
func (m *mirror) count(head *roundsv1.EntryHead, content []byte) {
	switch head.GetType() {
	case roundsv1.EntryType_ENTRY_TYPE_MUTATION, roundsv1.EntryType_ENTRY_TYPE_DESK:
		mutation := new(roundsv1.Mutation)
		if proto.Unmarshal(content, mutation) == nil && mutation.GetCommand() != nil {
			m.w.commands[commandName(mutation.GetCommand())+" "+fateOf(head.GetOutcome())]++
		}
	}
}

func (m *mirror) words(scope store.Scope, t taken) string {
	h := t.head
	words := fmt.Sprintf("%s %d %v", m.w.short(scope), h.GetSeq(), h.GetType())
	if h.GetLaneSeq() > 0 {
		words += fmt.Sprintf(" %s lane %d", m.w.deviceName(h.GetDeviceId()), h.GetLaneSeq())
	}
	words += fmt.Sprintf(" %s %s %v", h.GetRecord().GetKind(), m.w.name(recordID(h.GetRecord().GetId())), h.GetOutcome().GetStatus())
	if p := h.GetOutcome().GetProblem(); p != nil {
		words += fmt.Sprintf(" (%v)", p.GetCode())
	}
	return words + fmt.Sprintf(" %x", t.hash[:3])
}

// took holds a mutation that the server took against what was queued.
func (m *mirror) took(scope store.Scope, t taken) {
	w := m.w
	q := w.queued[t.mark]
	switch {
	case q == nil:
		w.broken(promises.P2, "%s: entry %d holds what nobody queued (%s)", scope, t.head.GetSeq(), t.mark)
		return
	case q.scope != scope:
		w.broken(promises.P8, "%s: entry %d was queued in %s", scope, t.head.GetSeq(), q.scope)
	case q.taken > 0:
		w.broken(promises.P2, "%s: entry %d takes again what entry %d took", scope, t.head.GetSeq(), q.taken)
	}
	w.contents[journal.Hash(t.head.GetContentHash())] = q
	q.taken = t.head.GetSeq()
	q.at = q.made + w.server.offset.Microseconds()
	q.late = m.stale
	device, at := engine.DeviceID(t.head.GetDeviceId()), timeOf(t.head.GetOutcome().GetTimeUs())
	if roles := w.access.Roles(engine.PersonID(t.head.GetPersonId()), scope, at); t.head.GetOutcome().GetTrust() == roundsv1.Trust_TRUST_A &&
		w.access.Revoked(device) != roundsv1.Revocation_REVOCATION_IMMEDIATE && !slices.Equal(t.head.GetRoles(), roles) && t.head.GetRecord() != nil {
		w.broken(promises.P8, "%s: entry %d was judged by the rights %v, held were %v", scope, t.head.GetSeq(), t.head.GetRoles(), roles)
	}
	switch t.head.GetOutcome().GetStatus() {
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED:
		w.seen.Merged++
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT:
		w.seen.Conflicts++
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED:
		w.seen.Rejected++
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED:
		w.seen.Quarantined++
	}
}

// is: whether an encoded entry is this one. Its content may have been redacted since; head, hash and chain never change.
func (t taken) is(encoded []byte) bool {
	if bytes.Equal(encoded, t.encoded) {
		return true
	}
	head, content, hash, err := journal.Open(encoded)
	return err == nil && hash == t.hash && journal.Redacted(head, content)
}

// rewind forgets what a restore has lost.
func (m *mirror) rewind(to map[store.Scope]journal.Seq) {
	for scope, have := range m.entries {
		for _, t := range have[to[scope]:] {
			if q := m.w.queued[t.mark]; q != nil {
				q.taken, q.excused = 0, q.excused || q.forgotten
			}
		}
		m.entries[scope] = have[:to[scope]:to[scope]]
	}
}

// lane counts the mutations of a device among the first entries of a scope.
func (m *mirror) lane(scope store.Scope, device engine.DeviceID, through uint64) (n uint64) {
	entries := m.entries[scope]
	for _, t := range entries[:min(through, uint64(len(entries)))] {
		if t.head.GetType() == roundsv1.EntryType_ENTRY_TYPE_MUTATION && t.head.GetDeviceId() == string(device) {
			n++
		}
	}
	return n
}

// answered holds an answer against the journals as they stood when it was given.
func (m *mirror) answered(caller engine.Caller, request *roundsv1.ExchangeRequest, answer *roundsv1.ExchangeResponse, at int64) {
	w := m.w
	for _, result := range answer.GetLanes() {
		m.lanes(caller, request, result)
	}
	for _, page := range answer.GetPages() {
		scope := store.Scope(page.GetScope())
		if page.GetRevoked() != 0 {
			if len(page.GetChanges()) > 0 {
				w.broken(promises.P8, "%s: a page that revokes carries changes", scope)
			}
			continue
		}
		if !w.access.MayRead(caller.Person, scope, timeOf(at)) || answer.GetRevoked() != 0 {
			w.broken(promises.P8, "%s: a page for %s, who may not read it", scope, w.deviceName(string(caller.Device)))
		}
		for _, change := range page.GetChanges() {
			if home, known := w.homes[recordID(change.GetRecordId())]; known && home != scope {
				w.broken(promises.P8, "%s: a page carries %s of %s", scope, w.name(recordID(change.GetRecordId())), home)
			}
		}
		if page.GetComplete() {
			m.complete(caller, scope, page)
		}
	}
}

func (m *mirror) lanes(caller engine.Caller, request *roundsv1.ExchangeRequest, result *roundsv1.LaneResult) {
	w, scope := m.w, store.Scope(result.GetScope())
	entries := m.entries[scope]
	if n := m.lane(scope, caller.Device, uint64(len(entries))); n != result.GetTaken() {
		w.broken(promises.P1, "%s: %s is told that %d were taken, the journal has %d",
			scope, w.deviceName(string(caller.Device)), result.GetTaken(), n)
	}
	i := slices.IndexFunc(request.GetLanes(), func(b *roundsv1.LaneBatch) bool { return b.GetScope() == result.GetScope() })
	next := request.GetLanes()[i].GetConfirmed()
	for _, o := range result.GetOutcomes() {
		if next++; o.GetLaneSeq() != next {
			w.broken(promises.P1, "%s: the outcome of lane seq %d comes where %d belongs", scope, o.GetLaneSeq(), next)
		}
		if o.GetSeq() == 0 || o.GetSeq() > uint64(len(entries)) {
			w.broken(promises.P1, "%s: an outcome at %d, the journal has %d", scope, o.GetSeq(), len(entries))
			continue
		}
		h := entries[o.GetSeq()-1].head
		if h.GetDeviceId() != string(caller.Device) || h.GetLaneSeq() != o.GetLaneSeq() || h.GetOutcome().GetStatus() != o.GetStatus() ||
			h.GetOutcome().GetTimeUs() != o.GetTimeUs() || len(h.GetOutcome().GetLosses()) != len(o.GetLosses()) {
			w.broken(promises.P1, "%s: an outcome of lane seq %d that is not the one of entry %d", scope, o.GetLaneSeq(), o.GetSeq())
		}
	}
}

// complete holds the last page of a pull against the journal.
func (m *mirror) complete(caller engine.Caller, scope store.Scope, page *roundsv1.ScopePage) {
	w, entries := m.w, m.entries[scope]
	if page.GetJournalSeq() != uint64(len(entries)) {
		w.broken(promises.P7, "%s: a complete pull at %d, the journal has %d", scope, page.GetJournalSeq(), len(entries))
		return
	}
	if len(entries) == 0 {
		return
	}
	if hash := entries[len(entries)-1].hash; !bytes.Equal(page.GetJournalHash(), hash[:]) {
		w.broken(promises.P12, "%s: a complete pull with another hash of entry %d", scope, len(entries))
	}
	if n := m.lane(scope, caller.Device, uint64(len(entries))); page.GetOwnLaneSeq() != n {
		w.broken(promises.P7, "%s: a complete pull says that own mutations through %d are in it, and %d are", scope, page.GetOwnLaneSeq(), n)
	}
	w.witnesses[scope] = append(w.witnesses[scope], witness{epoch: w.server.epoch, Witness: journal.Witness{Seq: journal.Seq(page.GetJournalSeq()),
		Hash: journal.Hash(page.GetJournalHash()), By: w.deviceName(string(caller.Device))}})
}

// witness is a head of a journal as an answer showed it.
type witness struct {
	journal.Witness
	epoch int
}
