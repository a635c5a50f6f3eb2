package sim

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"sync"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/evidence"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/media"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

// photography is what a history in which photos are taken has besides the others: the desk that takes in their bytes, the storage, and a model that knows
// which bytes each phone took and what the records say of them.
type photography struct {
	w     *world
	desk  *evidence.Desk
	depot *depot
	late  []late
	died  bool // during the last call, the server or the storage did
	adopt bool // the desk adopts what is in storage
	shots []*shot
	byID  map[recordID]*shot
	taken int           // images of the roll that were used
	gone  time.Duration // days that went by at once

	mu      sync.Mutex // guards what follows: commits are on goroutines of the engine
	records map[store.Scope]map[string]*roundsv1.Photo
	tickets map[store.Scope]map[string]*roundsv1.Ticket
	stored  map[recordID]int64 // when a record first said that the bytes are stored, or removed
	closed  map[string]bool    // tickets that were ever closed
	parked  map[parked]bool    // bytes that were taken for photos of which a person has yet to decide
	found   []string           // what is wrong, to be told when the call has ended

	redacted   map[media.Hash]bool // a photo of these bytes was ever redacted
	excused    map[media.Hash]bool // the bytes are missing since a backup was restored
	unfinished map[*shot]bool      // redactions that were interrupted
	rewound    bool                // the storage was ever restored from a backup
	spoofed    map[engine.DeviceID]bool
}

// shot is a photo that was taken.
type shot struct {
	id       recordID
	scope    store.Scope
	subject  recordID
	hash     media.Hash
	size     int64
	how      string
	phones   []*phone // that have it: the one that took it, and its clone
	returned bool
}

const (
	// keeps is how long phones keep originals after they were stored.
	keeps = 3 * 24 * time.Hour
	// grace is how old garbage has to be.
	grace = 36 * time.Hour
	// uploadLife is how long an upload rests before it is swept.
	uploadLife = 10 * time.Hour
	// longestGone bounds the days of a history: what a server lost longer ago than client.Timing.Retain phones need not have.
	longestGone = 20 * 24 * time.Hour
)

// roll are the images that are taken, drawn once.
var roll = sync.OnceValue(func() (images [][]byte) {
	scenes := drawn.Scenes()
	for n := range uint64(24) {
		images = append(images, drawn.Photo(n, scenes[n%uint64(len(scenes))], drawn.Options{WidthPx: 64, Shot: n, Stage: drawn.Stage(n % 2)}))
	}
	return images
})

// padded is a JPEG with comments in front that make it unlike all others, and so many bytes larger.
func padded(image []byte, serial, more int) []byte {
	out := append(make([]byte, 0, len(image)+more+64), image[:2]...)
	for first := true; first || more > 0; first = false {
		size := min(max(more, 16), 60_000)
		out = append(out, 0xff, 0xfe)
		out = binary.BigEndian.AppendUint16(out, uint16(size+2))
		comment := make([]byte, size)
		copy(comment, fmt.Sprintf("%d/%d", serial, more))
		out = append(out, comment...)
		more -= size
	}
	return append(out, image[2:]...)
}

func newPhotography(w *world) *photography {
	ph := &photography{w: w, byID: map[recordID]*shot{}, records: map[store.Scope]map[string]*roundsv1.Photo{},
		tickets: map[store.Scope]map[string]*roundsv1.Ticket{}, stored: map[recordID]int64{}, closed: map[string]bool{}, parked: map[parked]bool{},
		redacted: map[media.Hash]bool{}, excused: map[media.Hash]bool{}, unfinished: map[*shot]bool{}, spoofed: map[engine.DeviceID]bool{}}
	for _, scope := range w.scopes {
		ph.records[scope], ph.tickets[scope] = map[string]*roundsv1.Photo{}, map[string]*roundsv1.Ticket{}
	}
	return ph
}

// open opens a desk beside the server's engine.
func (ph *photography) open() {
	w, s := ph.w, ph.w.server
	if ph.depot == nil {
		ph.depot = newDepot(ph)
	}
	var err error
	ph.desk, err = evidence.New(evidence.Config{Records: s.engine, Driver: ph.depot, Access: w.access, Scopes: s.turns.Scopes, Verified: w.rules.Verified,
		Now: func() time.Time { return timeOf(s.now()) }, Workers: 1, Abreast: 1, MaxPhotoBytes: 400_000, UploadLife: uploadLife, Grace: grace,
		Adopt: ph.adopt})
	if err != nil {
		panic(err)
	}
}

