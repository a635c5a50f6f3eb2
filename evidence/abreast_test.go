package evidence_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/drawn"
)

// TestLookedAtAbreast: what an older photo says of a younger one is not missed when the younger one is just being written down as clean.
func TestLookedAtAbreast(t *testing.T) {
	w := newWorld(t)
	li := w.phone("li", worker)
	first := drawn.Photo(8, drawn.Door, drawn.Options{WidthPx: 320, Shot: 8, Quality: 90})
	again := drawn.Photo(8, drawn.Door, drawn.Options{WidthPx: 320, Shot: 8, Quality: 60})
	older, younger := li.promise(first, of("a")), li.promise(again, of("b"))
	li.upload(site, again)
	var writes atomic.Int64
	held, release := make(chan struct{}), make(chan struct{})
	let := sync.OnceFunc(func() { close(release) })
	w.records.fail = func(string) error {
		if writes.Add(1) == 2 { // the younger one was analysed, and is now to be settled: what it is held against was gathered
			close(held)
			<-release
		}
		return nil
	}
	w.work(func() {
		defer let()
		<-held
		li.upload(site, first)
		// The older one goes as far as it gets meanwhile.
		soon := time.Now().Add(100 * time.Millisecond)
		w.until(func() bool {
			state := w.photo(older).GetState()
			return state == roundsv1.PhotoState_PHOTO_STATE_CLEAN || state == roundsv1.PhotoState_PHOTO_STATE_ANALYSED && time.Now().After(soon)
		})
		let()
		w.waitSettled(older, younger)
		w.waitFinding(younger, "NEAR_DUPLICATE", true)
	})
	if w.found(older, "NEAR_DUPLICATE") {
		t.Fatal("the older one was called the copy")
	}
}
