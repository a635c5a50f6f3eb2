package roster_test

import (
	"math/rand/v2"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/roster"
)

func TestPick(t *testing.T) {
	const cleaning, engineering = roundsv1.ServiceLine_SERVICE_LINE_CLEANING, roundsv1.ServiceLine_SERVICE_LINE_ENGINEERING
	day := []*roundsv1.Duty{{Recurrence: "DTSTART:20260101T080000\nRRULE:FREQ=DAILY", Minutes: 12 * 60}}
	night := []*roundsv1.Duty{{Recurrence: "DTSTART:20260101T200000\nRRULE:FREQ=DAILY", Minutes: 12 * 60}}
	person := func(id string, line roundsv1.ServiceLine, duties []*roundsv1.Duty, open int, skills ...string) roster.Candidate {
		return roster.Candidate{ID: id, Staff: &roundsv1.Staff{Line: line, Duties: duties, Skills: skills}, Open: open}
	}
	all := []roster.Candidate{
		person("busy electrician", engineering, day, 5, "electric"), person("electrician", engineering, day, 2, "electric"),
		person("plumber", engineering, day, 0, "plumbing"), person("night electrician", engineering, night, 0, "electric", "lift"),
		person("cleaner", cleaning, day, 0), {ID: "gone", Staff: &roundsv1.Staff{Line: engineering, Left: true, Skills: []string{"electric"}}},
	}
	for _, row := range []struct {
		name   string
		wanted roster.Wanted
		at     string
		want   string
	}{
		{"the skilled one with the fewest", roster.Wanted{Line: engineering, Skill: "electric"}, "2026-07-06 10:00", "electrician"},
		{"at night", roster.Wanted{Line: engineering, Skill: "electric"}, "2026-07-06 23:00", "night electrician"},
		{"any skill", roster.Wanted{Line: engineering}, "2026-07-06 10:00", "plumber"},
		{"another trade", roster.Wanted{Line: cleaning}, "2026-07-06 10:00", "cleaner"},
		{"nobody skilled on duty", roster.Wanted{Line: engineering, Skill: "lift"}, "2026-07-06 10:00", ""},
		{"nobody on duty", roster.Wanted{Line: cleaning}, "2026-07-06 23:00", ""},
		{"of no trade", roster.Wanted{}, "2026-07-06 10:00", ""},
		{"not to who declined it", roster.Wanted{Line: engineering, Skill: "electric", Not: []string{"electrician"}}, "2026-07-06 10:00", "busy electrician"},
		{"but to nobody else", roster.Wanted{Line: cleaning, Not: []string{"cleaner"}}, "2026-07-06 10:00", "cleaner"},
	} {
		for range 4 {
			rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			got, ok := roster.Pick(row.wanted, all, at(t, row.at), shanghai(t))
			if got.ID != row.want || ok != (row.want != "") {
				t.Errorf("%s: %q, %v", row.name, got.ID, ok)
			}
		}
	}
	// Of equals it is not always the same one.
	equals := []roster.Candidate{person("a", cleaning, nil, 0), person("b", cleaning, nil, 0), person("c", cleaning, nil, 0)}
	had := map[string]int{}
	for i := range 60 {
		got, _ := roster.Pick(roster.Wanted{Line: cleaning, Ticket: string(rune('A' + i))}, equals, at(t, "2026-07-06 10:00"), shanghai(t))
		had[got.ID]++
	}
	if had["a"] < 8 || had["b"] < 8 || had["c"] < 8 {
		t.Errorf("%v", had)
	}
}
