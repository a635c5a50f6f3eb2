// Package badgerstore keeps a store in a directory with Badger (an LSM tree): the store of a server on a single machine.
//
// Commits of different scopes that come together share one write and one sync of the medium. A View reads the latest durable
// moment and waits for nobody. One process at a time may have the directory open for writing.
//
// # A full disk
//
// Badger writes through memory maps of files with holes, and a process that writes into a hole for which the disk has no room
// is killed (SIGBUS). So the store looks at the free space before each commit, and refuses with store.ErrFull while there is
// less than a reserve (Config.MinFreeBytes). The reserve is what badger may still need in the background for what it has
// already taken; whoever else writes to the same filesystem must leave it alone. Reading goes on, and so does writing once
// there is room again.
package badgerstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/internal/guard"
)

// Config says where and how a store is kept. Only Dir has to be given.
type Config struct {
	// Dir is the directory, made if it does not exist.
	Dir string
	// ReadOnly opens an existing, cleanly closed directory for reading; several processes may do so at a time. Update and Drop
	// answer store.ErrReadOnly.
	ReadOnly bool
	// NoSync leaves out the syncs: what was committed survives the death of the process but not that of the machine. For tests.
	NoSync bool
	// SyncDelay is added to each sync of the medium, to see how things go on a slower disk.
	SyncDelay time.Duration
	// MinFreeBytes is the free space that must remain on the medium for a commit to be taken; 0 is the greater of 256 MiB and
	// eight times MemTableBytes. Opening for writing needs a quarter of it.
	MinFreeBytes int64
	// FreeBytes tells the free space on the filesystem of a directory; nil asks the operating system.
	FreeBytes func(dir string) (uint64, error)
	// MemTableBytes is the size of the table in which writes are gathered in memory, at least 8 MiB; 0 is 32 MiB. Up to three
	// of them may be in memory under load. A transaction of more than a seventh of it is written twice.
	MemTableBytes int64
	// BlockCacheBytes bounds the cache of decompressed blocks; 0 is 16 MiB.
	BlockCacheBytes int64
	// GCInterval is the time between two rounds of CollectGarbage in the background; 0 is 10 minutes, less than 0 is never.
	GCInterval time.Duration
	// GCTick, if not nil, starts the rounds instead of GCInterval.
	GCTick <-chan time.Time
	// Logger hears what happens in the background; nil is silence.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.MemTableBytes = max(cmp.Or(c.MemTableBytes, 32<<20), 8<<20)
	c.MinFreeBytes = cmp.Or(c.MinFreeBytes, max(256<<20, 8*c.MemTableBytes))
	c.BlockCacheBytes = cmp.Or(c.BlockCacheBytes, 16<<20)
	c.GCInterval = cmp.Or(c.GCInterval, 10*time.Minute)
	if c.FreeBytes == nil {
		c.FreeBytes = freeBytes
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// inlineBytes is the size from which badger keeps a value in its value log: only transactions and values that are out of the
// ordinary, so that the rest needs no garbage collection there.
const inlineBytes = 1 << 20

func (c Config) badger() badger.Options {
	o := badger.DefaultOptions(c.Dir)
	o.ReadOnly = c.ReadOnly
	o.SyncWrites = !c.NoSync
	o.Logger = logger{c.Logger}
	o.MetricsEnabled = false
	o.DetectConflicts = false // Updates of one scope take turns
	o.NumVersionsToKeep = 1
	o.Compression = options.Snappy
	o.MemTableSize = c.MemTableBytes
	o.NumMemtables = 2
	o.NumCompactors = 2
	o.NumGoroutines = 2
	// Tables of one size bound what a compaction needs of the disk for a moment.
	o.BaseTableSize = 8 << 20
	o.TableSizeMultiplier = 1
	o.BaseLevelSize = 64 << 20
	o.BlockCacheSize = c.BlockCacheBytes
	o.ValueThreshold = inlineBytes
	o.ValueLogFileSize = 2 * store.MaxTransaction
	return o
}

// Store is a store.Store in a directory.
type Store struct {
	cfg  Config
	db   *badger.DB
	gate guard.Gate

	turns     guard.Turns
	snapshots snapshots
	spaces    atomic.Uint64 // the last space given out

	queue     chan *request
	committed chan struct{} // closed when the committer has ended
	committer committer

	sweeps    sync.Mutex    // held by the one round of CollectGarbage
	kick      chan struct{} // wakes the janitor after a Drop
	stop      context.CancelFunc
	janitored chan struct{} // closed when the janitor has ended
}

var _ store.Store = (*Store)(nil)

// Open opens the store in a directory and finishes what a crash left half done. It answers store.ErrInUse, ErrReadOnly, ErrFull
// (there is too little room even to open) and ErrFormat.
func Open(cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := prepare(cfg); err != nil {
		return nil, openError(cfg.Dir, err)
	}
	db, err := badger.OpenManaged(cfg.badger())
	if err != nil {
		return nil, openError(cfg.Dir, err)
	}
	s := &Store{
		cfg:       cfg,
		db:        db,
		queue:     make(chan *request, 256),
		committed: make(chan struct{}),
		kick:      make(chan struct{}, 1),
		janitored: make(chan struct{}),
	}
	s.committer = committer{
		store: s, db: db, last: stamp(db.MaxVersion()),
		maxBytes: db.MaxBatchSize() - db.MaxBatchSize()/16, maxWrites: db.MaxBatchCount() - 8,
	}
	db.SetDiscardTs(uint64(s.snapshots.publish(s.committer.last)))
	if err := s.begin(); err != nil {
		_ = db.Close()
		return nil, openError(cfg.Dir, err)
	}
	go s.committer.run(s.queue, s.committed)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.janitor(ctx)
	return s, nil
}

// prepare looks at the directory before badger touches it.
func prepare(cfg Config) error {
	if cfg.ReadOnly {
		_, err := os.Stat(cfg.Dir)
		return err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return err
	}
	if err := writable(cfg.Dir); err != nil {
		return err
	}
	free, err := cfg.FreeBytes(cfg.Dir)
	if err != nil {
		return err
	}
	if int64(min(free, 1<<62)) < cfg.MinFreeBytes/4 {
		return fmt.Errorf("%w: opening needs %d bytes free, there are %d", store.ErrFull, cfg.MinFreeBytes/4, free)
	}
	return nil
}

// openError tells an error of opening in the terms of package store. Badger hides the system's errors in text.
func openError(dir string, err error) error {
	says := func(errno syscall.Errno) bool {
		return errors.Is(err, errno) || strings.Contains(err.Error(), errno.Error())
	}
	kind := error(nil)
	switch {
	case errors.Is(err, store.ErrFull), errors.Is(err, store.ErrFormat):
	case strings.Contains(err.Error(), "Cannot acquire directory lock"):
		kind = store.ErrInUse
	case says(syscall.EROFS), says(syscall.EACCES), says(syscall.EPERM):
		kind = store.ErrReadOnly
	case says(syscall.ENOSPC), says(syscall.EDQUOT):
		kind = store.ErrFull
	}
	if kind != nil {
		return fmt.Errorf("badgerstore: open %s: %w: %w", dir, kind, err)
	}
	return fmt.Errorf("badgerstore: open %s: %w", dir, err)
}

// begin checks the format, or writes it into an empty directory, and reads what the store must know from the start.
func (s *Store) begin() error {
	txn := s.db.NewTransactionAt(uint64(s.snapshots.visible), false)
	defer txn.Discard()
	format, err := get(txn, formatKey())
	switch {
	case err == nil && string(format) != formatName:
		return fmt.Errorf("%w: %q; this program knows %q", store.ErrFormat, format, formatName)
	case errors.Is(err, store.ErrNotFound) && s.snapshots.visible == 0 && !s.cfg.ReadOnly:
		return s.committer.apply([]write{{key: formatKey(), value: []byte(formatName)}})
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("%w: the directory holds no store of this program", store.ErrFormat)
	case err != nil:
		return err
	}
	var greatest space
	if err := each(txn, []byte{kindScope}, func(_, value []byte) error {
		sp, err := decodeSpace(value)
		greatest = max(greatest, sp)
		return err
	}); err != nil {
		return err
	}
	if err := each(txn, []byte{kindDropped}, func(key, _ []byte) error {
		sp, err := decodeSpace(key[1:])
		greatest = max(greatest, sp)
		return err
	}); err != nil {
		return err
	}
	s.spaces.Store(uint64(greatest))
	return each(txn, []byte{kindLarge}, func(key, value []byte) error {
		if s.cfg.ReadOnly {
			return fmt.Errorf("%w: a transaction is half written; open for writing first", store.ErrReadOnly)
		}
		writes, err := decodeWrites(value)
		if err != nil {
			return err
		}
		return s.committer.finish(key, writes)
	})
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, scope store.Scope, read func(store.Reader) error) error {
	if err := errors.Join(scope.Check(), ctx.Err()); err != nil {
		return err
	}
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	r, end, err := s.reader(scope)
	if err != nil {
		return err
	}
	defer end()
	return read(r)
}

// reader begins to read a scope. The caller calls end.
func (s *Store) reader(scope store.Scope) (r *reader, end func(), err error) {
	at := s.snapshots.acquire()
	txn := s.db.NewTransactionAt(uint64(at), false)
	end = func() {
		txn.Discard()
		s.snapshots.release(at)
	}
	sp, err := lookup(txn, scope)
	if err != nil {
		end()
		return nil, nil, err
	}
	return &reader{txn: txn, space: sp}, end, nil
}

// lookup returns the space of a scope, 0 if it has none.
func lookup(txn *badger.Txn, scope store.Scope) (space, error) {
	value, err := get(txn, scopeKey(scope))
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return decodeSpace(value)
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, scope store.Scope, update func(store.Writer) error) error {
	return s.inTurn(ctx, scope, func(r *reader) ([]write, error) {
		w := &writer{reader: r}
		if r.space == 0 { // if it writes, the scope begins with it
			w.target = space(s.spaces.Add(1))
		} else {
			w.target = r.space
		}
		if err := update(w); err != nil {
			return nil, err
		}
		if err := w.budget.Err(); err != nil {
			return nil, err
		}
		writes := w.writes()
		if r.space == 0 && len(writes) > 0 {
			writes = append(writes, write{key: scopeKey(scope), value: encodeSpace(w.target)})
		}
		return writes, nil
	})
}

// Drop implements store.Store. The keys are gone at once; their bytes are freed in the background.
func (s *Store) Drop(ctx context.Context, scope store.Scope) error {
	err := s.inTurn(ctx, scope, func(r *reader) ([]write, error) {
		if r.space == 0 {
			return nil, nil
		}
		return []write{{key: scopeKey(scope), delete: true}, {key: droppedKey(r.space)}}, nil
	})
	if err == nil {
		s.wake()
	}
	return err
}

// inTurn waits for the scope's turn, calls decide, and commits what that returns.
func (s *Store) inTurn(ctx context.Context, scope store.Scope, decide func(*reader) ([]write, error)) error {
	if err := errors.Join(scope.Check(), ctx.Err()); err != nil {
		return err
	}
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	if s.cfg.ReadOnly {
		return store.ErrReadOnly
	}
	giveBack, err := s.turns.Take(ctx, scope)
	if err != nil {
		return err
	}
	defer giveBack()
	writes, err := func() ([]write, error) {
		r, end, err := s.reader(scope)
		if err != nil {
			return nil, err
		}
		defer end()
		return decide(r)
	}()
	if err != nil || len(writes) == 0 {
		return err
	}
	return s.commit(writes)
}

// Scopes implements store.Store.
func (s *Store) Scopes(ctx context.Context) ([]store.Scope, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.gate.Enter(); err != nil {
		return nil, err
	}
	defer s.gate.Leave()
	at := s.snapshots.acquire()
	defer s.snapshots.release(at)
	txn := s.db.NewTransactionAt(uint64(at), false)
	defer txn.Discard()
	return scopes(txn)
}

func scopes(txn *badger.Txn) (list []store.Scope, err error) {
	data := txn.NewIterator(iteratorOptions([]byte{kindData}))
	defer data.Close()
	err = each(txn, []byte{kindScope}, func(key, value []byte) error {
		sp, err := decodeSpace(value)
		if err != nil {
			return err
		}
		prefix := appendDataKey(nil, sp, nil)
		if data.Seek(prefix); data.ValidForPrefix(prefix) {
			list = append(list, store.Scope(key[1:]))
		}
		return nil
	})
	return list, err
}

// Close implements store.Store.
func (s *Store) Close() error {
	if !s.gate.Close() {
		return nil
	}
	s.stop()
	<-s.janitored
	close(s.queue)
	<-s.committed
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("badgerstore: close %s: %w", s.cfg.Dir, err)
	}
	return nil
}

// Size returns what the directory takes on the disk, in bytes.
func (s *Store) Size() (int64, error) {
	var total int64
	err := filepath.WalkDir(s.cfg.Dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += bytesOnDisk(info)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) { // a file that badger removed meanwhile
		err = nil
	}
	return total, err
}
