package work_test

import (
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work"
)

// TestSkillInWords: whoever is told that somebody lacks a skill reads its code in quotes, since no directory has words for skills; programs read the code.
func TestSkillInWords(t *testing.T) {
	rules := work.New(work.Config{Reference: office{}})
	c := guard(pumpTicket(func(t *roundsv1.Ticket) { t.State, t.AssigneeId = stateTriaged, "" }), dispatch("another"), map[string]*roundsv1.Record{
		uid("another"): {Kind: &roundsv1.Record_Staff{Staff: &roundsv1.Staff{Name: "Li"}}}})
	c.Roles = []roundsv1.Role{foreman}
	why := rules.Judge(c).Problem
	checkProblem(t, why)
	if why.GetFacts()["skill"] != "electric" || !strings.Contains(why.GetSentence().GetZh(), "Li没有此类工单所需的技能「electric」，") ||
		!strings.Contains(why.GetSentence().GetEn(), "this needs, “electric”.") {
		t.Errorf("%v", why)
	}
}
