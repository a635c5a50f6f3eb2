package promises_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
)

// trade is what a small company asks of its work.
type trade struct{ forgetful bool } // it knows no checklist

func (trade) Category(_ store.Scope, id merge.RecordID) *roundsv1.Category {
	return map[string]*roundsv1.Category{"lamp": {AfterPhotos: 1}, "word": {}, "pump": {AfterPhotos: 1, ChecklistId: "pumps"}}[string(id)]
}

func (f trade) Checklist(_ store.Scope, series string, _ uint32) *roundsv1.Checklist {
	if f.forgetful || series != "pumps" {
		return nil
	}
	return &roundsv1.Checklist{SeriesId: series, Version: 1, Published: true, Items: []*roundsv1.ChecklistItem{{Id: "dry", Weight: 1}}}
}

func (trade) Policy(store.Scope) policy.Policy                   { return policy.Default() }
func (trade) Calendar(store.Scope, string) (c calendar.Calendar) { return c }

// people by their roles.
type people map[string]roundsv1.Role

func (p people) Roles(id engine.PersonID, _ store.Scope, _ time.Time) []roundsv1.Role {
	for name, role := range p {
		if person(name) == string(id) {
			return []roundsv1.Role{role}
		}
	}
	return nil
}
func (people) MayRead(engine.PersonID, store.Scope, time.Time) bool { return true }
func (people) EverHad(engine.PersonID, store.Scope) bool            { return true }
func (people) Scopes(engine.PersonID, time.Time) []store.Scope      { return []store.Scope{site} }
func (people) DeviceKey(engine.DeviceID) ed25519.PublicKey          { return nil }
func (people) Revoked(engine.DeviceID) roundsv1.Revocation          { return 0 }

func id(name string) string     { return uuid.NewSHA1(uuid.Nil, []byte(name)).String() }
func person(name string) string { return id("person " + name) }

// liar tells rules something else of each case than is so.
type liar struct {
	engine.Rules
	lie func(*engine.Case)
}

// Judge implements engine.Rules.
func (l liar) Judge(c engine.Case) engine.Verdict {
	c.Mutation, c.Current = proto.CloneOf(c.Mutation), proto.CloneOf(c.Current)
	l.lie(&c)
	return l.Rules.Judge(c)
}

type reader = func(merge.Kind, merge.RecordID) (*roundsv1.Change, error)

// misread is how records look to rules that are told lies of them.
func misread(get reader, lie func(*roundsv1.Change)) reader {
	return func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		change, err := get(kind, id)
		if change = proto.CloneOf(change); change != nil {
			lie(change)
		}
		return change, err
	}
}

// yard is one site where people work at desks, and its server.
type yard struct {
	*testing.T
	now    time.Time
	engine *engine.Engine
	rules  *work.Rules
	hole   *hole // nil: nothing is taken away
	acts   int
	known  map[string]merge.Kind
	shown  map[string]journal.Seq
}

// hole is a guard that is taken away, what people do then, and what the model has to say of it.
type hole struct {
	name   string
	act    func(*engine.Case)     // what the rules are told of an act
	record func(*roundsv1.Change) // and of a record
	forget bool                   // the organisation's checklists
	says   string
	happen func(*yard)
}

func open(t *testing.T, h *hole) *yard {
	y := &yard{T: t, now: time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC), known: map[string]merge.Kind{}, shown: map[string]journal.Seq{}, hole: h}
	y.rules = work.New(work.Config{Reference: trade{forgetful: h != nil && h.forget}})
	var rules engine.Rules = y.rules
	if h != nil {
		rules = liar{y.rules, func(c *engine.Case) {
			if h.act != nil {
				h.act(c)
			}
			if h.record != nil {
				c.Lookup = misread(c.Lookup, h.record)
				if c.Current != nil {
					h.record(c.Current)
				}
			}
		}}
	}
	var err error
	y.engine, err = engine.Open(engine.Config{Store: memstore.New(memstore.Config{}), Rules: rules, Now: func() time.Time { return y.now },
		Access: people{"desk": roundsv1.Role_ROLE_MANAGER, "boss": roundsv1.Role_ROLE_FOREMAN, "x": roundsv1.Role_ROLE_WORKER, "r": roundsv1.Role_ROLE_BUTLER, "q": roundsv1.Role_ROLE_BUTLER}})
	if err != nil {
		t.Fatal(err)
	}
	return y
}

