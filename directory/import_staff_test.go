package directory_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/directory"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// anyOffice has the methods that nothing here asks for.
type anyOffice interface{ directory.Organisation }

// office is an organisation of one site, where everybody stands already, and notes of whom what was changed.
type office struct {
	anyOffice
	changed []string
}

func (*office) MayKeep(engine.PersonID, string) bool { return true }
func (*office) NodesByCode(string) []string          { return []string{"site-1"} }
func (*office) NodeType(string) roundsv1.NodeType    { return roundsv1.NodeType_NODE_TYPE_SITE }
func (*office) Organisation(store.Scope) (store.Scope, bool) {
	return "org/root", true
}
func (o *office) EnterPeople(_ context.Context, _ engine.Caller, people []directory.PersonEntry, dry bool) ([]directory.Entered, error) {
	done := make([]directory.Entered, len(people))
	for i, p := range people {
		done[i] = directory.Entered{ID: p.External, Changed: []string{"name"}, Person: &roundsv1.Person{PersonId: p.External, Name: "before", HomeNodeId: "site-1"}}
		if !dry && !p.OnlyNew {
			o.changed = append(o.changed, p.External)
		}
	}
	return done, nil
}

// cabinet has a record of everybody, and notes what is written to.
type cabinet struct {
	directory.Desk
	written []string
}

func (*cabinet) Record(_ context.Context, _ store.Scope, _ merge.Kind, id merge.RecordID) (*roundsv1.Change, error) {
	return &roundsv1.Change{RecordId: string(id), Version: 1, Record: &roundsv1.Record{Kind: &roundsv1.Record_Staff{Staff: &roundsv1.Staff{Name: "before", Code: string(id)}}}}, nil
}
func (*cabinet) Find(context.Context, store.Scope, engine.IndexName, store.Span) iter.Seq2[engine.IndexEntry, error] {
	return func(func(engine.IndexEntry, error) bool) {}
}
func (s *cabinet) Act(_ context.Context, _ engine.Caller, _ store.Scope, acts []engine.DeskAct) ([]*roundsv1.Outcome, error) {
	done := make([]*roundsv1.Outcome, len(acts))
	for i, a := range acts {
		s.written = append(s.written, string(a.RecordID))
		done[i] = &roundsv1.Outcome{Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED}
	}
	return done, nil
}

// strict are rules that let nobody write to one record.
type strict struct{ record string }

func (s strict) Judge(c engine.Case) engine.Verdict {
	if c.Mutation.GetRecordId() == s.record {
		return engine.Verdict{Problem: &roundsv1.Problem{Code: roundsv1.ProblemCode_PROBLEM_CODE_STATE, Field: "name"}}
	}
	return engine.Verdict{}
}

// TestARefusedRowOfStaffChangesNobody: the record of a row is judged before its person is changed; the rows beside it are taken.
func TestARefusedRowOfStaffChangesNobody(t *testing.T) {
	people, records := &office{}, &cabinet{}
	k := directory.New(directory.Config{Desk: records, Organisation: people, Reference: directory.NewReference(directory.ReferenceConfig{Tree: people}),
		Checks: directory.NewChecks(nil, func(string) error { return nil }), Rules: strict{"E2"}, Root: "root", Validate: func(proto.Message) error { return nil },
		Now: func() time.Time { return time.UnixMicro(1) }})
	resp, err := k.Import(t.Context(), engine.Caller{Person: "boss"}, &roundsv1.ImportRequest{Kind: roundsv1.ImportKind_IMPORT_KIND_STAFF, Columns: []string{"code", "name", "site"},
		Rows: []*roundsv1.ImportRow{{Line: 2, Cells: []string{"E1", "after", "S1"}}, {Line: 3, Cells: []string{"E2", "after", "S1"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.GetResults(); len(got) != 2 || got[0].GetStatus() != roundsv1.ImportStatus_IMPORT_STATUS_CHANGED || got[1].GetStatus() != roundsv1.ImportStatus_IMPORT_STATUS_REFUSED {
		t.Errorf("%v", got)
	}
	if len(people.changed) != 1 || people.changed[0] != "E1" || len(records.written) != 1 || records.written[0] != "E1" {
		t.Errorf("of people %q are changed, of records %q", people.changed, records.written)
	}
}
