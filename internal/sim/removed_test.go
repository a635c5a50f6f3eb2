package sim

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
)

var within = flag.Uint64("sim.within", 40, "in how many seeds from the recorded one a guard that was taken away has to be found")

// stranger is somebody who never did anything.
const stranger = "0199c0de-0000-7000-8000-00000000ffff"

// liar stands between the engine and the rules, and tells these something else of each case than is so.
type liar struct {
	engine.Rules
	lie func(*engine.Case)
}

var _ engine.Rules = liar{}

// Judge implements engine.Rules.
func (l liar) Judge(c engine.Case) engine.Verdict {
	c.Mutation, c.Current = proto.CloneOf(c.Mutation), proto.CloneOf(c.Current)
	l.lie(&c)
	return l.Rules.Judge(c)
}

// told lets rules hear a lie.
func told(lie func(*engine.Case)) func(engine.Rules) engine.Rules {
	return func(r engine.Rules) engine.Rules { return liar{r, lie} }
}

// reads lets rules read records otherwise than they are.
func reads(change func(get getter, of *roundsv1.Change)) func(getter) getter {
	return func(get getter) getter {
		return func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
			of, err := get(kind, id)
			if of == nil {
				return nil, err
			}
			of = proto.CloneOf(of)
			change(get, of)
			return of, err
		}
	}
}

// misread is what rules are told who read records otherwise than they are.
func misread(change func(get getter, of *roundsv1.Change)) func(*engine.Case) {
	return func(c *engine.Case) { c.Lookup = reads(change)(c.Lookup) }
}

// isSound takes every photo of a kind of record for verified.
func isSound(kind string) func(getter, *roundsv1.Change) {
	return func(_ getter, of *roundsv1.Change) {
		if photo := of.GetRecord().GetPhoto(); photo.GetSubject().GetKind() == kind {
			photo.State, photo.Hidden = roundsv1.PhotoState_PHOTO_STATE_CLEAN, nil
		}
	}
}

// isOfTheRound takes every photo of a ticket for one of its present round.
func isOfTheRound(get getter, of *roundsv1.Change) {
	if photo := of.GetRecord().GetPhoto(); photo.GetSubject().GetKind() == "ticket" {
		if ticket, err := get("ticket", merge.RecordID(photo.GetSubject().GetId())); err == nil && ticket != nil {
			photo.Round = ticket.GetRecord().GetTicket().GetRound()
			for _, write := range of.GetWrites() {
				write.GetStamp().Seq, write.GetStamp().TimeUs = math.MaxInt64, math.MaxInt64
			}
		}
	}
}

// isPlaced takes every photo for one that shows its place.
func isPlaced(_ getter, of *roundsv1.Change) {
	if photo := of.GetRecord().GetPhoto(); photo != nil {
		photo.Location = &roundsv1.Location{Source: roundsv1.LocationSource_LOCATION_SOURCE_TAG}
	}
}

// asksNoList takes every ticket for one of which no checklist is asked.
func asksNoList(_ getter, of *roundsv1.Change) {
	if need := of.GetRecord().GetTicket().GetRequirements(); need != nil {
		need.ChecklistId, need.ChecklistVersion = "", 0
	}
}

// ofGear changes the items of the checklist of tickets.
func ofGear(change func(*roundsv1.ChecklistItem)) func(uint32, *roundsv1.Checklist) *roundsv1.Checklist {
	return func(_ uint32, list *roundsv1.Checklist) *roundsv1.Checklist {
		if list.GetSeriesId() == gearList {
			for _, item := range list.GetItems() {
				change(item)
			}
		}
		return list
	}
}

// isAway keeps who approved a closed ticket from those who look whether they worked.
func isAway(of *roundsv1.Change) {
	if ticket := of.GetRecord().GetTicket(); ticket.GetState() == roundsv1.TicketState_TICKET_STATE_CLOSED {
		ticket.ApproverIds = []string{stranger}
	}
}

// forgetful is the organisation whose checklists ask for less than they say.
type forgetful struct {
	trade
	forget func(version uint32, list *roundsv1.Checklist) *roundsv1.Checklist
}

// Checklist implements work.Reference.
func (f forgetful) Checklist(scope store.Scope, series string, version uint32) *roundsv1.Checklist {
	return f.forget(version, proto.CloneOf(f.trade.Checklist(scope, series, version)))
}

