package export

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export/typeset"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/checklist"
)

// mostEntries is how many entries of the journal a document lists: the last ones.
const mostEntries = 400

// paper is one document under way.
type paper struct {
	*job
	s      *scope
	line   *line // asks the directory
	doc    *typeset.Document
	kind   merge.Kind
	change *roundsv1.Change
	photos []*roundsv1.Change
	notes  []*roundsv1.Change // remarks
	items  map[string]string  // what was asked, by the key of the answer
}

func (p *paper) say(zh, en string) string { return p.lang.of(word{zh, en}) }

// when is a moment in words, with the zone named once in the head.
func (p *paper) when(us int64) string {
	if us == 0 {
		return ""
	}
	return p.s.at(us).Format("2006-01-02 15:04:05")
}

func (p *paper) person(id string) string {
	return p.line.look(func() (string, error) { return p.s.names.person(p.ctx, id) })
}

func (p *paper) people(ids []string) string {
	return p.line.look(func() (string, error) { return p.s.names.people(p.ctx, ids) })
}

// document writes one ticket or round.
func (j *job) document(ctx context.Context) error {
	s, id := j.scopes[0], j.req.GetRecordId()
	kind, what := kindTicket, word{"工单", "Ticket"}
	if j.req.GetContent() == roundsv1.ExportContent_EXPORT_CONTENT_ROUNDS {
		kind, what = kindInspection, word{"巡检", "Inspection round"}
	}
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.String() != id {
		return noRecord(s.name)
	}
	p := &paper{job: j, s: s, kind: kind, line: &line{ctx: ctx, lang: j.lang}}
	if p.change, err = j.cfg.Records.Record(ctx, s.name, kind, id); err != nil {
		return err
	}
	if p.change == nil || p.change.GetDeleted() {
		return noRecord(s.name)
	}
	if err := j.belonging(ctx, s.name, kind, p.change, func(kind merge.Kind, change *roundsv1.Change) error {
		if kind == kindPhoto {
			p.photos = append(p.photos, change)
		} else {
			p.notes = append(p.notes, change)
		}
		return nil
	}); err != nil {
		return err
	}
	title := p.change.GetRecord().GetTicket().GetTitle()
	if kind == kindInspection {
		title = p.change.GetRecord().GetInspection().GetTitle()
	}
	tag := "zh-CN"
	if j.lang == english {
		tag = "en"
	}
	made := j.now.In(s.zone).Format("2006-01-02 15:04:05 -07:00")
	p.doc, err = typeset.New(typeset.Info{Title: j.lang.of(what) + " " + title, Language: tag, Created: j.now, Footer: func(page, pages int) string {
		return fmt.Sprintf(p.say("%s · 导出于 %s · 第 %d / %d 页", "%s · exported %s · page %d of %d"), id, made, page, pages)
	}})
	if err != nil {
		return &engine.Error{Kind: engine.Internal, Cause: err}
	}
	p.doc.Title(strings.TrimSpace(j.lang.of(what) + " · " + title))
	p.doc.Pair(p.say("编号", "Id"), id)
	p.doc.Pair(p.say("项目", "Site"), s.site)
	p.doc.Pair(p.say("时区", "Time zone"), s.zoneName())
	if kind == kindTicket {
		p.ticket(p.change.GetRecord().GetTicket())
	} else {
		p.round(p.change.GetRecord().GetInspection())
	}
	p.remarks()
	if err := p.pictures(ctx); err != nil {
		return err
	}
	if err := p.witness(ctx); err != nil {
		return err
	}
	if p.line.err != nil {
		return p.line.err
	}
	name := fileName(string(kind), []*scope{{name: s.name}}, strings.ReplaceAll(id, "-", "")[20:]) + ".pdf"
	if err := j.out.head(name, mediaPDF, 1); err != nil {
		return err
	}
	j.out.rows = 1
	if _, err := p.doc.WriteTo(j.out); err != nil {
		if j.out.err != nil {
			return j.out.err
		}
		return &engine.Error{Kind: engine.Internal, Cause: err}
	}
	return nil
}

// state is the word and the code.
func (p *paper) state(e enum) string {
	if code(e) == "" {
		return ""
	}
	return p.lang.in(e) + " (" + code(e) + ")"
}

