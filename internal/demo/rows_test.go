package demo

import (
	"slices"
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// acts makes entries of a journal, each by a device of a person's that had seen the record at a base.
type acts struct {
	seq uint64
	all []act
}

func (a *acts) add(person string, base uint64, kind, id string, m *roundsv1.Mutation, o *roundsv1.Outcome) *acts {
	a.seq++
	head := &roundsv1.EntryHead{Type: roundsv1.EntryType_ENTRY_TYPE_MUTATION, Record: &roundsv1.RecordRef{Kind: kind, Id: id}, Outcome: o}
	a.all = append(a.all, act{EntryHead: head, Mutation: m, base: base, record: id,
		seen: seen{seq: a.seq, device: "phone of " + person, person: person, timeUs: int64(a.seq), takenUs: int64(a.seq)}})
	return a
}

func (a *acts) ticket(person string, base uint64, c *roundsv1.TicketCommand, o *roundsv1.Outcome) *acts {
	return a.add(person, base, "ticket", "t", &roundsv1.Mutation{Act: &roundsv1.Mutation_Command{Command: &roundsv1.Command{
		Command: &roundsv1.Command_Ticket{Ticket: c}}}}, o)
}

func (a *acts) fact(person string, base uint64, kind string, r *roundsv1.Record) *acts {
	return a.add(person, base, kind, "t", &roundsv1.Mutation{Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{Record: r}}}, stands())
}

func stands(flags ...string) *roundsv1.Outcome {
	return &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, Flags: flags}
}

func refused(code roundsv1.ProblemCode) *roundsv1.Outcome {
	return &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED, Problem: &roundsv1.Problem{Code: code}}
}

func submitOf(round uint32) *roundsv1.TicketCommand {
	return &roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{SubmitCompletion: &roundsv1.TicketSubmit{Round: round}}}
}

// A row is counted where the late act had not seen the one before it, and came to what the table says; and nowhere else.
func TestRowsAreCounted(t *testing.T) {
	begun := func() *acts { // 1: given to X
		return new(acts).ticket("F", 0, dispatchTo("X"), stands())
	}
	part := func(n int64) *roundsv1.Record {
		return record(&roundsv1.Ticket{PartsUsed: map[string]int64{"P": n}})
	}
	says := func(r roundsv1.AnswerResult) *roundsv1.Record {
		return &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{Answers: map[string]*roundsv1.Answer{"i1": {Result: r}}}}}
	}
	const pass, fail = roundsv1.AnswerResult_ANSWER_RESULT_PASS, roundsv1.AnswerResult_ANSWER_RESULT_FAIL
	for name, one := range map[string]struct {
		acts *acts
		rows []int
	}{
		"two start, unseen":             {begun().ticket("X", 1, startOf(), stands()).ticket("Y", 1, startOf(), stands()), []int{18}},
		"two start, seen":               {begun().ticket("X", 1, startOf(), stands()).ticket("Y", 2, startOf(), stands()), nil},
		"start of a former assignee":    {begun().ticket("F", 1, dispatchTo("Y"), stands()).ticket("X", 1, startOf(), refused(staleGiven)), []int{3}},
		"two dispatch":                  {begun().ticket("D", 0, dispatchTo("Y"), refused(superseded)), []int{19}},
		"dispatched again, seen":        {begun().ticket("D", 1, dispatchTo("Y"), stands()), nil},
		"dispatch of what is done":      {begun().ticket("X", 1, submitOf(1), stands()).ticket("F", 1, dispatchTo("Y"), refused(superseded)), []int{35}},
		"done by the former assignee":   {begun().ticket("F", 1, dispatchTo("Y"), stands()).ticket("X", 1, submitOf(1), stands("done_by_former_assignee")), []int{1}},
		"two report the round":          {begun().ticket("Y", 1, submitOf(1), stands()).ticket("X", 1, submitOf(1), stands()), []int{4}},
		"one reports it twice":          {begun().ticket("X", 1, submitOf(1), stands()).ticket("X", 2, submitOf(1), stands()), nil},
		"a part each, unseen":           {new(acts).fact("X", 0, "ticket", part(1)).fact("Y", 0, "ticket", part(1)), []int{28}},
		"a part each, seen":             {new(acts).fact("X", 0, "ticket", part(1)).fact("Y", 1, "ticket", part(1)), nil},
		"two parts by one":              {new(acts).fact("X", 0, "ticket", part(1)).fact("X", 0, "ticket", part(1)), nil},
		"pass and fail, unseen":         {new(acts).fact("X", 0, "inspection", says(pass)).fact("Y", 0, "inspection", says(fail)), []int{27}},
		"pass and pass":                 {new(acts).fact("X", 0, "inspection", says(pass)).fact("Y", 0, "inspection", says(pass)), nil},
		"pass, and then a seen fail":    {new(acts).fact("X", 0, "inspection", says(pass)).fact("Y", 1, "inspection", says(fail)), nil},
		"a round that came back":        {begun().ticket("X", 1, submitOf(1), stands()).ticket("S", 2, rejectOf(1), stands()).ticket("Y", 2, submitOf(1), stands("older_round")), []int{9}},
		"double work":                   {begun().ticket("X", 1, submitOf(1), &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT, Flags: []string{"double_work"}}), []int{2}},
		"a stop that no flag speaks of": {begun().ticket("X", 1, submitOf(1), stands("anything")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChronicle(known{durable: func(string) bool { return true }})
			for _, a := range one.acts.all {
				c.take(a)
			}
			c.settle()
			var rows []int
			for row, all := range c.found {
				for range all {
					rows = append(rows, row)
				}
			}
			slices.Sort(rows)
			if !slices.Equal(rows, one.rows) {
				t.Errorf("rows %v, want %v", rows, one.rows)
			}
		})
	}
}

// A row that was staged and is not to be seen with its record is a fault of the day, and so is one that was asked for and did not come about.
func TestMissingRowsAreFaults(t *testing.T) {
	day := &Day{ClosureRate: 1}
	found := map[int][]sighting{1: {{"a", 5}}, 2: {{"b", 6}}, 3: {{"c", 7}}}
	day.fillRows(found, map[int][]string{1: {"a"}, 2: {"x"}}, []int{1, 2, 3, 4})
	faults := strings.Join(day.faults(), "\n")
	if len(day.Rows) != 38 || len(day.NotAsked) != 34 || day.Rows[0].Staged != 1 || day.Rows[2].Times != 1 {
		t.Errorf("%+v", day)
	}
	if strings.Count(faults, "row ") != 2 || !strings.Contains(faults, "row 2 was staged") || !strings.Contains(faults, "row 4 did not come about") {
		t.Error(faults)
	}
}
