package work

import (
	"strconv"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work/policy"
)

// daily is the time between one reminder of a question and the next where the site says nothing. Nothing that waits is dropped: it is reminded of until it is
// decided.
const daily = 24 * time.Hour

// A question that nobody answers is reminded of more seldom after so many reminders, and so many times as seldom: after a week of days, weekly. It never ends, but it
// does not fill the inboxes either. Work that was done on a cancelled ticket alone is reminded of daily to the end (row 5).
const (
	oftenReminded = 7
	seldomer      = 7
)

// Reminding is a reminder of a question that waits.
type Reminding struct {
	// Level is 0 for its owner, 1 for who is above, and so on.
	Level int
	// Person who is told by name; empty: nobody.
	Person engine.PersonID
	// Role whose holders are told; 0: nobody besides.
	Role roundsv1.Role
	// Sentence that is told.
	Sentence *roundsv1.Text
	// Reminders and RemindUs are what the question says afterwards: how often its owner was reminded, and when it is reminded of next, microseconds since 1970.
	Reminders uint32
	RemindUs  int64
}

// Reminder tells what is to be done about a question at a time: false where it is not open, or not due yet. The first reminder goes to whom it was given, or
// else to its owner's role; each one after goes a level up, to the supervisor and to the manager, who then hears of it each time. However long the server stood
// still there is one reminder, and the next is the site's Policy.Remind after it, or from the seventh on seven times that; a
// question about work after a cancellation never waits longer than a day. It is pure.
func Reminder(c *roundsv1.Conflict, p policy.Policy, now time.Time) (Reminding, bool) {
	if c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN || c.GetRemindUs() == 0 || now.UnixMicro() < c.GetRemindUs() {
		return Reminding{}, false
	}
	owner := c.GetOwnerRole()
	if owner == roundsv1.Role_ROLE_UNSPECIFIED {
		owner = questionOf(c.GetType()).Owner
	}
	every := p.Remind
	if every <= 0 {
		every = daily
	}
	switch {
	case c.GetType() == roundsv1.ConflictType_CONFLICT_TYPE_WORK_AFTER_CANCEL:
		every = min(every, daily)
	case c.GetReminders()+1 >= oftenReminded:
		every *= seldomer
	}
	r := Reminding{Level: int(c.GetReminders()), Reminders: c.GetReminders() + 1, RemindUs: now.Add(every).UnixMicro()}
	ladder := above(owner)
	r.Level = min(r.Level, len(ladder)-1)
	r.Role = ladder[r.Level]
	if r.Level == 0 && c.GetOwnerId() != "" {
		r.Person, r.Role = engine.PersonID(c.GetOwnerId()), roundsv1.Role_ROLE_UNSPECIFIED
	}
	days := max(0, now.UnixMicro()-c.GetOpenedTimeUs()) / (24 * time.Hour).Microseconds()
	asked := c.GetSentence()
	if asked == nil {
		asked = questionOf(c.GetType()).Asks
	}
	r.Sentence = &roundsv1.Text{Zh: "有一项仍待处理" + ageZH(days) + "：" + asked.GetZh(), En: "A question still waits" + ageEN(days) + ". " + asked.GetEn()}
	return r, true
}

// above are the roles that are reminded one after the other.
func above(owner roundsv1.Role) []roundsv1.Role {
	const supervisor, manager = roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_MANAGER
	switch owner {
	case manager:
		return []roundsv1.Role{manager}
	case supervisor:
		return []roundsv1.Role{supervisor, manager}
	}
	return []roundsv1.Role{owner, supervisor, manager}
}

func ageZH(days int64) string {
	if days == 0 {
		return ""
	}
	return "，已等待" + strconv.FormatInt(days, 10) + "天"
}

func ageEN(days int64) string {
	switch days {
	case 0:
		return ""
	case 1:
		return ", for one day now"
	}
	return ", for " + strconv.FormatInt(days, 10) + " days now"
}
