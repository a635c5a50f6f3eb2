package directory

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/policy"
)

// knows: whether there is a setting of that key.
func (c *Checks) knows(key string) bool {
	for _, one := range c.all {
		family, open := strings.CutSuffix(one.Key, "*")
		if one.Key == key || open && strings.HasPrefix(key, family) && len(key) > len(family) {
			return true
		}
	}
	return false
}

// notUnderstood says what is wanted for each of some settings that is not understood, by key.
func (c *Checks) notUnderstood(settings map[string]string) map[string]string {
	all := map[string]string{}
	_, err := policy.Parse(settings)
	for _, one := range joined(err) {
		var fault *policy.SettingError
		if errors.As(one, &fault) {
			all[fault.Key] = fault.Want
		}
	}
	for _, f := range c.families {
		maps.Copy(all, f.Check(settings))
	}
	return all
}

// checkSetting refuses a setting that nothing here understands.
func (c *Checks) setting(key, value string) *roundsv1.Problem {
	if !c.knows(key) {
		p := wanted("key", key, "已有的设置项（rounds admin policy keys 可列出）", "a setting that there is (rounds admin policy keys lists them)")
		p.Facts["key"] = key
		return p
	}
	if want, bad := c.notUnderstood(map[string]string{key: value})[key]; bad {
		p := wanted("value", value, want, want)
		p.Facts["key"] = key
		p.Sentence = &roundsv1.Text{Zh: "设置项“" + key + "”的值“" + short(value) + "”无效，应为：" + want + "。", En: "The setting " + key + " is \"" + short(value) + "\", wanted " + want + "."}
		return p
	}
	return nil
}

// calendarKey is the setting that names a calendar.
const calendarKey = "service.calendar"

// builtInCalendar is the calendar that there is where the organisation has none of that code.
const builtInCalendar = "cn"

// NamesCalendar: whether the value of a setting is the code of a calendar.
func NamesCalendar(key string) bool { return key == calendarKey }

// calendar refuses a setting that names a calendar that there is not.
func (r *Reference) calendar(scope store.Scope, key, value string) *roundsv1.Problem {
	if _, ours := r.tree.Organisation(scope); !ours || !NamesCalendar(key) || value == builtInCalendar {
		return nil
	}
	if s := r.shared(scope); s != nil { // nothing is shared before anything was written
		if _, known := s.calendars[value]; known {
			return nil
		}
	}
	p := unknownCode("value", value, "日历（holidays.csv）", "calendars (holidays.csv)")
	p.Facts["key"] = key
	return p
}

// calendars refuses what a unit or a site sets anew where it names a calendar that there is not.
func (r *Reference) calendars(scope store.Scope, before, after *roundsv1.Record) *roundsv1.Problem {
	of := func(r *roundsv1.Record) string {
		return r.GetUnit().GetPolicy()[calendarKey] + r.GetSite().GetPolicy()[calendarKey]
	}
	if code := of(after); code != "" && code != of(before) {
		return r.calendar(scope, calendarKey, code)
	}
	return nil
}

// settingAt refuses a setting of a node that nothing here understands.
func (r *run) settingAt(node, key, value string) *roundsv1.Problem {
	if p := r.setting(key, value); p != nil {
		return p
	}
	if r.assumed[ref{kind: ofHolidays, code: value}] != nil {
		return nil
	}
	return r.cfg.Reference.calendar(OrgScope(r.cfg.Root), key, value)
}

// settings refuses settings that are new or others than before, and that nothing here understands. What stood before stays.
func (c *Checks) settings(before, after map[string]string) *roundsv1.Problem {
	for _, key := range slices.Sorted(maps.Keys(after)) {
		if old, stood := before[key]; stood && old == after[key] {
			continue
		}
		if p := c.setting(key, after[key]); p != nil {
			return p
		}
	}
	return nil
}

