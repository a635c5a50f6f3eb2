package sim

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

func sha(content []byte) media.Hash { return sha256.Sum256(content) }

// hasBytes: whether a photo counts as one whose bytes are in storage. One can be refused (HARD) without.
func hasBytes(photo *roundsv1.Photo) bool {
	switch photo.GetState() {
	case roundsv1.PhotoState_PHOTO_STATE_STORED, roundsv1.PhotoState_PHOTO_STATE_ANALYSED, roundsv1.PhotoState_PHOTO_STATE_CLEAN,
		roundsv1.PhotoState_PHOTO_STATE_SOFT:
		return true
	case roundsv1.PhotoState_PHOTO_STATE_HARD:
		return photo.GetReport().GetStoredUs() != 0
	}
	return false
}

// sound: whether a photo may prove something.
func sound(photo *roundsv1.Photo) bool {
	return photo.GetState() == roundsv1.PhotoState_PHOTO_STATE_CLEAN || photo.GetState() == roundsv1.PhotoState_PHOTO_STATE_SOFT
}

// wrong notes that something is wrong in the middle of a call; tell tells it afterwards.
func (ph *photography) wrong(format string, args ...any) {
	ph.mu.Lock()
	defer ph.mu.Unlock()
	ph.found = append(ph.found, fmt.Sprintf(format, args...))
}

func (ph *photography) tell() {
	ph.mu.Lock()
	found := ph.found
	ph.found = nil
	ph.mu.Unlock()
	for _, words := range found {
		ph.w.fail("%s", words)
	}
}

// noting is a transaction whose records are taken down as they are written.
type noting struct {
	store.Writer
	changes *[]*roundsv1.Change
}

// Set implements store.Writer. Of what the engine writes, "c" are the records: behind one byte, as they travel.
func (n noting) Set(key, value []byte) error {
	if key[0] == 'c' && len(value) > 0 {
		change := new(roundsv1.Change)
		if err := proto.Unmarshal(value[1:], change); err != nil {
			return err
		}
		*n.changes = append(*n.changes, change)
	}
	return n.Writer.Set(key, value)
}

// committed looks at what a commit wrote, before anybody hears of it. It is on a goroutine of the engine.
func (ph *photography) committed(scope store.Scope, changes []*roundsv1.Change) {
	for _, change := range changes {
		if photo := change.GetRecord().GetPhoto(); photo != nil {
			ph.note(scope, change.GetRecordId(), photo)
		}
	}
	for _, change := range changes {
		if ticket := change.GetRecord().GetTicket(); ticket != nil {
			ph.ticket(scope, change.GetRecordId(), ticket)
		}
		if question := change.GetRecord().GetConflict(); len(question.GetPhotoSha256()) == len(media.Hash{}) {
			ph.question(scope, question)
		}
	}
}

// parked are bytes that were taken for a photo of which a person has yet to decide whether it counts.
type parked struct {
	scope store.Scope
	hash  media.Hash
}

// question takes down that a question about a photo says its bytes are here: then they must be.
func (ph *photography) question(scope store.Scope, question *roundsv1.Conflict) {
	h := media.Hash(question.GetPhotoSha256())
	ph.mu.Lock()
	ph.parked[parked{scope, h}] = true
	s, excused := ph.byID[recordID(question.GetSubject().GetId())], ph.excused[h]
	ph.mu.Unlock()
	switch {
	case s == nil || question.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN:
	case h != s.hash:
		ph.wrong("P9: %s: the question about %s has another hash than what was taken", scope, ph.w.name(s.id))
	case !excused && !ph.depot.holds(h, s.size):
		ph.wrong("P9: %s: the question about %s says that its bytes are here, and they do not rest in the storage", scope, ph.w.name(s.id))
	}
}

// isParked: whether bytes were taken for a question of a scope.
func (ph *photography) isParked(scope store.Scope, h media.Hash) bool {
	ph.mu.Lock()
	defer ph.mu.Unlock()
	return ph.parked[parked{scope, h}]
}

