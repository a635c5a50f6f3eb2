package client

import (
	"context"
	"time"
)

// batchPhotos is the most photos of one Plan.
const batchPhotos = 100

// next returns the photos of the next round: of one scope, in their order, as many as can be sent soon. Photos with the same bytes are one job.
func (u *uploads) next(ctx context.Context) ([]*job, error) {
	queue, err := u.d.photoQueue(ctx, func(s photoState) bool { return !s.done() })
	if err != nil {
		return nil, err
	}
	order(queue, u.d.now())
	_, _, budget := u.pace.part()
	var batch []*job
	byHash := map[PhotoHash]*job{}
	var scope Scope
	u.wake = 0
	for _, q := range queue {
		if left := u.resting(q); left > 0 {
			u.wake = min(or(u.wake, left), left)
			continue
		}
		if !q.promised || (scope != "" && q.scope != scope) {
			continue
		}
		if j := byHash[q.hash()]; j != nil {
			j.photos = append(j.photos, q)
			continue
		}
		if len(batch) == batchPhotos || (len(batch) > 0 && budget <= 0) {
			continue
		}
		scope = q.scope
		j := &job{photos: []*queuedPhoto{q}, stage: PhotoSending}
		batch, byHash[q.hash()] = append(batch, j), j
		budget -= max(q.state.Size-u.known[q.hash()], 1)
	}
	return batch, nil
}

// resting returns how much longer a photo is let be; 0: not at all.
func (u *uploads) resting(q *queuedPhoto) time.Duration {
	r, ok := u.rests[photoName{q.scope, q.id}]
	if !ok || r.boot != u.d.cfg.Clock.Boot() {
		return 0
	}
	return max(r.until-u.d.cfg.Clock.Monotonic(), 0)
}

// let leaves photos alone for a while, longer each time.
func (u *uploads) let(photos []*queuedPhoto, words bool) {
	for _, q := range photos {
		name := photoName{q.scope, q.id}
		r := u.rests[name]
		pause := min(u.d.cfg.Timing.BackoffFirst<<min(r.tries, 20), u.d.cfg.Timing.Parked)
		if !words {
			pause = u.d.cfg.Timing.Parked
		}
		u.rests[name] = rest{until: u.d.cfg.Clock.Monotonic() + pause, boot: u.d.cfg.Clock.Boot(), tries: r.tries + 1, words: words}
	}
}

// worded ends the rest of what waited for words.
func (u *uploads) worded() {
	for name, r := range u.rests {
		if r.words {
			r.until = 0
			u.rests[name] = r
		}
	}
}
