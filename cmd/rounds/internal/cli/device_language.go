package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

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

// language is what people are spoken to in, and whether they chose it: by --lang, by ROUNDS_LANG, or else as the server last said of the device's person, or
// else as the surroundings are. It is found before flags are read, so that what is wrong with these can be said in it.
func (s Streams) language(args []string) (lang string, chosen bool) {
	dir := s.deviceDir()
	asked := s.getenv("ROUNDS_LANG")
	for i, arg := range args {
		for flag, to := range map[string]*string{"--lang": &asked, "--dir": &dir} {
			if value, ok := strings.CutPrefix(arg, flag+"="); ok {
				*to = value
			} else if arg == flag && i+1 < len(args) {
				*to = args[i+1]
			}
		}
	}
	if asked == "zh" || asked == "en" {
		return asked, true
	}
	if l, err := readLink(dir); err == nil && (l.Language == "zh" || l.Language == "en") {
		return l.Language, false
	}
	return s.systemLanguage(), false
}

// checkLanguage refuses a language that nobody here speaks.
func checkLanguage(cmd *cobra.Command) error {
	flag := cmd.Flags().Lookup("lang")
	if flag == nil || !flag.Changed || flag.Value.String() == "en" || flag.Value.String() == "zh" {
		return nil
	}
	return usageBoth(cmd, fmt.Sprintf("--lang is en or zh, not %q", flag.Value), fmt.Sprintf("--lang 只能是 en 或 zh，不能是 %q", flag.Value))
}

// usageTemplate is the library's own, with its words in the language.
func (p *program) usageTemplate(text string) string {
	if p.lang != "zh" {
		return text
	}
	return strings.NewReplacer("Usage:", "用法：", "Available Commands:", "命令：", "Global Flags:", "通用选项：", "Flags:", "选项：", "Examples:", "示例：", "Aliases:", "别名：",
		"Additional Commands:", "其他命令：", `Use "{{.CommandPath}} [command] --help" for more information about a command.`,
		`用 "{{.CommandPath}} 命令 --help" 查看某个命令的用法。`).Replace(text)
}

// in chooses between the two languages.
func (p *program) in(en, zh string) string { return pick(p.lang, en, zh) }

// heads are the headings of a table, as "EN|中文".
func (p *program) heads(both ...string) []string {
	heads := make([]string, len(both))
	for i, one := range both {
		en, zh, _ := strings.Cut(one, "|")
		heads[i] = p.in(en, zh)
	}
	return heads
}

// text is a text in the person's language, or in the other where it has that alone.
func (p *program) text(t *roundsv1.Text) string { return textIn(p.lang, t) }

func textIn(lang string, t *roundsv1.Text) string {
	if one := pick(lang, t.GetEn(), t.GetZh()); one != "" {
		return one
	}
	return textOf(t)
}

// between chooses a word of a pair "en|zh".
func (p *program) between(pair string) string {
	en, zh, _ := strings.Cut(pair, "|")
	return p.in(en, zh)
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
	case client.TrayForgotten:
		return d.in("forgotten", "未被采纳（内容已清除）")
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

func (p *program) ticketStanding(state roundsv1.TicketState) string {
	words := [...]string{"not sent|未发送", "new|待受理", "triaged|待派单", "dispatched|待接单", "accepted|已接单", "in progress|处理中", "paused|挂起",
		"done, evidence on its way|完工待传证", "pending review|待确认", "rework|返工", "closed|已关闭", "cancelled|已取消", "merged|已合并"}
	if int(state) >= len(words) || state < 0 {
		return state.String()
	}
	return p.between(words[state])
}

func (p *program) roundStanding(state roundsv1.InspectionState) string {
	words := [...]string{"not sent|未发送", "planned|已计划", "released|已下发", "running|巡检中", "submitted|已提交", "pending review|待确认", "approved|已通过",
		"returned|补检", "missed|漏检", "partly done|部分完成", "excused|免检"}
	if int(state) >= len(words) || state < 0 {
		return state.String()
	}
	return p.between(words[state])
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

func (p *program) priority(of roundsv1.Priority) string {
	words := [...]string{"-|-", "minor|一般", "normal|普通", "urgent|加急", "emergency|紧急"}
	if int(of) >= len(words) || of < 0 {
		return of.String()
	}
	return p.between(words[of])
}

func (p *program) stepName(step roundsv1.Step) string {
	words := map[roundsv1.Step]string{roundsv1.Step_STEP_RESPOND: "respond|响应", roundsv1.Step_STEP_ARRIVE: "arrive|到场", roundsv1.Step_STEP_FINISH: "finish|完工",
		roundsv1.Step_STEP_REVIEW: "review|审核", roundsv1.Step_STEP_FOLLOW_UP: "follow-up|回访"}[step]
	if words == "" {
		return strings.ToLower(enumName(step.String(), "STEP"))
	}
	return p.between(words)
}

func (p *program) photoRole(role roundsv1.PhotoRole) string {
	words := map[roundsv1.PhotoRole]string{roundsv1.PhotoRole_PHOTO_ROLE_BEFORE: "before|处理前", roundsv1.PhotoRole_PHOTO_ROLE_AFTER: "after|处理后",
		roundsv1.PhotoRole_PHOTO_ROLE_ITEM: "item|检查项", roundsv1.PhotoRole_PHOTO_ROLE_SIGNATURE: "signature|签名", roundsv1.PhotoRole_PHOTO_ROLE_ANNOTATION: "annotation|标注"}[role]
	if words == "" {
		return strings.ToLower(enumName(role.String(), "PHOTO_ROLE"))
	}
	return p.between(words)
}

// bytesWords is bytesState in words.
func (p *program) bytesWords(of *roundsv1.Photo) string {
	state := bytesState(of)
	if p.lang != "zh" {
		return state
	}
	if zh := map[string]string{"promised": "已登记，内容未到", "declared": "已登记，内容未到", "uploading": "上传中", "stored": "已入库，待检查", "clean": "合格", "soft": "有疑点，供审核", "hard": "不合格",
		"sealed": "已封存", "redacted": "内容已删除", "analysed": "已检查"}[state]; zh != "" {
		return zh
	}
	return state
}

// stateNamed finds a state by the name that programs use, or by what a list says in either language.
func stateNamed[S ~int32](asked string, values map[string]int32, prefix string, words func(*program, S) string) (S, error) {
	for _, lang := range []string{"en", "zh"} {
		for _, v := range values {
			if v != 0 && strings.EqualFold(words(&program{lang: lang}, S(v)), asked) {
				return S(v), nil
			}
		}
	}
	v, err := enumValue(values, prefix, asked)
	return S(v), err
}

func ticketStateNamed(asked string) (roundsv1.TicketState, error) {
	return stateNamed(asked, roundsv1.TicketState_value, "TICKET_STATE", (*program).ticketStanding)
}

func roundStateNamed(asked string) (roundsv1.InspectionState, error) {
	return stateNamed(asked, roundsv1.InspectionState_value, "INSPECTION_STATE", (*program).roundStanding)
}