// ownSettings reads what a node itself sets, from the store.
func (k *Keeper) ownSettings(ctx context.Context, node string) (kind merge.Kind, before *roundsv1.Change, own map[string]string, err error) {
	kind = KindUnit
	if k.cfg.Organisation.NodeType(node) == roundsv1.NodeType_NODE_TYPE_SITE {
		kind = KindSite
	}
	scope, ok := k.placeOf(kind, node)
	if !ok {
		return kind, nil, nil, refuse(problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, "node_id", "", "没有这个节点。", "There is no such node."))
	}
	if before, err = k.cfg.Desk.Record(ctx, scope, kind, merge.RecordID(node)); err != nil {
		return kind, nil, nil, err
	}
	if before.GetDeleted() {
		before = nil
	}
	own = before.GetRecord().GetUnit().GetPolicy()
	if kind == KindSite {
		own = before.GetRecord().GetSite().GetPolicy()
	}
	return kind, before, own, nil
}

// GetPolicy tells every setting of a node, and which node sets it. Who keeps the node may ask, and who may read its scope.
func (k *Keeper) GetPolicy(ctx context.Context, caller engine.Caller, req *roundsv1.GetPolicyRequest) (*roundsv1.GetPolicyResponse, error) {
	node := strings.ToLower(req.GetNodeId())
	if !k.maySee(caller, node) {
		return nil, refuse(noRight())
	}
	return k.policyOf(ctx, node)
}

// maySee: whether somebody keeps a node, or may read its scope.
func (k *Keeper) maySee(caller engine.Caller, node string) bool {
	return k.cfg.Organisation.MayKeep(caller.Person, node) || k.cfg.Organisation.MayRead(caller.Person, SiteScope(node), k.cfg.Now()) ||
		k.cfg.Organisation.MayRead(caller.Person, OrgScope(node), k.cfg.Now())
}

func (k *Keeper) policyOf(ctx context.Context, node string) (*roundsv1.GetPolicyResponse, error) {
	var layers []Layer
	for _, id := range k.cfg.Organisation.Path(node) {
		_, _, own, err := k.ownSettings(ctx, id)
		if err != nil {
			return nil, err
		}
		layers = append(layers, Layer{Node: id, Settings: own})
	}
	if len(layers) == 0 {
		return nil, refuse(problem(roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD, "node_id", "", "没有这个节点。", "There is no such node."))
	}
	values := map[string]*roundsv1.Setting{}
	for _, one := range k.all {
		values[one.Key] = &roundsv1.Setting{Key: one.Key, Value: one.Default, Inherited: one.Default, About: one.About}
	}
	for i, l := range layers {
		bad := k.notUnderstood(l.Settings)
		for key, value := range l.Settings {
			s := values[key]
			if s == nil {
				s = &roundsv1.Setting{Key: key}
				values[key] = s
			}
			if i < len(layers)-1 && bad[key] == "" {
				s.Inherited = value
			}
			if want, is := bad[key]; is && k.knows(key) {
				s.Problem = wanted("value", value, want, want)
				s.Problem.Facts["node"] = l.Node
				continue
			}
			s.Value, s.NodeId, s.Problem = value, l.Node, nil
		}
	}
	resp := &roundsv1.GetPolicyResponse{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if k.knows(key) {
			resp.Settings = append(resp.Settings, values[key])
		} else {
			resp.Unknown = append(resp.Unknown, values[key])
		}
	}
	return resp, nil
}

