package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// noticeWorkflow is what is asked of notices: only the server makes them, and their recipients mark them as seen.
func noticeWorkflow() workflow {
	seen := condition{name: "it marks as seen, and nothing else", holds: func(j *judgement) bool {
		edit := j.Mutation.GetEdit()
		return edit.GetRemoved() == nil && (len(edit.GetFields()) == 0 || slices.Equal(edit.GetFields(), []uint32{noticeSeenBy}))
	}, refusal: refusal{roundsv1.ProblemCode_PROBLEM_CODE_FIELD_SERVER, "", "通知由系统生成，只能标记为已读。", "Notices are the server's; they can only be marked as seen."}}
	self := condition{name: "by oneself", holds: func(j *judgement) bool {
		return slices.Equal(j.written().GetNotice().GetSeenByIds(), []string{string(j.Person)})
	}, refusal: refusal{noRight, "seen_by_ids", "只能为自己标记已读。", "Only for yourself can you mark it as seen."}}
	told := condition{name: "told of it", right: true, holds: func(j *judgement) bool {
		n := j.Current.GetRecord().GetNotice()
		return slices.Contains(n.GetPersonIds(), string(j.Person)) || n.GetRole() != roundsv1.Role_ROLE_UNSPECIFIED && j.holds(n.GetRole())
	}, refusal: refusal{noRight, "seen_by_ids", "此通知不是发给您的。", "This notice is not for you."}}
	return workflow{kind: kindNotice, name: noState, rows: []row{{command: Edit, needs: []condition{seen, self, told}}}}
}
