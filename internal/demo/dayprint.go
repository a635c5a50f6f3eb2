package demo

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rounds-sync/rounds/work"
)

func (d *Day) print(p paper) {
	total := 0
	for _, n := range d.Tickets {
		total += n
	}
	p.line("tickets|工单", total)
	for _, name := range slices.Sorted(maps.Keys(d.Tickets)) {
		p.line("  "+p.name(name), d.Tickets[name])
	}
	p.line("  closed with verified photos|  凭核验照片关闭", d.PhotoVerified)
	p.line("  closed by force, by two people|  两人强制关闭", d.Forced)
	p.line("  closed with their tasks|  随子任务关闭", d.ByTasks)
	p.line("  closed, and no photo was asked for|  无需照片而关闭", d.Words)
	p.line("  cancelled|  已取消", d.Cancelled)
	p.line("  merged|  已合并", d.Merged)
	p.line("  open|  未关闭", d.Open)
	p.line("photo-verified closure rate, forced apart|照片核验关闭率（强制关闭另计）", p.percent(d.ClosureRate))
	p.line("sent back for rework|退回返工", d.Rework)
	p.line("asked for more evidence|要求补充证据", d.Asked)
	p.line("opened again|重新打开", d.Reopened)
	p.line("approved at a desk, together|在工作台一并确认", d.AtDesk)
	d.printResponse(p)
	d.printRounds(p)
	steps := []int{14, -7, -7, -23, -9, -6}
	p.heads(steps, "deadline|时限", "met|按时", "missed|超时", "corrected by late sync|迟到同步后更正为按时", "disputed|有争议", "open|未到")
	for _, s := range d.Deadlines {
		p.row(steps, p.name(s.Step), s.Met, s.Missed, s.Corrected, s.Disputed, s.Open)
	}
	limits := strings.ReplaceAll(strings.Trim(fmt.Sprint(slices.Sorted(maps.Keys(d.limits))), "[]"), " ", ", ")
	p.say("    The site's own limits for an answer, by priority: %s minutes, so that more are missed than of the 20 above.|    本项目按优先级的响应时限：%s 分钟，因此超时多于上面的 20 分钟。", limits)
	d.printInbox(p)
	p.say("\n  notices: %s|\n  通知：%s", p.counts(d.Notices))
	if d.AsTheServer {
		p.say("  The server's own lists of tickets, rounds and questions say the same.|  服务器自己的工单、巡检和待决列表与此一致。")
	}
	d.printRows(p)
	p.say("  Hours of the day pass in seconds: server and phones go by the demo's clock, so deadlines and windows have their real length.|  一天在几秒内过去：服务器和手机都按演示的时钟，时限和窗口都是真实的长度。")
}

// printResponse tells how soon somebody answered: of all tickets, by how long it took, by where they came from, and of each late one why.
func (d *Day) printResponse(p paper) {
	fmt.Fprintln(p.out)
	p.line("first response within 20 minutes|20 分钟内首次响应", p.percent(d.Responded))
	p.line("  of what residents reported|  其中住户报事", p.percent(d.RespondedResidents))
	from := 0
	for _, r := range d.Response {
		words := fmt.Sprintf(p.in("  within %d to %d minutes|  %d 到 %d 分钟"), from, r.WithinMin)
		if from = r.WithinMin; from == 0 {
			words = p.in("  later|  更晚")
		}
		p.line(words, r.Tickets)
	}
	p.line("  ended without an answer|  未响应即结束", d.Unanswered)
	columns := []int{14, 9, -8, -10, -24, -22}
	p.heads(columns, "reported by|来源", "signal|信号", "tickets|工单", "in 20 min|20 分钟内", "late: no signal till then|迟：此前没有信号", "late: waited for desk|迟：等待响应")
	for _, a := range d.Answers {
		p.row(columns, p.name(a.Origin), p.name(a.Signal), a.Tickets, a.InTime, a.Unheard, a.Waiting)
	}
	if len(d.Late) > 0 {
		p.say("    The clock runs from the report, also where the phone has no signal: nobody can answer what has not arrived.|    从报事起算，手机没有信号时也算：没有到达的，无人能响应。")
	}
	for _, l := range d.Late {
		place := p.in(l.Place + "|" + l.placeZh)
		if place == "" {
			place = p.in("a round through several places|多处巡检")
		}
		p.say("    late: %s, %s: %s|    迟：%s，%s：%s", p.name(l.Origin), place, l.why(p))
	}
}

func (d *Day) printRounds(p paper) {
	r := d.Rounds
	fmt.Fprintln(p.out)
	p.line("inspection rounds of the day|当天的巡检任务", r.Planned)
	p.line("  walked|  已巡检", r.Walked)
	p.line("  approved|  已通过", r.Approved)
	p.line("  missed, or in part|  漏检或未完成", r.Missed)
	p.line("  submitted after their window (late sync)|  窗口过后提交（迟到同步）", r.Late)
	p.line("  failed: a red line|  不合格（红线项）", r.Failed)
	p.line("  walked again|  补检", r.Returned)
	p.line("  average score|  平均得分", fmt.Sprintf("%.1f", r.Score))
	p.line("  scans, with false tags|  扫码次数，其中假标签", fmt.Sprintf("%d, %d", r.Scans, r.FalseTags))
}

func (d *Day) printInbox(p paper) {
	columns := []int{20, -7, -10, -9, -10, -5}
	p.heads(columns, "question|待决事项", "opened|提出", "on phones|手机裁决", "at desks|工作台", "by events|后续解决", "open|未决", " decided by; how| 由谁，如何")
	for _, q := range d.Inbox {
		p.row(columns, p.name(q.Type), q.Opened, q.OnPhones, q.AtDesks, q.Answered, q.Open, " "+cmp.Or(p.counts(q.By), p.name("nobody"))+"; "+p.counts(q.How))
		for _, of := range work.Questions() {
			if stateName(of.Type.String(), "CONFLICT_TYPE_") == q.Type {
				fmt.Fprintln(p.out, "      "+p.in(of.Asks.GetEn()+"|"+of.Asks.GetZh()))
			}
		}
		for _, why := range q.Why {
			p.say("    open: %s|    未决：%s", why)
		}
	}
}

func (d *Day) printRows(p paper) {
	came, times := 0, 0
	for _, r := range d.Rows {
		if times += r.Times; r.Times > 0 {
			came++
		}
	}
	p.say("\n  The table of concurrent events: %d of its %d rows came about, %d times. A was on the server when B came.|\n  并发事件表：%d 行（共 %d 行）发生了，合计 %d 次。B 到达时 A 已在服务器上。", came, len(d.Rows), times)
	columns := []int{-5, -6, 45}
	p.row(columns, p.in("row|行"), p.in("times|次数"), "A", "B")
	all := work.Arbitrations()
	for i, r := range d.Rows {
		p.row(columns, r.Number, r.Times, p.in(r.A+"|"+all[i].A.ZH), p.in(r.B+"|"+all[i].B.ZH))
	}
	if len(d.NotAsked) > 0 {
		p.say("  Too few devices, or scenes left out, for the rows %v.|  设备太少或场景未演，因此没有这些行：%v。", d.NotAsked)
	}
}
