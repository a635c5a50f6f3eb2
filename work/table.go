package work

import (
	"maps"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// State is a state of a workflow as the documents write it: "DONE_PENDING_EVIDENCE".
type State string

// Transition is one row of a workflow.
type Transition struct {
	// Kind of the record.
	Kind merge.Kind
	// Command that is asked for; or Create, Edit or Fact, for what is asked of these beyond the right to them.
	Command Operation
	// Row of the arbitration table that this one is; 0 for the workflow's own.
	Row int
	// From are the states that it counts in; none: in any.
	From []State
	// When must hold besides for the row to count. Of several rows of a command the first that counts decides.
	When []string
	// Needs are asked in order once the row counts; the first that does not hold is the refusal.
	Needs []string
	// To is the state afterwards; "": it stays.
	To State
	// Effects beyond the state.
	Effects []string
	// Park is set where the command is kept for a person instead.
	Park roundsv1.ConflictType
	// Refuse is set where the row is a refusal.
	Refuse roundsv1.ProblemCode
}

// Transitions returns the workflows as data, in the order in which they are tried. The slice is the caller's.
func Transitions() []Transition {
	var all []Transition
	for _, w := range workflows() {
		for _, row := range w.rows {
			t := Transition{Kind: w.kind, Command: row.command, Row: row.number, To: w.name(row.to), Park: row.park, Refuse: row.refuse.code}
			for _, s := range row.from {
				t.From = append(t.From, w.name(s))
			}
			for _, c := range row.when {
				t.When = append(t.When, c.name)
			}
			for _, c := range row.needs {
				t.Needs = append(t.Needs, c.name)
			}
			for _, e := range row.effects {
				t.Effects = append(t.Effects, e.name)
			}
			all = append(all, t)
		}
	}
	return all
}

// workflow is the table of one kind.
type workflow struct {
	kind merge.Kind
	name func(state) State
	rows []row
}

func workflows() []workflow {
	return []workflow{ticketWorkflow(), inspectionWorkflow(), photoWorkflow(), commentWorkflow(), conflictWorkflow(),
		planWorkflow(), noticeWorkflow(), checklistWorkflow()}
}

// state is the number of a kind's state; 0: none.
type state int32

// row is a Transition as it is run.
type row struct {
	command Operation
	number  int
	from    []state
	when    []condition
	needs   []condition
	to      state
	effects []effect
	park    roundsv1.ConflictType
	refuse  refusal
	// facts are those of refuse, as those of a condition; may be nil.
	facts func(*judgement) map[string]string
}

// condition is something that holds in a case or not.
type condition struct {
	name  string
	holds func(*judgement) bool
	// refusal when it is needed and does not hold.
	refusal refusal
	// right is set where it is about who the person is: of a mutation that a person has let in it is not asked.
	right bool
	// facts are what the refusal's sentences name in braces ("{required}"), and what its problem carries; may be nil.
	facts func(*judgement) map[string]string
	// instead says why in the words of whatever else was asked: another ticket, say. Where it returns nil the refusal counts; may be nil.
	instead func(*judgement) *roundsv1.Problem
}

// refusal is a problem as the tables write it. The field is one of the command's or, where there is none, of the record's; "" for none.
type refusal struct {
	code   roundsv1.ProblemCode
	field  string
	zh, en string
}

// effect is something that a transition writes besides the state.
type effect struct {
	name string
	do   func(*judgement)
}

func (j *judgement) refusal(r refusal, facts map[string]string) *roundsv1.Problem {
	field := r.field
	if field != "" {
		field = j.argument(field)
	}
	if len(facts) == 0 {
		return j.problem(r.code, field, r.zh, r.en)
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		names = append(names, "{"+name+"}", facts[name])
	}
	fill := strings.NewReplacer(names...)
	p := j.problem(r.code, field, fill.Replace(r.zh), fill.Replace(r.en))
	p.Facts = facts
	return p
}

// why is the refusal of a condition that is needed and does not hold.
func (j *judgement) why(c condition) *roundsv1.Problem {
	if c.instead != nil {
		if p := c.instead(j); p != nil {
			return p
		}
	}
	if c.facts == nil {
		return j.refusal(c.refusal, nil)
	}
	return j.refusal(c.refusal, c.facts(j))
}

// said are the facts of the row's refusal.
func (r row) said(j *judgement) map[string]string {
	if r.facts == nil {
		return nil
	}
	return r.facts(j)
}

// transit finds the row that counts and follows it. Where none does a command is refused, and anything else is merged as it is.
func (j *judgement) transit(rows []row) engine.Verdict {
	for _, row := range rows {
		if j.counts(row) {
			return j.follow(row)
		}
	}
	switch j.op {
	case Create, Edit, Fact, Delete:
		return engine.Verdict{}
	}
	return engine.Verdict{Problem: j.stateProblem()}
}

func (j *judgement) counts(r row) bool {
	if len(r.from) > 0 && !slices.Contains(r.from, j.state()) {
		return false
	}
	return !slices.ContainsFunc(r.when, func(c condition) bool { return !c.holds(j) })
}

func (j *judgement) follow(r row) engine.Verdict {
	if r.refuse.code != roundsv1.ProblemCode_PROBLEM_CODE_UNSPECIFIED && r.park == roundsv1.ConflictType_CONFLICT_TYPE_UNSPECIFIED {
		return engine.Verdict{Problem: j.refusal(r.refuse, r.said(j))}
	}
	for _, c := range r.needs {
		if j.Admitted && (c.right || j.fact()) || c.holds(j) {
			continue
		}
		return engine.Verdict{Problem: j.why(c)}
	}
	for _, e := range r.effects {
		e.do(j)
	}
	if r.to != 0 {
		j.move(r.to)
	}
	j.lapse()
	j.conclude()
	v := j.verdict
	v.Effect = j.draft.effect(j.Kind)
	if r.park != roundsv1.ConflictType_CONFLICT_TYPE_UNSPECIFIED {
		v.Park, v.Problem, v.Sides = r.park, j.refusal(r.refuse, r.said(j)), j.parkedSides(r.park)
	}
	if v.Park != roundsv1.ConflictType_CONFLICT_TYPE_UNSPECIFIED {
		// The command itself waits. What it marks on the record is written as a derived change.
		if v.Effect != nil {
			v.Derived = append([]engine.Derived{{RecordID: merge.RecordID(j.Current.GetRecordId()), Edit: v.Effect}}, v.Derived...)
		}
		v.Effect = nil
	}
	return v
}

// state is where the record stands.
func (j *judgement) state() state {
	switch j.Kind {
	case kindTicket:
		return state(j.ticket().GetState())
	case kindInspection:
		return state(j.inspection().GetState())
	case kindConflict:
		return state(j.conflict().GetState())
	}
	return 0
}

// move writes the state.
func (j *judgement) move(to state) {
	switch j.Kind {
	case kindTicket:
		j.editTicket(ticketState).State = roundsv1.TicketState(to)
	case kindInspection:
		j.editInspection(inspectionState).State = roundsv1.InspectionState(to)
	case kindConflict:
		j.editConflict(conflictState).State = roundsv1.ConflictState(to)
	}
}

func (j *judgement) ticket() *roundsv1.Ticket         { return j.Current.GetRecord().GetTicket() }
func (j *judgement) inspection() *roundsv1.Inspection { return j.Current.GetRecord().GetInspection() }
func (j *judgement) conflict() *roundsv1.Conflict     { return j.Current.GetRecord().GetConflict() }
