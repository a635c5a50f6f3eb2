package review

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/policy"
	"github.com/rounds-sync/rounds/work/term"
)

// operation names what an entry did, in a word.
func operation(e *roundsv1.StoryEntry) string {
	switch e.GetType() {
	case roundsv1.EntryType_ENTRY_TYPE_ADMITTED:
		return "admit"
	case roundsv1.EntryType_ENTRY_TYPE_EVICTED:
		return "evict"
	}
	act := e.GetAct()
	switch {
	case act.GetFact() != nil:
		return "add"
	case act.GetEdit() != nil && act.GetBase() == 0 && len(act.GetEdit().GetFields()) == 0:
		return "create"
	case act.GetEdit() != nil:
		return "edit"
	case act.GetCommand().GetDelete() != nil:
		return "delete"
	}
	for _, command := range []protoreflect.Message{act.GetCommand().GetTicket().ProtoReflect(), act.GetCommand().GetInspection().ProtoReflect(),
		act.GetCommand().GetConflict().ProtoReflect()} {
		if name := chosen(command, "command"); name != "" {
			return name
		}
	}
	return ""
}

// inBoth is a text in the two languages.
type inBoth struct{ zh, en string }

// doing is what an operation is called; nothing where it has no words.
func doing(operation string) inBoth {
	words := term.Operation(operation)
	return inBoth{words.GetZh(), words.GetEn()}
}

// things are the words of kinds.
func things() map[string]inBoth {
	return map[string]inBoth{
		"ticket": {"工单", "the ticket"}, "inspection": {"巡检任务", "the round"}, "photo": {"照片", "a photo"}, "comment": {"备注", "a remark"},
		"conflict": {"待处理事项", "a question"}, "notice": {"通知", "a notice"},
	}
}

// called is what a person, a place or a category is called, else the end of its id.
func called(id string, names map[string]*roundsv1.Text) inBoth {
	if name := names[id]; name != nil {
		return inBoth{name.GetZh(), name.GetEn()}
	}
	short := id[max(0, len(id)-8):]
	return inBoth{short, short}
}

// sentence says what an entry of a record's story did, in both languages. The question is the one that the entry waited as, or that let it in; nil where none did.
func sentence(e *roundsv1.StoryEntry, d details, of *roundsv1.RecordRef, question *roundsv1.Conflict) *roundsv1.Text {
	names := d.names
	who := inBoth{"系统", "The server"}
	if person := e.GetPersonId(); person != "" {
		who = called(person, names)
	}
	did := doing(e.GetOperation())
	if did == (inBoth{}) {
		did = inBoth{"操作", "did something that this server cannot read"}
	}
	if e.GetRedacted() {
		did = inBoth{"操作（内容已依规删除）", "did something whose content was removed by law"}
	}
	what := inBoth{}
	switch e.GetOperation() {
	case "create", "delete", "evict":
		thing := things()[e.GetRecord().GetKind()]
		what = inBoth{thing.zh, " " + thing.en}
	case "add":
		what = added(e, d)
	case "admit":
		if e.GetType() == roundsv1.EntryType_ENTRY_TYPE_ADMITTED {
			who, what = admission(e, question, names)
		}
	case "edit":
		what = edited(e, d)
		if e.GetRecord().GetId() != of.GetId() {
			what = ofAnother(e.GetRecord(), what)
		}
	case "dispatch":
		to := called(e.GetAct().GetCommand().GetTicket().GetDispatch().GetAssigneeId(), names)
		what = inBoth{"给" + to.zh, " to " + to.en}
	}
	if old := instead(e, names); old != (inBoth{}) {
		what = inBoth{what.zh + old.zh, what.en + old.en}
	}
	if reason := reasonOf(e.GetAct().GetCommand(), d.site); reason != (inBoth{}) {
		what = inBoth{what.zh + "：" + reason.zh, what.en + ": " + reason.en}
	}
	if e.GetRecord().GetKind() == string(kindTicket) && e.GetRecord().GetId() != of.GetId() {
		what = inBoth{what.zh + "（在并入的工单上）", what.en + " (on a ticket that was merged into this one)"}
	}
	after := inBoth{}
	switch why := e.GetOutcome().GetProblem().GetSentence(); e.GetOutcome().GetStatus() {
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED:
		after = refused(why)
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT, roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED:
		after = afterwards(e, question, names)
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED:
		after = inBoth{"（与他人的修改合并）", " (merged with what others wrote)"}
	}
	return &roundsv1.Text{Zh: who.zh + " " + did.zh + what.zh + after.zh, En: who.en + " " + did.en + what.en + after.en}
}

// ofAnother says of which record beside the one of the story something is, by its kind and the end of its id. Tickets are told apart otherwise.
func ofAnother(record *roundsv1.RecordRef, what inBoth) inBoth {
	thing := things()[record.GetKind()]
	if record.GetKind() == string(kindTicket) || thing == (inBoth{}) {
		return what
	}
	_, bare, _ := strings.Cut(thing.en, " ") // without its article
	id := called(record.GetId(), nil)
	return inBoth{thing.zh + " " + id.zh + " 的" + what.zh, " " + bare + " " + id.en + ":" + what.en}
}

// mostQuoted bounds what a sentence quotes, characters.
const mostQuoted = 40

