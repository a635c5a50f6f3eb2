package evidence

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// A photo whose fact is quarantined has no record until a person lets the fact in, and by then its phone may have given up what it holds. So its bytes are
// taken while it waits, from its own person alone, and the question that waits says that they are here.

// parked is a photo whose fact waits for a person.
type parked struct {
	photo, question string // ids of the record that will be, and of the Conflict
	size            int64
	delivered       bool // the question says that the bytes are here
}

// What one call looks at of a person's parked photos in a scope, the newest first: those that are delivered cost little to pass over, and make room for
// older ones.
const (
	maxUndelivered = 500
	maxParked      = 20 * maxUndelivered
)

// kindConflict is the kind of the questions that wait for a person.
const kindConflict merge.Kind = "conflict"

// fieldPhotoSHA256 is the number of the field of Conflict that the Desk writes.
const fieldPhotoSHA256 = 10

// parkedEntries are the index entries of a question about a photo.
func parkedEntries(id uuid.UUID, change *roundsv1.Change) []engine.IndexEntry {
	question := change.GetRecord().GetConflict()
	if question.GetSubject().GetKind() != string(kindPhoto) || question.GetJournalSeq() == 0 {
		return nil
	}
	h, err := media.HashFrom(question.GetPhotoSha256())
	delivered := err == nil
	if question.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN {
		if delivered {
			return []engine.IndexEntry{awaits(kindConflict, id, change.GetVersion())}
		}
		return nil
	}
	var entries []engine.IndexEntry
	person, personErr := uuid.Parse(question.GetPersonId())
	photo, photoErr := uuid.Parse(question.GetSubject().GetId())
	if personErr == nil && photoErr == nil {
		value := photo[:]
		if delivered {
			value = append(value, h[:]...)
		}
		entries = append(entries, engine.IndexEntry{Name: indexParked, Value: value,
			Key: append(numberKey(person, question.GetJournalSeq()), id[:]...)})
	}
	if delivered {
		entries = append(entries, engine.IndexEntry{Name: indexParkedHash, Key: append(h[:], id[:]...)})
	}
	return entries
}

// parkedFunc returns the caller's parked photos that have one of the hashes of a call. They are looked up once, when they are first asked for.
type parkedFunc func() (map[media.Hash][]parked, error)

func (d *Desk) parkedOf(ctx context.Context, caller engine.Caller, scope store.Scope, hashes [][]byte) parkedFunc {
	return sync.OnceValues(func() (map[media.Hash][]parked, error) {
		person, err := uuid.Parse(string(caller.Person))
		if err != nil {
			return nil, nil
		}
		found, asked := map[media.Hash][]parked{}, map[media.Hash]bool{}
		for _, b := range hashes {
			if h, err := media.HashFrom(b); err == nil {
				asked[h] = true
			}
		}
		span, seen, undelivered := store.Prefix(person[:]), 0, 0
		span.Reverse = true
		for entry, err := range d.cfg.Records.Find(ctx, scope, indexParked, span) {
			if err != nil {
				return nil, err
			}
			if len(entry.Key) != 16+8+16 || len(entry.Value) < 16 {
				continue
			}
			one := parked{photo: uuid.UUID(entry.Value[:16]).String(), question: idOf(entry.Key)}
			h, err := media.HashFrom(entry.Value[16:])
			if one.delivered = err == nil; !one.delivered {
				undelivered++
			}
			if seen++; seen > maxParked || undelivered > maxUndelivered {
				break
			}
			if one.delivered && !asked[h] {
				continue
			}
			promised, err := d.promisedAt(ctx, scope, journal.Seq(binary.BigEndian.Uint64(entry.Key[16:])))
			if err != nil {
				return nil, err
			}
			if h, err = media.HashFrom(promised.GetSha256()); err == nil && asked[h] {
				one.size = promised.GetSizeBytes()
				found[h] = append(found[h], one)
			}
		}
		return found, nil
	})
}

// promisedAt is the photo that a mutation in the journal promises; nil where it promises none.
func (d *Desk) promisedAt(ctx context.Context, scope store.Scope, seq journal.Seq) (*roundsv1.Photo, error) {
	content, err := d.cfg.Records.Content(ctx, scope, seq)
	if err != nil {
		return nil, err
	}
	m := &roundsv1.Mutation{}
	if proto.Unmarshal(content, m) != nil {
		return nil, nil // of a newer app: it is let in by a newer server
	}
	return m.GetFact().GetRecord().GetPhoto(), nil
}

// chosen is the one of parked photos with the same bytes that an upload goes by: the first whose promise is one that bytes are taken for, or why none is.
func (d *Desk) chosen(waiting []parked) (parked, *roundsv1.Problem) {
	best, why := parked{}, (*roundsv1.Problem)(nil)
	fit := false
	for _, one := range waiting {
		unfit, _ := d.unfit(&roundsv1.Photo{SizeBytes: one.size})
		switch {
		case unfit != nil:
			why = unfit
		case !fit || one.delivered && !best.delivered:
			best, fit = one, true
		}
	}
	if fit {
		return best, nil
	}
	return best, why
}

