package evidence

import (
	"encoding/binary"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// The kinds of records that the Desk looks at.
const (
	kindPhoto      merge.Kind = "photo"
	kindTicket     merge.Kind = "ticket"
	kindInspection merge.Kind = "inspection"
	kindSite       merge.Kind = "site"
	kindPlace      merge.Kind = "place"
	kindCategory   merge.Kind = "category"
)

// The indexes. Numbers in keys are big endian, times are microseconds with the sign turned so that they sort, ids are their 16 bytes.
const (
	// indexMissing: time, photo -> MissingPhoto without its age. Photos promised and not stored.
	indexMissing engine.IndexName = "missing"
	// indexWork: time, photo -> state, hash. Photos stored and not settled.
	indexWork engine.IndexName = "work"
	// indexHash: hash, sequence number of the creation, photo -> a Change with the stamp of the creation and the photo without preview, EXIF and findings. So
	// whoever promises a hash later, under whatever id, stands behind who was first.
	indexHash engine.IndexName = "hash"
	// indexKept: time, photo -> hash. Photos whose bytes are in storage.
	indexKept engine.IndexName = "kept"
	// indexSubject: kind, 0, subject, photo -> hash.
	indexSubject engine.IndexName = "subject"
	// indexPrint: photo -> frequency hash, difference hash, time. Photos that can be compared.
	indexPrint engine.IndexName = "print"
	// indexNumber: device, capture number -> photo.
	indexNumber engine.IndexName = "number"
	// indexAwaits: version, kind, 0, id. Tickets and rounds that wait for evidence, and photos that were hidden, or promised with a number. And
	// questions about a photo that were decided after its bytes had come.
	indexAwaits engine.IndexName = "awaits"
	// indexParked: person, sequence number of the mutation, question -> photo, and its hash once its bytes are here. Photos that wait for a person.
	indexParked engine.IndexName = "parked"
	// indexParkedHash: hash, question. Photos that wait for a person and whose bytes are in storage.
	indexParkedHash engine.IndexName = "parkedhash"
	// indexSite: id. The record of the site itself.
	indexSite engine.IndexName = "site"
)

// IndexVersion changes when the entries do: the engine then makes the indexes anew.
const IndexVersion = "evidence 3"

// Index is what the Desk needs indexed of the records: engine.Config.Index takes it. It is pure.
type Index struct{}

var _ engine.Index = Index{}

// Entries implements engine.Index.
func (Index) Entries(kind merge.Kind, change *roundsv1.Change) []engine.IndexEntry {
	if change.GetDeleted() {
		return nil
	}
	id, err := uuid.Parse(change.GetRecordId())
	if err != nil {
		return nil
	}
	switch kind {
	case kindPhoto:
		return photoEntries(id, change)
	case kindTicket:
		if waits(change) {
			return []engine.IndexEntry{awaits(kind, id, change.GetVersion())}
		}
	case kindInspection:
		if waits(change) {
			return []engine.IndexEntry{awaits(kind, id, change.GetVersion())}
		}
	case kindConflict:
		return parkedEntries(id, change)
	case kindSite:
		return []engine.IndexEntry{{Name: indexSite, Key: id[:]}}
	}
	return nil
}

func awaits(kind merge.Kind, id uuid.UUID, version uint64) engine.IndexEntry {
	key := append(binary.BigEndian.AppendUint64(nil, version), kind...)
	return engine.IndexEntry{Name: indexAwaits, Key: append(append(key, 0), id[:]...)}
}

func photoEntries(id uuid.UUID, change *roundsv1.Change) []engine.IndexEntry {
	photo, stamp := change.GetRecord().GetPhoto(), creation(change)
	hash, err := media.HashFrom(photo.GetSha256())
	hashed := err == nil
	at := append(timeKey(stamp.GetTimeUs()), id[:]...)
	var entries []engine.IndexEntry
	add := func(name engine.IndexName, key, value []byte) {
		entries = append(entries, engine.IndexEntry{Name: name, Key: key, Value: value})
	}
	if isOpen(photo) {
		add(indexMissing, at, encode(&roundsv1.MissingPhoto{PhotoId: change.GetRecordId(), Sha256: photo.GetSha256(), SizeBytes: photo.GetSizeBytes(),
			State: photo.GetState(), Subject: photo.GetSubject(), DeviceId: stamp.GetDeviceId(), PersonId: photographer(photo, stamp),
			PromisedUs: stamp.GetTimeUs()}))
	}
	if hashed && awaitsLook(photo) {
		add(indexWork, at, append([]byte{byte(photo.GetState())}, hash[:]...))
	}
	if hashed && hasBytes(photo) {
		add(indexKept, at, hash[:])
	}
	if hashed {
		add(indexHash, append(binary.BigEndian.AppendUint64(slices.Clone(hash[:]), stamp.GetSeq()), id[:]...), encode(&roundsv1.Change{
			Record: &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: thin(photo)}},
			Writes: []*roundsv1.Write{{Stamp: &roundsv1.Stamp{Seq: stamp.GetSeq(), DeviceId: stamp.GetDeviceId(), PersonId: stamp.GetPersonId(), TimeUs: stamp.GetTimeUs()}}},
		}))
	}
	if subject, err := uuid.Parse(photo.GetSubject().GetId()); err == nil && hashed {
		add(indexSubject, append(subjectKey(merge.Kind(photo.GetSubject().GetKind()), subject), id[:]...), hash[:])
	}
	if report := photo.GetReport(); hasBytes(photo) && report.GetWidthPx() > 0 && !report.GetFeatureless() {
		value := binary.BigEndian.AppendUint64(nil, report.GetFrequencyHash())
		value = binary.BigEndian.AppendUint64(value, report.GetDifferenceHash())
		add(indexPrint, id[:], append(value, timeKey(stamp.GetTimeUs())...))
	}
	if device, err := uuid.Parse(stamp.GetDeviceId()); err == nil && photo.GetCaptureNumber() > 0 {
		// Two photos with one number are the device's fault; the later record stands beside the other all the same.
		add(indexNumber, slices.Concat(numberKey(device, photo.GetCaptureNumber()), id[:]), nil)
	}
	if photo.GetHidden() != nil || photo.GetState() == statePromised && photo.GetCaptureNumber() > 0 {
		entries = append(entries, awaits(kindPhoto, id, change.GetVersion()))
	}
	return entries
}