// SetPolicy changes settings of a node. It needs ROLE_ADMIN there or above.
func (k *Keeper) SetPolicy(ctx context.Context, caller engine.Caller, req *roundsv1.SetPolicyRequest) (*roundsv1.SetPolicyResponse, error) {
	node := strings.ToLower(req.GetNodeId())
	if !k.cfg.Organisation.MayKeep(caller.Person, node) {
		return nil, refuse(noRight())
	}
	for _, key := range slices.Sorted(maps.Keys(req.GetSet())) {
		p := k.setting(key, req.GetSet()[key])
		if p == nil {
			p = k.cfg.Reference.calendar(OrgScope(k.rootOf(node)), key, req.GetSet()[key])
		}
		if p != nil {
			p.Field = "set[" + key + "]"
			return nil, refuse(p)
		}
	}
	for _, key := range req.GetRemove() {
		if _, both := req.GetSet()[key]; both {
			return nil, refuse(wanted("remove", key, "不同时设置又取消同一设置项", "a key that is not set by the same call"))
		}
	}
	kind, before, own, err := k.ownSettings(ctx, node)
	if err == nil && before == nil { // a node of before there were records of nodes
		if err = k.Follow(ctx, caller, node); err == nil {
			kind, before, own, err = k.ownSettings(ctx, node)
		}
	}
	if err != nil {
		return nil, err
	}
	id := strings.ToLower(req.GetActId())
	_, err = k.once(ctx, caller, kind, node, id, func(m *roundsv1.Mutation) bool { return setsPolicy(m, node, req) }, func() (*roundsv1.Outcome, error) {
		changed := maps.Clone(own)
		if changed == nil {
			changed = map[string]string{}
		}
		maps.Copy(changed, req.GetSet())
		for _, key := range req.GetRemove() {
			delete(changed, key)
		}
		edit := editOf(kind, before.GetRecord(), k.withSettings(before.GetRecord(), kind, node, changed))
		if id != "" && before != nil { // what is journalled says all that was asked, so that the same call is known again
			edit = policyEdit(kind, req)
		}
		if edit == nil {
			return nil, nil
		}
		act := k.actOf(caller, merge.RecordID(node), before, edit)
		if id != "" {
			act.ID = engine.ActID(id)
		}
		return k.one(ctx, caller, kind, node, act)
	})
	if err != nil {
		return nil, err
	}
	now, err := k.policyOf(ctx, node)
	return &roundsv1.SetPolicyResponse{Policy: now}, err
}

// policyEdit is what a call asks of a record that stands, whatever that says already.
func policyEdit(kind merge.Kind, req *roundsv1.SetPolicyRequest) *roundsv1.Edit {
	of := func(settings map[string]string) (*roundsv1.Record, uint32) {
		if kind == KindSite {
			return &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: &roundsv1.Site{Policy: settings}}}, 4
		}
		return &roundsv1.Record{Kind: &roundsv1.Record_Unit{Unit: &roundsv1.Unit{Policy: settings}}}, 5
	}
	edit := &roundsv1.Edit{}
	var field uint32
	edit.Record, field = of(req.GetSet())
	edit.Fields = []uint32{field}
	if len(req.GetRemove()) > 0 {
		edit.Removed, _ = of(removals(req))
	}
	return edit
}

func removals(req *roundsv1.SetPolicyRequest) map[string]string {
	gone := map[string]string{}
	for _, key := range req.GetRemove() {
		gone[key] = ""
	}
	return gone
}

// setsPolicy: whether an act that was done is what a call asks. What made the record carries the settings among the rest of it, and nothing to remove.
func setsPolicy(m *roundsv1.Mutation, node string, req *roundsv1.SetPolicyRequest) bool {
	of := func(r *roundsv1.Record) map[string]string {
		if site := r.GetSite(); site != nil {
			return site.GetPolicy()
		}
		return r.GetUnit().GetPolicy()
	}
	edit := m.GetEdit()
	return m.GetRecordId() == node && edit != nil && maps.Equal(of(edit.GetRecord()), req.GetSet()) &&
		(len(edit.GetFields()) == 0 || maps.Equal(of(edit.GetRemoved()), removals(req)))
}

