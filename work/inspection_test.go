package work_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/calendar"
	"github.com/rounds-sync/rounds/work/checklist"
	"github.com/rounds-sync/rounds/work/policy"
	"github.com/rounds-sync/rounds/work/tag"
)

const (
	siteID = "0199c0de-0000-7000-8000-000000000001"
	gate   = "0199c0de-0000-7000-8000-000000000b01"
	pit    = "0199c0de-0000-7000-8000-000000000b02"
	roof   = "0199c0de-0000-7000-8000-000000000b03"

	pass    = roundsv1.AnswerResult_ANSWER_RESULT_PASS
	fail    = roundsv1.AnswerResult_ANSWER_RESULT_FAIL
	skipped = roundsv1.AnswerResult_ANSWER_RESULT_SKIPPED
)

// library is an organisation with one checklist in two versions, and a key for the tags of its site.
type library struct{ newest uint32 }

func (library) Category(store.Scope, merge.RecordID) *roundsv1.Category { return nil }
func (library) Policy(store.Scope) policy.Policy                        { return policy.Default() }
func (library) Calendar(store.Scope, string) (none calendar.Calendar)   { return none }
func (library) TagKeys(store.Scope) tag.Keys                            { return tag.Keys{siteKey()} }

func siteKey() tag.Key { return tag.DeriveKey([]byte("a master of thirty-two bytes here"), siteID) }

func (l library) Checklist(_ store.Scope, series string, version uint32) *roundsv1.Checklist {
	if version == 0 {
		version = l.newest
	}
	if series != uid("list") || version < 7 || version > l.newest {
		return nil
	}
	list := &roundsv1.Checklist{SeriesId: series, Version: version, Published: true, Items: []*roundsv1.ChecklistItem{
		{Id: "gutter", Question: &roundsv1.Text{Zh: "排水沟是否畅通", En: "Is the gutter clear?"}, Weight: 1, CategoryId: uid("drains")},
		{Id: "pressure", Question: &roundsv1.Text{Zh: "水压", En: "Water pressure"}, Weight: 3, Unit: "bar", Low: proto.Float64(2), High: proto.Float64(4),
			Least: proto.Float64(0), Greatest: proto.Float64(16), RedLine: true}}}
	if version >= 8 {
		list.Items = append(list.Items, &roundsv1.ChecklistItem{Id: "cover", Question: &roundsv1.Text{Zh: "井盖", En: "Cover"}, Weight: 1})
	}
	return list
}

func payload(place string) string {
	p, err := tag.Issue(tag.Tag{Site: siteID, Place: place}, siteKey())
	if err != nil {
		panic(err)
	}
	return p
}

func round(i *roundsv1.Inspection) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: i}}
}

func answer(result roundsv1.AnswerResult, note string, photos ...string) *roundsv1.Answer {
	return &roundsv1.Answer{Result: result, Note: note, PhotoIds: photos}
}

func measured(bar float64) *roundsv1.Answer {
	return &roundsv1.Answer{Result: pass, Reading: proto.Float64(bar)}
}

// answers is the fact of one or more answers.
func answers(of map[string]*roundsv1.Answer) *roundsv1.Fact {
	return &roundsv1.Fact{Record: round(&roundsv1.Inspection{Answers: of})}
}

func walk(name string) *roundsv1.InspectionCommand {
	c := proto.CloneOf(inspectionActs()[name])
	if s := c.GetSubmit(); s != nil {
		s.Round = 1
	}
	if a := c.GetApprove(); a != nil {
		a.Round = 1
	}
	if r := c.GetReturn(); r != nil {
		r.Round = 1
	}
	return c
}

// patrol is a site that knows its checklists, with a round on devices.
type patrol struct {
	*site
	id                string
	x, y, chief, lead *phone
}

func newPatrol(t *testing.T, newest uint32, i *roundsv1.Inspection) *patrol {
	s := newSiteOf(t, work.Config{Reference: library{newest}, Tags: library{newest}})
	p := &patrol{site: s, id: uid("round"), x: s.phone("X", worker), y: s.phone("Y", worker), chief: s.phone("S", supervisor), lead: s.phone("F", foreman)}
	i.ChecklistId = uid("list")
	p.lead.done(p.id, &roundsv1.Edit{Record: round(i)})
	p.lead.done(p.id, walk("release"))
	p.x.sync()
	p.y.sync()
	return p
}

