package work

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// Config is what Rules are made of.
type Config struct {
	// Reference knows what the organisation shares. Default: no category, checklist or calendar is known, and every site has the default policy.
	Reference Reference
	// Tags knows the secrets that tags at checkpoints are verified with. Default: none is verified.
	Tags Tags
	// People knows who may work where, of who may be given tickets and questions, and how rights ended. Default: anybody may, and nothing is known of an end.
	People People
}

// Rules are the rules of the trade. They hold no state but their tables, and are safe for concurrent use.
type Rules struct {
	reference Reference
	tags      Tags
	people    People // nil: none are known
	worksAt   func(engine.PersonID, store.Scope, time.Time) bool
	rights    rights
	homes     map[Home]bool
	rows      map[merge.Kind]map[Operation][]row
}

var _ engine.Rules = (*Rules)(nil)

// New returns the rules.
func New(cfg Config) *Rules {
	if cfg.Reference == nil {
		cfg.Reference = unknown{}
	}
	if cfg.Tags == nil {
		cfg.Tags = unknown{}
	}
	r := &Rules{reference: cfg.Reference, tags: cfg.Tags, people: cfg.People, rights: rightsOf(Permissions()), homes: map[Home]bool{}, rows: map[merge.Kind]map[Operation][]row{}}
	if cfg.People != nil {
		r.worksAt = func(person engine.PersonID, scope store.Scope, at time.Time) bool {
			return r.rights[right{kindTicket, Accept}].any&bits(cfg.People.Roles(person, scope, at)) != 0 // a resident or an auditor has a role, and no work
		}
	}
	for _, s := range Scopes() {
		r.homes[Home{s.Class, s.Kind}] = true
	}
	for _, w := range workflows() {
		r.rows[w.kind] = map[Operation][]row{}
		for _, row := range w.rows {
			r.rows[w.kind][row.command] = append(r.rows[w.kind][row.command], row)
		}
	}
	return r
}

// Judge decides on one mutation. It looks at the case alone, changes nothing of it, and does not panic whatever the mutation says.
func (r *Rules) Judge(c engine.Case) engine.Verdict {
	j := r.judgement(c)
	if why := r.belongs(j); why != nil {
		return engine.Verdict{Problem: why}
	}
	if why := r.allowed(j); why != nil {
		if j.fact() {
			return engine.Verdict{Problem: why, Park: roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT}
		}
		return engine.Verdict{Problem: why}
	}
	return j.transit(r.rows[c.Kind][j.op])
}

// belongs refuses acts that mean nothing here: of a newer app, of a kind that does not live in this class of scope, on no record.
func (r *Rules) belongs(j *judgement) *roundsv1.Problem {
	if j.op == "" {
		return j.problem(roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_ACT, "", "此操作来自更新版本的应用，服务器还不认识。请等待升级后重试。",
			"This was done with a newer app than the server knows. Try again after the server has been upgraded.")
	}
	if !r.homes[Home{classOf(string(j.Scope)), j.Kind}] {
		return j.problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "scope", "这类记录不属于此范围，请在正确的项目中重新填写。",
			"Records of this kind do not live in this scope. Enter it again in the scope where it belongs.")
	}
	if j.Current == nil && j.op != Create && j.op != Fact {
		return j.problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, "", "记录不存在，请先同步。", "There is no such record. Sync first.")
	}
	return nil
}
