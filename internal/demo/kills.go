package demo

import (
	"context"
	"slices"
	"time"
)

// What has gone up when a kill comes: some of the words of a sync, or some of a part.
const (
	wordsUp = 1500
	partUp  = 4000
)

// duringPhotos: of the kills of the server the first comes in the middle of words, the next two in the middle of a part, and so on.
func (c *child) duringPhotos() bool { return c.kills%3 > 0 }

// killMidway waits until bytes are on their way up and kills the server while they are.
func (d *demo) killMidway(ctx context.Context, phones []*worker) error {
	photos := d.server.duringPhotos()
	before := make([]int64, len(phones))
	for i, w := range phones {
		before[i] = w.link.Counts().Up
	}
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		for i, w := range phones {
			up := w.link.Counts().Up
			switch {
			case photos && w.travel.sending.Load() == 0:
				before[i] = up
			case photos && up > before[i]+partUp:
				d.progress.say("kill -9 of the server while %s uploads a photo", w.name)
				return d.server.kill(context.WithoutCancel(ctx))
			case !photos && up > before[i]+wordsUp:
				d.progress.say("kill -9 of the server while %s pushes", w.name)
				return d.server.kill(context.WithoutCancel(ctx))
			}
		}
		select {
		case <-look.C:
		case <-ctx.Done(): // nobody sends so much: it is killed all the same
			d.progress.say("kill -9 of the server")
			return d.server.kill(context.WithoutCancel(ctx))
		}
	}
}

// killDue tells whether a kill is planned at or before a time, and takes it off the plan. One in the middle of photos waits for phones that have some,
// for as long as nothing else is due.
func (d *demo) killDue(now time.Time, phones []*worker) bool {
	if len(d.kills) == 0 || now.Before(d.kills[0]) {
		return false
	}
	full := slices.ContainsFunc(phones, func(w *worker) bool { return len(w.camera.shots) > w.tally.Stored+w.tally.Failed })
	if pressing := len(d.kills) > 1 && !now.Before(d.kills[1]); d.server.duringPhotos() && !full && !pressing {
		return false
	}
	d.kills = d.kills[1:]
	return true
}
