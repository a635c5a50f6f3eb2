// Package client is the device library of Rounds: what a phone, a terminal or a simulated worker runs.
//
// What a person does is queued with Do (or Create, Edit, Fact, Command) and is on disk before the call returns; it never waits
// for a network. Get and List show the records as of the last pull with everything queued laid on top, merged by the same code
// that the server runs. Sync pushes and pulls, most often in one round trip; Run does so in the background for as long as its
// context lives. What the server would not take comes to the Tray with a sentence for the person, who mends and resends it, or
// lets it go; nothing behind it waits.
//
// # How it holds together
//
// All that matters rests in the store, one key space for each scope, and every step is one transaction of one scope: queueing
// a mutation, storing a request's outcomes together with a page of changes, a repair, a move to a new identity. A step is done
// or not done; a kill -9 between two of them leaves a state from which the next Open or Sync goes on. The store runs the
// transactions of a scope one after the other, so Do and Sync need no lock against each other. Those that talk to the server
// take turns: one Sync, Reenrol or Close at a time. The mutex of a Device guards only the few values that are kept in memory
// beside the store, and is never held during a call to anything.
//
// # Photos
//
// A photo is words and bytes. AddPhoto puts the bytes among the Originals and then queues, in one transaction, the promise of the photo (a fact
// like any other) and its upload. The words always go first: a photo is uploaded only when the server has its promise, and parts wait while an
// Exchange brings mutations. What is to be sent the server tells (Plan); the device keeps nothing but the queue, so that an upload goes on from
// the last whole part after any interruption. The bytes are held against their hash before any of them is sent. Small photos go first, the
// oldest of a size before the others; one that has waited for a day goes before all smaller ones, so none starves. Over a good link parts grow
// to some seconds' worth and several travel at once; over a bad one it is one small part at a time. An original is removed when the server
// has stored it, the fact's outcome is here, and its ticket is closed or 14 days have passed.
package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/rounds-sync/rounds/sync/store"
)

// Device is one device. Its methods may be called from any number of goroutines.
type Device struct {
	cfg Config
	log *slog.Logger

	turn   chan struct{} // holds one token; who talks to the server has it
	queued chan struct{} // wakes Run after a mutation was queued
	online chan struct{} // wakes Run when the app saw the network come
	synced chan struct{} // tells Run that a Sync was done beside it

	photoTurn    chan struct{} // holds one token; who uploads photos has it
	photosDue    chan struct{} // wakes the uploads of Run
	photosOnline chan struct{} // wakes them after the app saw the network come
	uploads      *uploads
	words        gate // closed while words travel: photos yield
	// originals is held for reading from the moment that an original is kept until the queue names it, and for writing while originals that
	// nothing names are removed. It is taken with no other lock held.
	originals sync.RWMutex

	link link // what is known of the link; with the token

	mu     sync.Mutex // guards what follows
	self   self
	state  deviceState
	purged map[Scope]purgeState
	closed bool
}

// Open makes a device of a store, and finishes what a crash may have interrupted. It does not reach for the network. The error
// is one of the store's, ErrIdentity, ErrFormat, or all faults of the config at once.
func Open(ctx context.Context, cfg Config) (*Device, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	d := &Device{
		cfg: cfg, log: cfg.Logger,
		turn: make(chan struct{}, 1), queued: make(chan struct{}, 1), online: make(chan struct{}, 1), synced: make(chan struct{}, 1),
		purged:    map[Scope]purgeState{},
		photoTurn: make(chan struct{}, 1), photosDue: make(chan struct{}, 1), photosOnline: make(chan struct{}, 1),
	}
	d.uploads = newUploads(d)
	d.link.reset(cfg.Limits)
	if err := d.read(ctx); err != nil {
		return nil, in(deviceScope, err)
	}
	if err := d.begin(ctx); err != nil {
		return nil, err
	}
	if err := d.resumePurges(ctx); err != nil {
		return nil, err
	}
	if err := d.sweepOriginals(ctx, nil); err != nil {
		d.log.WarnContext(ctx, "originals not swept", "err", err)
	}
	d.turn <- struct{}{}
	d.photoTurn <- struct{}{}
	return d, nil
}

// read loads what is kept in memory.
func (d *Device) read(ctx context.Context) error {
	return d.cfg.Store.View(ctx, deviceScope, func(r store.Reader) error {
		version, err := r.Get(single(tableFormat))
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil:
			return err
		case len(version) != 1 || version[0] != formatVersion:
			return fmt.Errorf("%w: %x", ErrFormat, version)
		}
		if d.self, err = loadSelf(r); err != nil {
			return err
		}
		if _, err := load(r, single(tableDevice), &d.state); err != nil {
			return err
		}
		for entry, err := range r.Scan(store.Prefix([]byte{tablePurged})) {
			if err != nil {
				return err
			}
			var p purgeState
			if _, err := load(r, entry.Key, &p); err != nil {
				return err
			}
			d.purged[Scope(entry.Key[1:])] = p
		}
		return nil
	})
}

// begin stores the format version and the identity at the first Open.
func (d *Device) begin(ctx context.Context) error {
	given := d.cfg.Identity
	if d.self.enrolled() && given != nil && !d.self.same(*given) {
		return fmt.Errorf("%w: stored %v, given %v", ErrIdentity, d.self.Identity, *given)
	}
	if d.self.enrolled() || given == nil {
		return nil
	}
	first := self{Identity: *given, branch: 1}
	if err := d.cfg.Store.Update(ctx, deviceScope, func(w store.Writer) error {
		if err := w.Set(single(tableFormat), []byte{formatVersion}); err != nil {
			return err
		}
		return saveSelf(w, first)
	}); err != nil {
		return in(deviceScope, err)
	}
	d.self = first
	return nil
}

// Close waits for a Sync and for uploads that are under way, or for ctx, and ends the device. The store may be closed after a nil return.
func (d *Device) Close(ctx context.Context) error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	for _, turn := range []chan struct{}{d.turn, d.photoTurn} {
		select {
		case <-turn:
			turn <- struct{}{}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// take waits for the device's turn to talk to the server; the returned function gives it back.
func (d *Device) take(ctx context.Context) (giveBack func(), err error) {
	return d.takeTurn(ctx, d.turn)
}

// takeTurn takes the token of turn; the returned function gives it back.
func (d *Device) takeTurn(ctx context.Context, turn chan struct{}) (giveBack func(), err error) {
	select {
	case <-turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	d.mu.Lock()
	closed := d.closed
	d.mu.Unlock()
	if closed {
		turn <- struct{}{}
		return nil, ErrClosed
	}
	return func() { turn <- struct{}{} }, nil
}

// Scopes returns the scopes that the device holds something of, in order.
func (d *Device) Scopes(ctx context.Context) ([]Scope, error) {
	all, err := d.cfg.Store.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("client: scopes: %w", err)
	}
	scopes := make([]Scope, 0, len(all))
	for _, scope := range all {
		if scope != deviceScope {
			scopes = append(scopes, scope)
		}
	}
	return scopes, nil
}

// Online tells Run that the network has come: it does not wait any longer. It never blocks.
func (d *Device) Online() {
	signal(d.online)
	signal(d.photosOnline)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
