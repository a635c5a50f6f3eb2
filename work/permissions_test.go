package work_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work"
)

// letters stand for the roles in what is expected: Resident, Worker, Foreman, Butler, Dispatcher, Supervisor, Manager, Admin. A small
// letter: on what the person reported only.
const letters = "RWFBDSMA"

// expected says who may do what, as the document has it.
func expected() map[string]string {
	return map[string]string{
		"ticket create": "rWFBDSM", "ticket edit": "WFBDSM", "ticket fact": "WFBDSM", "ticket triage": "BDM", "ticket dispatch": "FDM",
		"ticket accept": "WFBDSM", "ticket decline": "WFBDSM", "ticket start": "WFBDSM", "ticket pause": "WFBDSM", "ticket resume": "WFBDSM",
		"ticket submit_completion": "WFBDSM", "ticket approve": "BSM", "ticket reject": "BSM", "ticket cancel": "rwfbdSM", "ticket merge": "DM",
		"ticket escalate": "BDSM", "ticket customer_accept": "r", "ticket dispute": "rBDM", "ticket force_close": "FBDSM",
		"inspection create": "WFBDSM", "inspection edit": "WFBDSM", "inspection fact": "WFBDSM", "inspection release": "FSM", "inspection start": "WFBDSM",
		"inspection submit": "WFBDSM", "inspection approve": "SM", "inspection return": "SM", "inspection excuse": "SM",
		"photo create": "rWFBDSM", "photo fact": "rWFBDSM", "photo edit": "FBSM", "comment create": "rWFBDSM", "comment fact": "rWFBDSM", "comment edit": "FBSM",
		"conflict admit": "FSM", "conflict dismiss": "FSM", "conflict decide": "FBDSM", "conflict assign": "FSM", "notice edit": "RWFBDSM", "asset fact": "WFSM",
		"ticket split": "FDM", "ticket ask": "BSM", "ticket follow_up": "BDSM", "ticket reopen": "SM",
		"plan create": "SMA", "plan edit": "SMA", "plan delete": "SMA",
		"unit create": "A", "unit edit": "A", "unit delete": "A", "calendar create": "A", "calendar edit": "A", "calendar delete": "A",
		"site create": "A", "site edit": "A", "site delete": "A", "place create": "A", "place edit": "A", "place delete": "A",
		"asset create": "A", "asset edit": "A", "asset delete": "A", "staff create": "A", "staff edit": "MA", "staff delete": "A",
		"category create": "A", "category edit": "A", "category delete": "A", "checklist create": "A", "checklist edit": "A", "checklist delete": "A",
		"announcement create": "A", "announcement edit": "A", "announcement delete": "A",
	}
}

// classes are the kinds that live in each class of scope.
func classes() map[string][]merge.Kind {
	return map[string][]merge.Kind{
		"site": {"ticket", "inspection", "photo", "comment", "conflict", "site", "place", "asset", "staff", "plan", "notice"},
		"org":  {"category", "checklist", "announcement", "conflict", "unit", "calendar"},
		"desk": {"conflict", "comment"},
		"user": {"conflict", "comment"},
	}
}

func scopeOf(class string) store.Scope {
	return store.Scope(class + "/0199c0de-0000-7000-8000-000000000001")
}

// empty is a record of a kind with nothing in it.
func empty(kind merge.Kind) *roundsv1.Record {
	r := &roundsv1.Record{}
	fd := r.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(kind))
	r.ProtoReflect().Set(fd, r.ProtoReflect().NewField(fd))
	return r
}

// commandOf is an empty command of a kind by its name.
func commandOf(kind merge.Kind, name string) *roundsv1.Mutation {
	c := &roundsv1.Command{}
	fd := c.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(kind))
	of := c.ProtoReflect().Mutable(fd).Message()
	of.Mutable(of.Descriptor().Fields().ByName(protoreflect.Name(name)))
	return &roundsv1.Mutation{Act: &roundsv1.Mutation_Command{Command: c}}
}

