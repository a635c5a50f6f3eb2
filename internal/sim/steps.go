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
	case n < 34:
		for range 1 + w.rand.IntN(3) {
			p.work()
			w.pass(time.Millisecond, time.Minute)
		}
	case n < 46:
		w.stride()
	case n < 47:
		w.develop(pick(w, w.sites))
	case n < 54 && w.plan.rounds:
		w.stroll()
	case n < 56:
		w.inbox()
	case n < 58 && w.plan.hours:
		w.server.tick()
	case n < 64:
		p.sync()
	case n < 72:
		p.online = !p.online
		w.note("%s: online %v", p.name, p.online)
	case n < 83:
		w.again()
		w.repeat(1)
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

// rarely is what does not happen every hour: one of what the plan has.
func (w *world) rarely(p *phone) {
	s := w.server
	all := []func(){s.tend, s.save}
	add := func(planned bool, times int, do func()) {
		for range times {
			if planned {
				all = append(all, do)
			}
		}
	}
	add(w.plan.deletes, 4, s.tend)
	add(w.plan.serverFaults, 2, s.kill)
	add(w.plan.deviceFaults && !p.gone, 2, p.kill)
	add(w.plan.clone, 2, p.clone)
	add(w.plan.restore, 3, s.save)
	add(w.plan.restore, 3, s.restore)
	add(w.plan.rights, 2, func() { w.rights(p) })
	add(w.plan.revoke, 1, func() { w.revoke(p) })
	add(w.plan.evictions, 2, s.evict)
	add(w.plan.serverSteps, 3, s.stepClock)
	add(w.plan.jumps, 2, p.jump)
	add(w.plan.reboots && !p.gone, 2, p.reboot)
	pick(w, all)()
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
