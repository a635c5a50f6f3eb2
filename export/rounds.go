package export

import (
	"encoding/hex"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export/sheet"
)

// roundRow fills the row of one inspection round.
func (j *job) roundRow(l *line, s *scope, from any) {
	change, _ := from.(*roundsv1.Change)
	i := change.GetRecord().GetInspection()
	l.text("范围", "scope", string(s.name))
	l.text("项目", "site", s.site)
	l.text("时区", "time zone", s.zoneName())
	l.text("巡检编号", "round id", change.GetRecordId())
	l.text("标题", "title", i.GetTitle())
	l.enum("状态", "state", i.GetState())
	number(l, "轮次", "round", i.GetRound())
	l.text("检查表编号", "checklist id", i.GetChecklistId())
	l.text("检查表", "checklist", j.lang.text(j.checklist(s, i.GetChecklistId(), i.GetChecklistVersion()).GetName()))
	number(l, "检查表版本", "checklist version", i.GetChecklistVersion())
	l.text("计划编号", "plan id", i.GetPlanId())
	l.time(s, "窗口开始", "window begins", i.GetWindowStartUs())
	l.time(s, "窗口结束", "window ends", i.GetWindowEndUs())
	l.person(s, "指派给", "assignee", i.GetAssigneeId())
	l.person(s, "巡检人", "inspector", i.GetInspectorId())
	l.time(s, "提交时间", "submitted", lastCompletion(i.GetCompletions()).GetTimeUs())
	number(l, "点位数", "checkpoints", len(i.GetCheckpointIds()))
	number(l, "已到点位", "checkpoints visited", visited(i))
	score := sheet.Cell{}
	if len(i.GetCompletions()) > 0 {
		score = sheet.Number(i.GetScore())
	}
	l.add("得分", "score", score)
	l.yes("触碰红线", "failed by a red line", i.GetFailed())
	l.yes("暂定", "provisional", i.GetProvisional())
	number(l, "合格项", "items passed", i.GetTally().GetPassed())
	number(l, "不合格项", "items failed", i.GetTally().GetFailed())
	number(l, "不适用项", "items not applicable", i.GetTally().GetNotApplicable())
	number(l, "跳过项", "items skipped", i.GetTally().GetSkipped())
	number(l, "未答项", "items open", i.GetTally().GetOpen())
	last := lastReview(i.GetReviews())
	l.person(s, "审核人", "reviewed by", last.GetPersonId())
	l.enum("审核结论", "verdict", last.GetVerdict())
	l.time(s, "审核时间", "reviewed", last.GetTimeUs())
	l.text("审核摘要", "review digest", hex.EncodeToString(last.GetDigest()))
	l.text("状态原因", "state reason", i.GetStateReason())
	l.text("标记", "flags", strings.Join(i.GetFlags(), ", "))
	l.text("备注", "notes", i.GetNotes())
	number(l, "版本", "version", change.GetVersion())
}

// visited counts the checkpoints that were, in the present round.
func visited(i *roundsv1.Inspection) int {
	at := map[string]bool{}
	for _, v := range i.GetOfficialVisits() {
		if v.GetRound() == 0 || v.GetRound() == i.GetRound() {
			at[v.GetCheckpointId()] = true
		}
	}
	return len(at)
}

// checklist is the one that a round is walked with; nil where it is not known.
func (j *job) checklist(s *scope, series string, version uint32) *roundsv1.Checklist {
	if j.cfg.Checklists == nil || series == "" {
		return nil
	}
	return j.cfg.Checklists.Checklist(s.name, series, version)
}
