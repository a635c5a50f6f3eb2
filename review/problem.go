package review

import (
	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/store"
)

func problem(code roundsv1.ProblemCode, field, zh, en string) *roundsv1.Problem {
	return &roundsv1.Problem{Code: code, Field: field, Sentence: &roundsv1.Text{Zh: zh, En: en}}
}

// noRight is the same for a scope that does not exist: nobody learns which do.
func noRight(scope store.Scope) *engine.Error {
	why := problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT, "scope", "您没有查看此项目的权限。如需查看，请联系项目经理或管理员。",
		"You have no right to read this scope. If you should have, ask its manager or an administrator.")
	why.Scope = string(scope)
	return &engine.Error{Kind: engine.Denied, Problem: why}
}

func badLink() *engine.Error {
	return &engine.Error{Kind: engine.Invalid, Problem: problem(roundsv1.ProblemCode_PROBLEM_CODE_LINK, "page_token",
		"翻页标记无效或不属于本次查询，请从第一页重新查询。", "This page token is not of this query. Begin again at the first page.")}
}

func invalid(field, zh, en string) *engine.Error {
	return &engine.Error{Kind: engine.Invalid, Problem: problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, field, zh, en)}
}

func noRecord(scope store.Scope) *engine.Error {
	why := problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, "record", "没有这条记录。", "There is no such record.")
	why.Scope = string(scope)
	return &engine.Error{Kind: engine.Invalid, Problem: why}
}
