package export

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
)

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
	for one, err := range p.cfg.Records.History(ctx, p.s.name, p.kind, merge.RecordID(p.change.GetRecordId()), engine.HistorySpan{To: p.s.head + 1, Reverse: true}) {
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
		what := p.did(one.Head, one.Content)
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
