package bench

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// limits measures what the machine does at best at the time of the run: syncs, hashes, and an empty call.
func (r *run) limits(ctx context.Context) error {
	r.say("the machine's limits")
	synced, err := syncLatency(r.dir, 500)
	if err != nil {
		return err
	}
	r.report.add("limits.fsync_p50", ms(quantile(synced, 0.5)), "ms")
	r.report.add("limits.fsync_p99", ms(quantile(synced, 0.99)), "ms")
	r.report.add("limits.sha256", hashRate(), "MB/s")
	p, err := r.startBare(ctx)
	if err != nil {
		return err
	}
	empty, err := emptyCalls(ctx, p.address, 2000)
	if err != nil {
		return err
	}
	r.report.add("limits.empty_call_p50", ms(quantile(empty, 0.5)), "ms")
	r.report.add("limits.empty_call_p99", ms(quantile(empty, 0.99)), "ms")
	return p.stop()
}

// syncLatency appends little to a file and syncs it, n times.
func syncLatency(dir string, n int) ([]time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	took := make([]time.Duration, n)
	block := make([]byte, 512)
	for i := range took {
		began := time.Now()
		if _, err := f.Write(block); err != nil {
			return nil, err
		}
		if err := syncData(f); err != nil {
			return nil, err
		}
		took[i] = time.Since(began)
	}
	return took, nil
}

// hashRate is how many megabytes a second one core hashes.
func hashRate() float64 {
	block := make([]byte, 1<<20)
	_, _ = rand.Read(block)
	const n = 128
	began := time.Now()
	sum := sha256.New()
	for range n {
		_, _ = sum.Write(block)
	}
	_ = sum.Sum(nil)
	return n * float64(len(block)) / 1e6 / time.Since(began).Seconds()
}

// emptyCalls asks a bare server for nothing, one call after the other on one connection.
func emptyCalls(ctx context.Context, address string, n int) ([]time.Duration, error) {
	w := newWire(address, 1, false)
	defer w.close()
	nothing, err := proto.Marshal(&roundsv1.ExchangeRequest{})
	if err != nil {
		return nil, err
	}
	var buffer []byte
	took := make([]time.Duration, n)
	for i := range took {
		began := time.Now()
		answer, err := w.exchange(ctx, "", body{bytes: nothing}, buffer)
		if err != nil {
			return nil, err
		}
		took[i], buffer = time.Since(began), answer.bytes
	}
	return took, nil
}

// bare pushes a load to a server that does the least that any could: decode, gather what comes together into one write, sync, answer.
func (r *run) bare(ctx context.Context, l *load) error {
	p, err := r.startBare(ctx)
	if err != nil {
		return err
	}
	r.say("pushing to a bare server")
	w := newWire(p.address, r.options.Connections, false)
	defer w.close()
	before, _ := p.cpu()
	s, err := l.send(ctx, w, r.options.Connections)
	if err != nil {
		return err
	}
	after, ok := p.cpu()
	if err := l.check(s, true); err != nil {
		return err
	}
	r.report.add("limits.bare_docs_per_second", float64(r.options.Docs)/s.took.Seconds(), "1/s")
	r.report.add("limits.bare_batch_p99", ms(quantile(s.batches, 0.99)), "ms")
	if ok {
		r.report.add("limits.bare_cpu_per_doc", ms(after-before)/float64(r.options.Docs), "ms")
	}
	return p.stop()
}

func (r *run) startBare(ctx context.Context) (*process, error) {
	p, err := r.start(ctx, "bench", bareName, "--dir", r.dir, "--sync-delay", r.options.SyncDelay.String())
	if err != nil {
		return nil, fmt.Errorf("the bare server: %w", err)
	}
	return p, nil
}

// emptyRequest asks for nothing.
func emptyRequest(p *puller) ([]byte, error) { return proto.Marshal(p.request(nil)) }
