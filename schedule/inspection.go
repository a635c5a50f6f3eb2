package schedule

import (
	"fmt"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// Numbers of Inspection's fields that are written here.
const (
	inspectionState       = 40
	inspectionProvisional = 47
	inspectionGraceEnd    = 52
)

const (
	planned  = roundsv1.InspectionState_INSPECTION_STATE_PLANNED
	released = roundsv1.InspectionState_INSPECTION_STATE_RELEASED
	running  = roundsv1.InspectionState_INSPECTION_STATE_RUNNING
	missed   = roundsv1.InspectionState_INSPECTION_STATE_MISSED
	partial  = roundsv1.InspectionState_INSPECTION_STATE_PARTIAL
)

func inspectionEdit(id string, i *roundsv1.Inspection, fields ...uint32) engine.Derived {
	return engine.Derived{RecordID: id, Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: i}}, Fields: fields}}
}

// release puts a round on devices that somebody planned by hand.
func (w *Worker) release(at moment, id string, i *roundsv1.Inspection) done {
	if i.GetState() != planned || at.nowUs < i.GetWindowStartUs()-at.policy.LookAhead.Microseconds() {
		return done{}
	}
	return done{change: []engine.Derived{inspectionEdit(id, &roundsv1.Inspection{State: released}, inspectionState)}, stats: func(s *Stats) { s.Released++ }}
}

// window takes a round for missed whose window has passed, provisionally, for a phone may still be in the basement; and for good when the grace has passed too.
func (w *Worker) window(at moment, id string, i *roundsv1.Inspection) done {
	switch {
	case passes(i) && i.GetWindowEndUs() != 0 && at.nowUs >= i.GetWindowEndUs():
		to, add := missed, func(s *Stats) { s.Missed++ }
		if i.GetState() == running {
			to, add = partial, func(s *Stats) { s.Partial++ }
		}
		// The grace begins now: while the server was down nobody could deliver.
		after := &roundsv1.Inspection{State: to, Provisional: true, GraceEndUs: at.nowUs + at.policy.MissedGrace.Microseconds()}
		return done{change: []engine.Derived{inspectionEdit(id, after, inspectionState, inspectionProvisional, inspectionGraceEnd)}, stats: add}
	case settles(i) && at.nowUs >= i.GetGraceEndUs():
		say := Telling{About: ref(kindInspection, id), Code: roundsv1.NoticeCode_NOTICE_CODE_MISSED, Role: roundsv1.Role_ROLE_SUPERVISOR,
			Cause: fmt.Sprintf("missed %d", i.GetRound()), TimeUs: at.nowUs, Sentence: &roundsv1.Text{
				Zh: "巡检任务漏检,宽限期内没有收到结果。有正当原因的,请由主管免责并注明。",
				En: "A round was missed, and nothing of it came in the time of grace. A supervisor can excuse it with the reason."}}
		if i.GetState() == partial {
			say.Sentence = &roundsv1.Text{Zh: "巡检任务只完成了一部分,宽限期内没有提交。有正当原因的,请由主管免责并注明。",
				En: "A round was walked in part, and not submitted in the time of grace. A supervisor can excuse it with the reason."}
		}
		for _, who := range []string{i.GetAssigneeId(), i.GetInspectorId()} {
			if who != "" && !has(say.People, who) {
				say.People = append(say.People, who)
			}
		}
		return done{change: []engine.Derived{inspectionEdit(id, &roundsv1.Inspection{}, inspectionProvisional), w.cfg.Notice(say)},
			stats: func(s *Stats) { s.Settled++ }}
	}
	return done{}
}
