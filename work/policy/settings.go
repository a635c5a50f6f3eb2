package policy

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Type is how a setting's value is written.
type Type string

// The types of settings.
const (
	// Duration is written as 90s, 15m or 2h.
	Duration Type = "duration"
	// Whole is a whole number.
	Whole Type = "whole number"
	// Flag is true or false.
	Flag Type = "true or false"
	// Name is a short code.
	Name Type = "code"
	// Zone is an IANA time zone.
	Zone Type = "time zone"
	// Span is two times of day, as 08:00-20:00, or nothing for day and night.
	Span Type = "times of day"
	// Steps is a list of steps, as "respond,finish".
	Steps Type = "list of steps"
	// Role is a role's name in lower case.
	Role Type = "role"
	// Reason is what a reason is called, in Chinese and English with a | between; of a pause that stops the clocks, with "stops|" before. Nothing takes an
	// inherited reason away.
	Reason Type = "words"
)

// Setting is one thing that a unit or a site may set.
type Setting struct {
	// Key in the settings. One that ends with ".*" stands for a key with any code in that place.
	Key string
	// Type of the value.
	Type Type
	// Unit that a number counts; may be empty.
	Unit string
	// Default as it would be written.
	Default string
	// Meaning in one line.
	Meaning *roundsv1.Text

	low, high float64 // of a number; of a duration in seconds
	set       func(value any)
}

const (
	hourSeconds = 3600
	daySeconds  = 24 * hourSeconds
)

// tiers are the priorities as keys name them.
func tiers() []struct {
	name, zh, respond, finish string
	of                        roundsv1.Priority
} {
	return []struct {
		name, zh, respond, finish string
		of                        roundsv1.Priority
	}{
		{"emergency", "紧急", "5m", "2h", roundsv1.Priority_PRIORITY_EMERGENCY},
		{"urgent", "加急", "15m", "12h", roundsv1.Priority_PRIORITY_URGENT},
		{"normal", "普通", "15m", "24h", roundsv1.Priority_PRIORITY_NORMAL},
		{"minor", "一般", "20m", "72h", roundsv1.Priority_PRIORITY_MINOR},
	}
}

