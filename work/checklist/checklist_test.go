package checklist_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/checklist"
)

const (
	none    = roundsv1.AnswerResult_ANSWER_RESULT_UNSPECIFIED
	pass    = roundsv1.AnswerResult_ANSWER_RESULT_PASS
	fail    = roundsv1.AnswerResult_ANSWER_RESULT_FAIL
	skipped = roundsv1.AnswerResult_ANSWER_RESULT_SKIPPED
	notHere = roundsv1.AnswerResult_ANSWER_RESULT_NOT_APPLICABLE
	place   = "0199c0de-0000-7000-8000-000000000b02"
	other   = "0199c0de-0000-7000-8000-000000000b03"
)

func reading(r float64) *roundsv1.Answer {
	return &roundsv1.Answer{Result: pass, Reading: proto.Float64(r)}
}

// TestKey: keys of different questions differ, and fit in the map of answers.
func TestKey(t *testing.T) {
	list := &roundsv1.Checklist{}
	for _, id := range []string{"gutter", "pump", strings.Repeat("a", 27), strings.Repeat("a", 28), strings.Repeat("b", 64), strings.Repeat("b", 63) + "c"} {
		list.Items = append(list.Items, &roundsv1.ChecklistItem{Id: id})
	}
	seen := map[string]bool{}
	for _, checkpoint := range []string{"", place, other} {
		for _, item := range list.GetItems() {
			key := checklist.Key(checkpoint, item.GetId())
			if len(key) > 64 || seen[key] {
				t.Errorf("key %q of %d bytes, seen before: %v", key, len(key), seen[key])
			}
			seen[key] = true
			if q, ok := checklist.Find(list, []string{place, other}, key); !ok || q.Item != item || q.Checkpoint != checkpoint || q.Key != key {
				t.Errorf("%q is found as %v %v", key, q, ok)
			}
		}
	}
	if got := checklist.Key(place, "gutter"); got != place+"/gutter" {
		t.Errorf("%q", got)
	}
	if got := checklist.Key(place, strings.Repeat("a", 28)); got != place+"/~nFR8uBFaRIg7n3C6aPdRF81V" {
		t.Errorf("%q", got)
	}
	for _, key := range []string{"", "other", place, place + "/", "x/gutter"} {
		if q, ok := checklist.Find(list, []string{place}, key); ok {
			t.Errorf("%q is found as %v", key, q)
		}
	}
}

