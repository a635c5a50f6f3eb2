package sim

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

type caller = engine.Caller

// phone is one device with its disk, its clocks and its person.
type phone struct {
	w      *world
	name   string
	person engine.PersonID
	first  client.Identity
	device *client.Device
	disk   *memstore.Store
	fuse   fuse
	clock  clock
	opens  int
	lives  int // identities that it had
	online bool
	busy   bool // it talks to the server
	gone   bool // nobody will ever see it again
	wiped  bool // it was told to purge at once, as a lost phone
	cloned bool // there is another phone with what was on its disk
	office bool // no phone at all: its person is at a desk
	album  *album
	lies   bool // it sends other bytes than it promised, now and then

	requests int // of the Sync that is under way
	// uploading: the Sync that is under way has come to its photos; wrote: something was queued since, which it need not send any more.
	uploading, wrote bool
	// faulted: the link or the server failed during the Sync that is under way.
	faulted bool
	// returned counts, by scope, the calls that queued something and said so.
	returned map[store.Scope]int
	// looked are views that the person looked at some time ago.
	looked map[recordID]client.View
}

// clock is a phone's clocks.
type clock struct {
	p       *phone
	skew    time.Duration // of the wall clock
	started int64         // the true time of the boot
	boots   int
	last    int64 // the last reading of the monotonic clock, so that no two are the same
}

var _ client.Clock = (*clock)(nil)

// Wall implements client.Clock.
func (c *clock) Wall() time.Time {
	skew := c.skew
	if c.p.w.options.TrueClocks {
		skew = 0
	}
	return timeOf(c.p.w.now).Add(skew)
}

// Boot implements client.Clock.
func (c *clock) Boot() string { return fmt.Sprintf("%s-%d", c.p.name, c.boots) }

// Monotonic implements client.Clock.
func (c *clock) Monotonic() time.Duration {
	c.last = max(c.last+1, c.p.w.now-c.started)
	return time.Duration(c.last) * time.Microsecond
}

// mark is that of the last reading.
func (c *clock) mark() mark { return mark(fmt.Sprintf("%s/%d", c.Boot(), c.last)) }

func (c *clock) reboot() {
	c.boots++
	c.started, c.last = c.p.w.now-int64(c.p.w.rand.IntN(60_000_000)), 0
}

func newPhone(w *world, n, person int) *phone {
	p := &phone{w: w, name: fmt.Sprintf("p%d", n), online: true, returned: map[store.Scope]int{}, looked: map[recordID]client.View{},
		person: engine.PersonID(w.id('p', person))}
	p.disk = memstore.New(memstore.Config{Paranoid: w.plan.paranoid, Fault: p.strike, Unsynced: w.options.UnsyncedDevices})
	p.clock = clock{p: p}
	p.clock.reboot()
	if w.plan.skews {
		p.clock.skew = w.skew()
	}
	p.first = p.identity()
	p.album = newAlbum(p)
	p.lies = w.plan.photos && w.chance(6)
	return p
}

func (p *phone) strike(op memstore.Op) memstore.Fault { return p.fuse.strike(op) }

// skew draws how wrong a wall clock is: most by little, some by decades.
func (w *world) skew() time.Duration {
	by := time.Duration(w.rand.Int64N(int64(5 * time.Second)))
	switch w.rand.IntN(3) {
	case 0:
		by += time.Duration(w.rand.Int64N(int64(3 * time.Hour)))
	case 1:
		by += time.Duration(w.rand.Int64N(int64(36 * 365 * 24 * time.Hour)))
	}
	if w.chance(2) {
		by = -by
	}
	return by
}

// identity enrols the phone under its next identity.
func (p *phone) identity() client.Identity {
	p.lives++
	name := fmt.Sprintf("%s.%d", p.name, p.lives)
	seed := sha256.Sum256([]byte(name))
	id := client.Identity{Device: client.DeviceID(client.DerivedID(p.w.id('d', 0), name)),
		Person: client.PersonID(p.person), Key: ed25519.NewKeyFromSeed(seed[:])}
	p.w.access.enrol(engine.DeviceID(id.Device), id.Key.Public().(ed25519.PublicKey))
	p.w.devices[string(id.Device)] = name
	return id
}

// caller is whom the server takes the phone for.
func (p *phone) caller() caller {
	id, err := p.device.Identity()
	if err != nil {
		p.w.fail("%s: %v", p.name, err)
	}
	return caller{Device: engine.DeviceID(id.Device), Person: engine.PersonID(id.Person)}
}

