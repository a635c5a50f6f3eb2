package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/work"
	"github.com/rounds-sync/rounds/work/policy"
	"github.com/rounds-sync/rounds/work/tag"
)

// speaking are the commands of a device in a language.
func speaking(lang string) (*deviceCommands, *bytes.Buffer) {
	out := &bytes.Buffer{}
	now := func() time.Time { return time.UnixMicro(1_800_000_000_000_000) }
	return &deviceCommands{program: &program{Streams: Streams{Out: out, Err: out, Now: now}, lang: lang}}, out
}

func TestSystemLanguage(t *testing.T) {
	for _, test := range []struct {
		environ []string
		want    string
	}{
		{nil, "en"}, {[]string{"LANG=zh_CN.UTF-8"}, "zh"}, {[]string{"LANG=C.UTF-8"}, "en"}, {[]string{"LANG=zh_CN", "LC_ALL=en_US"}, "en"},
		{[]string{"LANG=en_US", "LC_MESSAGES=zh_TW"}, "zh"}, {[]string{"LANG=", "LC_ALL="}, "en"},
	} {
		if got := (Streams{Environ: test.environ}).systemLanguage(); got != test.want {
			t.Errorf("%q: %s", test.environ, got)
		}
	}
}

// TestChoose: what is asked for is found by id, code, name or a part of the id; what fits nothing is refused with what is like it.
func TestChoose(t *testing.T) {
	known := []choice{
		{id: "01900000-0000-7000-8000-00000000aaaa", code: "E1", names: []string{"李伟"}},
		{id: "01900000-0000-7000-8000-00000000bbbb", code: "E2", names: []string{"王芳", "Wang Fang"}},
		{id: "01900000-0000-7000-8000-00000000cccc", code: "E3", names: []string{"王芳"}},
		{id: "01900000-0000-7000-8000-00000000dddd", code: "E17", names: []string{"张建国"}},
		{id: "01900000-0000-7000-8000-00000000eeee", code: "E18", names: []string{"赵敏"}},
		{id: "01900000-0000-7000-8000-00000000ffff", names: []string{"E2"}},
	}
	for asked, want := range map[string]string{
		"李伟": known[0].id, "e2": known[1].id, "wang fang": known[1].id, "0000aaaa": known[0].id,
		"01900000-0000-7000-8000-0000000000AB": "01900000-0000-7000-8000-0000000000ab", // unknown here, but whole
	} {
		if got, err := choose("person", asked, known, "me"); err != nil || got != want {
			t.Errorf("%s: %s, %v", asked, got, err)
		}
	}
	for asked, words := range map[string]string{
		"王芳": "2 fit the person", "李玮": "perhaps 李伟 (E1)", "张建": "张建国 (E17)", "0190": "6 fit", "nobody at all": "give me", "": "give me",
	} {
		_, err := choose("person", asked, known, "me")
		var own *exit
		if !errors.As(err, &own) || own.code != Usage || !strings.Contains(own.line, words) {
			t.Errorf("%q: %v", asked, err)
		}
	}
	if _, err := choose("place", "x", known[:2], "a whole id"); err == nil || !strings.Contains(err.Error(), "李伟 (E1), 王芳 (E2)") {
		t.Errorf("of few all are named: %v", err)
	}
	if _, err := choose("place", "x", nil, "a whole id"); err == nil {
		t.Error("of none one was found")
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"漏水", "漏水了", 1}, {"ab", "ba", 2}} {
		if got := distance([]rune(test.a), []rune(test.b)); got != test.want {
			t.Errorf("%q and %q: %d", test.a, test.b, got)
		}
	}
}

