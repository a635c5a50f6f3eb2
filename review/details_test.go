package review_test

import (
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// TestStoryOfARoundNamesWhat: which item was answered, and how; which checkpoint was visited; which deadline was missed.
func TestStoryOfARoundNamesWhat(t *testing.T) {
	w := newWorld(t, func(c *review.Config) {
		c.Checklist = func(store.Scope, string, uint32) *roundsv1.Checklist {
			return &roundsv1.Checklist{Items: []*roundsv1.ChecklistItem{{Id: "pressure", Unit: "bar", Question: &roundsv1.Text{Zh: "出口压力", En: "outlet pressure"}}}}
		}
	})
	boss := w.person("boss", manager)
	pump := uid("pump")
	w.write(site, made(pump, &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Name: &roundsv1.Text{Zh: "水泵房"}}}}),
		made(uid("round"), inspection(&roundsv1.Inspection{ChecklistId: uid("list"), CheckpointIds: []string{pump}})),
		made(uid("t"), ticket(&roundsv1.Ticket{Title: "leak", Deadlines: []*roundsv1.Deadline{{Step: roundsv1.Step_STEP_FINISH, Round: 1, DueUs: 9, State: roundsv1.DeadlineState_DEADLINE_STATE_OPEN},
			{Step: roundsv1.Step_STEP_RESPOND, Round: 1, DueUs: 5, State: roundsv1.DeadlineState_DEADLINE_STATE_OPEN}}})))
	bar := 3.2
	w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(uid("round")), Fact: &roundsv1.Fact{Record: inspection(&roundsv1.Inspection{Answers: map[string]*roundsv1.Answer{
		"pressure": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS, Reading: &bar}, pump + "/dry": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL}}})}})
	w.act(boss, site, engine.DeskAct{RecordID: merge.RecordID(uid("round")), Fact: &roundsv1.Fact{Record: inspection(&roundsv1.Inspection{Visits: []*roundsv1.Scan{{Id: uid("scan"), CheckpointId: pump}}})}})
	w.write(site, changed(uid("t"), ticket(&roundsv1.Ticket{EscalationLevel: 1, Flags: []string{"breached"}, Deadlines: []*roundsv1.Deadline{
		{Step: roundsv1.Step_STEP_FINISH, Round: 1, DueUs: 9, State: roundsv1.DeadlineState_DEADLINE_STATE_OPEN},
		{Step: roundsv1.Step_STEP_RESPOND, Round: 1, DueUs: 5, State: roundsv1.DeadlineState_DEADLINE_STATE_BREACHED}}}), 44, 50, 54))
	for _, want := range []struct{ kind, id, text string }{
		{"inspection", "round", "“outlet pressure”: pass 3.2 bar"}, {"inspection", "round", "「出口压力」：合格 3.2 bar"},
		{"inspection", "round", "“dry” at 水泵房: fail"}, {"inspection", "round", "水泵房「dry」：不合格"},
		{"inspection", "round", "added visits (水泵房)"}, {"inspection", "round", "添加到访（水泵房）"},
		{"ticket", "t", "deadlines (response: missed)"}, {"ticket", "t", "时限（响应：超时）"}, {"ticket", "t", "escalation level (now 1)"}, {"ticket", "t", "标记（已超时）"},
	} {
		var all []string
		for _, e := range w.story(boss, &roundsv1.StoryRequest{Record: of(merge.Kind(want.kind), uid(want.id)), RecordAlone: true}) {
			all = append(all, e.GetSentence().GetEn()+" / "+e.GetSentence().GetZh())
		}
		if told := strings.Join(all, "\n"); !strings.Contains(told, want.text) {
			t.Errorf("the story does not have %q:\n%s", want.text, told)
		}
	}
}