// ticket writes what stands in a ticket.
func (p *paper) ticket(t *roundsv1.Ticket) {
	p.doc.Pair(p.say("状态", "State"), p.state(t.GetState()))
	p.doc.Pair(p.say("类别", "Category"), or(p.line.look(func() (string, error) { return p.s.names.category(p.ctx, t.GetCategoryId()) }), t.GetCategoryId()))
	p.doc.Pair(p.say("优先级", "Priority"), p.lang.in(t.GetPriority()))
	p.doc.Pair(p.say("地点", "Place"), p.line.look(func() (string, error) { return p.s.names.where(p.ctx, t.GetLocation()) }))
	p.doc.Pair(p.say("设施", "Asset"), p.line.look(func() (string, error) { return p.s.names.asset(p.ctx, t.GetAssetId()) }))
	p.doc.Pair(p.say("上报时间", "Reported"), p.when(reported(p.change)))
	p.doc.Pair(p.say("来源", "Channel"), p.lang.in(t.GetChannel()))
	if p.s.personal {
		p.doc.Pair(p.say("报事人", "Reporter"), p.person(t.GetReporterId()))
		p.doc.Pair(p.say("户号", "Household"), t.GetHouseholdId())
		p.doc.Pair(p.say("联系电话", "Contact phone"), t.GetContactPhone())
	}
	p.doc.Pair(p.say("客户原话", "Customer's words"), t.GetCustomerWords())
	p.doc.Pair(p.say("描述", "Description"), t.GetDescription())
	p.doc.Pair(p.say("处理人", "Assignee"), p.person(t.GetAssigneeId()))
	p.doc.Pair(p.say("协作人", "Crew"), p.people(t.GetCrewIds()))
	p.doc.Pair(p.say("轮次", "Round"), strconv.Itoa(int(t.GetRound())))
	if t.GetEscalationLevel() > 0 {
		p.doc.Pair(p.say("升级级别", "Escalation level"), strconv.Itoa(int(t.GetEscalationLevel())))
	}
	p.doc.Pair(p.say("关闭时间", "Closed"), p.when(t.GetClosedTimeUs()))
	p.doc.Pair(p.say("确认人", "Approved by"), p.people(t.GetApproverIds()))
	p.doc.Pair(p.say("客户评价", "Customer"), p.lang.in(t.GetAcceptance()))
	p.doc.Pair(p.say("状态原因", "Reason"), t.GetStateReason())
	p.doc.Pair(p.say("标记", "Flags"), strings.Join(t.GetFlags(), ", "))
	p.doc.Pair(p.say("备注", "Notes"), t.GetNotes())

	var moves []moment
	for _, m := range t.GetMoves() {
		note := m.GetReason()
		if m.GetStopsClock() {
			note += p.say(" (停止计时)", " (the clocks stop)")
		}
		if m.GetLate() {
			note += p.say(" (补传)", " (arrived late)")
		}
		if !m.GetExact() {
			note += p.say(" (时间为推算)", " (time estimated)")
		}
		moves = append(moves, moment{m.GetTimeUs(), p.state(m.GetState()), m.GetPersonId(), note})
	}
	p.timeline(moves, t.GetCompletions(), t.GetReviews())

	var rows [][]string
	for _, d := range t.GetDeadlines() {
		note := p.lang.in(d.GetState())
		if d.GetOfflineFalseAlarm() {
			note += p.say(" (离线误报)", " (false alarm, offline)")
		}
		rows = append(rows, []string{p.lang.in(d.GetStep()), strconv.Itoa(int(d.GetRound())), p.when(d.GetDueUs()), p.when(d.GetDoneUs()), note, p.person(d.GetOwnerId())})
	}
	p.section("时限", "Deadlines", []float64{0.12, 0.08, 0.22, 0.22, 0.2, 0.16}, [][2]string{{"环节", "Step"}, {"轮次", "Round"}, {"时限", "Due"}, {"实际", "Done"},
		{"结果", "Result"}, {"责任人", "Owner"}}, rows)
	p.answers(t.GetAnswers(), ticketAnswers, t.GetRequirements().GetChecklistId(), t.GetRequirements().GetChecklistVersion(), nil)
	p.measured(t.GetReadings(), t.GetLabour(), ticketReadings, ticketLabour)
}

