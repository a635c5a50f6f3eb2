package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// MaxReason is the length of the reason of a redaction, in bytes.
const MaxReason = 1024

// Redact removes the values of some fields of a record, FIXED ones too, as law demands: from the record, from the values that lost to others in it, and
// from the journal, where each entry about the record that carries one of them loses its content (all of it: the entry, its hash, the chain and the
// device's signature stay). Devices get the record without them with their next pull. One DERIVED entry with cause 0 tells the fields and the reason;
// the reason stays for good. Fields are the numbers of the kind's message; each must be one that this build knows.
//
// What is kept for a person, and carried one of the fields, can be let in no more, and the question about it loses what its sides say. A mutation that arrives later may write the fields again, where their
// policy lets it.
//
// It goes through the whole journal, page by page, and lets others write meanwhile; at its end all is gone at once from the record. A redaction that
// was interrupted, by ctx or a crash, is finished by the next Maintain, or by a Redact of the same record: the same call again then comes to one
// entry. After one that returned nil it writes another entry. Errors are of kind Invalid for arguments that cannot be, or a record of which neither the
// scope nor its journal knows; a damaged journal entry is Internal, and nothing is hidden by it.
func (e *Engine) Redact(ctx context.Context, scope store.Scope, kind merge.Kind, id merge.RecordID, fields []uint32, reason string) error {
	leave, err := e.enter()
	if err != nil {
		return err
	}
	defer leave()
	fields = slices.Clone(fields)
	slices.Sort(fields)
	name, mine := recordName{kind, string(id)}, &redaction{fields: slices.Compact(fields), reason: reason}
	if err := mine.check(scope, name); err != nil {
		return err
	}
	s := e.scope(scope)
	before, err := s.redaction(ctx, name)
	if err != nil {
		return err
	}
	if before != nil {
		if err := s.redact(ctx, name); err != nil || slices.Equal(before.fields, mine.fields) && before.reason == mine.reason {
			return err
		}
	}
	if err := s.known(ctx, name); err != nil {
		return err
	}
	if err := s.submit(ctx, 0, func(tx *transaction) error { return tx.w.Set(redactionKey(name), mine.encode()) }); err != nil {
		return err
	}
	return s.redact(ctx, name)
}

// redaction is one that is under way. It rests in the store until it is done.
type redaction struct {
	through uint64 // the journal's entries through this seq are done
	fields  []uint32
	reason  string
}

func (r *redaction) check(scope store.Scope, name recordName) error {
	bad := func(field, zh, en string) error {
		return refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, field, zh, en).in(scope)
	}
	_, ok := parseID(name.id)
	switch {
	case !validScope(scope):
		return bad("scope", "范围名称无效。", "A scope is site/<id>, desk/<id>, user/<id> or org/<id>.")
	case !ok || !slices.Contains(merge.Kinds(), name.kind):
		return bad("record_id", "记录无效。", "A record is named by its kind and a UUID in lower case.")
	case len(r.fields) == 0:
		return bad("fields", "请指明要删除的字段。", "Say which fields are to be removed.")
	case len(r.reason) == 0 || len(r.reason) > MaxReason || !utf8.ValidString(r.reason):
		return bad("reason", "请填写原因。", "A redaction has a reason, in words.")
	}
	for _, field := range r.fields {
		if _, known := merge.PolicyOf(name.kind, merge.FieldNumber(field)); !known {
			return bad("fields", "字段不存在。", fmt.Sprintf("A %s has no field %d.", name.kind, field))
		}
	}
	return nil
}

func redactionKey(name recordName) []byte {
	id, _ := parseID(name.id)
	return recordKey(tableRedaction, name.kind, id)
}

func (r *redaction) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, r.through)
	b = binary.AppendUvarint(b, uint64(len(r.fields)))
	for _, field := range r.fields {
		b = binary.AppendUvarint(b, uint64(field))
	}
	return append(b, r.reason...)
}

func decodeRedaction(b []byte) (*redaction, error) {
	if len(b) < 8 {
		return nil, errKey
	}
	r := &redaction{through: binary.BigEndian.Uint64(b)}
	b = b[8:]
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(len(b)) {
		return nil, errKey
	}
	for b = b[n:]; count > 0; count-- {
		field, n := binary.Uvarint(b)
		if n <= 0 || field > 1<<32-1 {
			return nil, errKey
		}
		r.fields, b = append(r.fields, uint32(field)), b[n:]
	}
	r.reason = string(b)
	return r, nil
}

