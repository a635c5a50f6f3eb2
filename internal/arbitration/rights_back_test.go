package arbitration_test

import (
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// TestRightsComeBack: rows 32 and 33 from both ends. A supervisor reads who suspended the sender and since when; and who is reinstated finds on the phone, which had
// given everything up, what was let in, what was left out, what still waits and what was refused.
func TestRightsComeBack(t *testing.T) {
	w := newWorld(t).site(t).shift()
	s := w.phone("S")
	at := w.Now()
	w.pass(time.Minute)
	facts := []client.Ref{w.x.works(w.id), w.x.works(w.id), w.x.works(w.id)}
	done := w.x.do(w.id, submit(1))
	w.suspend(w.x, at)
	if err := w.x.trySync(); err != nil {
		t.Log(err)
	}
	w.came(done, rejected)
	if items, err := w.x.device.Tray(t.Context()); err != nil || len(items) != 0 {
		t.Fatalf("the phone has given the site up: %v %v", items, err)
	}
	s.sync()
	question := s.shows("conflict", w.came(facts[0], quarantined).GetConflictId()).GetConflict()
	if side := question.GetSides()[0]; side.GetPersonId() != string(w.admin.Person) || side.GetTimeUs() != at.UnixMicro() || !strings.Contains(side.GetSentence().GetEn(), "suspended") {
		t.Errorf("who suspended, and since when: %v", side)
	}
	if strings.Contains(question.GetSentence().GetZh(), "您") {
		t.Errorf("it speaks to the sender: %v", question.GetSentence())
	}
	stranger := s.decide(w.outcome(facts[0]).GetConflictId(), &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Assign{
		Assign: &roundsv1.ConflictAssign{PersonId: w.x.id()}}})
	s.sync()
	if p := w.came(stranger, rejected).GetProblem(); p.GetFacts()["roles"] != "supervisor,manager" {
		t.Errorf("given to somebody who is suspended: %v", p)
	}
	w.letIn(s, facts[0])
	s.decide(w.outcome(facts[1]).GetConflictId(), &roundsv1.ConflictCommand{Command: &roundsv1.ConflictCommand_Dismiss{Dismiss: &roundsv1.ConflictDismiss{Reason: "not there"}}})
	s.sync()

	if _, err := w.server.Authority().Admin().ReinstatePerson(t.Context(), w.admin, &roundsv1.ReinstatePersonRequest{PersonId: w.x.id()}); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	w.x.sync()
	w.x.sync()
	items, err := w.x.device.Tray(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, item := range items {
		got = append(got, strings.TrimSpace(string(item.Status)+" "+item.Resolution))
	}
	if want := "closed admitted, closed dismissed, waiting, forgotten"; strings.Join(got, ", ") != want {
		t.Errorf("the tray holds %q, want %q", strings.Join(got, ", "), want)
	}
	w.laboured(w.id, map[*phone]int{w.x: 1})
}
