package evidence_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

// damagedIndexes are records whose indexes hold what nobody wrote.
type damagedIndexes struct{ evidence.Records }

func (damagedIndexes) Find(context.Context, store.Scope, engine.IndexName, store.Span) iter.Seq2[engine.IndexEntry, error] {
	return func(yield func(engine.IndexEntry, error) bool) {
		yield(engine.IndexEntry{Key: make([]byte, 24), Value: []byte{0xff}}, nil)
	}
}

// TestADamagedIndexIsTheServersFault: a caller hears of it as of any other fault of the server, and not as of one of its own.
func TestADamagedIndexIsTheServersFault(t *testing.T) {
	w := newWorld(t, func(c *evidence.Config) { c.Records = damagedIndexes{c.Records} })
	boss := w.phone("boss", manager)
	hash := make([]byte, 32)
	calls := map[string]func() error{
		"Chase": func() error {
			_, err := w.desk.Chase(t.Context(), boss.Caller, &roundsv1.ChaseRequest{Scope: string(site)})
			return err
		},
		"Plan": func() error {
			_, err := w.desk.Plan(t.Context(), boss.Caller, &roundsv1.PlanRequest{Scope: string(site), Sha256: [][]byte{hash}})
			return err
		},
		"Finish": func() error {
			_, err := w.desk.Finish(t.Context(), boss.Caller, &roundsv1.FinishRequest{Scope: string(site), Sha256: [][]byte{hash}})
			return err
		},
	}
	for name, call := range calls {
		var fault *engine.Error
		if err := call(); !errors.As(err, &fault) || fault.Kind != engine.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
}
