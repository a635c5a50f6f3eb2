package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// content is the message of a mutation that holds what the person gave: the step of a command, or the record of an edit or a fact; nil for an act of a newer app.
func content(m *roundsv1.Mutation) protoreflect.Message {
	switch {
	case m.GetEdit() != nil:
		return contentOf(m.GetEdit().GetRecord())
	case m.GetFact() != nil:
		return contentOf(m.GetFact().GetRecord())
	case m.GetCommand() != nil:
		at := m.GetCommand().ProtoReflect()
		for {
			of := at.Descriptor().Oneofs().ByName("command")
			if of == nil {
				return at
			}
			step := at.WhichOneof(of)
			if step == nil {
				return nil
			}
			at = at.Get(step).Message()
		}
	}
	return nil
}

// field is one value that a person gave.
type field struct{ name, value string }

// fieldsOf are the values of a mutation that can be shown as text: those that are set, and of a command also those that could be. Numbers by which the server knows
// what the person saw are left out: they are the device's affair.
func fieldsOf(m *roundsv1.Mutation) []field {
	at := content(m)
	if at == nil {
		return nil
	}
	var all []field
	fields := at.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !mendable(f) || m.GetCommand() == nil && !at.Has(f) {
			continue
		}
		value := at.Get(f)
		var words []string
		switch {
		case f.IsList():
			for i := range value.List().Len() {
				words = append(words, value.List().Get(i).String())
			}
		case f.Enum() != nil:
			words = []string{strings.ToLower(strings.TrimPrefix(string(f.Enum().Values().ByNumber(value.Enum()).Name()), enumPrefix(f)))}
		default:
			words = []string{value.String()}
		}
		all = append(all, field{string(f.Name()), clean(strings.Join(words, ","))})
	}
	return all
}

// mendable tells whether a field is one that a person typed: a text, texts, a choice or a yes.
func mendable(f protoreflect.FieldDescriptor) bool {
	switch f.Kind() {
	case protoreflect.StringKind:
		return !f.IsMap()
	case protoreflect.BoolKind, protoreflect.EnumKind:
		return !f.IsList()
	}
	return false
}

// enumPrefix is what the names of an enum's values begin with: PRIORITY_ of Priority.
func enumPrefix(f protoreflect.FieldDescriptor) string {
	return strings.TrimSuffix(string(f.Enum().Values().ByNumber(0).Name()), "UNSPECIFIED")
}

// mended is a rejected item with other values: each as FIELD=VALUE.
func (s *session) mended(ctx context.Context, item client.TrayItem, pairs []string) (*roundsv1.Mutation, error) {
	m := proto.CloneOf(item.Mutation)
	at := content(m)
	var known []string
	for _, f := range fieldsOf(m) {
		known = append(known, f.name)
	}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, say(Usage, "%q is no FIELD=VALUE", "%q 不是 字段=值", pair)
		}
		if at == nil || !slices.Contains(known, name) {
			return nil, say(Usage, "it has no field %q: there are %s", "没有字段 %q：可改的有 %s", name, strings.Join(known, ", "))
		}
		f := at.Descriptor().Fields().ByName(protoreflect.Name(name))
		if err := s.mend(ctx, item, at, f, value); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// mend sets one field.
func (s *session) mend(ctx context.Context, item client.TrayItem, at protoreflect.Message, f protoreflect.FieldDescriptor, value string) (err error) {
	if value == "" {
		at.Clear(f)
		return nil
	}
	switch {
	case f.Enum() != nil:
		v := f.Enum().Values().ByName(protoreflect.Name(enumPrefix(f) + strings.ToUpper(strings.ReplaceAll(value, "-", "_"))))
		if v == nil {
			return say(Usage, "%q is no value of %s", "%q 不是 %s 的值", value, f.Name())
		}
		at.Set(f, protoreflect.ValueOfEnum(v.Number()))
	case f.Kind() == protoreflect.BoolKind:
		yes, err := strconv.ParseBool(value)
		if err != nil {
			return say(Usage, "%s is true or false, not %q", "%s 只能是 true 或 false，不能是 %q", f.Name(), value)
		}
		at.Set(f, protoreflect.ValueOfBool(yes))
	case f.IsList():
		list := at.NewField(f)
		for _, one := range strings.Split(value, ",") {
			if one, err = s.meant(ctx, item, string(f.Name()), strings.TrimSpace(one)); err != nil {
				return err
			}
			list.List().Append(protoreflect.ValueOfString(one))
		}
		at.Set(f, list)
	default:
		if value, err = s.meant(ctx, item, string(f.Name()), value); err != nil {
			return err
		}
		at.Set(f, protoreflect.ValueOfString(value))
	}
	return nil
}

