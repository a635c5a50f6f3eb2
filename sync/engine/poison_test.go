package engine_test

import (
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// judgeFunc lets a test be the rules.
type judgeFunc func(engine.Case) engine.Verdict

func (f judgeFunc) Judge(c engine.Case) engine.Verdict { return f(c) }

func (w *world) judge(f judgeFunc) { w.open(func(c *engine.Config) { c.Rules = f }) }

func admit() *roundsv1.Command {
	return &roundsv1.Command{Command: &roundsv1.Command_Conflict{Conflict: &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Admit{Admit: &roundsv1.ConflictAdmit{}}}}}
}

// A mutation on which the rules panic is kept for a person; the server and the lane go on.
func TestP6RulesThatPanicBlockNobody(t *testing.T) {
	w := newWorld(t, newMemory())
	broken := true
	w.judge(func(c engine.Case) engine.Verdict {
		if broken && c.Mutation.GetEdit().GetRecord().GetTicket().GetTitle() == "poison" || broken && c.Mutation.GetFact() != nil {
			panic("a case that nobody thought of")
		}
		return rules{}.Judge(c)
	})
	a := w.phone("a")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "before"}))
	a.do(site, id(1), title("poison"))
	a.do(site, id(2), comment("beside it"))
	a.do(site, id(1), edit(&roundsv1.Ticket{Description: "behind it"}, 2))
	a.sync()
	if a.status(1) != "APPLIED" || a.status(2) != "CONFLICT" || a.status(3) != "QUARANTINED" || a.status(4) != "APPLIED" {
		t.Fatalf("P6: %v", a.lane(site).outcomes)
	}
	broken = false // a mended server
	a.do(site, a.outcome(site, 3).GetConflictId(), admit())
	a.sync()
	if a.status(5) != "APPLIED" || a.record(site, id(2)) == nil {
		t.Fatalf("what the panic kept back cannot be let in: %v", a.outcome(site, 5))
	}
	w.audit(site)
}
