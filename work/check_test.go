package work_test

import (
	"strings"
	"testing"
	"unicode"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// checkProblem requires that a refusal is typed and can be read by the crews.
func checkProblem(t testing.TB, p *roundsv1.Problem) {
	t.Helper()
	zh, en := p.GetSentence().GetZh(), p.GetSentence().GetEn()
	switch {
	case p.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_UNSPECIFIED:
		t.Fatalf("a refusal without a code: %v", p)
	case !strings.ContainsFunc(zh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) || !strings.HasSuffix(zh, "。"):
		t.Fatalf("no sentence in Chinese: %v", p)
	case en == "" || strings.ContainsFunc(en, func(r rune) bool { return unicode.Is(unicode.Han, r) }) || !strings.HasSuffix(en, "."):
		t.Fatalf("no sentence in English: %v", p)
	}
}
