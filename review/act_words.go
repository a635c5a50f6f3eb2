package review

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/policy"
	"github.com/rounds-sync/rounds/work/term"
)

// ActWords says in both languages what an entry of the journal did, without who did it: as a story tells it, for papers. The content is the entry's mutation, as it was
// encoded; empty where there is none. Named says what the id in a field, by the field's name in the schema, is called; nil where nobody knows, and then the id is left out. The site's policy has the words of its
// reasons.
func ActWords(head *roundsv1.EntryHead, content []byte, site policy.Policy, named func(field, id string) *roundsv1.Text) *roundsv1.Text {
	e := &roundsv1.StoryEntry{Type: head.GetType(), Record: head.GetRecord()}
	if m := new(roundsv1.Mutation); len(content) > 0 && proto.Unmarshal(content, m) == nil {
		e.Act = m
	}
	op := operation(e)
	did := doing(op)
	if did == (inBoth{}) {
		return &roundsv1.Text{Zh: "无法识别的操作", En: "something that this server cannot read"}
	}
	thing, kind := things()[e.GetRecord().GetKind()], e.GetRecord().GetKind()
	p := phrase{named: named, site: site}
	switch op {
	case "create", "edit":
		did = inBoth{did.zh + thing.zh, did.en + " " + thing.en}
		p.fields(contentOf(e.GetAct().GetEdit().GetRecord()), e.GetAct().GetEdit().GetFields())
	case "delete", "evict":
		did = inBoth{did.zh + thing.zh, did.en + " " + thing.en}
	case "add":
		if kind != string(kindTicket) && kind != string(kindInspection) {
			did = inBoth{did.zh + thing.zh, did.en + " " + thing.en}
			break
		}
		p.fields(contentOf(e.GetAct().GetFact().GetRecord()), nil)
	default:
		p.command(e.GetAct().GetCommand())
	}
	if len(p.zh) == 0 {
		return &roundsv1.Text{Zh: did.zh, En: did.en}
	}
	return &roundsv1.Text{Zh: did.zh + "：" + strings.Join(p.zh, "、"), En: did.en + ": " + strings.Join(p.en, ", ")}
}

// phrase gathers what an act was about.
type phrase struct {
	named  func(field, id string) *roundsv1.Text
	site   policy.Policy
	zh, en []string
}

func (p *phrase) add(one inBoth) { p.zh, p.en = append(p.zh, one.zh), append(p.en, one.en) }

// fields names fields, those with the numbers or where there are none those that are set, with what they say where that is short.
func (p *phrase) fields(of protoreflect.Message, numbers []uint32) {
	if of == nil {
		return
	}
	all := of.Descriptor().Fields()
	for _, number := range numbers {
		if field := all.ByNumber(protoreflect.FieldNumber(number)); field != nil {
			p.field(of, field)
		}
	}
	for i := range all.Len() {
		if len(numbers) == 0 && of.Has(all.Get(i)) {
			p.field(of, all.Get(i))
		}
	}
}

func (p *phrase) field(of protoreflect.Message, field protoreflect.FieldDescriptor) {
	name, value := fieldInBoth(field), p.value(of, field)
	if value != (inBoth{}) {
		name = inBoth{name.zh + "（" + value.zh + "）", name.en + " (" + value.en + ")"}
	}
	p.add(name)
}

// fieldInBoth is what a field is called.
func fieldInBoth(field protoreflect.FieldDescriptor) inBoth {
	name := string(field.Name())
	words := inBoth{name, strings.ReplaceAll(strings.TrimSuffix(strings.TrimSuffix(name, "_ids"), "_id"), "_", " ")}
	if word := term.Field(name); word != "" {
		words.zh = word
	}
	return words
}

// value is what a field says where that is a word: what an id is called, or a priority.
func (p *phrase) value(of protoreflect.Message, field protoreflect.FieldDescriptor) inBoth {
	switch {
	case field.Kind() == protoreflect.StringKind && !field.IsList() && !field.IsMap() && strings.HasSuffix(string(field.Name()), "_id") && of.Has(field):
		if name := p.named(string(field.Name()), of.Get(field).String()); name != nil {
			return inBoth{either(name.GetZh(), name.GetEn()), either(name.GetEn(), name.GetZh())}
		}
	case field.Name() == "priority":
		return inWords(roundsv1.Priority(of.Get(field).Enum()))
	}
	return inBoth{}
}

// command says whom and what a command names, which round it is about, and why.
func (p *phrase) command(c *roundsv1.Command) {
	for _, of := range []protoreflect.Message{c.GetTicket().ProtoReflect(), c.GetInspection().ProtoReflect(), c.GetConflict().ProtoReflect()} {
		if !of.IsValid() {
			continue
		}
		chosen := of.WhichOneof(of.Descriptor().Oneofs().ByName("command"))
		if chosen == nil {
			continue
		}
		act := of.Get(chosen).Message()
		fields := act.Descriptor().Fields()
		for i := range fields.Len() {
			field := fields.Get(i)
			if value := p.value(act, field); value != (inBoth{}) {
				if word := term.Field(string(field.Name())); word != "" {
					value = inBoth{word + " " + value.zh, fieldInBoth(field).en + " " + value.en}
				}
				p.add(value)
			}
			if n := act.Get(field); field.Name() == "round" && field.Kind() == protoreflect.Uint32Kind && n.Uint() > 0 {
				p.add(inBoth{fmt.Sprintf("第 %d 轮", n.Uint()), fmt.Sprintf("round %d", n.Uint())})
			}
		}
	}
	if reason := reasonOf(c, p.site); reason != (inBoth{}) {
		p.add(reason)
	}
}
