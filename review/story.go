package review

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
)

// told says which journal entry is one of a story, of which record, and where it stands.
type told struct {
	entry *roundsv1.StoryEntry
	at    position
	bytes int
}

// atOnce is of how many records histories are read together.
const atOnce = 64

// Story tells what happened to one record, to who may read its scope. Each page is one pass over the history of the record and of what belongs to it, so it costs
// what those went through, not what their scope did; it holds what may be on the page, and of all else nothing. The error is an *engine.Error.
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
	tale := newTale(req, newPage(from, sizeOf(req.GetPageSize(), usualPage, mostRows)))
	if err := d.read(ctx, tale, kind, id); err != nil {
		return nil, err
	}
	if tale.page.all == 0 {
		return nil, noRecord(d.scopes[0])
	}
	resp := &roundsv1.StoryResponse{Total: tale.page.total()}
	names := d.names()
	if from.first() {
		if resp.Row, _, err = d.row(ctx, 0, kind, id); err != nil {
			return nil, err
		}
		names.record(0, resp.GetRow().GetRecord())
	}
	rows, more := tale.page.rows()
	questions := map[uint64]*roundsv1.Conflict{} // by the entry that waited, or was let in
	size, last := 0, cursor{nowUS: from.nowUS}
	for _, p := range rows {
		one := tale.of[p.id]
		if one == nil || size >= fullPage { // it was let go of because what stands before it fills the page
			more = true
			break
		}
		entry := one.entry
		names.ask(0, entry.GetPersonId(), entry.GetAct().GetCommand().GetTicket().GetDispatch().GetAssigneeId())
		names.record(0, entry.GetAct().GetEdit().GetRecord())
		names.ask(0, placesIn(entry.GetAct().GetEdit().GetRecord())...)
		names.ask(0, placesIn(entry.GetAct().GetFact().GetRecord())...)
		names.record(0, entry.GetReplaced())
		if questions[entry.GetSeq()], err = d.waited(ctx, entry); err != nil {
			return nil, err
		}
		names.ask(0, questions[entry.GetSeq()].GetResolvedById())
		resp.Entries = append(resp.Entries, entry)
		size, last.after = size+one.bytes, p
	}
	if more {
		resp.NextPageToken = d.token(req, last)
	}
	current, err := d.record(ctx, 0, kind, id)
	if err != nil {
		return nil, err
	}
	told := details{list: d.listOf(0, current.GetRecord()), site: d.cfg.Policy(d.scopes[0])}
	if resp.Names, err = names.found(ctx); err != nil {
		return nil, err
	}
	told.names = resp.GetNames()
	for _, entry := range resp.GetEntries() {
		entry.Sentence = sentence(entry, told, req.GetRecord(), questions[entry.GetSeq()])
	}
	return resp, nil
}

// read goes once through all that a story tells.
func (d *desk) read(ctx context.Context, tale *tale, kind merge.Kind, id uid) error {
	current, err := d.record(ctx, 0, kind, id)
	if err != nil {
		return err
	}
	past := newPast(kind, current)
	for entry, err := range d.cfg.Records.History(ctx, d.scopes[0], kind, merge.RecordID(id.String()), engine.HistorySpan{}) {
		if err != nil {
			return err
		}
		did := entry.Content
		if cause := journal.Seq(entry.Head.GetCause()); entry.Head.GetType() == roundsv1.EntryType_ENTRY_TYPE_ADMITTED && cause > 0 {
			waited, err := d.entry(ctx, kind, id, cause)
			if err != nil {
				return err
			}
			did = waited.Content
		}
		one := tale.meet(entry)
		replaced := past.next(entry, did, one != nil)
		if err := tale.keep(one, entry, replaced); err != nil {
			return err
		}
	}
	if tale.req.GetRecordAlone() {
		return nil
	}
	var about []*roundsv1.RecordRef
	var questions []uid
	d.boards[0].read(func(c *content) {
		add := func(kind merge.Kind, ids []uid) {
			for _, one := range ids {
				about = append(about, &roundsv1.RecordRef{Kind: string(kind), Id: one.String()})
			}
		}
		belongs := c.belongs(id, current)
		add(kindTicket, c.family(id)[1:])
		add(kindPhoto, belongs.photos)
		add(kindComment, belongs.comments)
		add(kindConflict, belongs.questions)
		questions = belongs.questions
	})
	kept, err := d.keptBack(ctx, questions, about)
	if err != nil {
		return err
	}
	about = append(about, kept...)
	for some := range slices.Chunk(about, atOnce) {
		for entry, err := range d.cfg.Records.Histories(ctx, d.scopes[0], some, engine.HistorySpan{}) {
			if err != nil {
				return err
			}
			if err := tale.keep(tale.meet(entry), entry, replacement{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// tale gathers one page of a story while its entries go by in any order. It holds the entries that are among the first of those so far, and of these only so many as
// fill a page: what stands behind them cannot come onto it any more.
type tale struct {
	req   *roundsv1.StoryRequest
	page  *page
	of    map[uid]*told // by the id in the position
	bytes int           // of those in of
}

func newTale(req *roundsv1.StoryRequest, page *page) *tale {
	return &tale{req: req, page: page, of: map[uid]*told{}}
}

// meet counts an entry, and returns where it goes if it may be on the page; else nil.
func (t *tale) meet(entry engine.HistoryEntry) *told {
	rank, seq := timeOf(entry), int64(entry.Head.GetSeq())
	if t.req.GetByArrival() {
		rank = seq
	}
	at := position{rank: ranked(rank, t.req.GetNewestFirst())}
	// Ties of time go by arrival, in the same direction.
	binary.BigEndian.PutUint64(at.id[8:], uint64(ranked(seq, t.req.GetNewestFirst())))
	if !t.page.add(at) {
		return nil
	}
	return &told{at: at}
}

// keep holds an entry that may be on the page; none for nil.
func (t *tale) keep(one *told, entry engine.HistoryEntry, replaced replacement) (err error) {
	if one == nil {
		return nil
	}
	if one.entry, err = entryOf(entry); err != nil {
		return err
	}
	one.entry.Replaced, one.entry.ReplacedFields = replaced.record, replaced.fields
	one.bytes = proto.Size(one.entry)
	t.of[one.at.id], t.bytes = one, t.bytes+one.bytes
	if t.bytes > 2*fullPage || len(t.of) > 2*len(t.page.kept)+usualPage {
		t.trim()
	}
	return nil
}

// trim lets go of what cannot be on the page any more.
func (t *tale) trim() {
	first := slices.SortedFunc(slices.Values(t.page.kept), position.compare)
	of := make(map[uid]*told, len(first))
	t.bytes = 0
	for _, at := range first {
		one := t.of[at.id]
		if one == nil || t.bytes >= fullPage {
			break
		}
		of[at.id], t.bytes = one, t.bytes+one.bytes
	}
	t.of = of
}

// timeOf is when an entry happened; of one that does not say, when it was taken.
func timeOf(entry engine.HistoryEntry) int64 {
	if at := entry.Outcome.GetTimeUs(); at != 0 {
		return at
	}
	return entry.Head.GetTakenUs()
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
