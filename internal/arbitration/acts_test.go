package arbitration_test

import (
	"bytes"
	"errors"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// noted remembers what was queued. Between two acts of anybody some time passes.
func (p *phone) noted(ref client.Ref, err error, fact bool) client.Ref {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	p.acts = append(p.acts, ref)
	if fact {
		p.facts = append(p.facts, ref)
	}
	p.pass(time.Second)
	return ref
}

// do asks for a transition of a ticket.
func (p *phone) do(ticket string, c *roundsv1.TicketCommand) client.Ref {
	p.t.Helper()
	ref, err := p.device.Command(p.t.Context(), client.Scope(p.scope), client.RecordID(ticket), &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: c}})
	return p.noted(ref, err, false)
}

// walk asks for a transition of an inspection round.
func (p *phone) walk(inspection string, c *roundsv1.InspectionCommand) client.Ref {
	p.t.Helper()
	ref, err := p.device.Command(p.t.Context(), client.Scope(p.scope), client.RecordID(inspection),
		&roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: c}})
	return p.noted(ref, err, false)
}

// decide answers a question.
func (p *phone) decide(question string, c *roundsv1.ConflictCommand) client.Ref {
	p.t.Helper()
	ref, err := p.device.Command(p.t.Context(), client.Scope(p.scope), client.RecordID(question), &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: c}})
	return p.noted(ref, err, false)
}

// choose answers a question by one of the actions that it offers, and syncs.
func (p *phone) choose(question *found, action roundsv1.ConflictAction) client.Ref {
	p.t.Helper()
	p.sync()
	ref := p.decide(question.id, &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Decide{Decide: &roundsv1.ConflictDecide{Action: action, Reason: "看过现场"}}})
	p.sync()
	return ref
}

// create makes a record that is edited later.
func (p *phone) create(id string, record *roundsv1.Record) client.Ref {
	p.t.Helper()
	ref, err := p.device.Create(p.t.Context(), client.Scope(p.scope), client.RecordID(id), record)
	return p.noted(ref, err, false)
}

// edit sets fields of a ticket.
func (p *phone) edit(ticket string, t *roundsv1.Ticket, fields ...string) client.Ref {
	p.t.Helper()
	ref, err := p.device.Edit(p.t.Context(), client.Scope(p.scope), client.RecordID(ticket), ofTicket(t), fields...)
	return p.noted(ref, err, false)
}

// fact appends evidence.
func (p *phone) fact(id string, record *roundsv1.Record) client.Ref {
	p.t.Helper()
	ref, err := p.device.Fact(p.t.Context(), client.Scope(p.scope), client.RecordID(id), record)
	return p.noted(ref, err, true)
}

// works records an interval of labour on a ticket that ends now.
func (p *phone) works(ticket string) client.Ref {
	p.t.Helper()
	start := p.reading()
	p.pass(10 * time.Second)
	id, err := p.device.NewID()
	if err != nil {
		p.t.Fatal(err)
	}
	return p.fact(ticket, ofTicket(&roundsv1.Ticket{Labour: []*roundsv1.Labour{{Id: string(id), PersonId: p.id(), Started: start, Ended: p.reading()}}}))
}

func (p *phone) reading() *roundsv1.Clock {
	return &roundsv1.Clock{WallUs: p.clock.Wall().UnixMicro(), BootId: p.clock.Boot(), MonotonicUs: p.clock.Monotonic().Microseconds()}
}

// drawnShot is one small photo. Photos of other numbers are of other places, so that none looks like another.
func drawnShot(n uint64) []byte {
	scenes := drawn.Scenes()
	return drawn.Photo(n*97+1, scenes[n%uint64(len(scenes))], drawn.Options{Stage: drawn.After, WidthPx: 160, Quality: 80, Shot: n + 1})
}

// shoots takes a photo of a finished ticket with the live camera; changes may say more of it.
func (p *phone) shoots(ticket string, changes ...func(*client.PhotoInput)) string {
	p.t.Helper()
	p.shots++
	return p.shootsBytes(drawnShot(p.shots), ticket, changes...)
}

