package auth_test

import (
	"errors"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

// TestDamageStopsNobodyElse: a row so damaged that its operation panics costs that operation, not the turn of all that write after it.
func TestDamageStopsNobodyElse(t *testing.T) {
	w := bare(t)
	f, err := w.Bootstrap(t.Context(), &roundsv1.Text{En: "Helin"}, "Chen")
	if err != nil {
		t.Fatal(err)
	}
	boss := w.enroll(string(f.Code))
	for key := range w.store.rows {
		if key[0] == 'C' {
			w.store.rows[key] = []byte{1, 2, 3}
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				t.Errorf("it panics: %v", r)
			}
		}()
		_, err := w.Enroll(t.Context(), home, enrolRequest(newKey(w), string(f.Code)))
		var refused *auth.Error
		if err == nil || errors.As(err, &refused) {
			t.Errorf("damage is no refusal: %v", err)
		}
		if err := boss.turn(); err != nil {
			t.Errorf("who comes after it: %v", err)
		}
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		t.Fatal("nobody can write any more")
	}
}
