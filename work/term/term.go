// Package term has the words of the trade for the values of the schema's enums, in Chinese and English: what a state, a step or a role is called wherever people
// read it, on phones, at desks and on paper. It is the one place where they stand.
package term

import (
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Of returns what a value is called, in both languages; nil where it has no words here: a value that is not set, one of a newer schema, or an enum that people do not
// read. The text is shared: whoever gets it does not change it. It is safe for concurrent use.
func Of(value protoreflect.Enum) *roundsv1.Text {
	words := table()[value.Descriptor().Name()]
	if n := int(value.Number()); n > 0 && n < len(words) {
		return words[n]
	}
	return nil
}

// table has the words of each enum by the number of the value; there are none for 0, which is "not set" everywhere.
var table = sync.OnceValue(func() map[protoreflect.Name][]*roundsv1.Text {
	all := map[protoreflect.Name][]*roundsv1.Text{}
	for name, pairs := range written() {
		words := make([]*roundsv1.Text, 1, len(pairs)+1)
		for _, pair := range pairs {
			zh, en, _ := strings.Cut(pair, "|")
			words = append(words, &roundsv1.Text{Zh: zh, En: en})
		}
		all[name] = words
	}
	return all
})

// written are the words as "中文|English", from the value 1 on.
func written() map[protoreflect.Name][]string {
	return map[protoreflect.Name][]string{
		"TicketState": {"待受理|new", "待派单|triaged", "待接单|dispatched", "已接单|accepted", "处理中|in progress", "挂起|paused", "完工待传证|done, evidence pending",
			"待确认|pending review", "返工|rework", "已关闭|closed", "已取消|cancelled", "已合并|merged"},
		"InspectionState": {"已计划|planned", "已下发|released", "巡检中|running", "已提交|submitted", "待确认|pending review", "已通过|approved", "补检|returned", "漏检|missed",
			"部分完成|partial", "免检|excused"},
		"ConflictState": {"待裁决|open", "已裁决|decided"},
		"PhotoState": {"已登记，内容未到|declared", "上传中|uploading", "已入库|stored", "合格|clean", "有疑点|soft", "不合格|hard", "已检查|analysed",
			"内容已删除|redacted"},
		"Severity":      {"提示|note", "有疑点|soft", "不合格|hard"},
		"DeadlineState": {"计时中|open", "暂停计时|stopped", "按时|met", "超时|breached", "按时（离线补传）|met, synced late", "有争议|disputed", "不再要求|void"},
		"OutcomeStatus": {"已采纳|applied", "已合并|merged", "待裁决|conflict", "未被采纳|rejected", "已隔离|quarantined"},
		"Priority":      {"一般|minor", "普通|normal", "加急|urgent", "紧急|emergency"},
		"Step":          {"响应|respond", "到场|arrive", "完工|finish", "确认|review", "回访|follow-up"},
		"Role": {
			"住户|resident", "员工|worker", "班长|foreman", "管家|butler", "客服|dispatcher", "主管|supervisor", "项目经理|manager", "管理员|admin",
			"审计员|auditor", "系统|system",
		},
		"Channel": {
			"400 电话|phone", "业主 App|app", "公众号|official account", "小程序|mini-program", "邮件|e-mail", "扫码|QR code", "管家|butler",
			"巡查|patrol", "巡检|inspection",
		},
		"Acceptance":   {"客户认可|accepted", "客户有异议|disputed"},
		"Verdict":      {"通过|approved", "退回|rejected", "要求补充|more asked for", "异见|dissent", "反对|objected"},
		"PhotoRole":    {"处理前|before", "处理后|after", "检查项|item", "签名|signature", "标注|annotation"},
		"PhotoSource":  {"现场拍摄|camera", "相册|gallery"},
		"AnswerResult": {"不适用|not applicable", "合格|pass", "跳过|skipped", "不合格|fail"},
		"EntryType":    {"设备操作|mutation", "系统派生|derived", "放行|admitted", "归档|evicted", "桌面操作|desk"},
		"Trust":        {"A 准确|A exact", "B 推算|B estimated", "C 不可靠|C unknown"},
		"ConflictType": {
			"两个值不同|ask", "来迟的指令|command", "记录未到|no_record", "当时无权限|no_right", "重复处理|double_work", "取消后完工|work_after_cancel",
			"确认后证据有变|stale_approval", "时间有争议|disputed_time", "疑似重复报事|possible_duplicate", "是否重新打开|reopen", "确认意见不一|dissent",
			"归档后收到资料|orphan", "证据丢失|evidence_lost", "地点不一致|other_place", "确认了自己的工作|self_approval",
		},
		"ConflictAction": {
			"采纳|admit", "不采纳|dismiss", "采用此结果|take_result", "继续处理|go_on", "恢复工单|reinstate", "维持取消|confirm_cancel", "重新打开|reopen",
			"保持关闭|leave_closed", "算按时|count_met", "算超时|count_missed", "合并|merge", "分别保留|keep_both", "补拍|retake",
			"更正字段|edit_field", "重新查看|review", "知悉|acknowledge",
		},
		"BulkObstacle": {"有标记|flag", "照片有疑点|finding", "有待决事项|question", "有不合格项|failed_item", "意见不一|dissent", "照片未齐|photo", "无证据摘要|no_digest"},
		"NoticeCode": {
			"派单|assigned", "撤回|withdrawn", "请停止|stop", "他人已完成|done_by_other", "已退回|rejected", "要求补充|more_asked",
			"关闭后到的证据|late_evidence", "超时|breached", "已更正|corrected", "升级|escalated", "催照片|chase", "提醒|reminder", "漏检|missed",
			"已重新打开|reopened", "已被他人处理|overtaken", "停表|clock_stopped", "意见不一|dissent", "回访|follow_up", "已裁决|decided",
			"无人可派|unassigned", "紧急|emergency", "请评价|evaluate", "照片先到|early_photo", "被记为参与|named",
		},
		"NodeType":       {"集团|group", "区域|region", "片区|district", "项目|site"},
		"Revocation":     {"发送后停用|graceful", "立即停用|immediate"},
		"LocationSource": {"无定位|no fix", "手工填写|typed", "定位|GPS", "扫码|tag", "人工确认|confirmed"},
	}
}