func (p *patrol) round() *roundsv1.Inspection {
	p.chief.sync()
	return p.chief.replica[p.id].GetRecord().GetInspection()
}

// approvesWalk is an approval with the digest of what the phone shows.
func (p *phone) approvesWalk(round string) *roundsv1.InspectionCommand {
	p.t.Helper()
	p.sync()
	sum, err := work.Digest(p.replica[round], func(_ merge.Kind, id merge.RecordID) (*roundsv1.Change, error) { return p.replica[string(id)], nil })
	if err != nil {
		p.t.Fatal(err)
	}
	act := walk("approve")
	act.GetApprove().ReviewDigest = sum
	return act
}

// force writes a state as the server's worker does.
func (p *patrol) force(i *roundsv1.Inspection, fields ...uint32) {
	p.t.Helper()
	if err := p.engine.Write(p.t.Context(), siteScope, func(engine.View) ([]engine.Derived, error) {
		return []engine.Derived{{RecordID: merge.RecordID(p.id), Edit: &roundsv1.Edit{Record: round(i), Fields: fields}}}, nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

// tickets are those that the round made, by item.
func (p *patrol) tickets() map[string]*roundsv1.Ticket {
	p.chief.sync()
	all := map[string]*roundsv1.Ticket{}
	for _, c := range p.chief.replica {
		if t := c.GetRecord().GetTicket(); t.GetOrigin().GetInspectionId() == p.id {
			all[t.GetOrigin().GetItemId()] = t
		}
	}
	return all
}

// TestRelease pins the newest version that is published, and refuses one that is not known.
func TestRelease(t *testing.T) {
	rules := work.New(work.Config{Reference: library{8}})
	window := time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC).UnixMicro()
	for said, want := range map[uint32]uint32{0: 8, 7: 7, 8: 8} {
		i := &roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PLANNED, ChecklistId: uid("list"), ChecklistVersion: said, WindowEndUs: window}
		c := caseOf("inspection", change(round(i)), walk("release"), true)
		got := after(t, c, rules.Judge(c).Effect).GetInspection()
		if got.GetChecklistVersion() != want || got.GetGraceEndUs() != window+policy.Default().MissedGrace.Microseconds() || got.GetGraceEndUs() <= window {
			t.Errorf("version %d: %v", said, got)
		}
	}
	for _, said := range []uint32{6, 9} {
		i := &roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PLANNED, ChecklistId: uid("list"), ChecklistVersion: said}
		v := rules.Judge(caseOf("inspection", change(round(i)), walk("release"), true))
		if v.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION || v.Problem.GetFacts()["newest"] != "8" || v.Effect != nil {
			t.Errorf("version %d: %v", said, v.Problem)
		}
		checkProblem(t, v.Problem)
	}
	// A list that the organisation does not have, or has not published, is no list to walk with; without an organisation it is not asked about.
	for _, said := range []uint32{0, 3} {
		i := &roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PLANNED, ChecklistId: uid("another list"), ChecklistVersion: said}
		c := caseOf("inspection", change(round(i)), walk("release"), true)
		v := rules.Judge(c)
		if v.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION || v.Problem.GetFacts()["checklist"] != uid("another list") || v.Effect != nil {
			t.Errorf("another list: %v", v)
		}
		checkProblem(t, v.Problem)
		if v := plainRules().Judge(c); v.Problem != nil {
			t.Errorf("%v", v.Problem)
		}
	}
}

