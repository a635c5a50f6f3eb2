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
		refuse: refusal{badState, "", "记录已归档，或其中的个人数据已删除。您的记录已保留，等待主管决定是否采纳。",
			"The record was archived, or personal data in it was erased. What you recorded is kept; a supervisor decides whether it counts."}}
}

// besideOrphanRow is row 34 of what is a record of its own and is about another: a photo or a remark of a ticket or of a round that was archived or deleted, or of which
// something was erased since it was made. It waits for a supervisor with a question of its own.
func besideOrphanRow() row {
	return row{command: Create, number: 34, park: roundsv1.ConflictType_CONFLICT_TYPE_ORPHAN,
		when: when{{name: "what it is about was archived or deleted, or erased in part after it was made", holds: (*judgement).subjectGone}},
		refuse: refusal{badState, "", "所属记录已归档或删除，或其中的个人数据已删除。您的照片或备注已保留，等待主管决定是否采纳。",
			"What this is about was archived or deleted, or personal data in it was erased. What you recorded is kept; a supervisor decides whether it counts."}}
}

// subjectGone: whether what a photo or a remark is about is there no more, as it was when that was made. Unlike a fact on the record itself it does not say which
// version the person had before their eyes, so its time tells.
func (j *judgement) subjectGone() bool {
	if j.Admitted || j.foresees || j.Lookup == nil {
		return false
	}
	ref := j.toldOf()
	if ref.GetId() == "" {
		return false
	}
	subject, err := j.Lookup(merge.Kind(ref.GetKind()), merge.RecordID(ref.GetId()))
	if err != nil || subject == nil {
		return false // not here yet
	}
	return subject.GetDeleted() || subject.GetEvicted() || slices.ContainsFunc(erasures(merge.Kind(ref.GetKind()), subject), func(at *roundsv1.Stamp) bool {
		return at.GetTimeUs() >= j.Time.UnixMicro()
	})
}

// toldOf is what a photo or a remark that is made is about; nil for anything else.
func (j *judgement) toldOf() *roundsv1.RecordRef {
	if j.Kind == kindComment {
		return j.written().GetComment().GetSubject()
	}
	return j.written().GetPhoto().GetSubject()
}

// orphanSides name what a photo or a remark is about, beside itself: the question is linked to both. Of a fact on the record itself that one side is enough.
func (j *judgement) orphanSides() []*roundsv1.Side {
	ref := j.toldOf()
	if j.Current != nil || ref.GetId() == "" {
		return nil
	}
	var gone int64
	if subject, err := j.Lookup(merge.Kind(ref.GetKind()), merge.RecordID(ref.GetId())); err == nil {
		gone = subject.GetTimeUs()
	}
	return []*roundsv1.Side{
		{Record: ref, TimeUs: gone, Sentence: &roundsv1.Text{Zh: "已归档或删除，或其中的个人数据已删除。", En: "Was archived or deleted, or personal data in it was erased."}},
		j.waitingSide("之前拍摄或记录，迟到送达。", "Was photographed or noted before that, and came late."),
	}
}

// erasedUnseen: whether values of the record were erased, as law demands, after what the person was looking at: what they add may say them again.
func (j *judgement) erasedUnseen() bool {
	return slices.ContainsFunc(erasures(j.Kind, j.Current), func(at *roundsv1.Stamp) bool { return at.GetSeq() > j.Mutation.GetBase() })
}

// erasures are the stamps of what was erased of a record. An erasure leaves its stamp in the record, the server's own, on fields that people write, and no value
// (merge.Redact); what the server writes itself are other fields.
func erasures(kind merge.Kind, change *roundsv1.Change) []*roundsv1.Stamp {
	var all []*roundsv1.Stamp
	for _, w := range change.GetWrites() {
		stamp := w.GetStamp()
		if stamp.GetDeviceId() != "" || stamp.GetPersonId() != "" {
			continue
		}
		if slices.ContainsFunc(w.GetTouched(), func(field uint32) bool {
			policy, known := merge.PolicyOf(kind, merge.FieldNumber(field))
			return known && policy != roundsv1.MergePolicy_MERGE_POLICY_WORKFLOW && policy != roundsv1.MergePolicy_MERGE_POLICY_SERVER
		}) {
			all = append(all, stamp)
		}
	}
	return all
}
