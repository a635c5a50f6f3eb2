package sim

import "math/rand/v2"

// plan is what kinds of things happen in a history. Not everything happens in each: what comes too thick hides what comes alone.
type plan struct {
	devices, sites int
	desk           bool
	steps          int
	loss           int // one request in so many is lost, cut or doubled; 0: none
	nested         int // one request in so many is overtaken by others
	deviceFaults   bool
	serverFaults   bool
	clone          bool
	restore        bool
	rights         bool
	revoke         bool
	foreign        bool
	skews          bool // wall clocks are wrong
	jumps          bool // and jump
	reboots        bool
	serverSteps    bool
	deletes        bool
	evictions      bool
	shortTombs     bool
	smallPages     bool
	paranoid       bool
	crowded        bool // everybody works on one record
	busy           bool // mostly commands
	photos         bool // photos are taken, and their bytes uploaded
	rounds         bool // inspection rounds are walked
	hours          bool // what is due by the clock alone is done
	instant        bool // requests take no time, so that people who act at the same moment are found to have done so
}

// draw draws a plan.
func draw(r *rand.Rand) plan {
	one := func(n int) bool { return r.IntN(n) == 0 }
	p := plan{
		devices: 2 + r.IntN(4), sites: 1 + r.IntN(2), desk: one(3), steps: 20 + r.IntN(30),
		loss: []int{0, 2, 3, 6, 12}[r.IntN(5)], nested: []int{0, 3, 6}[r.IntN(3)],
		deviceFaults: one(2), serverFaults: one(2), clone: one(5), restore: one(4), rights: one(3), revoke: one(6), foreign: one(12),
		skews: !one(3), jumps: one(3), reboots: one(2), serverSteps: one(4), deletes: one(3), evictions: one(4), shortTombs: one(3),
		smallPages: one(2), paranoid: one(8), crowded: one(3), busy: one(3), instant: one(4),
		rounds: one(3), hours: one(3),
	}
	p.jumps = p.jumps && p.skews
	// A new identity forgets what the server took under the old one, so a backup behind it cannot be made good from that phone.
	p.clone = p.clone && !p.restore
	return p
}
