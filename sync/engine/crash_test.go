package engine_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// A fixed shift of two phones is run once for every step of the store (see stride) and every fault at it. After a crash a new engine opens what was durable; after
// any failure the phone sends again. However it went, no outcome may be lost or change, and the end is the same.
func TestP10CrashAtEveryStep(t *testing.T) {
	ends := map[string]int{}
	for i, fault := range []memstore.Fault{memstore.CrashBefore, memstore.CrashAfter, memstore.Fail, memstore.ReplyLost, memstore.Full} {
		for n := 1 + uint64(i%stride); ; n += stride {
			end, struck := shiftWithFault(t, fault, n)
			if t.Failed() {
				t.Fatalf("%v at step %d", fault, n)
			}
			if !struck {
				break
			}
			ends[end]++
		}
	}
	if len(ends) != 1 {
		t.Fatalf("P10: %d different ends", len(ends))
	}
	for end, runs := range ends {
		if runs < 200/stride {
			t.Fatalf("only %d faults struck", runs)
		}
		if want, _ := shiftWithFault(t, memstore.None, 0); end != want {
			t.Fatalf("P10: not the end of a shift without faults:\n%s\n%s", end, want)
		}
	}
}

func shiftWithFault(t *testing.T, fault memstore.Fault, at uint64) (end string, struck bool) {
	var first uint64
	var memory *memstore.Store
	memory = memstore.New(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
		if first == 0 {
			first = op.N
		}
		if op.N == at {
			struck = true
			return fault
		}
		return memstore.None
	}})
	w := newWorld(t, memory)
	a, b := w.phone("a"), w.phone("b")
	sync := func(p *phone) {
		t.Helper()
		for range 20 {
			resp, err := p.exchange(p.request(site))
			if err == nil {
				p.take(resp)
				if !resp.GetMore() {
					return
				}
				continue
			}
			if !struck {
				t.Fatalf("refused without a fault: %v", err)
			}
			memory = memory.Crash()
			w.store = memory
			w.open()
		}
		t.Fatal("no way through")
	}
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t", ContactPhone: "1"}))
	a.do(site, id(1), reading(1))
	sync(a)
	sync(b)
	b.do(site, id(1), title("b"))
	b.do(site, id(2), reading(2)) // waits for a's next ticket
	a.do(site, id(1), title("a"))
	a.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: "2"}, 15))
	b.do(site, id(1), edit(&roundsv1.Ticket{ContactPhone: "3"}, 15))
	w.clock.pass(time.Minute)
	sync(b)
	a.do(site, id(2), create(&roundsv1.Ticket{Title: "second"}))
	a.do(site, id(1), start())
	sync(a)
	sync(b)
	w.store = memory.CloneWith(memstore.Config{}) // what comes now is looking, without faults
	w.open()
	w.audit(site)
	for name, p := range map[string]*phone{"a": a, "b": b} {
		if l := p.lane(site); l.confirmed != uint64(len(l.contents)) {
			t.Errorf("%s: %d of %d have an outcome", name, l.confirmed, len(l.contents))
		}
	}
	fresh := w.phone("fresh")
	sync(fresh)
	for id, change := range fresh.replicas[site] {
		if !proto.Equal(change, b.replicas[site][id]) {
			t.Errorf("P3: %s differs", id)
		}
	}
	for _, n := range []int{1, 2} {
		end += fmt.Sprintf("%x\n", encoded(t, fresh.ticket(id(n))))
	}
	return end, struck
}

func encoded(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
