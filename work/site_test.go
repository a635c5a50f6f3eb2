package work_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
	"github.com/rounds-sync/rounds/work"
)

const (
	siteScope = store.Scope("site/0199c0de-0000-7000-8000-000000000001")

	worker     = roundsv1.Role_ROLE_WORKER
	foreman    = roundsv1.Role_ROLE_FOREMAN
	butler     = roundsv1.Role_ROLE_BUTLER
	dispatcher = roundsv1.Role_ROLE_DISPATCHER
	supervisor = roundsv1.Role_ROLE_SUPERVISOR
	manager    = roundsv1.Role_ROLE_MANAGER
	resident   = roundsv1.Role_ROLE_RESIDENT
)

// plainRules are the rules of who has no organisation: made once, for there are thousands of cases.
var plainRules = sync.OnceValue(func() *work.Rules { return work.New(work.Config{}) })

// uid makes the id of something by its name.
func uid(name string) string { return uuid.NewSHA1(uuid.Nil, []byte(name)).String() }

// site is one community's server: the real engine with these rules.
type site struct {
	t      *testing.T
	now    time.Time
	roles  map[engine.PersonID][]roundsv1.Role
	keys   map[engine.DeviceID]ed25519.PublicKey
	engine *engine.Engine
}

func newSite(t *testing.T) *site { return newSiteOf(t, work.Config{}) }

// newSiteOf is a site whose rules know an organisation.
func newSiteOf(t *testing.T, cfg work.Config) *site {
	s := &site{t: t, now: time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC), roles: map[engine.PersonID][]roundsv1.Role{}, keys: map[engine.DeviceID]ed25519.PublicKey{}}
	var err error
	rules := work.New(cfg)
	s.engine, err = engine.Open(engine.Config{Store: memstore.New(memstore.Config{}), Rules: rules, Access: s, Question: rules.Complete,
		Now: func() time.Time { return s.now }, Rand: rand.NewChaCha8([32]byte{1})})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) Roles(p engine.PersonID, _ store.Scope, _ time.Time) []roundsv1.Role {
	return s.roles[p]
}
func (s *site) MayRead(p engine.PersonID, _ store.Scope, _ time.Time) bool {
	return len(s.roles[p]) > 0
}
func (s *site) EverHad(engine.PersonID, store.Scope) bool       { return true }
func (s *site) Scopes(engine.PersonID, time.Time) []store.Scope { return []store.Scope{siteScope} }
func (s *site) DeviceKey(d engine.DeviceID) ed25519.PublicKey   { return s.keys[d] }
func (s *site) Revoked(engine.DeviceID) roundsv1.Revocation {
	return roundsv1.Revocation_REVOCATION_UNSPECIFIED
}

// phone is one person's device. It is offline but for sync.
type phone struct {
	*site
	device   engine.DeviceID
	person   engine.PersonID
	key      ed25519.PrivateKey
	hashes   []journal.Hash
	contents [][]byte
	sent     uint64
	outcomes map[uint64]*roundsv1.Outcome
	cursor   []byte
	replica  map[string]*roundsv1.Change
	// restarted: since what it queued the phone was switched off and its clock was set, by an hour.
	restarted bool
}

func (s *site) phone(person string, roles ...roundsv1.Role) *phone {
	return s.second(person, person, roles...)
}

// second is another device of a person.
func (s *site) second(device, person string, roles ...roundsv1.Role) *phone {
	seed := sha256.Sum256([]byte(device))
	p := &phone{site: s, device: engine.DeviceID(uid("device " + device)), person: engine.PersonID(uid(person)), key: ed25519.NewKeyFromSeed(seed[:]),
		outcomes: map[uint64]*roundsv1.Outcome{}, replica: map[string]*roundsv1.Change{}}
	p.hashes = []journal.Hash{journal.LaneStart(string(p.device), string(siteScope))}
	s.roles[p.person] = roles
	s.keys[p.device] = p.key.Public().(ed25519.PublicKey)
	return p
}