// equip gives a phone's configuration what it takes photos with.
func (ph *photography) equip(p *phone, cfg *client.Config) {
	cfg.Originals, cfg.Media, cfg.HTTP = p.album, mediaLink{p: p}, &http.Client{Transport: carrier{p}}
	cfg.Limits.Parts = 1
	// What a phone rests by the clock on the wall would rest for real; an hour for a part that stands still is as good as for ever here.
	cfg.Timing = client.Timing{BackoffFirst: time.Microsecond, BackoffMax: time.Microsecond, Standstill: time.Hour, Originals: keeps}
}

// act is what happens to photos between two steps of a history.
func (ph *photography) act() {
	w := ph.w
	ph.depot.memory.Sync() // what says "done" too early is done a little later
	p := pick(w, w.phones)
	switch n := w.rand.IntN(100); {
	case n < 22:
		ph.take(p)
	case n < 32:
		w.stride()
	case n < 72:
		ph.look(pick(w, w.sites))
	case n < 83:
		ph.upkeep()
	case n < 86:
		ph.redact()
	case n < 88:
		ph.hold()
	case n < 90:
		ph.days()
	case n < 94:
		ph.again()
	case n < 96 && w.plan.serverFaults:
		ph.depot.kill()
	case n < 97 && w.plan.deviceFaults:
		ph.damage(p)
	case n < 99 && w.plan.restore:
		ph.restore()
	default:
		p.sync()
	}
	ph.tell()
}

// image makes the bytes of the next photo.
func (ph *photography) image() (content []byte, how string) {
	w := ph.w
	images := roll()
	ph.taken++
	n := (ph.taken + int(w.seed%uint64(len(images)))) % len(images)
	switch {
	case len(ph.shots) > 0 && w.chance(5):
		// The same bytes once more: on another ticket, or another phone; best while the first are still on their way.
		of := pick(w, ph.shots)
		for _, s := range ph.shots {
			if ph.stored[s.id] == 0 && s.size > 0 && w.chance(2) {
				of = s
			}
		}
		for _, p := range of.phones {
			if kept := p.album.kept[client.PhotoHash(of.hash)]; kept != nil && p.album.intact(of.hash) {
				return kept, "the bytes of " + w.name(of.id)
			}
		}
		return padded(images[n], ph.taken, 0), "small"
	case w.chance(16):
		return nil, "empty"
	case w.chance(14):
		return padded(images[n], ph.taken, 0)[:len(images[n])/2], "truncated"
	case w.chance(20):
		return append([]byte("this is no image "), itoa(uint64(ph.taken))...), "no image"
	case w.chance(40):
		return padded(images[n], ph.taken, 450_000), "too large"
	case w.chance(3):
		return padded(images[n], ph.taken, 70_000+w.rand.IntN(160_000)), "of several parts"
	}
	return padded(images[n], ph.taken, 0), "small"
}

// look lets the desk look at what waits in a scope.
func (ph *photography) look(scope store.Scope) {
	var err error
	struck := ph.during("look", func() { err = ph.desk.Look(background(), scope) })
	ph.w.note("photos: looked through %s: %v", ph.w.short(scope), err)
	if err != nil && !struck && len(ph.excused) == 0 {
		ph.w.fail("Look: %v", err)
	}
}

// upkeep sweeps uploads and collects garbage.
func (ph *photography) upkeep() {
	ph.w.seen.Upkeeps++
	var err error
	before := ph.depot.memory.String()
	struck := ph.during("upkeep", func() { err = ph.desk.Upkeep(background()) })
	ph.w.note("photos: upkeep: %s, then %v: %v", before, ph.depot.memory, err)
	if err != nil && !struck {
		ph.w.fail("Upkeep: %v", err)
	}
}

// days lets days go by.
func (ph *photography) days() {
	by := time.Duration(6+ph.w.rand.IntN(90)) * time.Hour
	if ph.gone+by > longestGone {
		return
	}
	ph.gone += by
	ph.w.pass(by, by+time.Hour)
	ph.w.note("photos: %v go by", by)
}

// again lets something old arrive once more.
func (ph *photography) again() {
	w := ph.w
	if len(ph.late) == 0 {
		return
	}
	one := pick(w, ph.late)
	w.seen.Copies++
	w.note("%s arrives again", one.words)
	w.mirror.stale = true
	w.depth++
	one.again()
	w.depth--
	w.mirror.stale = false
}

