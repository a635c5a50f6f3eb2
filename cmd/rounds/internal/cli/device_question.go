package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/merge"
)

func (d *deviceCommands) inboxShow() *cobra.Command {
	return &cobra.Command{Use: "show QUESTION", Short: d.in("Show a question with both sides and what can be decided", "查看事项的双方和可选操作"), Args: cobra.ExactArgs(1),
		RunE: d.with(func(ctx context.Context, s *session, args []string) error {
			v, err := s.find(ctx, "conflict", args[0])
			if err != nil {
				return err
			}
			if d.json {
				return printJSON(d.Out, viewJSON(v))
			}
			return d.printQuestion(ctx, s, v)
		})}
}

func (d *deviceCommands) printQuestion(ctx context.Context, s *session, v client.View) error {
	c := v.Record.GetConflict()
	people, err := d.names(ctx, s, v.Scope)
	if err != nil {
		return err
	}
	line := func(name, value string) {
		if value != "" && value != "-" {
			fmt.Fprintf(d.Out, "%s%s %s\n", name, strings.Repeat(" ", max(0, 10-cellsOf(name))), clean(value))
		}
	}
	line(d.in("question", "事项"), string(v.ID))
	line(d.in("type", "类型"), d.term(c.GetType()))
	line(d.in("state", "状态"), strings.TrimSpace(d.standing(v.Record)+" "+d.unsent(v)))
	line(d.in("asked", "内容"), d.text(c.GetSentence()))
	line(d.in("about", "对象"), d.subjectTitle(ctx, s, v.Scope, c.GetSubject()))
	for _, side := range c.GetSides() {
		if about := side.GetRecord(); about.GetId() != "" && about.GetId() != c.GetSubject().GetId() {
			line(d.in("of", "所属"), d.subjectTitle(ctx, s, v.Scope, about))
		}
	}
	line(d.in("open", "已等待"), d.age(c.GetOpenedTimeUs()))
	line(d.in("for", "负责人"), d.owner(c, people))
	for n, side := range c.GetSides() {
		var by []string
		if side.GetPersonId() != "" {
			by = append(by, people.of(side.GetPersonId()))
		}
		if side.GetTimeUs() != 0 {
			by = append(by, when(side.GetTimeUs()))
		}
		line(fmt.Sprintf(d.in("side %d", "第%d方"), n+1), strings.TrimPrefix(strings.Join(by, d.in(", ", "，"))+d.in(": ", "：")+d.text(side.GetSentence()), d.in(": ", "：")))
	}
	if len(c.GetSides()) == 0 { // erased with what waits
		line(d.in("from", "来自"), people.of(c.GetPersonId()))
	}
	for _, value := range d.valuesOf(ctx, s, v.Scope, c, people) {
		line(d.in("value", "填写值"), value)
	}
	line(d.in("decided", "裁决"), c.GetResolution())
	line(d.in("by", "裁决人"), people.of(c.GetResolvedById()))
	line(d.in("why", "原因"), c.GetDecisionReason())
	if c.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN {
		line(d.in("actions", "可选操作"), d.offers(c))
	}
	return nil
}

// valuesOf are the values that stand in the field that a question is about, with who wrote each.
func (d *deviceCommands) valuesOf(ctx context.Context, s *session, scope client.Scope, c *roundsv1.Conflict, people names) (values []string) {
	subject, err := s.Get(ctx, scope, kindOf(c.GetSubject().GetKind()), client.RecordID(c.GetSubject().GetId()))
	if err != nil || c.GetField() == 0 {
		return nil // it left the device, or is about no field
	}
	field := contentOf(subject.Record).Descriptor().Fields().ByNumber(fieldNumber(c.GetField()))
	if field == nil || field.IsList() || field.IsMap() || field.Message() != nil {
		return nil
	}
	for _, value := range merge.Values(subject.Change, merge.FieldNumber(c.GetField()), "") {
		values = append(values, fmt.Sprintf(d.in("%s = %v (%s, %s)", "%s = %v（%s，%s）"), d.fieldName(field), contentOf(value.Record).Get(field).Interface(), people.of(value.Stamp.GetPersonId()), when(value.Stamp.GetTimeUs())))
	}
	return values
}

// contentOf is the message of a record's kind.
func contentOf(r *roundsv1.Record) protoreflect.Message {
	m := r.ProtoReflect()
	kind := m.WhichOneof(m.Descriptor().Oneofs().ByName("kind"))
	if kind == nil {
		return (&roundsv1.Comment{}).ProtoReflect() // of a newer app: nothing is known of its fields
	}
	return m.Get(kind).Message()
}