// commandNames are all commands of a kind that the schema knows.
func commandNames(kind merge.Kind) (names []string) {
	fd := (&roundsv1.Command{}).ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(kind))
	if fd == nil || fd.Message().Oneofs().ByName("command") == nil {
		return nil
	}
	fields := fd.Message().Oneofs().ByName("command").Fields()
	for i := range fields.Len() {
		names = append(names, string(fields.Get(i).Name()))
	}
	return names
}

// operations are all that can be asked of a kind, each as a mutation with the record as it stands.
func operations(kind merge.Kind, by string) map[string]engine.Case {
	author := &roundsv1.Stamp{Seq: 1, DeviceId: "another", PersonId: by}
	current := func() *roundsv1.Change {
		return &roundsv1.Change{RecordId: uid("record"), Version: 1, TimeUs: 1, Record: empty(kind),
			Writes: []*roundsv1.Write{{Stamp: author, Shown: []uint32{51}}}}
	}
	subject := func(r *roundsv1.Record) *roundsv1.Record {
		ref := &roundsv1.RecordRef{Kind: "ticket", Id: uid("ticket")}
		if r.GetPhoto() != nil {
			r.GetPhoto().Subject = ref
		}
		if r.GetComment() != nil {
			r.GetComment().Subject = ref
		}
		if r.GetTicket() != nil {
			r.GetTicket().ReporterId = by
		}
		return r
	}
	with := func(m *roundsv1.Mutation) *roundsv1.Mutation {
		m.RecordId, m.Base, m.BaseTimeUs = uid("record"), 1, 1
		return m
	}
	fact := &roundsv1.Mutation{Act: &roundsv1.Mutation_Fact{Fact: &roundsv1.Fact{Record: subject(empty(kind))}}}
	make := &roundsv1.Mutation{Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: subject(empty(kind))}}}
	edit := &roundsv1.Mutation{Act: &roundsv1.Mutation_Edit{Edit: &roundsv1.Edit{Record: empty(kind), Fields: []uint32{1}}}}
	remove := &roundsv1.Mutation{Act: &roundsv1.Mutation_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Delete{
		Delete: &roundsv1.Delete{Kind: string(kind)}}}}}
	all := map[string]engine.Case{
		"create": {Mutation: make}, "edit": {Mutation: with(edit), Current: current()}, "fact": {Mutation: with(fact), Current: current()},
		"delete": {Mutation: with(remove), Current: current()},
	}
	all["fact"].Current.Record = subject(empty(kind))
	for _, name := range commandNames(kind) {
		all[name] = engine.Case{Mutation: with(commandOf(kind, name)), Current: current()}
	}
	for op, c := range all {
		c.Kind, c.Saw = kind, true
		c.Lookup = func(of merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
			if of != "ticket" || string(id) != uid("ticket") {
				return nil, nil
			}
			return &roundsv1.Change{RecordId: string(id), Record: ticketRecord(&roundsv1.Ticket{}), Writes: []*roundsv1.Write{{Stamp: author, Shown: []uint32{51}}}}, nil
		}
		all[op] = c
	}
	return all
}

// denied: whether a case is refused for want of the right, whatever else stands against it.
func denied(t *testing.T, c engine.Case) bool {
	t.Helper()
	v := plainRules().Judge(c)
	p := v.Problem
	if p == nil || p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT || p.GetField() != "" ||
		!strings.HasPrefix(p.GetSentence().GetEn(), "You have no right to") && !strings.HasPrefix(p.GetSentence().GetEn(), "You may do this only with") {
		return false
	}
	checkProblem(t, p)
	if v.Effect != nil || v.Derived != nil || v.Admit != 0 {
		t.Errorf("a refusal with effects: %v", v)
	}
	if wants := c.Mutation.GetFact() != nil; wants != (v.Park == roundsv1.ConflictType_CONFLICT_TYPE_NO_RIGHT) {
		t.Errorf("parked as %v; a fact is kept for a supervisor, nothing else is", v.Park)
	}
	return true
}

