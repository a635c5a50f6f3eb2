package schedule

import (
	"fmt"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// Numbers of Conflict's fields that are written here.
const (
	conflictReminders = 14
	conflictRemind    = 15
)

// remind reminds whoever has to answer a question.
func (w *Worker) remind(at moment, id merge.RecordID, c *roundsv1.Conflict) done {
	if c.GetState() != roundsv1.ConflictState_CONFLICT_STATE_OPEN || c.GetRemindUs() == 0 || at.nowUs < c.GetRemindUs() {
		return done{}
	}
	r, ok := w.cfg.Remind(c, at.policy, at.now)
	if !ok {
		return done{}
	}
	say := Telling{About: ref(kindConflict, id), Code: roundsv1.NoticeCode_NOTICE_CODE_REMINDER, Role: r.Role, Sentence: r.Sentence,
		Cause: fmt.Sprintf("reminder %d %d", r.Reminders, c.GetRemindUs()), TimeUs: at.nowUs}
	if r.Person != "" {
		say.People = []engine.PersonID{r.Person}
	}
	after := &roundsv1.Conflict{Reminders: r.Reminders, RemindUs: r.RemindUs}
	return done{change: []engine.Derived{{RecordID: id, Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Conflict{Conflict: after}},
		Fields: []uint32{conflictReminders, conflictRemind}}}, w.cfg.Notice(say)}, stats: func(s *Stats) { s.Reminders++ }}
}