// open starts the device library on the phone's disk.
func (p *phone) open() {
	for {
		p.opens++
		cfg := client.Config{Store: p.disk, Sync: link{p}, Clock: &p.clock, Rand: seeded(p.w.seed, fmt.Sprintf("%s open %d", p.name, p.opens)),
			Roles: p.w.access.roles[p.person], Foresee: p.foresee}
		if p.opens == 1 {
			cfg.Identity = &p.first
		}
		if p.w.plan.smallPages {
			cfg.Limits = client.Limits{FirstRequestBytes: 300, RequestBytes: 700, PageBytes: 800}
		}
		if p.w.photos != nil {
			p.w.photos.equip(p, &cfg)
		}
		device, err := client.Open(background(), cfg)
		if struck := p.fuse.out(); struck != memstore.None {
			p.struck(struck)
			if crashes(struck) {
				p.disk = p.disk.Crash()
			}
			continue
		}
		if err != nil {
			p.w.broken(promises.P10, "%s: Open: %v", p.name, err)
			panic(stop{})
		}
		p.device = device
		p.forgets()
		return
	}
}

func (p *phone) foresee(current *roundsv1.Change, command *roundsv1.Mutation) *roundsv1.Edit {
	effect, _ := p.w.rules.Foresee(current, command, p.person)
	return effect
}

func (p *phone) struck(f memstore.Fault) {
	p.w.seen.DeviceFaults++
	p.w.note("%s: %v struck its store", p.name, f)
}

// light lets one of the next steps of the phone's store fail.
func (p *phone) light() {
	if p.w.plan.deviceFaults && !p.busy && !p.w.healed && p.w.chance(3) {
		p.fuse.light(pick(p.w, faults()), 1+p.w.rand.IntN(40), p.w.chance(2))
	}
}

// after deals with what struck the phone's store during a call. It is true when something did.
func (p *phone) after() bool {
	if p.busy {
		return p.fuse.struck != memstore.None
	}
	struck := p.fuse.out()
	if struck == memstore.None {
		return false
	}
	p.struck(struck)
	if crashes(struck) {
		p.kill()
	}
	return true
}

// kill ends the program on the phone at once and starts it again.
func (p *phone) kill() {
	p.w.seen.DeviceKills++
	p.disk = p.disk.Crash()
	if p.w.plan.deviceFaults && !p.w.healed && p.w.chance(4) {
		p.fuse.light(pick(p.w, faults()), 1+p.w.rand.IntN(20), false)
	}
	p.open()
	p.w.note("%s: killed and started again", p.name)
	p.remembers()
}

// jump sets the wall clock.
func (p *phone) jump() {
	p.clock.skew += p.w.skew() / 3
	p.w.note("%s: its wall clock jumps to %v off", p.name, p.clock.skew)
}

// reboot ends everything on the phone at once, and starts a new boot; its wall clock may have been lost with the power.
func (p *phone) reboot() {
	p.disk = p.disk.Crash()
	p.clock.reboot()
	if p.w.plan.jumps && p.w.chance(2) {
		p.jump()
	}
	p.open()
	p.w.note("%s: rebooted", p.name)
	p.remembers()
}

// forgets notes which scopes the phone has given up, or is about to, those told besides: what was queued there it does not hold any more, should
// the server lose it.
func (p *phone) forgets(purged ...store.Scope) client.Status {
	status, err := p.device.Status(background())
	if err != nil {
		p.w.fail("%s: Status: %v", p.name, err)
	}
	var holds []store.Scope
	for _, s := range status.Scopes {
		if !s.Closing && !slices.Contains(purged, s.Scope) {
			holds = append(holds, s.Scope)
		}
	}
	for _, q := range p.w.queued {
		if q.phone == p && q.taken > 0 && !slices.Contains(holds, q.scope) {
			q.forgotten = true
		}
	}
	return status
}

// remembers wants everything that was queued before a crash to be there after it.
func (p *phone) remembers() {
	found := map[store.Scope]int{}
	for entry, err := range p.device.Queued(background()) {
		if err != nil {
			p.w.broken(promises.P10, "%s: Queued: %v", p.name, err)
			return
		}
		found[entry.Scope]++
	}
	for scope, n := range p.returned {
		if found[scope] < n {
			p.w.broken(promises.P10, "%s: %d calls queued something in %s, after a crash the phone knows of %d",
				p.name, n, p.w.short(scope), found[scope])
		}
	}
}

