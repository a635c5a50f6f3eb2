// Package policy reads the settings that a site inherits and overrides, from group to region to district to site, into one typed Policy.
package policy

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
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

// Policy is what counts at one site. It is not changed once made.
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
}

// Default is what counts where nothing is set.
func Default() Policy {
	return Policy{
		Tiers: map[roundsv1.Priority]Tier{
			roundsv1.Priority_PRIORITY_EMERGENCY: {Respond: 5 * time.Minute, Finish: 2 * time.Hour},
			roundsv1.Priority_PRIORITY_URGENT:    {Respond: 15 * time.Minute, Finish: 12 * time.Hour},
			roundsv1.Priority_PRIORITY_NORMAL:    {Respond: 15 * time.Minute, Finish: 24 * time.Hour},
			roundsv1.Priority_PRIORITY_MINOR:     {Respond: 20 * time.Minute, Finish: 72 * time.Hour},
		},
		Review: 4 * time.Hour, FollowUpDays: 3, Calendar: "cn", TimeZone: "Asia/Shanghai",
	}
}