// instead says what an entry replaced, where that is short: the state, people and categories by name, the title, the number, the priority.
func instead(e *roundsv1.StoryEntry, names map[string]*roundsv1.Text) inBoth {
	var zh, en []string
	add := func(old inBoth) {
		if old != (inBoth{}) {
			zh, en = append(zh, old.zh), append(en, old.en)
		}
	}
	name := func(id string) {
		if id != "" {
			add(called(id, names))
		}
	}
	quote := func(text string) {
		if n := utf8.RuneCountInString(text); n > 0 && n <= mostQuoted {
			add(inBoth{"「" + text + "」", "“" + text + "”"})
		}
	}
	t := e.GetReplaced().GetTicket()
	name(t.GetAssigneeId())
	name(t.GetCategoryId())
	quote(t.GetTitle())
	quote(t.GetContactPhone())
	add(inWords(t.GetPriority()))
	old := inBoth{}
	if len(zh) > 0 {
		old = inBoth{"，代替" + strings.Join(zh, "、"), ", instead of " + strings.Join(en, ", ")}
	}
	if state := inWords(t.GetState()); state != (inBoth{}) {
		old = inBoth{old.zh + "（此前：" + state.zh + "）", old.en + " (before: " + state.en + ")"}
	}
	return old
}

// inWords is what a value of an enum is called; nothing where it has no words.
func inWords(value protoreflect.Enum) inBoth {
	words := term.Of(value)
	return inBoth{words.GetZh(), words.GetEn()}
}

// reasonOf is the reason or the words that a command carries; a code of the site's lists by its words.
func reasonOf(c *roundsv1.Command, site policy.Policy) inBoth {
	if back := c.GetTicket().GetReject(); back != nil {
		reason := back.GetReason()
		if back.GetWords() != "" {
			reason += ": " + back.GetWords()
		}
		words := site.WhyReturned(reason)
		return inBoth{words.GetZh(), words.GetEn()}
	}
	reason := freeReason(c)
	words := &roundsv1.Text{Zh: reason, En: reason}
	switch {
	case c.GetTicket().GetPause() != nil:
		words = site.WhyMoved(reason)
	case c.GetInspection().GetReturn() != nil:
		words = site.WhyReturned(reason)
	}
	return inBoth{words.GetZh(), words.GetEn()}
}

// freeReason is the reason or the words of a command, as somebody wrote it.
func freeReason(c *roundsv1.Command) string {
	for _, command := range []protoreflect.Message{c.GetTicket().ProtoReflect(), c.GetInspection().ProtoReflect(), c.GetConflict().ProtoReflect()} {
		if !command.IsValid() {
			continue
		}
		field := command.WhichOneof(command.Descriptor().Oneofs().ByName("command"))
		if field == nil {
			continue
		}
		of := command.Get(field).Message()
		for _, name := range []protoreflect.Name{"words", "reason"} {
			if text := of.Descriptor().Fields().ByName(name); text != nil && text.Kind() == protoreflect.StringKind && of.Get(text).String() != "" {
				return of.Get(text).String()
			}
		}
	}
	return ""
}

// added says what a fact added.
func added(e *roundsv1.StoryEntry, d details) inBoth {
	if e.GetRecord().GetKind() != string(kindTicket) && e.GetRecord().GetKind() != string(kindInspection) {
		thing := things()[e.GetRecord().GetKind()]
		return inBoth{thing.zh, " " + thing.en}
	}
	return fieldList(contentOf(e.GetAct().GetFact().GetRecord()), nil, d.of(e.GetAct().GetFact().GetRecord(), nil))
}

// edited says which fields an edit wrote.
func edited(e *roundsv1.StoryEntry, d details) inBoth {
	return fieldList(contentOf(e.GetAct().GetEdit().GetRecord()), e.GetAct().GetEdit().GetFields(), d.of(e.GetAct().GetEdit().GetRecord(), e.GetReplaced()))
}

// fieldList names fields: those with the numbers, or where there are none, those that are set. The details, by the fields' names, stand behind them.
func fieldList(of protoreflect.Message, numbers []uint32, details map[string]inBoth) inBoth {
	if of == nil {
		return inBoth{}
	}
	var zh, en []string
	add := func(field protoreflect.FieldDescriptor) {
		name := string(field.Name())
		detail := details[name]
		if detail != (inBoth{}) {
			detail = inBoth{"（" + detail.zh + "）", " (" + detail.en + ")"}
		}
		en = append(en, strings.ReplaceAll(strings.TrimSuffix(strings.TrimSuffix(name, "_ids"), "_id"), "_", " ")+detail.en)
		if word := term.Field(name); word != "" {
			name = word
		}
		zh = append(zh, name+detail.zh)
	}
	fields := of.Descriptor().Fields()
	for _, number := range numbers {
		if field := fields.ByNumber(protoreflect.FieldNumber(number)); field != nil {
			add(field)
		}
	}
	if len(numbers) == 0 {
		for i := range fields.Len() {
			if of.Has(fields.Get(i)) {
				add(fields.Get(i))
			}
		}
	}
	if len(en) == 0 {
		return inBoth{}
	}
	return inBoth{strings.Join(zh, "、"), " " + strings.Join(en, ", ")}
}
