package door

import (
	"sync/atomic"
	"testing"
	"time"
)

// A handler does not return while its connection is given up, and nothing is done to the connection afterwards: net/http has taken it back, and over HTTP/2 whoever touches
// it then takes the whole server down.
func TestNothingIsCutAfterTheEnd(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	var cut atomic.Bool
	s := watchOver(0, func() {
		close(began)
		<-goOn
		cut.Store(true)
	})
	<-began
	go close(goOn)
	s.end()
	if !cut.Load() {
		t.Error("the handler returns while its connection is given up")
	}

	s = watchOver(time.Hour, func() { t.Error("cut after the end") })
	s.end()
	s.timer.Reset(0) // as by a write that was under way
	fired := make(chan struct{})
	time.AfterFunc(0, func() { close(fired) })
	<-fired
	s.mu.Lock()
	defer s.mu.Unlock()
}
