package client

import (
	"context"
	"errors"
	"time"
)

// result is what became of one part.
type result struct {
	part   *part
	err    error
	took   time.Duration
	beside int
}

// send sends parts, as many at once as the link is good for. After one whose link failed no further one begins: the server is asked anew.
func (u *uploads) send(ctx context.Context, jobs []*job, tally *PhotoTally) (failed error) {
	var parts []*part
	for _, j := range jobs {
		parts = append(parts, j.parts...)
	}
	results := make(chan result, 1) // room for that of a part which travels on this goroutine
	under := 0
	bad := map[*job]bool{}
	for len(parts) > 0 || under > 0 {
		for len(parts) > 0 && under < u.pace.abreast() && failed == nil && ctx.Err() == nil && (under == 0 || !u.d.words.isShut()) {
			p := parts[0]
			parts = parts[1:]
			if bad[p.job] {
				continue
			}
			if under == 0 && u.d.words.wait(ctx) != nil {
				break
			}
			under++
			if u.d.cfg.Limits.Parts == 1 { // one after the other needs no other goroutine
				results <- u.carry(ctx, p, under)
				break
			}
			go func(beside int) { results <- u.carry(ctx, p, beside) }(under)
		}
		if under == 0 {
			break
		}
		r := <-results
		under--
		j := r.part.job
		j.settled++
		if r.err == nil {
			j.arrived++
			tally.Parts++
			tally.Bytes += r.part.size
			u.known[j.hash()] += r.part.size
			u.pace.sent(u.d.cfg.Clock, r.part.size, r.took, r.beside)
			continue
		}
		tally.Cut++
		bad[j] = true
		switch {
		case errors.Is(r.err, errStale):
			u.d.log.InfoContext(ctx, "the address of a part is no longer good", "photo", j.photos[0].id)
		case errors.Is(r.err, errSpoiled):
			u.d.log.WarnContext(ctx, "a part was damaged on its way", "photo", j.photos[0].id)
			u.pace.failed()
		default:
			u.pace.failed()
			failed = r.err
		}
	}
	if failed == nil {
		failed = ctx.Err()
	}
	return failed
}

// carry sends one part and measures how long it takes.
func (u *uploads) carry(ctx context.Context, p *part, beside int) result {
	began := u.d.cfg.Clock.Monotonic()
	err := u.put(ctx, p, func(n int64) {
		p.job.moved.Add(n)
		u.progress(p.job)
	})
	return result{part: p, err: err, took: u.d.cfg.Clock.Monotonic() - began, beside: beside}
}
