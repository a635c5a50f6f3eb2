package export

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export/typeset"
	"github.com/rounds-sync/rounds/review"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/work/term"
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
	if p.change, err = j.cfg.Records.Record(ctx, s.name, kind, merge.RecordID(id)); err != nil {
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

// flags are marks in words, by commas; one without words is its code.
func (p *paper) flags(all []string) string {
	words := make([]string, len(all))
	for i, flag := range all {
		words[i] = cmp.Or(p.lang.text(term.Flag(flag)), flag)
	}
	return strings.Join(words, p.say("、", ", "))
}

// did says what an entry of the journal did.
func (p *paper) did(head *roundsv1.EntryHead, content []byte) string {
	return p.lang.text(review.ActWords(head, content, p.s.policy, p.named))
}

// named is what the id in a field of a mutation is called; nil where the directory does not know, and for ids of what has no name.
func (p *paper) named(field, id string) *roundsv1.Text {
	name := ""
	switch field {
	case "category_id":
		name = p.line.look(func() (string, error) { return p.s.names.category(p.ctx, id) })
	case "checklist_id":
		name = p.lang.text(p.checklist(p.s, id, 0).GetName())
	case "asset_id":
		name = p.line.look(func() (string, error) { return p.s.names.asset(p.ctx, id) })
	case "into_id", "parent_id", "merged_into_id", "target_id":
		name = p.line.look(func() (string, error) {
			return p.s.names.title(p.ctx, &roundsv1.RecordRef{Kind: string(kindTicket), Id: id})
		})
	case "assignee_id", "person_id", "second_person_id", "inspector_id", "owner_id":
		name = p.person(id)
	case "reporter_id":
		if p.s.personal {
			name = p.person(id)
		}
	}
	if name == "" || name == id {
		return nil
	}
	return &roundsv1.Text{Zh: name, En: name}
}

// state is the word and the code.
func (p *paper) state(e protoreflect.Enum) string {
	if code(e) == "" {
		return ""
	}
	return p.lang.in(e) + " (" + code(e) + ")"
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
			p.whyReviewed(r)})
	}
	slices.SortStableFunc(all, func(a, b moment) int { return cmp.Compare(a.us, b.us) })
	rows := make([][]string, len(all))
	for i, m := range all {
		rows[i] = []string{p.when(m.us), m.what, p.person(m.person), m.note}
	}
	p.section("经过", "Timeline", []float64{0.22, 0.28, 0.16, 0.34}, [][2]string{{"时间", "Time"}, {"事件", "What"}, {"人员", "Who"}, {"说明", "Note"}}, rows)
}

// whyReviewed is what a reviewer gave as the reason, in words.
func (p *paper) whyReviewed(r *roundsv1.Review) string {
	reason, words := p.lang.text(p.s.policy.WhyReturned(r.GetReason())), r.GetWords()
	if reason == "" || words == "" {
		return reason + words
	}
	return reason + p.say("；", "; ") + words
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