// Calendar implements work.Reference.
func (f forgetful) Calendar(store.Scope, string) calendar.Calendar { return calendar.Calendar{} }

// Policy implements work.Reference.
func (f forgetful) Policy(scope store.Scope) policy.Policy { return f.trade.Policy(scope) }

// with lets other rules judge: those of an organisation with other checklists.
func with(forget func(uint32, *roundsv1.Checklist) *roundsv1.Checklist) func(engine.Rules) engine.Rules {
	return func(engine.Rules) engine.Rules { return work.New(work.Config{Reference: forgetful{forget: forget}}) }
}

func ticketCommand(c *engine.Case) *roundsv1.TicketCommand {
	return c.Mutation.GetCommand().GetTicket()
}

func walkCommand(c *engine.Case) *roundsv1.InspectionCommand {
	return c.Mutation.GetCommand().GetInspection()
}

// decides: whether a case is a decision on finished work.
func decides(c *engine.Case) bool {
	t, i := ticketCommand(c), walkCommand(c)
	return t.GetApprove() != nil || t.GetReject() != nil || t.GetForceClose() != nil || i.GetApprove() != nil || i.GetReturn() != nil || i.GetExcuse() != nil
}

// isEasedByNobody lets rules forget who made a ticket ask for less.
func isEasedByNobody(_ getter, of *roundsv1.Change) {
	if need := of.GetRecord().GetTicket().GetRequirements(); need != nil {
		need.EasedBy, need.EasedFrom = "", nil
	}
}

// removed is a guard that is taken away, and what the model has to say of it.
type removed struct {
	guard  string
	seed   uint64 // the first in which it is known to be found
	judge  func(engine.Rules) engine.Rules
	lookup func(getter) getter
	says   string
}

