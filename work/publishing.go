package work

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/work/checklist"
)

// Numbers of Checklist's fields that the rules look at.
const (
	checklistVersion   = 2
	checklistItems     = 3
	checklistSeries    = 4
	checklistPublished = 5
)

// checklistWorkflow is what is asked of the versions of checklists: what crews have begun with is not changed under them, nor taken away, whoever writes and by whichever call.
// The name and the code may be put right: nothing is answered or counted by them.
func checklistWorkflow() workflow {
	version := aboutVersions()
	return workflow{kind: kindChecklist, name: noState, rows: []row{
		{command: Create, needs: []condition{version.own, version.newer}},
		{command: Delete, needs: []condition{version.draft}},
		{command: Edit, needs: []condition{version.kept, version.newer}},
		// A fact may have been kept for a person, whose word does not change a published list either.
		{command: Fact, when: []condition{version.changes}, refuse: refusal{badState, "version", "此版本已发布，检查项不能再改。请发布新版本。",
			"This version is published and its questions are not changed any more. Publish a new version."}},
	}}
}

// versionTerms are about one version of a checklist: which it is, and whether it is published.
type versionTerms struct {
	own, newer, kept, draft, changes condition
}

func aboutVersions() versionTerms {
	return versionTerms{
		own: condition{
			name:  "its id is that of the series and the version, which no other has",
			holds: (*judgement).versionHasItsID,
			refusal: refusal{invalid, "version", "检查表第 {version} 版的编号不正确：同一系列的每一版只能建立一次。请通过管理端导入或新建。",
				"This is not the id that version {version} of this list has: a version is made once. Make it with the administrator's calls or import."},
			facts: func(j *judgement) map[string]string {
				return numberFact("version", uint64(j.written().GetChecklist().GetVersion()))
			},
		},
		newer: condition{
			name:  "its version is above the newest that is published",
			holds: (*judgement).versionIsNewer,
			refusal: refusal{badState, "version", "已有更新的版本发布（第 {newest} 版）：版本号只能递增，请改为第 {wanted} 版。",
				"Version {newest} is published already, and versions go up: make it version {wanted}."},
			facts: (*judgement).newerFacts,
		},
		kept: condition{
			name:  "what is published stays as it is",
			holds: func(j *judgement) bool { return !j.rewritesPublished() },
			refusal: refusal{badState, "version", "此版本已发布，检查项不能再改。请发布新版本（第 {wanted} 版）。",
				"This version is published and its questions are not changed any more. Publish a new version ({wanted})."},
			facts: func(j *judgement) map[string]string {
				return numberFact("wanted", uint64(j.Current.GetRecord().GetChecklist().GetVersion())+1)
			},
		},
		draft: condition{
			name:  "not published",
			holds: func(j *judgement) bool { return !j.Current.GetRecord().GetChecklist().GetPublished() },
			refusal: refusal{badState, "", "此版本已发布，不能删除：已开始的巡检和工单要用它完成。请从类别和计划中取消它，或发布新版本。",
				"This version is published and is not deleted: rounds and tickets that began with it end with it. Take it out of categories and plans, or publish a new version."},
		},
		changes: condition{name: "it changes what is published", holds: (*judgement).rewritesPublished},
	}
}

func numberFact(name string, n uint64) map[string]string {
	return map[string]string{name: strconv.FormatUint(n, 10)}
}

func (j *judgement) versionHasItsID() bool {
	list := j.written().GetChecklist()
	if series := list.GetSeriesId(); series != "" {
		before := j.lookup(kindChecklist, series).GetRecord().GetChecklist() // one that has no series is the first of the series that has its id
		return j.Mutation.GetRecordId() == string(checklist.RecordID(series, list.GetVersion())) && (before == nil || before.GetSeriesId() != "" || before.GetVersion() != list.GetVersion())
	}
	return j.lookup(kindChecklist, string(checklist.RecordID(j.Mutation.GetRecordId(), list.GetVersion()))) == nil
}

func (j *judgement) versionIsNewer() bool {
	list := j.becomes()
	newest := j.reference.Checklist(j.Scope, list.GetSeriesId(), 0)
	return list.GetSeriesId() == "" || j.Current.GetRecord().GetChecklist().GetPublished() || newest == nil || list.GetVersion() > newest.GetVersion() ||
		j.Current != nil && !list.GetPublished() // a draft that was overtaken may still be written to
}

func (j *judgement) newerFacts() map[string]string {
	newest := uint64(j.reference.Checklist(j.Scope, j.becomes().GetSeriesId(), 0).GetVersion())
	return map[string]string{"newest": strconv.FormatUint(newest, 10), "wanted": strconv.FormatUint(newest+1, 10)}
}

// becomes is the version of a list as the mutation leaves it, without its questions.
func (j *judgement) becomes() *roundsv1.Checklist {
	was, is := j.Current.GetRecord().GetChecklist(), j.written().GetChecklist()
	if j.Current == nil {
		return is
	}
	after := &roundsv1.Checklist{SeriesId: was.GetSeriesId(), Version: was.GetVersion(), Published: was.GetPublished()}
	if j.puts(checklistVersion, is.GetVersion() != 0) {
		after.Version = is.GetVersion()
	}
	if j.puts(checklistPublished, is.GetPublished()) {
		after.Published = is.GetPublished()
	}
	return after
}

// puts: whether an edit puts a field, which it sets or not. What names no fields puts those that it sets.
func (j *judgement) puts(field uint32, set bool) bool {
	if fields := j.Mutation.GetEdit().GetFields(); len(fields) > 0 {
		return slices.Contains(fields, field)
	}
	return set
}

// rewritesPublished: whether the mutation would have a published list ask something else, be another version, or be a draft again.
func (j *judgement) rewritesPublished() bool {
	was, is := j.Current.GetRecord().GetChecklist(), j.written().GetChecklist()
	if !was.GetPublished() {
		return false
	}
	return j.puts(checklistVersion, is.GetVersion() != 0) && is.GetVersion() != was.GetVersion() ||
		j.puts(checklistSeries, is.GetSeriesId() != "") && is.GetSeriesId() != was.GetSeriesId() ||
		j.puts(checklistPublished, false) && !is.GetPublished() ||
		j.puts(checklistItems, len(is.GetItems()) > 0) && !slices.EqualFunc(is.GetItems(), was.GetItems(), func(a, b *roundsv1.ChecklistItem) bool { return proto.Equal(a, b) })
}
