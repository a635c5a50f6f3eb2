package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// The history table is written behind the journal, not with it: a key for each entry would cost those who push a third more keys, and together the
// entries of one record in a stretch of the journal need one. What it does not have yet is read from the journal itself.
const (
	// What one step of writing histories reads at most: it shares the scope with those who write.
	rememberEntries = 2000
	rememberBytes   = 8 << 20
	// rememberBehind is how many entries the table may lack when a history is read.
	rememberBehind = 64
)

// subject names whose history an entry belongs to: the prefix of its key in the history table. False: the entry names no record. Where the server could
// not read what it is, the kind is empty.
func subject(head *roundsv1.EntryHead, content []byte) ([]byte, bool) {
	kind, id := merge.Kind(head.GetRecord().GetKind()), head.GetRecord().GetId()
	if head.GetRecord() == nil {
		m := new(roundsv1.Mutation)
		if proto.Unmarshal(content, m) != nil {
			return nil, false
		}
		id = m.GetRecordId()
	}
	parsed, ok := parseID(id)
	if !ok {
		return nil, false
	}
	return recordKey(tableHistory, kind, parsed), true
}

// rememberedThrough returns the seq of the journal through which the history table is written. In a scope of a release without it that is 0.
func rememberedThrough(r store.Reader) (uint64, error) {
	value, err := r.Get(historiesKey())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	}
	return valueSeq(value)
}

// stretch is what a stretch of the journal adds to the history table.
type stretch struct {
	before, through uint64              // the entries behind one seq through another
	seqs            map[string][]uint64 // by their subject, in order
	order           []string            // the subjects, as they come
}

// readStretch reads the journal behind what the history table has, as far as one step goes, but not beyond most. Nothing is left where through is before.
func readStretch(r store.Reader, most uint64) (*stretch, error) {
	before, err := rememberedThrough(r)
	if err != nil {
		return nil, err
	}
	s := &stretch{before: before, through: before, seqs: map[string][]uint64{}}
	size := 0
	for entry, err := range r.Scan(store.Span{From: seqKey(tableJournal, before+1), To: seqKey(tableJournal, most+1)}) {
		if err != nil {
			return nil, err
		}
		if s.through-before == rememberEntries || size >= rememberBytes {
			return s, nil
		}
		seq, err := keySeq(entry.Key)
		if err != nil {
			return nil, err
		}
		head, content, _, err := journal.Open(entry.Value)
		if err != nil {
			return nil, fmt.Errorf("engine: journal entry %d: %w", seq, err)
		}
		if about, named := subject(head, content); named {
			if s.seqs[string(about)] == nil {
				s.order = append(s.order, string(about))
			}
			s.seqs[string(about)] = append(s.seqs[string(about)], seq)
		}
		size, s.through = size+len(entry.Value), seq
	}
	return s, nil
}

// remember writes a stretch, unless somebody else came further.
func (tx *transaction) remember(s *stretch) error {
	through, err := rememberedThrough(tx.w)
	if err != nil || through != s.before || s.through == s.before {
		return err
	}
	for _, about := range s.order {
		seqs := s.seqs[about]
		if err := tx.w.Set(historyKey([]byte(about), journal.Seq(seqs[0])), encodeGaps(seqs)); err != nil {
			return err
		}
	}
	return tx.w.Set(historiesKey(), seqValue(s.through))
}

// encodeGaps encodes ascending seqs but the first, each as the difference to the one before it.
func encodeGaps(seqs []uint64) (b []byte) {
	for i := 1; i < len(seqs); i++ {
		b = binary.AppendUvarint(b, seqs[i]-seqs[i-1])
	}
	return b
}

// decodeGaps is the inverse of encodeGaps; it appends to seqs.
func decodeGaps(seqs []uint64, first uint64, b []byte) ([]uint64, error) {
	seqs = append(seqs, first)
	for len(b) > 0 {
		gap, n := binary.Uvarint(b)
		if n <= 0 || gap == 0 || first+gap < first {
			return nil, fmt.Errorf("engine: history: %w", errKey)
		}
		first, b = first+gap, b[n:]
		seqs = append(seqs, first)
	}
	return seqs, nil
}

// remember writes the histories of a scope on until they lack at most so many of the entries that the journal has now. What was done rests with each step,
// so it may be interrupted. The journal is read beside those who write.
func (s *scope) remember(ctx context.Context, behind uint64) error {
	var most uint64
	for first := true; ; first = false {
		var next *stretch
		err := s.engine.cfg.Store.View(ctx, s.name, func(r store.Reader) error {
			through, err := rememberedThrough(r)
			if err != nil {
				return err
			}
			if first {
				head, err := readHead(r)
				if err != nil {
					return err
				}
				most = head.GetSeq()
			}
			if through+behind >= most {
				return nil
			}
			next, err = readStretch(r, most)
			return err
		})
		if err != nil || next == nil {
			return wrap(err)
		}
		leave, err := s.engine.enter()
		if err != nil {
			return err
		}
		err = s.submit(ctx, 64*len(next.order), func(tx *transaction) error { return tx.remember(next) })
		leave()
		if err != nil {
			return err
		}
	}
}

// rememberAll writes the histories of all that is in the journal, before contents are removed that alone tell whose they are. Little is left to it.
func (tx *transaction) rememberAll() error {
	for {
		next, err := readStretch(tx.w, tx.head.GetSeq())
		if err != nil || next.through == next.before {
			return err
		}
		if err := tx.remember(next); err != nil {
			return err
		}
	}
}
