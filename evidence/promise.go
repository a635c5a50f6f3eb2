package evidence

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// promise is a photo as the index by hash has it.
type promise struct {
	id    string
	photo *roundsv1.Photo // see thin
	stamp *roundsv1.Stamp // of the creation
}

// maxPromises bounds the photos of one scope with the same bytes that are looked at: more is a device run wild. As many more are taken along that wait for
// their bytes, among the first mostPromises: they would wait for ever otherwise.
const (
	maxPromises  = 1000
	mostPromises = 10 * maxPromises
)

// promises returns the photos of a scope that promise a hash, in the order in which they came.
func (d *Desk) promises(ctx context.Context, scope store.Scope, h media.Hash) ([]promise, error) {
	var list []promise
	seen := 0
	for entry, err := range d.cfg.Records.Find(ctx, scope, indexHash, store.Prefix(h[:])) {
		if err != nil {
			return nil, err
		}
		one, err := decodePromise(entry)
		if err != nil {
			return nil, err
		}
		if seen++; seen <= maxPromises || isOpen(one.photo) {
			list = append(list, one)
		}
		if len(list) == 2*maxPromises || seen == mostPromises {
			break
		}
	}
	return list, nil
}

func decodePromise(entry engine.IndexEntry) (promise, error) {
	change := &roundsv1.Change{}
	if len(entry.Key) != len(media.Hash{})+8+16 {
		return promise{}, damaged(indexHash, fmt.Errorf("a key of %d bytes", len(entry.Key)))
	}
	if err := proto.Unmarshal(entry.Value, change); err != nil {
		return promise{}, damaged(indexHash, err)
	}
	return promise{id: idOf(entry.Key), photo: change.GetRecord().GetPhoto(), stamp: creation(change)}, nil
}

// live are the promises whose bytes were not removed for good.
func live(all []promise) []promise {
	return slices.DeleteFunc(slices.Clone(all), func(p promise) bool { return p.photo.GetState() == stateRedacted })
}

// stored are the promises whose bytes are in storage.
func stored(all []promise) []promise {
	return slices.DeleteFunc(slices.Clone(all), func(p promise) bool { return !hasBytes(p.photo) })
}

// open are the promises that wait for bytes of a size.
func open(all []promise, size int64) []promise {
	return slices.DeleteFunc(slices.Clone(all), func(p promise) bool { return !isOpen(p.photo) || p.photo.GetSizeBytes() != size })
}

// ofDevice is the promise that a device's upload goes by: its own that is still open, else its own, else the first that is open.
func ofDevice(all []promise, device engine.DeviceID) promise {
	best, rank := all[0], -1
	for _, p := range all {
		r := 0
		if isOpen(p.photo) {
			r++
		}
		if p.stamp.GetDeviceId() == string(device) {
			r += 2
		}
		if r > rank {
			best, rank = p, r
		}
	}
	return best
}

// deduplicated: whether the bytes came with a photo of another device. Of photos that were stored in the same moment one of the device's own counts.
func deduplicated(with []promise, device engine.DeviceID) bool {
	first := int64(0)
	for _, p := range with {
		if at := p.photo.GetReport().GetStoredUs(); first == 0 || at < first {
			first = at
		}
	}
	return !slices.ContainsFunc(with, func(p promise) bool {
		return p.photo.GetReport().GetStoredUs() == first && p.stamp.GetDeviceId() == string(device)
	})
}

// Numbers of Photo's fields that the Desk writes or takes out.
const (
	fieldPreview   = 14
	fieldState     = 40
	fieldFindings  = 41
	fieldReport    = 42
	fieldLegalHold = 43
)

// move is what becomes of one photo: given the photo as it stands in the transaction it returns the fields to write and their values, or none.
type move struct {
	id string
	to func(now *roundsv1.Photo, at int64) (*roundsv1.Photo, []uint32)
}

// mostMoves bounds the photos of one transaction: each is a record of some KiB, and the store bounds what it takes at once.
const mostMoves = 128

// write makes moves, few enough of them in one transaction. A photo that is no longer there stays as it is.
func (d *Desk) write(ctx context.Context, scope store.Scope, moves ...move) error {
	for some := range slices.Chunk(moves, mostMoves) {
		if err := d.cfg.Records.Write(ctx, scope, func(view engine.View) ([]engine.Derived, error) { return derived(view, some) }); err != nil {
			return err
		}
	}
	return nil
}

