package server

import (
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// metrics are what Prometheus reads. They are made for one server and registered nowhere else.
type metrics struct {
	registry  *prometheus.Registry
	calls     *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	rejected  *prometheus.CounterVec
	outcomes  *prometheus.CounterVec
	mutations prometheus.Counter
	pages     prometheus.Counter
	upkeep    *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rounds_calls_total",
			Help: "Calls that ended, by procedure and Connect code."}, []string{"procedure", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "rounds_call_seconds",
			Help: "Time of unary calls.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15)}, []string{"procedure"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rounds_rejected_total",
			Help: "Calls refused before they were read: form, token, method, right, rate."}, []string{"reason"}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rounds_outcomes_total",
			Help: "Outcomes given to mutations, by status; repeated ones count again."}, []string{"status"}),
		mutations: prometheus.NewCounter(prometheus.CounterOpts{Name: "rounds_mutations_received_total",
			Help: "Mutations received, repeated ones too."}),
		pages: prometheus.NewCounter(prometheus.CounterOpts{Name: "rounds_pages_sent_total", Help: "Pages of changes sent by Exchange."}),
		upkeep: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rounds_upkeep_total",
			Help: "Rounds of upkeep, by what and result."}, []string{"what", "result"}),
	}
	m.registry.MustRegister(m.calls, m.seconds, m.rejected, m.outcomes, m.mutations, m.pages, m.upkeep,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// gauge registers a value that is read when Prometheus asks.
func (m *metrics) gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

func (m *metrics) ended(spec connect.Spec, code string, took time.Duration) {
	m.calls.WithLabelValues(spec.Procedure, code).Inc()
	if spec.StreamType == connect.StreamTypeUnary {
		m.seconds.WithLabelValues(spec.Procedure).Observe(took.Seconds())
	}
}

func (m *metrics) reject(reason string) { m.rejected.WithLabelValues(reason).Inc() }

// exchanged counts what a request brought and what became of it. Outcomes that the answer only repeats, because the device has not confirmed them,
// are not counted.
func (m *metrics) exchanged(req *roundsv1.ExchangeRequest, resp *roundsv1.ExchangeResponse) {
	var by [8]int
	for i, lane := range resp.GetLanes() {
		if i >= len(req.GetLanes()) {
			break
		}
		sent := req.GetLanes()[i]
		m.mutations.Add(float64(len(sent.GetMutations())))
		for _, o := range lane.GetOutcomes() {
			if s := int(o.GetStatus()); s < len(by) && o.GetLaneSeq() >= sent.GetFirstSeq() && sent.GetFirstSeq() > 0 {
				by[s]++
			}
		}
	}
	for status, n := range by {
		if n > 0 {
			m.outcomes.WithLabelValues(outcomeName(roundsv1.OutcomeStatus(status))).Add(float64(n))
		}
	}
	m.pages.Add(float64(len(resp.GetPages())))
}

func outcomeName(s roundsv1.OutcomeStatus) string {
	switch s {
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED:
		return "applied"
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED:
		return "merged"
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_CONFLICT:
		return "conflict"
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED:
		return "rejected"
	case roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED:
		return "quarantined"
	}
	return "other"
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// stateName is the state of a photo as a label.
func stateName(s roundsv1.PhotoState) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "PHOTO_STATE_"))
}
