package merge

import (
	"strconv"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// problem says what was wrong with a mutation, and at which path.
func problem(code roundsv1.ProblemCode, path string) *roundsv1.Problem {
	return &roundsv1.Problem{Code: code, Field: path, Sentence: sentence(code)}
}

// problem says what was wrong with a field of the mutation.
func (m *merger) problem(code roundsv1.ProblemCode, f *field) *roundsv1.Problem {
	name := f.name
	if f.fd == nil {
		name = strconv.Itoa(int(f.num))
	}
	return problem(code, m.act+".record."+string(m.of.kind)+"."+name)
}

// sentence tells a person what to do about a problem.
func sentence(code roundsv1.ProblemCode) *roundsv1.Text {
	switch code {
	case roundsv1.ProblemCode_PROBLEM_CODE_FIELD_FIXED:
		return &roundsv1.Text{
			Zh: "此项在创建时已确定，之后不能修改。请添加备注说明。",
			En: "This was settled when the record was made and cannot be changed. Add a remark instead.",
		}
	case roundsv1.ProblemCode_PROBLEM_CODE_FIELD_SERVER:
		return &roundsv1.Text{
			Zh: "此项只由系统填写。请去掉这项修改后重新提交。",
			En: "This is filled in by the system only. Take this change out and send the rest again.",
		}
	case roundsv1.ProblemCode_PROBLEM_CODE_FIELD_WORKFLOW:
		return &roundsv1.Text{
			Zh: "此项不能直接修改。请用对应的操作，例如派单、开始或完工。",
			En: "This cannot be edited. Use the action for it, such as dispatch, start or done.",
		}
	case roundsv1.ProblemCode_PROBLEM_CODE_FIELD_FACT:
		return &roundsv1.Text{
			Zh: "记录的事实只能新增，不能修改。请补充一条新的记录。",
			En: "Evidence is added, never edited. Add a new entry instead.",
		}
	case roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD:
		return &roundsv1.Text{
			Zh: "服务器上还没有这条记录。请先同步创建它的手机。",
			En: "The record is not on the server yet. Sync the phone that made it first.",
		}
	case roundsv1.ProblemCode_PROBLEM_CODE_DELETED:
		return &roundsv1.Text{
			Zh: "这条记录已被删除。如仍需要，请新建一条。",
			En: "The record was deleted. Make a new one if it is still needed.",
		}
	case roundsv1.ProblemCode_PROBLEM_CODE_LIMIT:
		return &roundsv1.Text{
			Zh: "此项内容过多。请先清理不需要的内容，或新建一条记录。",
			En: "There is too much in this field. Take out what is not needed, or go on in a new record.",
		}
	case roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_ACT:
		return &roundsv1.Text{
			Zh: "服务器还不认识这种内容，需要先升级服务器。请告知主管。",
			En: "The server does not know this kind of content yet and has to be updated first. Tell the supervisor.",
		}
	}
	return &roundsv1.Text{
		Zh: "此项内容不能这样填写。请检查后重新提交。",
		En: "This cannot be written here like that. Check it and send it again.",
	}
}
