// Package policy reads the settings that a site inherits and overrides, from group to region to district to site, into one typed Policy. It is pure.
package policy

import (
	"slices"
	"sync"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
)

// Tier is how fast the service is. Zero: there is no such deadline.
type Tier struct {
	// Respond is from the report to an answer by a person.
	Respond time.Duration
	// Arrive is from the report until somebody is there and begins.
	Arrive time.Duration
	// Finish is from the report to the completion.
	Finish time.Duration
}

// PauseReason is a reason for which work may wait.
type PauseReason struct {
	// Code that a command names.
	Code string
	// StopsClock: deadlines wait too. It needs a proof, and the foreman is told.
	StopsClock bool
	// Words that a worker chooses by.
	Words *roundsv1.Text
}

// RejectReason is a reason for which work is sent back.
type RejectReason struct {
	// Code that a command names.
	Code string
	// Words that a reviewer chooses by.
	Words *roundsv1.Text
}

// Policy is what counts at one site. It is not changed once made, and neither is what it refers to.
type Policy struct {
	// Tiers by priority.
	Tiers map[roundsv1.Priority]Tier
	// Review is from the verified evidence to the decision.
	Review time.Duration
	// FollowUpDays are the working days from the closure to the follow-up visit; 0: none.
	FollowUpDays uint32
	// Calendar that working days are counted by.
	Calendar string
	// TimeZone of the site, IANA.
	TimeZone string
	// Hours in which deadlines run; zero: day and night.
	Hours calendar.Hours
	// ObjectionPeriod is how long after an approval another reviewer may send the work back.
	ObjectionPeriod time.Duration
	// DuplicatePeriod is within what time a second report of the same category at the same place is perhaps the same.
	DuplicatePeriod time.Duration
	// DispatchAutomatic: the server gives a ticket to somebody once its category is known.
	DispatchAutomatic bool
	// PauseReasons in the order of their codes.
	PauseReasons []PauseReason
	// RejectReasons in the order of their codes.
	RejectReasons []RejectReason
	// Chase is after what time the performers are asked for photos that they promised; ChaseForeman after what time their foreman is.
	Chase, ChaseForeman time.Duration
	// EvidenceQuestion: with ChaseForeman it is also asked what to do without the photos.
	EvidenceQuestion bool
	// EscalateSteps are the steps whose missed deadline takes the ticket a level up. Of the others, their owner is told.
	EscalateSteps []roundsv1.Step
	// LevelRoles say who is told at a level of escalation, 0 to 3: who has that role over the site.
	LevelRoles [4]roundsv1.Role
	// Remind is after what time whoever has to answer a question is reminded of it, again and again.
	Remind time.Duration
	// NoticeLife is how long notices stay on devices; 0: for ever.
	NoticeLife time.Duration
	// LookAhead is how long before its window a planned round is made and released to devices.
	LookAhead time.Duration
	// RoundEarly is how long before its window a round may be walked without a mark.
	RoundEarly time.Duration
	// RoundReview is after what time supervisors are told that a round waits for its review; RoundReturn after what time the foreman and the inspector are told that one
	// which was returned is not walked again.
	RoundReview, RoundReturn time.Duration
	// MissedGrace is how long a missed round may still turn out to have been walked without signal.
	MissedGrace time.Duration
	// PlaceAccuracy is the worst accuracy of a fix that still says where, metres: what the checks of photos go by, as PlaceAccuracyKey has it.
	PlaceAccuracy float64
}

// Pause returns the reason of a code; false where the site has none of it.
func (p Policy) Pause(code string) (PauseReason, bool) {
	i := slices.IndexFunc(p.PauseReasons, func(r PauseReason) bool { return r.Code == code })
	if i < 0 {
		return PauseReason{}, false
	}
	return p.PauseReasons[i], true
}

// Reject returns the reason of a code; false where the site has none of it.
func (p Policy) Reject(code string) (RejectReason, bool) {
	i := slices.IndexFunc(p.RejectReasons, func(r RejectReason) bool { return r.Code == code })
	if i < 0 {
		return RejectReason{}, false
	}
	return p.RejectReasons[i], true
}

// Escalates: whether a missed deadline of a step takes the ticket a level up.
func (p Policy) Escalates(step roundsv1.Step) bool { return slices.Contains(p.EscalateSteps, step) }

// Requirements of a ticket of a category that begins with the category's priority; nil stands for no category yet. The version of the checklist is left
// 0: whoever pins them asks the directory for the newest one.
func (p Policy) Requirements(category *roundsv1.Category) *roundsv1.Requirements {
	return p.RequirementsAt(category, category.GetPriority())
}

// RequirementsAt is Requirements of a ticket with a priority of its own: the more urgent of the two counts. A ticket without either is a normal one, and an
// emergency of the category is one whatever else is said; its clocks run day and night. The category's id stands in its record alone, so it is left to the caller, as in Requirements.
func (p Policy) RequirementsAt(category *roundsv1.Category, priority roundsv1.Priority) *roundsv1.Requirements {
	priority = max(priority, category.GetPriority())
	if category.GetEmergency() {
		priority = roundsv1.Priority_PRIORITY_EMERGENCY
	}
	tier, known := p.Tiers[priority]
	if !known {
		tier = p.Tiers[roundsv1.Priority_PRIORITY_NORMAL]
	}
	hours := p.Hours
	if priority == roundsv1.Priority_PRIORITY_EMERGENCY {
		hours = calendar.Hours{} // day and night
	}
	return &roundsv1.Requirements{
		Emergency: category.GetEmergency(), BeforePhoto: category.GetBeforePhoto(), AfterPhotos: category.GetAfterPhotos(),
		LiveCamera: category.GetLiveCamera(), ChecklistId: category.GetChecklistId(), Skill: category.GetSkill(),
		RespondUs: tier.Respond.Microseconds(), ArriveUs: tier.Arrive.Microseconds(), FinishUs: tier.Finish.Microseconds(),
		ReviewUs: p.Review.Microseconds(), FollowUpDays: p.FollowUpDays, Calendar: p.Calendar, TimeZone: p.TimeZone,
		WorkFromMinute: hours.From, WorkToMinute: hours.To,
	}
}

// Default is what counts where nothing is set.
func Default() Policy { return defaults() }

// defaults reads them once: what is asked for at each act is not read anew. They are understood: a test says so.
var defaults = sync.OnceValue(func() Policy {
	p, _ := Parse()
	return p
})

// ToldOf is the role that is told at once when a step is late, beside who has to see to it: who leads that step at the site. owned: somebody has to see to it by name.
func (p Policy) ToldOf(step roundsv1.Step, owned bool) roundsv1.Role {
	switch {
	case step == roundsv1.Step_STEP_FOLLOW_UP:
		return roundsv1.Role_ROLE_BUTLER
	case step == roundsv1.Step_STEP_REVIEW:
		return roundsv1.Role_ROLE_SUPERVISOR
	case step == roundsv1.Step_STEP_RESPOND && !owned:
		return roundsv1.Role_ROLE_DISPATCHER
	}
	return p.LevelRoles[0]
}
