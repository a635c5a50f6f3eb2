package export_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export"
	"github.com/rounds-sync/rounds/internal/drawn"
)

// full is a ticket with all that a document can have, and more of it than a page holds: long words, 60 photos of which some are missing, signs that no font has.
func (w *world) full() string {
	w.t.Helper()
	self := id(1)
	long := strings.Repeat("客户反映地库 B2 水泵房门后接头渗漏，积水约 3 cm；已通知工程部，请尽快处理。The joint behind the door leaks, see https://example.com/"+strings.Repeat("a", 120)+" ", 6)
	w.write(site, self, ticket(&roundsv1.Ticket{Title: "3 号楼地库水管爆裂，积水漫至电梯机房（业主第 3 次报修） Burst pipe in the basement of building 3 𠮷😀", CategoryId: category,
		Location: &roundsv1.Location{PlaceId: place, Words: "门后第二个接头"}, Priority: roundsv1.Priority_PRIORITY_EMERGENCY, State: roundsv1.TicketState_TICKET_STATE_CLOSED,
		Round: 3, AssigneeId: string(worker), CrewIds: []string{string(asker)}, ReporterId: string(asker), HouseholdId: "3-1-1802", ContactPhone: "+86 138 0000 0000",
		Requirements: &roundsv1.Requirements{ChecklistId: "list", ChecklistVersion: 1}, ReportedTimeUs: reportedUs, Description: long, CustomerWords: "“水都到脚脖子了！” ﷺ العربية עברית ไทย हिन्दी 한국어 かな ①℃㎡ ½ ✓ ☎ \u202e tab\tend",
		Notes: long, StateReason: "已修复", Flags: []string{"work_after_cancel", "photo_late"}, ChargeCents: 12800,
		Moves: []*roundsv1.Move{{State: roundsv1.TicketState_TICKET_STATE_DISPATCHED, TimeUs: reportedUs + 60e6, PersonId: string(worker), Exact: true},
			{State: roundsv1.TicketState_TICKET_STATE_PAUSED, TimeUs: reportedUs + 90e6, PersonId: string(worker), Reason: "等待配件", StopsClock: true, Late: true}},
		Deadlines: []*roundsv1.Deadline{{Step: roundsv1.Step_STEP_RESPOND, Round: 1, DueUs: reportedUs + 300e6, DoneUs: reportedUs + 200e6, State: roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC,
			OfflineFalseAlarm: true, OwnerId: string(worker)}, {Step: roundsv1.Step_STEP_FINISH, Round: 2, DueUs: reportedUs + 9e9, State: roundsv1.DeadlineState_DEADLINE_STATE_BREACHED, OwnerId: "01900000-0000-7000-8000-0000000000ff"}},
		Reviews: []*roundsv1.Review{{Round: 1, Verdict: roundsv1.Verdict_VERDICT_REJECTED, PersonId: string(asker), TimeUs: reportedUs + 900e6, Words: strings.Repeat("地面未擦干，", 40)},
			{Round: 3, Verdict: roundsv1.Verdict_VERDICT_APPROVED, PersonId: string(asker), TimeUs: reportedUs + 1900e6, Digest: []byte(strings.Repeat("\xab", 32))}},
		Completions: []*roundsv1.Completion{{Round: 2, PersonId: string(worker), TimeUs: reportedUs + 1800e6, PhotoIds: []string{id(91)}}},
	}))
	w.act(self, ticket(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: id(50), Quantity: "pressure", Value: -0.5, Unit: "bar"}}}))
	w.act(self, ticket(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"leak": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL, Note: strings.Repeat("接头松动 loose ", 30)}}}))
	w.act(id(60), &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: self}, Words: strings.Repeat("已关水阀，等配件。Valve shut. ", 200)}}})
	for n := range 60 {
		role, source := roundsv1.PhotoRole_PHOTO_ROLE_BEFORE+roundsv1.PhotoRole(n%3), roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA
		picture := drawn.Photo(uint64(n), drawn.Tiles, drawn.Options{WidthPx: 320, Quality: 60})
		sum := [32]byte{byte(n), 7}
		if n%7 != 3 { // those have not arrived
			w.album[sum] = picture
		}
		photo := &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: self}, Role: role, Round: uint32(1 + n/25), Sha256: sum[:], SizeBytes: 1, PersonId: string(worker), Source: source,
			Location: &roundsv1.Location{PlaceId: place, Source: roundsv1.LocationSource_LOCATION_SOURCE_GPS}}
		if role == roundsv1.PhotoRole_PHOTO_ROLE_ITEM {
			photo.ItemId = "leak"
		}
		w.act(id(100+n), &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: photo}})
		if n%5 == 0 {
			w.write(site, id(100+n), &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{State: roundsv1.PhotoState_PHOTO_STATE_SOFT,
				Report: &roundsv1.PhotoReport{Findings: []*roundsv1.Finding{{Severity: roundsv1.Severity_SEVERITY_SOFT, Sentence: &roundsv1.Text{
					Zh: strings.Repeat("前后照片看不出变化，", 1+n/4), En: strings.Repeat("no visible change, ", 1+n/4)}}}}}}}, 40, 42)
		}
		if n == 11 {
			w.write(site, id(100+n), &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{State: roundsv1.PhotoState_PHOTO_STATE_REDACTED}}}, 40)
		}
	}
	return self
}

