package export_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export"
	"github.com/rounds-sync/rounds/export/typeset/typesettest"
	"github.com/rounds-sync/rounds/sync/store"
)

func (w *world) document(req *roundsv1.ExportRequest, change ...func(*export.Config)) (typesettest.Document, *file) {
	w.t.Helper()
	req.Format = asPDF
	f := w.take(req, change...)
	d, err := typesettest.Read(f.content)
	if err != nil {
		w.t.Fatal(err)
	}
	return d, f
}

// A ticket's document says all that it is to say, in the order of the page, and shows the photos.
func TestTicketDocument(t *testing.T) {
	w := newWorld(t)
	w.burst(1)
	before := w.photo(id(90), id(1), roundsv1.PhotoRole_PHOTO_ROLE_BEFORE, 5)
	after := w.photo(id(91), id(1), roundsv1.PhotoRole_PHOTO_ROLE_AFTER, 6)
	gone := w.photo(id(92), id(1), roundsv1.PhotoRole_PHOTO_ROLE_AFTER, 7)
	w.write(site, id(92), &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{State: roundsv1.PhotoState_PHOTO_STATE_REDACTED}}}, 40)
	late := w.photo(id(93), id(1), roundsv1.PhotoRole_PHOTO_ROLE_ITEM, 8)
	delete(w.album, [32]byte(late))
	w.write(site, id(91), &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{State: roundsv1.PhotoState_PHOTO_STATE_SOFT,
		Report: &roundsv1.PhotoReport{Findings: []*roundsv1.Finding{{Code: roundsv1.CheckCode_CHECK_CODE_NO_CHANGE, Severity: roundsv1.Severity_SEVERITY_SOFT,
			Sentence: &roundsv1.Text{Zh: "前后照片看不出变化", En: "no visible change"}}}}}}}, 40, 42)
	w.act(id(1), ticket(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"leak": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL, Note: "接头松动"}}}))
	w.act(id(60), &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: id(1)}, Words: "已关水阀😀"}}})
	w.act(id(61), &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: id(2)}, Words: "别的工单"}}})

	moment := w.now
	d, f := w.document(&roundsv1.ExportRequest{Content: tickets, RecordId: id(1)}, func(c *export.Config) { c.Checklists = lists{} })
	w.now = moment // whatever looked at the clock meanwhile
	seq, head, err := w.Head(context.Background(), site)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, want := range []string{"工单 · =漏水 1", id(1), "云栖雅苑", "已关闭 (CLOSED)", "水管爆裂", "地库 B2 水泵房 · 门后", "2026-03-04 09:00:01", "户号", "H-1", "+86 138", "李伟",
		"经过", "2026-03-04 09:01:00", "待接单 (DISPATCHED)", "退回（第 1 轮）", "地面未擦干", "报完工（第 2 轮）", "通过（第 2 轮）",
		"时限", "响应", "按时(离线补传)", "检查项", "接头有无渗漏（红线）", "不合格", "接头松动", "备注记录", "已关水阀[U+1F600]",
		"照片", "处理前 · 第 1 轮 · 现场拍摄", fmt.Sprintf("%x", before)[:20], "处理后 · 第 1 轮", "前后照片看不出变化", fmt.Sprintf("%x", after)[:20],
		"照片内容已依规删除", fmt.Sprintf("%x", gone)[:16], "照片内容尚未上传", fmt.Sprintf("%x", late)[:16],
		"确认时的证据摘要", strings.Repeat("ab", 16), "历史记录", "edit ticket: title", "fact ticket: answers", "核验", fmt.Sprintf("共 %d 条", seq), head.String()[:24],
	} {
		next := strings.Index(d.Text[at:], want)
		if next < 0 {
			t.Fatalf("%q is missing, or before what should precede it: …%s", want, d.Text[at:min(len(d.Text), at+600)])
		}
		at += next
	}
	if d.Images != 2 {
		t.Errorf("%d pictures", d.Images)
	}
	if strings.Contains(d.Text, "别的工单") || !strings.Contains(d.Text, fmt.Sprintf("第 1 / %d 页", d.Pages)) {
		t.Error("a remark of another ticket, or no page numbers")
	}
	if f.head.GetMediaType() != "application/pdf" || f.end.GetRows() != 1 || !strings.HasSuffix(f.head.GetFileName(), ".pdf") {
		t.Errorf("%v, %v", f.head, f.end)
	}
	// Pictures of the same width may stand in the file in another order, so its length and what is read out of it are compared.
	if e, again := w.document(&roundsv1.ExportRequest{Content: tickets, RecordId: id(1)}, func(c *export.Config) { c.Checklists = lists{} }); e.Text != d.Text ||
		e.Images != d.Images || len(f.content) != len(again.content) {
		t.Error("two documents of the same moment differ")
	}

	w.access.roles = []roundsv1.Role{roundsv1.Role_ROLE_BUTLER}
	d, _ = w.document(&roundsv1.ExportRequest{Content: tickets, RecordId: id(1), Language: en}, func(c *export.Config) { c.MaxPhotos = 1 })
	for want, is := range map[string]bool{"Ticket · =漏水 1": true, "Pump room B2": true, "met, synced late": true, "+86 138": false, "H-1": false,
		"3 further photos are not in this document": true, "Journal entries": true, "of " + fmt.Sprint(d.Pages): true} {
		if strings.Contains(d.Text, want) != is {
			t.Errorf("%q: %v", want, !is)
		}
	}
}

type lists struct{}

func (lists) Checklist(_ store.Scope, series string, version uint32) *roundsv1.Checklist {
	return &roundsv1.Checklist{Name: &roundsv1.Text{Zh: "水泵房", En: "Pump room"}, Items: []*roundsv1.ChecklistItem{
		{Id: "leak", Question: &roundsv1.Text{Zh: "接头有无渗漏", En: "Do joints leak"}, RedLine: true}, {Id: "lock", Question: &roundsv1.Text{Zh: "门锁", En: "Lock"}}}}
}

// An inspection round's document has its score, its checkpoints, and its questions, also those that nobody answered and the answers that stand beside others.
func TestRoundDocument(t *testing.T) {
	w := newWorld(t)
	w.write(site, id(2), round(&roundsv1.Inspection{Title: "夜间巡逻", State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW, Round: 1, Score: 87.5, Failed: true,
		ChecklistId: "list", ChecklistVersion: 3, WindowStartUs: reportedUs, WindowEndUs: reportedUs + 3600e6, InspectorId: string(worker),
		Completions:    []*roundsv1.Completion{{Round: 1, TimeUs: reportedUs, PersonId: string(worker)}},
		OfficialVisits: []*roundsv1.Visit{{CheckpointId: place, Round: 1, PersonId: string(worker), TimeUs: reportedUs, Flags: []string{"too_soon"}}}, Tally: &roundsv1.Tally{Failed: 1, Open: 1}}))
	w.act(id(2), round(&roundsv1.Inspection{Answers: map[string]*roundsv1.Answer{"leak": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL}}}))
	d, _ := w.document(&roundsv1.ExportRequest{Content: rounds, RecordId: id(2)}, func(c *export.Config) { c.Checklists = lists{} })
	for _, want := range []string{"巡检 · 夜间巡逻", "待审核 (PENDING_REVIEW)", "水泵房 v3", "87.5", "已触碰", "不合格 1", "too_soon", "地库 B2 水泵房", "接头有无渗漏", "门锁", "未答", "核验"} {
		if !strings.Contains(d.Text, want) {
			t.Errorf("%q is missing in %s", want, d.Text)
		}
	}
}
