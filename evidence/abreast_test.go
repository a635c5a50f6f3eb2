package evidence_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
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

// TestOtherSize: a promise of bytes that are in storage, with another size than they have, is refused when it is asked for, and does not wait for ever.
func TestOtherSize(t *testing.T) {
	w := newWorld(t)
	li, wang := w.phone("li", worker), w.phone("wang", worker)
	content := image(91, drawn.After)
	short := func(p *roundsv1.Photo) { p.SizeBytes-- }
	before, id := wang.promise(content, short), li.promise(content)
	if w.photo(before).GetState() != roundsv1.PhotoState_PHOTO_STATE_UNSPECIFIED {
		t.Fatal("refused before its hash was seen")
	}
	li.upload(site, content)
	after := wang.promise(content, short)
	if w.photo(id).GetState() != roundsv1.PhotoState_PHOTO_STATE_STORED || wang.plan(site, content)[0].GetStored() == nil {
		t.Fatal("not stored")
	}
	for _, id := range []string{before, after} {
		p := w.photo(id)
		if p.GetState() != stateHard || !w.found(id, "BYTES_DIFFER") || p.GetReport().GetStoredUs() != 0 {
			t.Fatalf("%v %v", p.GetState(), p.GetFindings())
		}
		if f := p.GetReport().GetFindings()[0]; f.GetMeasured() != float64(len(content)-1) || f.GetThreshold() != float64(len(content)) || f.GetSentence().GetEn() == "" {
			t.Errorf("%v", f)
		}
	}
	if waits, err := w.desk.Waiting(t.Context()); err != nil || waits.Photos != 0 {
		t.Errorf("still waiting: %v, %v", waits, err)
	}
}

// TestPromisedByManyOfOne: however many photos promise the same bytes, none waits for ever; and what cannot be taken is refused in all of them at once.
func TestPromisedByManyOfOne(t *testing.T) {
	w := newWorld(t)
	li := w.phone("li", worker)
	content := image(92, drawn.After)
	for many, bytes := range map[int][]byte{1010: content, 20: nil} {
		h := hashOf(bytes)
		if err := w.engine.Write(t.Context(), site, func(engine.View) ([]engine.Derived, error) {
			var list []engine.Derived
			for i := range many {
				list = append(list, engine.Derived{RecordID: merge.RecordID(uid(fmt.Sprint(h, i))), Edit: &roundsv1.Edit{
					Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Sha256: h[:], SizeBytes: int64(len(bytes))}}},
					Fields: []uint32{6, 7}}})
			}
			return list, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	li.promise(content)
	li.upload(site, content)
	for range 2 { // some at a time
		li.plan(site, content, nil)
	}
	if waits, err := w.desk.Waiting(t.Context()); err != nil || waits.Photos != 0 || waits.Unsettled != 1011 {
		t.Errorf("still waiting: %v, %v", waits, err)
	}
}
