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
	"github.com/rounds-sync/rounds/work/policy"
)

// known are all settings that there are, by key.
func (k *Keeper) known() []Known {
	var all []Known
	for _, s := range policy.Settings() {
		words := proto.CloneOf(s.Meaning)
		words.En += " (" + string(s.Type)
		if s.Unit != "" {
			words.En += ", " + s.Unit
		}
		words.En += ")"
		all = append(all, Known{Key: s.Key, Default: s.Default, About: words})
	}
	for _, f := range k.cfg.Families {
		all = append(all, f.Known...)
	}
	slices.SortStableFunc(all, func(a, b Known) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// knows: whether there is a setting of that key.
func (k *Keeper) knows(key string) bool {
	for _, one := range k.known() {
		family, open := strings.CutSuffix(one.Key, "*")
		if one.Key == key || open && strings.HasPrefix(key, family) && len(key) > len(family) {
			return true
		}
	}
	return false
}

// notUnderstood says what is wanted for each of some settings that is not understood, by key.
func (k *Keeper) notUnderstood(settings map[string]string) map[string]string {
	all := map[string]string{}
	_, err := policy.Parse(settings)
	for _, one := range joined(err) {
		var fault *policy.SettingError
		if errors.As(one, &fault) {
			all[fault.Key] = fault.Want
		}
	}
	for _, f := range k.cfg.Families {
		maps.Copy(all, f.Check(settings))
	}
	return all
}

// checkSetting refuses a setting that nothing here understands.
func (k *Keeper) checkSetting(key, value string) *roundsv1.Problem {
	if !k.knows(key) {
		p := wanted("key", key, "已有的设置项(rounds admin policy keys 可列出)", "a setting that there is (rounds admin policy keys lists them)")
		p.Facts["key"] = key
		return p
	}
	if want, bad := k.notUnderstood(map[string]string{key: value})[key]; bad {
		p := wanted("value", value, want, want)
		p.Facts["key"] = key
		p.Sentence = &roundsv1.Text{Zh: "设置项“" + key + "”的值“" + short(value) + "”无效,应为:" + want + "。", En: "The setting " + key + " is \"" + short(value) + "\", wanted " + want + "."}
		return p
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
	if before, err = k.cfg.Desk.Record(ctx, scope, kind, node); err != nil {
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
	for _, one := range k.known() {
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
		if p := k.checkSetting(key, req.GetSet()[key]); p != nil {
			p.Field = "set[" + key + "]"
			return nil, refuse(p)
		}
	}
	kind, before, own, err := k.ownSettings(ctx, node)
	if err != nil {
		return nil, err
	}
	changed := maps.Clone(own)
	if changed == nil {
		changed = map[string]string{}
	}
	maps.Copy(changed, req.GetSet())
	for _, key := range req.GetRemove() {
		delete(changed, key)
	}
	after := k.withSettings(before.GetRecord(), kind, node, changed)
	if edit := editOf(kind, before.GetRecord(), after); edit != nil {
		act := k.actOf(caller, node, before, edit)
		if req.GetActId() != "" {
			act.ID = strings.ToLower(req.GetActId())
		}
		if _, err := k.one(ctx, caller, kind, node, act); err != nil {
			return nil, err
		}
	}
	now, err := k.policyOf(ctx, node)
	return &roundsv1.SetPolicyResponse{Policy: now}, err
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
	over := kind == KindUnit && !k.cfg.Organisation.MayKeep(caller.Person, k.rootOf(node)) && act.Edit != nil
	outcomes, err := k.act(ctx, caller, scope, []engine.DeskAct{act}, over)
	if err != nil {
		return nil, err
	}
	if p := refusalOf(outcomes[0]); p != nil {
		return nil, refuse(p)
	}
	return outcomes[0], nil
}
