package sim

import (
	"flag"
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
		return func(kind merge.Kind, id string) (*roundsv1.Change, error) {
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

// decides: whether a case is a decision on finished work.
func decides(c *engine.Case) bool {
	t, i := ticketCommand(c), c.Mutation.GetCommand().GetInspection()
	return t.GetApprove() != nil || t.GetReject() != nil || t.GetForceClose() != nil || i.GetApprove() != nil || i.GetReturn() != nil || i.GetExcuse() != nil
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
		{"the bytes of every photo are verified", 1, on("ticket", misread(isSound("ticket"))), reads(isSound("ticket")), "without evidence: photo"},
		{"as many photos as the category asks for", 1, on("ticket", func(c *engine.Case) {
			if need := c.Current.GetRecord().GetTicket().GetRequirements(); ticketCommand(c).GetSubmitCompletion() != nil && need != nil {
				need.AfterPhotos = 0
			}
		}), nil, "photos that count, of"},
		{"a forced closure takes two", 1, on("ticket", func(c *engine.Case) {
			if force := ticketCommand(c).GetForceClose(); force != nil {
				force.SecondPersonId = stranger
				t := c.Current.GetRecord().GetTicket()
				t.ApproverIds, t.Flags = []string{stranger}, append(t.GetFlags(), "force_close_asked")
			}
		}), nil, "is TICKET_STATE_CLOSED; by the table it is TICKET_STATE_"},
		{"who has the ticket reports it as done", 8, on("ticket", func(c *engine.Case) {
			if ticketCommand(c).GetSubmitCompletion() != nil {
				c.Person = engine.PersonID(c.Current.GetRecord().GetTicket().GetAssigneeId())
			}
		}), nil, "reports as done"},
		{"work on what was cancelled waits for a supervisor (5)", 2, on("ticket", func(c *engine.Case) {
			c.Admitted = c.Admitted || ticketCommand(c).GetSubmitCompletion() != nil
		}), nil, "after the ticket was cancelled"},
		{"the first dispatch stands (19)", 8, on("ticket", func(c *engine.Case) {
			c.Saw = c.Saw || ticketCommand(c).GetDispatch() != nil
		}), nil, "(19)"},
		{"who may approve", 3, on("ticket", func(c *engine.Case) {
			if decides(c) {
				c.Roles = []roundsv1.Role{roundsv1.Role_ROLE_SUPERVISOR}
			}
		}), nil, ", as "},

		{"every mandatory item is answered", 44, with(func(_ uint32, list *roundsv1.Checklist) *roundsv1.Checklist {
			for _, item := range list.GetItems() {
				item.OptionalItem, item.FailWithoutPhoto, item.FailWithoutNote = true, true, true
			}
			return list
		}), nil, "submitted, and item"},
		{"a red line fails the round", 54, with(func(_ uint32, list *roundsv1.Checklist) *roundsv1.Checklist {
			for _, item := range list.GetItems() {
				item.RedLine = false
			}
			return list
		}), nil, "has the score"},
		{"weights count", 60, with(func(_ uint32, list *roundsv1.Checklist) *roundsv1.Checklist {
			for _, item := range list.GetItems() {
				item.Weight = 1
			}
			return list
		}), nil, "has the score"},
		{"the version that was pinned", 3, with(func(uint32, *roundsv1.Checklist) *roundsv1.Checklist { return lists()[0] }), nil, "pinned was"},
		{"a round is released with a version that there is", 39, with(func(_ uint32, list *roundsv1.Checklist) *roundsv1.Checklist {
			if list == nil {
				list = lists()[1]
			}
			return list
		}), nil, "which nobody has"},
	}
}

// TestRemovedGuards takes away one guard of the rules after the other, and wants P9 to be found broken, by a ticket or a round that it names: a model that found
// nothing here would find nothing in TestSeeds either. The seeds are those that were found last; where histories have changed, -v names others.
func TestRemovedGuards(t *testing.T) {
	for _, g := range guards() {
		t.Run(g.guard, func(t *testing.T) {
			t.Parallel()
			for n := range *within {
				result := Run(g.seed+n, Options{judge: g.judge, lookup: g.lookup})
				for _, f := range result.Failures {
					if strings.HasPrefix(f, "P9: ") && strings.Contains(f, g.says) && (strings.Contains(f, "ticket ") || strings.Contains(f, "inspection ")) {
						t.Logf("seed %d: %s", result.Seed, f)
						return
					}
				}
			}
			t.Errorf("not found in %d seeds from %d", *within, g.seed)
		})
	}
}
