package policy_test

import (
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/policy"
)

const (
	emergency = roundsv1.Priority_PRIORITY_EMERGENCY
	normal    = roundsv1.Priority_PRIORITY_NORMAL
	minor     = roundsv1.Priority_PRIORITY_MINOR
)

func TestDefaults(t *testing.T) {
	p, err := policy.Parse()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p.Tiers, policy.Default().Tiers) || len(p.Tiers) != 4 {
		t.Errorf("tiers %v", p.Tiers)
	}
	for _, row := range []struct {
		name      string
		got, want any
	}{
		{"emergency", p.Tiers[emergency], policy.Tier{Respond: 5 * time.Minute, Finish: 2 * time.Hour}},
		{"normal", p.Tiers[normal], policy.Tier{Respond: 15 * time.Minute, Finish: 24 * time.Hour}},
		{"minor", p.Tiers[minor], policy.Tier{Respond: 20 * time.Minute, Finish: 72 * time.Hour}},
		{"review", p.Review, 4 * time.Hour},
		{"follow-up", p.FollowUpDays, uint32(3)},
		{"objection", p.ObjectionPeriod, 24 * time.Hour},
		{"duplicate", p.DuplicatePeriod, 2 * time.Hour},
		{"grace", p.MissedGrace, 48 * time.Hour},
		{"ahead", p.LookAhead, 48 * time.Hour},
		{"early", p.RoundEarly, 30 * time.Minute},
		{"chase", p.Chase, 24 * time.Hour},
		{"chase of the foreman", p.ChaseForeman, 72 * time.Hour},
		{"calendar", p.Calendar, "cn"},
		{"zone", p.TimeZone, "Asia/Shanghai"},
		{"hours", p.Hours, calendar.Hours{}},
		{"question", p.EvidenceQuestion, true},
		{"levels", p.LevelRoles, [4]roundsv1.Role{roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_SUPERVISOR, roundsv1.Role_ROLE_MANAGER, roundsv1.Role_ROLE_MANAGER}},
		{"follow-up escalates", p.Escalates(roundsv1.Step_STEP_FOLLOW_UP), false},
		{"finish escalates", p.Escalates(roundsv1.Step_STEP_FINISH), true},
	} {
		if !reflect.DeepEqual(row.got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, row.got, row.want)
		}
	}
	// Nobody waits longer for an answer than 20 minutes.
	for priority, tier := range p.Tiers {
		if tier.Respond == 0 || tier.Respond > 20*time.Minute {
			t.Errorf("%v: answer within %v", priority, tier.Respond)
		}
	}
	if r, ok := p.Pause("parts"); !ok || !r.StopsClock || r.Words.GetZh() != "等待配件" {
		t.Errorf("parts: %v", r)
	}
	if r, ok := p.Pause("shift"); !ok || r.StopsClock {
		t.Errorf("shift: %v", r)
	}
	if _, ok := p.Pause("no_such"); ok {
		t.Error("a reason that there is not")
	}
	if r, ok := p.Reject("photo_unclear"); !ok || r.Words.GetEn() == "" {
		t.Errorf("photo_unclear: %v", r)
	}
	if _, ok := p.Reject("parts"); ok {
		t.Error("a reason for a pause is none for a rejection")
	}
}

