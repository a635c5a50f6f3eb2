package directory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// mostUses bounds how many of what uses a record are named.
const mostUses = 5

// mayDelete says why a record of the directory stays, as far as memory knows; nil where it may go. What work names by its id stays for good: tickets name their category and who
// does them, rounds the version of the list that they began with. There are other ways to take these out of use.
func (r *Reference) mayDelete(scope store.Scope, kind merge.Kind, record *roundsv1.Record) *roundsv1.Problem {
	switch kind {
	case KindSite, KindUnit:
		return stays("项目和组织单元不能删除：其下有工作记录。", "Sites and units are not deleted: their work stands below them.", "")
	case KindCategory:
		return stays("类别不能删除，因为工单以它为准。请停用它（retired）。", "A category is not deleted, as tickets name it: retire it.", "retired")
	case KindStaff:
		return stays("员工不能删除，因为工作记录里有他。请标记为离职（left）；依法删除个人信息请用 DeletePerson。",
			"A person of the staff is not deleted, as work names them: mark them as left. To erase personal data, call DeletePerson.", "left")
	case KindChecklist:
		if record.GetChecklist().GetPublished() {
			version := strconv.FormatUint(uint64(record.GetChecklist().GetVersion()), 10)
			p := stays("检查表第 "+version+" 版已发布，不能删除：已开始的巡检要用它完成。请从类别和计划中取消它，或发布新版本。",
				"Version "+version+" of the checklist is published and is not deleted: rounds that began with it end with it. Take it out of categories and plans, or publish a new version.", "")
			p.Facts["version"] = version
			return p
		}
	case KindCalendar:
		if code := record.GetCalendar().GetCode(); code != "" {
			if by := r.namingCalendar(scope, code); len(by) > 0 {
				return inUse(by)
			}
		}
	}
	return nil
}

// stays is the refusal to delete what stays for good.
func stays(zh, en, instead string) *roundsv1.Problem {
	p := problem(roundsv1.ProblemCode_PROBLEM_CODE_STATE, "record_id", "", zh, en)
	p.Facts = map[string]string{}
	if instead != "" {
		p.Facts["instead"] = instead
	}
	return p
}

// inUse is the refusal to delete what something names.
func inUse(by []string) *roundsv1.Problem {
	list := someOf(by)
	p := problem(roundsv1.ProblemCode_PROBLEM_CODE_STATE, "record_id", "", "正在使用，不能删除："+list+"。请先改动它们。", "It is in use and is not deleted: "+list+". Change these first.")
	p.Facts = map[string]string{"used_by": list}
	return p
}

func someOf(by []string) string {
	if len(by) > mostUses {
		by = append(slices.Clone(by[:mostUses]), "...")
	}
	return strings.Join(by, ", ")
}

// namingCalendar are the codes of the units and sites whose own settings name a calendar.
func (r *Reference) namingCalendar(scope store.Scope, code string) []string {
	var by []string
	s := r.shared(scope)
	if s != nil {
		for id, unit := range s.units {
			if unit.GetPolicy()["service.calendar"] == code {
				by = append(by, "unit "+label(unit.GetCode(), id))
			}
		}
	}
	org, _ := r.tree.Organisation(scope)
	r.mu.RLock()
	sites := maps.Clone(r.sites)
	r.mu.RUnlock()
	for at, state := range sites {
		if of, ok := r.tree.Organisation(at); ok && of == org && state.site.GetPolicy()["service.calendar"] == code {
			by = append(by, "site "+label(state.site.GetCode(), nodeOf(at)))
		}
	}
	slices.Sort(by)
	return by
}

// ofCode: whether another record of a kind has a code, of those that an organisation shares.
func (r *Reference) ofCode(scope store.Scope, kind merge.Kind, code, id string) bool {
	s := r.shared(scope)
	if s == nil || code == "" {
		return false
	}
	for name, record := range s.records {
		if name.kind == string(kind) && name.id != id && CodeOf(record) == code {
			return true
		}
	}
	return false
}

func label(code, id string) string {
	if code != "" {
		return code
	}
	return id
}

// usesOf names what uses a record, the first few of them, in words with their codes: categories and lists that name each other, plans of any site, places and what stands at them. All is the
// scope's census.
func (k *Keeper) usesOf(ctx context.Context, scope store.Scope, kind merge.Kind, id string, record *roundsv1.Record, all *census) ([]string, error) {
	var by []string
	switch kind {
	case KindCategory, KindChecklist:
		series := id
		if list := record.GetChecklist(); list.GetSeriesId() != "" {
			series = list.GetSeriesId()
		}
		by = k.cfg.Reference.sharedUses(scope, kind, id, series)
		if kind == KindCategory || len(by) >= mostUses {
			return by, nil
		}
		plans, err := k.plansOf(ctx, series)
		return append(by, plans...), err
	case KindPlace:
		for _, one := range []struct {
			kind merge.Kind
			uses func(*roundsv1.Record) bool
		}{
			{KindPlace, func(r *roundsv1.Record) bool { return r.GetPlace().GetParentId() == id }},
			{KindAsset, func(r *roundsv1.Record) bool { return r.GetAsset().GetPlaceId() == id }},
			{KindPlan, func(r *roundsv1.Record) bool { return slices.Contains(r.GetPlan().GetCheckpointIds(), id) }},
		} {
			some, err := all.users(ctx, one.kind, one.uses)
			if by = append(by, some...); err != nil || len(by) >= mostUses {
				return by, err
			}
		}
	}
	return by, nil
}

// sharedUses names the categories and lists that name one.
func (r *Reference) sharedUses(scope store.Scope, kind merge.Kind, id, series string) []string {
	s := r.shared(scope)
	if s == nil {
		return nil
	}
	var by []string
	for name, record := range s.records {
		c, list := record.GetCategory(), record.GetChecklist()
		switch {
		case kind == KindCategory && c.GetParentId() == id, kind == KindChecklist && c.GetChecklistId() != "" && c.GetChecklistId() == series:
			by = append(by, "category "+label(c.GetCode(), name.id))
		case kind == KindCategory && slices.ContainsFunc(list.GetItems(), func(i *roundsv1.ChecklistItem) bool { return i.GetCategoryId() == id }):
			by = append(by, fmt.Sprintf("checklist %s version %d", label(list.GetCode(), name.id), list.GetVersion()))
		}
	}
	slices.Sort(by)
	return by
}

// plansOf names the plans that walk a list, of all sites.
func (k *Keeper) plansOf(ctx context.Context, series string) ([]string, error) {
	if k.cfg.Scopes == nil {
		return nil, nil
	}
	scopes, err := k.cfg.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	var by []string
	for _, scope := range scopes {
		if !strings.HasPrefix(string(scope), "site/") {
			continue
		}
		some, err := k.census(scope).users(ctx, KindPlan, func(r *roundsv1.Record) bool { return r.GetPlan().GetChecklistId() == series })
		if by = append(by, some...); err != nil || len(by) >= mostUses {
			return by, err
		}
	}
	return by, nil
}
