package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/store"
)

func TestQuestionsAreRemindedOf(t *testing.T) {
	w := newWorld(t)
	w.put(site, uid("question"), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{
		Type: roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK, State: roundsv1.ConflictState_CONFLICT_STATE_OPEN, OwnerRole: roundsv1.Role_ROLE_FOREMAN,
		OpenedTimeUs: w.clock().UnixMicro(), RemindUs: w.clock().Add(4 * time.Hour).UnixMicro(), OwnerId: uid("fo")}}})
	w.pass(4*time.Hour - time.Microsecond).tick()
	same(t, "before", w.notices(), nil)
	w.pass(time.Microsecond).tick().tick()
	same(t, "once", w.notices(), []string{"REMINDER " + uid("fo")})
	w.pass(24 * time.Hour).tick()
	same(t, "a day later", w.notices(), []string{"REMINDER " + uid("fo"), "REMINDER supervisor"})
	w.pass(30 * 24 * time.Hour).tick() // the server stood still: one reminder
	if n := len(w.notices()); n != 3 {
		t.Errorf("%d reminders", n)
	}
	w.put(site, uid("question"), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{State: roundsv1.ConflictState_CONFLICT_STATE_RESOLVED}}}, 40)
	w.pass(30 * 24 * time.Hour).tick()
	if n := len(w.notices()); n != 3 || w.worker.Next().Before(w.clock().Add(20*24*time.Hour)) { // when what was told is old
		t.Errorf("%d reminders after it was decided, next %v", n, w.worker.Next())
	}
}

// A question that an act on its ticket has answered is closed with how, and nobody is reminded of it. Others wait.
func TestQuestionsThatAreAnswered(t *testing.T) {
	w := newWorld(t)
	w.report("leak")
	ask := func(id string, of roundsv1.ConflictType) {
		w.put(site, uid(id), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{Type: of,
			State: roundsv1.ConflictState_CONFLICT_STATE_OPEN, Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("leak")}, OwnerRole: roundsv1.Role_ROLE_SUPERVISOR,
			OpenedTimeUs: w.clock().UnixMicro(), RemindUs: w.clock().Add(4 * time.Hour).UnixMicro()}}})
	}
	for n := range 300 { // more than are looked at at once
		ask(fmt.Sprint("stale ", n), roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL)
	}
	ask("double", roundsv1.ConflictType_CONFLICT_TYPE_DOUBLE_WORK)
	w.tick()
	if s := w.worker.Stats(); s.Answered != 0 {
		t.Errorf("%+v", s)
	}
	w.pass(time.Minute)
	w.put(site, uid("leak"), &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Reviews: []*roundsv1.Review{
		{Round: 1, Verdict: roundsv1.Verdict_VERDICT_REJECTED, TimeUs: w.clock().UnixMicro()}}}}}, 56)
	for range 3 {
		w.pass(time.Second).tick()
	}
	if s := w.worker.Stats(); s.Answered != 300 {
		t.Errorf("%+v", s)
	}
	if c := w.get(site, "conflict", uid("stale 7")).GetRecord().GetConflict(); c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_RESOLVED ||
		c.GetResolution() != "answered: sent back" {
		t.Errorf("%v", c)
	}
	if c := w.get(site, "conflict", uid("double")).GetRecord().GetConflict(); c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN {
		t.Errorf("%v", c)
	}
	w.pass(4 * time.Hour).tick()
	if n := w.worker.Stats().Reminders; n != 1 {
		t.Errorf("%d reminders", n)
	}
}

// Looking for answers costs what changed, not what is open; what could not be looked at is looked at again, and a worker that begins anew looks at all.
func TestLookingForAnswersCostsWhatChanged(t *testing.T) {
	w := newWorld(t)
	w.report("leak")
	w.report("stairs")
	for n := range 100 {
		w.put(site, uid(fmt.Sprint("stale ", n)), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{
			Type: roundsv1.ConflictType_CONFLICT_TYPE_STALE_APPROVAL, State: roundsv1.ConflictState_CONFLICT_STATE_OPEN,
			Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("leak")}, OwnerRole: roundsv1.Role_ROLE_SUPERVISOR, OpenedTimeUs: w.clock().UnixMicro()}}})
	}
	w.tick()
	before := w.records.reads.Load()
	w.put(site, uid("stairs"), &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Title: "the stairs of tower 2"}}}, 1)
	w.pass(time.Second).tick()
	if n := w.records.reads.Load() - before; n != 0 {
		t.Errorf("%d records read for a ticket that nothing is asked about", n)
	}
	failing := func(scope store.Scope, what string) error {
		if what == "read "+uid("stale 7") {
			return errors.New("the record is damaged")
		}
		return nil
	}
	w.records.fail.Store(&failing)
	w.put(site, uid("leak"), &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Reviews: []*roundsv1.Review{
		{Round: 1, Verdict: roundsv1.Verdict_VERDICT_REJECTED, TimeUs: w.pass(time.Second).clock().UnixMicro()}}}}}, 56)
	if err := w.worker.Tick(context.Background()); err == nil {
		t.Error("nothing was said about the question that could not be read")
	}
	if s := w.worker.Stats(); s.Answered != 99 {
		t.Errorf("%+v", s)
	}
	w.records.fail.Store(nil)
	w.pass(time.Minute).tick()
	if s := w.worker.Stats(); s.Answered != 100 {
		t.Errorf("%+v", s)
	}
	w.put(site, uid("stale 7"), &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: &roundsv1.Conflict{
		State: roundsv1.ConflictState_CONFLICT_STATE_OPEN}}}, 40)
	w.start()
	w.pass(time.Minute).tick()
	if s := w.worker.Stats(); s.Answered != 1 {
		t.Errorf("a worker that begins anew: %+v", s)
	}
}
