package cli

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/work/term"
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
		return d.term(r.GetConflict().GetState())
	}
	return ""
}

// term is what a value of an enum is called; the name that programs read where it has no words.
func (p *program) term(value protoreflect.Enum) string {
	if words := term.Of(value); words != nil {
		return p.text(words)
	}
	if known := value.Descriptor().Values().ByNumber(value.Number()); known != nil {
		zero := string(value.Descriptor().Values().ByNumber(0).Name())
		return strings.ToLower(strings.TrimPrefix(string(known.Name()), strings.TrimSuffix(zero, "UNSPECIFIED")))
	}
	return strconv.Itoa(int(value.Number()))
}

// fieldName is what a field of a record is called.
func (p *program) fieldName(field protoreflect.FieldDescriptor) string {
	return p.in(string(field.Name()), cmp.Or(term.Field(string(field.Name())), string(field.Name())))
}

// typed is what a value of an enum is called, with the name that a command takes for it where that is another.
func (p *program) typed(value protoreflect.Enum) string {
	name := (&program{lang: "en"}).term(value)
	if words := p.term(value); words != name {
		return words + "（" + name + "）"
	}
	return name
}

func (p *program) ticketStanding(state roundsv1.TicketState) string {
	if state == roundsv1.TicketState_TICKET_STATE_UNSPECIFIED {
		return p.in("not sent", "未发送")
	}
	return p.term(state)
}

func (p *program) roundStanding(state roundsv1.InspectionState) string {
	if state == roundsv1.InspectionState_INSPECTION_STATE_UNSPECIFIED {
		return p.in("not sent", "未发送")
	}
	return p.term(state)
}

func (p *program) priority(of roundsv1.Priority) string {
	if of == roundsv1.Priority_PRIORITY_UNSPECIFIED {
		return "-"
	}
	return p.term(of)
}

// marks are the words of marks, by commas; one without words is its code.
func (p *program) marks(all []string) string {
	words := make([]string, len(all))
	for i, flag := range all {
		words[i] = cmp.Or(p.text(term.Flag(flag)), clean(flag))
	}
	return strings.Join(words, p.in(", ", "、"))
}

// bytesWords says how far the bytes of a photo have come, in words.
func (p *program) bytesWords(of *roundsv1.Photo) string {
	switch of.GetState() {
	case roundsv1.PhotoState_PHOTO_STATE_UNSPECIFIED:
		return p.in("promised", term.Of(roundsv1.PhotoState_PHOTO_STATE_DECLARED).GetZh())
	case roundsv1.PhotoState_PHOTO_STATE_STORED:
		return p.in("stored", "已入库，待检查")
	}
	return p.term(of.GetState())
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
