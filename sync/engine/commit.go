package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// scope is the engine's memory of one scope: the queue before its next transaction, and who watches it.
type scope struct {
	engine *Engine
	name   store.Scope

	mu       sync.Mutex // guards what follows
	queue    []*job
	running  bool // a goroutine drains the queue
	watchers map[*watcher]struct{}
	tail     tail
	progress map[DeviceID]uint64 // how far devices came since maintenance wrote it down
	stands   *Position           // where the scope stands; nil: not known
	commits  uint64              // counts the commits that ended, so that nobody notes what was before one

	// index is the state of the scope's indexes as of the last commit that asked; nil: not known. Only commits store it.
	index atomic.Pointer[indexState]
}

// job is one piece of work for a scope's next transaction. apply may run more than once; it either writes nothing and returns an *Error, which
// is this job's alone, or fails the transaction with any other error.
type job struct {
	apply func(*transaction) error
	bytes int
	err   error
	done  chan struct{}
}

// run applies the job. A panic fails the transaction, and with it at most this job: it must not end the server.
func (j *job) run(tx *transaction) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("engine: panic: %v\n%s", r, debug.Stack())
		}
	}()
	return j.apply(tx)
}

// submit puts a job before the scope's next transaction and waits until it is on disk, or refused. When ctx ends first the job may still be
// done.
func (s *scope) submit(ctx context.Context, bytes int, apply func(*transaction) error) error {
	j := &job{apply: apply, bytes: bytes, done: make(chan struct{})}
	s.mu.Lock()
	s.queue = append(s.queue, j)
	if !s.running {
		s.running = true
		s.engine.busy.Add(1)
		go s.drain()
	}
	s.mu.Unlock()
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

// drain commits what is queued, group by group, until nothing is. While one group is being synced the next one gathers.
func (s *scope) drain() {
	defer s.engine.busy.Done()
	for {
		s.mu.Lock()
		group := s.nextGroup()
		if len(group) == 0 {
			s.running = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		// Those who wrote hear of it before those who watch: they are few, and their phones may be about to lose the network.
		commits, uncertain := s.commit(group)
		for _, j := range group {
			close(j.done)
		}
		for _, tx := range commits {
			s.publish(tx)
		}
		if uncertain {
			s.look()
		}
		if s.engine.cfg.Committed != nil && (len(commits) > 0 || uncertain) {
			s.engine.cfg.Committed(s.name)
		}
	}
}

// nextGroup takes the longest run of queued jobs that a transaction should hold. The caller holds s.mu.
func (s *scope) nextGroup() []*job {
	size, n := 0, 0
	for n < len(s.queue) && (n == 0 || size+s.queue[n].bytes <= s.engine.cfg.Limits.GroupBytes) {
		size += s.queue[n].bytes
		n++
	}
	group := s.queue[:n:n]
	s.queue = s.queue[n:]
	if len(s.queue) == 0 {
		s.queue = nil
	}
	return group
}

// commit runs a group in one transaction. If that fails for a reason that may lie with one of them, each is tried by itself. It returns the
// transactions that changed something, in order; uncertain says that one of which the store told nothing good may have been done all the same.
func (s *scope) commit(group []*job) (commits []*transaction, uncertain bool) {
	run := func(group []*job) error {
		tx, err := s.transact(group)
		if err == nil && tx.changed {
			commits = append(commits, tx)
		}
		return err
	}
	err := run(group)
	if err == nil {
		return commits, false
	}
	medium := errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrReadOnly) || errors.Is(err, store.ErrClosed)
	for _, j := range group {
		if len(group) > 1 && !medium {
			if err := run([]*job{j}); err != nil {
				j.err = wrap(err)
			}
			continue
		}
		j.err = wrap(err)
	}
	return commits, !medium
}

func (s *scope) transact(group []*job) (tx *transaction, err error) {
	err = s.engine.cfg.Store.Update(context.Background(), s.name, func(w store.Writer) error {
		var err error
		if tx, err = begin(s, w); err != nil {
			return err
		}
		for _, j := range group {
			var refused *Error
			switch err := j.run(tx); {
			case errors.As(err, &refused):
				j.err = err
			case err != nil:
				return err
			default:
				j.err = nil
			}
		}
		return tx.finish()
	})
	switch {
	case err != nil:
		s.index.Store(nil)
		s.ended(nil)
	case tx.changed:
		s.ended(tx.head)
	}
	if err == nil && tx.index != nil {
		s.index.Store(tx.index)
	}
	return tx, err
}

// transaction is one transaction in a scope: the scope's head as it is being moved on, and the records read so far.
type transaction struct {
	scope   *scope
	w       store.Writer
	head    *roundsv1.ScopeHead
	began   uint64 // the head's seq before it
	journal journal.Hash
	state   merge.StateHash
	records map[recordName]*stored
	written []recordName // names of records that were put, in order, perhaps more than once
	flushed int          // how many of them are in the store
	changed bool
	index   *indexState // nil: not read yet
	forgets bool        // what was remembered of earlier commits must not be told any more
}

type recordName struct {
	kind merge.Kind
	id   string
}

// stored is a record as it stands in the transaction.
type stored struct {
	change  *roundsv1.Change // nil: there is none
	encoded []byte           // canonical bytes of the version that the store has
	settled *roundsv1.Change // that version, where change is another
	rests   uint64           // that version; 0: none
	counted bool             // that version is part of the state hash
	grown   int              // bytes of mutations that were put since
}

func begin(s *scope, w store.Writer) (*transaction, error) {
	head, err := readHead(w)
	if err != nil {
		return nil, err
	}
	tx := &transaction{scope: s, w: w, head: head, began: head.GetSeq(), records: map[recordName]*stored{}}
	if len(head.GetEpoch()) == 0 {
		var drawn epoch
		if _, err := io.ReadFull(s.engine.cfg.Rand, drawn[:]); err != nil {
			return nil, fmt.Errorf("engine: draw an epoch: %w", err)
		}
		head.Epoch = drawn[:]
		return tx, nil
	}
	copy(tx.journal[:], head.GetJournalHash())
	copy(tx.state[:], head.GetStateHash())
	return tx, nil
}

func (tx *transaction) finish() error {
	if !tx.changed {
		return nil
	}
	if err := tx.flush(); err != nil {
		return err
	}
	tx.head.JournalHash, tx.head.StateHash = tx.journal[:], tx.state[:]
	return writeMessage(tx.w, headKey(), tx.head)
}

// readHead reads the scope's head; a scope that nothing was written to has a zero one.
func readHead(r store.Reader) (*roundsv1.ScopeHead, error) {
	head := new(roundsv1.ScopeHead)
	_, err := readMessage(r, headKey(), head)
	return head, err
}

func readMessage(r store.Reader, key []byte, m proto.Message) (found bool, err error) {
	value, err := r.Get(key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	if err := proto.Unmarshal(value, m); err != nil {
		return false, fmt.Errorf("engine: key %q: %w", key, err)
	}
	return true, nil
}

func writeMessage(w store.Writer, key []byte, m proto.Message) error {
	value, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("engine: key %q: %w", key, err)
	}
	return w.Set(key, value)
}

// record returns a record as it stands; its change is nil where there is none.
func (tx *transaction) record(kind merge.Kind, id string) (*stored, error) {
	name := recordName{kind, id}
	if have := tx.records[name]; have != nil {
		return have, nil
	}
	have, err := readRecord(tx.w, kind, id)
	if err == nil {
		tx.records[name] = have
	}
	return have, err
}

func readRecord(r store.Reader, kind merge.Kind, id string) (*stored, error) {
	parsed, ok := parseID(id)
	if !ok {
		return &stored{}, nil
	}
	value, err := r.Get(recordKey(tableRecord, kind, parsed))
	if errors.Is(err, store.ErrNotFound) {
		return &stored{}, nil
	}
	if err != nil {
		return nil, err
	}
	seq, err := valueSeq(value)
	if err != nil {
		return nil, err
	}
	if value, err = r.Get(seqKey(tableChange, seq)); err != nil || len(value) == 0 {
		return nil, fmt.Errorf("engine: change %d of %s %s: %w", seq, kind, id, or(err, errKey))
	}
	change := new(roundsv1.Change)
	if err := proto.Unmarshal(value[1:], change); err != nil {
		return nil, fmt.Errorf("engine: change %d of %s %s: %w", seq, kind, id, err)
	}
	return &stored{change: change, encoded: value[1:], rests: seq, counted: counts(change)}, nil
}

// put notes a record's new change in place of the one before it; grown is the size of the mutation that made it. It is encoded, hashed and written with the
// transaction's end, once, however often it changes: a shift on one ticket would else write that ticket a thousand times.
func (tx *transaction) put(kind merge.Kind, before *stored, after *roundsv1.Change, grown int) error {
	if _, ok := parseID(after.GetRecordId()); !ok {
		return fmt.Errorf("engine: record id %q: %w", after.GetRecordId(), errKey)
	}
	name := recordName{kind, after.GetRecordId()}
	settled := before.settled
	if before.rests == before.change.GetVersion() {
		settled = before.change
	}
	tx.records[name] = &stored{change: after, encoded: before.encoded, settled: settled, rests: before.rests, counted: before.counted,
		grown: before.grown + grown}
	tx.written = append(tx.written, name)
	tx.changed = true
	return nil
}

// counts: whether a change is part of the state hash.
func counts(change *roundsv1.Change) bool { return !change.GetDeleted() && !change.GetEvicted() }

// flush writes the records that were put since the last flush.
func (tx *transaction) flush() error {
	for ; tx.flushed < len(tx.written); tx.flushed++ {
		name := tx.written[tx.flushed]
		have := tx.records[name]
		version := have.change.GetVersion()
		if have.rests == version {
			continue
		}
		if err := tx.reindex(name, have); err != nil {
			return err
		}
		if have.rests != 0 {
			if err := tx.w.Delete(seqKey(tableChange, have.rests)); err != nil {
				return err
			}
		}
		encoded, err := merge.Marshal(have.change)
		if err != nil {
			return err
		}
		if have.counted {
			tx.state.Sub(merge.HashEncoded(have.encoded))
		}
		have.encoded, have.rests, have.counted, have.grown = encoded, version, counts(have.change), 0
		if have.counted {
			tx.state.Add(merge.HashEncoded(encoded))
		}
		flag := byte(flagLive)
		switch {
		case have.change.GetDeleted():
			flag = flagDeleted
			now := uint64(tx.scope.engine.cfg.Now().UnixMicro())
			if err := tx.w.Set(seqKey(tableTombstone, version), seqValue(now)); err != nil {
				return err
			}
		case have.change.GetEvicted():
			flag = flagEvicted
		}
		value := append(append(make([]byte, 0, 1+len(encoded)), flag), encoded...)
		if err := tx.w.Set(seqKey(tableChange, version), value); err != nil {
			return err
		}
		id, _ := parseID(name.id)
		if err := tx.w.Set(recordKey(tableRecord, name.kind, id), seqValue(version)); err != nil {
			return err
		}
	}
	return nil
}

// enter appends an entry to the journal under the head's next seq. The values that lost stand in a table of their own, not in the head: a head can
// never be redacted.
func (tx *transaction) enter(head *roundsv1.EntryHead, contentHash journal.Hash, content []byte) error {
	if outcome := head.GetOutcome(); len(outcome.GetLosses()) > 0 {
		if err := writeMessage(tx.w, seqKey(tableOutcome, head.GetSeq()), outcome); err != nil {
			return err
		}
		head.Outcome = proto.CloneOf(outcome)
		for _, loss := range head.GetOutcome().GetLosses() {
			loss.Other = nil
		}
	}
	encoded, hash, err := journal.AppendSealHashed(nil, tx.journal, head, contentHash, content)
	if err != nil {
		return err
	}
	if err := tx.w.Set(seqKey(tableJournal, head.GetSeq()), encoded); err != nil {
		return err
	}
	tx.head.Seq, tx.journal, tx.changed = head.GetSeq(), hash, true
	return nil
}