// round writes what stands in an inspection round.
func (p *paper) round(i *roundsv1.Inspection) {
	list := p.checklist(p.s, i.GetChecklistId(), i.GetChecklistVersion())
	p.doc.Pair(p.say("状态", "State"), p.state(i.GetState()))
	p.doc.Pair(p.say("检查表", "Checklist"), fmt.Sprintf("%s v%d", or(p.lang.text(list.GetName()), i.GetChecklistId()), i.GetChecklistVersion()))
	p.doc.Pair(p.say("窗口", "Window"), p.when(i.GetWindowStartUs())+" – "+p.when(i.GetWindowEndUs()))
	p.doc.Pair(p.say("巡检人", "Inspector"), p.person(i.GetInspectorId()))
	p.doc.Pair(p.say("轮次", "Round"), strconv.Itoa(int(i.GetRound())))
	if len(i.GetCompletions()) > 0 {
		p.doc.Pair(p.say("得分", "Score"), strconv.FormatFloat(i.GetScore(), 'f', -1, 64))
	}
	if i.GetFailed() {
		p.doc.Pair(p.say("红线", "Red line"), p.say("已触碰，本次不通过", "crossed: the round has failed"))
	}
	if t := i.GetTally(); t != nil {
		p.doc.Pair(p.say("统计", "Tally"), fmt.Sprintf(p.say("合格 %d，不合格 %d，不适用 %d，跳过 %d，未答 %d", "passed %d, failed %d, not applicable %d, skipped %d, open %d"),
			t.GetPassed(), t.GetFailed(), t.GetNotApplicable(), t.GetSkipped(), t.GetOpen()))
	}
	p.doc.Pair(p.say("状态原因", "Reason"), i.GetStateReason())
	p.doc.Pair(p.say("标记", "Flags"), strings.Join(i.GetFlags(), ", "))
	p.doc.Pair(p.say("备注", "Notes"), i.GetNotes())
	p.timeline(nil, i.GetCompletions(), i.GetReviews())

	var rows [][]string
	for _, v := range i.GetOfficialVisits() {
		rows = append(rows, []string{strconv.Itoa(int(v.GetRound())), or(p.line.look(func() (string, error) { return p.s.names.place(p.ctx, v.GetCheckpointId()) }), v.GetCheckpointId()),
			p.when(v.GetTimeUs()), p.person(v.GetPersonId()), p.people(v.GetConfirmedByIds()), strings.Join(v.GetFlags(), ", ")})
	}
	p.section("点位", "Checkpoints", []float64{0.08, 0.28, 0.2, 0.14, 0.14, 0.16}, [][2]string{{"轮次", "Round"}, {"点位", "Checkpoint"}, {"时间", "Time"}, {"人员", "Person"},
		{"同行", "Confirmed by"}, {"标记", "Flags"}}, rows)
	p.answers(i.GetAnswers(), roundAnswers, i.GetChecklistId(), i.GetChecklistVersion(), i.GetCheckpointIds())
	p.measured(i.GetReadings(), i.GetLabour(), roundReadings, roundLabour)
}

func or(first, second string) string {
	if first == "" {
		return second
	}
	return first
}

// moment is one line of the timeline.
type moment struct {
	us     int64
	what   string
	person string
	note   string
}

// timeline writes what happened, by time.
func (p *paper) timeline(all []moment, completions []*roundsv1.Completion, reviews []*roundsv1.Review) {
	for _, c := range completions {
		all = append(all, moment{c.GetTimeUs(), fmt.Sprintf(p.say("报完工（第 %d 轮）", "reported as done (round %d)"), c.GetRound()), c.GetPersonId(),
			fmt.Sprintf(p.say("照片 %d 张", "photos: %d"), len(c.GetPhotoIds()))})
	}
	for _, r := range reviews {
		all = append(all, moment{r.GetTimeUs(), fmt.Sprintf(p.say("%s（第 %d 轮）", "%s (round %d)"), p.lang.in(r.GetVerdict()), r.GetRound()), r.GetPersonId(),
			strings.TrimSpace(r.GetReason() + " " + r.GetWords())})
	}
	slices.SortStableFunc(all, func(a, b moment) int { return int(min(max(a.us-b.us, -1), 1)) })
	rows := make([][]string, len(all))
	for i, m := range all {
		rows[i] = []string{p.when(m.us), m.what, p.person(m.person), m.note}
	}
	p.section("经过", "Timeline", []float64{0.22, 0.28, 0.16, 0.34}, [][2]string{{"时间", "Time"}, {"事件", "What"}, {"人员", "Who"}, {"说明", "Note"}}, rows)
}

