package mediatest_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/media/mediatest"
)

var ctx = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func attempt(m *mediatest.Memory, u media.Upload, content []byte) error {
	client := http.Client{Transport: m.Transport()}
	plan, err := m.Plan(ctx, u, media.Want{PartBytes: media.MinPartBytes, MaxParts: 2, Until: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return err
	}
	for _, part := range plan.Parts {
		body := content[part.Offset : part.Offset+part.Size]
		req, err := http.NewRequest(http.MethodPut, part.URL, bytes.NewReader(body))
		if err != nil {
			return err
		}
		sum := md5.Sum(body)
		req.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(sum[:]))
		answer, err := client.Do(req)
		if err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			return m.Check(ctx) // ErrCrashed, if that is why
		}
	}
	if plan.More {
		return nil
	}
	return media.Receive(ctx, m, u)
}

// TestFaults lets each fault happen at each step of the way of a photo, one at a time: it always arrives, and nothing stays behind.
func TestFaults(t *testing.T) {
	content := bytes.Repeat([]byte("photo "), 40_000)
	counting := bring(t, mediatest.NewMemory(mediatest.MemoryConfig{Fault: func(mediatest.Op) mediatest.Fault { return mediatest.None }}), content)
	steps := counting.Steps()
	if steps < 10 {
		t.Fatalf("only %d steps", steps)
	}
	for _, fault := range []mediatest.Fault{mediatest.Fail, mediatest.ReplyLost, mediatest.Full, mediatest.CrashBefore, mediatest.CrashAfter} {
		for n := range steps + 1 {
			m := bring(t, mediatest.NewMemory(mediatest.MemoryConfig{Fault: mediatest.Nth(n+1, fault)}), content)
			if got, want := m.String(), counting.String(); got != want {
				t.Errorf("%s at step %d: %s left, want %s", fault, n+1, got, want)
			}
		}
	}
}

// bring is what a device and its server do until a photo is stored and its upload gone: again from where it stands after each fault.
func bring(t *testing.T, m *mediatest.Memory, content []byte) *mediatest.Memory {
	t.Helper()
	u := media.Upload{Owner: "device", Hash: sha256.Sum256(content), Size: int64(len(content))}
	for range 10 {
		object, err := m.Open(ctx, media.At(media.Original, u.Hash))
		if err == nil {
			got, readErr := io.ReadAll(object)
			must(t, readErr)
			if !bytes.Equal(got, content) {
				t.Fatal("other bytes are stored")
			}
			err = m.Abort(ctx, u)
			if err == nil {
				return m
			}
		} else if !errors.Is(err, mediatest.ErrCrashed) {
			err = attempt(m, u, content)
		}
		if errors.Is(err, mediatest.ErrCrashed) {
			m = m.Crash()
		}
	}
	t.Fatal("it never came to an end")
	return nil
}

// TestUnsynced: what was not made durable vanishes in a crash, so that a test would notice who acknowledges too early.
func TestUnsynced(t *testing.T) {
	m := mediatest.NewMemory(mediatest.MemoryConfig{Unsynced: true})
	kept, lost := media.At(media.Small, media.Hash{1}), media.At(media.Small, media.Hash{2})
	must(t, m.Put(ctx, kept, "image/jpeg", []byte("kept")))
	m.Sync()
	must(t, m.Put(ctx, lost, "image/jpeg", []byte("lost")))
	must(t, m.Delete(ctx, kept))
	after := m.Crash()
	if _, err := after.Open(ctx, kept); err != nil {
		t.Errorf("what was durable: %v", err)
	}
	if _, err := after.Open(ctx, lost); !errors.Is(err, media.ErrNotFound) {
		t.Errorf("what was not durable: %v", err)
	}
	if err := m.Check(ctx); !errors.Is(err, mediatest.ErrCrashed) || !errors.Is(err, media.ErrClosed) {
		t.Errorf("the crashed one: %v", err)
	}
}

func TestCapacity(t *testing.T) {
	m := mediatest.NewMemory(mediatest.MemoryConfig{CapacityBytes: 300_000})
	content := bytes.Repeat([]byte("x"), 200_000)
	u := media.Upload{Owner: "device", Hash: sha256.Sum256(content), Size: int64(len(content))}
	for range 4 {
		_ = attempt(m, u, content)
	}
	if err := media.Receive(ctx, m, u); !errors.Is(err, media.ErrFull) { // parts and whole do not fit beside each other
		t.Errorf("Receive: %v", err)
	}
	must(t, m.Abort(ctx, u))
	must(t, m.Put(ctx, media.At(media.Small, u.Hash), "", content))
	if err := m.Put(ctx, media.At(media.Large, u.Hash), "", content); !errors.Is(err, media.ErrFull) {
		t.Errorf("Put: %v", err)
	}
	must(t, m.Delete(ctx, media.At(media.Small, u.Hash)))
	must(t, m.Put(ctx, media.At(media.Large, u.Hash), "", content))
}
