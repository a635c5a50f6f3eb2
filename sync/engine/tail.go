package engine

import (
	"cmp"
	"slices"
)

// tailBytes bounds what a scope remembers of its last commits.
const tailBytes = 256 << 10

// tail remembers the pages of a scope's last commits, so that thousands of watchers who were up to date before a commit are served from
// memory. It is a ring by bytes; a device that is further behind reads the store.
type tail struct {
	commits []commitPage
	bytes   int
}

// commitPage is what one commit changed, as the changes field of the page that leads from its beginning to its end.
type commitPage struct {
	from, to uint64
	changes  []byte
}

// tailFrom returns the changes from a cursor to the head when the device was complete at the beginning of a commit that is remembered. Deltas are
// made against the beginning of each commit, so a chain of commits is right too, only not the shortest.
func (s *scope) tailFrom(from cursor, head uint64) ([]byte, bool) {
	if from.complete != from.seq || from.complete == 0 {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, first := range s.tail.commits {
		if first.from != from.seq {
			continue
		}
		if first.to == head {
			return first.changes, true
		}
		var changes []byte
		for _, c := range s.tail.commits[i:] {
			if c.to > head {
				break
			}
			changes = append(changes, c.changes...)
			if c.to == head {
				return changes, true
			}
		}
		return nil, false
	}
	return nil, false
}

// publish remembers a commit and wakes who watches the scope.
func (s *scope) publish(tx *transaction) {
	s.mu.Lock()
	watched := len(s.watchers) > 0
	if !watched {
		s.tail = tail{}
	}
	s.mu.Unlock()
	if !watched {
		return
	}
	changes, err := tx.page()
	page := commitPage{from: tx.began, to: tx.head.GetSeq(), changes: changes}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || tx.forgets {
		s.tail = tail{} // watchers read the store instead
		page.changes = nil
	}
	if n := len(s.tail.commits); n > 0 && s.tail.commits[n-1].to != page.from {
		s.tail = tail{}
	}
	if err == nil && !tx.forgets {
		s.tail.commits = append(s.tail.commits, page)
		s.tail.bytes += len(page.changes)
	}
	for s.tail.bytes > tailBytes && len(s.tail.commits) > 0 {
		s.tail.bytes -= len(s.tail.commits[0].changes)
		s.tail.commits = s.tail.commits[1:]
	}
	for w := range s.watchers {
		w.wake()
	}
}

// look wakes who watches the scope without saying what there is: they read the store.
func (s *scope) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tail = tail{}
	for w := range s.watchers {
		w.wake()
	}
}

// page encodes what the transaction changed, as a device needs it that was complete at its beginning.
func (tx *transaction) page() ([]byte, error) {
	slices.SortFunc(tx.written, func(a, b recordName) int {
		return cmp.Compare(tx.records[a].change.GetVersion(), tx.records[b].change.GetVersion())
	})
	var changes []byte
	for _, name := range slices.Compact(tx.written) {
		part, err := delta(tx.records[name].encoded, tx.began)
		if err != nil {
			return nil, err
		}
		changes = appendField(changes, part)
	}
	return changes, nil
}