// do queues a mutation on the record as the phone has it and returns its lane seq.
func (p *phone) do(id string, act any) uint64 {
	p.t.Helper()
	p.now = p.now.Add(time.Second)
	m := mutation(id, act)
	m.Clock = &roundsv1.Clock{WallUs: p.now.UnixMicro(), BootId: "boot", MonotonicUs: p.now.UnixMicro()}
	if have := p.replica[id]; have != nil {
		m.Base, m.BaseTimeUs = have.GetVersion(), have.GetTimeUs()
	}
	content, err := proto.Marshal(m)
	if err != nil {
		p.t.Fatal(err)
	}
	p.contents = append(p.contents, content)
	p.hashes = append(p.hashes, journal.LaneNext(p.hashes[len(p.hashes)-1], content))
	return uint64(len(p.contents))
}

// sync sends all that waits and takes all that is new.
func (p *phone) sync() {
	p.t.Helper()
	p.now = p.now.Add(time.Second)
	for more := true; more; {
		batch := &roundsv1.LaneBatch{Scope: string(siteScope), Confirmed: p.sent}
		if p.sent < uint64(len(p.contents)) {
			batch.FirstSeq, batch.PreviousHash, batch.Mutations = p.sent+1, p.hashes[p.sent][:], p.contents[p.sent:]
			batch.Signature = journal.SignHead(p.key, p.hashes[len(p.contents)])
		}
		clock := &roundsv1.Clock{WallUs: p.now.UnixMicro(), BootId: "boot", MonotonicUs: p.now.UnixMicro()}
		if p.restarted {
			clock.WallUs, clock.BootId = p.now.Add(time.Hour).UnixMicro(), "another boot"
		}
		resp, err := p.engine.Exchange(context.Background(), engine.Caller{Device: p.device, Person: p.person}, &roundsv1.ExchangeRequest{
			Clock: clock,
			Lanes: []*roundsv1.LaneBatch{batch}, Cursors: []*roundsv1.ScopeCursor{{Scope: string(siteScope), Cursor: p.cursor}}})
		if err != nil {
			p.t.Fatal(err)
		}
		if resp, err = engine.Decoded(resp); err != nil {
			p.t.Fatal(err)
		}
		for _, lane := range resp.GetLanes() {
			for _, o := range lane.GetOutcomes() {
				p.outcomes[o.GetLaneSeq()] = o
			}
			p.sent = lane.GetTaken()
		}
		for _, page := range resp.GetPages() {
			p.cursor = page.GetCursor()
			for _, c := range page.GetChanges() {
				if p.replica[c.GetRecordId()], err = merge.Patch(p.replica[c.GetRecordId()], c); err != nil {
					p.t.Fatal(err)
				}
			}
		}
		more = resp.GetMore()
	}
}

// done does something at once and requires that it is applied.
func (p *phone) done(id string, act any) {
	p.t.Helper()
	p.sync()
	seq := p.do(id, act)
	p.sync()
	p.applied(seq)
}

func (p *phone) applied(seqs ...uint64) {
	p.t.Helper()
	for _, seq := range seqs {
		if o := p.outcomes[seq]; o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
			p.t.Fatalf("lane seq %d: %v, want it applied", seq, o)
		}
	}
}

func (p *phone) refused(seq uint64, code roundsv1.ProblemCode) {
	p.t.Helper()
	o := p.outcomes[seq]
	if o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED || o.GetProblem().GetCode() != code {
		p.t.Fatalf("lane seq %d: %v, want it refused with %v", seq, o, code)
	}
	checkProblem(p.t, o.GetProblem())
}

// parked requires that a mutation waits and returns the question's id.
func (p *phone) parked(seq uint64, as roundsv1.ConflictType) string {
	p.t.Helper()
	o := p.outcomes[seq]
	if o.GetConflictId() == "" {
		p.t.Fatalf("lane seq %d: %v, want it parked", seq, o)
	}
	checkProblem(p.t, o.GetProblem())
	boss := p.site.second("desk", "desk", supervisor)
	boss.sync()
	c := boss.replica[o.GetConflictId()].GetRecord().GetConflict()
	if c.GetType() != as || c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN {
		p.t.Fatalf("question %v, want an open one of type %v", c, as)
	}
	return o.GetConflictId()
}

func (p *phone) ticket(id string) *roundsv1.Ticket {
	p.t.Helper()
	p.sync()
	return p.replica[id].GetRecord().GetTicket()
}

func (p *phone) inState(id string, want roundsv1.TicketState) *roundsv1.Ticket {
	p.t.Helper()
	ticket := p.ticket(id)
	if ticket.GetState() != want {
		p.t.Fatalf("state %v, want %v\n%v", ticket.GetState(), want, ticket)
	}
	return ticket
}

