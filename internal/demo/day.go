package demo

import (
	"context"
	"time"

	"github.com/rounds-sync/rounds/client"
)

// day is what all people of a shift share: how much there is to do, and which tickets a scene has for itself.
type day struct {
	pace
	taken     map[client.RecordID]bool // tickets of a scene that goes on: nobody else touches them
	cancelled int
	merged    int
	split     int
	atDesk    int       // approvals of desks
	added     []event   // what is for later, by what has happened
	published time.Time // when the gates' and the lifts' checklists got a second version; zero: they did not
}

// ticketsAnHour is how many tickets are reported for each phone in an hour, besides what items of rounds and scenes make.
const ticketsAnHour = 0.35

// lastReports is the part of a shift in which tickets are reported: what comes later would be for the next one.
const lastReports = 0.85

// pace spreads reports over a shift.
type pace struct {
	begin  time.Time
	hours  float64
	wanted int
	made   int
}

// behind tells whether fewer tickets were reported than the plan has by now.
func (p *pace) behind(now time.Time) bool {
	part := now.Sub(p.begin).Hours() / (p.hours * lastReports)
	return part <= 1 && float64(p.made) < part*float64(p.wanted)
}

// mostCancelled, mostMerged and mostSplit of a shift.
const (
	mostCancelled = 3
	mostMerged    = 2
	mostSplit     = 2
)

// act does one thing that a person of this role does.
func (w *worker) act(ctx context.Context) error {
	if w.visitor {
		return w.inspectElsewhere(ctx)
	}
	tickets, err := w.tickets(ctx)
	if err != nil {
		return err
	}
	did, err := w.tasks(ctx, tickets)
	if err != nil || did {
		return err
	}
	if w.camera.behind(w.clocks.time.Now()) {
		if err := w.look(ctx, tickets); err != nil {
			return err
		}
	}
	return w.touch(ctx, tickets)
}