// note takes down a photo as it was committed: what it says of its bytes must be so already.
func (ph *photography) note(scope store.Scope, id string, photo *roundsv1.Photo) {
	ph.mu.Lock()
	before := ph.records[scope][id]
	ph.records[scope][id] = photo
	if hasBytes(photo) || photo.GetState() == roundsv1.PhotoState_PHOTO_STATE_REDACTED {
		if _, known := ph.stored[recordID(id)]; !known {
			ph.stored[recordID(id)] = ph.w.now
		}
	}
	excused := len(photo.GetSha256()) == len(media.Hash{}) && ph.excused[media.Hash(photo.GetSha256())]
	ph.mu.Unlock()
	if before != nil && string(before.GetSha256()) != string(photo.GetSha256()) {
		ph.wrong("P9: %s: %s has another hash than before", scope, ph.w.name(recordID(id)))
	}
	if s := ph.byID[recordID(id)]; s != nil && string(photo.GetSha256()) != string(s.hash[:]) {
		ph.wrong("P9: %s: %s does not have the hash of what was taken", scope, ph.w.name(recordID(id)))
	}
	if hasBytes(photo) && !excused && !ph.rests(photo) {
		ph.wrong("P9: %s: %s is %v, and its bytes do not rest in the storage", scope, ph.w.name(recordID(id)), photo.GetState())
	}
}

// rests: whether the bytes of a photo are durable, and are what the photo promised.
func (ph *photography) rests(photo *roundsv1.Photo) bool {
	h, err := media.HashFrom(photo.GetSha256())
	return err == nil && ph.depot.holds(h, photo.GetSizeBytes())
}

// ticket takes down a ticket as it was committed: one that goes to review, or is closed, has sound photos.
func (ph *photography) ticket(scope store.Scope, id string, ticket *roundsv1.Ticket) {
	ph.mu.Lock()
	before := ph.tickets[scope][id].GetState()
	ph.tickets[scope][id] = ticket
	if ticket.GetState() == roundsv1.TicketState_TICKET_STATE_CLOSED {
		ph.closed[id] = true
	}
	photos := ph.records[scope]
	ph.mu.Unlock()
	switch state := ticket.GetState(); {
	case state == before, before == roundsv1.TicketState_TICKET_STATE_CLOSED && state == roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW:
		return // what came back was looked at before: a photo of it may have been redacted since
	case state == roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW:
	case state == roundsv1.TicketState_TICKET_STATE_CLOSED && !slices.Contains(ticket.GetFlags(), "forced") && !slices.Contains(ticket.GetFlags(), "closed_by_tasks"):
	default:
		return
	}
	proofs := 0
	for _, c := range ticket.GetCompletions() {
		if c.GetRound() != ticket.GetRound() || c.GetLate() {
			continue
		}
		for _, photoID := range c.GetPhotoIds() {
			photo := photos[photoID]
			if photo.GetHidden() != nil {
				continue
			}
			proofs++
			if !sound(photo) || !ph.rests(photo) && !ph.excused[media.Hash(photo.GetSha256())] {
				ph.wrong("P9: %s: %s is %v, and %s of its manifest is %v", scope, ph.w.name(recordID(id)), ticket.GetState(),
					ph.w.name(recordID(photoID)), photo.GetState())
			}
		}
	}
	if asked := ticket.GetRequirements(); proofs == 0 && (asked.GetCategoryId() == "" || asked.GetAfterPhotos() > 0) {
		ph.wrong("P9: %s: %s is %v without a photo", scope, ph.w.name(recordID(id)), ticket.GetState())
	}
}