func (y *yard) record(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
	return y.engine.Record(y.Context(), site, kind, id)
}

// does lets somebody act on a record as it stands, or as it stood at a version.
func (y *yard) does(who string, kind merge.Kind, record string, act any, base ...uint64) *roundsv1.Outcome {
	y.Helper()
	y.now = y.now.Add(time.Minute)
	y.acts++
	y.known[record] = kind
	change, err := y.record(kind, merge.RecordID(record))
	if err != nil {
		y.Fatal(err)
	}
	of := engine.DeskAct{ID: engine.ActID(id(fmt.Sprint("act ", y.acts))), RecordID: merge.RecordID(record), Base: journal.Seq(change.GetVersion())}
	if len(base) > 0 {
		of.Base = journal.Seq(base[0])
	}
	switch act := act.(type) {
	case *roundsv1.Fact:
		of.Fact = act
	case *roundsv1.Edit:
		of.Edit = act
	case *roundsv1.TicketCommand:
		of.Command = &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: act}}
	case *roundsv1.ConflictCommand:
		of.Command = &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: act}}
	}
	outcomes, err := y.engine.Act(y.Context(), engine.Caller{Device: engine.DeviceID(id("device " + who)), Person: engine.PersonID(person(who))}, site, []engine.DeskAct{of})
	if err != nil {
		y.Fatal(err)
	}
	return outcomes[0]
}

// must is does, and the server takes it.
func (y *yard) must(who string, kind merge.Kind, record string, act any) {
	y.Helper()
	if o := y.does(who, kind, record, act); o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
		y.Fatalf("%s: %v", who, o)
	}
}

func ofTicket(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

// given is a ticket of a category that X has.
func (y *yard) given(category string) string {
	y.must("desk", "ticket", string(ticket), &roundsv1.Edit{Record: ofTicket(&roundsv1.Ticket{Title: "it does not work"})})
	y.must("desk", "ticket", string(ticket), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: category}}})
	y.gives(string(ticket), "x")
	return string(ticket)
}

func (y *yard) gives(ticket, who string) {
	y.must("desk", "ticket", ticket, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{AssigneeId: person(who)}}})
}

// photo promises one of the finished work.
func (y *yard) photo(who, ticket, name string, round uint32) string {
	y.must(who, "photo", id(name), &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{
		Subject: &roundsv1.RecordRef{Kind: "ticket", Id: ticket}, Round: round, Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, Sha256: []byte(name), SizeBytes: 9}}}})
	return id(name)
}

func submit(round uint32, photos ...string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{SubmitCompletion: &roundsv1.TicketSubmit{Round: round, PhotoIds: photos}}}
}

// looks lets the server find something of photos, and move a ticket on where its evidence is complete.
func (y *yard) looks(ticket string, found roundsv1.PhotoState, photos ...string) {
	y.Helper()
	y.now = y.now.Add(time.Minute)
	write := func(act func(engine.View) ([]engine.Derived, error)) {
		if err := y.engine.Write(y.Context(), site, act); err != nil {
			y.Fatal(err)
		}
	}
	write(func(engine.View) (all []engine.Derived, _ error) {
		for _, photo := range photos {
			all = append(all, engine.Derived{RecordID: merge.RecordID(photo), Edit: &roundsv1.Edit{Fields: []uint32{40}, Record: &roundsv1.Record{
				Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{State: found}}}}})
		}
		return all, nil
	})
	write(func(v engine.View) ([]engine.Derived, error) {
		get := v.Get
		if y.hole != nil && y.hole.record != nil {
			get = misread(get, y.hole.record)
		}
		current, err := get("ticket", merge.RecordID(ticket))
		if err != nil {
			return nil, err
		}
		edit, ok := y.rules.Verified(site, current, nil, nil, get)
		if !ok {
			return nil, nil
		}
		return []engine.Derived{{RecordID: merge.RecordID(ticket), Edit: edit}}, nil
	})
}

