package review

import (
	"context"
	"runtime"
	"slices"
	"sync"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
)

const (
	// leastRest is from how many entries on the rest of a scope is read in several places at once.
	leastRest = 4 * pageRecords
	// leastSplit is how many versions a span has at least that two readers share.
	leastSplit = 512
	// mostReaders read at once. Their pages together are not much larger than one of whoever reads alone.
	mostReaders = 4
	restRecords = pageRecords / 2
	restBytes   = pageBytes / 2
)

// rest is what a board that is being built still has to read. A scope has each record once, at the version of its last change; so what stands there may be read
// in any order, by several readers at once, who spend most of their time in decoding. What changes meanwhile moves behind all of it, and is followed afterwards.
type rest struct {
	until engine.Position // of the scope when the building began

	mu    sync.Mutex // guards what follows, and the content that is being built while readers run
	spans []*span    // that have something left
	reset bool       // the past is another one: all is to be read again
}

// span are the versions from < v <= to.
type span struct {
	from, to journal.Seq
	read     bool // by one of the readers
}

func (s *span) left() journal.Seq { return s.to - min(s.from, s.to) }

// restOf is what stands behind the first page of a scope; nil where that is so little that one reader is as good.
func restOf(first *engine.ChangesPage) *rest {
	at := first.Position
	if !first.More || at.Began < at.Seq+leastRest {
		return nil
	}
	return &rest{until: engine.Position{Epoch: at.Epoch, Seq: at.Began}, spans: []*span{{from: at.Seq, to: at.Began}}}
}

// readRest reads the rest of a scope into the content that is being built. After an error what is left can be read by the next call. The caller has the turn.
func (b *board) readRest(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		readers sync.WaitGroup
		once    sync.Once
		first   error
	)
	for _, s := range b.rest.spans {
		s.read = false
	}
	for range min(max(runtime.GOMAXPROCS(0), 2), mostReaders) {
		readers.Go(func() {
			if err := b.readSpans(ctx); err != nil {
				once.Do(func() { first = err })
				stop()
			}
		})
	}
	readers.Wait()
	return first
}

// readSpans is one reader: it reads spans until there is none for it.
func (b *board) readSpans(ctx context.Context) error {
	for {
		s, err := b.rest.take(ctx, b)
		if err != nil || s == nil {
			return err
		}
		for more := true; more; {
			page, err := b.records.Changes(ctx, b.scope, b.rest.behind(s.from), engine.ChangesLimits{Records: restRecords, Bytes: restBytes})
			if err != nil {
				return err
			}
			more = b.rest.put(s, page, b.building)
		}
	}
}

// behind is the position behind a version. Its Began says since when deletions have to be known.
func (r *rest) behind(version journal.Seq) engine.Position {
	return engine.Position{Epoch: r.until.Epoch, Seq: version, Began: r.until.Seq}
}

// put takes in a page that begins with a span, and tells whether the span has more.
func (r *rest) put(s *span, page *engine.ChangesPage, to *content) (more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reset = r.reset || page.Reset; r.reset {
		return false
	}
	// The span may have become shorter meanwhile.
	beyond := slices.IndexFunc(page.Changes, func(c *roundsv1.Change) bool { return journal.Seq(c.GetVersion()) > s.to })
	if beyond < 0 {
		beyond = len(page.Changes)
	}
	to.apply(page.Changes[:beyond])
	if page.More && beyond == len(page.Changes) {
		s.from = min(page.Position.Seq, s.to)
	} else {
		s.from = s.to
	}
	return s.left() > 0
}

// take finds a span for a reader: one that nobody reads, or the second half of the longest one. It is nil where nothing is left that is worth it.
func (r *rest) take(ctx context.Context, b *board) (*span, error) {
	for {
		longest, middle := r.next()
		if longest == nil || middle == 0 {
			return longest, nil
		}
		// Much of an old scope is empty, where records were changed again: what is given away begins with a record.
		page, err := b.records.Changes(ctx, b.scope, r.behind(middle), engine.ChangesLimits{Records: 1})
		if err != nil {
			return nil, err
		}
		if half := r.split(longest, middle, page); half != nil {
			return half, nil
		}
	}
}

// next returns a span that nobody reads, and 0; else the longest one with its middle, and nil where none is long.
func (r *rest) next() (s *span, middle journal.Seq) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans = slices.DeleteFunc(r.spans, func(s *span) bool { return s.left() == 0 })
	if r.reset {
		return nil, 0
	}
	for _, one := range r.spans {
		if !one.read {
			one.read = true
			return one, 0
		}
		if one.left() >= leastSplit && (s == nil || one.left() > s.left()) {
			s = one
		}
	}
	if s == nil {
		return nil, 0
	}
	return s, s.from + s.left()/2
}

// split ends a span at its middle and returns what begins with the first record behind it; nil where nothing does, or the reader of the span has come further.
func (r *rest) split(s *span, middle journal.Seq, found *engine.ChangesPage) *span {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reset = r.reset || found.Reset; r.reset || s.from >= middle || s.to <= middle {
		return nil
	}
	half := &span{from: s.to, to: s.to, read: true}
	if len(found.Changes) > 0 {
		half.from = min(s.to, journal.Seq(found.Changes[0].GetVersion())-1)
	}
	if s.to = middle; half.left() == 0 {
		return nil
	}
	r.spans = append(r.spans, half)
	return half
}
