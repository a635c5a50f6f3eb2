package schedule

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/recurrence"
)

const (
	// mostMade bounds the rounds that one transaction makes of a plan.
	mostMade = 32
	// horizon is how far ahead the next window of a plan is looked for. One without any is looked at again by then.
	horizon = 400 * 24 * time.Hour
	// nearby is how far it is looked for at first.
	nearby = 8 * 24 * time.Hour
)

// RoundID is the id of the round that a plan makes for a window that begins at a moment, microseconds since 1970: a UUIDv5 in the name space of the plan. Whoever
// makes it makes the same.
func RoundID(plan merge.RecordID, startUs int64) merge.RecordID {
	space, err := uuid.Parse(string(plan))
	if err != nil {
		space = uuid.NewSHA1(uuid.Nil, []byte(plan))
	}
	return merge.RecordID(uuid.NewSHA1(space, binary.BigEndian.AppendUint64([]byte("round\x00"), uint64(startUs))).String())
}

// plan makes the rounds of a plan whose windows begin within the site's look-ahead, released at once with the newest version of the checklist, and notes up to when
// that was done. Rounds that were made stay, also when the plan is edited. Windows that have passed by, after a long time without a server, are left out:
// nobody could have walked them.
func (w *Worker) plan(view engine.View, at moment, change *roundsv1.Change) (done, error) {
	id, p := merge.RecordID(change.GetRecordId()), change.GetRecord().GetPlan()
	since := goesOn(change)
	if p.GetSuspended() || p.GetRecurrence() == "" || !anew(since) && at.nowUs < since-at.policy.LookAhead.Microseconds() {
		return done{}, nil
	}
	from := at.now.Add(-time.Duration(p.GetWindowUs())*time.Microsecond + 1) // a window that is still open can be walked
	if next := time.UnixMicro(since); !anew(since) && next.After(from) {
		from = next
	}
	windows, next, err := w.windows(at, p, from)
	if err != nil {
		// It is looked at again when it is edited, or when a later server may understand more.
		w.log.Warn("a plan's rule is not understood; it makes no rounds", "scope", string(at.scope), "plan", string(id), "error", err)
		return done{change: []engine.Derived{madeThrough(id, p, at.now.Add(horizon))}, stats: func(s *Stats) { s.BadPlans++ }}, nil
	}
	var list []engine.Derived
	var version uint32
	for _, window := range windows {
		round := RoundID(id, window.Start.UnixMicro())
		before, err := view.Get(kindInspection, round)
		if err != nil {
			return done{}, err
		}
		if before != nil {
			continue
		}
		if version == 0 && p.GetChecklistId() != "" {
			checklist := w.cfg.Reference.Checklist(at.scope, p.GetChecklistId(), 0)
			if version = checklist.GetVersion(); checklist == nil {
				return done{}, fmt.Errorf("schedule: no version of checklist %s is published", p.GetChecklistId())
			}
		}
		walkers, err := w.early(view, string(round))
		if err != nil {
			return done{}, err
		}
		list = append(list, inspectionEdit(round, &roundsv1.Inspection{ChecklistId: p.GetChecklistId(), ChecklistVersion: version, Title: title(p.GetName()),
			WindowStartUs: window.Start.UnixMicro(), WindowEndUs: window.End.UnixMicro(), CheckpointIds: p.GetCheckpointIds(), PlanId: string(id), Route: p.GetRoute(),
			State: released, Round: 1, AssigneeId: p.GetAssigneeId(), PerformerIds: walkers}))
	}
	made := uint64(len(list))
	return done{change: append(list, madeThrough(id, p, next)), stats: func(s *Stats) { s.Made += made }}, nil
}

// early are who took photos of a round that came before it: they walked some of it, as they would have by photos that come to it. What else came before it waits in
// quarantine, and is judged by itself once the round is here.
func (w *Worker) early(view engine.View, round string) ([]string, error) {
	notice := w.cfg.Notice(Telling{About: ref(kindInspection, merge.RecordID(round)), Code: roundsv1.NoticeCode_NOTICE_CODE_EARLY_PHOTO})
	kept, err := view.Get(kindNotice, notice.RecordID)
	if err != nil || kept.GetDeleted() {
		return nil, err
	}
	return kept.GetRecord().GetNotice().GetPersonIds(), nil
}

// windows are the windows of a plan from a moment on whose time to be released has come, mostMade at most, and the beginning of the next after them.
func (w *Worker) windows(at moment, p *roundsv1.Plan, from time.Time) (due []recurrence.Window, next time.Time, err error) {
	zone, err := calendar.Zone(at.policy.TimeZone)
	if err != nil {
		zone, _ = calendar.Zone("")
	}
	cal := w.cfg.Reference.Calendar(at.scope, at.policy.Calendar)
	until := at.now.Add(at.policy.LookAhead + 1)
	due, err = recurrence.Windows(p, cal, zone, from, until, mostMade+1)
	if err != nil {
		return nil, next, err
	}
	if len(due) > mostMade {
		return due[:mostMade], due[mostMade].Start, nil
	}
	if from.After(until) {
		until = from
	}
	for _, end := range []time.Time{until.Add(nearby), at.now.Add(horizon)} { // most have one soon, and years of hours are long
		if following, err := recurrence.Windows(p, cal, zone, until, end, 1); err == nil && len(following) > 0 {
			return due, following[0].Start, nil
		}
	}
	return due, at.now.Add(horizon), nil
}

// madeThrough notes that a plan's rounds were made but for those from a moment on. It always says something else than before, so that the plan counts as gone through since its last edit.
func madeThrough(id merge.RecordID, p *roundsv1.Plan, next time.Time) engine.Derived {
	us := next.UnixMicro() - 1
	if us == p.GetMadeThroughUs() {
		us--
	}
	return engine.Derived{RecordID: id, Edit: &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: &roundsv1.Plan{MadeThroughUs: us}}},
		Fields: []uint32{fieldMadeThrough}}}
}

// title is a plan's name in one line.
func title(name *roundsv1.Text) string {
	if zh := name.GetZh(); zh != "" {
		return zh
	}
	return name.GetEn()
}