func (p *phone) shootsBytes(content []byte, ticket string, changes ...func(*client.PhotoInput)) string {
	p.t.Helper()
	in := client.PhotoInput{Original: bytes.NewReader(content), Subject: &roundsv1.RecordRef{Kind: "ticket", Id: ticket},
		Role: roundsv1.PhotoRole_PHOTO_ROLE_AFTER, Source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA,
		Location: &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_NO_FIX}}
	for _, change := range changes {
		change(&in)
	}
	ref, id, err := p.device.AddPhoto(p.t.Context(), client.Scope(p.scope), in)
	p.noted(ref, err, true)
	return string(id)
}

// completes photographs the finished work and reports it as done in a round.
func (p *phone) completes(ticket string, round uint32) (submitted client.Ref, photo string) {
	p.t.Helper()
	photo = p.shoots(ticket, inRound(round))
	return p.do(ticket, submit(round, photo)), photo
}

func inRound(round uint32) func(*client.PhotoInput) {
	return func(in *client.PhotoInput) { in.Round = round }
}

func ofTicket(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

func triage(category string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: category}}}
}

func dispatch(to *phone) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{Dispatch: &roundsv1.TicketDispatch{AssigneeId: to.id(), Reason: "就近"}}}
}

func accept(epoch uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Accept{Accept: &roundsv1.TicketAccept{AssignEpoch: epoch}}}
}

func decline(epoch uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Decline{Decline: &roundsv1.TicketDecline{AssignEpoch: epoch, Reason: "下班了"}}}
}

func start() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}}
}

func pause(reason string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Pause{Pause: &roundsv1.TicketPause{Reason: reason}}}
}

func resume() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Resume{Resume: &roundsv1.TicketResume{}}}
}

func submit(round uint32, photos ...string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{SubmitCompletion: &roundsv1.TicketSubmit{Round: round, PhotoIds: photos}}}
}

func reject(round uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Reject{Reject: &roundsv1.TicketReject{Round: round, Reason: "not_clean", Words: "角落仍有污渍"}}}
}

func cancel() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Cancel{Cancel: &roundsv1.TicketCancel{Reason: "住户自行解决"}}}
}

func mergeInto(id string) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Merge{Merge: &roundsv1.TicketMerge{IntoId: id}}}
}

func dispute(round uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispute{Dispute: &roundsv1.TicketDispute{Round: round, Words: "还在漏水"}}}
}

func forceClose(second *phone) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_ForceClose{ForceClose: &roundsv1.TicketForceClose{Reason: "evidence_lost", SecondPersonId: second.id()}}}
}

// approves confirms a round with the evidence as this phone shows it.
func (p *phone) approves(ticket string, round uint32) client.Ref {
	p.t.Helper()
	return p.do(ticket, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Approve{Approve: &roundsv1.TicketApprove{Round: round, ReviewDigest: p.digest(ticket)}}})
}

// shows is a record as the phone shows it; nil where it has none.
func (p *phone) shows(kind merge.Kind, id string) *roundsv1.Record {
	p.t.Helper()
	v, err := p.device.Get(p.t.Context(), client.Scope(p.scope), kind, client.RecordID(id))
	if err != nil {
		return nil
	}
	return v.Record
}

// digest is the hash of the evidence of a ticket's current round, as this phone shows it.
func (p *phone) digest(ticket string) []byte {
	p.t.Helper()
	return p.digestOf("ticket", ticket)
}

func (p *phone) digestOf(kind merge.Kind, id string) []byte {
	p.t.Helper()
	at := func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
		v, err := p.device.Get(p.t.Context(), client.Scope(p.scope), kind, client.RecordID(id))
		if errors.Is(err, client.ErrNoRecord) {
			return nil, nil
		}
		return v.Change, err
	}
	current, err := at(kind, merge.RecordID(id))
	if err != nil {
		p.t.Fatal(err)
	}
	sum, err := work.Digest(current, at)
	if err != nil {
		p.t.Fatal(err)
	}
	return sum
}
