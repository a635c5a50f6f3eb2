package engine_test

import (
	"testing"
	"testing/synctest"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// A commit whose reply was lost is seen by who watches when it was done, not when the next heartbeat is due.
func TestWatchersHearOfACommitWhoseReplyWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fault memstore.Fault
		w := newWorld(t, memstore.New(memstore.Config{Fault: func(op memstore.Op) memstore.Fault {
			if op.Step != memstore.StepCommit {
				return memstore.None
			}
			return fault
		}}))
		a, b := w.phone("a"), w.phone("b")
		s := b.watch(t, nil)
		s.next()
		a.do(site, id(1), create(&roundsv1.Ticket{Title: "t"}))
		fault = memstore.ReplyLost
		if _, err := a.exchange(a.request(site)); err == nil {
			t.Fatal("the reply was not lost")
		}
		synctest.Wait()
		select {
		case m := <-s.messages:
			if len(m.GetPages()) != 1 || len(m.GetPages()[0].GetChanges()) != 1 {
				t.Fatalf("%v", m)
			}
		default:
			t.Fatal("the watcher was not woken")
		}
		s.stop()
		<-s.ended
	})
}