// section writes a table under a heading, where there is something to say.
func (p *paper) section(zh, en string, shares []float64, heads [][2]string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	p.doc.Heading(p.say(zh, en))
	names := make([]string, len(heads))
	for i, head := range heads {
		names[i] = p.say(head[0], head[1])
	}
	p.doc.Table(shares, names, rows)
}

// answers writes the checklist: what is asked once, then what is asked at each checkpoint, in the order of the route and of the list; and behind it what the list does not name.
func (p *paper) answers(answers map[string]*roundsv1.Answer, field uint32, series string, version uint32, checkpoints []string) {
	list, stamps := p.checklist(p.s, series, version), stampsOf(p.change)
	var rows [][]string
	add := func(item, question string, a *roundsv1.Answer, stamp *roundsv1.Stamp, beside bool) {
		result, reading := p.lang.in(a.GetResult()), ""
		if beside {
			result += p.say("（并存）", " (beside)")
		}
		if a.Reading != nil {
			reading = strconv.FormatFloat(a.GetReading(), 'f', -1, 64)
		}
		rows = append(rows, []string{question, result, reading, a.GetNote(), p.person(stamp.GetPersonId()), p.when(stamp.GetTimeUs())})
	}
	named, order := map[string]string{}, []string{}
	p.items = named
	for _, asked := range checklist.Ask(list, checkpoints, answers) {
		named[asked.Key] = p.question(asked)
		order = append(order, asked.Key)
	}
	for _, item := range slices.Sorted(maps.Keys(answers)) {
		if named[item] == "" {
			named[item] = item
			if asked, ok := checklist.Find(list, checkpoints, item); ok { // by its own id, and at a checkpoint too
				named[item] = p.question(asked)
			}
			order = append(order, item)
		}
	}
	beside := besides(p.change, field)
	for _, item := range order {
		if a := answers[item]; a != nil {
			add(item, named[item], a, stamps[element{field, item}], false)
		} else if len(answers) > 0 {
			rows = append(rows, []string{named[item], p.say("未答", "open"), "", "", "", ""})
		}
		for _, b := range beside {
			if b.item == item {
				add(item, named[item], b.answer, b.stamp, true)
			}
		}
	}
	p.section("检查项", "Checklist", []float64{0.3, 0.14, 0.1, 0.2, 0.11, 0.15}, [][2]string{{"检查项", "Item"}, {"结果", "Result"}, {"读数", "Reading"}, {"说明", "Note"},
		{"人员", "Person"}, {"时间", "Time"}}, rows)
}

// question is what was asked, and where; with how much it weighs, and whether it decides alone.
func (p *paper) question(asked checklist.Question) string {
	question := or(p.lang.text(asked.Item.GetQuestion()), asked.Item.GetId())
	if at := asked.Checkpoint; at != "" {
		question = or(p.line.look(func() (string, error) { return p.s.names.place(p.ctx, at) }), at) + " · " + question
	}
	if weight := asked.Item.GetWeight(); weight > 0 {
		question += fmt.Sprintf(p.say("（权重 %v）", " (weight %v)"), weight)
	}
	if asked.Item.GetRedLine() {
		question += p.say("（红线）", " (red line)")
	}
	return question
}

// measured writes readings and intervals of work.
func (p *paper) measured(readings []*roundsv1.Reading, labour []*roundsv1.Labour, readingField, labourField uint32) {
	stamps := stampsOf(p.change)
	var rows [][]string
	for _, r := range readings {
		stamp := stamps[element{readingField, r.GetId()}]
		rows = append(rows, []string{r.GetQuantity(), strconv.FormatFloat(r.GetValue(), 'f', -1, 64) + " " + r.GetUnit(), p.person(stamp.GetPersonId()), p.when(stamp.GetTimeUs())})
	}
	p.section("读数", "Readings", []float64{0.34, 0.22, 0.22, 0.22}, [][2]string{{"测量项", "Quantity"}, {"数值", "Value"}, {"人员", "Person"}, {"时间", "Time"}}, rows)
	rows = nil
	for _, one := range labour {
		spent := ""
		if m := minutes(one); m != nil {
			spent = strconv.FormatFloat(*m, 'f', 1, 64)
		}
		rows = append(rows, []string{p.person(one.GetPersonId()), spent, p.when(stamps[element{labourField, one.GetId()}].GetTimeUs())})
	}
	p.section("工时", "Labour", []float64{0.4, 0.3, 0.3}, [][2]string{{"人员", "Person"}, {"分钟", "Minutes"}, {"记录时间", "Recorded"}}, rows)
}

