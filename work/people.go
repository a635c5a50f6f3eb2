package work

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/term"
)

// People knows who may work where, and how a right came to its end. A mutation is judged in a transaction, so it answers from memory. Its methods are called from many
// goroutines.
type People interface {
	// Roles that a person holds over a scope at a time; none of somebody who has no right there, or is suspended.
	Roles(person engine.PersonID, scope store.Scope, at time.Time) []roundsv1.Role
	// Lost tells what took a right over a scope away by a time, of who did something on a device; the zero value where nothing did, or where that is not known.
	Lost(person engine.PersonID, device engine.DeviceID, scope store.Scope, at time.Time) Loss
}

// LossCause is what took a right away.
type LossCause int

// The causes.
const (
	// LostNothing: nothing did. The person never had a right, as far as is known.
	LostNothing LossCause = iota
	// LostPhone: the phone was revoked as lost.
	LostPhone
	// LostPerson: the person was deleted.
	LostPerson
	// LostSuspended: the person was suspended.
	LostSuspended
	// LostRole: a role ended.
	LostRole
)

// Loss is how a right came to its end.
type Loss struct {
	// Cause is what ended it.
	Cause LossCause
	// By is who did that; empty where nobody did (a role that was given for a time) and where it is not known.
	By engine.PersonID
	// Since is the first moment without it.
	Since time.Time
	// Role that ended, of LostRole.
	Role roundsv1.Role
}

// roleWords name a role to people.
func roleWords(role roundsv1.Role) inWords {
	if words := term.Of(role); words != nil {
		return inWords{words.GetZh(), words.GetEn()}
	}
	return inWords{"其他角色", "another role"}
}

// rolesWords name several.
func rolesWords(roles []roundsv1.Role) inWords {
	var all inWords
	for i, role := range roles {
		words := roleWords(role)
		if i > 0 {
			words = inWords{"、" + words.zh, ", " + words.en}
		}
		all = inWords{all.zh + words.zh, all.en + words.en}
	}
	return all
}
