package engine_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
)

// Two people edit one title without seeing each other, a at 8:10 and b at 8:20; whatever b's or a's clock shows, the later edit is shown,
// in both orders of arrival.
func TestP13WrongClocksDoNotDecide(t *testing.T) {
	for _, skew := range []time.Duration{0, -20 * 365 * 24 * time.Hour, 73 * 365 * 24 * time.Hour, 5 * time.Hour, -5 * time.Hour} {
		for _, wrong := range []string{"a", "b"} {
			for _, first := range []string{"a", "b"} {
				t.Run(fmt.Sprintf("%s of %s, %s first", skew, wrong, first), func(t *testing.T) {
					onStores(t, func(t *testing.T, s store.Store) {
						w := newWorld(t, s)
						phones := map[string]*phone{"a": w.phone("a"), "b": w.phone("b")}
						phones[wrong].skew = skew
						phones["a"].do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
						phones["a"].sync()
						phones["b"].sync()
						w.clock.pass(10 * time.Minute)
						phones["a"].do(site, id(1), title("a, earlier"))
						w.clock.pass(10 * time.Minute)
						phones["b"].do(site, id(1), title("b, later"))
						w.clock.pass(time.Hour)
						second := map[string]string{"a": "b", "b": "a"}[first]
						phones[first].sync()
						w.clock.pass(time.Minute)
						phones[second].sync()
						phones[first].sync()
						for name, p := range phones {
							if got := p.ticket(id(1)).GetTitle(); got != "b, later" {
								t.Errorf("%s shows %q", name, got)
							}
						}
						if o := phones[second].outcome(site, uint64(len(phones[second].lane(site).contents))); o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED ||
							len(o.GetLosses()) != 1 || o.GetTrust() != roundsv1.Trust_TRUST_A {
							t.Errorf("P5: the loser is not named: %v", o)
						}
					})
				})
			}
		}
	}
}

func TestTrust(t *testing.T) {
	tests := []struct {
		name string
		step func(w *world, p *phone)
		want roundsv1.Trust
		off  time.Duration // of the effective time, against the truth
	}{
		{"same boot", func(*world, *phone) {}, roundsv1.Trust_TRUST_A, 0},
		{"same boot, wall clock set", func(_ *world, p *phone) { p.skew = 30 * 24 * time.Hour }, roundsv1.Trust_TRUST_A, 0},
		{"reboot, wall clock untouched", func(_ *world, p *phone) { p.boot = "boot 2" }, roundsv1.Trust_TRUST_A, 0},
		{"reboot and wall clock set", func(_ *world, p *phone) { p.boot, p.skew = "boot 2", p.skew+5*time.Minute }, roundsv1.Trust_TRUST_B, -5 * time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, newMemory())
			p := w.phone("a")
			p.skew = -3 * time.Minute
			p.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
			p.sync()
			w.clock.pass(10 * time.Minute)
			p.do(site, id(1), title("made now"))
			truth := w.clock.Now()
			w.clock.pass(2 * time.Hour)
			test.step(w, p)
			p.sync()
			o := p.outcome(site, 2)
			if off := time.UnixMicro(o.GetTimeUs()).Sub(truth); o.GetTrust() != test.want || off != test.off {
				t.Fatalf("trust %v, off by %s", o.GetTrust(), off)
			}
		})
	}
	t.Run("no clock at all", func(t *testing.T) {
		w := newWorld(t, newMemory())
		p := w.phone("a")
		p.skew = -time.Duration(w.clock.Now().UnixMicro()) * time.Microsecond // 1970
		p.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
		p.boot = "boot 2"
		w.clock.pass(time.Minute)
		p.sync()
		if o := p.outcome(site, 1); o.GetTrust() != roundsv1.Trust_TRUST_C || o.GetTimeUs() > w.clock.Now().UnixMicro() {
			t.Fatalf("%v", o)
		}
	})
}

// What a person writes on top of what they saw is later than it, however slow their clock runs.
func TestWhatYouSawYouWinOver(t *testing.T) {
	w := newWorld(t, newMemory())
	a, b := w.phone("a"), w.phone("b")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	b.sync()
	w.clock.pass(time.Hour)
	a.do(site, id(1), title("by a"))
	a.sync()
	b.sync()
	b.do(site, id(1), title("by b, who saw it"))
	b.boot, b.skew = "boot 2", 2*time.Hour // the wall clock is set before the sync, so the correction puts b's edit two hours back
	b.sync()
	if o := b.outcome(site, 1); o.GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED || b.ticket(id(1)).GetTitle() != "by b, who saw it" {
		t.Fatalf("%v: %v", o, b.ticket(id(1)))
	}
	w.audit(site)
}

// Clocks at the end of their numbers neither lose nor pin.
func TestClocksAtTheEndOfNumbers(t *testing.T) {
	w := newWorld(t, newMemory())
	a := w.phone("a")
	m := &roundsv1.Mutation{RecordId: id(1), Clock: &roundsv1.Clock{WallUs: math.MaxInt64, BootId: "boot 0", MonotonicUs: math.MinInt64},
		Act: &roundsv1.Mutation_Edit{Edit: create(&roundsv1.Ticket{Title: "t"})}}
	content, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	a.queue(site, content)
	req := a.request(site)
	req.Clock = &roundsv1.Clock{WallUs: 1, BootId: "boot 1", MonotonicUs: math.MaxInt64}
	resp, err := a.exchange(req)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.GetLanes()[0].GetOutcomes()[0].GetTimeUs(); got != w.clock.Now().UnixMicro() {
		t.Fatalf("%s", time.UnixMicro(got))
	}
}
