package server

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/badgerstore"
	"github.com/rounds-sync/rounds/work"
)

// ErrNoData: the directory is none that a server has run in.
var ErrNoData = errors.New("server: no server has run in this directory")

// ErrUnclean: the server was killed and has not run since. Starting it and ending it once puts its directory in order.
var ErrUnclean = errors.New("server: the directory was not closed: start the server and end it once")

// Archive is the data directory of a server that does not run, opened for reading. Its methods may be called from any number of goroutines.
type Archive struct {
	store     *badgerstore.Store
	authority *auth.Authority
	engine    *engine.Engine
}

// OpenArchive opens a data directory for reading; nothing in it is changed. It answers store.ErrInUse where a server runs in it, ErrNoData, and
// ErrUnclean. Close the Archive when done.
func OpenArchive(ctx context.Context, data string) (*Archive, error) {
	s, url, err := openData(ctx, data, true)
	if err != nil {
		return nil, err
	}
	a := &Archive{store: s}
	a.authority, err = auth.Open(ctx, auth.Config{Store: authStore{s}, Now: time.Now, Rand: rand.Reader, Audience: url})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("server: %w", err), s.Close())
	}
	a.engine, err = engine.Open(engine.Config{Store: s, Rules: work.New(work.Config{}), Access: access{a.authority},
		Index: joined(indexes()), IndexVersion: version(indexes())})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("server: %w", err), a.authority.Close(), s.Close())
	}
	return a, nil
}

// openData opens the embedded store of a data directory that a server has run in, and reads that server's address.
func openData(ctx context.Context, data string, readOnly bool) (*badgerstore.Store, string, error) {
	if _, err := os.Stat(storeDir(data)); err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrNoData, err)
	}
	s, err := badgerstore.Open(badgerstore.Config{Dir: storeDir(data), ReadOnly: readOnly, GCInterval: -1})
	if err != nil && strings.Contains(err.Error(), "Log truncate required") { // badger has no error of its own for it
		return nil, "", fmt.Errorf("%w (%s)", ErrUnclean, data)
	}
	if err != nil {
		return nil, "", fmt.Errorf("server: %w", err)
	}
	var url string
	err = s.View(ctx, serverScope, func(r store.Reader) error {
		value, err := r.Get(urlKey())
		url = string(value)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = ErrNoData
	}
	if err != nil {
		return nil, "", errors.Join(err, s.Close())
	}
	return s, url, nil
}

// Scopes returns the scopes that hold records, in order.
func (a *Archive) Scopes(ctx context.Context) ([]store.Scope, error) {
	return recordScopes(ctx, a.store)
}

// Journal yields the entries of a scope's journal as they rest, from the first to the last, damaged ones too.
func (a *Archive) Journal(ctx context.Context, scope store.Scope) iter.Seq2[[]byte, error] {
	return a.engine.Journal(ctx, scope, 1)
}

// Originals visits what the records say of the bytes of photos, to hold their storage against.
func (a *Archive) Originals(ctx context.Context) iter.Seq2[evidence.Original, error] {
	return func(yield func(evidence.Original, error) bool) {
		scopes, err := a.Scopes(ctx)
		if err != nil {
			yield(evidence.Original{}, err)
			return
		}
		evidence.Originals(ctx, a.engine, scopes)(yield)
	}
}

// Head returns the seq and the hash in which a scope's journal should end.
func (a *Archive) Head(ctx context.Context, scope store.Scope) (journal.Seq, journal.Hash, error) {
	return a.engine.Head(ctx, scope)
}

// DeviceKey returns the public key of a device, nil for one that never enrolled.
func (a *Archive) DeviceKey(device string) ed25519.PublicKey {
	return access{a.authority}.DeviceKey(engine.DeviceID(device))
}

// Close closes the directory.
func (a *Archive) Close() error {
	return errors.Join(a.engine.Close(context.Background()), a.authority.Close(), a.store.Close())
}

// Recover makes an enrolment code for the first administrator, or for another person that the first administrator may act for, in the data directory of
// a server that does not run: the way back in for an operator whose devices are lost. It answers store.ErrInUse, ErrNoData, and the refusals of
// auth.Admin.CreateEnrolmentCode. Whoever can write the directory can do this.
func Recover(ctx context.Context, data string, person auth.PersonID, life time.Duration) (_ *roundsv1.CreateEnrolmentCodeResponse, err error) {
	s, url, err := openData(ctx, data, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	a, err := auth.Open(ctx, auth.Config{Store: authStore{s}, Now: time.Now, Rand: rand.Reader, Audience: url, CodeLife: life})
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	first, err := a.Bootstrap(ctx, &roundsv1.Text{}, "")
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if person == "" {
		person = first.Admin
	}
	asFirst := auth.Identity{Person: first.Admin, State: auth.DeviceState{Known: true}}
	return a.Admin().CreateEnrolmentCode(ctx, asFirst, &roundsv1.CreateEnrolmentCodeRequest{PersonId: string(person)})
}