// works has X photograph the work and report it, and the server look at that.
func (y *yard) works(ticket string, round uint32) {
	y.Helper()
	photo := y.photo("x", ticket, fmt.Sprint(ticket, " round ", round), round)
	y.does("x", "ticket", ticket, submit(round, photo))
	y.looks(ticket, roundsv1.PhotoState_PHOTO_STATE_CLEAN, photo)
}

// approval is one of the evidence as it stands, and the version of the ticket.
func (y *yard) approval(ticket string) (*roundsv1.TicketCommand, uint64) {
	change, err := y.record("ticket", merge.RecordID(ticket))
	if err != nil {
		y.Fatal(err)
	}
	sum, err := work.Digest(change, y.record)
	if err != nil {
		y.Fatal(err)
	}
	y.shown[string(sum)] = journal.Seq(change.GetVersion())
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Approve{Approve: &roundsv1.TicketApprove{Round: max(1, change.GetRecord().GetTicket().GetRound()), ReviewDigest: sum}}},
		change.GetVersion()
}

// approved lets somebody look and approve.
func (y *yard) approved(who, ticket string) {
	y.Helper()
	act, _ := y.approval(ticket)
	y.does(who, "ticket", ticket, act)
}

// found is what the model says of P9.
func (y *yard) found() (all []string) {
	y.Helper()
	s := promises.Scope{Name: site}
	for encoded, err := range y.engine.Journal(y.Context(), site, 1) {
		if err != nil {
			y.Fatal(err)
		}
		s.Journal = append(s.Journal, encoded)
	}
	for record, kind := range y.known {
		if change, err := y.record(kind, merge.RecordID(record)); err == nil && change != nil {
			s.Records = append(s.Records, change)
		}
	}
	slices.SortFunc(s.Records, func(a, b *roundsv1.Change) int { return strings.Compare(a.GetRecordId(), b.GetRecordId()) })
	e := promises.Evidence{Scopes: []promises.Scope{s}, Trade: trade{}, Strangers: true, Key: func(string) ed25519.PublicKey { return nil },
		Shown: func(digest []byte) (journal.Seq, bool) { seq, known := y.shown[string(digest)]; return seq, known }}
	for _, f := range promises.Check(e).Findings {
		if strings.HasPrefix(f.String(), "P9") {
			all = append(all, f.String())
		}
	}
	return all
}

// stands requires a ticket to be in a state, where nothing was taken away.
func (y *yard) stands(ticket string, want roundsv1.TicketState) {
	y.Helper()
	if change, err := y.record("ticket", merge.RecordID(ticket)); y.hole == nil && (err != nil || change.GetRecord().GetTicket().GetState() != want) {
		y.Fatalf("%v, want %v (%v)", change.GetRecord().GetTicket(), want, err)
	}
}

func split(categories ...string) *roundsv1.TicketCommand {
	s := &roundsv1.TicketSplit{}
	for _, c := range categories {
		s.Tasks = append(s.Tasks, &roundsv1.TicketTask{CategoryId: c})
	}
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Split{Split: s}}
}

const (
	inReview = roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW
	isDone   = roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE
	isClosed = roundsv1.TicketState_TICKET_STATE_CLOSED
)

