package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// judgement is one case while it is judged.
type judgement struct {
	engine.Case
	rules     *Rules
	reference Reference
	op        Operation // "" where the act is not known
	args      arguments
	// foresees is set on a device that asks what will probably become of a command: it has seen all that it has, and rights are not asked.
	foresees bool
	// category of the ticket, nil where it is not known; set for EvidenceVerified alone.
	category *roundsv1.Category
	// photos of the record as far as the server knows them; set for EvidenceVerified alone.
	photos  []string
	draft   draft
	verdict engine.Verdict

	// directory: the reference knows an organisation. Without one, categories and reasons are free text.
	directory bool
	// shown is the ticket as the mutation alone leaves it; nil where it does not touch what the rules reckon with.
	shown *roundsv1.Ticket
	// recount: the deadlines have to be computed again, though the state stays.
	recount bool
	// anew is what gives the steps of the ticket other times, "" where nothing does: then a deadline that moves was moved by what came late.
	anew correction
	// root is the judgement that this one of another ticket follows from, nil for the first; others are those that follow from the root.
	root   *judgement
	others []*judgement
	// merged is the ticket that a completion was sent to, where this one is about the ticket that it was merged into.
	merged *roundsv1.Change
	// onward is what came of forwarding it; see forward.
	onward *engine.Verdict
}

func (r *Rules) judgement(c engine.Case) *judgement {
	_, none := r.reference.(unknown)
	j := &judgement{Case: c, rules: r, reference: r.reference, directory: !none}
	switch act := c.Mutation.GetAct().(type) {
	case *roundsv1.Mutation_Fact:
		j.op = Fact
		if c.Current == nil {
			j.op = Create
		}
	case *roundsv1.Mutation_Edit:
		j.op = Edit
		if c.Current == nil || j.madeAgain() {
			j.op = Create
		}
	case *roundsv1.Mutation_Command:
		switch {
		case act.Command.GetDelete() != nil:
			j.op = Delete
		case c.Kind == kindTicket:
			j.op, j.args = ticketCommand(act.Command.GetTicket())
		case c.Kind == kindInspection:
			j.op, j.args = inspectionCommand(act.Command.GetInspection())
		case c.Kind == kindConflict:
			j.op, j.args = conflictCommand(act.Command.GetConflict())
		}
	}
	return j
}

// madeAgain: whether an edit is the creation of a record that is here already, by the person who made it: a phone that enrolled anew sends
// its branch again. Of everybody else it counts as an edit.
func (j *judgement) madeAgain() bool {
	if j.Mutation.GetBase() != 0 || len(j.Mutation.GetEdit().GetFields()) > 0 {
		return false
	}
	switch j.Kind {
	case kindTicket:
		return j.reported(j.Current)
	case kindPhoto, kindComment:
		return slices.ContainsFunc(j.Current.GetWrites(), func(w *roundsv1.Write) bool {
			return j.Person != "" && w.GetStamp().GetPersonId() == string(j.Person)
		})
	}
	return false
}

func (j *judgement) fact() bool { return j.Mutation.GetFact() != nil }

// written is the record in the mutation, nil for a command.
func (j *judgement) written() *roundsv1.Record {
	if fact := j.Mutation.GetFact(); fact != nil {
		return fact.GetRecord()
	}
	return j.Mutation.GetEdit().GetRecord()
}

// path is that of a field of the record in the mutation, as Problem names it.
func (j *judgement) path(field string) string {
	act := "edit"
	if j.fact() {
		act = "fact"
	}
	return act + ".record." + string(j.Kind) + "." + field
}

// argument is the path of a field of the command, or of the record where the act is none.
func (j *judgement) argument(field string) string {
	if j.Mutation.GetCommand() == nil {
		return j.path(field)
	}
	return "command." + string(j.Kind) + "." + string(j.op) + "." + field
}

func (j *judgement) problem(code roundsv1.ProblemCode, field, zh, en string) *roundsv1.Problem {
	return &roundsv1.Problem{Code: code, Field: field, Sentence: &roundsv1.Text{Zh: zh, En: en}}
}

func (j *judgement) holds(roles ...roundsv1.Role) bool {
	return j.foresees || bits(j.Roles)&bits(roles) != 0
}

// lookup reads another record of the scope; nil where there is none, or where it cannot be known.
func (j *judgement) lookup(kind merge.Kind, id string) *roundsv1.Change {
	if j.Lookup == nil || id == "" {
		return nil
	}
	other, err := j.Lookup(kind, merge.RecordID(id))
	if err != nil || other.GetDeleted() {
		return nil
	}
	return other
}

// subject is the ticket that a photo or a comment is about; nil where it is about none that is here.
func (j *judgement) subject() *roundsv1.Change { return j.subjectOf(kindTicket) }

// subjectOf is the record of a kind that a photo or a comment is about; nil where it is about none that is here.
func (j *judgement) subjectOf(kind merge.Kind) *roundsv1.Change {
	record := j.Current.GetRecord()
	if record == nil {
		record = j.written()
	}
	ref := record.GetPhoto().GetSubject()
	if j.Kind == kindComment {
		ref = record.GetComment().GetSubject()
	}
	if ref.GetKind() != string(kind) {
		return nil
	}
	return j.lookup(kind, ref.GetId())
}

// saw: whether the person was looking at what stands in these fields, or it was written by the person's own device.
func (j *judgement) saw(fields ...uint32) bool {
	if j.Saw || j.foresees {
		return true
	}
	for _, w := range j.Current.GetWrites() {
		if w.GetStamp().GetSeq() <= j.Mutation.GetBase() || w.GetStamp().GetDeviceId() == string(j.Device) {
			continue
		}
		for _, field := range fields {
			if slices.Contains(w.GetShown(), field) || slices.Contains(w.GetTouched(), field) {
				return false
			}
		}
	}
	return true
}

// writer returns the stamp of what is shown in a field, nil where nothing is.
func writer(c *roundsv1.Change, field uint32) *roundsv1.Stamp {
	for _, w := range c.GetWrites() {
		if slices.Contains(w.GetShown(), field) {
			return w.GetStamp()
		}
	}
	return nil
}

// draft is the effect while it is put together: values, and which fields of them are meant.
type draft struct {
	ticket     *roundsv1.Ticket
	removed    *roundsv1.Ticket
	inspection *roundsv1.Inspection
	conflict   *roundsv1.Conflict
	fields     []uint32
}

// set notes that a field is written.
func (d *draft) set(field uint32) {
	if i, found := slices.BinarySearch(d.fields, field); !found {
		d.fields = slices.Insert(d.fields, i, field)
	}
}

func (d *draft) has(field uint32) bool { return slices.Contains(d.fields, field) }

// effect returns the draft as an edit of a record of the kind, nil where it says nothing.
func (d *draft) effect(kind merge.Kind) *roundsv1.Edit {
	if len(d.fields) == 0 {
		return nil
	}
	edit := &roundsv1.Edit{Record: &roundsv1.Record{}, Fields: d.fields}
	switch kind {
	case kindTicket:
		edit.Record.Kind = &roundsv1.Record_Ticket{Ticket: d.ticket}
		if d.removed != nil {
			edit.Removed = &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: d.removed}}
		}
	case kindInspection:
		edit.Record.Kind = &roundsv1.Record_Inspection{Inspection: d.inspection}
	case kindConflict:
		edit.Record.Kind = &roundsv1.Record_Conflict{Conflict: d.conflict}
	}
	return edit
}
