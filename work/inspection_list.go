package work

import "strconv"

// walkListTerms are about the checklist that a round is walked with: in which version, whether it is at hand, and whether it is answered. Where the list is not known
// here, nothing is asked of the answers.
type walkListTerms struct {
	published, known, atHand, complete condition
	pin, keepPinned, score             effect
}

func aboutWalkLists() walkListTerms {
	return walkListTerms{
		published: condition{
			name:  "the checklist is published, where the organisation's lists are known",
			holds: (*judgement).knowsList,
			refusal: refusal{unknownVersion, "",
				"检查表不存在或尚未发布，不能下发。请先发布检查表，或另建巡检。",
				"There is no such checklist, or no version of it is published, so the round is not released. Publish it first, or make another round."},
			facts: (*judgement).unpublishedFacts,
		},
		known: condition{
			name:  "published in the version that the round names",
			holds: (*judgement).knowsVersion,
			refusal: refusal{unknownVersion, "",
				"检查表没有第{version}版，请选择已发布的版本（最新为第{newest}版）。",
				"The checklist has no version {version}. Choose one that is published; the newest is {newest}."},
			facts: (*judgement).versionFacts,
		},
		atHand: condition{
			name:  "what it is walked with is at hand, where the organisation's lists are known",
			holds: (*judgement).hasList,
			refusal: refusal{unknownVersion, "",
				"服务器上没有此巡检所用的检查表版本，不能核对答案，暂不能提交。您的答案已保留，请联系管理员后重新提交。",
				"The server does not have the version of the checklist that this round is walked with, so nobody can say whether it is complete. Your" +
					" answers are kept; talk to the administrator, then submit it again."},
			facts: (*judgement).versionFacts,
		},
		complete: condition{
			name:  "every mandatory item is answered, or skipped with a reason; failures have photo and note",
			holds: func(j *judgement) bool { return j.gaps().None() },
			refusal: refusal{missing, "",
				"还不能提交：{gaps}。请补充后再提交。",
				"It cannot be submitted yet: {gaps_en}. Complete it, then submit again."},
			facts: (*judgement).gapFacts,
		},

		pin:        effect{"checklist_version = the newest published, where none was said", (*judgement).pinVersion},
		keepPinned: effect{"checklist and version stay as they were pinned, once released", (*judgement).keepPinned},
		score:      effect{"score, failed, tally", (*judgement).scoreWalk},
	}
}

func (j *judgement) unpublishedFacts() map[string]string {
	return map[string]string{"checklist": j.inspection().GetChecklistId(), "newest": "0"}
}

// versionFacts name the version that the round is walked with, and the newest.
func (j *judgement) versionFacts() map[string]string {
	i := j.inspection()
	return map[string]string{"checklist": i.GetChecklistId(), "version": strconv.FormatUint(uint64(i.GetChecklistVersion()), 10),
		"newest": strconv.FormatUint(uint64(j.reference.Checklist(j.Scope, i.GetChecklistId(), 0).GetVersion()), 10)}
}

// scoreWalk writes what the answers are worth.
func (j *judgement) scoreWalk() {
	if list := j.checklistOf(j.inspection()); list != nil {
		j.score(j.inspection(), list)
	}
}

// knowsList: whether some version of the checklist that a round names is published. Without a directory a round may name any.
func (j *judgement) knowsList() bool {
	id := j.inspection().GetChecklistId()
	return id == "" || j.foresees || !j.knowsChecklists() || j.reference.Checklist(j.Scope, id, 0) != nil
}

// knowsVersion: whether the checklist that a round names is published in the version that it says: a draft may be changed while crews answer it. Where the list is not
// known at all, nothing is asked.
func (j *judgement) knowsVersion() bool {
	i := j.inspection()
	newest := j.reference.Checklist(j.Scope, i.GetChecklistId(), 0)
	return i.GetChecklistId() == "" || i.GetChecklistVersion() == 0 || newest == nil ||
		j.reference.Checklist(j.Scope, i.GetChecklistId(), i.GetChecklistVersion()).GetPublished()
}

// hasList: whether what a round is walked with is at hand, where the organisation's lists are known. Published versions stay, so it is not only where the server itself
// has lost it; then nobody can say what the round asks, and nothing is taken for complete.
func (j *judgement) hasList() bool {
	i := j.inspection()
	return j.foresees || i.GetChecklistId() == "" || !j.knowsChecklists() || j.checklistOf(i) != nil
}

// keepPinned lets a round be walked with the checklist and the version that it was released with, whatever its creation says that is sent once more: values that are
// fixed are those that were written first, which may come last.
func (j *judgement) keepPinned() {
	said := j.written().GetInspection()
	if !j.pinned() || said.GetChecklistId() == "" && said.GetChecklistVersion() == 0 {
		return
	}
	i, after := j.inspection(), j.mergedWalk()
	if after.GetChecklistId() != i.GetChecklistId() {
		j.editInspection(inspectionList).ChecklistId = i.GetChecklistId()
	}
	if after.GetChecklistVersion() != i.GetChecklistVersion() {
		j.editInspection(inspectionVersion).ChecklistVersion = i.GetChecklistVersion()
	}
}

// pinned: whether the round has the version of its checklist that it is walked with. One that was missed before it was released gets it when somebody starts it late.
func (j *judgement) pinned() bool {
	switch j.state() {
	case 0, planned:
		return false
	case missed, partial, excused:
		return j.inspection().GetChecklistVersion() != 0
	}
	return !j.foresees
}

// pinVersion lets a round that names no version be walked with the newest.
func (j *judgement) pinVersion() {
	if j.inspection().GetChecklistVersion() != 0 {
		return
	}
	if list := j.checklistOf(j.inspection()); list.GetVersion() != 0 {
		j.editInspection(inspectionVersion).ChecklistVersion = list.GetVersion()
	}
}
