package directory

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
)

// Fault is a setting that cannot be read.
type Fault struct {
	// Node that sets it, and under which key.
	Node, Key string
	// Value as it stands.
	Value string
	// Wanted says what is wanted, in words.
	Wanted *roundsv1.Text
}

// effective makes a policy of what the nodes set, from the group down.
func effective(layers []Layer) (policy.Policy, []Fault) {
	made := policy.Default()
	for _, l := range layers {
		if l.TimeZone != "" {
			made.TimeZone = l.TimeZone
		}
	}
	return made, nil
}

// Faults are the settings that cannot be read among those that a scope inherits or sets.
func (r *Reference) Faults(layers []Layer) []Fault {
	_, faults := effective(layers)
	return faults
}

// calendarOf is the calendar that a record describes.
func calendarOf(*roundsv1.Calendar) calendar.Calendar { return calendar.Calendar{} }

// defaultCalendar is what counts where no calendar of a code is known.
func defaultCalendar() calendar.Calendar { return calendar.Calendar{} }
