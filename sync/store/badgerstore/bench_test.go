package badgerstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/badgerstore"
)

// document writes what a push of one document writes: three keys, of which one holds a record of about 600 bytes that
// compresses about as JSON or protobuf text does.
func document(w store.Writer, n int, record []byte) error {
	return errors.Join(
		w.Set(fmt.Appendf(nil, "r/0190f3e2-7bb1-7c3e-9d2e-%012d", n), record),
		w.Set(fmt.Appendf(nil, "j/%016x", n), record[:250]),
		w.Set(fmt.Appendf(nil, "c/%016x", n), record[:40]),
	)
}

func record(seed uint64) []byte {
	words := []string{"water", "leaks", "from", "the", "ceiling", "of", "garage", "B2", "near", "lift", "urgent", "photo", "checked"}
	random := rand.New(rand.NewPCG(seed, 1))
	out := make([]byte, 0, 640)
	for len(out) < 600 {
		out = append(out, words[random.IntN(len(words))]...)
		out = fmt.Appendf(out, " %d ", random.IntN(1000))
	}
	return out[:600]
}

// BenchmarkPush commits transactions of 25 documents from some scopes at once, also on a slow disk; an op is one document.
func BenchmarkPush(b *testing.B) {
	for _, c := range []struct {
		writers int
		delay   time.Duration
	}{{1, 0}, {8, 0}, {64, 0}, {64, 5 * time.Millisecond}} {
		writers := c.writers
		b.Run(fmt.Sprintf("scopes=%d/delay=%v", writers, c.delay), func(b *testing.B) {
			s := open(b, badgerstore.Config{Dir: b.TempDir(), SyncDelay: c.delay})
			records := make([][]byte, 64)
			for i := range records {
				records[i] = record(uint64(i))
			}
			b.ResetTimer()
			var wg sync.WaitGroup
			for i := range writers {
				wg.Go(func() {
					for n := i * 25; n < b.N; n += writers * 25 {
						err := s.Update(context.Background(), store.Scope(fmt.Sprintf("site/%d", i)), func(w store.Writer) error {
							for k := range min(25, b.N-n) {
								if err := document(w, n+k, records[(n+k)%64]); err != nil {
									return err
								}
							}
							return nil
						})
						if err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			if size, err := s.Size(); err == nil {
				b.ReportMetric(float64(size)/float64(b.N*600), "disk/payload")
			}
		})
	}
}

// filled makes a store with 50,000 documents in one scope.
func filled(b *testing.B, cfg badgerstore.Config) *badgerstore.Store {
	s := open(b, cfg)
	for n := 0; n < 50_000; n += 1000 {
		if err := s.Update(context.Background(), "site/1", func(w store.Writer) error {
			for k := range 1000 {
				if err := document(w, n+k, record(uint64(n+k))); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func BenchmarkScan(b *testing.B) {
	dir := b.TempDir()
	s := filled(b, badgerstore.Config{Dir: dir})
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	s = open(b, badgerstore.Config{Dir: dir})
	defer s.Close()
	keys := 0
	b.ReportAllocs()
	for b.Loop() {
		_ = s.View(context.Background(), "site/1", func(r store.Reader) error {
			for e, err := range r.Scan(store.Span{}) {
				if err != nil {
					b.Fatal(err)
				}
				keys += min(1, len(e.Value))
			}
			return nil
		})
	}
	b.ReportMetric(float64(keys)/b.Elapsed().Seconds(), "keys/s")
}

func BenchmarkGet(b *testing.B) {
	s := filled(b, badgerstore.Config{Dir: b.TempDir()})
	defer s.Close()
	random := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	for b.Loop() {
		err := s.View(context.Background(), "site/1", func(r store.Reader) error {
			_, err := r.Get(fmt.Appendf(nil, "r/0190f3e2-7bb1-7c3e-9d2e-%012d", random.IntN(50_000)))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkShortScan reads the head of a span, as the reading of a journal's end or of a small page does.
func BenchmarkShortScan(b *testing.B) {
	s := filled(b, badgerstore.Config{Dir: b.TempDir()})
	defer s.Close()
	b.ReportAllocs()
	for b.Loop() {
		_ = s.View(context.Background(), "site/1", func(r store.Reader) error {
			for _, err := range r.Scan(store.Span{From: []byte("c/"), To: []byte("c0"), Reverse: true}) {
				return err
			}
			return nil
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	if err := filled(b, badgerstore.Config{Dir: dir}).Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s := open(b, badgerstore.Config{Dir: dir})
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
