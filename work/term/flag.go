package term

import (
	"strings"
	"sync"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Flag returns what a mark of a ticket, a round, a visit or an outcome means, in both languages; nil for one that has no words here. The text is shared: whoever gets it
// does not change it. It is safe for concurrent use.
func Flag(code string) *roundsv1.Text { return flags()[code] }

// Reason returns what a reason means that the rules write by themselves, in both languages; nil for any other.
func Reason(code string) *roundsv1.Text {
	switch code {
	case "follow_up":
		return &roundsv1.Text{Zh: "回访已解决", En: "solved, by the follow-up visit"}
	case "customer_accept":
		return &roundsv1.Text{Zh: "客户认可", En: "accepted by the customer"}
	case "retake", "reopened":
		return Flag(code)
	}
	return nil
}

// flags has the words of marks by their codes.
var flags = sync.OnceValue(func() map[string]*roundsv1.Text {
	all := map[string]*roundsv1.Text{}
	for code, pair := range flagsWritten() {
		zh, en, _ := strings.Cut(pair, "|")
		all[code] = &roundsv1.Text{Zh: zh, En: en}
	}
	return all
})

// flagsWritten are the words of marks as "中文|English".
func flagsWritten() map[string]string {
	return map[string]string{
		"late": "有记录晚到|something came late", "late_sync": "晚到|came late", "in_time": "按时完成|in time", "after_window": "超出时间窗|after the window",
		"too_early": "早于时间窗|before the window", "unvisited": "有点位未到|a checkpoint was left out", "impossible_reading": "读数不可能|a reading cannot be",
		"older_round": "属于上一轮|of an earlier round", "self_approval": "审核人参与了作业|the approver did some of the work",

		"out_of_order": "顺序不符|out of order", "too_soon": "间隔过短|too soon after the one before", "too_late": "间隔过长|too late after the one before",
		"false_tag": "标签非真|a false tag", "other_tag": "标签不是此处|a tag of another place", "tag_broken": "标签损坏|a broken tag",

		"breached": "已超时|a deadline was missed", "offline_false_alarm": "离线误报|false alarm, offline", "possible_duplicate": "可能重复|perhaps a duplicate",
		"evidence_lost": "证据丢失|evidence was lost", "retake": "待重拍|to be taken again", "no_photo": "缺照片|no photo", "more_asked": "待补证|more evidence asked for",
		"dissent": "有异见|dissent", "force_close_asked": "已申请强制关闭|closing by force was asked for", "forced": "强制关闭|closed by force",
		"closed_by_tasks": "随子任务关闭|closed with its tasks", "customer_accepted": "客户认可|accepted by the customer", "customer_disputed": "客户有异议|disputed by the customer",
		"reopened": "重新打开|opened again", "followed_up": "已回访|followed up", "follow_up_failed": "回访未解决|the follow-up found it unsolved",
		"double_work": "重复作业|done twice", "work_after_cancel": "取消后仍作业|worked on after it was cancelled", "done_by_former_assignee": "由原处理人完成|done by the former assignee",
		"done_on_merged_ticket": "在并入的工单上完成|done on the merged ticket", "accept_after_decline": "拒单后接单|accepted after a decline",
		"approved_before_late_evidence": "确认后又有证据|evidence came after the approval", "forwarded": "已转至并入的工单|sent on to the merged ticket",
	}
}