// TestStart: a walk begins at a tag.
func TestStart(t *testing.T) {
	rules := work.New(work.Config{Reference: library{8}, Tags: library{8}})
	scan := func(payload, photo string) *roundsv1.InspectionCommand {
		return &roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Start{Start: &roundsv1.InspectionStart{ScanPayload: payload, BrokenTagPhotoId: photo}}}
	}
	forged, err := tag.Issue(tag.Tag{Site: siteID, Place: gate}, tag.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		act     *roundsv1.InspectionCommand
		ordered bool
		code    roundsv1.ProblemCode
		flags   []string
	}{
		{"the first tag", scan(payload(gate), ""), true, 0, nil},
		{"the second tag of an ordered route", scan(payload(pit), ""), true, 0, []string{"other_tag"}},
		{"the second tag of another", scan(payload(pit), ""), false, 0, nil},
		{"a tag off the route", scan(payload(roof), ""), false, 0, []string{"other_tag"}},
		{"a forged tag", scan(forged, ""), true, 0, []string{"false_tag"}},
		{"a tag of an older system", scan("NFC:04A2", ""), true, 0, nil},
		{"something else", scan("hello", ""), true, 0, []string{"false_tag"}},
		{"a broken tag", scan("", uid("photo of the tag")), true, 0, []string{"tag_broken"}},
		{"nothing", scan("", ""), true, roundsv1.ProblemCode_PROBLEM_CODE_MISSING, nil},
	} {
		i := &roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_RELEASED, Round: 1, CheckpointIds: []string{gate, pit}, Route: &roundsv1.Route{Ordered: test.ordered}}
		c := caseOf("inspection", change(round(i)), test.act, true)
		c.Lookup = world{gate: {Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Tag: "NFC:04A2"}}}, pit: {Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{}}}}.lookup
		v := rules.Judge(c)
		if v.Problem.GetCode() != test.code || !slices.Equal(v.Flags, test.flags) || !slices.Equal(v.Effect.GetRecord().GetInspection().GetFlags(), test.flags) {
			t.Errorf("%s: %v %v", test.name, v.Problem, v.Flags)
		}
		if test.code != 0 {
			checkProblem(t, v.Problem)
		}
		if test.name == "a broken tag" {
			made := derived(t, v, string(work.FailureTicketID(merge.RecordID(uid("record")), gate, "~tag"))).GetRecord().GetTicket()
			if made.GetState() != roundsv1.TicketState_TICKET_STATE_NEW || made.GetLocation().GetPlaceId() != gate ||
				!slices.Equal(made.GetOrigin().GetPhotoIds(), []string{uid("photo of the tag")}) {
				t.Errorf("%v", made)
			}
		} else if slices.ContainsFunc(v.Derived, func(d engine.Derived) bool { return d.Edit.GetRecord().GetTicket() != nil }) {
			t.Errorf("%s: a ticket was made", test.name)
		}
	}
	meant := &roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_RELEASED, Round: 1, AssigneeId: uid("x")}
	c := caseOf("inspection", change(round(meant)), scan("", ""), true)
	c.Roles = []roundsv1.Role{worker}
	if v := rules.Judge(c); v.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
		t.Errorf("another's round: %+v", v)
	}
}

// TestSubmitGuard: a submission names what it lacks.
func TestSubmitGuard(t *testing.T) {
	rules := work.New(work.Config{Reference: library{8}})
	whole := func() map[string]*roundsv1.Answer {
		return map[string]*roundsv1.Answer{"gutter": answer(pass, ""), "pressure": measured(3), "cover": answer(pass, "")}
	}
	for _, test := range []struct {
		name   string
		change func(map[string]*roundsv1.Answer)
		facts  map[string]string
	}{
		{"whole", func(map[string]*roundsv1.Answer) {}, nil},
		{"skipped with a reason", func(m map[string]*roundsv1.Answer) { m["cover"] = answer(skipped, "locked") }, nil},
		{"unanswered", func(m map[string]*roundsv1.Answer) { delete(m, "gutter"); delete(m, "cover") }, map[string]string{"unanswered": "gutter,cover"}},
		{"skipped", func(m map[string]*roundsv1.Answer) { m["cover"] = answer(skipped, "") }, map[string]string{"reasons": "cover"}},
		{"failed", func(m map[string]*roundsv1.Answer) { m["gutter"] = answer(fail, "") }, map[string]string{"photos": "gutter", "notes": "gutter"}},
		{"failed by its reading", func(m map[string]*roundsv1.Answer) { m["pressure"] = measured(5) }, map[string]string{"photos": "pressure", "notes": "pressure"}},
		{"impossible", func(m map[string]*roundsv1.Answer) { m["pressure"] = measured(99) }, map[string]string{"impossible": "pressure"}},
		{"at one checkpoint of two", func(m map[string]*roundsv1.Answer) {
			delete(m, "gutter")
			m[checklist.Key(gate, "gutter")] = answer(pass, "")
		}, map[string]string{"unanswered": checklist.Key(pit, "gutter")}},
	} {
		i := &roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_RUNNING, Round: 1, InspectorId: uid("me"), ChecklistId: uid("list"), ChecklistVersion: 8,
			CheckpointIds: []string{gate, pit}, Answers: whole()}
		test.change(i.Answers)
		v := rules.Judge(caseOf("inspection", change(round(i)), walk("submit"), true))
		if (v.Problem == nil) != (test.facts == nil) {
			t.Errorf("%s: %v", test.name, v.Problem)
			continue
		}
		if test.facts == nil {
			continue
		}
		checkProblem(t, v.Problem)
		if v.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_MISSING || strings.Contains(v.Problem.GetSentence().GetEn(), "{") {
			t.Errorf("%s: %v", test.name, v.Problem)
		}
		for _, name := range []string{"unanswered", "impossible", "photos", "notes", "reasons"} {
			if got := v.Problem.GetFacts()[name]; got != test.facts[name] {
				t.Errorf("%s: %s = %q, want %q", test.name, name, got, test.facts[name])
			}
		}
	}
}

