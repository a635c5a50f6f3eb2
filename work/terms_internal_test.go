package work

import (
	"reflect"
	"testing"
)

// TestEveryTermIsSaid: each condition, effect and refusal that a noun of the tables has is there, and some row says it.
func TestEveryTermIsSaid(t *testing.T) {
	said := map[string]bool{}
	for _, w := range workflows() {
		for _, r := range w.rows {
			said[r.refuse.en] = true
			for _, c := range append(append(when{}, r.when...), r.needs...) {
				said[c.name] = true
			}
			for _, e := range r.effects {
				said[e.name] = true
			}
		}
	}
	for _, noun := range []any{
		aboutActs(), aboutPeople(), aboutTheUnseen(), aboutReports(), aboutCategories(), aboutRounds(), aboutDispatch(), aboutStaff(), aboutPauses(), aboutTheLedger(),
		aboutCompletions(), aboutPhotos(), aboutEvidence(), aboutLists(), aboutTasks(), aboutMergers(), aboutReviews(), aboutApprovals(), aboutForce(), aboutCustomers(),
		aboutEscalation(), aboutEndings(),
		aboutWalkers(), aboutWalkLists(), aboutRoutes(), aboutWalkEvidence(), aboutWalkReviews(), aboutWalkRounds(),
	} {
		terms := reflect.ValueOf(noun)
		for i := range terms.NumField() {
			name, term := terms.Type().Name()+"."+terms.Type().Field(i).Name, terms.Field(i)
			words, does := term.FieldByName("name"), term.FieldByName("holds")
			if !does.IsValid() {
				does = term.FieldByName("do")
			}
			if !words.IsValid() {
				words = term.FieldByName("en")
			}
			if words.String() == "" || does.IsValid() && does.IsNil() {
				t.Errorf("%s is not set", name)
			}
			if !said[words.String()] {
				t.Errorf("no row says %s: %s", name, words)
			}
		}
	}
}