// seenComplete lets rules take whatever a reviewer had seen for the evidence of the round.
func seenComplete(c *engine.Case) {
	if t := c.Current.GetRecord().GetTicket(); t != nil && c.Mutation.GetCommand().GetTicket().GetApprove() != nil {
		c.Mutation.Base = max(c.Mutation.GetBase(), 1)
		for _, m := range t.GetMoves() {
			m.FoundVersion = 0
		}
		t.Moves = append([]*roundsv1.Move{{State: inReview, Round: t.GetRound(), FoundVersion: 1, TimeUs: 1}}, t.GetMoves()...)
		c.Mutation.Base = max(c.Mutation.GetBase(), 2)
	}
}

// isNoTask lets rules take what a ticket asks for nothing where it has tasks.
func isNoTask(of *roundsv1.Change) {
	if t := of.GetRecord().GetTicket(); len(t.GetChildIds()) > 0 {
		t.Requirements = nil
	}
}

// nobodyEased lets rules forget who made a ticket ask for less.
func nobodyEased(c *engine.Case) {
	if need := c.Current.GetRecord().GetTicket().GetRequirements(); need != nil {
		need.EasedBy, need.EasedFrom = "", nil
	}
}

func holes() []hole {
	decide := &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Decide{Decide: &roundsv1.ConflictDecide{
		Action: roundsv1.ConflictAction_CONFLICT_ACTION_RETAKE, Reason: "the phone is lost"}}}
	vouches := func(fact *roundsv1.Ticket) func(*yard) {
		return func(y *yard) {
			t := y.given("lamp")
			y.works(t, 1)
			y.must("r", "ticket", t, &roundsv1.Fact{Record: ofTicket(fact)})
			y.approved("r", t)
			y.stands(t, inReview)
		}
	}
	forgets := func(c *engine.Case) {
		if t := c.Mutation.GetFact().GetRecord().GetTicket(); t != nil {
			t.Readings, t.PartsUsed, t.Visits = nil, nil, 0
		}
	}
	rejects := func(c *engine.Case) *roundsv1.TicketReject {
		return c.Mutation.GetCommand().GetTicket().GetReject()
	}
	return []hole{
		{name: "who approves looked at the evidence of the round (1)", act: seenComplete, says: "before the evidence of the round was complete", happen: func(y *yard) {
			t := y.given("lamp")
			act, base := y.approval(t)
			y.works(t, 1)
			y.does("r", "ticket", t, act, base)
			y.stands(t, inReview)
		}},
		{name: "who signs beside another looked, too (1)", act: seenComplete, says: "signed by somebody who looked before", happen: func(y *yard) {
			t := y.given("lamp")
			act, base := y.approval(t)
			y.works(t, 1)
			y.approved("r", t)
			y.does("q", "ticket", t, act, base)
			y.stands(t, isClosed)
		}},
		{name: "a digest is one of what there was (1)", act: seenComplete, says: "on evidence that there never was", happen: func(y *yard) {
			t := y.given("lamp")
			y.works(t, 1)
			y.must("desk", "ticket", t, &roundsv1.Fact{Record: ofTicket(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"lamp": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS}}})})
			act, _ := y.approval(t)
			act.GetApprove().ReviewDigest = make([]byte, 32)
			y.does("r", "ticket", t, act, 99999)
			y.stands(t, inReview)
		}},
		{name: "the checklist is asked for to the end (4)", forget: true, says: "item dry is not answered", happen: func(y *yard) {
			t := y.given("word")
			base, _ := y.record("ticket", merge.RecordID(t))
			y.must("desk", "ticket", t, &roundsv1.Edit{Record: ofTicket(&roundsv1.Ticket{CategoryId: "pump"}), Fields: []uint32{3}})
			photo := y.photo("x", t, "x's", 1)
			y.does("x", "ticket", t, submit(1, photo), base.GetVersion())
			y.looks(t, roundsv1.PhotoState_PHOTO_STATE_CLEAN, photo)
			y.stands(t, isDone)
		}},
		{name: "what is taken again shows its place (6)", record: func(of *roundsv1.Change) {
			if t := of.GetRecord().GetTicket(); t != nil {
				t.Flags = slices.DeleteFunc(t.Flags, func(f string) bool { return f == "retake" })
			}
		}, says: "(36)", happen: func(y *yard) {
			t := y.given("lamp")
			lost := y.photo("x", t, "lost", 1)
			y.must("x", "ticket", t, submit(1, lost))
			y.asksWhatIsLost(t)
			y.must("boss", "conflict", y.question(t), decide)
			y.must("x", "ticket", t, submit(1, id("again")))
			y.photo("x", t, "again", 1)
			y.looks(t, roundsv1.PhotoState_PHOTO_STATE_CLEAN, id("again"))
			y.stands(t, isDone)
		}},
		{name: "who makes a ticket ask for less does not work on it for less", act: nobodyEased, says: "with 0 photos that count, of 1", happen: func(y *yard) {
			t := y.given("lamp")
			y.must("boss", "ticket", t, toCategory("word"))
			y.gives(t, "boss")
			y.does("boss", "ticket", t, submit(1))
			y.stands(t, roundsv1.TicketState_TICKET_STATE_DISPATCHED)
		}},
		{name: "a task asks for what its ticket asks for (7)", record: isNoTask, act: func(c *engine.Case) {
			if c.Mutation.GetCommand().GetTicket().GetSplit() != nil {
				c.Current.GetRecord().GetTicket().Requirements = nil
			}
		}, says: "none of its tasks asks for", happen: func(y *yard) {
			y.does("desk", "ticket", y.given("lamp"), split("word"))
		}},
		{name: "a task that was done proves its ticket (7)", record: isNoTask, says: "none of its tasks that was done asked for", happen: func(y *yard) {
			t := y.given("lamp")
			y.must("desk", "ticket", t, split("lamp", "word"))
			lamp, word := work.TaskID(merge.RecordID(t), 0, "lamp"), work.TaskID(merge.RecordID(t), 1, "word")
			y.must("desk", "ticket", string(lamp), &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Cancel{Cancel: &roundsv1.TicketCancel{Reason: "no need"}}})
			y.gives(string(word), "x")
			y.must("x", "ticket", string(word), submit(1))
			y.looks(string(word), 0)
			y.approved("r", string(word))
			y.stands(string(word), isClosed)
			y.stands(t, roundsv1.TicketState_TICKET_STATE_DISPATCHED)
		}},
		{name: "readings are work (8)", act: forgets, says: "decides on own work", happen: vouches(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: id("reading"), Value: 1}}})},
		{name: "parts are work (8)", act: forgets, says: "decides on own work", happen: vouches(&roundsv1.Ticket{PartsUsed: map[string]int64{"bulb": 1}})},
		{name: "visits are work (8)", act: forgets, says: "decides on own work", happen: vouches(&roundsv1.Ticket{Visits: 1})},
		{name: "who worked hides no photo that cannot count (8)", record: func(of *roundsv1.Change) {
			if photo := of.GetRecord().GetPhoto(); photo.GetHidden() != nil {
				photo.Hidden.PersonId = person("nobody")
				for _, w := range of.GetWrites() {
					if slices.Contains(w.GetShown(), 16) {
						w.Stamp.PersonId = person("nobody")
					}
				}
			}
		}, says: "was hidden by who did the work", happen: func(y *yard) {
			t := y.given("lamp")
			y.gives(t, "boss")
			bad, good := y.photo("boss", t, "bad", 1), y.photo("boss", t, "good", 1)
			y.must("boss", "ticket", t, submit(1, bad, good))
			y.looks(t, roundsv1.PhotoState_PHOTO_STATE_HARD, bad)
			y.must("boss", "photo", bad, &roundsv1.Edit{Fields: []uint32{16}, Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{
				Hidden: &roundsv1.Hidden{Reason: "blurred"}}}}})
			y.looks(t, roundsv1.PhotoState_PHOTO_STATE_CLEAN, good)
			y.stands(t, isDone)
		}},
		{name: "what shows a pause is of that pause (8)", record: func(of *roundsv1.Change) {
			if of.GetRecord().GetComment() != nil {
				of.GetWrites()[0].GetStamp().TimeUs = math.MaxInt64
			}
		}, says: "from before they last began to run", happen: func(y *yard) {
			t := y.given("lamp")
			y.must("x", "ticket", t, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}})
			y.must("x", "comment", id("call"), &roundsv1.Fact{Record: &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{
				Subject: &roundsv1.RecordRef{Kind: "ticket", Id: t}, Words: "the owner is away"}}}})
			pause := &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Pause{Pause: &roundsv1.TicketPause{Reason: "owner", Proof: &roundsv1.RecordRef{Kind: "comment", Id: id("call")}}}}
			y.must("x", "ticket", t, pause)
			y.must("x", "ticket", t, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Resume{Resume: &roundsv1.TicketResume{}}})
			y.does("x", "ticket", t, pause)
		}},
		{name: "work is sent back with words (8)", act: func(c *engine.Case) {
			if reject := rejects(c); reject != nil {
				reject.Words = "because"
			}
		}, says: "without a word", happen: func(y *yard) {
			t := y.given("lamp")
			y.works(t, 1)
			y.does("r", "ticket", t, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reject{Reject: &roundsv1.TicketReject{Round: 1, Reason: "not_clean"}}})
			y.stands(t, inReview)
		}},
		{name: "what is pointed at is of the round (8)", act: func(c *engine.Case) {
			if reject := rejects(c); reject != nil {
				reject.PhotoIds = nil
			}
		}, says: "which is of another round", happen: func(y *yard) {
			t := y.given("lamp")
			y.works(t, 1)
			reject := func(round uint32, photos ...string) *roundsv1.TicketCommand {
				return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reject{Reject: &roundsv1.TicketReject{Round: round, Reason: "not_clean", Words: "the corner", PhotoIds: photos}}}
			}
			y.must("r", "ticket", t, reject(1))
			y.works(t, 2)
			y.does("r", "ticket", t, reject(2, id(fmt.Sprint(t, " round ", 1))))
			y.stands(t, inReview)
		}},
	}
}

