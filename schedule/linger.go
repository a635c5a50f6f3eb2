package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work/policy"
)

// linger is a state in which an inspection round waits for somebody: its deadline, and who is told when that has passed. Tickets have deadlines of their own.
type linger struct {
	state roundsv1.InspectionState
	name  engine.IndexName // when the round came into the state, as long as nobody was told
	code  string           // of the mark that somebody was
	after func(policy.Policy) time.Duration
	role  roundsv1.Role
	// inspector: who walked it is told, too.
	inspector bool
	says      func(hours float64) *roundsv1.Text
}

// lingers is the table of these states.
func lingers() []linger {
	return []linger{
		{roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW, "due.review", "review_overdue_", func(p policy.Policy) time.Duration { return p.RoundReview },
			roundsv1.Role_ROLE_SUPERVISOR, false, func(hours float64) *roundsv1.Text {
				return &roundsv1.Text{Zh: fmt.Sprintf("巡检提交并核验后已等待 %g 小时，请确认或退回补检。", hours),
					En: fmt.Sprintf("A round has waited %g hours for its review. Approve it, or return it.", hours)}
			}},
		{roundsv1.InspectionState_INSPECTION_STATE_RUNNING, "due.running", "walk_overdue_", func(p policy.Policy) time.Duration { return p.RoundReturn },
			roundsv1.Role_ROLE_FOREMAN, true, func(hours float64) *roundsv1.Text {
				return &roundsv1.Text{Zh: fmt.Sprintf("巡检开始已 %g 小时，尚未提交。请尽快提交；如手机丢失，请班长重新开始此巡检。", hours),
					En: fmt.Sprintf("A round was begun %g hours ago and is not submitted. Submit it; if the phone is lost, a foreman may start it anew.", hours)}
			}},
		{roundsv1.InspectionState_INSPECTION_STATE_RETURNED, "due.returned", "return_overdue_", func(p policy.Policy) time.Duration { return p.RoundReturn },
			roundsv1.Role_ROLE_FOREMAN, true, func(hours float64) *roundsv1.Text {
				return &roundsv1.Text{Zh: fmt.Sprintf("巡检退回补检已 %g 小时，尚未重新开始。请尽快补检，或安排他人。", hours),
					En: fmt.Sprintf("A round was returned %g hours ago, and nobody walks it again. Walk it, or have somebody else do it.", hours)}
			}},
	}
}

// mark says that somebody was told that a round lingers, in this round of it.
func (l linger) mark(round uint32) string { return l.code + strconv.FormatUint(uint64(round), 10) }

// since is when a round came into the state; 0: it is not in it, or somebody was told.
func (l linger) since(change *roundsv1.Change) int64 {
	i := change.GetRecord().GetInspection()
	if l.state == roundsv1.InspectionState_INSPECTION_STATE_RUNNING && passes(i) && i.GetWindowEndUs() != 0 {
		return 0 // it is taken for partly walked when its window has passed
	}
	if i.GetState() != l.state || slices.Contains(i.GetFlags(), l.mark(i.GetRound())) {
		return 0
	}
	for _, w := range change.GetWrites() {
		if slices.Contains(w.GetShown(), inspectionState) {
			return w.GetStamp().GetTimeUs()
		}
	}
	return 0
}

// tell tells whoever a round waits for, once for each time that it waits.
func (l linger) tell(w *Worker, view engine.View, at moment, one item) (done, error) {
	change, err := view.Get(one.kind, one.id)
	if err != nil || !stands(change) {
		return done{}, err
	}
	since, wait := l.since(change), l.after(at.policy)
	if since == 0 || at.nowUs < since+wait.Microseconds() {
		return done{}, nil
	}
	i := change.GetRecord().GetInspection()
	say := Telling{About: ref(kindInspection, one.id), Code: roundsv1.NoticeCode_NOTICE_CODE_BREACHED, Role: l.role, Cause: l.mark(i.GetRound()), TimeUs: at.nowUs,
		Sentence: l.says(wait.Hours())}
	if who := i.GetInspectorId(); l.inspector && who != "" {
		say.People = []engine.PersonID{engine.PersonID(who)}
	}
	list := []engine.Derived{waits{flags: i.GetFlags(), walk: true}.marked(one.id, l.mark(i.GetRound())), w.cfg.Notice(say)}
	return done{change: list, stats: func(s *Stats) { s.Lingering++ }}, nil
}