// clone makes a second phone of what is on the disk of this one. A third would be too many: of a branch that two phones hold under an identity
// whose lane went on elsewhere, nobody can tell that it is the same.
func (p *phone) clone() {
	if p.gone || p.wiped || p.cloned {
		return
	}
	p.cloned = true
	q := &phone{w: p.w, name: p.name + "'", person: p.person, online: true,
		returned: maps.Clone(p.returned), looked: map[recordID]client.View{}, opens: 1, cloned: true}
	q.disk = p.disk.CloneWith(memstore.Config{Paranoid: p.w.plan.paranoid, Fault: q.strike, Unsynced: p.w.options.UnsyncedDevices})
	q.clock = clock{p: q, skew: p.clock.skew}
	q.clock.reboot()
	q.album = p.album.clone(q)
	if p.w.photos != nil {
		p.w.photos.cloned(p, q)
	}
	q.open()
	p.w.phones = append(p.w.phones, q)
	p.w.note("%s: cloned", p.name)
}

// sync lets the phone talk to the server.
func (p *phone) sync() {
	w := p.w
	if p.busy || p.gone {
		return
	}
	p.light()
	p.busy, p.faulted, p.requests, p.uploading, p.wrote = true, false, 0, false, false
	w.note("%s: sync", p.name)
	w.depth++
	report, err := p.device.Sync(background())
	w.depth--
	p.busy = false
	words := "done"
	if err != nil {
		words = err.Error()
	}
	w.note("%s: synced: sent %d, outcomes %d, changed %d, again %d, resets %d: %s", p.name,
		report.Sent, report.Outcomes(), report.Changed, report.Again, report.Resets, words)
	w.seen.Again += report.Again
	w.seen.Resets += report.Resets
	w.seen.Purges += len(report.Purged)
	w.seen.Parked += len(report.Parked)
	if report.Diverged > 0 || report.Repairs > 0 {
		w.broken(promises.P3, "%s: its replica differed from the server %d times, %d records were repaired", p.name, report.Diverged, report.Repairs)
	}
	struck := p.after()
	status := p.forgets(report.Purged...)
	switch {
	case err == nil:
		p.quiet(status)
	case struck:
	case errors.Is(err, errLink), p.faulted && !errors.Is(err, client.ErrForked):
	case errors.Is(err, client.ErrForked):
		if !w.plan.clone && !w.restored {
			w.broken(promises.P2, "%s: its lane is forked, and it has no clone", p.name)
		}
		p.reenrol()
	case errors.Is(err, client.ErrRevoked) && w.access.Revoked(p.caller().Device) != 0:
		p.emptied()
	case errors.Is(err, client.ErrRevoked):
		w.broken(promises.P8, "%s: thinks that it is revoked, and is not", p.name)
	default:
		w.fail("%s: Sync: %v", p.name, err)
	}
}

// quiet looks at a phone whose Sync said that nothing is left to do.
func (p *phone) quiet(status client.Status) {
	for _, s := range status.Scopes {
		if s.Parked {
			continue
		}
		if (s.Queued > 0 || s.Waiting > 0) && !p.wrote {
			p.w.broken(promises.P6, "%s: %s: Sync is done, %d are queued and %d wait", p.name, p.w.short(s.Scope), s.Queued, s.Waiting)
		}
		if !s.Complete && !p.wrote {
			p.w.broken(promises.P7, "%s: %s: Sync is done, and the pull is not complete", p.name, p.w.short(s.Scope))
		}
	}
}

// emptied wants nothing to be left on a phone that was revoked and knows it, but for what its person wrote where nobody will ever take it.
// Where its lane is forked, it has to be enrolled anew before it can deliver what it holds.
func (p *phone) emptied() {
	status, err := p.device.Status(background())
	if err == nil && slices.ContainsFunc(status.Scopes, func(s client.ScopeStatus) bool { return s.Forked }) {
		p.reenrol()
		return
	}
	scopes, err := p.device.Scopes(background())
	scopes = slices.DeleteFunc(scopes, func(s store.Scope) bool { return !p.wiped && !p.w.access.EverHad(p.person, s) })
	if err != nil || len(scopes) > 0 {
		p.w.broken(promises.P8, "%s: revoked, and still holds %v (%v)", p.name, scopes, err)
	}
}

// reenrol gives the phone a new identity, as often as it takes.
func (p *phone) reenrol() {
	if p.busy {
		return
	}
	w := p.w
	w.seen.Forks++
	id := p.identity()
	for range 50 {
		p.light()
		err := p.device.Reenrol(background(), id)
		w.note("%s: enrolled anew as %s: %v", p.name, w.deviceName(string(id.Device)), err)
		if struck := p.after(); err != nil && !struck {
			w.fail("%s: Reenrol: %v", p.name, err)
			return
		}
		if err == nil {
			p.wiped = false
			for _, q := range w.queued {
				// Under the old identity it cannot be sent again, should the server lose it.
				q.forgotten = q.forgotten || q.phone == p && q.taken > 0
			}
			return
		}
	}
	w.fail("%s: Reenrol never came through", p.name)
}