func derived(view engine.View, moves []move) ([]engine.Derived, error) {
	var list []engine.Derived
	for _, m := range moves {
		change, err := view.Get(kindPhoto, merge.RecordID(m.id))
		if err != nil {
			return nil, err
		}
		photo := change.GetRecord().GetPhoto()
		if photo == nil || change.GetDeleted() {
			continue
		}
		if after, fields := m.to(photo, view.Now().UnixMicro()); len(fields) > 0 {
			list = append(list, engine.Derived{RecordID: merge.RecordID(m.id), Edit: &roundsv1.Edit{
				Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: after}}, Fields: fields}})
		}
	}
	return list, nil
}

// toOpen moves a photo that waits for its bytes on to DECLARED or UPLOADING, never back.
func toOpen(id string, state roundsv1.PhotoState) move {
	return move{id, func(now *roundsv1.Photo, _ int64) (*roundsv1.Photo, []uint32) {
		if !isOpen(now) || now.GetState() >= state {
			return nil, nil
		}
		return &roundsv1.Photo{State: state}, []uint32{fieldState}
	}}
}

// toStored says that the bytes of a photo are durable. The caller knows it.
func toStored(id string) move {
	return move{id, func(now *roundsv1.Photo, at int64) (*roundsv1.Photo, []uint32) {
		if !isOpen(now) {
			return nil, nil
		}
		return &roundsv1.Photo{State: stateStored, Report: &roundsv1.PhotoReport{SizeBytes: now.GetSizeBytes(), StoredUs: at}},
			[]uint32{fieldState, fieldFindings, fieldReport}
	}}
}

// findingDiffers marks a photo whose bytes were others than promised when they arrived. They are asked for again.
const findingDiffers = "BYTES_DIFFER"

// toOtherSize says of a photo that promises a hash with a size which the bytes of that hash do not have that it can never be kept. Size is the true one.
func toOtherSize(id string, promised, size int64) move {
	f := finding(roundsv1.CheckCode_CHECK_CODE_UNSPECIFIED, fmt.Sprintf("登记的文件大小为%d字节，而此哈希对应的文件为%d字节。", promised, size),
		fmt.Sprintf("%d bytes were promised; the bytes with this hash are %d.", promised, size), float64(promised), float64(size))
	return move{id, func(now *roundsv1.Photo, at int64) (*roundsv1.Photo, []uint32) {
		after, fields := toRefused(id, f).to(now, at)
		if after != nil {
			after.Findings = []string{findingDiffers}
		}
		return after, fields
	}}
}

// arrived are the moves of the photos that waited for bytes which are in storage now, of a size.
func arrived(all []promise, size int64) []move {
	var list []move
	for _, p := range all {
		switch {
		case !isOpen(p.photo):
		case p.photo.GetSizeBytes() == size:
			list = append(list, toStored(p.id))
		default:
			list = append(list, toOtherSize(p.id, p.photo.GetSizeBytes(), size))
		}
	}
	return list
}

// refusals are the moves of the photos whose promises are none that bytes are taken for.
func (d *Desk) refusals(all []promise) []move {
	var list []move
	for _, p := range all {
		if _, finding := d.unfit(p.photo); finding != nil && isOpen(p.photo) {
			list = append(list, toRefused(p.id, finding))
		}
	}
	return list
}

// findingLost marks a photo whose bytes the storage no longer has. They are asked for again.
const findingLost = "BYTES_LOST"

// toAgain asks for the bytes of a photo once more.
func toAgain(id, why string, from ...roundsv1.PhotoState) move {
	return move{id, func(now *roundsv1.Photo, _ int64) (*roundsv1.Photo, []uint32) {
		if !slices.Contains(from, now.GetState()) || now.GetState() == stateDeclared && slices.Contains(now.GetFindings(), why) {
			return nil, nil
		}
		return &roundsv1.Photo{State: stateDeclared, Findings: []string{why}}, []uint32{fieldState, fieldFindings, fieldReport}
	}}
}

// toRefused says that a photo cannot count and that its bytes are not wanted.
func toRefused(id string, finding *roundsv1.Finding) move {
	return move{id, func(now *roundsv1.Photo, at int64) (*roundsv1.Photo, []uint32) {
		if !isOpen(now) {
			return nil, nil
		}
		return &roundsv1.Photo{State: stateHard, Findings: codes([]*roundsv1.Finding{finding}),
				Report: &roundsv1.PhotoReport{Findings: []*roundsv1.Finding{finding}, SizeBytes: now.GetSizeBytes(), AnalysedUs: at}},
			[]uint32{fieldState, fieldFindings, fieldReport}
	}}
}
