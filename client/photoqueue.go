package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// photoKind is the kind of the records that promise photos.
const photoKind merge.Kind = "photo"

// photoState is a photo whose original is kept.
type photoState struct {
	Hash        hexHash `json:"sha256"`
	Size        int64   `json:"size"`
	SubjectKind string  `json:"subject_kind"`
	SubjectID   string  `json:"subject_id"`
	// AddedUS and StoredUS are by the server's clock as the device knew it. StoredUS is 0 while the server is not known to have the bytes, and
	// timeUnknown when it has them since a moment of which the device does not know the time.
	AddedUS  int64 `json:"added_us"`
	StoredUS int64 `json:"stored_us,omitempty"`
	// Fault says why it cannot be sent now, with the server's Problem, encoded, where there is one.
	Fault   PhotoFault `json:"fault,omitempty"`
	Problem []byte     `json:"problem,omitempty"`
}

// timeUnknown stands for a moment before which the device had not met the server since its boot: its wall clock may be years off.
const timeUnknown = -1

// photoCount is the device's own count of the photos that it took in a scope.
type photoCount struct {
	Captured uint64 `json:"captured"`
}

// PhotoFault says why the bytes of a photo cannot be sent.
type PhotoFault string

const (
	// PhotoGone: there is no original any more.
	PhotoGone PhotoFault = "gone"
	// PhotoDamaged: the original has other bytes than it had when the photo was taken. They are never sent.
	PhotoDamaged PhotoFault = "damaged"
	// PhotoUnreadable: the original could not be read.
	PhotoUnreadable PhotoFault = "unreadable"
	// PhotoRefused: the server would not take the bytes; see the Problem. It is asked again later.
	PhotoRefused PhotoFault = "refused"
	// PhotoRedacted: the server removed the bytes, by law or because their time was over. They are not sent again.
	PhotoRedacted PhotoFault = "redacted"
)

// PhotoStage is how far the bytes of a photo have come.
type PhotoStage string

const (
	// PhotoPromised: the server does not have the photo's fact yet; words go first.
	PhotoPromised PhotoStage = "promised"
	// PhotoWaiting: its turn has not come yet.
	PhotoWaiting PhotoStage = "waiting"
	// PhotoSending: parts of it are on their way.
	PhotoSending PhotoStage = "sending"
	// PhotoFinishing: all parts are there, and the server is computing the hash.
	PhotoFinishing PhotoStage = "finishing"
	// PhotoStored: the server has the bytes. The original is still kept.
	PhotoStored PhotoStage = "stored"
	// PhotoFailed: it cannot be sent now; the Fault says why.
	PhotoFailed PhotoStage = "failed"
)

// PhotoProgress is how far one photo has come.
type PhotoProgress struct {
	Scope Scope
	ID    RecordID
	Hash  PhotoHash
	// Size in bytes, and how many of them the server has, or are on their way to it.
	Size, Sent int64
	Stage      PhotoStage
	// Fault of PhotoFailed, or the last one of a photo that is tried again; Problem is what the server said, nil where it is not the server's.
	Fault   PhotoFault
	Problem *roundsv1.Problem
	// SubjectKind and Subject name what the photo belongs to.
	SubjectKind merge.Kind
	Subject     RecordID
	// Added is when the photo was taken in, Stored when the device learnt that the server has the bytes (zero: it has not), both by the server's
	// clock as the device knew it.
	Added, Stored time.Time
}

// queuedPhoto is an entry of the queue.
type queuedPhoto struct {
	scope Scope
	id    RecordID
	state photoState
	// promised: the server has its fact.
	promised bool
	// server is how far the record says that the bytes have come.
	server roundsv1.PhotoState
	// lost is the version of the record that says that the storage has lost the bytes, and asks for them; 0: it does not.
	lost uint64
}

// findingLost marks a photo whose bytes were stored, and were lost there.
const findingLost = "BYTES_LOST"

func (q *queuedPhoto) hash() PhotoHash { return PhotoHash(q.state.Hash) }

// done tells whether nothing is left to be sent.
func (s photoState) done() bool { return s.StoredUS != 0 || s.Fault == PhotoRedacted }

func (q *queuedPhoto) progress() PhotoProgress {
	s := q.state
	p := PhotoProgress{Scope: q.scope, ID: q.id, Hash: q.hash(), Size: s.Size, Fault: s.Fault, Stage: PhotoWaiting, Added: time.UnixMicro(s.AddedUS),
		SubjectKind: merge.Kind(s.SubjectKind), Subject: RecordID(s.SubjectID)}
	if len(s.Problem) > 0 {
		p.Problem = new(roundsv1.Problem)
		if proto.Unmarshal(s.Problem, p.Problem) != nil {
			p.Problem = nil
		}
	}
	switch {
	case s.StoredUS != 0:
		p.Stage, p.Sent = PhotoStored, s.Size
		if s.StoredUS > 0 {
			p.Stored = time.UnixMicro(s.StoredUS)
		}
	case s.Fault != "":
		p.Stage = PhotoFailed
	case !q.promised:
		p.Stage = PhotoPromised
	}
	return p
}

// photoQueue reads the photos whose originals are kept, by scope and id. Only those that filter lets through are held against their records.
func (d *Device) photoQueue(ctx context.Context, filter func(photoState) bool) ([]*queuedPhoto, error) {
	scopes, err := d.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	var queue []*queuedPhoto
	for _, scope := range scopes {
		err := d.cfg.Store.View(ctx, scope, func(r store.Reader) error {
			found, err := photosOf(r, scope, filter)
			queue = append(queue, found...)
			return err
		})
		if err != nil {
			return nil, in(scope, err)
		}
	}
	return queue, nil
}