// TestWalk takes a round through its life, with a failed item, a return and a second walk.
func TestWalk(t *testing.T) {
	p := newPatrol(t, 8, &roundsv1.Inspection{Title: "pump room"})
	p.x.done(p.id, walk("start"))
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(fail, "full of leaves", uid("leaves")), "pressure": measured(3)}))
	made := p.tickets()["gutter"]
	if made.GetState() != roundsv1.TicketState_TICKET_STATE_NEW || made.GetTitle() != "排水沟是否畅通 / Is the gutter clear?" || made.GetCategoryId() != uid("drains") ||
		made.GetDescription() != "full of leaves" || made.GetReporterId() != uid("X") || made.GetChannel() != roundsv1.Channel_CHANNEL_INSPECTION ||
		!slices.Equal(made.GetOrigin().GetPhotoIds(), []string{uid("leaves")}) || made.GetRound() != 1 || made.GetReportedTimeUs() == 0 {
		t.Fatalf("%v", made)
	}
	p.x.sync()
	early := p.x.do(p.id, walk("submit"))
	p.x.sync()
	p.x.refused(early, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{"cover": answer(pass, "")}))
	p.x.done(p.id, walk("submit"))
	i := p.round()
	if i.GetState() != roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED || i.GetScore() != 80 || i.GetFailed() || i.GetTally().GetPassed() != 2 || i.GetTally().GetFailed() != 1 ||
		len(i.GetCompletions()) != 1 || !slices.Equal(i.GetCompletions()[0].GetPhotoIds(), []string{uid("leaves")}) {
		t.Fatalf("%v", i)
	}
	// An answer that comes late counts in the score, and fails the round.
	p.y.done(p.id, answers(map[string]*roundsv1.Answer{"pressure": measured(9)}))
	if i = p.round(); i.GetScore() != 80 && i.GetScore() != 20 || !i.GetFailed() || len(p.tickets()) != 2 {
		t.Fatalf("%v", i)
	}
	p.force(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW}, 40)
	back := walk("return")
	back.GetReturn().ItemIds = []string{"cover"}
	p.chief.done(p.id, back)
	if i = p.round(); i.GetRound() != 2 || i.GetReviews()[0].GetVerdict() != roundsv1.Verdict_VERDICT_REJECTED || !slices.Equal(i.GetReviews()[0].GetItemIds(), []string{"cover"}) {
		t.Fatalf("%v", i)
	}
	p.x.done(p.id, walk("start"))
	p.x.sync()
	again := walk("submit")
	again.GetSubmit().Round = 2
	seq := p.x.do(p.id, again)
	p.x.sync()
	p.x.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	if got := p.x.outcomes[seq].GetProblem().GetFacts()["unanswered"]; got != "cover" {
		t.Errorf("lacks %q", got)
	}
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{"cover": answer(fail, "cracked", uid("crack")), "pressure": answer(fail, "9 bar", uid("gauge"))}))
	p.x.done(p.id, again)
	if i = p.round(); i.GetState() != roundsv1.InspectionState_INSPECTION_STATE_SUBMITTED || i.GetScore() != 0 || len(i.GetCompletions()) != 2 {
		t.Errorf("%v", i)
	}
}

