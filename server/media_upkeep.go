package server

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/media/check"
)

// maintainMedia has the desk clean up.
func (s *Server) maintainMedia(ctx context.Context) {
	result := "ok"
	if err := s.desk.Upkeep(ctx); err != nil && ctx.Err() == nil {
		result = "failed"
		s.log.Error("upkeep of photos failed", "error", err)
	}
	s.metrics.upkeep.WithLabelValues("media", result).Inc()
}

// storageCheck is how long the storage of photos may take to answer whether it is there.
const storageCheck = 3 * time.Second

// storageReady asks whether photos can be stored and read now.
func (s *Server) storageReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storageCheck)
	defer cancel()
	return s.blobs.Check(ctx)
}

// photos registers what the desk counts.
func (m *metrics) photos(desk *evidence.Desk, now func() time.Time) {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	m.registry.MustRegister(&photoCollector{desk: desk, now: now,
		waiting:   describe("rounds_photos_waiting", "Photos promised and not stored."),
		bytes:     describe("rounds_photos_waiting_bytes", "Bytes of the photos that wait."),
		oldest:    describe("rounds_photos_waiting_oldest_seconds", "Age of the photo that was promised first of those that wait."),
		unsettled: describe("rounds_photos_unsettled", "Photos stored and not yet held against the rules."),
		received:  describe("rounds_photos_received_total", "Photos whose bytes arrived and were verified."),
		taken:     describe("rounds_photos_received_bytes_total", "Their bytes."),
		dedup:     describe("rounds_photos_deduplicated_total", "Answers that the bytes are here with another photo."),
		differed:  describe("rounds_photos_differed_total", "Uploads whose bytes were not the promised ones."),
		parts:     describe("rounds_photo_parts_named_total", "Parts named in plans, repeated ones too."),
		settled:   describe("rounds_photos_settled_total", "Photos held against the rules, by result.", "state"),
		findings:  describe("rounds_photo_findings_total", "What the checks found, by code.", "code"),
		failures:  describe("rounds_photo_failures_total", "Photos that could not be looked at and are tried again."),
		storage:   describe("rounds_photo_storage_errors_total", "Faults of the storage, by what it was asked for.", "what"),
		swept:     describe("rounds_photo_uploads_swept_total", "Uploads dropped because nothing happened in them."),
		removed:   describe("rounds_photo_objects_removed_total", "Originals removed because no photo has them."),
		retired:   describe("rounds_photos_retired_total", "Photos redacted because their time was over."),
	})
}

// photoCollector reads the desk's counts when Prometheus asks. What waits is counted at most every few seconds.
type photoCollector struct {
	desk *evidence.Desk
	now  func() time.Time

	waiting, bytes, oldest, unsettled, received, taken, dedup, differed, parts, settled, findings, failures, storage, swept, removed, retired *prometheus.Desc

	mu      sync.Mutex // guards what follows
	counted time.Time
	last    evidence.Waiting
}

var _ prometheus.Collector = (*photoCollector)(nil)

// countAgain is after how long what waits is counted anew.
const countAgain = 10 * time.Second

// Describe implements prometheus.Collector.
func (c *photoCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.waiting, c.bytes, c.oldest, c.unsettled, c.received, c.taken, c.dedup, c.differed, c.parts, c.settled,
		c.findings, c.failures, c.storage, c.swept, c.removed, c.retired} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *photoCollector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) { to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	if w, ok := c.wait(); ok {
		gauge(c.waiting, float64(w.Photos))
		gauge(c.bytes, float64(w.Bytes))
		gauge(c.unsettled, float64(w.Unsettled))
		age := 0.0
		if w.OldestUs != 0 {
			age = max(0, c.now().Sub(time.UnixMicro(w.OldestUs)).Seconds())
		}
		gauge(c.oldest, age)
	}
	s := c.desk.Stats()
	count(c.received, s.Received)
	count(c.taken, s.ReceivedBytes)
	count(c.dedup, s.Deduplicated)
	count(c.differed, s.Differed)
	count(c.parts, s.PartsNamed)
	count(c.failures, s.Failures)
	count(c.swept, s.Swept)
	count(c.removed, s.Removed)
	count(c.retired, s.Retired)
	for state, n := range s.Settled {
		count(c.settled, n, stateName(state))
	}
	for code, n := range s.Findings {
		count(c.findings, n, check.Word(code))
	}
	for what, n := range s.Storage {
		count(c.storage, n, what)
	}
}

// wait returns what waits; false where it cannot be counted now.
func (c *photoCollector) wait() (evidence.Waiting, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.counted.IsZero() && time.Since(c.counted) < countAgain {
		return c.last, true
	}
	ctx, cancel := context.WithTimeout(context.Background(), countAgain)
	defer cancel()
	w, err := c.desk.Waiting(ctx)
	if err != nil {
		return w, false
	}
	c.last, c.counted = w, time.Now()
	return w, true
}
