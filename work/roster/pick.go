package roster

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Candidate is somebody to whom a ticket could be given.
type Candidate struct {
	// ID of the person.
	ID string
	// Staff is the person's record.
	Staff *roundsv1.Staff
	// Open is how many tickets the person has that are not done.
	Open int
}

// Wanted is what a ticket asks of who is given it.
type Wanted struct {
	// Ticket is its id: of two who fit alike, it is not always the same one.
	Ticket string
	// Line is the trade.
	Line roundsv1.ServiceLine
	// Skill that is needed; empty: any.
	Skill string
	// Not are the people who had it before, or declined it: they come after all others.
	Not []string
}

// Pick chooses to whom a ticket is given: of those of its trade who are on duty and have the skill, one of those with the fewest open tickets. False: there is nobody,
// or the ticket is of no trade. It is pure, and does not depend on the order of the candidates.
func Pick(wanted Wanted, all []Candidate, at time.Time, loc *time.Location) (Candidate, bool) {
	if wanted.Line == roundsv1.ServiceLine_SERVICE_LINE_UNSPECIFIED {
		return Candidate{}, false
	}
	var best Candidate
	found := false
	for _, one := range all {
		if one.Staff.GetLine() != wanted.Line || wanted.Skill != "" && !slices.Contains(one.Staff.GetSkills(), wanted.Skill) || !OnDuty(one.Staff, at, loc) {
			continue
		}
		if !found || wanted.before(one, best) {
			best, found = one, true
		}
	}
	return best, found
}

// before: whether one candidate fits better than another.
func (w Wanted) before(a, b Candidate) bool {
	if again := slices.Contains(w.Not, a.ID); again != slices.Contains(w.Not, b.ID) {
		return !again
	}
	if a.Open != b.Open {
		return a.Open < b.Open
	}
	lot := func(c Candidate) []byte { sum := sha256.Sum256([]byte(w.Ticket + c.ID)); return sum[:] }
	return bytes.Compare(lot(a), lot(b)) < 0
}