// TestReviewOfOthers: nobody reviews a walk that they had a part in, and the reviewer's digest has to be of what stands.
func TestReviewOfOthers(t *testing.T) {
	rules := work.New(work.Config{})
	at := func(change func(*roundsv1.Inspection)) *roundsv1.Inspection {
		i := &roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW, Round: 1, InspectorId: uid("x"),
			Answers: map[string]*roundsv1.Answer{"gutter": answer(pass, "")}}
		change(i)
		return i
	}
	for name, part := range map[string]func(*roundsv1.Inspection){
		"inspector": func(i *roundsv1.Inspection) { i.InspectorId = uid("me") },
		"submitted": func(i *roundsv1.Inspection) { i.Completions = []*roundsv1.Completion{{PersonId: uid("me")}} },
		"laboured":  func(i *roundsv1.Inspection) { i.Labour = []*roundsv1.Labour{{PersonId: uid("me")}} },
		"was there": func(i *roundsv1.Inspection) { i.OfficialVisits = []*roundsv1.Visit{{PersonId: uid("me")}} },
		"was there, too": func(i *roundsv1.Inspection) {
			i.OfficialVisits = []*roundsv1.Visit{{PersonId: uid("x"), ConfirmedByIds: []string{uid("me")}}}
		},
	} {
		for _, act := range []string{"approve", "return"} {
			if v := rules.Judge(caseOf("inspection", change(round(at(part))), walk(act), true)); v.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK {
				t.Errorf("%s: %s: %+v", name, act, v)
			}
		}
	}
	answered := change(round(at(func(*roundsv1.Inspection) {})))
	answered.Writes = append(answered.Writes, &roundsv1.Write{Stamp: &roundsv1.Stamp{Seq: 8, PersonId: uid("me")}, Elements: []*roundsv1.ElementKey{{Field: 7, Key: "gutter"}}})
	if v := rules.Judge(caseOf("inspection", answered, walk("approve"), true)); v.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_OWN_WORK {
		t.Errorf("answered: %+v", v)
	}
	seen := change(round(at(func(*roundsv1.Inspection) {})))
	digest, err := work.InspectionDigest(seen, lookup)
	if err != nil {
		t.Fatal(err)
	}
	act := walk("approve")
	act.GetApprove().ReviewDigest = digest
	if v := rules.Judge(caseOf("inspection", seen, act, true)); v.Problem != nil || v.Effect.GetRecord().GetInspection().GetReviews()[0].GetVerdict() != roundsv1.Verdict_VERDICT_APPROVED {
		t.Errorf("%+v", v)
	}
	for name, changed := range map[string]func(*roundsv1.Inspection){
		"another answer": func(i *roundsv1.Inspection) { i.Answers["gutter"].Result = fail },
		"one more":       func(i *roundsv1.Inspection) { i.Answers["pump"] = answer(pass, "") },
		"a photo":        func(i *roundsv1.Inspection) { i.Answers["gutter"].PhotoIds = []string{uid("photo of this round")} },
		"a visit": func(i *roundsv1.Inspection) {
			i.OfficialVisits = []*roundsv1.Visit{{ScanId: "s", Flags: []string{"false_tag"}}}
		},
	} {
		c := caseOf("inspection", change(round(at(changed))), act, true)
		c.Lookup = world{uid("photo of this round"): {Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "inspection", Id: uid("record")},
			State: roundsv1.PhotoState_PHOTO_STATE_CLEAN}}}}.lookup
		if v := rules.Judge(c); v.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestDigestOfPhotos: what becomes of a photo changes the digest, though the answers stay.
func TestDigestOfPhotos(t *testing.T) {
	rules, current := work.New(work.Config{}), change(round(&roundsv1.Inspection{State: roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW, Round: 1, InspectorId: uid("x"),
		Answers: map[string]*roundsv1.Answer{"gutter": answer(pass, "", uid("photo of this round"))}}))
	photo := &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "inspection", Id: uid("record")}, State: roundsv1.PhotoState_PHOTO_STATE_CLEAN}
	records := world{uid("photo of this round"): {Kind: &roundsv1.Record_Photo{Photo: photo}}}
	act := walk("approve")
	var err error
	if act.GetApprove().ReviewDigest, err = work.InspectionDigest(current, records.lookup); err != nil {
		t.Fatal(err)
	}
	c := caseOf("inspection", current, act, true)
	c.Lookup = records.lookup
	if v := rules.Judge(c); v.Problem != nil {
		t.Fatalf("%+v", v)
	}
	photo.Hidden = &roundsv1.Hidden{Reason: "a face"}
	if v := rules.Judge(c); v.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST {
		t.Errorf("%+v", v)
	}
}

