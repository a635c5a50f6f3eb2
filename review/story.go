package review

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
)

// told says which journal entry is one of a story, of which record, and where it stands. What it says is read when it is on the page.
type told struct {
	kind merge.Kind
	id   uid
	seq  journal.Seq
	at   position
}

// Story tells what happened to one record, to who may read its scope. It reads the record's whole history for each page, so it costs what the record went
// through, not what its scope did; it holds what is on the page. The error is an *engine.Error.
func (s *Service) Story(ctx context.Context, caller engine.Caller, req *roundsv1.StoryRequest) (*roundsv1.StoryResponse, error) {
	d, err := s.open(ctx, caller, req.GetScope())
	if err != nil {
		return nil, err
	}
	defer d.close()
	from, err := d.cursor(req)
	if err != nil {
		return nil, err
	}
	kind := kindOfRef(req.GetRecord())
	id, ok := parseUID(req.GetRecord().GetId())
	if !ok || !slices.Contains(merge.Kinds(), kind) {
		return nil, invalid("record", "记录类型或编号无效。", "A record is named by its kind and a UUID in lower case.")
	}
	all, err := d.history(ctx, req, kind, id)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, noRecord(d.scopes[0])
	}
	page := newPage(from, sizeOf(req.GetPageSize(), usualPage, mostRows))
	by := make(map[uid]*told, len(all))
	for i := range all {
		page.add(all[i].at)
		by[all[i].at.id] = &all[i]
	}
	resp := &roundsv1.StoryResponse{Total: page.total()}
	rows, more := page.rows()
	on := make(map[journal.Seq]bool, len(rows))
	for _, p := range rows {
		on[by[p.id].seq] = true
	}
	replaced, err := d.replacedBy(ctx, kind, id, on)
	if err != nil {
		return nil, err
	}
	names := d.names()
	if from.first() {
		if resp.Row, _, err = d.row(ctx, 0, kind, id); err != nil {
			return nil, err
		}
		names.record(0, resp.GetRow().GetRecord())
	}
	size := 0
	for i, p := range rows {
		entry, err := d.entry(ctx, by[p.id])
		if err != nil {
			return nil, err
		}
		if was, ok := replaced[journal.Seq(entry.GetSeq())]; ok {
			entry.Replaced, entry.ReplacedFields = was.record, was.fields
		}
		names.people(0, entry.GetPersonId(), entry.GetAct().GetCommand().GetTicket().GetDispatch().GetAssigneeId())
		names.record(0, entry.GetAct().GetEdit().GetRecord())
		names.record(0, entry.GetReplaced())
		resp.Entries = append(resp.Entries, entry)
		if size += proto.Size(entry); size >= fullPage && i < len(rows)-1 {
			rows, more = rows[:i+1], true
			break
		}
	}
	if more {
		resp.NextPageToken = d.token(req, cursor{after: rows[len(rows)-1], nowUS: from.nowUS})
	}
	resp.Names = names.found()
	for _, entry := range resp.GetEntries() {
		entry.Sentence = sentence(entry, resp.Names)
	}
	return resp, nil
}

// history finds all entries of a story. It keeps nothing of what they say: a record's history has no bound.
func (d *desk) history(ctx context.Context, req *roundsv1.StoryRequest, kind merge.Kind, id uid) (all []told, err error) {
	type subject struct {
		kind merge.Kind
		id   uid
	}
	about := []subject{{kind, id}}
	if !req.GetRecordAlone() {
		d.boards[0].read(func(c *content) {
			under := c.under(id)
			for _, one := range under.photos {
				about = append(about, subject{kindPhoto, one})
			}
			for _, one := range under.comments {
				about = append(about, subject{kindComment, one})
			}
			for _, one := range under.questions {
				about = append(about, subject{kindConflict, one})
			}
		})
	}
	for _, of := range about {
		for entry, err := range d.cfg.Records.History(ctx, d.scopes[0], of.kind, of.id.String(), engine.HistorySpan{}) {
			if err != nil {
				return nil, err
			}
			rank := timeOf(entry)
			if req.GetByArrival() {
				rank = int64(entry.Head.GetSeq())
			}
			one := told{kind: of.kind, id: of.id, seq: journal.Seq(entry.Head.GetSeq()), at: position{rank: ranked(rank, req.GetNewestFirst())}}
			// Ties of time go by arrival, in the same direction.
			binary.BigEndian.PutUint64(one.at.id[8:], uint64(ranked(int64(entry.Head.GetSeq()), req.GetNewestFirst())))
			all = append(all, one)
		}
	}
	return all, nil
}

// replacedBy goes through the history of a record and tells what some of its entries replaced.
func (d *desk) replacedBy(ctx context.Context, kind merge.Kind, id uid, on map[journal.Seq]bool) (map[journal.Seq]replacement, error) {
	past := &past{on: on, replaced: map[journal.Seq]replacement{}}
	for entry, err := range d.cfg.Records.History(ctx, d.scopes[0], kind, id.String(), engine.HistorySpan{}) {
		if err != nil {
			return nil, err
		}
		past.next(entry)
	}
	return past.replaced, nil
}