// thin is what the index by hash keeps of a photo.
func thin(photo *roundsv1.Photo) *roundsv1.Photo {
	p := &roundsv1.Photo{Subject: photo.GetSubject(), Role: photo.GetRole(), Round: photo.GetRound(), ItemId: photo.GetItemId(),
		SizeBytes: photo.GetSizeBytes(), Captured: photo.GetCaptured(), Source: photo.GetSource(), PersonId: photo.GetPersonId(),
		CaptureNumber: photo.GetCaptureNumber(), Shared: photo.GetShared(), State: photo.GetState()}
	if stored := photo.GetReport().GetStoredUs(); stored != 0 {
		p.Report = &roundsv1.PhotoReport{StoredUs: stored}
	}
	return p
}

// creation is the stamp of the mutation that made a record. What it wrote in fixed fields stands for ever, so it is the first.
func creation(change *roundsv1.Change) *roundsv1.Stamp {
	if writes := change.GetWrites(); len(writes) > 0 {
		return writes[0].GetStamp()
	}
	return nil
}

// photographer is who answers for a photo: the person whose device signed it, whatever the photo says.
func photographer(photo *roundsv1.Photo, stamp *roundsv1.Stamp) string {
	if person := stamp.GetPersonId(); person != "" {
		return person
	}
	return photo.GetPersonId()
}

// isOpen: the bytes are promised and not stored.
func isOpen(photo *roundsv1.Photo) bool {
	switch photo.GetState() {
	case statePromised, stateDeclared, stateUploading:
		return true
	}
	return false
}

// awaitsLook: the bytes are stored and the photo is not settled.
func awaitsLook(photo *roundsv1.Photo) bool {
	return photo.GetState() == stateStored || photo.GetState() == stateAnalysed
}

// hasBytes: the bytes of the photo are in storage. A photo can be HARD without: one that was empty or too large to be taken.
func hasBytes(photo *roundsv1.Photo) bool {
	switch photo.GetState() {
	case stateStored, stateAnalysed, stateClean, stateSoft, stateHard:
		return photo.GetReport().GetStoredUs() != 0
	}
	return false
}

// The states, in short.
const (
	statePromised  = roundsv1.PhotoState_PHOTO_STATE_UNSPECIFIED
	stateDeclared  = roundsv1.PhotoState_PHOTO_STATE_DECLARED
	stateUploading = roundsv1.PhotoState_PHOTO_STATE_UPLOADING
	stateStored    = roundsv1.PhotoState_PHOTO_STATE_STORED
	stateAnalysed  = roundsv1.PhotoState_PHOTO_STATE_ANALYSED
	stateClean     = roundsv1.PhotoState_PHOTO_STATE_CLEAN
	stateSoft      = roundsv1.PhotoState_PHOTO_STATE_SOFT
	stateHard      = roundsv1.PhotoState_PHOTO_STATE_HARD
	stateRedacted  = roundsv1.PhotoState_PHOTO_STATE_REDACTED
)

func timeKey(us int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(us)^1<<63) }

func subjectKey(kind merge.Kind, id uuid.UUID) []byte {
	return append(append([]byte(kind), 0), id[:]...)
}

func numberKey(device uuid.UUID, number uint64) []byte {
	return binary.BigEndian.AppendUint64(slices.Clone(device[:]), number)
}

// encode writes a message so that the same content gives the same bytes. Messages of the schema can always be written.
func encode(m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil
	}
	return b
}