// remarks writes what was said.
func (p *paper) remarks() {
	var rows [][]string
	for _, one := range p.notes {
		c, stamp := one.GetRecord().GetComment(), created(one)
		words := c.GetWords()
		if c.GetHidden() != nil {
			words = p.say("（已隐藏：", "(hidden: ") + c.GetHidden().GetReason() + p.say("）", ")")
		}
		rows = append(rows, []string{p.when(stamp.GetTimeUs()), p.person(or(c.GetPersonId(), stamp.GetPersonId())), words})
	}
	p.section("备注记录", "Remarks", []float64{0.22, 0.18, 0.6}, [][2]string{{"时间", "Time"}, {"人员", "Person"}, {"内容", "Words"}}, rows)
}

// witness writes what the document can be held against: digests of reviews, entries of the journal, and the journal's head.
func (p *paper) witness(ctx context.Context) error {
	reviews := p.change.GetRecord().GetTicket().GetReviews()
	if p.kind == kindInspection {
		reviews = p.change.GetRecord().GetInspection().GetReviews()
	}
	var rows [][]string
	for _, r := range reviews {
		if len(r.GetDigest()) > 0 {
			rows = append(rows, []string{p.when(r.GetTimeUs()), p.lang.in(r.GetVerdict()), p.person(r.GetPersonId()), fmt.Sprintf("%x", r.GetDigest())})
		}
	}
	p.section("确认时的证据摘要", "Digests of the evidence that was reviewed", []float64{0.18, 0.1, 0.14, 0.58}, [][2]string{{"时间", "Time"}, {"结论", "Verdict"}, {"人员", "Person"},
		{"摘要 SHA-256", "Digest, SHA-256"}}, rows)

	var entries [][]string
	more := 0
	for one, err := range p.cfg.Records.History(ctx, p.s.name, p.kind, p.change.GetRecordId(), engine.HistorySpan{To: p.s.head + 1, Reverse: true}) {
		if err != nil {
			return err
		}
		if len(entries) == mostEntries {
			more++
			continue
		}
		who := p.person(one.Head.GetPersonId())
		if one.Head.GetPersonId() == "" {
			who = p.say("系统", "server")
		}
		what := summary(&entry{head: one.Head, content: one.Content})
		if journal.Redacted(one.Head, one.Content) {
			what = p.say("内容已依规删除", "content removed by law")
		}
		entries = append(entries, []string{strconv.FormatUint(one.Head.GetSeq(), 10), p.when(one.Head.GetTakenUs()), who, what, p.lang.in(one.Head.GetOutcome().GetStatus()), one.Hash.String()})
	}
	slices.Reverse(entries)
	p.section("历史记录", "Journal entries", []float64{0.08, 0.16, 0.11, 0.24, 0.09, 0.32}, [][2]string{{"序号", "Seq"}, {"接收时间", "Taken"}, {"人员", "Person"}, {"内容", "Content"},
		{"结果", "Outcome"}, {"本条哈希", "Entry hash"}}, entries)
	if more > 0 {
		p.doc.Note(fmt.Sprintf(p.say("更早的 %d 条未列出。", "%d earlier entries are not listed."), more))
	}
	p.doc.Heading(p.say("核验", "To check this"))
	p.doc.Paragraph(fmt.Sprintf(p.say("导出时范围 %s 的历史共 %d 条，末条哈希：%s", "At the export the journal of %s had %d entries; the hash of the last one is %s"),
		p.s.name, p.s.head, p.s.headHash))
	p.doc.Note(p.say("每条记录的哈希都包含前一条的哈希；用 rounds audit 核验服务器的历史，用 SHA-256 核对原图。",
		"Each entry's hash covers the one before it: rounds audit verifies the server's journal, and SHA-256 the original photos."))
	return nil
}
