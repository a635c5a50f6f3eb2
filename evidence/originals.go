package evidence

import (
	"context"
	"iter"
	"slices"

	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

// Finder reads indexes; *engine.Engine is one.
type Finder interface {
	// Find visits the entries of an index in order.
	Find(ctx context.Context, scope store.Scope, name engine.IndexName, span store.Span) iter.Seq2[engine.IndexEntry, error]
}

// Original is what the records say of the bytes of one photo.
type Original struct {
	// Hash of the bytes.
	Hash media.Hash
	// Stored: they ought to be in storage. Otherwise they are promised, and may be there or on their way.
	Stored bool
}

// Originals visits the bytes of all photos of some scopes but the redacted ones, and those that came for photos that wait for a person, for an audit of the
// storage. What several photos have comes several times. Scopes without photos are passed over.
func Originals(ctx context.Context, records Finder, scopes []store.Scope) iter.Seq2[Original, error] {
	return func(yield func(Original, error) bool) {
		for _, scope := range sitesAmong(scopes) {
			for entry, err := range records.Find(ctx, scope, indexHash, store.Span{}) {
				var p promise
				if err == nil {
					p, err = decodePromise(entry)
				}
				if err != nil {
					yield(Original{}, err)
					return
				}
				if p.photo.GetState() == stateRedacted {
					continue
				}
				if !yield(Original{Hash: media.Hash(slices.Clone(entry.Key[:len(media.Hash{})])), Stored: hasBytes(p.photo)}, nil) {
					return
				}
			}
			for entry, err := range records.Find(ctx, scope, indexParkedHash, store.Span{}) {
				if err != nil {
					yield(Original{}, err)
					return
				}
				if !yield(Original{Hash: parkedHash(entry), Stored: true}, nil) {
					return
				}
			}
		}
	}
}
