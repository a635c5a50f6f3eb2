package directory

import (
	"fmt"
	"strings"
	"unicode"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
)

// problem is a refusal about one field, or one column of a table: what stands there and what is wanted.
func problem(code roundsv1.ProblemCode, field, value, zh, en string) *roundsv1.Problem {
	p := &roundsv1.Problem{Code: code, Field: field, Sentence: &roundsv1.Text{Zh: zh, En: en}}
	if value != "" {
		p.Facts = map[string]string{"value": short(value)}
	}
	return p
}

// wanted is the refusal of a value that is none of what the field takes. The words of what is wanted stand in the facts as well.
func wanted(field, value, zh, en string) *roundsv1.Problem {
	p := problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, field, value,
		fmt.Sprintf("“%s”填写的是“%s”，应为%s。", field, short(value), zh), fmt.Sprintf("%s is \"%s\", wanted %s.", field, short(value), en))
	if p.Facts == nil {
		p.Facts = map[string]string{"value": ""}
	}
	p.Facts["wanted"] = en
	return p
}

// missing is the refusal of a cell or field without which nothing can be made.
func missing(field, zh, en string) *roundsv1.Problem {
	p := problem(roundsv1.ProblemCode_PROBLEM_CODE_MISSING, field, "", fmt.Sprintf("缺少“%s”：%s。", field, zh), fmt.Sprintf("%s is missing: %s.", field, en))
	p.Facts = map[string]string{"wanted": en}
	return p
}

// unknownCode is the refusal of a code that nothing has, or that is not given where one is needed.
func unknownCode(field, code, zh, en string) *roundsv1.Problem {
	if code == "" {
		return missing(field, "请填写"+zh+"的编码", "the code of one of the "+en)
	}
	p := problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, field, code,
		fmt.Sprintf("“%s”里的“%s”不存在：请先导入%s，或改正编码。", field, short(code), zh),
		fmt.Sprintf("%s names \"%s\", which there is not: import the %s first, or mend the code.", field, short(code), en))
	p.Facts["wanted"] = "the code of one of the " + en
	return p
}

// noRight is the refusal of who is no administrator there.
func noRight() *roundsv1.Problem {
	return &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT,
		Sentence: &roundsv1.Text{Zh: "您不是此处的管理员。", En: "You are no administrator here."}}
}

// short cuts what somebody wrote to what fits into a sentence. Letters that do not show are spelt out: a terminal would obey some of them.
func short(s string) string {
	const most = 64
	if strings.ContainsFunc(s, unicode.IsControl) {
		var b strings.Builder
		for _, r := range s[:min(len(s), 2*most)] {
			if unicode.IsControl(r) {
				fmt.Fprintf(&b, "\\u%04x", r)
				continue
			}
			b.WriteRune(r)
		}
		s = b.String()
	}
	if len(s) <= most {
		return s
	}
	cut := 0
	for i := range s {
		if i > most-4 {
			break
		}
		cut = i
	}
	return s[:cut] + "…"
}

// refuse makes an error of a refusal.
func refuse(p *roundsv1.Problem) error {
	kind := engine.Invalid
	switch p.GetCode() {
	case roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT:
		kind = engine.Denied
	case roundsv1.ProblemCode_PROBLEM_CODE_STATE, roundsv1.ProblemCode_PROBLEM_CODE_DELETED, roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD:
		kind = engine.Precondition
	case roundsv1.ProblemCode_PROBLEM_CODE_LIMIT:
		kind = engine.Exhausted
	}
	return &engine.Error{Kind: kind, Problem: p}
}
