package schedule

import (
	"fmt"
	"slices"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// inspectionFlags is the number of Inspection's field of marks.
const inspectionFlags = 45

// waits is a ticket or an inspection round while its photos are waited for.
type waits struct {
	change *roundsv1.Change
	round  uint32
	flags  []string
	done   []*roundsv1.Completion // of the round
	since  int64                  // when it was reported as done, and the server had heard of it
	walk   bool                   // it is an inspection round
}

// waitsOf is a record while its photos are waited for; false: they are not.
func waitsOf(change *roundsv1.Change) (w waits, ok bool) {
	w.change = change
	var all []*roundsv1.Completion
	t, i := change.GetRecord().GetTicket(), change.GetRecord().GetInspection()
	switch {
	case t.GetState() == roundsv1.TicketState_TICKET_STATE_DONE_PENDING_EVIDENCE:
		w.round, w.flags, all = t.GetRound(), t.GetFlags(), t.GetCompletions()
	case i.GetState() == roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED:
		w.round, w.flags, all, w.walk = i.GetRound(), i.GetFlags(), i.GetCompletions(), true
	default:
		return waits{}, false
	}
	for _, c := range all {
		if c.GetRound() == w.round {
			w.done = append(w.done, c)
			w.since = max(w.since, c.GetTimeUs(), c.GetTakenUs())
		}
	}
	return w, w.since != 0
}

// waiting reads the record of an item; false: its photos are not waited for.
func waiting(view engine.View, one item) (waits, bool, error) {
	change, err := view.Get(one.kind, one.id)
	if err != nil || !stands(change) {
		return waits{}, false, err
	}
	w, ok := waitsOf(change)
	return w, ok, nil
}

// chase asks the performers for photos that they promised.
func (w *Worker) chase(view engine.View, at moment, one item) (done, error) {
	of, ok, err := waiting(view, one)
	if !ok || slices.Contains(of.flags, chasedFlag(of.round)) || at.nowUs < of.since+at.policy.Chase.Microseconds() {
		return done{}, err
	}
	people := of.people()
	list := []engine.Derived{of.marked(one.id, chasedFlag(of.round))}
	if len(people) > 0 {
		hours := at.policy.Chase.Hours()
		list = append(list, w.cfg.Notice(Telling{About: ref(one.kind, one.id), Code: roundsv1.NoticeCode_NOTICE_CODE_CHASE, People: people,
			Cause: fmt.Sprintf("chase %d", of.round), TimeUs: at.nowUs, Sentence: &roundsv1.Text{
				Zh: fmt.Sprintf("%s已超过 %g 小时，照片仍未全部上传并核验。请在有网络处打开应用上传；照片已丢失或被判无效的，请补拍。", of.zh(), hours),
				En: fmt.Sprintf("%g hours after the completion the photos are not all here and verified. Open the app where there is signal; take those again that are lost or were refused.", hours)}}))
	}
	return done{change: list, stats: func(s *Stats) { s.Chased++ }}, nil
}

// chaseForeman tells the foreman of photos that do not come, marks the record where some are lost, and asks what to do without them.
func (w *Worker) chaseForeman(view engine.View, at moment, one item) (done, error) {
	of, ok, err := waiting(view, one)
	if !ok || slices.Contains(of.flags, foremanFlag(of.round)) || at.nowUs < of.since+at.policy.ChaseForeman.Microseconds() {
		return done{}, err
	}
	hours := at.policy.ChaseForeman.Hours()
	sentence := &roundsv1.Text{
		Zh: fmt.Sprintf("完工已超过 %g 小时，照片仍未全部上传并核验。请联系处理人上传或补拍；确实丢失的，由两人强制关闭。", hours),
		En: fmt.Sprintf("%g hours after the completion the photos are not all here and verified. Have them sent or taken again; if they are lost, two people can close it.", hours)}
	if of.walk {
		sentence = &roundsv1.Text{
			Zh: fmt.Sprintf("巡检提交已超过 %g 小时，照片仍未全部上传并核验。请联系巡检人上传；确实丢失的，请选择「补拍」，退回补检。", hours),
			En: fmt.Sprintf("%g hours after the round was submitted its photos are not all here and verified. Have them sent; if they are lost, have them taken again.", hours)}
	}
	question, mark, err := w.cfg.EvidenceLost(of.change, view.Get, sentence, at.nowUs)
	if err != nil {
		return done{}, err
	}
	marks := []string{foremanFlag(of.round)}
	if mark != "" {
		marks = append(marks, mark)
	}
	list := []engine.Derived{of.marked(one.id, marks...), w.cfg.Notice(Telling{About: ref(one.kind, one.id),
		Code: roundsv1.NoticeCode_NOTICE_CODE_CHASE, Role: roundsv1.Role_ROLE_FOREMAN, Cause: fmt.Sprintf("overdue %d", of.round), TimeUs: at.nowUs, Sentence: sentence})}
	if at.policy.EvidenceQuestion {
		before, err := view.Get(kindConflict, question.RecordID)
		if err != nil {
			return done{}, err
		}
		if before == nil { // it is asked once a round, whatever was decided
			list = append(list, question)
		}
	}
	return done{change: list, stats: func(s *Stats) { s.Foremen++ }}, nil
}

// zh names what was reported as done.
func (w waits) zh() string {
	if w.walk {
		return "巡检提交"
	}
	return "完工"
}

// people are who reported the round as done.
func (w waits) people() []engine.PersonID {
	var people []engine.PersonID
	for _, c := range w.done {
		if person := engine.PersonID(c.GetPersonId()); person != "" && !slices.Contains(people, person) {
			people = append(people, person)
		}
	}
	return people[:min(len(people), maxPeople)]
}

// marked marks the record; a mark that names a round goes in place of the same mark of another round. No other mark goes; where there is no room one is left out, and
// what was told is not told again, for a notice is written once.
func (w waits) marked(id merge.RecordID, marks ...string) engine.Derived {
	flags := slices.Clone(w.flags)
	for _, mark := range marks {
		code := strings.TrimRight(mark, "0123456789")
		flags = slices.DeleteFunc(flags, func(f string) bool { return f != mark && strings.TrimRight(f, "0123456789") == code })
		flags = flagged(flags, mark)
	}
	if w.walk {
		return inspectionEdit(id, &roundsv1.Inspection{Flags: flags}, inspectionFlags)
	}
	return ticketEdit(id, &roundsv1.Ticket{Flags: flags}, ticketFlags)
}
