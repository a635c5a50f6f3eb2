package cli

import (
	"bytes"
	"regexp"
	"testing"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// TestEveryAnswerIsShown: beside an answer for the whole round those at checkpoints are shown too, what fails and what passes.
func TestEveryAnswerIsShown(t *testing.T) {
	const pass, fail = roundsv1.AnswerResult_ANSWER_RESULT_PASS, roundsv1.AnswerResult_ANSWER_RESULT_FAIL
	var out bytes.Buffer
	d := &deviceCommands{program: &program{Streams: Streams{Out: &out}}}
	err := d.printAnswers(&roundsv1.Checklist{Items: []*roundsv1.ChecklistItem{{Id: "dry"}}}, []string{"pump", "tank"}, map[string]*roundsv1.Answer{
		"dry": {Result: pass, Note: "on the whole"}, "pump/dry": {Result: fail, Note: "a puddle"}, "tank/dry": {Result: pass, Note: "well"}, "other": {Result: pass, Note: "unasked"},
	}, func(place string) string { return place })
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{`dry +- +pass .*on the whole`, `dry +pump +FAIL .*a puddle`, `dry +tank +pass .*well`, `other +- +pass .*unasked`} {
		if all := regexp.MustCompile(row).FindAllString(out.String(), -1); len(all) != 1 {
			t.Errorf("%d rows of %q in\n%s", len(all), row, out.String())
		}
	}
}