func TestAnswerResult(t *testing.T) {
	for name, want := range map[string]roundsv1.AnswerResult{"pass": 2, "PASS": 2, "合格": 2, "fail": 4, "不合格": 4, "na": 1, "not-applicable": 1, "skip": 3, "跳过": 3} {
		if got, err := answerResult(name); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := answerResult("perhaps"); err == nil {
		t.Error("perhaps is an answer")
	}
}

func TestItemOf(t *testing.T) {
	item := func(id, zh, en string) *roundsv1.ChecklistItem {
		return &roundsv1.ChecklistItem{Id: id, Question: &roundsv1.Text{Zh: zh, En: en}}
	}
	list := &roundsv1.Checklist{Items: []*roundsv1.ChecklistItem{item("dry", "无渗漏", "No leak"), item("2", "压力", "outlet pressure"), item("lock", "水箱锁闭", "tank locked")}}
	for asked, want := range map[string]string{"dry": "dry", "2": "2", "3": "lock", "1": "dry", "压": "2", "LEAK": "dry"} {
		if got, err := itemOf(list, asked); err != nil || got.GetId() != want {
			t.Errorf("%s: %v, %v", asked, got.GetId(), err)
		}
	}
	for asked, words := range map[string]string{"o": "3 items fit", "drv": "perhaps 无渗漏 (dry)", "9": "dry", "": "dry"} {
		if _, err := itemOf(list, asked); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v", asked, err)
		}
	}
	if got, err := itemOf(nil, "any"); err != nil || got.GetId() != "any" {
		t.Errorf("without a list: %v, %v", got, err)
	}
}

// TestAnswerNotes: what an answer lacks is told in both languages, and nothing of one that is complete.
func TestAnswerNotes(t *testing.T) {
	bar := &roundsv1.ChecklistItem{Unit: "bar", Low: proto.Float64(2), High: proto.Float64(4), Greatest: proto.Float64(16)}
	for _, test := range []struct {
		name   string
		item   *roundsv1.ChecklistItem
		answer *roundsv1.Answer
		en, zh []string
	}{
		{"a pass", &roundsv1.ChecklistItem{}, &roundsv1.Answer{Result: 2}, nil, nil},
		{"a bare failure", &roundsv1.ChecklistItem{}, &roundsv1.Answer{Result: 4}, []string{"--photo", "--note"}, []string{"附照片", "写说明"}},
		{"a failure that needs nothing", &roundsv1.ChecklistItem{FailWithoutPhoto: true, FailWithoutNote: true}, &roundsv1.Answer{Result: 4}, nil, nil},
		{"skipped", &roundsv1.ChecklistItem{}, &roundsv1.Answer{Result: 3}, []string{"its reason"}, []string{"写原因"}},
		{"impossible", bar, &roundsv1.Answer{Reading: proto.Float64(17)}, []string{"cannot be"}, []string{"不可能"}},
		{"without a reading", bar, &roundsv1.Answer{Result: 2}, []string{"--reading"}, []string{"读数"}},
		{"out of limits", bar, &roundsv1.Answer{Result: 2, Reading: proto.Float64(5), Note: "high", PhotoIds: []string{"p"}}, []string{"fails"}, []string{"不合格"}},
	} {
		for lang, want := range map[string][]string{"en": test.en, "zh": test.zh} {
			d, _ := speaking(lang)
			got := d.answerNotes(test.item, test.answer)
			if len(got) != len(want) {
				t.Errorf("%s: %q", test.name, got)
				continue
			}
			for i := range got {
				if !strings.Contains(got[i], want[i]) {
					t.Errorf("%s: %q says nothing of %q", test.name, got[i], want[i])
				}
			}
		}
	}
}