// readRedaction returns the redaction of a record that is under way; nil where none is.
func readRedaction(r store.Reader, name recordName) (*redaction, error) {
	value, err := r.Get(redactionKey(name))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	found, err := decodeRedaction(value)
	if err != nil {
		return nil, fmt.Errorf("engine: redaction of %s %s: %w", name.kind, name.id, err)
	}
	return found, nil
}

func (s *scope) redaction(ctx context.Context, name recordName) (found *redaction, err error) {
	err = s.engine.cfg.Store.View(ctx, s.name, func(r store.Reader) (err error) {
		found, err = readRedaction(r, name)
		return err
	})
	return found, wrap(err)
}

// known refuses a record of which there is nothing to redact.
func (s *scope) known(ctx context.Context, name recordName) error {
	for next := uint64(1); ; {
		found := false
		err := s.engine.cfg.Store.View(ctx, s.name, func(r store.Reader) error {
			have, err := readRecord(r, name.kind, name.id)
			if err != nil || have.change != nil {
				found = true
				return err
			}
			page, err := findEntries(r, next, func(head *roundsv1.EntryHead, content []byte) bool { return about(head, content, name) })
			found, next = len(page.hits) > 0, page.next
			return err
		})
		switch {
		case err != nil:
			return wrap(err)
		case found:
			return nil
		case next == 0:
			return refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, "record_id", "记录不存在。", "There is no such record.").in(s.name)
		}
	}
}

// unfinished goes on with the redactions of the scope that were interrupted.
func (s *scope) unfinished(ctx context.Context) error {
	var names []recordName
	err := s.engine.cfg.Store.View(ctx, s.name, func(r store.Reader) error {
		for entry, err := range r.Scan(store.Prefix([]byte{tableRedaction})) {
			if err != nil {
				return err
			}
			kind, id, ok := splitRecordKey(entry.Key)
			if !ok {
				return errKey
			}
			names = append(names, recordName{kind, id.String()})
		}
		return nil
	})
	for _, name := range names {
		if err == nil {
			err = s.redact(ctx, name)
		}
	}
	return wrap(err)
}

// quoting returns the questions whose sides have to go, because they say what an entry said that was redacted.
func quoting(r store.Reader) (names []recordName, err error) {
	for entry, err := range r.Scan(store.Prefix(kindKey(tableRedaction, kindConflict))) {
		if err != nil {
			return nil, err
		}
		kind, id, ok := splitRecordKey(entry.Key)
		if !ok {
			return nil, errKey
		}
		names = append(names, recordName{kind, id.String()})
	}
	return names, nil
}

// redact goes on with a redaction to its end, page by page. The journal is read beside those who write; only what has to go is written in turn.
func (s *scope) redact(ctx context.Context, name recordName) error {
	if err := s.remember(ctx, rememberBehind); err != nil {
		return err
	}
	for {
		var red *redaction
		var page entryPage
		var first []recordName
		err := s.engine.cfg.Store.View(ctx, s.name, func(r store.Reader) (err error) {
			if name.kind != kindConflict {
				if first, err = quoting(r); err != nil || len(first) > 0 {
					return err
				}
			}
			if red, err = readRedaction(r, name); err == nil && red != nil {
				page, err = findEntries(r, red.through+1, red.carried(name))
			}
			return err
		})
		if err != nil {
			return wrap(err)
		}
		if len(first) > 0 {
			for _, question := range first {
				if err := s.redact(ctx, question); err != nil {
					return err
				}
			}
			continue
		}
		if red == nil {
			return nil
		}
		if err := s.submit(ctx, writeBytes, func(tx *transaction) error { return tx.redactPage(name, red.through, page) }); err != nil {
			return err
		}
	}
}

// redactPage takes the contents of a page away. With the last page comes the record itself, and what was journalled meanwhile.
func (tx *transaction) redactPage(name recordName, from uint64, page entryPage) error {
	red, err := readRedaction(tx.w, name)
	if err != nil || red == nil || red.through != from {
		return err // somebody else came further
	}
	rest := entryPage{next: page.next}
	if page.next == 0 {
		if rest, err = findEntries(tx.w, page.through+1, red.carried(name)); err != nil {
			return err
		}
	}
	hits := slices.Concat(page.hits, rest.hits)
	if len(hits) > 0 {
		if err := tx.rememberAll(); err != nil {
			return err
		}
	}
	quoted := false
	for _, seq := range hits {
		asked, err := tx.redactEntry(seq, red.fields)
		if err != nil {
			return err
		}
		if asked != "" && name.kind != kindConflict {
			said, err := tx.redactQuestion(asked, red.reason)
			if err != nil {
				return err
			}
			quoted = quoted || said
		}
	}
	if rest.next == 0 && !quoted {
		return tx.redactRecord(name, red)
	}
	if red.through = rest.through; rest.next != 0 {
		red.through = rest.next - 1
	}
	return tx.w.Set(redactionKey(name), red.encode())
}

