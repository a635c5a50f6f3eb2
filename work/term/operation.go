package term

import (
	"strings"
	"sync"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Operation returns what somebody did, in a word, by the name of the command in the schema or by create, edit, add, delete, evict or admit; English as it stands behind
// who did it. It is nil for any other. The text is shared: whoever gets it does not change it. It is safe for concurrent use.
func Operation(name string) *roundsv1.Text { return operations()[name] }

var operations = sync.OnceValue(func() map[string]*roundsv1.Text {
	all := map[string]*roundsv1.Text{}
	for name, pair := range operationsWritten() {
		zh, en, _ := strings.Cut(pair, "|")
		all[name] = &roundsv1.Text{Zh: zh, En: en}
	}
	return all
})

// operationsWritten are the words of operations as "中文|English".
func operationsWritten() map[string]string {
	return map[string]string{
		"create": "新建|made", "edit": "修改|changed", "add": "添加|added", "delete": "删除|deleted", "evict": "归档|archived",
		"admit": "采纳|let in what had waited", "triage": "受理|triaged it", "dispatch": "派单|dispatched it",
		"accept": "接单|accepted it", "decline": "拒单|declined it", "start": "开工|started", "pause": "挂起|paused",
		"resume": "恢复处理|resumed", "submit_completion": "报完工|reported it as done", "approve": "确认|approved it",
		"reject": "退回返工|sent it back", "cancel": "取消|cancelled it", "merge": "合并|merged it", "escalate": "升级|escalated it",
		"customer_accept": "客户验收|accepted it as the customer", "dispute": "提出异议|disputed it",
		"force_close": "强制关闭|closed it without evidence", "split": "拆分|split it", "ask": "要求补证|asked for more evidence",
		"follow_up": "登记回访|recorded the follow-up visit", "reopen": "重新打开|opened it again", "release": "下发|released it",
		"submit": "提交|submitted it", "return": "退回补检|returned it", "excuse": "免检|excused it",
		"dismiss": "不予采纳|left it out", "decide": "裁决|decided", "assign": "指派|assigned it",
	}
}