func TestActionOf(t *testing.T) {
	c := &roundsv1.Conflict{Actions: []roundsv1.ConflictAction{roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT, roundsv1.ConflictAction_CONFLICT_ACTION_GO_ON}}
	if got, err := actionOf(c, "Take-Result"); err != nil || got != roundsv1.ConflictAction_CONFLICT_ACTION_TAKE_RESULT {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := actionOf(c, "merge"); err == nil || !strings.Contains(err.Error(), "take_result, go_on") {
		t.Errorf("%v", err)
	}
	if _, err := actionOf(&roundsv1.Conflict{}, "merge"); err == nil {
		t.Error("a question without actions offers one")
	}
}

func TestAsks(t *testing.T) {
	foreman, butler := roundsv1.Role_ROLE_FOREMAN, roundsv1.Role_ROLE_BUTLER
	for _, test := range []struct {
		c     *roundsv1.Conflict
		roles []roundsv1.Role
		want  bool
	}{
		{&roundsv1.Conflict{OwnerId: "me", OwnerRole: butler}, []roundsv1.Role{foreman}, true}, {&roundsv1.Conflict{OwnerId: "other", OwnerRole: foreman}, []roundsv1.Role{foreman}, false},
		{&roundsv1.Conflict{OwnerRole: butler}, []roundsv1.Role{foreman}, false}, {&roundsv1.Conflict{OwnerRole: butler}, nil, true},
	} {
		if got := asks(test.c, "me", test.roles); got != test.want {
			t.Errorf("%v by %v: %v", test.c, test.roles, got)
		}
	}
}

// TestPlaceOfTag reads what package tag writes.
func TestPlaceOfTag(t *testing.T) {
	const place = "0199c0de-0000-7000-8000-000000000b02"
	payload, err := tag.Issue(tag.Tag{Site: "0199c0de-0000-7000-8000-000000000a01", Place: place}, tag.Key{1})
	if err != nil || placeOfTag(payload) != place {
		t.Errorf("%q of %q, %v", placeOfTag(payload), payload, err)
	}
	for _, foreign := range []string{"", "QR-PUMP", payload[:tag.Length-1], "R1...", strings.Replace(payload, ".", "-", 2)} {
		if got := placeOfTag(foreign); got != "" {
			t.Errorf("%q names %s", foreign, got)
		}
	}
}

// TestTold: a refusal is told in the person's language, with code and facts, and as text only.
func TestTold(t *testing.T) {
	p := &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_MISSING, Sentence: &roundsv1.Text{Zh: "还缺照片。", En: "Photos are missing."},
		Facts: map[string]string{"required": "2", "have": "1"}}
	for lang, want := range map[string]string{"en": "Photos are missing. [MISSING have=1 required=2]", "zh": "还缺照片。 [MISSING have=1 required=2]"} {
		d, out := speaking(lang)
		if got := d.told(p); got != want {
			t.Errorf("%s: %q", lang, got)
		}
		if line, code := d.explain(&client.ProblemError{Problem: p, Cause: errors.New("no")}); line != want || code != Refused {
			t.Errorf("%s: %q, %d", lang, line, code)
		}
		how := delivered{Sent: true, Refused: []string{d.told(p)}, Problems: []refused{refusedBy("rejected", p)}}
		v := client.View{Kind: "ticket", ID: "x", Version: 1, Record: ticketRecord(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_ACCEPTED})}
		if err := d.tellStanding("done", v, how); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", lang, err)
		}
		shown(t, "a standing", out.String())
	}
	d, _ := speaking("en")
	shown(t, "a refusal", d.told(&roundsv1.Problem{Sentence: &roundsv1.Text{En: escape}, Facts: map[string]string{escape: escape}}))
}