// asksWhatIsLost lets the server ask about photos of a ticket that do not come.
func (y *yard) asksWhatIsLost(ticket string) {
	y.Helper()
	if err := y.engine.Write(y.Context(), site, func(v engine.View) ([]engine.Derived, error) {
		current, err := v.Get("ticket", merge.RecordID(ticket))
		if err != nil {
			return nil, err
		}
		question, _, err := work.EvidenceLost(current, v.Get, nil, v.Now().UnixMicro())
		y.known[string(question.RecordID)] = "conflict"
		return []engine.Derived{question}, err
	}); err != nil {
		y.Fatal(err)
	}
}

// question is the one about a ticket.
func (y *yard) question(ticket string) string {
	y.Helper()
	for record, kind := range y.known {
		if change, _ := y.engine.Record(context.Background(), site, kind, merge.RecordID(record)); kind == "conflict" && change.GetRecord().GetConflict().GetSubject().GetId() == ticket {
			return record
		}
	}
	y.Fatal("nobody is asked")
	return ""
}

// TestRemoved: people do what a guard is there for. With it nothing is wrong; where it is taken away from the rules, the model says so.
func TestRemoved(t *testing.T) {
	for _, h := range append(holes(), taskHoles()...) {
		t.Run(h.name, func(t *testing.T) {
			kept := open(t, nil)
			h.happen(kept)
			for _, f := range kept.found() {
				t.Errorf("with the guard: %s", f)
			}
			gone := open(t, &h)
			h.happen(gone)
			if all := gone.found(); !slices.ContainsFunc(all, func(f string) bool { return strings.Contains(f, h.says) }) {
				t.Errorf("without it: %q", all)
			}
		})
	}
}
