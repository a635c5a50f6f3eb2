package schedule

import (
	"fmt"
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Numbers of Inspection's fields that are written here.
const (
	inspectionVersion     = 2
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

func inspectionEdit(id merge.RecordID, i *roundsv1.Inspection, fields ...uint32) engine.Derived {
	return engine.Derived{RecordID: id, Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: i}}, Fields: fields}}
}

// release puts a round on devices that somebody planned by hand, with the version of its checklist pinned: the newest that is published, where it names none. One
// whose checklist is not published is not released, for nobody could say what it asks; the foreman is told once, and it is looked at again.
func (w *Worker) release(view engine.View, at moment, id merge.RecordID, i *roundsv1.Inspection) (done, error) {
	if i.GetState() != planned || at.nowUs < i.GetWindowStartUs()-at.policy.LookAhead.Microseconds() {
		return done{}, nil
	}
	after, fields := &roundsv1.Inspection{State: released}, []uint32{inspectionState}
	if series := i.GetChecklistId(); series != "" {
		list := w.cfg.Reference.Checklist(at.scope, series, i.GetChecklistVersion())
		if !list.GetPublished() { // a draft may be changed while crews answer it
			return w.tellUnreleased(view, at, id)
		}
		if i.GetChecklistVersion() == 0 {
			after.ChecklistVersion, fields = list.GetVersion(), append([]uint32{inspectionVersion}, fields...)
		}
	}
	if end := i.GetWindowEndUs(); end != 0 {
		after.GraceEndUs, fields = end+at.policy.MissedGrace.Microseconds(), append(fields, inspectionGraceEnd)
	}
	return done{change: []engine.Derived{inspectionEdit(id, after, fields...)}, stats: func(s *Stats) { s.Released++ }}, nil
}

// tellUnreleased tells the foreman that a round cannot be released.
func (w *Worker) tellUnreleased(view engine.View, at moment, id merge.RecordID) (done, error) {
	notice := w.cfg.Notice(Telling{About: ref(kindInspection, id), Code: roundsv1.NoticeCode_NOTICE_CODE_REMINDER, Role: roundsv1.Role_ROLE_FOREMAN, Cause: "release",
		TimeUs: at.nowUs, Sentence: &roundsv1.Text{Zh: "巡检任务不能下发：检查表不存在，或所需版本尚未发布。请发布检查表，或另建巡检。",
			En: "A round cannot be released: its checklist is not there, or not published in the version that it names. Publish it, or make another round."}})
	before, err := view.Get(kindNotice, notice.RecordID)
	if err != nil || before != nil {
		return done{}, err
	}
	return done{change: []engine.Derived{notice}}, nil
}

// window takes a round for missed whose window has passed, provisionally, for a phone may still be in the basement; and for good when the grace has passed too.
func (w *Worker) window(at moment, id merge.RecordID, i *roundsv1.Inspection) done {
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
				Zh: "巡检任务漏检，宽限期内没有收到结果。有正当原因的，请由主管免责并注明。",
				En: "A round was missed, and nothing of it came in the time of grace. A supervisor can excuse it with the reason."}}
		if i.GetState() == partial {
			say.Sentence = &roundsv1.Text{Zh: "巡检任务只完成了一部分，宽限期内没有提交。有正当原因的，请由主管免责并注明。",
				En: "A round was walked in part, and not submitted in the time of grace. A supervisor can excuse it with the reason."}
		}
		for _, who := range []string{i.GetAssigneeId(), i.GetInspectorId()} {
			if who != "" && !slices.Contains(say.People, engine.PersonID(who)) {
				say.People = append(say.People, engine.PersonID(who))
			}
		}
		return done{change: []engine.Derived{inspectionEdit(id, &roundsv1.Inspection{}, inspectionProvisional), w.cfg.Notice(say)},
			stats: func(s *Stats) { s.Settled++ }}
	}
	return done{}
}
