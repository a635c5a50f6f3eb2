package engine_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// A tombstone is kept until a device says that it has passed it: the answer may have been lost.
func TestTombstonesOutliveALostAnswer(t *testing.T) {
	w := newWorld(t, newMemory())
	a, b := w.phone("a"), w.phone("b")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	b.sync()
	if _, err := w.Maintain(context.Background(), site); err != nil {
		t.Fatal(err)
	}
	a.do(site, id(1), delete_())
	a.sync()
	a.sync()
	if _, err := b.exchange(b.request(site)); err != nil { // the answer is lost
		t.Fatal(err)
	}
	if removed, err := w.Maintain(context.Background(), site); err != nil || removed != 0 {
		t.Fatalf("%d tombstones removed, %v", removed, err)
	}
	if b.sync(); b.pages[0].GetReset_() || b.record(site, id(1)) != nil {
		t.Fatal("b has to begin anew")
	}
	b.sync()
	if removed, err := w.Maintain(context.Background(), site); err != nil || removed != 1 {
		t.Fatalf("%d tombstones removed, %v", removed, err)
	}
}

// A device that was revoked passes nothing any more, and what it purged it may say.
func TestTombstonesDoNotWaitForRevokedDevices(t *testing.T) {
	w := newWorld(t, newMemory())
	a, lost := w.phone("a"), w.phone("lost")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	lost.sync()
	if _, err := w.Maintain(context.Background(), site); err != nil {
		t.Fatal(err)
	}
	w.access.set(func(x *access) { x.revoked[lost.device] = roundsv1.Revocation_REVOCATION_IMMEDIATE })
	a.do(site, id(1), delete_())
	a.sync()
	a.sync()
	if removed, err := w.Maintain(context.Background(), site); err != nil || removed != 1 {
		t.Fatalf("%d tombstones removed, %v", removed, err)
	}
}

// Maintenance that failed forgets nothing of what it was to write down.
func TestMaintainThatFailedKeepsTheProgress(t *testing.T) {
	var fault memstore.Fault
	memory := memstore.New(memstore.Config{Fault: func(memstore.Op) memstore.Fault { return fault }})
	w := newWorld(t, memory)
	a, b := w.phone("a"), w.phone("b")
	a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
	a.sync()
	b.sync()
	fault = memstore.Full
	if _, err := w.Maintain(context.Background(), site); err == nil {
		t.Fatal("a full disk is no fault")
	}
	fault = memstore.None
	a.do(site, id(1), delete_())
	a.sync()
	a.sync()
	if removed, err := w.Maintain(context.Background(), site); err != nil || removed != 0 {
		t.Fatalf("b was forgotten: %d tombstones removed, %v", removed, err)
	}
}

// Words of scopes that a device has no business with cost the server nothing.
func TestPurgedScopesOfOthersAreNotRemembered(t *testing.T) {
	writes := 0
	memory := memstore.New(memstore.Config{Fault: func(op memstore.Op) memstore.Fault { writes++; return memstore.None }})
	w := newWorld(t, memory)
	foreign := "site/" + uuid.NewSHA1(uuid.Nil, []byte("foreign")).String()
	w.access.set(func(x *access) { x.never[store.Scope(foreign)] = true })
	a := w.phone("a")
	if _, err := a.exchange(&roundsv1.ExchangeRequest{Clock: a.clock(), Purged: []string{foreign}}); err != nil {
		t.Fatal(err)
	}
	if writes != 0 {
		t.Fatalf("%d operations of the store", writes)
	}
}
