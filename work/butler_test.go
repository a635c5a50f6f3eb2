package work_test

import (
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// TestButlerOfTheUnit: where the places name butlers, theirs is the word on the work there, or a supervisor's; where none is named, or there, any butler's.
func TestButlerOfTheUnit(t *testing.T) {
	tower, floor, garden := uid("tower"), uid("floor"), uid("garden")
	place := func(parent string, butlers ...string) *roundsv1.Record {
		return &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{ParentId: parent, ButlerIds: butlers}}}
	}
	staff := func(s *roundsv1.Staff) *roundsv1.Record {
		return &roundsv1.Record{Kind: &roundsv1.Record_Staff{Staff: s}}
	}
	const noRight = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
	for _, test := range []struct {
		name    string
		at      string
		records world
		roles   []roundsv1.Role
		want    roundsv1.ProblemCode
	}{
		{"nobody is named", garden, world{garden: place("")}, []roundsv1.Role{butler}, 0},
		{"no place", "", nil, []roundsv1.Role{butler}, 0},
		{"the butler of the tower", floor, world{floor: place(tower), tower: place("", uid("me"))}, []roundsv1.Role{butler}, 0},
		{"one of two", floor, world{floor: place(tower), tower: place("", uid("li"), uid("me"))}, []roundsv1.Role{butler}, 0},
		{"another's tower", floor, world{floor: place(tower), tower: place("", uid("li"))}, []roundsv1.Role{butler}, noRight},
		{"the floor has its own", floor, world{floor: place(tower, uid("li")), tower: place("", uid("me"))}, []roundsv1.Role{butler}, noRight},
		{"a supervisor", floor, world{floor: place(tower), tower: place("", uid("li"))}, []roundsv1.Role{supervisor}, 0},
		{"a butler who is a supervisor", floor, world{floor: place(tower), tower: place("", uid("li"))}, []roundsv1.Role{butler, supervisor}, 0},
		{"who serves it has left", floor, world{floor: place(tower), tower: place("", uid("li")), uid("li"): staff(&roundsv1.Staff{Name: "Li", Left: true})}, []roundsv1.Role{butler}, 0},
		{"who serves it is away", floor, world{floor: place(tower), tower: place("", uid("li")),
			uid("li"): staff(&roundsv1.Staff{Name: "Li", Absences: []*roundsv1.Absence{{FromUs: 50, ToUs: 101}}})}, []roundsv1.Role{butler}, 0},
		{"who serves it was away", floor, world{floor: place(tower), tower: place("", uid("li")),
			uid("li"): staff(&roundsv1.Staff{Name: "Li", Absences: []*roundsv1.Absence{{FromUs: 1, ToUs: 2}}})}, []roundsv1.Role{butler}, noRight},
	} {
		for op, act := range map[string]*roundsv1.TicketCommand{"approve": approve(2), "reject": reject(2), "ask": askMore(2)} {
			current := ideal(op, stateInReview)
			current.GetRecord().GetTicket().Location = &roundsv1.Location{PlaceId: test.at}
			c := caseOf("ticket", current, act, true)
			c.Roles, c.Time = test.roles, time.UnixMicro(100)
			records := test.records
			c.Lookup = func(kind merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
				if found, err := records.lookup(kind, id); found != nil || err != nil {
					return found, err
				}
				return lookup(kind, id)
			}
			v := plainRules().Judge(c)
			if got := v.Problem.GetCode(); (got == noRight) != (test.want == noRight) {
				t.Errorf("%s: %s: %v", test.name, op, v.Problem)
			}
			if test.want == noRight {
				checkProblem(t, v.Problem)
				if v.Problem.GetFacts()["butlers"] != uid("li") {
					t.Errorf("%s: %v", test.name, v.Problem)
				}
			}
		}
	}
}