// entry reads one entry of a story.
func (d *desk) entry(ctx context.Context, of *told) (*roundsv1.StoryEntry, error) {
	for entry, err := range d.cfg.Records.History(ctx, d.scopes[0], of.kind, of.id.String(), engine.HistorySpan{From: of.seq, To: of.seq + 1}) {
		if err != nil {
			return nil, err
		}
		return entryOf(entry)
	}
	return nil, &engine.Error{Kind: engine.Internal, Cause: fmt.Errorf("review: journal entry %d is in no history any more", of.seq)}
}

// timeOf is when an entry happened; of one that does not say, when it was taken.
func timeOf(entry engine.HistoryEntry) int64 {
	if at := entry.Outcome.GetTimeUs(); at != 0 {
		return at
	}
	return entry.Head.GetTakenUs()
}

// replacement is what an edit wrote over.
type replacement struct {
	fields []uint32
	record *roundsv1.Record
}

// past goes through the history of one record and merges it again, so that it knows what stood before each edit. What commands did to the record's state is
// not in it: that no edit writes.
type past struct {
	change   *roundsv1.Change
	on       map[journal.Seq]bool // the entries of which it is to be known
	replaced map[journal.Seq]replacement
}

func (p *past) next(entry engine.HistoryEntry) {
	head := entry.Head
	switch entry.Outcome.GetStatus() {
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED:
	default:
		return
	}
	m := new(roundsv1.Mutation)
	if len(entry.Content) == 0 || proto.Unmarshal(entry.Content, m) != nil || m.GetCommand() != nil {
		return
	}
	capacity := merge.Device
	if head.GetType() == roundsv1.EntryType_ENTRY_TYPE_DERIVED {
		capacity = merge.Rules
	}
	before := p.change
	merged := merge.Apply(before, merge.Input{Mutation: m, Capacity: capacity, Stamp: &roundsv1.Stamp{Seq: head.GetSeq(), DeviceId: head.GetDeviceId(),
		TimeUs: timeOf(entry), PersonId: head.GetPersonId(), Roles: head.GetRoles()}})
	if merged.Problem != nil {
		return
	}
	p.change = merged.Change
	if edit := m.GetEdit(); edit != nil && before != nil && p.on[journal.Seq(head.GetSeq())] {
		if was := overwritten(before.GetRecord(), merged.Change.GetRecord(), edit.GetFields()); len(was.fields) > 0 {
			p.replaced[journal.Seq(head.GetSeq())] = was
		}
	}
}

// overwritten returns what stood in those of the fields that are different after.
func overwritten(before, after *roundsv1.Record, fields []uint32) replacement {
	was, is := contentOf(before), contentOf(after)
	if was == nil || is == nil || was.Descriptor() != is.Descriptor() {
		return replacement{}
	}
	var r replacement
	kept := was.New()
	for _, number := range fields {
		field := was.Descriptor().Fields().ByNumber(protoreflect.FieldNumber(number))
		if field == nil || was.Get(field).Equal(is.Get(field)) && was.Has(field) == is.Has(field) {
			continue
		}
		r.fields = append(r.fields, number)
		if was.Has(field) {
			kept.Set(field, was.Get(field))
		}
	}
	if len(r.fields) > 0 {
		record := before.ProtoReflect().New()
		record.Set(kindField(before), protoreflect.ValueOfMessage(kept))
		r.record, _ = record.Interface().(*roundsv1.Record)
	}
	return r
}

// entryOf puts one entry into the form of the answer.
func entryOf(of engine.HistoryEntry) (*roundsv1.StoryEntry, error) {
	head := of.Head
	entry := &roundsv1.StoryEntry{Seq: head.GetSeq(), Record: head.GetRecord(), Type: head.GetType(), PersonId: head.GetPersonId(), Roles: head.GetRoles(),
		DeviceId: head.GetDeviceId(), TimeUs: timeOf(of), Trust: of.Outcome.GetTrust(), TakenUs: head.GetTakenUs(),
		Redacted: journal.Redacted(head, of.Content), Outcome: of.Outcome, Cause: head.GetCause(), LaneSeq: head.GetLaneSeq()}
	if len(of.Content) > 0 {
		entry.Act = new(roundsv1.Mutation)
		if err := proto.Unmarshal(of.Content, entry.Act); err != nil {
			// What a newer app sent, or nobody can read: it was taken into the journal as it came.
			entry.Act = nil
		}
	}
	for _, record := range []*roundsv1.Record{entry.GetAct().GetFact().GetRecord(), entry.GetAct().GetEdit().GetRecord()} {
		if photo := record.GetPhoto(); photo != nil {
			photo.Preview = nil
		}
	}
	entry.Operation = operation(entry)
	if head.GetType() == roundsv1.EntryType_ENTRY_TYPE_UNSPECIFIED {
		return nil, &engine.Error{Kind: engine.Internal, Cause: fmt.Errorf("review: journal entry %d has no type", head.GetSeq())}
	}
	return entry, nil
}