// Each default in the table is what a layer that sets nothing has: written out, it changes nothing.
func TestSettingsSayWhatCounts(t *testing.T) {
	written := map[string]string{}
	keys := map[string]bool{}
	for _, s := range policy.Settings() {
		if keys[s.Key] {
			t.Errorf("%s stands twice", s.Key)
		}
		keys[s.Key] = true
		if s.Meaning.GetZh() == "" || s.Meaning.GetEn() == "" || s.Type == "" {
			t.Errorf("%s has no meaning or type", s.Key)
		}
		if !strings.HasSuffix(s.Key, "*") {
			written[s.Key] = s.Default
		}
	}
	p, err := policy.Parse(written)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p, policy.Default()) {
		t.Errorf("%+v", p)
	}
	// Each single key does something: another value of its type gives another policy.
	other := map[policy.Type]string{policy.Duration: "7m", policy.Whole: "9", policy.Flag: "false", policy.Name: "hk", policy.Zone: "Asia/Tokyo",
		policy.Span: "08:30-24:00", policy.Steps: "follow_up", policy.Role: "auditor", policy.Reason: "其他|else"}
	for key := range written {
		s := policy.Settings()[slices.IndexFunc(policy.Settings(), func(s policy.Setting) bool { return s.Key == key })]
		value := other[s.Type]
		if s.Type == policy.Flag && s.Default == "false" {
			value = "true"
		}
		p, err := policy.Parse(map[string]string{key: value})
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if reflect.DeepEqual(p, policy.Default()) {
			t.Errorf("%s does nothing", key)
		}
	}
}

func TestInnerLayersCount(t *testing.T) {
	group := map[string]string{"service.review": "8h", "service.follow_up": "5", "pause.owner": "stops|等业主|owner", "pause.lift": "stops|等电梯|lift", "reject.other": ""}
	region := map[string]string{"service.review": " 6h ", "service.hours": "08:30-17:30"}
	site := map[string]string{"service.hours": "20:00-08:00", "pause.owner": "", "service.normal.arrive": "1h", "escalation.steps": "finish",
		"photo.near.frequency": "4", "tag.order": "x", "whatever": "1"}
	p, err := policy.Parse(group, nil, region, site)
	if err != nil {
		t.Fatal(err)
	}
	if p.Review != 6*time.Hour || p.FollowUpDays != 5 || p.Hours != (calendar.Hours{From: 1200, To: 480}) {
		t.Errorf("%+v", p)
	}
	if _, ok := p.Pause("owner"); ok {
		t.Error("the site took the reason away")
	}
	if r, ok := p.Pause("lift"); !ok || !r.StopsClock {
		t.Error("the group's own reason is missing")
	}
	if _, ok := p.Reject("other"); ok {
		t.Error("the group took the reason away")
	}
	if p.Tiers[normal] != (policy.Tier{Respond: 15 * time.Minute, Arrive: time.Hour, Finish: 24 * time.Hour}) {
		t.Errorf("%+v", p.Tiers[normal])
	}
	if !p.Escalates(roundsv1.Step_STEP_FINISH) || p.Escalates(roundsv1.Step_STEP_RESPOND) {
		t.Error("steps that escalate")
	}
	if !slices.IsSortedFunc(p.PauseReasons, func(a, b policy.PauseReason) int { return strings.Compare(a.Code, b.Code) }) {
		t.Error("reasons are not in order")
	}
}

func TestABadValueIsReportedAndWhatStandsOutsideCounts(t *testing.T) {
	bad := map[string]string{
		"service.review": "soon", "service.normal.finish": "-1h", "service.minor.finish": "8785h", "service.follow_up": "2.5", "service.calendar": "中国",
		"service.time_zone": "Local", "service.hours": "9-17", "service.hourz": "08:00-10:00", "service.urgentest.finish": "1h", "escalation.steps": "FINISH",
		"escalation.role.region": "system", "escalation.role.group": "Manager", "chase.question": "yes", "round.grace": "", "pause.Owner": "stops|a|b",
		"pause.x": "only one language", "pause.y": "a|b|c", "reject.z": "stops|a|b", "pause.": "a|b", "pause.*": "a|b", "question.remind": "1h",
	}
	outside := map[string]string{"service.review": "8h", "round.grace": "24h"}
	p, err := policy.Parse(outside, bad)
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || !errors.Is(err, policy.ErrSetting) {
		t.Fatalf("error %v", err)
	}
	var keys []string
	for _, e := range joined.Unwrap() {
		var own *policy.SettingError
		if !errors.As(e, &own) || own.Layer != 1 || own.Want == "" {
			t.Errorf("fault %v", e)
			continue
		}
		keys = append(keys, own.Key)
	}
	if len(keys) != len(bad)-1 || !slices.IsSorted(keys) || slices.Contains(keys, "question.remind") {
		t.Errorf("%d faults of %d: %v", len(keys), len(bad)-1, keys)
	}
	want, err := policy.Parse(outside, map[string]string{"question.remind": "1h"})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("%+v\nwant %+v", p, want)
	}
	for _, span := range []string{"08:00-08:00", "24:00-08:00", "08:60-09:00", "8:5-9:00", "-", "08:00-25:00"} {
		if _, err := policy.Parse(map[string]string{"service.hours": span}); err == nil {
			t.Errorf("hours %q are understood", span)
		}
	}
}