// settings is the one list of what can be set, bound to a policy.
func settings(p *Policy) []Setting {
	p.Tiers = map[roundsv1.Priority]Tier{}
	span := func(key, value, zh, en string, to *time.Duration) Setting {
		return Setting{Key: key, Type: Duration, Default: value, Meaning: &roundsv1.Text{Zh: zh, En: en}, high: 366 * daySeconds,
			set: func(v any) { *to = v.(time.Duration) }}
	}
	var all []Setting
	for _, tier := range tiers() {
		part := func(key, value, zh, en string, set func(*Tier, time.Duration)) Setting {
			return Setting{Key: "service." + tier.name + "." + key, Type: Duration, Default: value, high: 366 * daySeconds,
				Meaning: &roundsv1.Text{Zh: tier.zh + "工单：" + zh, En: tier.name + ": " + en}, set: func(v any) {
					t := p.Tiers[tier.of]
					set(&t, v.(time.Duration))
					p.Tiers[tier.of] = t
				}}
		}
		all = append(all,
			part("respond", tier.respond, "从报事到有人回应；0 不限", "from the report to an answer by a person; 0: no deadline",
				func(t *Tier, d time.Duration) { t.Respond = d }),
			part("arrive", "0s", "从报事到有人到场开工；0 不限", "from the report until somebody is there and begins; 0: no deadline",
				func(t *Tier, d time.Duration) { t.Arrive = d }),
			part("finish", tier.finish, "从报事到完工，返工从退回起算；0 不限", "from the report to the completion, of rework from the rejection; 0: no deadline",
				func(t *Tier, d time.Duration) { t.Finish = d }))
	}
	text := func(zh, en string) *roundsv1.Text { return &roundsv1.Text{Zh: zh, En: en} }
	all = append(all,
		span("service.review", "4h", "从照片核验合格到确认或退回；0 不限", "from the verified evidence to the decision; 0: no deadline", &p.Review),
		Setting{Key: "service.follow_up", Type: Whole, Unit: "working days", Default: "3", high: 60,
			Meaning: text("关闭后几个工作日内回访；0 不回访", "from the closure to the follow-up visit; 0: none"),
			set:     func(v any) { p.FollowUpDays = uint32(v.(float64)) }},
		Setting{Key: "service.calendar", Type: Name, Default: "cn", Meaning: text("工作日历的代码", "the calendar that working days are counted by"),
			set: func(v any) { p.Calendar = v.(string) }},
		Setting{Key: "service.time_zone", Type: Zone, Default: "Asia/Shanghai", Meaning: text("时区", "the time zone, where the site itself names none"),
			set: func(v any) { p.TimeZone = v.(string) }},
		Setting{Key: "service.hours", Type: Span, Default: "", Meaning: text("时限只在工作日的这段时间内走，紧急工单除外；空为昼夜不停",
			"deadlines run in these hours of working days alone, but those of emergencies; nothing: day and night"), set: func(v any) { p.Hours = hoursOf(v) }},
		span("service.objection", "24h", "确认后多久内其他审核人仍可退回", "how long after an approval another reviewer may send the work back", &p.ObjectionPeriod),
		span("service.duplicate", "2h", "多久内同地点同类别的报事提示可能重复", "a second report of the same category at the same place within this is perhaps the same",
			&p.DuplicatePeriod),
		Setting{Key: "dispatch.automatic", Type: Flag, Default: "false", Meaning: text("分类后自动派给同工种、在班、具备技能、在手工单最少的人；无人可派则告知班长",
			"a ticket with a category is given to who is of its trade, on duty, skilled and has the fewest; where there is nobody, the foreman is told"),
			set: func(v any) { p.DispatchAutomatic = v.(bool) }},
		Setting{Key: "escalation.steps", Type: Steps, Default: "respond,arrive,finish,review", Meaning: text("哪些环节超时使工单升级",
			"the steps whose missed deadline takes the ticket a level up"), set: func(v any) { p.EscalateSteps = v.([]roundsv1.Step) }})
	for level, one := range [...]struct{ name, role, zh, en string }{
		{"site", "foreman", "任何超时都通知的现场角色", "the role at the site that is told of a missed deadline"},
		{"region", "supervisor", "一级升级通知的角色", "who is told at level 1"},
		{"group", "manager", "二级升级通知的角色", "who is told at level 2"},
		{"head", "manager", "三级升级通知的角色", "who is told at level 3"},
	} {
		all = append(all, Setting{Key: "escalation.role." + one.name, Type: Role, Default: one.role, Meaning: text(one.zh, one.en),
			set: func(v any) { p.LevelRoles[level] = v.(roundsv1.Role) }})
	}
	return append(all,
		span("chase.performers", "24h", "完工后照片未到，多久提醒处理人", "how long after the completion the performers are asked for missing photos", &p.Chase),
		span("chase.foreman", "72h", "完工后照片未到，多久告知班长", "how long after the completion the foreman is told of missing photos", &p.ChaseForeman),
		Setting{Key: "chase.question", Type: Flag, Default: "true", Meaning: text("告知班长时同时提出“证据丢失”待决事项", "with the foreman's notice, ask what to do without the photos"),
			set: func(v any) { p.EvidenceQuestion = v.(bool) }},
		span("question.remind", "24h", "待决事项每隔多久提醒一次；第七次起间隔为七倍", "how often whoever has to answer a question is reminded of it; from the seventh time on, seven times as seldom", &p.Remind),
		span("notice.keep", "2160h", "通知在手机上保留多久，之后只能查询；0 一直保留", "how long notices stay on devices, and are only found by queries after; 0: for ever", &p.NoticeLife),
		span("round.ahead", "48h", "巡检任务提前多久下发", "how long before its window a planned round is released to devices", &p.LookAhead),
		span("round.early", "30m", "巡检可在窗口开始前多久执行而不作标记", "how long before its window a round may be walked without a mark", &p.RoundEarly),
		span("round.review", "4h", "巡检待确认多久后提醒主管", "how long a round may wait for its review until supervisors are told", &p.RoundReview),
		span("round.return", "24h", "巡检退回后多久未补检完成，提醒班长和巡检人", "how long a returned round may wait, or be walked again, until the foreman and the inspector are told", &p.RoundReturn),
		span("round.grace", "48h", "漏检多久后定论（手机可能还在地下室）", "how long a missed round may still turn out to have been walked", &p.MissedGrace),
		Setting{Key: "pause.*", Type: Reason, Meaning: text("挂起原因；以 stops| 开头的停表", "a reason for a pause; with stops| before, it stops the clocks")},
		Setting{Key: "reject.*", Type: Reason, Meaning: text("退回原因", "a reason for sending work back")},
	)
}

// Settings returns everything that a unit or a site may set here, in a fixed order: first the single keys, then the families of reasons, then the
// reasons that there are where nothing is set.
func Settings() []Setting {
	all := settings(new(Policy))
	for i := range all {
		all[i].set = nil
	}
	for _, r := range reasons() {
		all = append(all, Setting{Key: r.key, Type: Reason, Default: r.value, Meaning: &roundsv1.Text{Zh: r.zh, En: r.en}})
	}
	return all
}

// reasons are those that every site begins with.
func reasons() []struct{ key, value, zh, en string } {
	stops := func(code, zh, en string) struct{ key, value, zh, en string } {
		return struct{ key, value, zh, en string }{"pause." + code, "stops|" + zh + "|" + en, zh, en}
	}
	goes := func(code, zh, en string) struct{ key, value, zh, en string } {
		return struct{ key, value, zh, en string }{code, zh + "|" + en, zh, en}
	}
	return []struct{ key, value, zh, en string }{
		stops("owner", "等待业主", "waiting for the resident"),
		stops("parts", "等待配件", "waiting for parts"),
		goes("pause.contractor", "等待外部单位", "waiting for a contractor"),
		goes("pause.other", "其他原因", "another reason"),
		goes("pause.shift", "交接班", "end of the shift"),
		goes("pause.weather", "天气原因", "the weather"),
		goes("reject.not_clean", "现场未清理干净", "the place was not left clean"),
		goes("reject.not_done", "问题未解决", "the fault is still there"),
		goes("reject.other", "其他原因", "another reason"),
		goes("reject.photo_place", "照片不是此处", "the photo shows another place"),
		goes("reject.photo_time", "照片不是本次拍摄", "the photo is not of this visit"),
		goes("reject.photo_unclear", "照片看不清", "the photo does not show it clearly"),
	}
}
