package sim

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"iter"
	"maps"
	"slices"

	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

// album keeps the originals on a phone. What was kept is durable; the phone may die before or after that.
type album struct {
	p       *phone
	kept    map[client.PhotoHash][]byte
	damaged map[client.PhotoHash]bool
}

var _ client.Originals = (*album)(nil)

func newAlbum(p *phone) *album {
	return &album{p: p, kept: map[client.PhotoHash][]byte{}, damaged: map[client.PhotoHash]bool{}}
}

// clone is the album of a phone that was cloned.
func (a *album) clone(p *phone) *album {
	return &album{p: p, kept: maps.Clone(a.kept), damaged: maps.Clone(a.damaged)}
}

// errAlbum is the error of an original that could not be kept.
var errAlbum = errors.New("sim: the phone's disk failed")

// strikes lets the phone's disk fail, or the phone die, at a step of the album. True: the step has no effect.
func (a *album) strikes() (err error, after bool) {
	p, w := a.p, a.p.w
	if p.fuse.struck != memstore.None && crashes(p.fuse.struck) {
		return memstore.ErrCrashed, false
	}
	if !w.plan.deviceFaults || w.healed || !w.chance(16) {
		return nil, false
	}
	p.fuse.struck = pick(w, []memstore.Fault{memstore.Fail, memstore.CrashBefore, memstore.CrashAfter})
	if crashes(p.fuse.struck) {
		p.disk.Crash()
		return memstore.ErrCrashed, p.fuse.struck == memstore.CrashAfter
	}
	return errAlbum, false
}

// Create implements client.Originals.
func (a *album) Create(context.Context) (client.NewOriginal, error) { return &negative{album: a}, nil }

// Open implements client.Originals.
func (a *album) Open(_ context.Context, hash client.PhotoHash) (client.Original, error) {
	content, ok := a.kept[hash]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return print{bytes.NewReader(content)}, nil
}

// Remove implements client.Originals.
func (a *album) Remove(_ context.Context, hash client.PhotoHash) error {
	err, after := a.strikes()
	if err == nil || after {
		a.p.w.photos.gaveUp(a.p, media.Hash(hash))
		delete(a.kept, hash)
	}
	return err
}

// List implements client.Originals.
func (a *album) List(context.Context) iter.Seq2[client.PhotoHash, error] {
	return func(yield func(client.PhotoHash, error) bool) {
		for _, hash := range slices.SortedFunc(maps.Keys(a.kept), func(x, y client.PhotoHash) int { return bytes.Compare(x[:], y[:]) }) {
			if !yield(hash, nil) {
				return
			}
		}
	}
}

// intact: whether the phone has the bytes of a hash as they were.
func (a *album) intact(hash media.Hash) bool {
	_, kept := a.kept[client.PhotoHash(hash)]
	return kept && !a.damaged[client.PhotoHash(hash)]
}

// negative is an original that is being written.
type negative struct {
	album *album
	bytes.Buffer
}

// Keep implements client.NewOriginal.
func (n *negative) Keep(hash client.PhotoHash) error {
	err, after := n.album.strikes()
	if err == nil || after {
		n.album.kept[hash] = bytes.Clone(n.Bytes())
		delete(n.album.damaged, hash)
	}
	return err
}

// Discard implements client.NewOriginal.
func (n *negative) Discard() error { return nil }

// print is an original that is being read.
type print struct{ *bytes.Reader }

// Close implements client.Original.
func (p print) Close() error { return nil }