func ticketRecord(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

// TestTellStanding: what an act came to, in both languages and for programs.
func TestTellStanding(t *testing.T) {
	view := func(pending int) client.View {
		return client.View{Kind: "ticket", ID: "x", Version: 1, Pending: pending, Record: ticketRecord(&roundsv1.Ticket{State: roundsv1.TicketState_TICKET_STATE_PAUSED})}
	}
	for _, test := range []struct {
		lang string
		view client.View
		how  delivered
		want string
	}{
		{"en", view(0), delivered{Sent: true}, "pause x: sent; now paused\n"}, {"zh", view(0), delivered{Sent: true}, "挂起 x：已发送，现为「挂起」\n"},
		{"en", view(1), delivered{Why: "no"}, "pause x: queued, will be sent (no); now paused (not confirmed)\n"},
		{"zh", view(1), delivered{Why: "无"}, "挂起 x：已保存，联网后发送（无），现为「挂起」（未确认）\n"},
	} {
		d, out := speaking(test.lang)
		if err := d.tellStanding("pause", test.view, test.how); err != nil || out.String() != test.want {
			t.Errorf("%q, %v", out, err)
		}
	}
	d, out := speaking("en")
	d.json = true
	if err := d.tellStanding("pause", view(1), delivered{Why: "no"}); err != nil || !strings.Contains(out.String(), `"state": "paused"`) || !strings.Contains(out.String(), `"confirmed": false`) {
		t.Errorf("%s, %v", out, err)
	}
}

// TestStandings: every state has its words in both languages.
func TestStandings(t *testing.T) {
	for _, lang := range []string{"en", "zh"} {
		d, _ := speaking(lang)
		seen := map[string]bool{}
		for n := range roundsv1.TicketState_name {
			seen[d.ticketStanding(roundsv1.TicketState(n))] = true
		}
		if len(seen) != len(roundsv1.TicketState_name) {
			t.Errorf("%d words for the states of tickets: %v", len(seen), seen)
		}
		seen = map[string]bool{}
		for n := range roundsv1.InspectionState_name {
			seen[d.roundStanding(roundsv1.InspectionState(n))] = true
		}
		if len(seen) != len(roundsv1.InspectionState_name) {
			t.Errorf("%d words for the states of rounds: %v", len(seen), seen)
		}
		for word := range seen {
			if word == "" || strings.Contains(word, "STATE") || strings.Contains(word, "|") {
				t.Errorf("%q", word)
			}
		}
		d.ticketStanding(99)
		d.roundStanding(-1)
	}
}

func TestWorkingSince(t *testing.T) {
	const working, paused = roundsv1.TicketState_TICKET_STATE_IN_PROGRESS, roundsv1.TicketState_TICKET_STATE_PAUSED
	move := func(state roundsv1.TicketState, us int64, person string) *roundsv1.Move {
		return &roundsv1.Move{State: state, TimeUs: us, PersonId: person}
	}
	for _, test := range []struct {
		moves []*roundsv1.Move
		want  int64
	}{
		{nil, 0}, {[]*roundsv1.Move{move(working, 5, "me")}, 5}, {[]*roundsv1.Move{move(working, 5, "me"), move(paused, 6, "me")}, 0},
		{[]*roundsv1.Move{move(working, 5, "me"), move(working, 6, "other")}, 5}, {[]*roundsv1.Move{move(working, 5, "other")}, 0},
	} {
		if got := workingSince(&roundsv1.Ticket{Moves: test.moves}, "me"); got != test.want {
			t.Errorf("%v: %d", test.moves, got)
		}
	}
}

// TestPolicyOf: a site inherits from the units above it, the inner ones counting; a circle of units ends.
func TestPolicyOf(t *testing.T) {
	reason := func(code string) map[string]string {
		return map[string]string{"pause." + code: "stops|等|waiting"}
	}
	units := map[string]*roundsv1.Unit{"group": {Policy: reason("group"), ParentId: "region"}, "region": {Policy: reason("region"), ParentId: "group"}}
	p := policyOf(&roundsv1.Site{UnitId: "region", Policy: reason("site"), TimeZone: "Asia/Shanghai"}, units)
	for _, code := range []string{"group", "region", "site"} {
		if r, ok := p.Pause(code); !ok || !r.StopsClock {
			t.Errorf("%s is not there: %v", code, r)
		}
	}
	if p.TimeZone != "Asia/Shanghai" || policyOf(&roundsv1.Site{TimeZone: "nowhere"}, nil).TimeZone != policy.Default().TimeZone {
		t.Errorf("time zone %s", p.TimeZone)
	}
}

// TestReference: a device that has nothing of the organisation takes every category for one in use, and finds versions of lists by their series.
func TestReference(t *testing.T) {
	r := &deviceReference{checklists: map[string][]*roundsv1.Checklist{"s": {{Version: 2, Published: true}, {Version: 3}, {Version: 1, Published: true}}}}
	var reference work.Reference = r
	if reference.Category("", "any") == nil {
		t.Error("a category is refused that cannot be known")
	}
	r.categories = map[string]*roundsv1.Category{"one": {}}
	if reference.Category("", "any") != nil || reference.Category("", "one") == nil {
		t.Error("categories are not those that are known")
	}
	for version, want := range map[uint32]uint32{0: 2, 1: 1, 3: 3} {
		if got := reference.Checklist("", "s", version).GetVersion(); got != want {
			t.Errorf("version %d is found as %d", version, got)
		}
	}
	if reference.Checklist("", "s", 9) != nil || reference.Checklist("", "other", 0) != nil {
		t.Error("a list is found that is not there")
	}
}

// TestCertain: what others may have changed, and what only the server knows, is left to it.
func TestCertain(t *testing.T) {
	for code := range roundsv1.ProblemCode_name {
		switch c := roundsv1.ProblemCode(code); c {
		case roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, roundsv1.ProblemCode_PROBLEM_CODE_SUPERSEDED, roundsv1.ProblemCode_PROBLEM_CODE_STALE_DISPATCH,
			roundsv1.ProblemCode_PROBLEM_CODE_NOT_ON_DUTY, roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION, roundsv1.ProblemCode_PROBLEM_CODE_UNSPECIFIED:
			if certain(c, false) {
				t.Errorf("%v is refused here", c)
			}
		}
	}
}
