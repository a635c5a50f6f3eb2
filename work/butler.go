package work

import (
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// butlers are those who serve the place of the ticket, as the nearest node of the site's tree of places says that names any; none where no node does, or where
// nobody of them is there: left the company, or away at that time. Then any butler of the site stands in.
func (j *judgement) butlers() []string {
	id := j.ticket().GetLocation().GetPlaceId()
	for range maxDepth {
		place := j.lookup(kindPlace, id).GetRecord().GetPlace()
		if place == nil {
			return nil
		}
		if all := place.GetButlerIds(); len(all) > 0 {
			return slices.DeleteFunc(slices.Clone(all), j.isAway)
		}
		id = place.GetParentId()
	}
	return nil
}

// isAway: whether somebody of the site's staff has left, or is away at the time of the act.
func (j *judgement) isAway(person string) bool {
	staff, at := j.lookup(kindStaff, person).GetRecord().GetStaff(), j.Time.UnixMicro()
	return staff.GetLeft() || slices.ContainsFunc(staff.GetAbsences(), func(a *roundsv1.Absence) bool { return at >= a.GetFromUs() && at < a.GetToUs() })
}

// serves: whether the person is the butler of the ticket's unit, or nobody is.
func (j *judgement) serves() bool {
	all := j.butlers()
	return !j.movedSinceDone() && (len(all) == 0 || slices.Contains(all, string(j.Person)))
}

// movedSinceDone: whether the person said where the ticket is after the work of the round had been reported as done: whose it is to decide does not follow from the
// word of who decides.
func (j *judgement) movedSinceDone() bool {
	by, t := writer(j.Current, ticketLocation), j.ticket()
	return j.Person != "" && by.GetPersonId() == string(j.Person) && slices.ContainsFunc(t.GetMoves(), func(m *roundsv1.Move) bool {
		return state(m.GetState()) == donePending && m.GetRound() == t.GetRound() && m.GetTimeUs() < by.GetTimeUs() || m.GetRound() == t.GetRound() &&
			m.GetFoundVersion() != 0 && m.GetFoundVersion() < by.GetSeq()
	})
}

// notServed refuses a decision of another butler than the unit's.
func (j *judgement) notServed() *roundsv1.Problem {
	all := j.butlers()
	if j.movedSinceDone() {
		p := j.problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "", "报完工之后您改过此工单的地点，须由其他管家或主管确认。",
			"You changed the place of this ticket after the work was reported as done: another butler or a supervisor decides on it.")
		p.Facts = map[string]string{"butlers": strings.Join(without(all, string(j.Person)), ",")}
		return p
	}
	var names []string
	for _, id := range all {
		if name := j.lookup(kindStaff, id).GetRecord().GetStaff().GetName(); name != "" {
			names = append(names, name)
		}
	}
	zh, en := strings.Join(names, "、"), strings.Join(names, ", ")
	if len(names) == 0 {
		zh, en = "该楼栋管家", "its own butler"
	}
	p := j.problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "", "此处由"+zh+"负责，须由其本人或主管确认。",
		"This place is served by "+en+": they decide on it, or a supervisor does.")
	p.Facts = map[string]string{"butlers": strings.Join(all, ",")}
	return p
}
