package schedule_test

import (
	"context"
	"slices"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/schedule"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// crew may do at every site what crews may.
type crew struct{ nobody }

func (crew) Roles(engine.PersonID, store.Scope, time.Time) []roundsv1.Role {
	return []roundsv1.Role{roundsv1.Role_ROLE_WORKER}
}

// does has somebody of the crew do something, and requires that it is taken, or waits.
func (w *world) does(person, id string, fact *roundsv1.Record, want roundsv1.OutcomeStatus) {
	w.t.Helper()
	w.pass(time.Second)
	told, err := w.engine.Act(context.Background(), engine.Caller{Person: engine.PersonID(uid(person)), Device: engine.DeviceID(uid("phone of " + person))}, site,
		[]engine.DeskAct{{ID: engine.ActID(uid(person + w.clock().String())), RecordID: merge.RecordID(id), Fact: &roundsv1.Fact{Record: fact}}})
	if err != nil {
		w.t.Fatal(err)
	}
	if got := told[0].GetStatus(); got != want {
		w.t.Fatalf("%v, want %v: %v", got, want, told[0])
	}
}

// What was walked of a round before the clock made it counts as what comes to it does: who walked may not approve, and answers, scans and labour are on it.
func TestWhatCameBeforeTheRoundOfAPlan(t *testing.T) {
	const applied, waits = roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, roundsv1.OutcomeStatus_OUTCOME_STATUS_QUARANTINED
	end := func(early bool) *roundsv1.Inspection {
		w := newWorld(t, func(w *world) { w.access = crew{} })
		w.ref.checklists[uid("list")] = 7
		round := schedule.RoundID(merge.RecordID(uid("plan")), time.Date(2026, 7, 6, 0, 0, 0, 0, time.UTC).UnixMicro())
		made := func() {
			w.put(site, uid("plan"), plan(daily))
			w.tick()
			if w.inspection(string(round)) == nil {
				t.Fatal("no round")
			}
		}
		facts := waits
		if !early {
			facts = applied
			made()
		}
		photo := &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "inspection", Id: string(round)}, Role: roundsv1.PhotoRole_PHOTO_ROLE_ITEM, SizeBytes: 9, PersonId: uid("named")}
		w.does("photographer", uid("photo"), &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: photo}}, applied)
		w.does("inspector", string(round), &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
			Answers: map[string]*roundsv1.Answer{"gutter": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS}}}}}, facts)
		w.does("other", string(round), &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
			Visits: []*roundsv1.Scan{{Id: uid("scan"), CheckpointId: uid("b2")}}, Labour: []*roundsv1.Labour{{Id: uid("labour"), PersonId: uid("helper")}}}}}, facts)
		if early {
			made()
		}
		return w.inspection(string(round))
	}
	after, before := end(false), end(true)
	people := func(i *roundsv1.Inspection) []string { return slices.Sorted(slices.Values(i.GetPerformerIds())) }
	want := slices.Sorted(slices.Values([]string{uid("photographer"), uid("named"), uid("inspector"), uid("other")}))
	same(t, "who walked the round that was there", people(after), want)
	same(t, "who walked it before it was there", people(before), want)
	if len(before.GetAnswers()) != 1 || len(before.GetOfficialVisits()) != 1 || len(before.GetLabour()) != 1 || before.GetState() != after.GetState() {
		t.Errorf("%v", before)
	}
}
