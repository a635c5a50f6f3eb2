package auth_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

// crowd puts people with one role and one phone each straight into a store, spread over sites.
func crowd(b *testing.B, w *world, people, sites int) (auth.PersonID, auth.NodeID) {
	b.Helper()
	put := func(m proto.Message, letter byte, ids ...string) {
		v, err := proto.Marshal(m)
		if err != nil {
			b.Fatal(err)
		}
		k := string(letter)
		for _, id := range ids {
			k += rawID(id)
		}
		w.store.rows[k] = v
	}
	id := func(kind, i int) string { return fmt.Sprintf("0199c0de-%04x-7000-8000-%012x", kind, i) }
	from := w.clock.now().UnixMicro()
	for i := range sites {
		put(&roundsv1.Node{NodeId: id(1, i), ParentId: string(w.root), Type: roundsv1.NodeType_NODE_TYPE_SITE}, 'n', id(1, i))
	}
	for i := range people {
		p, g, d := id(2, i), id(3, i), id(4, i)
		put(&roundsv1.Grant{GrantId: g, PersonId: p, NodeId: id(1, i%sites), Role: roundsv1.Role_ROLE_WORKER, FromUs: from}, 'g', p, g)
		put(&roundsv1.Device{DeviceId: d, PersonId: p, PublicKey: make([]byte, 32), EnrolledUs: from}, 'd', d)
	}
	return auth.PersonID(id(2, people/2)), auth.NodeID(id(1, people/2%sites))
}

func rawID(id string) string {
	var b []byte
	for i := 0; i < len(id); i++ {
		if id[i] != '-' {
			b = append(b, hexDigit(id[i])<<4|hexDigit(id[i+1]))
			i++
		}
	}
	return string(b)
}

// BenchmarkOpen is a start with the whole company: 250,000 people with a phone each at 6,600 sites.
func BenchmarkOpen(b *testing.B) {
	w := found(b)
	crowd(b, w, 250_000, 6_600)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	w.reopen()
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		w.reopen()
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
}

// BenchmarkCheck is what every request asks, with the whole company in memory.
func BenchmarkCheck(b *testing.B) {
	w := found(b)
	p, site := crowd(b, w, 250_000, 6_600)
	w.reopen()
	now := w.clock.now()
	if !w.MayRead(p, siteOf(site), now) {
		b.Fatal("no right")
	}
	b.Run("MayRead", func(b *testing.B) {
		scope := siteOf(site)
		for b.Loop() {
			w.MayRead(p, scope, now)
		}
	})
	b.Run("RolesAt", func(b *testing.B) {
		scope := siteOf(site)
		for b.Loop() {
			w.RolesAt(p, scope, now)
		}
	})
	b.Run("Scopes", func(b *testing.B) {
		for b.Loop() {
			w.Scopes(p, now)
		}
	})
	b.Run("VerifyKnown", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.Verify(w.boss.access); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("VerifyFresh", func(b *testing.B) {
		w.cfg.CachedTokens = 2
		tokens := []string{}
		for range 8 {
			w.clock.pass(time.Second)
			if err := w.boss.turn(); err != nil {
				b.Fatal(err)
			}
			tokens = append(tokens, w.boss.access)
		}
		w.reopen()
		i := 0
		for b.Loop() {
			if _, err := w.Verify(tokens[i%8]); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}
