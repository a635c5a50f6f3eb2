package directory

import (
	"errors"
	"maps"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
)

// Fault is a setting that cannot be read.
type Fault struct {
	// Node that sets it.
	Node string
	// Key and Value as they stand.
	Key, Value string
	// Wanted says what would be understood.
	Wanted string
}

// effective makes a policy of what the nodes set, from the group down. A site's own time zone counts more than any setting.
func effective(layers []Layer) (policy.Policy, []Fault) {
	all := make([]map[string]string, len(layers))
	for i, l := range layers {
		all[i] = l.Settings
	}
	made, err := policy.Parse(all...)
	for _, l := range layers {
		if l.TimeZone == "" {
			continue
		}
		if _, bad := calendar.Zone(l.TimeZone); bad == nil {
			made.TimeZone = l.TimeZone
		}
	}
	var faults []Fault
	for _, one := range joined(err) {
		var s *policy.SettingError
		if errors.As(one, &s) {
			faults = append(faults, Fault{Node: layers[s.Layer].Node, Key: s.Key, Value: s.Value, Wanted: s.Want})
		}
	}
	return made, faults
}

// joined takes a joined error apart.
func joined(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// Faults are the settings that cannot be read among those that count at a scope, of the families that package policy reads.
func (r *Reference) Faults(scope store.Scope) []Fault {
	_, faults := effective(r.Layers(scope))
	return faults
}

// Settings are what the nodes from the group down to the node of a scope set, the inner ones' counting: for whoever reads a family of settings that
// package policy does not. The map is the caller's.
func (r *Reference) Settings(scope store.Scope) map[string]string {
	all := map[string]string{}
	for _, l := range r.Layers(scope) {
		maps.Copy(all, l.Settings)
	}
	return all
}

// calendarOf is the calendar that a record describes. Days that cannot be read are left out: Put refuses them.
func calendarOf(record *roundsv1.Calendar) calendar.Calendar {
	c, _ := calendar.New(record.GetDays())
	return c
}