// redactQuestion begins to take away what the sides of a question say; it is done before the redaction that asks for it ends. It tells whether they say anything.
func (tx *transaction) redactQuestion(id, reason string) (said bool, err error) {
	have, err := tx.record(kindConflict, id)
	if err != nil || len(have.change.GetRecord().GetConflict().GetSides()) == 0 {
		return false, err
	}
	name, fields := recordName{kindConflict, id}, []uint32{fieldConflictSides}
	if before, err := readRedaction(tx.w, name); err != nil {
		return false, err
	} else if before != nil {
		fields = append(fields, before.fields...)
		slices.Sort(fields)
	}
	return true, tx.w.Set(redactionKey(name), (&redaction{fields: slices.Compact(fields), reason: reason}).encode())
}

// redactEntry takes an entry's content away, and what lost to it or it lost to. Asked names the question that it waited as, if it did.
func (tx *transaction) redactEntry(seq uint64, fields []uint32) (asked string, err error) {
	encoded, err := tx.w.Get(seqKey(tableJournal, seq))
	if err != nil {
		return "", fmt.Errorf("journal entry %d: %w", seq, err)
	}
	head, _, _, err := journal.Open(encoded)
	if err != nil {
		return "", fmt.Errorf("journal entry %d: %w", seq, err)
	}
	bare, err := journal.Redact(encoded)
	if err != nil {
		return "", fmt.Errorf("journal entry %d: %w", seq, err)
	}
	if err := tx.w.Set(seqKey(tableJournal, seq), bare); err != nil {
		return "", err
	}
	if asked = head.GetOutcome().GetConflictId(); !judged(head) {
		asked = ""
	}
	outcome := new(roundsv1.Outcome)
	if found, err := readMessage(tx.w, seqKey(tableOutcome, seq), outcome); err != nil || !found {
		return asked, err
	}
	for _, loss := range outcome.GetLosses() {
		if slices.Contains(fields, loss.GetField()) {
			loss.Other = nil
		}
	}
	return asked, writeMessage(tx.w, seqKey(tableOutcome, seq), outcome)
}

// redactRecord clears the fields of the record, and writes the entry that says so.
func (tx *transaction) redactRecord(name recordName, red *redaction) error {
	have, err := tx.record(name.kind, name.id)
	if err != nil {
		return err
	}
	numbers := make([]merge.FieldNumber, len(red.fields))
	for i, field := range red.fields {
		numbers[i] = merge.FieldNumber(field)
	}
	seq, now := tx.head.GetSeq()+1, tx.scope.engine.cfg.Now().UnixMicro()
	at := max(now, have.change.GetTimeUs()+1)
	after := merge.Redact(have.change, numbers, &roundsv1.Stamp{Seq: seq, TimeUs: at, Roles: []roundsv1.Role{roundsv1.Role_ROLE_SYSTEM}})
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(&roundsv1.Mutation{
		RecordId: name.id, Base: have.change.GetVersion(), BaseTimeUs: have.change.GetTimeUs(),
		Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: emptyOf(name.kind), Fields: red.fields}},
	})
	if err != nil {
		return err
	}
	if err := tx.enter(&roundsv1.EntryHead{
		Seq: seq, Type: roundsv1.EntryType_ENTRY_TYPE_DERIVED, Record: &roundsv1.RecordRef{Kind: string(name.kind), Id: name.id}, TakenUs: now,
		RecordTimeUs: after.GetTimeUs(), Reason: red.reason,
		Outcome: &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, Seq: seq, TimeUs: at},
	}, journal.ContentHash(content), content); err != nil {
		return err
	}
	tx.forgets = true
	if err := tx.w.Delete(redactionKey(name)); err != nil || after == have.change {
		return err
	}
	if err := tx.put(name.kind, have, after, 0); err != nil {
		return err
	}
	// Nobody is asked which of two values is right that are both gone.
	c := &candidate{item: &item{kind: name.kind}, time: at}
	return tx.askAgain(c, &decision{before: have, after: after}, seq)
}

// emptyOf returns a record of a kind with nothing in it.
func emptyOf(kind merge.Kind) *roundsv1.Record {
	empty := new(roundsv1.Record)
	msg := empty.ProtoReflect()
	if field := msg.Descriptor().Fields().ByName(protoreflect.Name(kind)); field != nil {
		msg.Set(field, msg.NewField(field))
	}
	return empty
}