// TestResult: what an answer counts as.
func TestResult(t *testing.T) {
	plain := &roundsv1.ChecklistItem{Id: "gutter"}
	bar := &roundsv1.ChecklistItem{Id: "pressure", Unit: "bar", Low: proto.Float64(2), High: proto.Float64(4), Least: proto.Float64(0), Greatest: proto.Float64(16)}
	for _, test := range []struct {
		name       string
		item       *roundsv1.ChecklistItem
		answer     *roundsv1.Answer
		want       roundsv1.AnswerResult
		impossible bool
	}{
		{"no answer", plain, nil, none, false},
		{"a pass", plain, &roundsv1.Answer{Result: pass}, pass, false},
		{"a note alone", plain, &roundsv1.Answer{Note: "?"}, none, false},
		{"within", bar, reading(3), pass, false},
		{"at the lower limit", bar, reading(2), pass, false},
		{"at the upper limit", bar, reading(4), pass, false},
		{"below", bar, reading(1.9), fail, false},
		{"above", bar, reading(4.1), fail, false},
		{"least", bar, reading(0), fail, false},
		{"impossibly low", bar, reading(-0.1), none, true},
		{"impossibly high", bar, reading(16.1), none, true},
		{"no number", bar, reading(math.NaN()), none, true},
		{"endless", bar, reading(math.Inf(1)), none, true},
		{"no number where none is asked", plain, reading(math.NaN()), none, true},
		{"failed by eye", bar, &roundsv1.Answer{Result: fail}, fail, false},
		{"failed within", bar, &roundsv1.Answer{Result: fail, Reading: proto.Float64(3)}, fail, false},
		{"a pass without a reading", bar, &roundsv1.Answer{Result: pass}, none, false},
		{"a reading alone", bar, &roundsv1.Answer{Reading: proto.Float64(3)}, pass, false},
		{"skipped", bar, &roundsv1.Answer{Result: skipped}, skipped, false},
	} {
		if got := checklist.Result(test.item, test.answer); got != test.want || checklist.Impossible(test.item, test.answer) != test.impossible {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// TestMissing: what stands against a submission.
func TestMissing(t *testing.T) {
	list := &roundsv1.Checklist{Items: []*roundsv1.ChecklistItem{{Id: "a"}, {Id: "b", OptionalItem: true}, {Id: "c", FailWithoutNote: true, FailWithoutPhoto: true},
		{Id: "d", Unit: "bar", Greatest: proto.Float64(16)}}}
	complete := func() map[string]*roundsv1.Answer {
		return map[string]*roundsv1.Answer{"a": {Result: pass}, "c": {Result: fail}, "d": reading(3)}
	}
	for _, test := range []struct {
		name   string
		change func(map[string]*roundsv1.Answer)
		again  map[string]bool
		want   checklist.Gaps
	}{
		{"nothing", func(map[string]*roundsv1.Answer) {}, nil, checklist.Gaps{}},
		{"an answer", func(m map[string]*roundsv1.Answer) { delete(m, "a") }, nil, checklist.Gaps{Unanswered: []string{"a"}}},
		{"photo and note of a failure", func(m map[string]*roundsv1.Answer) { m["a"] = &roundsv1.Answer{Result: fail} }, nil,
			checklist.Gaps{Photos: []string{"a"}, Notes: []string{"a"}}},
		{"photo and note of an optional failure", func(m map[string]*roundsv1.Answer) { m["b"] = &roundsv1.Answer{Result: fail} }, nil,
			checklist.Gaps{Photos: []string{"b"}, Notes: []string{"b"}}},
		{"a failure with both", func(m map[string]*roundsv1.Answer) {
			m["a"] = &roundsv1.Answer{Result: fail, Note: "full", PhotoIds: []string{"p"}}
		}, nil, checklist.Gaps{}},
		{"why it was skipped", func(m map[string]*roundsv1.Answer) { m["a"] = &roundsv1.Answer{Result: skipped} }, nil, checklist.Gaps{Reasons: []string{"a"}}},
		{"skipped with a reason", func(m map[string]*roundsv1.Answer) { m["a"] = &roundsv1.Answer{Result: skipped, Note: "locked"} }, nil, checklist.Gaps{}},
		{"an impossible reading", func(m map[string]*roundsv1.Answer) { m["d"] = reading(17) }, nil, checklist.Gaps{Impossible: []string{"d"}}},
		{"a reading", func(m map[string]*roundsv1.Answer) { m["d"] = &roundsv1.Answer{Result: pass} }, nil, checklist.Gaps{Unanswered: []string{"d"}}},
		{"a second look", func(map[string]*roundsv1.Answer) {}, map[string]bool{"c": true}, checklist.Gaps{Unanswered: []string{"c"}}},
		{"other checkpoints", func(m map[string]*roundsv1.Answer) {
			delete(m, "a")
			m[place+"/a"] = &roundsv1.Answer{Result: pass}
		}, nil, checklist.Gaps{Unanswered: []string{other + "/a"}}},
	} {
		answers := complete()
		test.change(answers)
		got := checklist.Missing(checklist.Ask(list, []string{place, other}, answers), answers, test.again)
		if fmt.Sprint(got) != fmt.Sprint(test.want) || got.None() != test.want.None() {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

// TestScore: the sums of a small list, reckoned by hand.
func TestScore(t *testing.T) {
	list := &roundsv1.Checklist{Items: []*roundsv1.ChecklistItem{{Id: "a", Weight: 3}, {Id: "b", Weight: 1}, {Id: "c", Weight: 4, RedLine: true}, {Id: "d", Weight: 2, OptionalItem: true}}}
	answer := func(r roundsv1.AnswerResult) *roundsv1.Answer { return &roundsv1.Answer{Result: r} }
	for _, test := range []struct {
		name    string
		list    *roundsv1.Checklist
		answers map[string]*roundsv1.Answer
		score   float64
		failed  bool
		tally   *roundsv1.Tally
	}{
		{"all pass", list, map[string]*roundsv1.Answer{"a": answer(pass), "b": answer(pass), "c": answer(pass)}, 100, false, &roundsv1.Tally{Passed: 3, Open: 1}},
		{"one fails", list, map[string]*roundsv1.Answer{"a": answer(pass), "b": answer(fail), "c": answer(pass)}, 87.5, false,
			&roundsv1.Tally{Passed: 2, Failed: 1, Open: 1}},
		{"the red line", list, map[string]*roundsv1.Answer{"a": answer(pass), "b": answer(pass), "c": answer(fail)}, 50, true,
			&roundsv1.Tally{Passed: 2, Failed: 1, Open: 1}},
		{"one does not apply", list, map[string]*roundsv1.Answer{"a": answer(notHere), "b": answer(fail), "c": answer(pass), "d": answer(pass)}, 600.0 / 7, false,
			&roundsv1.Tally{Passed: 2, Failed: 1, NotApplicable: 1}},
		{"skipped and open count as nothing", list, map[string]*roundsv1.Answer{"a": answer(skipped), "c": answer(pass)}, 50, false,
			&roundsv1.Tally{Passed: 1, Skipped: 1, Open: 2}},
		{"no weights", &roundsv1.Checklist{Items: []*roundsv1.ChecklistItem{{Id: "a"}, {Id: "b"}}},
			map[string]*roundsv1.Answer{"a": answer(pass), "b": answer(fail)}, 50, false, &roundsv1.Tally{Passed: 1, Failed: 1}},
		{"no list", nil, nil, 0, false, &roundsv1.Tally{}},
	} {
		got := checklist.Sum(checklist.Ask(test.list, nil, test.answers), test.answers)
		if math.Abs(got.Score-test.score) > 1e-9 || got.Failed != test.failed || !proto.Equal(got.Tally, test.tally) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

// TestFailureAtCheckpoint: an item that fails at a checkpoint fails, whatever somebody says of it once, in whatever words and by whatever reading.
func TestFailureAtCheckpoint(t *testing.T) {
	list := &roundsv1.Checklist{Items: []*roundsv1.ChecklistItem{{Id: "a", Weight: 1},
		{Id: "d", Weight: 3, RedLine: true, Unit: "bar", Low: proto.Float64(2), Greatest: proto.Float64(16)}}}
	answer := func(r roundsv1.AnswerResult) *roundsv1.Answer { return &roundsv1.Answer{Result: r} }
	lacking := func(keys ...string) checklist.Gaps { return checklist.Gaps{Photos: keys, Notes: keys} }
	for _, test := range []struct {
		name   string
		answer map[string]*roundsv1.Answer // beside a pass of both items
		score  float64
		failed bool
		tally  *roundsv1.Tally
		gaps   checklist.Gaps
	}{
		{"a pass at a checkpoint, too", map[string]*roundsv1.Answer{place + "/a": answer(pass)}, 100, false, &roundsv1.Tally{Passed: 2}, checklist.Gaps{}},
		{"a failure", map[string]*roundsv1.Answer{other + "/a": answer(fail)}, 75, false, &roundsv1.Tally{Passed: 1, Failed: 1}, lacking(other + "/a")},
		{"a failure that lacks nothing", map[string]*roundsv1.Answer{other + "/a": {Result: fail, Note: "full", PhotoIds: []string{"p"}}}, 75, false,
			&roundsv1.Tally{Passed: 1, Failed: 1}, checklist.Gaps{}},
		{"a red line, by its reading", map[string]*roundsv1.Answer{place + "/d": reading(1)}, 25, true, &roundsv1.Tally{Passed: 1, Failed: 1}, lacking(place + "/d")},
		{"at both checkpoints", map[string]*roundsv1.Answer{place + "/d": answer(fail), other + "/d": answer(fail)}, 100.0 / 7, true,
			&roundsv1.Tally{Passed: 1, Failed: 2}, lacking(place+"/d", other+"/d")},
		{"once, and at a checkpoint", map[string]*roundsv1.Answer{"a": answer(fail), place + "/a": answer(fail)}, 60, false,
			&roundsv1.Tally{Passed: 1, Failed: 2}, lacking("a", place+"/a")},
		{"skipped without a reason, and failed", map[string]*roundsv1.Answer{"a": answer(skipped), place + "/a": answer(fail)}, 75, false,
			&roundsv1.Tally{Passed: 1, Failed: 1}, checklist.Gaps{Photos: []string{place + "/a"}, Notes: []string{place + "/a"}, Reasons: []string{"a"}}},
	} {
		answers := map[string]*roundsv1.Answer{"a": answer(pass), "d": reading(3)}
		maps.Copy(answers, test.answer)
		questions := checklist.Ask(list, []string{place, other}, answers)
		got, gaps := checklist.Sum(questions, answers), checklist.Missing(questions, answers, nil)
		if math.Abs(got.Score-test.score) > 1e-9 || got.Failed != test.failed || !proto.Equal(got.Tally, test.tally) || fmt.Sprint(gaps) != fmt.Sprint(test.gaps) {
			t.Errorf("%s: %+v, %+v", test.name, got, gaps)
		}
	}
}

// counting is how many of the questions count: of an item that fails at a checkpoint what was said once does not, unless it is a failure too.
func counting(questions []checklist.Question, answers map[string]*roundsv1.Answer) (n int) {
	failed := map[string]bool{}
	for _, q := range questions {
		if checklist.Result(q.Item, answers[q.Key]) == fail {
			failed[q.Item.GetId()] = true
		}
	}
	for _, q := range questions {
		if q.Checkpoint != "" || !failed[q.Item.GetId()] || checklist.Result(q.Item, answers[q.Key]) == fail {
			n++
		}
	}
	return n
}

// TestScoreLaws: on lists and answers drawn at random the score is between 0 and 100, does not depend on the order of the items, grows with a pass in place
// of a failure, and the tally counts every question once, but those of which a failure at a checkpoint counts instead.
func TestScoreLaws(t *testing.T) {
	const seed = 20260701
	random := rand.New(rand.NewPCG(seed, 1))
	for n := range 2000 {
		list, answers := &roundsv1.Checklist{}, map[string]*roundsv1.Answer{}
		checkpoints := []string{place, other}[:random.IntN(3)]
		for i := range random.IntN(8) {
			item := &roundsv1.ChecklistItem{Id: fmt.Sprint("i", i), Weight: float64(random.IntN(4)), RedLine: random.IntN(5) == 0, OptionalItem: random.IntN(4) == 0}
			if random.IntN(3) == 0 {
				item.Unit, item.Low, item.Greatest = "bar", proto.Float64(2), proto.Float64(16)
			}
			list.Items = append(list.Items, item)
			for _, checkpoint := range append([]string{""}, checkpoints...) {
				if random.IntN(2) == 0 {
					a := &roundsv1.Answer{Result: roundsv1.AnswerResult(random.IntN(5))}
					if random.IntN(2) == 0 {
						a.Reading = proto.Float64(random.Float64()*20 - 2)
					}
					answers[checklist.Key(checkpoint, item.GetId())] = a
				}
			}
		}
		questions := checklist.Ask(list, checkpoints, answers)
		got := checklist.Sum(questions, answers)
		tally, counted := got.Tally, counting(questions, answers)
		if got.Score < 0 || got.Score > 100+1e-9 || math.IsNaN(got.Score) {
			t.Fatalf("seed %d, %d: score %v", seed, n, got.Score)
		}
		if int(tally.GetPassed()+tally.GetFailed()+tally.GetNotApplicable()+tally.GetSkipped()+tally.GetOpen()) != counted {
			t.Fatalf("seed %d, %d: %v of %d questions", seed, n, tally, counted)
		}
		shuffled := slices.Clone(questions)
		random.Shuffle(len(shuffled), func(i, k int) { shuffled[i], shuffled[k] = shuffled[k], shuffled[i] })
		if again := checklist.Sum(shuffled, answers); math.Abs(again.Score-got.Score) > 1e-9 || again.Failed != got.Failed || !proto.Equal(again.Tally, tally) {
			t.Fatalf("seed %d, %d: %+v in one order, %+v in another", seed, n, got, again)
		}
		for _, q := range questions {
			if checklist.Result(q.Item, answers[q.Key]) != fail {
				continue
			}
			better := map[string]*roundsv1.Answer{}
			for key, a := range answers {
				better[key] = a
			}
			better[q.Key] = reading(5)
			if after := checklist.Sum(questions, better); after.Score < got.Score-1e-9 {
				t.Fatalf("seed %d, %d: %v after %s passed, %v before", seed, n, after.Score, q.Key, got.Score)
			}
		}
	}
}
