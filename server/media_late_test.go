package server

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/mediatest"
)

// TestLateDriver: an object store that does not answer at the start is tried again, not for every call; wrong settings are told at once.
func TestLateDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := mediatest.NewMemory(mediatest.MemoryConfig{})
		answers, tries := false, 0
		late, err := openLate(t.Context(), func(context.Context) (closingDriver, error) {
			if tries++; !answers {
				return nil, media.ErrUnavailable
			}
			return memory, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		upload := media.Upload{Owner: "device", Hash: media.Hash{1}, Size: 5}
		want := media.Want{PartBytes: media.MinPartBytes, MaxParts: 1, Until: time.Now().Add(time.Hour)}
		calls := map[string]func() error{
			"Put":   func() error { return late.Put(t.Context(), media.At(media.Small, media.Hash{2}), "", []byte("x")) },
			"Check": func() error { return late.Check(t.Context()) },
			"Plan":  func() error { _, err := late.Plan(t.Context(), upload, want); return err },
			"Finish": func() error {
				if err := media.Receive(t.Context(), late, upload); !errors.Is(err, media.ErrIncomplete) {
					return err
				}
				return nil
			},
			"Abort": func() error { return late.Abort(t.Context(), upload) },
			"Sweep": func() error { _, err := late.Sweep(t.Context(), time.Now()); return err },
			"List": func() error {
				for _, err := range late.List(t.Context(), "") {
					return err
				}
				return nil
			},
			"Link": func() error {
				_, err := late.Link(t.Context(), media.At(media.Small, media.Hash{2}), media.LinkOptions{Until: want.Until})
				return err
			},
		}
		for name, call := range calls {
			if err := call(); !errors.Is(err, media.ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if tries != 1 {
			t.Errorf("tried %d times", tries)
		}
		answers = true
		time.Sleep(retryOpen)
		for _, name := range []string{"Plan", "Finish", "Put", "Check", "Abort", "Sweep", "List", "Link"} {
			if err := calls[name](); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if object, err := late.Open(t.Context(), media.At(media.Small, media.Hash{2})); err != nil || object.Info().Size != 1 {
			t.Errorf("Open: %v", err)
		}
		if err := late.Close(); err != nil || !errors.Is(calls["Check"](), media.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		if _, err := openLate(t.Context(), func(context.Context) (closingDriver, error) { return nil, media.ErrInvalid }); !errors.Is(err, media.ErrInvalid) {
			t.Errorf("wrong settings: %v", err)
		}
	})
}
