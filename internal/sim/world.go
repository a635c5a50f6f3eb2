package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

// photosIn is in one of how many histories photos are taken.
const photosIn = 6

// begins is when every history begins, microseconds since 1970.
const begins = int64(1_782_892_800_000_000) // 2026-07-01 08:00 UTC

type recordID = client.RecordID

// rules are the rules of the trade; they hold no state.
var rules = sync.OnceValue(func() *work.Rules { return work.New(work.Config{Reference: trade{}}) })

// world is one history while it is lived through.
type world struct {
	seed    uint64
	options Options
	plan    plan
	rand    *rand.Rand
	now     int64 // the true time, microseconds since 1970
	step    int
	depth   int // of calls within calls
	serial  int // of words, so that no two are the same

	rules     *work.Rules
	access    *access
	server    *server
	photos    *photography // nil: none are taken
	mirror    *mirror
	scopes    []store.Scope // all
	sites     []store.Scope // those with tickets
	tickets   map[store.Scope][]recordID
	assets    map[store.Scope][]recordID
	walks     map[store.Scope][]recordID // inspection rounds
	prints    map[store.Scope][]promised // photos without bytes
	questions map[store.Scope][]recordID
	homes     map[recordID]store.Scope
	names     map[recordID]string
	devices   map[string]string // device id to name
	phones    []*phone
	officers  []*phone // people who have no phone, and act at desks
	queued    map[mark]*queued
	contents  map[journal.Hash]*queued // of what was ever taken
	copies    []copied
	desks     []*deskAct             // to be sent again
	glanced   map[recordID]glance    // what people at desks looked at some time ago
	shown     map[string]journal.Seq // by review digest, through which seq of its scope the evidence was shown that it is the hash of
	acts      []*deskAct             // whose outcome somebody had
	witnesses map[store.Scope][]witness
	restored  bool
	healed    bool // all links work, nothing strikes any more

	failures []string
	last     []string
	digest   hash.Hash // of all events
	seen     Seen
	commands map[string]int
}

// queued is what the model knows of one mutation.
type queued struct {
	phone *phone
	scope store.Scope
	words string
	// returned: the call that queued it returned without an error, so it must not get lost. Otherwise it may have been queued.
	returned bool
	// excused: it went with a phone that was wiped, or never can be taken.
	excused bool
	// forgotten: the phone gave up its scope after the server had it.
	forgotten bool
	made      int64  // the true time
	taken     uint64 // its journal seq; 0: none yet
	at        int64  // made, by the server's clock when it was taken
	late      bool   // it was taken from a copy of an old request
}

// copied is a request that may arrive again.
type copied struct {
	from    *phone
	caller  caller
	encoded []byte
}

func newWorld(seed uint64, o Options) *world {
	r := newRand(seed)
	w := &world{seed: seed, options: o, rand: r, plan: draw(r), now: begins, rules: rules(), access: newAccess(),
		tickets: map[store.Scope][]recordID{}, assets: map[store.Scope][]recordID{}, homes: map[recordID]store.Scope{},
		names: map[recordID]string{}, devices: map[string]string{}, queued: map[mark]*queued{},
		walks: map[store.Scope][]recordID{}, prints: map[store.Scope][]promised{}, questions: map[store.Scope][]recordID{}, glanced: map[recordID]glance{}, shown: map[string]journal.Seq{},
		contents: map[journal.Hash]*queued{}, witnesses: map[store.Scope][]witness{},
		digest: sha256.New(), commands: map[string]int{}}
	w.mirror = newMirror(w)
	// Drawn elsewhere, so that histories without photos are what they were before there were any.
	w.plan.photos = rand.New(rand.NewPCG(seed, 0xf070)).IntN(photosIn) == 0
	if w.plan.photos {
		w.plan.steps -= w.plan.steps / 3 // each is about twice as much
	}
	return w
}

// id makes the n-th id of a purpose, the same in every history.
func (w *world) id(purpose byte, n int) recordID {
	u := uuid.UUID{0x01, 0x99, 0xc0, 0xde, 5: purpose, 6: 0x70, 8: 0x80}
	binary.BigEndian.PutUint32(u[12:], uint32(n))
	return recordID(u.String())
}