// planParked plans the bytes of parked photos. That others have them here is not told: they are to be sent, unless this device, or another one of the same
// person's for the same photo, did that. Promises are those of the same bytes that have a record.
func (p *planning) planParked(ctx context.Context, want media.Want, waiting []parked, promises []promise) error {
	d := p.desk
	one, why := d.chosen(waiting)
	if why != nil {
		p.problem(why)
		return nil
	}
	if one.delivered || d.proved.has(proof{p.caller.Device, p.hash}) {
		unlock := d.hashes.lock(p.hash)
		defer unlock()
		if d.there(ctx, p.hash, one.size) {
			kept, err := d.claim(ctx, p.scope, p.hash, one.size, waiting, promises)
			if err != nil {
				return err
			}
			if !kept {
				p.problem(notPromised())
				return nil
			}
			p.result.Plan = &roundsv1.PlanResult_Stored{Stored: &roundsv1.PhotoStored{}}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return p.ask(ctx, want, one.size, promises)
}

// finishParked is finish of parked photos. The caller holds the lock of the hash.
func (d *Desk) finishParked(
	ctx context.Context, caller engine.Caller, scope store.Scope, h media.Hash, waiting []parked, promises []promise,
) (*roundsv1.PhotoStored, *roundsv1.Problem, error) {
	one, why := d.chosen(waiting)
	if why != nil {
		return nil, why, nil
	}
	upload, from := media.Upload{Owner: media.Owner(caller.Device), Hash: h, Size: one.size}, proof{caller.Device, h}
	if !one.delivered && !d.proved.has(from) || !d.there(ctx, h, one.size) {
		if why, err := d.receive(ctx, caller, scope, upload, promises); why != nil || err != nil {
			return nil, why, err
		}
		d.proved.add(from)
	}
	// The bytes are durable: that is written down also when the device has hung up meanwhile.
	kept, err := d.claim(context.WithoutCancel(ctx), scope, h, one.size, waiting, promises)
	switch {
	case err != nil:
		d.log.Error("photo stored, but not written down", "scope", string(scope), "hash", h.String(), "error", err)
		return nil, problemOf(err), nil
	case !kept:
		return nil, notPromised(), nil
	}
	d.stats.received(one.size)
	return &roundsv1.PhotoStored{}, nil, nil
}

// claim writes down that bytes are durable: in the question while it is open, in the photo where it was let in meanwhile, and in the other photos that wait
// for them. It is false where all questions were dismissed meanwhile and nothing else wants them. The caller holds the lock of the hash, and has seen the
// bytes in the storage.
func (d *Desk) claim(
	ctx context.Context, scope store.Scope, h media.Hash, size int64, waiting []parked, promises []promise,
) (kept bool, err error) {
	waiting = slices.DeleteFunc(slices.Clone(waiting), func(one parked) bool { return one.size != size })
	kept = len(promises) > 0
	for some := range slices.Chunk(waiting, mostMoves) {
		wanted := false
		if err := d.cfg.Records.Write(ctx, scope, func(view engine.View) (list []engine.Derived, err error) {
			list, wanted, err = claimed(view, h, some)
			return list, err
		}); err != nil {
			return false, err
		}
		kept = kept || wanted
	}
	return kept, d.write(ctx, scope, arrived(promises, size)...)
}

// claimed is what claim writes of parked photos; wanted says that one of them still waits, or was let in.
func claimed(view engine.View, h media.Hash, waiting []parked) (list []engine.Derived, wanted bool, err error) {
	var moves []move
	for _, one := range waiting {
		change, err := view.Get(kindPhoto, merge.RecordID(one.photo))
		if err != nil {
			return nil, false, err
		}
		if photo := change.GetRecord().GetPhoto(); !change.GetDeleted() && bytes.Equal(photo.GetSha256(), h[:]) {
			moves, wanted = append(moves, toStored(one.photo)), true
			continue
		}
		change, err = view.Get(kindConflict, merge.RecordID(one.question))
		if err != nil {
			return nil, false, err
		}
		question := change.GetRecord().GetConflict()
		if change.GetDeleted() || question.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN {
			continue
		}
		if wanted = true; !bytes.Equal(question.GetPhotoSha256(), h[:]) {
			list = append(list, engine.Derived{RecordID: merge.RecordID(one.question), Edit: &roundsv1.Edit{Fields: []uint32{fieldPhotoSHA256},
				Record: &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{PhotoSha256: h[:]}}}}})
		}
	}
	moved, err := derived(view, moves)
	return append(list, moved...), wanted, err
}

// letIn follows a question about a photo that was decided: where the photo came in, and its bytes were here before, it is stored.
func (d *Desk) letIn(ctx context.Context, scope store.Scope, id string) error {
	change, err := d.cfg.Records.Record(ctx, scope, kindConflict, merge.RecordID(id))
	if err != nil {
		return err
	}
	question := change.GetRecord().GetConflict()
	h, err := media.HashFrom(question.GetPhotoSha256())
	if err != nil || question.GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN {
		return nil
	}
	unlock := d.hashes.lock(h)
	defer unlock()
	photo, err := d.photo(ctx, scope, question.GetSubject().GetId())
	if err != nil || photo == nil || !isOpen(photo) || !bytes.Equal(photo.GetSha256(), h[:]) {
		return err
	}
	here, err := d.find(ctx, h, photo.GetSizeBytes())
	switch {
	case err != nil:
		return err
	case here:
		return d.write(ctx, scope, toStored(question.GetSubject().GetId()))
	}
	d.log.Error("an original that waited for its photo is lost; its device is asked for it again", "scope", string(scope),
		"photo", question.GetSubject().GetId())
	return d.write(ctx, scope, toAgain(question.GetSubject().GetId(), findingLost, statePromised, stateDeclared, stateUploading))
}

// parkedHas: whether the bytes of a photo of any scope that waits for a person are these, and were delivered.
func (d *Desk) parkedHas(ctx context.Context, scopes []store.Scope, h media.Hash) (bool, error) {
	for _, scope := range sitesAmong(scopes) {
		for _, err := range d.cfg.Records.Find(ctx, scope, indexParkedHash, store.Prefix(h[:])) {
			return true, err
		}
	}
	return false, nil
}

// parkedHash is the hash in an entry of the index by the hash of delivered parked photos.
func parkedHash(entry engine.IndexEntry) (h media.Hash) {
	copy(h[:], entry.Key)
	return h
}
