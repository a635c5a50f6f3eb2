package export

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export/sheet"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
)

// entry is one row of the history.
type entry struct {
	head    *roundsv1.EntryHead
	content []byte
	hash    journal.Hash
}

// entries hands the entries of a scope's journal to write, through the one that was the last when the export began.
func (j *job) entries(ctx context.Context, s *scope, before uint64, write func(any) error) error {
	if id := j.req.GetRecordId(); id != "" {
		return j.entriesOf(ctx, s, id, write)
	}
	if s.head == 0 {
		return nil
	}
	for encoded, err := range j.cfg.Records.Journal(ctx, s.name, 1) {
		if err != nil {
			return err
		}
		head, content, hash, err := journal.Open(encoded)
		if err != nil { // a damaged journal: rounds audit says more
			return &engine.Error{Kind: engine.Internal, Cause: fmt.Errorf("export: %s: %w", s.name, err)}
		}
		if journal.Seq(head.GetSeq()) > s.head {
			return nil
		}
		if j.within(head.GetTakenUs()) {
			if err := write(&entry{head, content, hash}); err != nil {
				return err
			}
		}
		if err := j.out.progress(before + head.GetSeq()); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// entriesOf hands the entries about one record to write.
func (j *job) entriesOf(ctx context.Context, s *scope, id string, write func(any) error) error {
	seen := map[uint64]bool{} // what nobody could read is in the history of its id, whatever the kind
	for _, kind := range merge.Kinds() {
		for one, err := range j.cfg.Records.History(ctx, s.name, kind, merge.RecordID(id), engine.HistorySpan{}) {
			if err != nil {
				return err
			}
			if again := seen[one.Head.GetSeq()]; again || journal.Seq(one.Head.GetSeq()) > s.head {
				continue
			}
			seen[one.Head.GetSeq()] = true
			if !j.within(one.Head.GetTakenUs()) {
				continue
			}
			if err := write(&entry{one.Head, one.Content, one.Hash}); err != nil {
				return err
			}
		}
	}
	if len(seen) == 0 && len(j.scopes) == 1 {
		return noRecord(s.name)
	}
	return nil
}

// entryRow fills the row of one entry.
func (j *job) entryRow(l *line, s *scope, from any) {
	e, _ := from.(*entry)
	if e == nil {
		e = &entry{}
	}
	head, outcome := e.head, e.head.GetOutcome()
	l.text("范围", "scope", string(s.name))
	l.text("项目", "site", s.site)
	l.text("时区", "time zone", s.zoneName())
	number(l, "序号", "seq", head.GetSeq())
	l.enum("类型", "type", head.GetType())
	l.text("记录类型", "record kind", head.GetRecord().GetKind())
	l.text("记录编号", "record id", head.GetRecord().GetId())
	l.text("内容摘要", "content in short", summary(e))
	l.person(s, "人员", "person", head.GetPersonId())
	roles := make([]string, len(head.GetRoles()))
	for i, role := range head.GetRoles() {
		roles[i] = l.lang.in(role)
	}
	l.text("当时角色", "roles then", strings.Join(roles, ", "))
	l.text("设备编号", "device id", head.GetDeviceId())
	l.add("设备序号", "lane seq", numberIf(head.GetLaneSeq() > 0, float64(head.GetLaneSeq())))
	l.time(s, "生效时间", "effective time", outcome.GetTimeUs())
	l.enum("时间可信度", "trust", outcome.GetTrust())
	l.time(s, "接收时间", "taken", head.GetTakenUs())
	l.enum("结果", "outcome", outcome.GetStatus())
	l.text("问题代码", "problem code", code(outcome.GetProblem().GetCode()))
	l.text("问题", "problem", l.lang.text(outcome.GetProblem().GetSentence()))
	l.text("冲突编号", "conflict id", outcome.GetConflictId())
	l.text("取舍", "losses", losses(head))
	l.text("标记", "flags", strings.Join(outcome.GetFlags(), ", "))
	l.add("起因序号", "cause seq", numberIf(head.GetCause() > 0, float64(head.GetCause())))
	l.text("桌面操作编号", "act id", head.GetActId())
	l.text("删除依据", "redacted because", head.GetReason())
	l.yes("内容已依规删除", "content was removed", e.head != nil && journal.Redacted(e.head, e.content))
	l.yes("已签名", "signed", len(head.GetSignature()) > 0)
	l.text("内容哈希", "content hash", hex.EncodeToString(head.GetContentHash()))
	l.text("前条哈希", "previous hash", hex.EncodeToString(head.GetPrevious()))
	hash := ""
	if e.head != nil {
		hash = e.hash.String()
	}
	l.add("本条哈希", "entry hash", sheet.Text(hash))
}

// losses names what lost to what: "-title #12" lost to entry 12, "+title #12" is shown in place of what entry 12 wrote.
func losses(head *roundsv1.EntryHead) string {
	var all []string
	for _, loss := range head.GetOutcome().GetLosses() {
		sign := "+"
		if loss.GetLost() {
			sign = "-"
		}
		name := fieldName(merge.Kind(head.GetRecord().GetKind()), loss.GetField())
		if loss.GetKey() != "" {
			name += "[" + loss.GetKey() + "]"
		}
		all = append(all, fmt.Sprintf("%s%s #%d", sign, name, loss.GetBy().GetSeq()))
	}
	return strings.Join(all, ", ")
}

// fieldName is the name of a kind's field, its number where this build knows none.
func fieldName(kind merge.Kind, number uint32) string {
	of := (*roundsv1.Record)(nil).ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(kind))
	if of != nil && of.Message() != nil {
		if field := of.Message().Fields().ByNumber(protoreflect.FieldNumber(number)); field != nil {
			return string(field.Name())
		}
	}
	return fmt.Sprint(number)
}

// summary says what a mutation does, in the words of the schema: "edit ticket: title, notes", "command ticket: approve (round=1)".
func summary(e *entry) string {
	if len(e.content) == 0 {
		return ""
	}
	m := new(roundsv1.Mutation)
	if err := proto.Unmarshal(e.content, m); err != nil {
		return "?"
	}
	switch act := m.GetAct().(type) {
	case *roundsv1.Mutation_Fact:
		return "fact " + fieldsSet(act.Fact.GetRecord(), nil)
	case *roundsv1.Mutation_Edit:
		return "edit " + fieldsSet(act.Edit.GetRecord(), act.Edit.GetFields())
	case *roundsv1.Mutation_Command:
		return "command " + commandIn(act.Command.ProtoReflect())
	}
	return "?"
}

// fieldsSet names the kind of a record and its fields that are set or named.
func fieldsSet(r *roundsv1.Record, named []uint32) string {
	kind, ok := merge.KindOf(r)
	if !ok {
		return "?"
	}
	numbers := slices.Clone(named)
	of := r.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(kind))
	if len(named) == 0 {
		r.ProtoReflect().Get(of).Message().Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			numbers = append(numbers, uint32(field.Number()))
			return true
		})
	}
	slices.Sort(numbers)
	fields := make([]string, len(numbers))
	for i, number := range numbers {
		fields[i] = fieldName(kind, number)
	}
	return string(kind) + ": " + strings.Join(fields, ", ")
}

// commandIn names a command with its small values, going down to the message that has no choice of another.
func commandIn(m protoreflect.Message) string {
	name := ""
	for {
		var field protoreflect.FieldDescriptor
		if oneofs := m.Descriptor().Oneofs(); oneofs.Len() > 0 && !oneofs.Get(0).IsSynthetic() {
			field = m.WhichOneof(oneofs.Get(0))
		}
		if field == nil || field.Message() == nil {
			break
		}
		name = strings.TrimPrefix(name+": "+string(field.Name()), ": ")
		m = m.Get(field).Message()
	}
	var values []string
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !m.Has(field) || field.IsList() || field.IsMap() || field.Message() != nil || field.Kind() == protoreflect.BytesKind {
			continue
		}
		text := m.Get(field).String()
		if field.Kind() == protoreflect.EnumKind {
			if value := field.Enum().Values().ByNumber(m.Get(field).Enum()); value != nil {
				text = string(value.Name())
			}
		}
		if short := []rune(text); len(short) > 200 {
			text = string(short[:200]) + "…"
		}
		values = append(values, fmt.Sprintf("%s=%s", field.Name(), text))
	}
	if len(values) > 0 {
		name += " (" + strings.Join(values, ", ") + ")"
	}
	return name
}
