package work_test

import (
	"slices"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/work"
)

// TestNoticeOf: told twice it is one notice; of another cause, to others or of something else it is another.
func TestNoticeOf(t *testing.T) {
	telling := func(change func(*work.Telling)) engine.Derived {
		told := work.Telling{About: &roundsv1.RecordRef{Kind: "ticket", Id: uid("record")}, Code: roundsv1.NoticeCode_NOTICE_CODE_BREACHED, People: []engine.PersonID{"b", "a", "b"},
			Sentence: &roundsv1.Text{Zh: "甲", En: "a"}, Cause: "1"}
		change(&told)
		return work.NoticeOf(told)
	}
	first := telling(func(*work.Telling) {})
	if got := first.Edit.GetRecord().GetNotice(); !slices.Equal(got.GetPersonIds(), []string{"a", "b"}) || got.GetSubject().GetId() != uid("record") {
		t.Errorf("%v", got)
	}
	if again := telling(func(t *work.Telling) { t.People, t.Sentence = []engine.PersonID{"a", "b"}, nil }); again.RecordID != first.RecordID {
		t.Error("the same has two ids")
	}
	ids := []string{string(first.RecordID)}
	for _, change := range []func(*work.Telling){
		func(t *work.Telling) { t.Cause = "2" }, func(t *work.Telling) { t.People = []engine.PersonID{"a"} }, func(t *work.Telling) { t.Role = foreman },
		func(t *work.Telling) { t.Code = roundsv1.NoticeCode_NOTICE_CODE_CHASE }, func(t *work.Telling) { t.About = &roundsv1.RecordRef{Kind: "ticket", Id: uid("x")} },
		func(t *work.Telling) { t.About = &roundsv1.RecordRef{Kind: "ticket", Id: "no uuid"} },
	} {
		ids = append(ids, string(telling(change).RecordID))
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 7 {
		t.Errorf("%v", ids)
	}
}

// TestSeen: recipients mark a notice as seen, for themselves, and change nothing else.
func TestSeen(t *testing.T) {
	seen := func(people ...string) *roundsv1.Edit {
		return &roundsv1.Edit{Record: &roundsv1.Record{Kind: &roundsv1.Record_Notice{Notice: &roundsv1.Notice{SeenByIds: people}}}, Fields: []uint32{8}}
	}
	remove := seen()
	remove.Removed = seen(uid("me")).GetRecord()
	words := seen(uid("me"))
	words.Fields = []uint32{5, 8}
	toMe, toForemen, toOthers := &roundsv1.Notice{PersonIds: []string{uid("me")}}, &roundsv1.Notice{Role: foreman}, &roundsv1.Notice{PersonIds: []string{uid("x")}, Role: supervisor}
	for _, test := range []struct {
		name   string
		notice *roundsv1.Notice
		edit   *roundsv1.Edit
		want   roundsv1.ProblemCode
	}{
		{"mine", toMe, seen(uid("me")), 0},
		{"my role's", toForemen, seen(uid("me")), 0},
		{"others'", toOthers, seen(uid("me")), roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		{"for another", toMe, seen(uid("x")), roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		{"for two", toMe, seen(uid("me"), uid("x")), roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		{"for nobody", toMe, seen(), roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		{"unseen again", toMe, remove, roundsv1.ProblemCode_PROBLEM_CODE_FIELD_SERVER},
		{"other words", toMe, words, roundsv1.ProblemCode_PROBLEM_CODE_FIELD_SERVER},
	} {
		c := caseOf("notice", change(&roundsv1.Record{Kind: &roundsv1.Record_Notice{Notice: test.notice}}), test.edit, true)
		c.Roles = []roundsv1.Role{worker, foreman}
		v := work.New(work.Config{}).Judge(c)
		if v.Problem.GetCode() != test.want {
			t.Errorf("%s: %v", test.name, v.Problem)
		}
		if test.want != 0 {
			checkProblem(t, v.Problem)
		}
	}
}