// mutation wraps what is done.
func mutation(id string, act any) *roundsv1.Mutation {
	m := &roundsv1.Mutation{RecordId: id, Clock: &roundsv1.Clock{}}
	switch act := act.(type) {
	case *roundsv1.Fact:
		m.Act = &roundsv1.Mutation_Fact{Fact: act}
	case *roundsv1.Edit:
		m.Act = &roundsv1.Mutation_Edit{Edit: act}
	case *roundsv1.TicketCommand:
		m.Act = &roundsv1.Mutation_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: act}}}
	case *roundsv1.InspectionCommand:
		m.Act = &roundsv1.Mutation_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: act}}}
	case *roundsv1.ConflictCommand:
		m.Act = &roundsv1.Mutation_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: act}}}
	case *roundsv1.Delete:
		m.Act = &roundsv1.Mutation_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Delete{Delete: act}}}
	default:
		panic("no act")
	}
	return m
}

func ticketRecord(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

func labour(person string) *roundsv1.Fact {
	return &roundsv1.Fact{Record: ticketRecord(&roundsv1.Ticket{Labour: []*roundsv1.Labour{{Id: uid("labour of " + person), PersonId: uid(person)}}})}
}

func triage() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: "light"}}}
}

func dispatch(to string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{AssigneeId: uid(to)}}}
}

func accept(epoch uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Accept{Accept: &roundsv1.TicketAccept{AssignEpoch: epoch}}}
}

func decline(epoch uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Decline{Decline: &roundsv1.TicketDecline{AssignEpoch: epoch, Reason: "ill"}}}
}

func start() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}}
}

func pause() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Pause{Pause: &roundsv1.TicketPause{Reason: "parts"}}}
}

func resume() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Resume{Resume: &roundsv1.TicketResume{}}}
}

func submit(round uint32, photos ...string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{SubmitCompletion: &roundsv1.TicketSubmit{Round: round, PhotoIds: photos}}}
}

func approve(round uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Approve{Approve: &roundsv1.TicketApprove{Round: round}}}
}

func reject(round uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reject{Reject: &roundsv1.TicketReject{Round: round, Reason: "dirty", Words: "still dirty"}}}
}

func cancel() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Cancel{Cancel: &roundsv1.TicketCancel{Reason: "no need"}}}
}

func mergeInto(id string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Merge{Merge: &roundsv1.TicketMerge{IntoId: id}}}
}

func escalate() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Escalate{Escalate: &roundsv1.TicketEscalate{Reason: "third call"}}}
}

func customerAccept(round uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_CustomerAccept{CustomerAccept: &roundsv1.TicketCustomerAccept{Round: round}}}
}

func dispute(round uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispute{Dispute: &roundsv1.TicketDispute{Round: round, Words: "it leaks again"}}}
}

func split(categories ...string) *roundsv1.TicketCommand {
	s := &roundsv1.TicketSplit{}
	for _, c := range categories {
		s.Tasks = append(s.Tasks, &roundsv1.TicketTask{CategoryId: c})
	}
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Split{Split: s}}
}

func askMore(round uint32, photos ...string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Ask{Ask: &roundsv1.TicketAsk{Round: round, Words: "the other corner, too", PhotoIds: photos}}}
}

func followUp(round uint32, solved bool) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_FollowUp{FollowUp: &roundsv1.TicketFollowUp{Round: round, Solved: solved, Words: "it drips"}}}
}

func reopen(round uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reopen{Reopen: &roundsv1.TicketReopen{Round: round, Reason: "it leaks"}}}
}

func forceClose(second string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_ForceClose{ForceClose: &roundsv1.TicketForceClose{Reason: "phone lost", SecondPersonId: uid(second)}}}
}

func admit() *roundsv1.ConflictCommand {
	return &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}}
}

func dismiss() *roundsv1.ConflictCommand {
	return &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Dismiss{Dismiss: &roundsv1.ConflictDismiss{Reason: "not needed"}}}
}

func decide(action roundsv1.ConflictAction) *roundsv1.ConflictCommand {
	return &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Decide{Decide: &roundsv1.ConflictDecide{Action: action, Reason: "looked at it"}}}
}

func assign(to string) *roundsv1.ConflictCommand {
	return &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Assign{Assign: &roundsv1.ConflictAssign{PersonId: uid(to)}}}
}