// photosOf reads the queue of one scope.
func photosOf(r store.Reader, scope Scope, filter func(photoState) bool) ([]*queuedPhoto, error) {
	var all []*queuedPhoto
	var replica replicaState
	if _, err := load(r, single(tableReplica), &replica); err != nil {
		return nil, err
	}
	if replica.Closing == purging {
		return nil, nil
	}
	for entry, err := range r.Scan(store.Prefix(single(tablePhoto))) {
		if err != nil {
			return nil, err
		}
		q := &queuedPhoto{scope: scope, id: RecordID(bytes.Clone(entry.Key[1:]))}
		if _, err := load(r, entry.Key, &q.state); err != nil {
			return nil, err
		}
		if filter != nil && !filter(q.state) {
			continue
		}
		if err := q.consult(r, replica.Generation); err != nil {
			return nil, err
		}
		all = append(all, q)
	}
	return all, nil
}

// consult finds out whether the server has the photo's fact, and what its record says. The server has it when the record came back from there,
// or when nothing that is laid on top of the record lacks an outcome.
func (q *queuedPhoto) consult(r store.Reader, generation uint64) error {
	ref := recordRef{kind: photoKind, id: q.id}
	stored, err := loadRecord(r, ref)
	if err != nil {
		return err
	}
	if stored.change != nil && stored.generation == generation {
		photo := stored.change.GetRecord().GetPhoto()
		q.promised, q.server = true, heardOf(photo)
		if q.server == roundsv1.PhotoState_PHOTO_STATE_DECLARED && slices.Contains(photo.GetFindings(), findingLost) {
			q.lost = stored.change.GetVersion()
		}
		return nil
	}
	for entry, err := range r.Scan(store.Prefix(pendingPrefix(ref.kind, ref.id))) {
		if err != nil {
			return err
		}
		at, n := binary.Uvarint(entry.Value)
		q.promised = n > 0 && at != 0
		return nil // the first one is the fact
	}
	q.promised = true
	return nil
}

// starves is how long a photo may be passed over by smaller ones.
const starves = 24 * time.Hour

// order puts photos into the order in which they are sent: small ones first, of two as small the older one. Those that have waited for a day
// come before all others, the oldest first, so that none waits for ever behind smaller ones.
func order(queue []*queuedPhoto, now int64) {
	slices.SortStableFunc(queue, func(a, b *queuedPhoto) int {
		byAge := cmp.Or(cmp.Compare(a.state.AddedUS, b.state.AddedUS), cmp.Compare(a.id, b.id))
		oldA, oldB := now-a.state.AddedUS >= starves.Microseconds(), now-b.state.AddedUS >= starves.Microseconds()
		switch {
		case oldA != oldB && oldA:
			return -1
		case oldA != oldB:
			return 1
		case oldA:
			return byAge
		}
		return cmp.Or(cmp.Compare(a.state.Size, b.state.Size), byAge)
	})
}

// markPhotos changes the entries of photos of one scope, in one transaction. Entries that are gone are passed over.
func (d *Device) markPhotos(ctx context.Context, scope Scope, photos []*queuedPhoto, change func(*photoState)) error {
	if len(photos) == 0 {
		return nil
	}
	return in(scope, d.cfg.Store.Update(ctx, scope, func(w store.Writer) error {
		for _, q := range photos {
			var state photoState
			found, err := load(w, photoKey(q.id), &state)
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			was := state
			change(&state)
			q.state = state
			if bytes.Equal(was.Problem, state.Problem) && was.StoredUS == state.StoredUS && was.Fault == state.Fault {
				continue
			}
			if err := save(w, photoKey(q.id), state); err != nil {
				return err
			}
		}
		return nil
	}))
}

// doubtPhotos makes the device ask again for what the server had stored: one that was restored from a backup may have lost it.
func doubtPhotos(w store.Writer) error {
	doubted := map[string]photoState{}
	for entry, err := range w.Scan(store.Prefix(single(tablePhoto))) {
		if err != nil {
			return err
		}
		var state photoState
		if _, err := load(w, entry.Key, &state); err != nil {
			return err
		}
		if state.StoredUS != 0 {
			state.StoredUS = 0
			doubted[string(entry.Key)] = state
		}
	}
	for key, state := range doubted {
		if err := save(w, []byte(key), state); err != nil {
			return err
		}
	}
	return nil
}

// Photos lists the photos whose originals are kept, in the order in which those that wait will be sent, the stored ones after them.
func (d *Device) Photos(ctx context.Context) ([]PhotoProgress, error) {
	queue, err := d.photoQueue(ctx, nil)
	if err != nil {
		return nil, err
	}
	order(queue, d.now())
	slices.SortStableFunc(queue, func(a, b *queuedPhoto) int {
		return cmp.Compare(btoi(a.state.StoredUS != 0), btoi(b.state.StoredUS != 0))
	})
	list := make([]PhotoProgress, 0, len(queue))
	for _, q := range queue {
		list = append(list, d.uploads.now(q.progress()))
	}
	return list, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// OpenOriginal reads the original of a photo while the device keeps it. An error that is fs.ErrNotExist says that it does not. The caller closes
// it.
func (d *Device) OpenOriginal(ctx context.Context, hash PhotoHash) (Original, error) {
	if d.cfg.Originals == nil {
		return nil, ErrNoOriginals
	}
	original, err := d.cfg.Originals.Open(ctx, hash)
	if err != nil {
		return nil, fmt.Errorf("client: originals: %w", err)
	}
	return original, nil
}
