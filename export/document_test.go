package export_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export"
	"github.com/rounds-sync/rounds/export/typeset/typesettest"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/checklist"
	"github.com/rounds-sync/rounds/work/policy"
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
		"时限", "响应", "按时（离线补传）", "检查项", "接头有无渗漏（红线）", "不合格", "接头松动", "备注记录", "已关水阀[U+1F600]",
		"照片", "处理前 · 第 1 轮 · 现场拍摄", fmt.Sprintf("%x", before)[:20], "处理后 · 第 1 轮", "前后照片看不出变化", fmt.Sprintf("%x", after)[:20],
		"照片内容已依规删除", fmt.Sprintf("%x", gone)[:16], "照片内容尚未上传", fmt.Sprintf("%x", late)[:16],
		"确认时的证据摘要", strings.Repeat("ab", 16), "历史记录", "新建工单：标题、类别（水管爆", "处理人（李伟）", "添加：检查项", "核验", fmt.Sprintf("共 %d 条", seq), head.String()[:24],
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

// TestMergedDocument: what was photographed and said for a ticket that was merged stands in the document of the one that goes on, with where it belongs; so does the photo of the
// failed item that it was made of. When not all have room, what the decision rests on has.
func TestMergedDocument(t *testing.T) {
	w := newWorld(t)
	own, work, fault, word := id(90), id(89), id(70), id(60) // the photo of the work is older than the others
	w.write(site, id(1), ticket(&roundsv1.Ticket{Title: "goes on", Round: 1, State: roundsv1.TicketState_TICKET_STATE_PENDING_REVIEW, Origin: &roundsv1.Origin{PhotoIds: []string{fault}},
		Completions: []*roundsv1.Completion{{Round: 1, PersonId: string(worker), PhotoIds: []string{work}}}}))
	w.write(site, id(2), ticket(&roundsv1.Ticket{Title: "went in", Round: 1, State: roundsv1.TicketState_TICKET_STATE_MERGED, MergedIntoId: id(3)}))
	w.write(site, id(3), ticket(&roundsv1.Ticket{Title: "between", Round: 1, State: roundsv1.TicketState_TICKET_STATE_MERGED, MergedIntoId: id(1)}))
	w.write(site, id(4), round(&roundsv1.Inspection{Title: "the walk"}))
	hash := map[string]string{}
	for i, one := range [][2]string{{own, id(1)}, {work, id(2)}, {fault, id(4)}} {
		hash[one[0]] = fmt.Sprintf("%x", w.photo(one[0], one[1], roundsv1.PhotoRole_PHOTO_ROLE_AFTER, uint8(5+i)))[:20]
	}
	w.write(site, fault, &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{ItemId: "leak"}}}, 3)
	w.act(word, &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: id(2)}, Words: "said there"}}})
	d, _ := w.document(&roundsv1.ExportRequest{Content: tickets, RecordId: id(1), Language: en})
	for _, want := range []string{hash[own], hash[work], hash[fault], "of: went in", "said there"} {
		if !strings.Contains(d.Text, want) {
			t.Errorf("%q is missing in %s", want, d.Text)
		}
	}
	d, _ = w.document(&roundsv1.ExportRequest{Content: tickets, RecordId: id(1), Language: en}, func(c *export.Config) { c.MaxPhotos = 2 })
	if !strings.Contains(d.Text, hash[work]) || !strings.Contains(d.Text, hash[fault]) || strings.Contains(d.Text, hash[own]) {
		t.Error("of more photos than have room those that the decision rests on were left out")
	}
	d, _ = w.document(&roundsv1.ExportRequest{Content: tickets, RecordId: id(3), Language: en})
	if !strings.Contains(d.Text, hash[work]) || strings.Contains(d.Text, hash[own]) {
		t.Error("the one between has other photos than those of what went into it")
	}
}

type lists struct{ weight float64 }

func (l lists) Checklist(_ store.Scope, series string, version uint32) *roundsv1.Checklist {
	return &roundsv1.Checklist{Name: &roundsv1.Text{Zh: "水泵房", En: "Pump room"}, Items: []*roundsv1.ChecklistItem{
		{Id: "leak", Question: &roundsv1.Text{Zh: "接头有无渗漏", En: "Do joints leak"}, RedLine: true, Weight: l.weight}, {Id: "lock", Question: &roundsv1.Text{Zh: "门锁", En: "Lock"}}}}
}

// TestRoundDocumentByCheckpoint: an item that is asked at each checkpoint stands there in its words, with the checkpoint's name, its weight and its red line.
func TestRoundDocumentByCheckpoint(t *testing.T) {
	w := newWorld(t)
	w.write(site, id(2), round(&roundsv1.Inspection{Title: "walk", State: roundsv1.InspectionState_INSPECTION_STATE_RUNNING, Round: 1, ChecklistId: "list", ChecklistVersion: 3,
		CheckpointIds: []string{place, id(77)}, Answers: map[string]*roundsv1.Answer{
			checklist.Key(place, "leak"): {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL, Note: "drips"}, "lock": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS}, "other": {Note: "nobody asked"}}}))
	w.act(id(90), &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "inspection", Id: id(2)}, Round: 1, Sha256: make([]byte, 32),
		Role: roundsv1.PhotoRole_PHOTO_ROLE_ITEM, ItemId: checklist.Key(place, "leak")}}})
	d, _ := w.document(&roundsv1.ExportRequest{Content: rounds, RecordId: id(2), Language: en}, func(c *export.Config) { c.Checklists = lists{weight: 2.5} })
	at := 0
	for _, want := range []string{"Lock", "pass", "Pump room B2 · Do joints leak", "fail", "drips", "2.5) (red line)", id(77)[:20], "open", "Do joints leak (weight 2.5) (red line)", "other", "nobody asked",
		"Photos", "Pump room B2 · Do joints leak"} {
		next := strings.Index(d.Text[at:], want)
		if next < 0 {
			t.Fatalf("%q is missing, or before what should precede it: %s", want, d.Text)
		}
		at += next
	}
	if strings.Contains(d.Text, place) {
		t.Error("a raw key")
	}
}