// begin makes scopes, server and phones.
func (w *world) begin() {
	for n := range w.plan.sites {
		scope := store.Scope("site/" + string(w.id('s', n)))
		w.scopes, w.sites = append(w.scopes, scope), append(w.sites, scope)
		count := 3
		if w.plan.crowded {
			count = 1
		}
		for i := range count {
			w.tickets[scope] = append(w.tickets[scope], w.record(scope, w.id('t', 10*n+i), "ticket"))
		}
		// One that several phones come to by themselves.
		w.tickets[scope] = append(w.tickets[scope], w.record(scope, client.DerivedID(w.tickets[scope][0], "checkpoint", "item"), "derived"))
		if w.plan.rounds {
			walk := w.record(scope, w.id('w', n), "walk")
			w.walks[scope] = append(w.walks[scope], walk)
			w.tickets[scope] = append(w.tickets[scope], w.record(scope, recordID(work.FailureTicketID(merge.RecordID(walk), "", "i1")), "failed"))
		}
		w.assets[scope] = append(w.assets[scope], w.record(scope, w.id('a', 10*n), "asset"), w.record(scope, w.id('a', 10*n+1), "asset"))
	}
	if w.plan.desk {
		w.scopes = append(w.scopes, store.Scope("desk/"+string(w.id('s', 0))))
	}
	w.server = newServer(w)
	if w.plan.photos {
		w.photos = newPhotography(w)
	}
	w.server.open()
	w.note("plan: %+v", w.plan)
	for n := range w.plan.devices {
		w.hire(n)
	}
	// Two more who may decide, whatever phones there are.
	for n, roles := range [][]roundsv1.Role{{roundsv1.Role_ROLE_SUPERVISOR}, {roundsv1.Role_ROLE_BUTLER, roundsv1.Role_ROLE_DISPATCHER, roundsv1.Role_ROLE_RESIDENT}} {
		p := &phone{w: w, name: "o" + itoa(uint64(n)), person: engine.PersonID(w.id('p', 70+n)), office: true, online: true}
		w.access.roles[p.person] = roles
		for _, scope := range w.scopes {
			w.access.grant(p.person, scope, 0)
		}
		w.officers = append(w.officers, p)
	}
}

// staff are all people, with phones and without.
func (w *world) staff() []*phone { return append(slices.Clone(w.phones), w.officers...) }

// record gives a record its home and its name in events.
func (w *world) record(home store.Scope, id recordID, kind string) recordID {
	w.homes[id] = home
	if w.names[id] == "" {
		w.names[id] = kind + "-" + string(id)[len(id)-2:]
	}
	return id
}

func (w *world) name(id recordID) string {
	if name := w.names[id]; name != "" {
		return name
	}
	if len(id) > 6 {
		return string(id)[len(id)-6:]
	}
	return string(id)
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

func (w *world) short(s store.Scope) string {
	return string(s)[:4] + string(s)[len(s)-1:]
}

func (w *world) deviceName(id string) string {
	if name := w.devices[id]; name != "" {
		return name
	}
	return id
}

// hire makes the n-th phone and its person, and gives them rights.
func (w *world) hire(n int) {
	staff := [][]roundsv1.Role{
		{roundsv1.Role_ROLE_MANAGER, roundsv1.Role_ROLE_ADMIN}, {roundsv1.Role_ROLE_WORKER},
		{roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_DISPATCHER},
		{roundsv1.Role_ROLE_BUTLER, roundsv1.Role_ROLE_RESIDENT}, {roundsv1.Role_ROLE_SUPERVISOR},
	}
	person := n
	if n == w.plan.devices-1 && n > 1 && w.chance(4) {
		person = 1 // a second phone of the worker
	}
	p := newPhone(w, n, person)
	w.access.roles[p.person] = staff[person]
	for i, scope := range w.scopes {
		if i == 0 || !w.chance(3) {
			w.access.grant(p.person, scope, 0)
		}
	}
	w.phones = append(w.phones, p)
	p.open()
}

func timeOf(us int64) time.Time { return time.UnixMicro(us).UTC() }

// word makes words that nobody used before.
func (w *world) word(p *phone) string {
	w.serial++
	return p.name + "#" + strconv.Itoa(w.serial)
}
