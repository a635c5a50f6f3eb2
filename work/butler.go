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
	return len(all) == 0 || slices.Contains(all, string(j.Person))
}

// notServed refuses a decision of another butler than the unit's.
func (j *judgement) notServed() *roundsv1.Problem {
	all := j.butlers()
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
