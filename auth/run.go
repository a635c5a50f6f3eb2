package auth

import (
	"context"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

const (
	tickEvery  = time.Second
	sweepEvery = 10 * time.Minute
	// keyLead is how long a key of the regular rotation is published before it signs.
	keyLead = time.Hour
	// keepCodes is how long a code stays listed after its end.
	keepCodes = 30 * 24 * time.Hour
	maxSwept  = 500
)

// Run does what is due by the clock, until the context ends: it tells subscribers within a second when a grant or a suspension begins or
// ends, forgets old codes and keys, and rotates the signing keys. It returns the context's error.
func (a *Authority) Run(ctx context.Context) error {
	tick, sweep := time.NewTicker(tickEvery), time.NewTicker(sweepEvery)
	defer tick.Stop()
	defer sweep.Stop()
	a.sweep(ctx)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			a.hub.tell(a.calendar.due(a.now().UnixMicro()))
		case <-sweep.C:
			a.sweep(ctx)
		}
	}
}

func (a *Authority) sweep(ctx context.Context) {
	for {
		n, err := a.sweepCodes(ctx)
		if err != nil {
			a.log.ErrorContext(ctx, "old enrolment codes not swept", "error", err)
		}
		if n < maxSwept || err != nil {
			break
		}
	}
	keys := a.keys.Load().access
	if len(keys) == 0 || a.now().Sub(time.UnixMicro(keys[0].created)) < a.cfg.KeyLife {
		return
	}
	k, err := a.rotate(ctx, keyLead, false)
	if err != nil {
		a.log.ErrorContext(ctx, "signing keys not rotated", "error", err)
		return
	}
	a.log.InfoContext(ctx, "signing keys rotated", "key_id", k.id)
}

// sweepCodes forgets codes that ended long ago, some at a time.
func (a *Authority) sweepCodes(ctx context.Context) (int, error) {
	before := a.now().Add(-keepCodes).UnixMicro()
	var gone [][]byte
	err := a.cfg.Store.View(ctx, func(r Reader) error {
		gone = nil
		for e, err := range r.Scan([]byte{keyCodeHash}, []byte{keyCodeHash + 1}) {
			if err != nil {
				return err
			}
			at := key(keyCode, e.Value)
			var c roundsv1.EnrolmentCode
			found, err := read(r, at, &c)
			if err != nil {
				return err
			}
			if !found || c.GetExpiresUs() < before {
				gone = append(gone, append([]byte(nil), e.Key...), at)
			}
			if len(gone) >= 2*maxSwept {
				break
			}
		}
		return nil
	})
	if err != nil || len(gone) == 0 {
		return 0, err
	}
	err = a.committer.commit(ctx, func(t *tx) error {
		for _, k := range gone {
			t.delete(k)
		}
		return nil
	})
	return len(gone) / 2, err
}