// tool runs a program of poppler's on a file.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not here", name)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	return string(out)
}

// TestDocumentInOthersHands: programs that we did not write find all fonts embedded in a large document, take its text out in the order of the page, and find
// nothing wrong with it.
func TestDocumentInOthersHands(t *testing.T) {
	w := newWorld(t)
	self := w.full()
	dir := t.TempDir()
	if keep := os.Getenv("ROUNDS_KEEP_DOCUMENTS"); keep != "" { // to look at
		dir = keep
	}
	for name, lang := range map[string]roundsv1.ExportLanguage{"zh": roundsv1.ExportLanguage_EXPORT_LANGUAGE_ZH, "en": en} {
		f := w.take(&roundsv1.ExportRequest{Content: tickets, Format: asPDF, RecordId: self, Language: lang}, func(c *export.Config) { c.Checklists = lists{} })
		path := filepath.Join(dir, name+".pdf")
		if err := os.WriteFile(path, f.content, 0o600); err != nil {
			t.Fatal(err)
		}
		fonts := strings.Split(strings.TrimSpace(tool(t, "pdffonts", path)), "\n")[2:]
		for _, font := range fonts {
			if columns := strings.Fields(font); strings.Join(columns[len(columns)-5:len(columns)-2], " ") != "yes no yes" { // embedded, in part although its name does not say so, and with its characters
				t.Errorf("%s: not embedded, or without its characters: %s", name, font)
			}
		}
		if len(f.content) > 1<<20 {
			t.Errorf("%s: %d bytes, more of the fonts than is used", name, len(f.content))
		}
		if len(fonts) != 2 {
			t.Errorf("%s: fonts %q", name, fonts)
		}
		if images := strings.Split(strings.TrimSpace(tool(t, "pdfimages", "-list", path)), "\n")[2:]; len(images) != 50 {
			t.Errorf("%s: %d pictures", name, len(images))
		}
		text := strings.Join(strings.Fields(tool(t, "pdftotext", "-layout", path, "-")), " ")
		wants := []string{"积水漫至电梯机房", "[U+20BB7][U+1F600]", "+86 138 0000 0000", "(1)°C㎡ ½ [U+2713]", "已关水阀，等配件。Valve shut.", "SHA-256"}
		if lang == en {
			wants = append(wants, "Ticket", "Customer's words", "Timeline", "Journal entries", "To check this")
		} else {
			wants = append(wants, "工单", "客户原话", "经过", "历史记录", "核验")
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in what pdftotext reads: %.2000s", name, want, text)
			}
		}
	}
}
