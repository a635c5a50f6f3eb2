package badgerstore

import "sync"

// stamp is a moment of the store: badger's version number. Commits get rising stamps.
type stamp uint64

// snapshots knows what is durable and may be seen, and which older moments somebody still looks at.
type snapshots struct {
	mu      sync.Mutex // guards all below
	visible stamp
	open    []held // rising; the first one is held by somebody
}

// held is a moment and how many look at it.
type held struct {
	at stamp
	n  int
}

// acquire returns the latest visible moment, and keeps it until release.
func (s *snapshots) acquire() stamp {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.open) - 1; last >= 0 && s.open[last].at == s.visible {
		s.open[last].n++
	} else {
		s.open = append(s.open, held{at: s.visible, n: 1})
	}
	return s.visible
}

func (s *snapshots) release(at stamp) {
	s.mu.Lock()
	defer s.mu.Unlock()
	low, high := 0, len(s.open)
	for low < high {
		if mid := (low + high) / 2; s.open[mid].at < at {
			low = mid + 1
		} else {
			high = mid
		}
	}
	s.open[low].n--
	free := 0
	for free < len(s.open) && s.open[free].n == 0 {
		free++
	}
	s.open = s.open[:copy(s.open, s.open[free:])]
}

// publish makes everything up to at visible, and returns the moment before which nobody looks any more: of each key, only the
// newest version up to then is still needed.
func (s *snapshots) publish(at stamp) (needed stamp) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visible = at
	if len(s.open) > 0 {
		return s.open[0].at
	}
	return at
}