// damage spoils an original on a phone's disk.
func (ph *photography) damage(p *phone) {
	for _, s := range ph.shots {
		if p.album.intact(s.hash) && s.size > 0 && ph.stored[s.id] == 0 {
			hash := client.PhotoHash(s.hash)
			content := append([]byte(nil), p.album.kept[hash]...)
			content[len(content)/2] ^= 4
			p.album.kept[hash], p.album.damaged[hash] = content, true
			ph.w.seen.OriginalsDamaged++
			ph.w.note("%s: the original of %s is damaged", p.name, ph.w.name(s.id))
			return
		}
	}
}

// boss is a caller who decides about what is kept.
func (ph *photography) boss(scope store.Scope) (caller, bool) {
	p := ph.w.phones[0]
	from := p.caller()
	return from, p.mayRead(scope)
}

// some draws a photo that the records know.
func (ph *photography) some() *shot {
	var known []*shot
	for _, s := range ph.shots {
		if ph.record(s) != nil {
			known = append(known, s)
		}
	}
	if len(known) == 0 {
		return nil
	}
	return pick(ph.w, known)
}

// redact removes a photo, as law demands.
func (ph *photography) redact() {
	w := ph.w
	s := ph.some()
	if s == nil {
		return
	}
	from, may := ph.boss(s.scope)
	held := ph.record(s).GetLegalHold() != ""
	if may && !held {
		ph.redacted[s.hash] = true
	}
	var answer *roundsv1.RedactResponse
	var err error
	struck := ph.during("redact", func() {
		answer, err = ph.desk.Redact(background(), from, &roundsv1.RedactRequest{Scope: string(s.scope), PhotoId: string(s.id), Reason: "asked for"})
	})
	w.note("photos: redact %s, held %v: removed %v, %v", w.name(s.id), held, answer.GetRemoved(), err)
	ph.unfinished[s] = struck && may && !held && err != nil
	switch {
	case err == nil && (held || !may):
		w.broken("P9", "%s: %s was removed, held %v, by who may %v", s.scope, w.name(s.id), held, may)
	case err == nil:
		w.seen.Redacted++
	case may && !held && !struck:
		w.fail("Redact: %v", err)
	}
}

// hold holds a photo, or lets go of it.
func (ph *photography) hold() {
	s := ph.some()
	if s == nil {
		return
	}
	from, may := ph.boss(s.scope)
	reason := ""
	if ph.record(s).GetLegalHold() == "" {
		reason = "a dispute"
	}
	var err error
	struck := ph.during("hold", func() {
		_, err = ph.desk.Hold(background(), from, &roundsv1.HoldRequest{Scope: string(s.scope), PhotoId: string(s.id), Reason: reason})
	})
	ph.w.note("photos: hold %s %q: %v", ph.w.name(s.id), reason, err)
	if err == nil {
		ph.w.seen.Held++
	} else if may && !struck && ph.record(s).GetState() != roundsv1.PhotoState_PHOTO_STATE_REDACTED {
		ph.w.fail("Hold: %v", err)
	}
}

// restore brings the storage of photos back from its backup, while the records stay.
func (ph *photography) restore() {
	if ph.depot.backup == nil {
		return
	}
	ph.w.seen.MediaRestores++
	ph.depot.memory = ph.depot.backup.Clone()
	ph.rewound = true
	ph.w.note("photos: their storage is restored: %v", ph.depot.memory)
	ph.excuse()
	ph.audit()
}

// tend does what a server does by itself, in a round of the end of a history, and lets time go by for what rests.
func (ph *photography) tend(round int) {
	for _, s := range ph.shots {
		from, may := ph.boss(s.scope)
		if ph.unfinished[s] && may && ph.record(s) != nil {
			_, err := ph.desk.Redact(background(), from, &roundsv1.RedactRequest{Scope: string(s.scope), PhotoId: string(s.id), Reason: "asked for"})
			ph.w.note("photos: redact %s once more: %v", ph.w.name(s.id), err)
			ph.unfinished[s] = err != nil
		}
	}
	ph.w.mirror.catchUp()
	for _, scope := range ph.w.sites {
		ph.look(scope)
	}
	ph.w.pass(70*time.Minute, 2*time.Hour)
	for range min(2, len(ph.late)) * (1 - min(round, 1)) {
		ph.again()
	}
	ph.tell()
}

// cloned notes that a second phone has what the first has.
func (ph *photography) cloned(p, q *phone) {
	q.lies = p.lies
	for _, s := range ph.shots {
		for _, has := range s.phones {
			if has == p {
				s.phones = append(s.phones, q)
				break
			}
		}
	}
}
