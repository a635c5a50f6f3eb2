package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// paper is what a report is printed on, in one language: zh, or en for all others.
type paper struct {
	out  io.Writer
	lang string
}

// in chooses from a pair "en|zh". What is no pair is the same in both.
func (p paper) in(pair string) string {
	en, zh, both := strings.Cut(pair, "|")
	if both && p.lang == "zh" {
		return zh
	}
	return en
}

// say prints a line, given its form in both languages.
func (p paper) say(pair string, values ...any) { fmt.Fprintf(p.out, p.in(pair)+"\n", values...) }

// width of a text on a terminal: characters of Chinese take two columns.
func width(text string) (n int) {
	for _, r := range text {
		if n++; r >= 0x1100 && r != '–' && r != '→' && r != '≤' {
			n++
		}
	}
	return n
}

// wide fills a text up to some columns, with the blanks at its end; before it where columns are negative.
func wide(text string, columns int) string {
	blanks := strings.Repeat(" ", max(0, max(columns, -columns)-width(text)))
	if columns < 0 {
		return blanks + text
	}
	return text + blanks
}

// Columns of what stands left and right in a list of figures.
const labelColumns, figureColumns = 46, 10

// line prints a figure and what it is; deeper ones begin with blanks, in both languages.
func (p paper) line(pair string, value any) {
	words := p.in(pair)
	if blanks := len(pair) - len(strings.TrimLeft(pair, " ")); !strings.HasPrefix(words, " ") {
		words = strings.Repeat(" ", blanks) + words
	}
	fmt.Fprintf(p.out, "  %s %s\n", wide(words, labelColumns), wide(fmt.Sprint(value), -figureColumns))
}

// row prints cells under each other; negative columns are figures.
func (p paper) row(columns []int, cells ...any) {
	var line strings.Builder
	for i, cell := range cells {
		text := fmt.Sprint(cell)
		if i < len(columns) {
			text = wide(text, columns[i])
		}
		line.WriteString(" " + text)
	}
	fmt.Fprintln(p.out, " "+strings.TrimRight(line.String(), " "))
}

// heads prints the headings of such rows, from pairs.
func (p paper) heads(columns []int, pairs ...string) {
	cells := make([]any, len(pairs))
	for i, pair := range pairs {
		cells[i] = p.in(pair)
	}
	fmt.Fprintln(p.out)
	p.row(columns, cells...)
}

func (p paper) percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// counts lists how often each name came, in order.
func (p paper) counts(m map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %d", p.name(name), m[name]))
	}
	return strings.Join(parts, ", ")
}

// name is the name of a kind, a state or a role in the reader's language: in English its code with blanks.
func (p paper) name(code string) string {
	plain := strings.ReplaceAll(code, "_", " ")
	if p.lang == "zh" {
		if rest, answered := strings.CutPrefix(plain, "answered: "); answered {
			return "由后续操作解决：" + p.name(rest)
		}
		if zh, known := chinese()[plain]; known {
			return zh
		}
	}
	return plain
}

// chinese are the names of what a report counts.
func chinese() map[string]string {
	return map[string]string{
		// origins of tickets, classes of signal
		"residents": "住户报事", "finds": "员工发现", "failed items": "巡检不合格项", "tasks": "拆分的子任务", "none": "无信号", "weak": "弱信号", "ok": "有信号", "unknown": "地点不明",
		// steps
		"respond": "响应", "arrive": "到场", "finish": "完工", "review": "确认", "follow up": "回访",
		// roles
		"supervisor": "主管", "foreman": "班长", "dispatcher": "客服", "butler": "管家", "manager": "项目经理", "worker": "员工", "admin": "管理员", "somebody else": "其他人", "nobody": "无人",
		// questions
		"ask": "两个值不同", "command": "来迟的指令", "no record": "记录未到", "no right": "当时无权限", "double work": "重复处理", "work after cancel": "取消后完工", "stale approval": "确认后证据有变",
		"disputed time": "时间有争议", "possible duplicate": "疑似重复报事", "reopen": "是否重新打开", "dissent": "确认意见不一", "orphan": "归档后收到资料", "evidence lost": "证据丢失",
		"other place": "地点不一致", "self approval": "确认了自己的工作",
		// what was decided
		"admitted": "采纳", "admit": "采纳", "dismissed": "不采纳", "dismiss": "不采纳", "take result": "采用此结果", "go on": "继续处理", "reinstate": "恢复工单", "confirm cancel": "维持取消", "count met": "算按时", "count missed": "算超时",
		"keep both": "分别保留", "merge": "合并", "leave closed": "保持关闭", "acknowledge": "知悉", "retake": "补拍", "edit field": "更正字段", "answered": "已由后续操作解决", "approved": "已确认",
		"rejected": "已退回", "corrected": "已更正", "closed": "已关闭", "cancelled": "已取消", "merged": "已合并", "reopened": "已重新打开",
		// notices
		"assigned": "派单", "withdrawn": "撤回", "stop": "请停止", "done by other": "他人已完成", "more asked": "要求补充", "late evidence": "关闭后到的证据", "breached": "超时", "escalated": "升级",
		"chase": "催照片", "reminder": "提醒", "missed": "漏检", "overtaken": "已被他人处理", "clock stopped": "停表", "decided": "已裁决", "unassigned": "无人可派",
		"emergency": "紧急", "evaluate": "请评价", "early photo": "照片先到", "named": "被记为参与",
	}
}