func TestRequirements(t *testing.T) {
	p, err := policy.Parse(map[string]string{"service.hours": "08:00-20:00", "service.normal.arrive": "2h"})
	if err != nil {
		t.Fatal(err)
	}
	minutes := func(n int64) int64 { return n * 60 * 1_000_000 }
	r := p.Requirements(&roundsv1.Category{Priority: normal, AfterPhotos: 2, BeforePhoto: true, LiveCamera: true, ChecklistId: "c", Skill: "electric"})
	if r.GetRespondUs() != minutes(15) || r.GetArriveUs() != minutes(120) || r.GetFinishUs() != minutes(24*60) || r.GetReviewUs() != minutes(240) ||
		r.GetFollowUpDays() != 3 || r.GetCalendar() != "cn" || r.GetTimeZone() != "Asia/Shanghai" || r.GetWorkFromMinute() != 480 || r.GetWorkToMinute() != 1200 ||
		r.GetAfterPhotos() != 2 || !r.GetBeforePhoto() || !r.GetLiveCamera() || r.GetChecklistId() != "c" || r.GetSkill() != "electric" || r.GetEmergency() {
		t.Errorf("%v", r)
	}
	for _, row := range []struct {
		name     string
		category *roundsv1.Category
		priority roundsv1.Priority
		finish   int64
	}{
		{"neither", nil, 0, 24 * 60},
		{"the category's", &roundsv1.Category{Priority: minor}, 0, 72 * 60},
		{"the ticket's, more urgent", &roundsv1.Category{Priority: minor}, emergency, 2 * 60},
		{"the ticket's, less urgent", &roundsv1.Category{Priority: normal}, minor, 24 * 60},
		{"an emergency", &roundsv1.Category{Priority: minor, Emergency: true}, 0, 2 * 60},
		{"a priority of later", nil, 99, 24 * 60},
	} {
		r := p.RequirementsAt(row.category, row.priority)
		if r.GetFinishUs() != minutes(row.finish) {
			t.Errorf("%s: %v", row.name, r)
		}
		if urgent := row.finish == 2*60; urgent != (r.GetWorkToMinute() == 0) { // an emergency waits for no morning
			t.Errorf("%s: hours to %d", row.name, r.GetWorkToMinute())
		}
	}
}

func TestThePageHoldsTheTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/service.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), policy.Table()) {
		t.Errorf("docs/service.md does not hold this table:\n%s", policy.Table())
	}
}

func FuzzParse(f *testing.F) {
	f.Add("service.review", "4h")
	f.Add("pause.x", "stops|甲|a")
	f.Add("service.hours", "08:00-20:00")
	f.Add("service.time_zone", "Europe/Berlin")
	f.Fuzz(func(t *testing.T, key, value string) {
		p, err := policy.Parse(map[string]string{key: value})
		if err != nil && !errors.Is(err, policy.ErrSetting) {
			t.Errorf("error of another kind: %v", err)
		}
		if err != nil && !reflect.DeepEqual(p, policy.Default()) {
			t.Errorf("%q = %q is refused and counts", key, value)
		}
	})
}