// visit is the fact of a scan, made when the phone's clock showed that many seconds before now.
func (p *phone) visit(id, place, payload string, ago time.Duration) uint64 {
	made := p.now.Add(time.Second) // as do will have it
	at := made.Add(-ago).UnixMicro()
	return p.do(id, &roundsv1.Fact{Record: round(&roundsv1.Inspection{Visits: []*roundsv1.Scan{{Id: uid("scan " + string(p.device) + place + payload + ago.String()),
		Payload: payload, CheckpointId: place, Scanned: &roundsv1.Clock{WallUs: at, BootId: "boot", MonotonicUs: at}}}})})
}

func visited(i *roundsv1.Inspection, place string) *roundsv1.Visit {
	for _, v := range i.GetOfficialVisits() {
		if v.GetCheckpointId() == place {
			return v
		}
	}
	return nil
}

// shelf is a library that grows.
type shelf struct{ library }

// TestImpossibleReading: the fact is taken and marked, and does not count.
func TestImpossibleReading(t *testing.T) {
	p := newPatrol(t, 8, &roundsv1.Inspection{})
	p.x.done(p.id, walk("start"))
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{"gutter": answer(pass, ""), "cover": answer(pass, ""), "pressure": measured(-3)}))
	if i := p.round(); !slices.Contains(i.GetFlags(), "impossible_reading") || i.GetAnswers()["pressure"].GetReading() != -3 || len(p.tickets()) != 0 {
		t.Fatalf("%v", i)
	}
	p.x.sync()
	seq := p.x.do(p.id, walk("submit"))
	p.x.sync()
	p.x.refused(seq, roundsv1.ProblemCode_PROBLEM_CODE_MISSING)
	if got := p.x.outcomes[seq].GetProblem().GetFacts()["impossible"]; got != "pressure" {
		t.Errorf("%q", got)
	}
	p.x.done(p.id, answers(map[string]*roundsv1.Answer{"pressure": measured(3)}))
	p.x.done(p.id, walk("submit"))
}

// TestPlans: what is asked of a plan, and of whom.
func TestPlans(t *testing.T) {
	rules := work.New(work.Config{Reference: library{8}})
	whole := func() *roundsv1.Plan {
		return &roundsv1.Plan{ChecklistId: uid("list"), CheckpointIds: []string{gate, pit}, Recurrence: "DTSTART:20260101T080000\nRRULE:FREQ=DAILY", WindowUs: 1}
	}
	judge := func(p *roundsv1.Plan, roles ...roundsv1.Role) engine.Verdict {
		c := caseOf("plan", nil, &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: p}}}, true)
		c.Mutation.Base, c.Mutation.BaseTimeUs = 0, 0
		c.Lookup = world{gate: {Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{}}}, pit: {Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{}}}}.lookup
		if len(roles) > 0 {
			c.Roles = roles
		}
		return rules.Judge(c)
	}
	if v := judge(whole()); v.Problem != nil {
		t.Errorf("%v", v.Problem)
	}
	if v := judge(whole(), foreman); v.Problem.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
		t.Errorf("%+v", v)
	}
	for field, alter := range map[string]func(*roundsv1.Plan){
		"recurrence":     func(p *roundsv1.Plan) { p.Recurrence = "every day" },
		"window_us":      func(p *roundsv1.Plan) { p.WindowUs = 0 },
		"checklist_id":   func(p *roundsv1.Plan) { p.ChecklistId = uid("no list") },
		"checkpoint_ids": func(p *roundsv1.Plan) { p.CheckpointIds = []string{gate, uid("nowhere")} },
	} {
		p := whole()
		alter(p)
		v := judge(p)
		if v.Problem.GetField() != "edit.record.plan."+field {
			t.Errorf("%s: %+v", field, v)
			continue
		}
		checkProblem(t, v.Problem)
		// Who edits something else is not asked about it.
		c := caseOf("plan", planChange(p), &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: &roundsv1.Plan{Suspended: true}}}, Fields: []uint32{9}}, true)
		if v := rules.Judge(c); v.Problem != nil {
			t.Errorf("%s: %v", field, v.Problem)
		}
	}
	twice := whole()
	twice.CheckpointIds = []string{gate, gate}
	if v := judge(twice); v.Problem == nil {
		t.Error("a checkpoint twice")
	}
}

func planChange(p *roundsv1.Plan) *roundsv1.Change {
	return change(&roundsv1.Record{Kind: &roundsv1.Record_Plan{Plan: p}})
}