// TestPermissions walks role × kind × operation, on what the person reported and on what others did.
func TestPermissions(t *testing.T) {
	roles := append([]roundsv1.Role{roundsv1.Role_ROLE_UNSPECIFIED}, roundsv1.Role_ROLE_AUDITOR, roundsv1.Role_ROLE_SYSTEM, 77, -3)
	for i := range len(letters) {
		roles = append(roles, roundsv1.Role(i+1))
	}
	cases, expect := 0, expected()
	for class, kinds := range classes() {
		for _, kind := range kinds {
			for _, by := range []string{uid("me"), uid("another")} {
				for op, c := range operations(kind, by) {
					for _, role := range roles {
						want := false
						if role >= 1 && int(role) <= len(letters) {
							letter := letters[role-1 : role]
							allowed := expect[string(kind)+" "+op]
							mine := by == uid("me") || class == "user"
							want = strings.Contains(allowed, letter) || mine && strings.Contains(allowed, strings.ToLower(letter))
						}
						c.Scope, c.Person, c.Device, c.Roles = scopeOf(class), engine.PersonID(uid("me")), "mine", []roundsv1.Role{role}
						if got := !denied(t, c); got != want {
							t.Errorf("%s: %v, %s %s, reported by self: %v: allowed %v, want %v", class, role, kind, op, by == uid("me"), got, want)
						}
						cases++
						c.Admitted, c.Roles = true, nil
						if denied(t, c) {
							t.Errorf("%s: %s %s: let in by a person, and asked for rights", class, kind, op)
						}
						c.Admitted = false
					}
				}
			}
		}
	}
	if cases < 2000 {
		t.Errorf("only %d cases", cases)
	}
}

// TestScopes walks every kind through every class of scope.
func TestScopes(t *testing.T) {
	everybody := make([]roundsv1.Role, 0, 10)
	for i := range 10 {
		everybody = append(everybody, roundsv1.Role(i+1))
	}
	for _, class := range []string{"site", "org", "desk", "user", "", "sites", "galaxy"} {
		for _, kind := range append(merge.Kinds(), "", "unheard") {
			home := slices.Contains(classes()[class], kind)
			if kind == "" || kind == "unheard" {
				continue
			}
			for op, c := range operations(kind, uid("me")) {
				c.Scope, c.Roles, c.Person, c.Admitted = scopeOf(class), everybody, engine.PersonID(uid("me")), true
				v := plainRules().Judge(c)
				misplaced := v.Problem.GetCode() == roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD && v.Problem.GetField() == "scope"
				if misplaced == home {
					t.Errorf("%s %s in %q: %v", kind, op, class, v.Problem)
				}
			}
		}
	}
}

// TestPermissionsTable: as data the table has no row twice and names nothing that the schema does not know.
func TestPermissionsTable(t *testing.T) {
	seen := map[work.Permission]bool{}
	for _, p := range work.Permissions() {
		if seen[p] {
			t.Errorf("twice: %+v", p)
		}
		seen[p] = true
		known := append(commandNames(p.Kind), "create", "edit", "fact", "delete")
		if !slices.Contains(merge.Kinds(), p.Kind) || !slices.Contains(known, string(p.Operation)) {
			t.Errorf("unknown: %+v", p)
		}
		if p.Role == roundsv1.Role_ROLE_AUDITOR || p.Role == roundsv1.Role_ROLE_SYSTEM || p.Role == roundsv1.Role_ROLE_UNSPECIFIED {
			t.Errorf("a right of nobody: %+v", p)
		}
	}
	for key := range expected() {
		kind, op, _ := strings.Cut(key, " ")
		if !slices.ContainsFunc(work.Permissions(), func(p work.Permission) bool { return p.Kind == merge.Kind(kind) && p.Operation == work.Operation(op) }) {
			t.Errorf("missing: %s", key)
		}
	}
}
