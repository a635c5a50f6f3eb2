package work_test

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

// people are those who work at a site, by what they are; they lose nothing.
type people map[engine.PersonID][]roundsv1.Role

func (p people) Roles(who engine.PersonID, scope store.Scope, at time.Time) []roundsv1.Role {
	if scope == "" || at.IsZero() {
		return nil
	}
	return p[who]
}

func (people) Lost(engine.PersonID, engine.DeviceID, store.Scope, time.Time) work.Loss {
	return work.Loss{}
}

// lost is who had a right until a moment, each for one reason.
type lost struct {
	people
	loss  work.Loss
	until time.Time
}

func (l lost) Lost(_ engine.PersonID, _ engine.DeviceID, _ store.Scope, at time.Time) work.Loss {
	if at.Before(l.until) {
		return work.Loss{}
	}
	return l.loss
}
