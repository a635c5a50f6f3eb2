package work

import "testing"

// unnamed are the refusals that point at nothing, by the condition that was asked or the command that was refused.
func unnamed() map[string]string {
	const (
		who   = "it is about who the person is, not about what the act says"
		waits = "nothing is lost and nothing to be put right: somebody else is asked"
		other = "the refusal is that of another ticket, which names its own"
	)
	return map[string]string{
		"assignee": who, "assignee or crew": who, "assignee, crew, or submitted before": who, "supervisor or manager": who, "cancel from ACCEPTED": who,
		"did none of the work, nor of that of its tasks, took none of the photos that prove it; a supervisor where too many are named to tell": who,
		"a supervisor or manager, where two reviewers did not agree":                                                                           who,
		"did none of the work by an act of their own, whatever others say":                                                                     who,
		"meant to walk it, or nobody is": who, "inspector": who, "walked none of it": who,
		"no work is on record": "any of many records of work stands against it; a supervisor may",
		"fact, archived, or erased in part after what the person saw":                                     waits,
		"submit_completion from CANCELLED, state unseen":                                                  waits,
		"submit_completion from IN_PROGRESS, had it, and it was given to somebody else meanwhile, unseen": waits,
		"the ticket that it was merged into takes it":                                                     other,
	}
}

// TestRefusalsSayWhatIsMissing: every refusal of a ticket or a round has a code, says in both languages what is wrong, and names for a program either the field that is
// meant or what is known of it; but for those in which nothing is to be put right by the person who is refused.
func TestRefusalsSayWhatIsMissing(t *testing.T) {
	used, exceptions := map[string]bool{}, unnamed()
	look := func(w workflow, r row, name string, is refusal, facts bool) {
		if is.code == 0 || is.zh == "" || is.en == "" {
			t.Errorf("%s %s, %q: code %v, %q, %q", w.kind, r.command, name, is.code, is.zh, is.en)
		}
		if is.field == "" && !facts {
			if exceptions[name] == "" {
				t.Errorf("%s %s, %q names neither a field nor facts: %s", w.kind, r.command, name, is.en)
			}
			used[name] = true
		}
	}
	for _, w := range []workflow{ticketWorkflow(), inspectionWorkflow()} {
		for _, r := range w.rows {
			if r.refuse != (refusal{}) {
				name := string(r.command)
				for _, s := range r.from[:min(len(r.from), 1)] {
					name += " from " + string(w.name(s))
				}
				for _, c := range r.when {
					name += ", " + c.name
				}
				look(w, r, name, r.refuse, r.facts != nil)
			}
			for _, c := range r.needs {
				look(w, r, c.name, c.refusal, c.facts != nil)
			}
		}
	}
	for name := range exceptions {
		if !used[name] {
			t.Errorf("an exception that is none: %q", name)
		}
	}
}
