package work

import (
	"slices"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
)

// orphanRow is row 34: facts on a record that was archived, or of which something was erased that the person still had before their eyes, are kept beside it and
// wait for a supervisor. The engine keeps those on a deleted record the same way.
func orphanRow() row {
	return row{command: Fact, number: 34, park: roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN,
		when: when{{name: "archived, or erased in part after what the person saw", holds: func(j *judgement) bool {
			return !j.Admitted && !j.foresees && (j.Current.GetEvicted() || j.erasedUnseen())
		}}},
		refuse: refusal{badState, "", "记录已归档,或其中的个人数据已删除。您的记录已保留,等待主管决定是否采纳。",
			"The record was archived, or personal data in it was erased. What you recorded is kept; a supervisor decides whether it counts."}}
}

// erasedUnseen: whether values of the record were erased, as law demands, after what the person was looking at: what they add may say them again. An erasure leaves
// its stamp in the record, the server's own, on fields that people write, and no value (merge.Redact); what the server writes itself are other fields.
func (j *judgement) erasedUnseen() bool {
	return slices.ContainsFunc(j.Current.GetWrites(), func(w *roundsv1.Write) bool {
		stamp := w.GetStamp()
		if stamp.GetSeq() <= j.Mutation.GetBase() || stamp.GetDeviceId() != "" || stamp.GetPersonId() != "" {
			return false
		}
		return slices.ContainsFunc(w.GetTouched(), func(field uint32) bool {
			policy, known := merge.PolicyOf(j.Kind, merge.FieldNumber(field))
			return known && policy != roundsv1.MergePolicy_MERGE_POLICY_WORKFLOW && policy != roundsv1.MergePolicy_MERGE_POLICY_SERVER
		})
	})
}
