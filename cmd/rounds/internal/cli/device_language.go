package cli

import (
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// systemLanguage is the language of the surroundings, by the first of LC_ALL, LC_MESSAGES and LANG that is set: zh, or en for all others.
func (s Streams) systemLanguage() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := s.getenv(name); value != "" {
			if strings.HasPrefix(strings.ToLower(value), "zh") {
				return "zh"
			}
			return "en"
		}
	}
	return "en"
}

// in chooses between the two languages.
func (d *deviceCommands) in(en, zh string) string {
	if d.lang == "zh" {
		return zh
	}
	return en
}

// heads are the headings of a table, as "EN|中文".
func (d *deviceCommands) heads(both ...string) []string {
	heads := make([]string, len(both))
	for i, one := range both {
		en, zh, _ := strings.Cut(one, "|")
		heads[i] = d.in(en, zh)
	}
	return heads
}

// text is a text in the person's language, or in the other where it has that alone.
func (d *deviceCommands) text(t *roundsv1.Text) string {
	if one := d.in(t.GetEn(), t.GetZh()); one != "" {
		return one
	}
	return textOf(t)
}

// between chooses a word of a pair "en|zh".
func (d *deviceCommands) between(pair string) string {
	en, zh, _ := strings.Cut(pair, "|")
	return d.in(en, zh)
}

func (d *deviceCommands) trayStatus(status client.TrayStatus) string {
	switch status {
	case client.TrayRejected:
		return d.in("rejected", "未被采纳")
	case client.TrayWaiting:
		return d.in("waiting", "等待裁决")
	case client.TrayNotice:
		return d.in("notice", "提示")
	case client.TrayClosed:
		return d.in("closed", "已裁决")
	case client.TrayParked:
		return d.in("parked", "暂停接收")
	}
	return string(status)
}

// standing says where a ticket or a round stands, in words.
func (d *deviceCommands) standing(r *roundsv1.Record) string {
	switch {
	case r.GetTicket() != nil:
		return d.ticketStanding(r.GetTicket().GetState())
	case r.GetInspection() != nil:
		return d.roundStanding(r.GetInspection().GetState())
	case r.GetConflict() != nil:
		if r.GetConflict().GetState() == roundsv1.ConflictState_CONFLICT_STATE_OPEN {
			return d.in("open", "待裁决")
		}
		return d.in("decided", "已裁决")
	}
	return ""
}

func (d *deviceCommands) ticketStanding(state roundsv1.TicketState) string {
	words := [...]string{"not sent|未发送", "new|待受理", "triaged|待派单", "dispatched|待接单", "accepted|已接单", "in progress|处理中", "paused|挂起",
		"done, evidence on its way|完工待传证", "pending review|待确认", "rework|返工", "closed|已关闭", "cancelled|已取消", "merged|已合并"}
	if int(state) >= len(words) || state < 0 {
		return state.String()
	}
	return d.between(words[state])
}

func (d *deviceCommands) roundStanding(state roundsv1.InspectionState) string {
	words := [...]string{"not sent|未发送", "planned|已计划", "released|已下发", "running|巡检中", "submitted|已提交", "pending review|待确认", "approved|已通过",
		"returned|补检", "missed|漏检", "partly done|部分完成", "excused|免检"}
	if int(state) >= len(words) || state < 0 {
		return state.String()
	}
	return d.between(words[state])
}

func (d *deviceCommands) role(role roundsv1.Role) string {
	words := map[roundsv1.Role]string{
		roundsv1.Role_ROLE_RESIDENT: "resident|住户", roundsv1.Role_ROLE_WORKER: "worker|员工", roundsv1.Role_ROLE_FOREMAN: "foreman|班长",
		roundsv1.Role_ROLE_BUTLER: "butler|管家", roundsv1.Role_ROLE_DISPATCHER: "dispatcher|客服", roundsv1.Role_ROLE_SUPERVISOR: "supervisor|主管",
		roundsv1.Role_ROLE_MANAGER: "manager|项目经理", roundsv1.Role_ROLE_ADMIN: "admin|管理员",
	}[role]
	if words == "" {
		return strings.ToLower(enumName(role.String(), "ROLE"))
	}
	return d.between(words)
}
