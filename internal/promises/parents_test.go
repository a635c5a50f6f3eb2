package promises_test

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

const (
	isTriaged   = roundsv1.TicketState_TICKET_STATE_TRIAGED
	isAccepted  = roundsv1.TicketState_TICKET_STATE_ACCEPTED
	isCancelled = roundsv1.TicketState_TICKET_STATE_CANCELLED
)

// task splits a ticket once more, into one task, which is the nth, and gives that to somebody.
func (y *yard) task(ticket string, n int, who string) string {
	y.Helper()
	y.must("desk", "ticket", ticket, split("lamp"))
	task := string(work.TaskID(merge.RecordID(ticket), n, "lamp"))
	y.gives(task, who)
	return task
}

// worksOf is works of somebody by name.
func (y *yard) worksOf(who, ticket string) {
	y.Helper()
	photo := y.photo(who, ticket, who+" on "+ticket, 1)
	y.does(who, "ticket", ticket, submit(1, photo))
	y.looks(ticket, roundsv1.PhotoState_PHOTO_STATE_CLEAN, photo)
}

// disputed is a ticket that its task closed, and that the customer is not content with.
func (y *yard) disputed() string {
	y.Helper()
	t := y.given("lamp")
	task := y.task(t, 0, "x")
	y.works(task, 1)
	y.approved("r", task)
	y.must("desk", "ticket", t, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispute{Dispute: &roundsv1.TicketDispute{Round: 1, Words: "it is dark"}}})
	y.stands(t, isTriaged)
	return t
}

func cancels() *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Cancel{Cancel: &roundsv1.TicketCancel{Reason: "no need"}}}
}

// noneIsPast lets rules take all tasks for such of the present round.
func noneIsPast(of *roundsv1.Change) {
	if t := of.GetRecord().GetTicket(); t != nil {
		t.PastChildIds = nil
	}
}

// noHands lets rules forget who worked on a task.
func noHands(of *roundsv1.Change) {
	if t := of.GetRecord().GetTicket(); t.GetParentId() != "" {
		t.PerformerIds, t.Completions, t.Labour = nil, nil, nil
	}
}

// byADevice lets rules take what the server wrote for something that a person did.
func byADevice(of *roundsv1.Change) {
	for _, w := range of.GetWrites() {
		if w.GetStamp().GetDeviceId() == "" {
			w.Stamp.DeviceId = "d"
		}
	}
}

// orphans lets rules forget that a ticket that somebody writes on is a task.
func orphans(c *engine.Case) {
	if t := c.Current.GetRecord().GetTicket(); t != nil && (c.Mutation.GetCommand().GetTicket().GetCancel() != nil || c.Mutation.GetFact() != nil) {
		t.ParentId = ""
	}
}

// taskHoles are the guards that tie a ticket to the tasks that it was split into.
func taskHoles() []hole {
	// done is a ticket that X did, but for a task, which somebody did for it.
	done := func(y *yard, who, reviewer string) (t, task string) {
		t = y.given("lamp")
		task = y.task(t, 0, who)
		y.must("x", "ticket", t, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}})
		y.worksOf(who, task)
		y.approved(reviewer, task)
		y.worksOf("x", t)
		return t, task
	}
	return []hole{
		{name: "tasks of an earlier round close nothing", record: noneIsPast, says: "none of its tasks was done in its round", happen: func(y *yard) {
			t := y.disputed()
			y.does("desk", "ticket", y.task(t, 1, "x"), cancels())
			y.stands(t, isTriaged)
		}},
		{name: "tasks of an earlier round cover nothing", record: noneIsPast, says: "none of its tasks asks for", happen: func(y *yard) {
			y.does("desk", "ticket", y.disputed(), split("word"))
		}},
		{name: "who did a task does not approve the ticket", act: func(c *engine.Case) {
			if c.Mutation.GetCommand().GetTicket().GetApprove() != nil {
				c.Lookup = misread(c.Lookup, noHands)
			}
		}, says: "decides on own work, which is of task", happen: func(y *yard) {
			t, _ := done(y, "r", "q")
			y.approved("r", t)
			y.stands(t, inReview)
		}},
		{name: "nor one that is shown later to have done it", act: orphans, says: "by the table it is TICKET_STATE_PENDING_REVIEW", happen: func(y *yard) {
			t, task := done(y, "boss", "q")
			y.approved("r", t)
			y.must("r", "ticket", task, &roundsv1.Fact{Record: ofTicket(&roundsv1.Ticket{Labour: []*roundsv1.Labour{{Id: id("labour"), PersonId: person("r")}}})})
			y.stands(t, inReview)
		}},
		{name: "a task that is reinstated opens its ticket", record: byADevice, says: "was cancelled with its tasks", happen: func(y *yard) {
			t := y.given("lamp")
			task := y.task(t, 0, "x")
			saw, _ := y.record("ticket", merge.RecordID(task))
			y.must("desk", "ticket", task, cancels())
			y.stands(t, isCancelled)
			waits := y.does("x", "ticket", task, submit(1), saw.GetVersion())
			y.must("desk", "conflict", waits.GetConflictId(), &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Decide{Decide: &roundsv1.ConflictDecide{
				Action: roundsv1.ConflictAction_CONFLICT_ACTION_REINSTATE, Reason: "it was done"}}})
			y.stands(task, isDone)
			y.stands(t, isTriaged)
		}},
		{name: "who reported an accepted ticket does not cancel its tasks", act: orphans, says: "the ticket that it is a task of is", happen: func(y *yard) {
			t := string(ticket)
			y.must("boss", "ticket", t, &roundsv1.Edit{Record: ofTicket(&roundsv1.Ticket{Title: "it is dark", ReporterId: person("boss")})})
			y.must("desk", "ticket", t, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: "lamp"}}})
			y.gives(t, "x")
			y.must("x", "ticket", t, &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Accept{Accept: &roundsv1.TicketAccept{AssignEpoch: 1}}})
			y.does("boss", "ticket", y.task(t, 0, "x"), cancels())
			y.stands(t, isAccepted)
		}},
	}
}