// An inspection round's document has its score, its checkpoints, and its questions, also those that nobody answered and the answers that stand beside others.
func TestRoundDocument(t *testing.T) {
	w := newWorld(t)
	w.write(site, id(2), round(&roundsv1.Inspection{Title: "夜间巡逻", State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW, Round: 1, Score: 87.5, Failed: true,
		ChecklistId: "list", ChecklistVersion: 3, WindowStartUs: reportedUs, WindowEndUs: reportedUs + 3600e6, InspectorId: string(worker),
		Completions:    []*roundsv1.Completion{{Round: 1, TimeUs: reportedUs, PersonId: string(worker)}},
		OfficialVisits: []*roundsv1.Visit{{CheckpointId: place, Round: 1, PersonId: string(worker), TimeUs: reportedUs, Flags: []string{"too_soon", "other_tag"}}}, Reviews: []*roundsv1.Review{{Round: 1, PersonId: id(78), TimeUs: reportedUs, Verdict: roundsv1.Verdict_VERDICT_APPROVED}},
		Flags: []string{"too_early", "unvisited", "mark_of_tomorrow"}, Tally: &roundsv1.Tally{Failed: 1, Open: 1}}))
	w.act(id(2), round(&roundsv1.Inspection{Answers: map[string]*roundsv1.Answer{"leak": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL}}}))
	d, _ := w.document(&roundsv1.ExportRequest{Content: rounds, RecordId: id(2)}, func(c *export.Config) {
		c.Checklists = lists{}
		c.Person = func(_ context.Context, scope store.Scope, person engine.PersonID) (string, error) {
			return map[engine.PersonID]string{engine.PersonID(id(78)): "周总监", worker: "另一个名字"}[person], nil
		}
	})
	for _, want := range []string{"巡检 · 夜间巡逻", "待确认 (PENDING_REVIEW)", "水泵房 v3", "87.5", "已触碰", "不合格 1", "周总监", "李伟", "标记早于时间窗、有点位未到、mark_of_tomorrow", "间隔过短、标签不是此处", "地库 B2 水泵房", "接头有无渗漏", "门锁", "未答", "核验"} {
		if !strings.Contains(d.Text, want) {
			t.Errorf("%q is missing in %s", want, d.Text)
		}
	}
}

// TestReasonsOfDocument: why work waited and why it went back stands in the words of the site's lists, in the file's language, and nowhere as a code.
func TestReasonsOfDocument(t *testing.T) {
	w := newWorld(t)
	w.write(site, id(1), ticket(&roundsv1.Ticket{Title: "leak", Round: 2, State: roundsv1.TicketState_TICKET_STATE_REWORK, StateReason: "smell: by the door",
		Moves:   []*roundsv1.Move{{State: roundsv1.TicketState_TICKET_STATE_PAUSED, Reason: "parts", TimeUs: reportedUs, Round: 1, StopsClock: true, Exact: true}},
		Reviews: []*roundsv1.Review{{Round: 1, PersonId: string(worker), TimeUs: reportedUs + 1, Verdict: roundsv1.Verdict_VERDICT_REJECTED, Reason: "smell", Words: "by the door"}}}))
	w.write(site, id(2), round(&roundsv1.Inspection{Title: "walk", State: roundsv1.InspectionState_INSPECTION_STATE_RETURNED, Round: 2, StateReason: "smell"}))
	named := func(c *export.Config) {
		c.Policy = func(store.Scope) policy.Policy {
			p, _ := policy.Parse(map[string]string{"reject.smell": "有异味|it smells"})
			return p
		}
	}
	for _, test := range []struct {
		of   *roundsv1.ExportRequest
		want []string
	}{
		{&roundsv1.ExportRequest{Content: tickets, RecordId: id(1)}, []string{"有异味；by the door", "等待配件（停止计时）", "有异味；by the door"}},
		{&roundsv1.ExportRequest{Content: tickets, RecordId: id(1), Language: en}, []string{"it smells; by the door", "waiting for parts (the clocks stop)", "it smells; by the door"}},
		{&roundsv1.ExportRequest{Content: rounds, RecordId: id(2)}, []string{"有异味"}},
	} {
		d, _ := w.document(test.of, named)
		at := 0
		for _, want := range test.want {
			next := strings.Index(d.Text[at:], want)
			if next < 0 {
				t.Fatalf("%q is missing in %s", want, d.Text)
			}
			at += next + len(want)
		}
		if strings.Contains(d.Text, "smell:") || strings.Contains(d.Text, "parts（") {
			t.Errorf("a code in %s", d.Text)
		}
	}
	all := rows(t, w.take(&roundsv1.ExportRequest{Content: tickets, Format: asCSV, Language: en}, named))
	has(t, all[0], "state reason", "smell: by the door", "state reason in words", "it smells; by the door")
}
