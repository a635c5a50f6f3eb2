package storetest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rounds-sync/rounds/sync/store"
)

// testHistory drives a store and a plain map through the same random history and compares what they answer.
func testHistory(t *testing.T, s suite) {
	seeds := s.Seeds
	if seeds == nil {
		for seed := range uint64(12) {
			seeds = append(seeds, seed+1)
		}
	}
	for i, seed := range seeds {
		if i%everySeed != 0 {
			continue
		}
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			h := &history{
				t: t, s: s, dir: t.TempDir(),
				rand:  rand.New(rand.NewPCG(seed, 0)),
				model: map[store.Scope]map[string]string{},
			}
			h.st = s.open(t, h.dir)
			for range 150 {
				h.step()
				if t.Failed() {
					break
				}
			}
			h.compareAll()
			h.reopen()
			h.compareAll()
			must(t, h.st.Close())
		})
	}
}

type history struct {
	t     *testing.T
	s     suite
	dir   string
	rand  *rand.Rand
	st    store.Store
	model map[store.Scope]map[string]string
}

func (h *history) step() {
	scope := h.scope()
	switch n := h.rand.IntN(100); {
	case n < 60:
		h.update(scope)
	case n < 90:
		view(h.t, h.st, scope, func(r store.Reader) {
			for range 1 + h.rand.IntN(4) {
				h.read(r, h.model[scope])
			}
		})
	case n < 94:
		must(h.t, h.st.Drop(ctx, scope))
		delete(h.model, scope)
	case n < 98:
		h.compareScopes()
	default:
		h.reopen()
	}
}

func (h *history) reopen() {
	must(h.t, h.st.Close())
	h.st = h.s.open(h.t, h.dir)
}

func (h *history) scope() store.Scope {
	return []store.Scope{"a", "a\x00", "aa", "b", "\xff"}[h.rand.IntN(5)]
}

// key draws from few bytes and short lengths, so that keys meet and are prefixes of each other.
func (h *history) key() string {
	var b strings.Builder
	for range 1 + h.rand.IntN(4) {
		b.WriteByte([]byte{0x00, 0x01, 'a', 'b', 0xfe, 0xff}[h.rand.IntN(6)])
	}
	return b.String()
}

func (h *history) value() string {
	size := h.rand.IntN(40)
	switch n := h.rand.IntN(400); {
	case n == 0:
		size = 1<<20 + h.rand.IntN(1<<20)
	case n < 20:
		size = h.rand.IntN(100_000)
	}
	return string(filler(h.rand.Uint64(), size))
}

func (h *history) update(scope store.Scope) {
	next := maps.Clone(h.model[scope])
	if next == nil {
		next = map[string]string{}
	}
	var refusal error
	if h.rand.IntN(6) == 0 {
		refusal = errors.New("refused")
	}
	err := h.st.Update(ctx, scope, func(w store.Writer) error {
		for range h.rand.IntN(12) {
			switch n := h.rand.IntN(10); {
			case n < 6:
				key, value := h.key(), h.value()
				must(h.t, w.Set([]byte(key), []byte(value)))
				next[key] = value
			case n < 8:
				key := h.key()
				must(h.t, w.Delete([]byte(key)))
				delete(next, key)
			default:
				h.read(w, next)
			}
		}
		return refusal
	})
	if err != refusal {
		h.t.Fatalf("Update of %q: got %v, want %v", scope, err, refusal)
	}
	if err == nil {
		h.model[scope] = next
	}
}

func (h *history) read(r store.Reader, model map[string]string) {
	h.t.Helper()
	if h.rand.IntN(2) == 0 {
		key := h.key()
		if want, ok := model[key]; ok {
			wantGet(h.t, r, key, want)
		} else {
			wantNone(h.t, r, key)
		}
		return
	}
	span := store.Span{Reverse: h.rand.IntN(2) == 0}
	switch h.rand.IntN(4) {
	case 0:
		reverse := span.Reverse
		span = store.Prefix([]byte(h.key()))
		span.Reverse = reverse
	case 1:
		span.From, span.To = []byte(h.key()), []byte(h.key())
	case 2:
		span.From = []byte(h.key())
	case 3:
		span.To = []byte(h.key())
	}
	want := []string{}
	for _, key := range slices.Sorted(maps.Keys(model)) {
		if key >= string(span.From) && (span.To == nil || key < string(span.To)) {
			want = append(want, key, model[key])
		}
	}
	if span.Reverse {
		want = reversePairs(want)
	}
	got := []string{}
	limit := h.rand.IntN(3*len(want)/2 + 2)
	for e, err := range r.Scan(span) {
		must(h.t, err)
		got = append(got, string(e.Key), string(e.Value))
		if len(got) >= limit {
			break
		}
	}
	if len(got) < len(want) && len(got) >= limit {
		want = want[:len(got)]
	}
	wantList(h.t, fmt.Sprintf("Scan from %q to %q, reverse %t", span.From, span.To, span.Reverse), got, want...)
}

func (h *history) compareScopes() {
	h.t.Helper()
	want := []store.Scope{}
	for scope, content := range h.model {
		if len(content) > 0 {
			want = append(want, scope)
		}
	}
	slices.Sort(want)
	got, err := h.st.Scopes(ctx)
	must(h.t, err)
	wantList(h.t, "Scopes", got, want...)
}

func (h *history) compareAll() {
	h.t.Helper()
	h.compareScopes()
	for _, scope := range []store.Scope{"a", "a\x00", "aa", "b", "\xff"} {
		want := []string{}
		for _, key := range slices.Sorted(maps.Keys(h.model[scope])) {
			want = append(want, key, h.model[scope][key])
		}
		wantList(h.t, fmt.Sprintf("scope %q", scope), content(h.t, h.st, scope), want...)
	}
}