// audit reads all photos and tickets anew, as after a crash, and looks whether the bytes of all that counts as stored are there.
func (ph *photography) audit() {
	w := ph.w
	for _, scope := range w.scopes {
		photos, tickets := ph.photosOf(scope), map[string]*roundsv1.Ticket{}
		for _, id := range w.tickets[scope] {
			change, err := w.server.engine.Record(background(), scope, "ticket", merge.RecordID(id))
			if err != nil {
				w.fail("Record: %v", err)
			}
			if ticket := change.GetRecord().GetTicket(); ticket != nil {
				tickets[string(id)] = ticket
			}
		}
		ph.records[scope], ph.tickets[scope] = photos, tickets
		for _, id := range slices.Sorted(maps.Keys(photos)) {
			ph.note(scope, id, photos[id])
		}
	}
	ph.tell()
}

// photosOf reads the photos of a scope.
func (ph *photography) photosOf(scope store.Scope) map[string]*roundsv1.Photo {
	photos := map[string]*roundsv1.Photo{}
	// The index by hash has every photo; its id stands at the end.
	for entry, err := range ph.w.server.engine.Find(background(), scope, "hash", store.Span{}) {
		if err != nil || len(entry.Key) < len(uuid.UUID{}) {
			ph.w.fail("Find: an entry of %d bytes, %v", len(entry.Key), err)
			break
		}
		id := uuid.UUID(entry.Key[len(entry.Key)-len(uuid.UUID{}):]).String()
		change, err := ph.w.server.engine.Record(background(), scope, "photo", merge.RecordID(id))
		if err != nil {
			ph.w.fail("Record: %v", err)
		}
		if photo := change.GetRecord().GetPhoto(); photo != nil {
			photos[id] = photo
		}
	}
	return photos
}

// excuse notes which bytes are missing after a backup was brought back: of the storage, or of records that name what was removed since.
func (ph *photography) excuse() {
	ph.excused = map[media.Hash]bool{}
	for _, scope := range ph.w.scopes {
		ph.records[scope] = ph.photosOf(scope)
		for _, id := range slices.Sorted(maps.Keys(ph.records[scope])) {
			photo := ph.records[scope][id]
			if !hasBytes(photo) || ph.rests(photo) {
				continue
			}
			h := media.Hash(photo.GetSha256())
			if !ph.rewound && !ph.redacted[h] {
				ph.wrong("P11: %s: %s was %v in the backup, and its bytes are gone", scope, ph.w.name(recordID(id)), photo.GetState())
			}
			ph.excused[h] = true
			ph.w.note("photos: the bytes of %s are missing", ph.w.name(recordID(id)))
		}
	}
}

// removed looks, after an original was removed, whether a photo still had it.
func (ph *photography) removed(h media.Hash) {
	ph.w.seen.Removed++
	for _, s := range ph.shots {
		photo := ph.record(s)
		if s.hash == h && hasBytes(photo) && !ph.excused[h] && !ph.rests(photo) {
			ph.wrong("P9: the bytes of %s were removed, and it is %v", ph.w.name(s.id), photo.GetState())
		}
	}
}

// record is a photo as it was last committed; nil: the server does not have it.
func (ph *photography) record(s *shot) *roundsv1.Photo {
	ph.mu.Lock()
	defer ph.mu.Unlock()
	return ph.records[s.scope][string(s.id)]
}

// of are the photos of a scope that promise a hash.
func (ph *photography) of(scope store.Scope, h media.Hash) (all []*roundsv1.Photo) {
	ph.mu.Lock()
	defer ph.mu.Unlock()
	for _, photo := range ph.records[scope] {
		if string(photo.GetSha256()) == string(h[:]) {
			all = append(all, photo)
		}
	}
	return all
}

// judge looks, when all links have healed, at what became of every photo.
func (ph *photography) judge() {
	w := ph.w
	ph.audit()
	for _, p := range w.phones {
		if !p.gone && !p.wiped {
			ph.queue(p)
		}
	}
	for _, s := range ph.shots {
		ph.kept(s)
	}
	// Long after, when nothing is adopted any more, what is left is what photos have.
	ph.adopt = false
	ph.open()
	w.pass(grace, grace+uploadLife)
	ph.upkeep()
	ph.audit()
	for _, s := range ph.shots {
		if photo := ph.record(s); photo.GetState() == roundsv1.PhotoState_PHOTO_STATE_REDACTED && !ph.unfinished[s] {
			ph.redactedWhole(s, photo)
		}
	}
	ph.tell()
}

