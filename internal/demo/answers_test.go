package demo

import (
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/community"
)

// Every answered ticket is counted by origin and signal, and each late one says where the time went: on the phone, with a leader, or at the desk.
func TestLateAnswersAreExplained(t *testing.T) {
	const minute = 60e6
	place := func(id, name string, signal roundsv1.Signal) community.Place {
		return community.Place{ID: id, Place: &roundsv1.Place{Name: &roundsv1.Text{Zh: name, En: name}, Signal: signal}}
	}
	places := []community.Place{place("pit", "Sump pit", roundsv1.Signal_SIGNAL_NONE), place("hall", "Hall", roundsv1.Signal_SIGNAL_OK)}
	day := &Day{answers: []answer{
		{ticket: "quick", origin: "residents", place: "hall", answeredUs: 2 * minute},
		{ticket: "unheard", origin: "finds", place: "hall", answeredUs: 42 * minute}, // its place was corrected since
		{ticket: "parked", origin: "finds", place: "pit", answeredUs: 62 * minute},
		{ticket: "slow", origin: "residents", place: "hall", answeredUs: 25 * minute},
	}}
	day.explainAnswers(places, map[string]arrival{"quick": {minute, minute, "hall"}, "unheard": {40 * minute, 40 * minute, "pit"},
		"parked": {10 * minute, 60 * minute, "pit"}, "slow": {minute, minute, ""}})
	want := []Answers{{Origin: "finds", Signal: "none", Tickets: 2, Unheard: 1, Waiting: 1}, {Origin: "residents", Signal: "ok", Tickets: 2, InTime: 1, Waiting: 1}}
	if len(day.Answers) != 2 || day.Answers[0] != want[0] || day.Answers[1] != want[1] || len(day.Late) != 3 {
		t.Errorf("%+v, late %+v", day.Answers, day.Late)
	}
	for lang, words := range map[string][]string{
		"en": {"late: finds, Sump pit: reached the server after 40 min, answered 2 min after that", "after 10 min, was let in by a leader 50 min later, answered 2 min",
			"late: residents, Hall: reached the server after 1 min, answered 24 min"},
		"zh": {"迟：员工发现，Sump pit：40 分钟后到达服务器，再过 2 分钟响应", "又过 50 分钟由主管采纳", "迟：住户报事"},
	} {
		var out strings.Builder
		day.printResponse(paper{&out, lang})
		for _, one := range words {
			if !strings.Contains(out.String(), one) {
				t.Errorf("%s: no %q in\n%s", lang, one, out.String())
			}
		}
	}
}