// meant is the id that is meant by what was typed into a field of that name; other fields hold what was typed.
func (s *session) meant(ctx context.Context, item client.TrayItem, name, typed string) (string, error) {
	switch name {
	case "assignee_id", "second_person_id", "person_id":
		return s.person(ctx, item.Key.Scope, typed)
	case "category_id":
		return s.category(ctx, typed)
	case "into_id", "target_id":
		v, err := s.find(ctx, "ticket", typed)
		return string(v.ID), err
	case "photo_ids":
		v, err := s.find(ctx, "photo", typed)
		return string(v.ID), err
	}
	return typed, nil
}

// printItem prints an item of the tray with all that a person needs to decide what becomes of it.
func (d *deviceCommands) printItem(ctx context.Context, s *session, number string, item client.TrayItem) error {
	if d.json {
		return printJSON(d.Out, trayJSON(number, item))
	}
	d.line("item", "序号", number)
	d.line("status", "状态", d.trayStatus(item.Status))
	d.line("what", "操作", d.actName(item.Mutation))
	d.line("about", "对象", d.subjectTitle(ctx, s, item.Key.Scope, &roundsv1.RecordRef{Kind: string(item.Kind), Id: string(item.ID)}))
	if at := item.Mutation.GetClock().GetWallUs(); at != 0 {
		d.line("done at", "时间", when(at))
	}
	if item.Outcome.GetProblem() != nil {
		d.line("why", "原因", d.told(item.Outcome.GetProblem()))
	}
	d.line("decided", "裁决", item.Resolution)
	people, err := d.names(ctx, s, item.Key.Scope)
	if err != nil {
		return err
	}
	for _, loss := range item.Outcome.GetLosses() {
		d.line("met", "相遇", d.lossText(item, loss, people))
	}
	for _, f := range fieldsOf(item.Mutation) {
		d.line("", "", f.name+"="+f.value)
	}
	if view, err := s.Get(ctx, item.Key.Scope, item.Kind, item.ID); err == nil {
		d.line("now", "现状", d.standing(view.Record))
	}
	switch item.Status {
	case client.TrayRejected:
		fmt.Fprintf(d.Out, d.in("\nrounds device tray mend %[1]s FIELD=VALUE changes it and sends it again; tray resend %[1]s sends it as it is; tray discard %[1]s takes it away\n",
			"\nrounds device tray mend %[1]s 字段=值 修改后重发；tray resend %[1]s 原样重发；tray discard %[1]s 丢弃\n"), number)
	case client.TrayWaiting:
		fmt.Fprintln(d.Out, d.in("\nit waits for a decision, or for its record; nothing is to be done here", "\n等待裁决或等待记录出现，本机无需操作"))
	}
	return nil
}

// lossText says which value met which other, and which of them is shown.
func (p *program) lossText(item client.TrayItem, loss *roundsv1.Loss, people names) string {
	name, other := strconv.Itoa(int(loss.GetField())), ""
	if at := contentOf(loss.GetOther()); at != nil {
		if f := at.Descriptor().Fields().ByNumber(fieldNumber(loss.GetField())); f != nil {
			if name = p.fieldName(f); !f.IsList() && !f.IsMap() && f.Message() == nil {
				other = cut(at.Get(f).String(), 60)
			}
		}
	}
	name = strings.TrimSpace(name + " " + loss.GetKey())
	if loss.GetLost() {
		return fmt.Sprintf(p.in("%s: %q of %s is shown", "%s：显示的是 %q（%s）"), name, other, people.of(loss.GetBy().GetPersonId()))
	}
	return fmt.Sprintf(p.in("%s: yours is shown, not %q of %s", "%s：显示您填写的，而不是 %q（%s）"), name, other, people.of(loss.GetBy().GetPersonId()))
}

// line prints a name and a value, where there is a value.
func (p *program) line(en, zh, value string) {
	if value == "" || value == "-" {
		return
	}
	name := p.in(en, zh)
	fmt.Fprintf(p.Out, "%s%s %s\n", name, strings.Repeat(" ", max(0, 12-cellsOf(name))), clean(value))
}