// redactedWhole wants nothing to be left of a photo that was redacted, but its hash.
func (ph *photography) redactedWhole(s *shot, photo *roundsv1.Photo) {
	if string(photo.GetSha256()) != string(s.hash[:]) || len(photo.GetPreview()) > 0 {
		ph.wrong("P9: %s: %s was redacted: its hash is there %v, its preview %v", s.scope, ph.w.name(s.id), len(photo.GetSha256()) > 0, len(photo.GetPreview()) > 0)
	}
	for _, scope := range ph.w.sites {
		if ph.isParked(scope, s.hash) || slices.ContainsFunc(ph.of(scope, s.hash), func(p *roundsv1.Photo) bool { return p.GetState() != roundsv1.PhotoState_PHOTO_STATE_REDACTED }) {
			return // another has, or waits for, the same bytes
		}
	}
	for _, class := range []media.Class{media.Original, media.Large, media.Small, media.Report} {
		if ph.depot.memory.Durable(media.At(class, s.hash)) != nil {
			ph.wrong("P9: %s: %s was redacted, and its %s is there", s.scope, ph.w.name(s.id), class)
		}
	}
}

// queue looks at the uploads of a phone that has synced until nothing was left to do.
func (ph *photography) queue(p *phone) {
	w := ph.w
	all, err := p.device.Photos(background())
	if err != nil {
		w.fail("%s: Photos: %v", p.name, err)
	}
	for _, one := range all {
		photo, h := ph.records[one.Scope][string(one.ID)], media.Hash(one.Hash)
		if !w.access.EverHad(p.person, one.Scope) {
			continue
		}
		fine := false
		switch one.Stage {
		case client.PhotoStored:
			// Of one that waits for a supervisor the server may have the bytes from another photo.
			fine = hasBytes(photo) || photo.GetState() == roundsv1.PhotoState_PHOTO_STATE_REDACTED ||
				photo == nil && (ph.isParked(one.Scope, h) || slices.ContainsFunc(ph.of(one.Scope, h), hasBytes))
		case client.PhotoFailed:
			switch one.Fault {
			case client.PhotoDamaged:
				fine = p.album.damaged[one.Hash]
			case client.PhotoRedacted:
				fine = ph.redacted[h]
			case client.PhotoGone:
				fine = w.restored || ph.rewound
			case client.PhotoRefused:
				fine = photo == nil || !hasBytes(photo) && photo.GetState() == roundsv1.PhotoState_PHOTO_STATE_HARD
			}
		}
		if !fine {
			ph.wrong("P9: %s: all is synced, and %s is %s %s %v; the server says %v", p.name, w.name(one.ID), one.Stage, one.Fault,
				one.Problem.GetCode(), photo.GetState())
		}
	}
}

// kept wants a photo whose fact was taken to be stored, where a phone has the bytes or gave them up because they were.
func (ph *photography) kept(s *shot) {
	w, photo := ph.w, ph.record(s)
	if photo == nil || hasBytes(photo) || photo.GetState() >= roundsv1.PhotoState_PHOTO_STATE_HARD {
		w.seen.PhotosKept++
		return
	}
	for _, p := range s.phones {
		if p.gone || p.wiped || p.lies && !p.album.intact(s.hash) || p.album.damaged[client.PhotoHash(s.hash)] || w.restored || ph.rewound && !p.album.intact(s.hash) ||
			w.access.Revoked(p.caller().Device) != 0 {
			return
		}
	}
	ph.wrong("P9: %s: %s (%s) was taken by %s, and its bytes never came: %v", s.scope, w.name(s.id), s.how, s.phones[0].name, photo.GetState())
}
