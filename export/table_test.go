package export_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

const (
	tickets = roundsv1.ExportContent_EXPORT_CONTENT_TICKETS
	rounds  = roundsv1.ExportContent_EXPORT_CONTENT_ROUNDS
	facts   = roundsv1.ExportContent_EXPORT_CONTENT_FACTS
	history = roundsv1.ExportContent_EXPORT_CONTENT_HISTORY
	asCSV   = roundsv1.ExportFormat_EXPORT_FORMAT_CSV
	asXLSX  = roundsv1.ExportFormat_EXPORT_FORMAT_XLSX
	asPDF   = roundsv1.ExportFormat_EXPORT_FORMAT_PDF
	en      = roundsv1.ExportLanguage_EXPORT_LANGUAGE_EN
)

// rows of a CSV file, each by its headers.
func rows(t testing.TB, f *file) []map[string]string {
	t.Helper()
	all, err := csv.NewReader(bytes.NewReader(f.content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return named(t, all)
}

func named(t testing.TB, all [][]string) []map[string]string {
	t.Helper()
	var found []map[string]string
	for _, row := range all[1:] {
		m := map[string]string{}
		for i, name := range all[0] {
			if _, twice := m[name]; twice {
				t.Fatalf("two columns are called %q", name)
			}
			if i < len(row) {
				m[name] = row[i]
			}
		}
		found = append(found, m)
	}
	return found
}

func has(t testing.TB, row map[string]string, want ...string) {
	t.Helper()
	for i := 0; i < len(want); i += 2 {
		if got, ok := row[want[i]]; !ok || got != want[i+1] {
			t.Errorf("%s is %q, not %q", want[i], got, want[i+1])
		}
	}
}

const reportedUs = 1_772_586_000_000_000 // 2026-03-04T01:00:00Z

func (w *world) burst(n int) {
	w.write(site, id(n), ticket(&roundsv1.Ticket{Title: fmt.Sprintf("=漏水 %d", n), CategoryId: category, Location: &roundsv1.Location{PlaceId: place, Words: "门后"},
		Priority: roundsv1.Priority_PRIORITY_EMERGENCY, State: roundsv1.TicketState_TICKET_STATE_CLOSED, Round: 2, AssigneeId: string(worker),
		Requirements: &roundsv1.Requirements{ChecklistId: "list", ChecklistVersion: 1},
		ContactPhone: "+86 138", HouseholdId: "H-1", ReporterId: "R-1", ReportedTimeUs: reportedUs + int64(n)*1e6, ChargeCents: 1250,
		Moves: []*roundsv1.Move{{State: roundsv1.TicketState_TICKET_STATE_DISPATCHED, TimeUs: reportedUs + 60e6, PersonId: string(worker)}},
		Deadlines: []*roundsv1.Deadline{{Step: roundsv1.Step_STEP_RESPOND, Round: 1, DueUs: reportedUs + 300e6, State: roundsv1.DeadlineState_DEADLINE_STATE_MET_LATE_SYNC},
			{Step: roundsv1.Step_STEP_FINISH, Round: 1, DueUs: 1e15, State: roundsv1.DeadlineState_DEADLINE_STATE_BREACHED},
			{Step: roundsv1.Step_STEP_FINISH, Round: 2, DueUs: 2e15, State: roundsv1.DeadlineState_DEADLINE_STATE_MET}},
		Reviews: []*roundsv1.Review{{Round: 1, Verdict: roundsv1.Verdict_VERDICT_REJECTED, PersonId: string(asker), TimeUs: reportedUs + 900e6, Words: "地面未擦干"},
			{Round: 2, Verdict: roundsv1.Verdict_VERDICT_APPROVED, PersonId: string(asker), TimeUs: reportedUs + 1900e6, Digest: bytes.Repeat([]byte{0xab}, 32)}},
		Completions: []*roundsv1.Completion{{Round: 2, PersonId: string(worker), TimeUs: reportedUs + 1800e6, PhotoIds: []string{id(91)}}},
	}))
}

// What stands in the tickets is what stands in the file, in both languages and both formats.
func TestTickets(t *testing.T) {
	w := newWorld(t)
	w.burst(1)
	w.write(site, id(2), ticket(&roundsv1.Ticket{Title: "灯不亮", State: roundsv1.TicketState_TICKET_STATE_NEW, ReportedTimeUs: reportedUs}))
	f := w.take(&roundsv1.ExportRequest{Content: tickets, Format: asCSV, Language: en})
	got := rows(t, f)
	if len(got) != 2 || f.end.GetRows() != 2 || f.head.GetMediaType() != "text/csv; charset=utf-8" {
		t.Fatalf("%d rows, head %v, end %v", len(got), f.head, f.end)
	}
	has(t, got[0], "scope", string(site), "site", "Yunqi Court", "ticket id", id(1), "title", "'=漏水 1", "state code", "CLOSED", "state", "closed", "round", "2",
		"category", "burst pipe", "place", "Pump room B2 · 门后", "assignee", "李伟", "assignee id", string(worker), "contact phone", "'+86 138", "household", "H-1",
		"reported", "2026-03-04T09:00:01.000+08:00", "dispatched", "2026-03-04T09:01:00.000+08:00", "respond result code", "MET_LATE_SYNC",
		"finish result code", "MET", "times sent back", "1", "charge", "12.5", "last review digest", strings.Repeat("ab", 32), "time zone", "Asia/Shanghai",
		"last completion", "2026-03-04T09:30:00.000+08:00")
	has(t, got[1], "state code", "NEW", "assignee", "", "closed", "")

	zh := w.take(&roundsv1.ExportRequest{Content: tickets, Format: asXLSX})
	book, err := excelize.OpenReader(bytes.NewReader(zh.content))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	all, err := book.GetRows("工单")
	if err != nil {
		t.Fatal(err)
	}
	sheetRows := named(t, all)
	has(t, sheetRows[0], "标题", "=漏水 1", "状态代码", "CLOSED", "状态", "已关闭", "类别", "水管爆裂", "上报时间", "2026-03-04 09:00:01", "联系电话", "+86 138", "响应结果", "按时（离线补传）")
	if !strings.HasSuffix(zh.head.GetFileName(), ".xlsx") {
		t.Error(zh.head.GetFileName())
	}
}

// Whoever has the ticket is its assignee alone, though their start made them one of the crew, in tables and on paper.
func TestCrewBesideTheAssignee(t *testing.T) {
	w := newWorld(t)
	w.write(site, id(1), ticket(&roundsv1.Ticket{Title: "灯不亮", AssigneeId: string(worker), CrewIds: []string{string(worker)}, ReportedTimeUs: reportedUs}))
	w.write(site, id(2), ticket(&roundsv1.Ticket{Title: "漏水", AssigneeId: string(worker), CrewIds: []string{string(worker), string(asker)}, ReportedTimeUs: reportedUs + 1}))
	got := rows(t, w.take(&roundsv1.ExportRequest{Content: tickets, Format: asCSV, Language: en}))
	has(t, got[0], "ticket id", id(1), "assignee", "李伟", "crew", "")
	if crew := got[1]["crew"]; crew == "" || strings.Contains(crew, "李伟") {
		t.Errorf("the crew is %q", crew)
	}
	alone, _ := w.document(&roundsv1.ExportRequest{Content: tickets, RecordId: id(1)})
	if strings.Contains(alone.Text, "协作人李伟") {
		t.Error("the document names the assignee as crew")
	}
}

// Filters let through what they say.
func TestFilters(t *testing.T) {
	w := newWorld(t)
	for n := range 6 {
		state := roundsv1.TicketState_TICKET_STATE_NEW
		if n%2 == 1 {
			state = roundsv1.TicketState_TICKET_STATE_CLOSED
		}
		w.write(site, id(n), ticket(&roundsv1.Ticket{Title: fmt.Sprint(n), State: state, ReportedTimeUs: int64(n+1) * 1e6}))
	}
	for name, c := range map[string]struct {
		req  *roundsv1.ExportRequest
		want []string
	}{
		"all":    {&roundsv1.ExportRequest{}, []string{"0", "1", "2", "3", "4", "5"}},
		"range":  {&roundsv1.ExportRequest{FromUs: 2e6, ToUs: 4e6}, []string{"1", "2"}},
		"states": {&roundsv1.ExportRequest{TicketStates: []roundsv1.TicketState{roundsv1.TicketState_TICKET_STATE_CLOSED}}, []string{"1", "3", "5"}},
		"one":    {&roundsv1.ExportRequest{RecordId: id(4)}, []string{"4"}},
		"most":   {&roundsv1.ExportRequest{MaxRows: 6}, []string{"0", "1", "2", "3", "4", "5"}},
	} {
		c.req.Content, c.req.Format, c.req.Language = tickets, asCSV, en
		var got []string
		for _, row := range rows(t, w.take(c.req)) {
			got = append(got, row["title"])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A record that changes while it is exported has one row, and none is left out.
func TestOneRowEach(t *testing.T) {
	w := newWorld(t)
	const n = 1200 // more than a page
	for i := range n {
		w.write(site, id(i), ticket(&roundsv1.Ticket{Title: fmt.Sprint(i), ReportedTimeUs: 1}))
	}
	var content []byte
	changed := false
	err := w.exporter(func(c *export.Config) { c.ChunkBytes = 512 }).Export(context.Background(), caller,
		&roundsv1.ExportRequest{Scopes: []string{string(site)}, Content: tickets, Format: asCSV, Language: en}, func(m *roundsv1.ExportResponse) error {
			if content = append(content, m.GetChunk().GetData()...); !changed && m.GetChunk().GetRows() > 100 {
				changed = true
				w.write(site, id(3), ticket(&roundsv1.Ticket{Title: "again"}), 1)    // has its row
				w.write(site, id(1100), ticket(&roundsv1.Ticket{Title: "later"}), 1) // is still to come
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	titles := map[string]string{}
	for _, row := range rows(t, &file{content: content}) {
		count[row["ticket id"]]++
		titles[row["ticket id"]] = row["title"]
	}
	if !changed || len(count) != n {
		t.Fatalf("%d tickets of %d; changed meanwhile: %v", len(count), n, changed)
	}
	for id, times := range count {
		if times != 1 {
			t.Errorf("%s has %d rows", id, times)
		}
	}
	if titles[id(3)] != "3" || titles[id(1100)] != "later" {
		t.Errorf("titles are %q and %q", titles[id(3)], titles[id(1100)])
	}
}

// Facts are those of the records, each with who and when.
func TestFacts(t *testing.T) {
	w := newWorld(t)
	w.burst(1)
	five := 5.25
	w.act(id(1), ticket(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: id(50), Quantity: "pressure", Value: -0.5, Unit: "bar"}}}))
	w.act(id(1), ticket(&roundsv1.Ticket{Labour: []*roundsv1.Labour{{Id: id(51), PersonId: string(worker), Started: &roundsv1.Clock{WallUs: 1, BootId: "b", MonotonicUs: 10},
		Ended: &roundsv1.Clock{WallUs: 2, BootId: "b", MonotonicUs: 10 + 90e6}}}}))
	w.act(id(1), ticket(&roundsv1.Ticket{Scans: []*roundsv1.Scan{{Id: id(52), Payload: "@tag", CheckpointId: place}}}))
	w.act(id(1), ticket(&roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{"leak": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL, Reading: &five, Note: "漏"}}}))
	w.act(id(60), &roundsv1.Record{Kind: &roundsv1.Record_Comment{Comment: &roundsv1.Comment{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: id(1)}, Words: "已关水阀"}}})
	hash := w.photo(id(91), id(1), roundsv1.PhotoRole_PHOTO_ROLE_AFTER, 7)
	w.write(site, id(2), round(&roundsv1.Inspection{Title: "夜间巡逻", State: roundsv1.InspectionState_INSPECTION_STATE_RUNNING}))
	w.act(id(2), round(&roundsv1.Inspection{Visits: []*roundsv1.Scan{{Id: id(53), CheckpointId: place}}}))

	req := func(change func(*roundsv1.ExportRequest)) []map[string]string {
		r := &roundsv1.ExportRequest{Content: facts, Format: asCSV, Language: en}
		change(r)
		return rows(t, w.take(r))
	}
	of := map[string]map[string]string{}
	all := req(func(*roundsv1.ExportRequest) {})
	for _, row := range all {
		of[row["type code"]+" "+row["of title"]] = row
	}
	title := "'=漏水 1"
	if len(all) != 8 {
		t.Errorf("%d facts", len(all))
	}
	has(t, of["reading "+title], "quantity", "pressure", "value", "-0.5", "unit", "bar", "person", "李伟", "device id", string(device), "of id", id(1), "id", id(50))
	has(t, of["labour "+title], "minutes", "1.5", "person id", string(worker))
	has(t, of["scan "+title], "tag payload", "'@tag", "checkpoint", "Pump room B2")
	has(t, of["answer "+title], "item", "leak", "result code", "FAIL", "value", "5.25", "words", "漏")
	has(t, of["comment "+title], "words", "已关水阀", "id", id(60))
	has(t, of["photo "+title], "SHA-256", fmt.Sprintf("%x", hash), "photo role", "after", "round", "1")
	has(t, of["completion "+title], "round", "2", "photo ids", id(91), "time", "2026-03-04T09:30:00.000+08:00")
	has(t, of["scan 夜间巡逻"], "of kind", "inspection", "checkpoint id", place)
	if of["reading "+title]["time"] == "" {
		t.Error("the reading has no time")
	}
	if got := req(func(r *roundsv1.ExportRequest) { r.RecordId = id(1) }); len(got) != 7 {
		t.Errorf("%d facts of the ticket", len(got))
	}
	if got := req(func(r *roundsv1.ExportRequest) {
		r.TicketStates = []roundsv1.TicketState{roundsv1.TicketState_TICKET_STATE_NEW}
	}); len(got) != 1 {
		t.Errorf("%d facts of new tickets and of rounds", len(got))
	}
}

// The history is the journal: every entry once, in order, with its hash.
func TestHistory(t *testing.T) {
	w := newWorld(t)
	w.burst(1)
	w.act(id(1), ticket(&roundsv1.Ticket{Readings: []*roundsv1.Reading{{Id: id(50), Quantity: "pressure"}}}))
	f := w.take(&roundsv1.ExportRequest{Content: history, Format: asCSV, Language: en})
	got := rows(t, f)
	seq, head, err := w.Head(context.Background(), site)
	if err != nil || uint64(seq) != uint64(len(got)) || f.head.GetTotal() != uint64(seq) {
		t.Fatalf("%d entries of %d, %v", len(got), seq, err)
	}
	for i, row := range got {
		if row["seq"] != fmt.Sprint(i+1) || i > 0 && row["previous hash"] != got[i-1]["entry hash"] {
			t.Errorf("entry %d: %v", i+1, row)
		}
	}
	last := got[len(got)-1]
	has(t, last, "entry hash", head.String(), "type code", "DESK", "person", "李伟", "outcome code", "APPLIED", "trust code", "A", "content in short", "fact ticket: readings",
		"record id", id(1), "roles then", "manager")
	if one := rows(t, w.take(&roundsv1.ExportRequest{Content: history, Format: asCSV, Language: en, RecordId: id(1)})); len(one) != 2 || one[1]["entry hash"] != head.String() {
		t.Errorf("%d entries of the ticket", len(one))
	}
}

func TestRounds(t *testing.T) {
	w := newWorld(t)
	w.write(site, id(2), round(&roundsv1.Inspection{Title: "夜间巡逻", State: roundsv1.InspectionState_INSPECTION_STATE_APPROVED, Round: 1, Score: 87.5, Failed: true,
		ChecklistId: "list", ChecklistVersion: 3, WindowStartUs: reportedUs, CheckpointIds: []string{place, id(70)}, Completions: []*roundsv1.Completion{{Round: 1, TimeUs: reportedUs}},
		OfficialVisits: []*roundsv1.Visit{{CheckpointId: place, Round: 1}, {CheckpointId: place, Round: 1}}, Tally: &roundsv1.Tally{Passed: 4, Open: 1}}))
	got := rows(t, w.take(&roundsv1.ExportRequest{Content: rounds, Format: asCSV}))
	has(t, got[0], "状态", "已通过", "得分", "87.5", "触碰红线", "是", "点位数", "2", "已到点位", "1", "合格项", "4", "未答项", "1", "检查表版本", "3", "窗口开始", "2026-03-04T09:00:00.000+08:00")
}

// Who may not read, or is a resident, or asks for the history without a leading role, is refused; who is not to know who households are does not see it.
func TestRights(t *testing.T) {
	w := newWorld(t)
	w.burst(1)
	roles := func(r ...roundsv1.Role) { w.access.roles = r }
	ask := func(content roundsv1.ExportContent, scopes ...string) roundsv1.ProblemCode {
		if len(scopes) == 0 {
			scopes = []string{string(site)}
		}
		f, err := take(context.Background(), w.exporter(), &roundsv1.ExportRequest{Scopes: scopes, Content: content, Format: asCSV, Language: en})
		if err == nil {
			return 0
		}
		var own *engine.Error
		if !errors.As(err, &own) || own.Kind != engine.Denied || f.head != nil {
			t.Fatalf("%v, %v", err, f)
		}
		return own.Problem.GetCode()
	}
	const no = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
	for _, c := range []struct {
		role            roundsv1.Role
		tickets, record roundsv1.ProblemCode
	}{
		{roundsv1.Role_ROLE_RESIDENT, no, no}, {roundsv1.Role_ROLE_ADMIN, no, no}, {roundsv1.Role_ROLE_UNSPECIFIED, no, no}, {roundsv1.Role_ROLE_WORKER, 0, no},
		{roundsv1.Role_ROLE_FOREMAN, 0, no}, {roundsv1.Role_ROLE_BUTLER, 0, no}, {roundsv1.Role_ROLE_DISPATCHER, 0, no}, {roundsv1.Role_ROLE_SUPERVISOR, 0, 0},
		{roundsv1.Role_ROLE_MANAGER, 0, 0}, {roundsv1.Role_ROLE_AUDITOR, 0, 0},
	} {
		roles(c.role)
		if got := ask(tickets); got != c.tickets {
			t.Errorf("%v, tickets: %v", c.role, got)
		}
		if got := ask(history); got != c.record {
			t.Errorf("%v, history: %v", c.role, got)
		}
	}
	roles(roundsv1.Role_ROLE_WORKER)
	row := rows(t, w.take(&roundsv1.ExportRequest{Content: tickets, Format: asCSV, Language: en}))[0]
	has(t, row, "contact phone", "", "household", "", "reporter", "", "title", "'=漏水 1")
	w.access.blind = map[store.Scope]bool{other: true}
	if got := ask(tickets, string(site), string(other)); got != no {
		t.Errorf("a scope that may not be read: %v", got)
	}
	w.access.revoked = true
	if got := ask(tickets); got != roundsv1.ProblemCode_PROBLEM_CODE_DEVICE_REVOKED {
		t.Errorf("a revoked device: %v", got)
	}
}

// What cannot be asked is refused before anything is sent, each with its field.
func TestBadRequests(t *testing.T) {
	w := newWorld(t)
	for field, req := range map[string]*roundsv1.ExportRequest{
		"format":    {Content: tickets, Format: 9},
		"content":   {Content: facts, Format: asPDF, RecordId: id(1)},
		"record_id": {Content: tickets, Format: asPDF},
		"to_us":     {Content: tickets, Format: asCSV, FromUs: 5, ToUs: 5},
	} {
		req.Scopes = []string{string(site)}
		f, err := take(context.Background(), w.exporter(), req)
		var own *engine.Error
		if !errors.As(err, &own) || own.Kind != engine.Invalid || own.Problem.GetField() != field || f.head != nil {
			t.Errorf("%s: %v, %v", field, err, f)
		}
	}
	for _, id := range []string{id(77), "x", strings.ToUpper("01900000-0000-7000-9000-00000000000a")} {
		for _, req := range []*roundsv1.ExportRequest{{Content: tickets, Format: asPDF}, {Content: tickets, Format: asCSV}} {
			req.Scopes, req.RecordId = []string{string(site)}, id
			_, err := take(context.Background(), w.exporter(), req)
			var own *engine.Error
			if !errors.As(err, &own) || own.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD {
				t.Errorf("%s, %v: %v", id, req.GetFormat(), err)
			}
		}
	}
}

// A file with more rows than the limit is refused, not cut; an export that is broken off has no end; the next one goes ahead.
func TestLimitsAndBreakingOff(t *testing.T) {
	w := newWorld(t)
	for i := range 40 {
		w.write(site, id(i), ticket(&roundsv1.Ticket{Title: strings.Repeat("x", 200), ReportedTimeUs: 1}))
	}
	x := w.exporter(func(c *export.Config) { c.ChunkBytes, c.Running = 1000, 1 })
	req := func() *roundsv1.ExportRequest {
		return &roundsv1.ExportRequest{Scopes: []string{string(site)}, Content: tickets, Format: asCSV}
	}
	few := req()
	few.MaxRows = 39
	f, err := take(context.Background(), x, few)
	var own *engine.Error
	if !errors.As(err, &own) || own.Kind != engine.Exhausted || own.Problem.GetFacts()["most"] != "39" || f.end != nil {
		t.Errorf("%v, %v", err, f.end)
	}
	gone := errors.New("gone")
	n, ended := 0, false
	err = x.Export(context.Background(), caller, req(), func(m *roundsv1.ExportResponse) error {
		ended = ended || m.GetEnd() != nil
		if n++; n == 5 {
			// While one is made there is no room for another.
			if _, err := take(context.Background(), x, req()); !errors.As(err, &own) || own.Kind != engine.Unavailable || own.Problem.GetRetryAfter() == nil {
				t.Errorf("a second one at the same time: %v", err)
			}
			return gone
		}
		return nil
	})
	if !errors.Is(err, gone) || n != 5 || ended {
		t.Errorf("%v after %d messages, ended %v", err, n, ended)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if f, err := take(ctx, x, req()); err == nil || f.end != nil {
		t.Errorf("cancelled: %v", err)
	}
	if f, err := take(context.Background(), x, req()); err != nil || f.end.GetRows() != 40 || f.biggest > 1000 || f.chunks < 10 {
		t.Errorf("%v, %v", err, f)
	}
}

// Who loses the right while a file is made gets no more of it: by a grant that ends, a suspension, or a device that is revoked.
func TestRightsThatEnd(t *testing.T) {
	for name, lose := range map[string]struct {
		lose func(*everybody)
		want roundsv1.ProblemCode
	}{
		"the right to read":   {func(a *everybody) { a.blind = map[store.Scope]bool{site: true} }, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		"the role":            {func(a *everybody) { a.roles = []roundsv1.Role{roundsv1.Role_ROLE_RESIDENT} }, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		"the role of a chief": {func(a *everybody) { a.roles = []roundsv1.Role{roundsv1.Role_ROLE_WORKER} }, roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		"the device":          {func(a *everybody) { a.revoked = true }, roundsv1.ProblemCode_PROBLEM_CODE_DEVICE_REVOKED},
	} {
		w := newWorld(t)
		for i := range 40 {
			w.write(site, id(i), ticket(&roundsv1.Ticket{Title: strings.Repeat("x", 200), ReportedTimeUs: 1}))
		}
		n := 0
		err := w.exporter(func(c *export.Config) { c.ChunkBytes = 1000 }).Export(context.Background(), caller,
			&roundsv1.ExportRequest{Scopes: []string{string(site)}, Content: tickets, Format: asCSV}, func(*roundsv1.ExportResponse) error {
				if n++; n == 3 {
					lose.lose(w.access)
				}
				return nil
			})
		var own *engine.Error
		if !errors.As(err, &own) || own.Kind != engine.Denied || own.Problem.GetCode() != lose.want || n != 3 {
			t.Errorf("%s: %v after %d messages", name, err, n)
		}
	}
}

// Two scopes are one file, in the order that they were named.
func TestScopes(t *testing.T) {
	w := newWorld(t)
	w.write(site, id(1), ticket(&roundsv1.Ticket{Title: "a", ReportedTimeUs: 1}))
	w.write(other, id(2), ticket(&roundsv1.Ticket{Title: "b", ReportedTimeUs: 1}))
	got := rows(t, w.take(&roundsv1.ExportRequest{Scopes: []string{string(other), string(site)}, Content: tickets, Format: asCSV, Language: en}))
	if len(got) != 2 || got[0]["title"] != "b" || got[1]["title"] != "a" || got[0]["site"] != string(other) {
		t.Errorf("%v", got)
	}
}
