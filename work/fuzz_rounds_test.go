package work_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work"
)

// FuzzRounds: with an organisation that has checklists and tags, nothing said of rounds, questions, plans and notices makes the rules panic, change what they
// were given, or want written what cannot be; and a round's score and visits keep their bounds.
func FuzzRounds(f *testing.F) {
	encode := func(m proto.Message) []byte {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	walked := &roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_RUNNING, Round: 1, InspectorId: uid("me"), ChecklistId: uid("list"), ChecklistVersion: 8,
		CheckpointIds: []string{gate, pit}, Route: &roundsv1.Route{Ordered: true, MinGapUs: 5, MaxGapUs: 50}, WindowEndUs: 9,
		Answers:        map[string]*roundsv1.Answer{"gutter": answer(pass, ""), "pressure": measured(3), "cover": answer(skipped, "locked")},
		OfficialVisits: []*roundsv1.Visit{{CheckpointId: gate, ScanId: "a", PersonId: uid("x"), TimeUs: 4, Round: 1}},
		Reviews:        []*roundsv1.Review{{Round: 1, Verdict: roundsv1.Verdict_VERDICT_REJECTED, TimeUs: 3, ItemIds: []string{"cover"}}}}
	for number := range roundsv1.InspectionState_name {
		at := proto.CloneOf(walked)
		at.State = roundsv1.InspectionState(number)
		for _, act := range inspectionActs() {
			f.Add(encode(change(round(at))), encode(mutation(uid("record"), act)), uint8(number))
		}
		f.Add(encode(change(round(at))), encode(mutation(uid("record"), answers(map[string]*roundsv1.Answer{gate + "/gutter": answer(fail, "full"), "pressure": measured(99)}))), uint8(number))
		f.Add(encode(change(round(at))), encode(mutation(uid("record"), &roundsv1.Fact{Record: round(&roundsv1.Inspection{Visits: []*roundsv1.Scan{
			{Id: "b", Payload: payload(gate), CheckpointId: gate}, {Id: "c", CheckpointId: pit}, {Id: "d", Payload: payload(pit)}}})})), uint8(number))
	}
	for _, q := range work.Questions() {
		for _, action := range q.Actions {
			c := &roundsv1.Conflict{Type: q.Type, State: openState, JournalSeq: 3, Subject: &roundsv1.RecordRef{Kind: "ticket", Id: uid("target")},
				Sides: []*roundsv1.Side{{PersonId: uid("x"), Record: &roundsv1.RecordRef{Kind: "ticket", Id: uid("ended")}}}}
			act := decide(action)
			act.GetDecide().TargetId = uid("target")
			f.Add(encode(change(&roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: c}})), encode(mutation(uid("record"), act)), uint8(4))
		}
	}
	f.Add(encode(change(&roundsv1.Record{Kind: &roundsv1.Record_Notice{Notice: &roundsv1.Notice{Role: worker}}})), encode(mutation(uid("record"),
		&roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Notice{Notice: &roundsv1.Notice{SeenByIds: []string{uid("me")}}}}, Fields: []uint32{8}})), uint8(4))
	f.Add([]byte{}, encode(mutation(uid("record"), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: &roundsv1.Plan{
		Recurrence: "DTSTART:20260101T080000\nRRULE:FREQ=DAILY", WindowUs: 1}}}})), uint8(4))

	records := world{uid("target"): ticketRecord(&roundsv1.Ticket{State: stateDone, Round: 1, Completions: []*roundsv1.Completion{{Round: 1, PersonId: uid("x"), PhotoIds: []string{uid("lost")}}},
		Deadlines: []*roundsv1.Deadline{{State: roundsv1.DeadlineState_DEADLINE_STATE_DISPUTED}}}),
		uid("ended"): ticketRecord(&roundsv1.Ticket{State: stateClosed, Round: 2}), uid("lost"): {Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{}}},
		gate: {Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Tag: "NFC:04"}}}}
	rules := work.New(work.Config{Reference: library{8}, Tags: library{8}})
	f.Fuzz(func(t *testing.T, currentBytes, mutationBytes []byte, flags uint8) {
		current, m := &roundsv1.Change{}, &roundsv1.Mutation{}
		if proto.Unmarshal(currentBytes, current) != nil || proto.Unmarshal(mutationBytes, m) != nil {
			return
		}
		kind, _ := merge.KindOfMutation(m)
		if held, ok := merge.KindOf(current.GetRecord()); len(currentBytes) == 0 || !ok || held != kind {
			current = nil
		}
		c := engine.Case{Scope: siteScope, Kind: kind, Current: current, Mutation: m, Person: engine.PersonID(uid("me")), Device: "mine", Saw: flags&4 != 0,
			Roles: []roundsv1.Role{worker, foreman, supervisor, manager}, Trust: roundsv1.Trust(flags & 3), Time: time.UnixMicro(20), Lookup: records.lookup}
		currentBefore, mutationBefore := proto.Clone(current), proto.Clone(m)
		v := rules.Judge(c)
		if !proto.Equal(current, currentBefore) || !proto.Equal(m, mutationBefore) {
			t.Fatal("the case was changed")
		}
		if v.Problem != nil {
			checkProblem(t, v.Problem)
		}
		if i := v.Effect.GetRecord().GetInspection(); i != nil {
			if !(i.GetScore() >= 0 && i.GetScore() <= 100.001) {
				t.Fatalf("score %v", i.GetScore())
			}
			seen := map[string]bool{}
			for _, visit := range i.GetOfficialVisits() {
				if len(current.GetRecord().GetInspection().GetOfficialVisits()) < 2 && seen[visit.GetCheckpointId()+string(rune(visit.GetRound()))] {
					t.Fatalf("twice: %v", i.GetOfficialVisits())
				}
				seen[visit.GetCheckpointId()+string(rune(visit.GetRound()))] = true
			}
		}
		// What the rules want written can be.
		tried := map[string]*roundsv1.Change{}
		for n, d := range v.Derived {
			of, ok := merge.KindOf(d.Edit.GetRecord())
			if !ok {
				t.Fatalf("of no kind: %v", d.Edit)
			}
			before := tried[string(d.RecordID)]
			if before == nil {
				before, _ = records.lookup(of, d.RecordID)
			}
			if string(d.RecordID) == current.GetRecordId() && current != nil {
				before = current
			}
			r := merge.Apply(before, merge.Input{Mutation: &roundsv1.Mutation{RecordId: string(d.RecordID), Base: before.GetVersion(), Act: &roundsv1.Mutation_Edit{Edit: d.Edit}},
				Stamp: &roundsv1.Stamp{Seq: uint64(100 + n), TimeUs: 30}, Capacity: merge.Rules})
			if r.Problem != nil {
				t.Fatalf("cannot be written: %v\n%v", r.Problem, d.Edit)
			}
			tried[string(d.RecordID)] = r.Change
		}
	})
}