// withSettings is the record of a unit or a site with other settings, made from the tree where there is none.
func (k *Keeper) withSettings(before *roundsv1.Record, kind merge.Kind, node string, settings map[string]string) *roundsv1.Record {
	after := proto.CloneOf(before)
	path := k.cfg.Organisation.Path(node)
	parent := ""
	if len(path) > 1 {
		parent = path[len(path)-2]
	}
	switch {
	case kind == KindSite && before == nil:
		after = &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: &roundsv1.Site{UnitId: parent}}}
	case before == nil:
		after = &roundsv1.Record{Kind: &roundsv1.Record_Unit{Unit: &roundsv1.Unit{ParentId: parent, Type: unitTypeOf(k.cfg.Organisation.NodeType(node))}}}
	}
	if kind == KindSite {
		after.GetSite().Policy = settings
	} else {
		after.GetUnit().Policy = settings
	}
	return after
}

func unitTypeOf(t roundsv1.NodeType) roundsv1.UnitType {
	switch t {
	case roundsv1.NodeType_NODE_TYPE_GROUP:
		return roundsv1.UnitType_UNIT_TYPE_GROUP
	case roundsv1.NodeType_NODE_TYPE_REGION:
		return roundsv1.UnitType_UNIT_TYPE_REGION
	case roundsv1.NodeType_NODE_TYPE_DISTRICT:
		return roundsv1.UnitType_UNIT_TYPE_DISTRICT
	}
	return roundsv1.UnitType_UNIT_TYPE_UNSPECIFIED
}

// one does one act on the directory of a node and answers with its outcome; a refusal is an error.
func (k *Keeper) one(ctx context.Context, caller engine.Caller, kind merge.Kind, node string, act engine.DeskAct) (*roundsv1.Outcome, error) {
	scope, ok := k.placeOf(kind, node)
	if !ok {
		return nil, refuse(problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "node_id", "", "此节点下没有这类记录。", "The node has no records of this kind."))
	}
	act.Roles = k.vouched(caller, kind, node)
	outcomes, err := k.act(ctx, caller, scope, []engine.DeskAct{act})
	if err != nil {
		return nil, err
	}
	return answered(outcomes[0])
}

// answered is an outcome as an answer: a refusal is an error.
func answered(outcome *roundsv1.Outcome) (*roundsv1.Outcome, error) {
	if p := refusalOf(outcome); p != nil {
		return nil, refuse(p)
	}
	return outcome, nil
}

// once does a call that its caller gave an act's id: done before, it has the outcome that it had, whatever became of the record since. Same tells whether what was done then is what is
// asked now: the same id for something else is refused. Act does it. Two such calls at once come to one act, and both to its outcome.
func (k *Keeper) once(ctx context.Context, caller engine.Caller, kind merge.Kind, node, id string, same func(*roundsv1.Mutation) bool,
	act func() (*roundsv1.Outcome, error)) (*roundsv1.Outcome, error) {
	scope, ok := k.placeOf(kind, node)
	if id == "" || !ok {
		return act()
	}
	if before, done, err := k.acted(ctx, caller, scope, id, same); done || err != nil {
		return before, err
	}
	outcome, err := act()
	if err == nil {
		return outcome, nil
	}
	before, done, again := k.acted(ctx, caller, scope, id, same)
	if again == nil && done {
		return before, nil // by the same call, meanwhile
	}
	return nil, err
}

// acted is the outcome of an act that was done before.
func (k *Keeper) acted(ctx context.Context, caller engine.Caller, scope store.Scope, id string, same func(*roundsv1.Mutation) bool) (outcome *roundsv1.Outcome, done bool, err error) {
	m, outcome, err := k.cfg.Desk.Acted(ctx, caller.Person, scope, engine.ActID(id))
	if err != nil || outcome == nil {
		return nil, false, err
	}
	if m != nil && !same(m) {
		p := problem(roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, "act_id", "", "该操作编号已用于其他内容，请刷新后重试。", "This act's id was used for another act: make a new one.")
		p.Facts = map[string]string{"act_id": id}
		return nil, true, &engine.Error{Kind: engine.Precondition, Problem: p}
	}
	outcome, err = answered(outcome)
	return outcome, true, err
}
