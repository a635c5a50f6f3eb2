package demo

import (
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/internal/promises"
)

// The report is there in both languages: the same figures in the same places, and in Chinese no word of English but for codes.
func TestReportInBothLanguages(t *testing.T) {
	day := &Day{Tickets: map[string]int{"finds": 3}, Notices: map[string]int{"assigned": 4}, limits: map[int]bool{5: true, 12: true}, Deadlines: []Deadlines{{Step: "respond", Met: 5}},
		Inbox: []Question{{Type: "double_work", Opened: 1, OnPhones: 1, By: map[string]int{"foreman": 1}, How: map[string]int{"take result": 1}}}}
	day.fillRows(nil, nil, nil)
	report := &Report{Seed: 7, Devices: 20, Day: day, Promises: map[promises.Name]bool{promises.P1: true}}
	var en, zh strings.Builder
	report.print(paper{&en, "en"})
	report.print(paper{&zh, "zh"})
	if a, b := strings.Count(en.String(), "\n"), strings.Count(zh.String(), "\n"); a != b {
		t.Errorf("%d lines in English, %d in Chinese", a, b)
	}
	for _, want := range []string{"20 台设备的一天，种子 7", "员工发现", "重复处理", "班长 1; 采用此结果 1", "两人处理了同一工单", "派单 4", "5, 12 分钟", "被打破", "兑现", "照片核验关闭率"} {
		if !strings.Contains(zh.String(), want) {
			t.Errorf("no %q in\n%s", want, zh.String())
		}
	}
	for _, want := range []string{"double work", "foreman 1; take result 1", "Two people did the same work", "within 20 minutes", "5, 12 minutes"} {
		if !strings.Contains(en.String(), want) {
			t.Errorf("no %q in\n%s", want, en.String())
		}
	}
	for _, r := range en.String() {
		if r >= 0x4e00 && r <= 0x9fff {
			t.Fatalf("Chinese in the English report: %c", r)
		}
	}
}

// Every kind of question and of notice, and every step, has a name in Chinese.
func TestNamesInChinese(t *testing.T) {
	p := paper{lang: "zh"}
	for _, names := range []struct {
		prefix string
		all    map[int32]string
	}{{"CONFLICT_TYPE_", roundsv1.ConflictType_name}, {"NOTICE_CODE_", roundsv1.NoticeCode_name}, {"STEP_", roundsv1.Step_name}, {"SIGNAL_", roundsv1.Signal_name},
		{"CONFLICT_ACTION_", roundsv1.ConflictAction_name}} {
		for n, name := range names.all {
			if code := stateName(name, names.prefix); n > 0 && p.name(code) == strings.ReplaceAll(code, "_", " ") {
				t.Errorf("%s has no name in Chinese", name)
			}
		}
	}
}
