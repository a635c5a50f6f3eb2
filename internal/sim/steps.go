package sim

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
)

// act is one step of a history.
func (w *world) act() {
	switch {
	case w.chance(12):
		w.pass(time.Hour, 9*time.Hour)
	case w.chance(3):
		w.pass(time.Minute, 20*time.Minute)
	default:
		w.pass(time.Millisecond, 20*time.Second)
	}
	p := pick(w, w.phones)
	switch n := w.rand.IntN(100); {
	case n < 4:
		w.together()
	case n < 52:
		for range 1 + w.rand.IntN(3) {
			p.work()
			w.pass(time.Millisecond, time.Minute)
		}
	case n < 82:
		p.sync()
	case n < 87:
		p.online = !p.online
		w.note("%s: online %v", p.name, p.online)
	case n < 91:
		w.again()
	default:
		w.rarely(p)
	}
}

// together lets two people change the same field at the same moment.
func (w *world) together() {
	scope := pick(w, w.sites)
	id := pick(w, w.tickets[scope])
	for _, p := range []*phone{pick(w, w.phones), pick(w, w.phones)} {
		if _, known := p.look(scope, "ticket", id); !p.gone && known {
			p.do(scope, "edit together", editOf(id, ticketRecord(&roundsv1.Ticket{Title: w.word(p)}), 1))
		}
	}
}

// rarely is what does not happen every hour.
func (w *world) rarely(p *phone) {
	n := w.rand.IntN(16)
	if w.plan.deletes && w.chance(3) {
		n = 0
	}
	switch {
	case n < 2:
		w.server.tend()
	case n < 4 && w.plan.serverFaults:
		w.server.kill()
	case n < 6 && w.plan.deviceFaults:
		if !p.gone {
			p.kill()
		}
	case n == 6 && w.plan.clone && len(w.phones) < 7:
		p.clone()
	case n < 9 && w.plan.restore:
		if w.server.backup == nil || w.chance(3) {
			w.server.save()
		} else {
			w.server.restore()
		}
	case n == 9 && w.plan.rights:
		w.rights(p)
	case n == 10 && w.plan.rights:
		w.rights(p)
	case n == 11 && w.plan.revoke:
		w.revoke(p)
	case n == 12 && w.plan.evictions:
		w.server.evict()
	case n == 13 && w.plan.serverSteps:
		w.server.stepClock()
	case n == 14 && w.plan.jumps:
		p.clock.skew += w.skew() / 3
		w.note("%s: its wall clock jumps to %v off", p.name, p.clock.skew)
	case n == 15 && w.plan.reboots:
		if !p.busy && !p.gone {
			p.disk = p.disk.Crash()
			p.clock.reboot()
			p.open()
			w.note("%s: rebooted", p.name)
		}
	default:
		w.server.save()
	}
}

// rights ends a right of a phone's person, or gives it back.
func (w *world) rights(p *phone) {
	scope := pick(w, w.scopes)
	if w.access.MayRead(p.person, scope, timeOf(w.server.now())) {
		w.access.end(p.person, scope, w.server.now())
		w.note("%s: its person may no longer read %s", p.name, w.short(scope))
		return
	}
	w.access.grant(p.person, scope, w.server.now())
	w.note("%s: its person may read %s", p.name, w.short(scope))
}

// revoke takes a device out of service: it was given back, or lost.
func (w *world) revoke(p *phone) {
	if p.gone || p.busy || w.access.Revoked(p.caller().Device) != 0 {
		return
	}
	w.seen.Revoked++
	how := roundsv1.Revocation_REVOCATION_GRACEFUL
	if w.chance(2) {
		how = roundsv1.Revocation_REVOCATION_IMMEDIATE
	}
	w.access.revoke(p.caller().Device, how)
	w.note("%s: revoked, %v", p.name, how)
	if how == roundsv1.Revocation_REVOCATION_IMMEDIATE {
		// What such a phone did not deliver goes with it, and so with each that has its identity.
		for _, q := range w.phones {
			if q.caller().Device == p.caller().Device {
				q.wiped = true
			}
		}
		for _, q := range w.queued {
			q.excused = q.excused || q.phone.wiped
		}
		p.gone = w.chance(3)
	}
}

// mayRead is whether the person of a phone, and the phone itself, may read a scope now.
func (p *phone) mayRead(scope store.Scope) bool {
	return p.w.access.Revoked(p.caller().Device) == 0 && p.w.access.MayRead(p.person, scope, timeOf(p.w.server.now()))
}
