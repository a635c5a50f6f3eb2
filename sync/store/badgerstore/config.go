package badgerstore

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/rounds-sync/rounds/sync/store"
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
	// MemTableBytes is the size of the table in which writes are gathered in memory, at least 8 MiB; 0 is 24 MiB. Up to three
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
	c.MemTableBytes = max(cmp.Or(c.MemTableBytes, memTableBytes), 8<<20)
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

// memTableBytes is the default of Config.MemTableBytes. What writes a table to the medium buffers its blocks twice, plain and compressed, in pieces of 16, 32 and 64 MiB,
// and the buffers are kept for the next tables, also for those of compactions, of which eight and more are under way at a time. A table of 24 MiB is the
// greatest that fits into the first two pieces (48 MiB instead of 112).
const memTableBytes = 24 << 20

// inlineBytes is the size from which badger keeps a value in its value log: only transactions and values that are out of the
// ordinary, so that the rest needs no garbage collection there.
const inlineBytes = 1 << 20

func (c Config) badger() badger.Options {
	o := badger.DefaultOptions(c.Dir)
	o.ReadOnly = c.ReadOnly
	o.BypassLockGuard = locksItself
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