// guards are what P9 rests on, each with a lie that takes it away.
func guards() []removed {
	on := func(kind merge.Kind, lie func(*engine.Case)) func(engine.Rules) engine.Rules {
		return told(func(c *engine.Case) {
			if c.Kind == kind {
				lie(c)
			}
		})
	}
	return []removed{
		{"the bytes of every photo are verified", 3, on("ticket", misread(isSound("ticket"))), reads(isSound("ticket")), "without evidence: photo"},
		{"as many photos as the category asks for", 9, on("ticket", func(c *engine.Case) {
			if need := c.Current.GetRecord().GetTicket().GetRequirements(); ticketCommand(c).GetSubmitCompletion() != nil && need != nil {
				need.AfterPhotos = 0
			}
		}), nil, "photos that count, of"},
		{"photos of this round", 383, on("ticket", misread(isOfTheRound)), reads(isOfTheRound), "is of another round"},
		{"nobody decides on own work", 12, told(func(c *engine.Case) {
			if c.Kind == "ticket" && decides(c) {
				c.Person = stranger
			}
		}), nil, "decides on own work"},
		{"a closure does not rest on who did the work (37)", 22, told(func(c *engine.Case) {
			isAway(c.Current)
			misread(func(_ getter, of *roundsv1.Change) { isAway(of) })(c)
		}), nil, "TICKET_STATE_PENDING_REVIEW"},
		{"a forced closure takes two", 9, on("ticket", func(c *engine.Case) {
			if force := ticketCommand(c).GetForceClose(); force != nil {
				force.SecondPersonId = stranger
				t := c.Current.GetRecord().GetTicket()
				t.ApproverIds, t.Flags = []string{stranger}, append(t.GetFlags(), "force_close_asked")
			}
		}), nil, "is TICKET_STATE_CLOSED; by the table it is TICKET_STATE_"},
		{"the second person of a forced closure did none of the work", 0, on("ticket", func(c *engine.Case) {
			if force := ticketCommand(c).GetForceClose(); force != nil {
				force.SecondPersonId = stranger
			}
		}), nil, "who cannot be the second person"},
		{"a ticket ends with the last of its tasks", 180, on("ticket", misread(func(_ getter, of *roundsv1.Change) {
			if t := of.GetRecord().GetTicket(); t.GetParentId() != "" {
				t.State = roundsv1.TicketState_TICKET_STATE_CLOSED
			}
		})), nil, " task "},
		{"the digest is of the evidence as it stands", 20, on("ticket", func(c *engine.Case) {
			if approve := ticketCommand(c).GetApprove(); approve != nil {
				approve.ReviewDigest, _ = work.Digest(c.Current, c.Lookup)
			}
		}), nil, "approved"},
		{"an approval is of the round that it names", 621, on("ticket", func(c *engine.Case) {
			if approve := ticketCommand(c).GetApprove(); approve != nil {
				approve.Round = c.Current.GetRecord().GetTicket().GetRound()
			}
		}), nil, "by the table it is"},
		{"an objection has its time (12)", 151, on("ticket", func(c *engine.Case) {
			if ticketCommand(c).GetReject() != nil && c.Current.GetRecord().GetTicket().GetClosedTimeUs() > 0 {
				c.Time = timeOf(c.Current.GetRecord().GetTicket().GetClosedTimeUs() + 1)
			}
		}), nil, "a closure is objected to"},
		{"who has the ticket reports it as done", 41, on("ticket", func(c *engine.Case) {
			if ticketCommand(c).GetSubmitCompletion() != nil {
				c.Person = engine.PersonID(c.Current.GetRecord().GetTicket().GetAssigneeId())
			}
		}), nil, "reports as done"},
		{"work on what was cancelled waits for a supervisor (5)", 8, on("ticket", func(c *engine.Case) {
			c.Admitted = c.Admitted || ticketCommand(c).GetSubmitCompletion() != nil
		}), nil, "after the ticket was cancelled"},
		{"the first dispatch stands (19)", 2, on("ticket", func(c *engine.Case) {
			c.Saw = c.Saw || ticketCommand(c).GetDispatch() != nil
		}), nil, "(19)"},
		{"who may approve", 10, on("ticket", func(c *engine.Case) {
			if decides(c) {
				c.Roles = []roundsv1.Role{roundsv1.Role_ROLE_SUPERVISOR}
			}
		}), nil, ", as "},

		{"a supervisor decides between two reviewers (12)", 341, on("ticket", func(c *engine.Case) {
			if decides(c) {
				t := c.Current.GetRecord().GetTicket()
				t.Flags = slices.DeleteFunc(t.GetFlags(), func(flag string) bool { return flag == "dissent" })
			}
		}), nil, "no supervisor decides (12)"},
		{"an item that failed is seen before the approval (11)", 34, on("ticket", func(c *engine.Case) {
			if ticketCommand(c).GetApprove() != nil {
				for _, a := range c.Current.GetRecord().GetTicket().GetAnswers() {
					a.Result = roundsv1.AnswerResult_ANSWER_RESULT_PASS
				}
			}
		}), nil, "has not seen that item"},
		{"a dispute is seen before the approval (11)", 303, on("ticket", func(c *engine.Case) {
			if t := c.Current.GetRecord().GetTicket(); ticketCommand(c).GetApprove() != nil {
				t.Acceptance = roundsv1.Acceptance_ACCEPTANCE_UNSPECIFIED
			}
		}), nil, "has not seen that the customer is not content"},

		{"the checklist is answered before the work is reported as done", 2, on("ticket", func(c *engine.Case) {
			if ticketCommand(c).GetSubmitCompletion() != nil {
				asksNoList(nil, c.Current)
			}
		}), nil, "reported as done, and item"},
		{"the checklist is asked for before the review", 77, nil, reads(asksNoList), "goes to review without evidence: item"},
		{"the checklist is asked for before the approval", 63, on("ticket", func(c *engine.Case) {
			if ticketCommand(c).GetApprove() != nil {
				asksNoList(nil, c.Current)
			}
		}), nil, "closed without evidence: item"},
		{"an item that fails has its photo", 2, with(ofGear(func(item *roundsv1.ChecklistItem) { item.FailWithoutPhoto = true })), nil, "fails without a photo"},
		{"an item that fails has its note", 2, with(ofGear(func(item *roundsv1.ChecklistItem) { item.FailWithoutNote = true })), nil, "fails without a note"},
		{"a reading is within its limits, or failed", 2, with(ofGear(func(item *roundsv1.ChecklistItem) { item.Low, item.High = nil, nil })), nil, "reported as done, and item g2 fails"},
		{"a reading that cannot be is none", 17, with(ofGear(func(item *roundsv1.ChecklistItem) { item.Greatest, item.FailWithoutPhoto = nil, true })), nil, "reported as done, and the reading of item"},
		{"what a reviewer points at is answered anew", 9613, on("ticket", func(c *engine.Case) {
			if ticketCommand(c).GetSubmitCompletion() != nil {
				for _, r := range c.Current.GetRecord().GetTicket().GetReviews() {
					r.ItemIds = nil
				}
			}
		}), nil, "was to be looked at again"},
		{"what is taken again shows its place (36)", 222, on("ticket", misread(isPlaced)), reads(isPlaced), "(36)"},
		{"a photo from before the work", 9, on("ticket", func(c *engine.Case) {
			if t := c.Current.GetRecord().GetTicket(); ticketCommand(c).GetStart() != nil || ticketCommand(c).GetSubmitCompletion() != nil {
				t.BeforePhoto = true
			}
		}), nil, "without a photo from before"},
		{"a photo from before the work that is sound", 49, nil, reads(func(_ getter, of *roundsv1.Change) {
			if need := of.GetRecord().GetTicket().GetRequirements(); need != nil {
				need.BeforePhoto = false
			}
		}), "goes to review without evidence: there is no photo from before"},

		{"who makes a ticket ask for less does not work on it for less", 22, told(func(c *engine.Case) {
			isEasedByNobody(nil, c.Current)
			misread(isEasedByNobody)(c)
		}), reads(isEasedByNobody), "photos"},

		{"the bytes of every photo of a round are verified", 121, on("inspection", misread(isSound("inspection"))), reads(isSound("inspection")), "without evidence: photo"},
		{"nobody decides on a round that they walked", 99, told(func(c *engine.Case) {
			if c.Kind == "inspection" && decides(c) {
				c.Person = stranger
			}
		}), nil, "decides on own work"},
		{"every mandatory item is answered", 277, with(func(_ uint32, list *roundsv1.Checklist) *roundsv1.Checklist {
			for _, item := range list.GetItems() {
				item.OptionalItem, item.FailWithoutPhoto, item.FailWithoutNote = true, true, true
			}
			return list
		}), nil, "submitted, and item"},
		{"a red line fails the round", 48, with(func(_ uint32, list *roundsv1.Checklist) *roundsv1.Checklist {
			for _, item := range list.GetItems() {
				item.RedLine = false
			}
			return list
		}), nil, "has the score"},
		{"weights count", 6, with(func(_ uint32, list *roundsv1.Checklist) *roundsv1.Checklist {
			for _, item := range list.GetItems() {
				item.Weight = 1
			}
			return list
		}), nil, "has the score"},
		{"the version that was pinned", 48, with(func(uint32, *roundsv1.Checklist) *roundsv1.Checklist { return lists()[0] }), nil, "pinned was"},
		{"a round is released with a version that there is", 39, with(func(_ uint32, list *roundsv1.Checklist) *roundsv1.Checklist {
			if list == nil {
				list = lists()[1]
			}
			return list
		}), nil, "which nobody has"},
		{"the digest of a round is of the evidence as it stands", 230, on("inspection", func(c *engine.Case) {
			if approve := walkCommand(c).GetApprove(); approve != nil {
				approve.ReviewDigest, _ = work.InspectionDigest(c.Current, c.Lookup)
			}
		}), nil, "approved "},
	}
}

// TestRemovedGuards takes away one guard of the rules after the other, and wants P9 to be found broken, by a ticket or a round that it names: a model that found
// nothing here would find nothing in TestSeeds either. The seeds are those that were found last; where histories have changed, -v names others.
func TestRemovedGuards(t *testing.T) {
	for _, g := range guards() {
		t.Run(g.guard, func(t *testing.T) {
			t.Parallel()
			if found, ok := g.found(); ok {
				t.Log(found)
				return
			}
			t.Errorf("not found in %d seeds from %d", *within, g.seed)
		})
	}
}

// found is what the model says of a guard that was taken away, in the first history where it does.
func (g removed) found() (string, bool) {
	for n := range *within {
		result := Run(g.seed+n, Options{judge: g.judge, lookup: g.lookup})
		for _, f := range result.Failures {
			if strings.HasPrefix(f, "P9: ") && strings.Contains(f, g.says) && (strings.Contains(f, "ticket ") || strings.Contains(f, "inspection ")) {
				return fmt.Sprintf("seed %d: %s", result.Seed, f), true
			}
		}
	}
	return "", false
}
