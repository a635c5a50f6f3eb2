package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
)

// desk does acts as a person of a site, and keeps what it needs to name them.
type desk struct {
	w *world
	t *testing.T
}

// work is the desk's service.
func (d desk) work() roundsv1connect.WorkServiceClient {
	return roundsv1connect.NewWorkServiceClient(d.w.http, d.w.base)
}

// record reads a record of the world's site as it stands.
func (d desk) record(kind merge.Kind, id string) *roundsv1.Change {
	d.t.Helper()
	change, err := d.w.Engine().Record(d.t.Context(), d.w.site, kind, merge.RecordID(id))
	if err != nil {
		d.t.Fatal(err)
	}
	return change
}

// decide sends one act on what stands.
func (d desk) decide(by *device, scope store.Scope, kind merge.Kind, id string, act *roundsv1.DeskAct) *roundsv1.DecideResult {
	d.t.Helper()
	act.ActId, act.Scope, act.RecordId = uuid.NewString(), string(scope), id
	act.Base = d.record(kind, id).GetVersion()
	d.w.clock.add(time.Second)
	resp, err := d.work().Decide(d.t.Context(), as(by, &roundsv1.DecideRequest{Acts: []*roundsv1.DeskAct{act}}))
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.Msg.GetResults()[0]
}

// done sends an act that has to be applied.
func (d desk) done(by *device, kind merge.Kind, id string, act *roundsv1.DeskAct) {
	d.t.Helper()
	if got := d.decide(by, d.w.site, kind, id, act); got.GetOutcome().GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
		d.t.Fatalf("%v\n%v", act, got)
	}
}

func creation(r *roundsv1.Record) *roundsv1.DeskAct {
	return &roundsv1.DeskAct{Act: &roundsv1.DeskAct_Edit{Edit: &roundsv1.Edit{Record: r}}}
}

func factOf(r *roundsv1.Record) *roundsv1.DeskAct {
	return &roundsv1.DeskAct{Act: &roundsv1.DeskAct_Fact{Fact: &roundsv1.Fact{Record: r}}}
}

func onTicket(c *roundsv1.TicketCommand) *roundsv1.DeskAct {
	return &roundsv1.DeskAct{Act: &roundsv1.DeskAct_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: c}}}}
}

func onRound(c *roundsv1.InspectionCommand) *roundsv1.DeskAct {
	return &roundsv1.DeskAct{Act: &roundsv1.DeskAct_Command{Command: &roundsv1.Command{Command: &roundsv1.Command_Inspection{Inspection: c}}}}
}

func accept(epoch uint32) *roundsv1.DeskAct {
	return onTicket(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Accept{Accept: &roundsv1.TicketAccept{AssignEpoch: epoch}}})
}

func submit(photos ...string) *roundsv1.DeskAct {
	return onTicket(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_SubmitCompletion{
		SubmitCompletion: &roundsv1.TicketSubmit{Round: 1, PhotoIds: photos}}})
}

func approve(digest []byte) *roundsv1.DeskAct {
	return onRound(&roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Approve{
		Approve: &roundsv1.InspectionApprove{Round: 1, ReviewDigest: digest}}})
}

// started is a ticket of a category that a worker works on.
func (d desk) started(boss, worker *device, category string) string {
	id := d.dispatched(boss, worker, category)
	d.done(worker, "ticket", id, accept(1))
	d.done(worker, "ticket", id, onTicket(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Start{Start: &roundsv1.TicketStart{}}}))
	return id
}

// dispatched is a ticket of a category that a worker is asked to do.
func (d desk) dispatched(boss, worker *device, category string) string {
	id := uuid.Must(uuid.NewV7()).String()
	d.done(boss, "ticket", id, creation(&roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Title: "泵房漏水"}}}))
	d.done(boss, "ticket", id, onTicket(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Triage{Triage: &roundsv1.TicketTriage{CategoryId: category}}}))
	d.done(boss, "ticket", id, onTicket(&roundsv1.TicketCommand{Command: &roundsv1.TicketCommand_Dispatch{
		Dispatch: &roundsv1.TicketDispatch{AssigneeId: worker.person}}}))
	return id
}

func answered(item string, reading float64) *roundsv1.DeskAct {
	return factOf(&roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Answers: map[string]*roundsv1.Answer{
		item: {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS, Reading: proto.Float64(reading)}}}}})
}

// planned is an inspection round with a version of a list.
func (d desk) planned(by *device, series string, version uint32) string {
	id := uuid.Must(uuid.NewV7()).String()
	d.done(by, "inspection", id, creation(&roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
		Title: "每日巡检", ChecklistId: series, ChecklistVersion: version}}}))
	return id
}

// TestBadInput sends what people, apps and tables may get wrong over HTTP, and holds each answer against its typed refusal, as docs/bad-input.md lists them.
// No record changes by any of them. What the rules refused stands in the journal, one entry, and nothing else does.
func TestBadInput(t *testing.T) {
	w := found(t)
	d := desk{w, t}
	for _, more := range []*roundsv1.ImportRequest{
		table(checklists, "code,version,name_zh,item,question_zh,unit,low,high,least,greatest", "TEMP,1,测温,t1,水温,Cel,0,60,-40,100"),
		table(categories, "code,name_zh,line,priority,after_photos,checklist", "ENG-02,水温,engineering,normal,0,TEMP"),
	} {
		if got, resp := w.enter(w.device, more); !strings.HasSuffix(got, " 0 refused") {
			t.Fatalf("%s %v", got, resp)
		}
	}
	root, foreign := string(w.Founding().Root), w.siteOf("S2")
	categoryIDs, lists := w.list(root, "category"), w.list(root, "checklist")
	temp := lists["TEMP"].GetRecord().GetChecklist().GetSeriesId()
	boss, worker := w.hired(t, "boss", roundsv1.Role_ROLE_MANAGER), w.hired(t, "worker", roundsv1.Role_ROLE_WORKER)
	auditor, clerk := w.hired(t, "auditor", roundsv1.Role_ROLE_AUDITOR), w.hired(t, "clerk", roundsv1.Role_ROLE_ADMIN)

	offered := d.dispatched(boss, worker, categoryIDs["ENG-01"].GetRecordId())
	bare := d.started(boss, worker, categoryIDs["ENG-01"].GetRecordId())
	hot := d.started(boss, worker, categoryIDs["ENG-02"].GetRecordId())
	d.done(worker, "ticket", hot, answered("t1", 999)) // a fact is taken, whatever it says
	unreleased := d.planned(worker, temp, 7)
	round := d.planned(worker, temp, 1)
	d.done(boss, "inspection", round, onRound(&roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Release{Release: &roundsv1.InspectionRelease{}}}))
	d.done(worker, "inspection", round, onRound(&roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Start{Start: &roundsv1.InspectionStart{}}}))
	d.done(worker, "inspection", round, factOf(&roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: &roundsv1.Inspection{
		Answers: map[string]*roundsv1.Answer{"t1": {Result: roundsv1.AnswerResult_ANSWER_RESULT_PASS, Reading: proto.Float64(20)}}}}}))
	d.done(worker, "inspection", round, onRound(&roundsv1.InspectionCommand{Command: &roundsv1.InspectionCommand_Submit{Submit: &roundsv1.InspectionSubmit{Round: 1}}}))
	untilRecord(t, w, "inspection", round, func(r *roundsv1.Record) bool {
		return r.GetInspection().GetState() == roundsv1.InspectionState_INSPECTION_STATE_PENDING_REVIEW
	})

	acted := func(by *device, scope store.Scope, kind merge.Kind, id string, act *roundsv1.DeskAct) func(*testing.T) (connect.Code, *roundsv1.Problem) {
		return func(t *testing.T) (connect.Code, *roundsv1.Problem) {
			got := d.decide(by, scope, kind, id, act)
			if got.GetOutcome() != nil && got.GetOutcome().GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED {
				t.Errorf("outcome %v", got.GetOutcome())
			}
			if got.GetProblem() != nil {
				return 0, got.GetProblem()
			}
			return 0, got.GetOutcome().GetProblem()
		}
	}
	failed := func(call func() error) func(*testing.T) (connect.Code, *roundsv1.Problem) {
		return func(t *testing.T) (connect.Code, *roundsv1.Problem) { return problemOf(t, call()) }
	}
	imported := func(by *device, req *roundsv1.ImportRequest) func(*testing.T) (connect.Code, *roundsv1.Problem) {
		return func(t *testing.T) (connect.Code, *roundsv1.Problem) {
			resp, err := w.admin().Import(t.Context(), as(by, req))
			if err != nil {
				return problemOf(t, err)
			}
			if len(resp.Msg.GetResults()) != 1 || resp.Msg.GetResults()[0].GetStatus() != roundsv1.ImportStatus_IMPORT_STATUS_REFUSED {
				t.Fatalf("%v", resp.Msg)
			}
			return 0, resp.Msg.GetResults()[0].GetProblem()
		}
	}
	exchanged := func(by *device, cursor *roundsv1.ScopeCursor) func(*testing.T) (connect.Code, *roundsv1.Problem) {
		return failed(func() error {
			_, err := w.sync().Exchange(t.Context(), as(by, &roundsv1.ExchangeRequest{Clock: by.clockNow(), Cursors: []*roundsv1.ScopeCursor{cursor}}))
			return err
		})
	}
	const (
		noRight   = roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT
		invalid   = roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD
		missing   = roundsv1.ProblemCode_PROBLEM_CODE_MISSING
		unknown   = roundsv1.ProblemCode_PROBLEM_CODE_NO_RECORD
		journaled = 1 // an entry: what was refused, by whom and why
	)
	for _, tt := range []struct {
		name    string
		send    func(*testing.T) (connect.Code, *roundsv1.Problem)
		code    connect.Code // 0: the call is answered, its part is refused
		problem roundsv1.ProblemCode
		field   string
		facts   map[string]string
		entries int // in the journal of the caller's site
	}{
		{name: "wrong role: an auditor confirms", send: acted(auditor, w.site, "inspection", round, approve(nil)), problem: noRight, entries: journaled},
		{name: "wrong role: a worker confirms", send: acted(worker, w.site, "inspection", round, approve(nil)), problem: noRight, entries: journaled},
		{name: "wrong role: an administrator without another role", code: connect.CodePermissionDenied, problem: noRight, field: "scopes[0]",
			send: failed(func() error {
				_, err := d.work().ListTickets(t.Context(), as(clerk, &roundsv1.ListTicketsRequest{Scopes: []string{string(w.site)}}))
				return err
			})},
		{name: "wrong role: an administrator of a site makes one of its region", problem: noRight,
			send: imported(clerk, table(staff, "code,name,site,role", "E9,张三,R1,admin"))},
		{name: "wrong role: an administrator of a site takes over who has more", problem: noRight,
			send: imported(clerk, table(staff, "code,external_id", "E3,mine"))},
		{name: "wrong role: an administrator of a site writes what the organisation shares", problem: noRight,
			send: imported(clerk, table(categories, "code,name_zh,line,priority", "ENG-09,新类别,engineering,normal"))},
		{name: "wrong role: a manager sets a policy", code: connect.CodePermissionDenied, problem: noRight, field: "node_id", send: failed(func() error {
			_, err := w.admin().SetPolicy(t.Context(), as(boss, &roundsv1.SetPolicyRequest{NodeId: root, Set: map[string]string{"photo.exif.apart": "5m"}}))
			return err
		})},
		{name: "wrong role: a manager imports roles", problem: noRight,
			send: imported(boss, table(staff, "code,name,site,role", "E9,张三,S1,admin"))},
		{name: "wrong epoch: an offer that was made anew", send: acted(worker, w.site, "ticket", offered, accept(9)),
			problem: roundsv1.ProblemCode_PROBLEM_CODE_STALE_DISPATCH, entries: journaled},
		{name: "stale digest", send: acted(boss, w.site, "inspection", round, approve(make([]byte, 32))),
			problem: roundsv1.ProblemCode_PROBLEM_CODE_STALE_DIGEST, field: "command.inspection.approve.review_digest", entries: journaled},
		{name: "no digest at all", send: acted(boss, w.site, "inspection", round, approve(make([]byte, 3))),
			problem: invalid, field: "command.inspection.approve.review_digest"},
		{name: "missing evidence", send: acted(worker, w.site, "ticket", bare, submit()), problem: missing, field: "command.ticket.submit_completion.photo_ids",
			facts: map[string]string{"required": "1", "have": "0"}, entries: journaled},
		{name: "impossible reading", send: acted(worker, w.site, "ticket", hot, submit()), problem: roundsv1.ProblemCode_PROBLEM_CODE_IMPOSSIBLE,
			facts: map[string]string{"items": "t1"}, entries: journaled},
		{name: "unknown version of a template", problem: roundsv1.ProblemCode_PROBLEM_CODE_UNKNOWN_VERSION, facts: map[string]string{"version": "7", "newest": "1"},
			send: acted(boss, w.site, "inspection", unreleased, onRound(&roundsv1.InspectionCommand{
				Command: &roundsv1.InspectionCommand_Release{Release: &roundsv1.InspectionRelease{}}})), entries: journaled},
		{name: "foreign site: a list", code: connect.CodePermissionDenied, problem: noRight, field: "scopes[1]", send: failed(func() error {
			_, err := d.work().ListTickets(t.Context(), as(worker, &roundsv1.ListTicketsRequest{Scopes: []string{string(w.site), string(foreign)}}))
			return err
		})},
		{name: "foreign site: a story", code: connect.CodePermissionDenied, problem: noRight, field: "scope", send: failed(func() error {
			_, err := d.work().Story(t.Context(), as(worker, &roundsv1.StoryRequest{Scope: string(foreign), Record: &roundsv1.RecordRef{Kind: "ticket", Id: bare}}))
			return err
		})},
		{name: "foreign site: an inbox", code: connect.CodePermissionDenied, problem: noRight, field: "scopes[0]", send: failed(func() error {
			_, err := d.work().Inbox(t.Context(), as(worker, &roundsv1.InboxRequest{Scopes: []string{string(foreign)}, Everybody: true}))
			return err
		})},
		{name: "foreign site: notices", code: connect.CodePermissionDenied, problem: noRight, field: "scopes[0]", send: failed(func() error {
			_, err := d.work().ListNotices(t.Context(), as(worker, &roundsv1.ListNoticesRequest{Scopes: []string{string(foreign)}}))
			return err
		})},
		{name: "foreign site: an act", problem: noRight, field: "scope", send: acted(worker, foreign, "ticket", bare, accept(1))},
		{name: "foreign site: its desk", problem: noRight, field: "scope", send: acted(worker, store.Scope("desk/"+w.node("S2")), "ticket", bare, accept(1))},
		{name: "foreign site: a file", code: connect.CodePermissionDenied, problem: noRight, field: "scopes[0]", send: failed(func() error {
			_, _, err := worker.take(t.Context(), &roundsv1.ExportRequest{Scopes: []string{string(foreign)}, Content: roundsv1.ExportContent_EXPORT_CONTENT_TICKETS,
				Format: roundsv1.ExportFormat_EXPORT_FORMAT_CSV})
			return err
		})},
		{name: "foreign site: its settings", code: connect.CodePermissionDenied, problem: noRight, field: "node_id", send: failed(func() error {
			_, err := w.admin().GetPolicy(t.Context(), as(worker, &roundsv1.GetPolicyRequest{NodeId: w.node("S2")}))
			return err
		})},
		{name: "foreign site: its staff", code: connect.CodePermissionDenied, problem: noRight, field: "node_id", send: failed(func() error {
			_, err := w.admin().ListDirectory(t.Context(), as(worker, &roundsv1.ListDirectoryRequest{NodeId: w.node("S2"), Kind: "staff"}))
			return err
		})},
		{name: "foreign site: a place", code: connect.CodePermissionDenied, problem: noRight, field: "node_id", send: failed(func() error {
			_, err := w.admin().PutDirectory(t.Context(), as(boss, &roundsv1.PutDirectoryRequest{NodeId: w.node("S2"), Edit: &roundsv1.Edit{
				Record: &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Code: "X", Name: &roundsv1.Text{Zh: "某处"}}}}}}))
			return err
		})},
		{name: "foreign site: a sync", code: connect.CodePermissionDenied, problem: noRight, field: "cursors[0].scope", send: exchanged(worker, &roundsv1.ScopeCursor{Scope: string(foreign)})},
		{name: "a false cursor", code: connect.CodeInvalidArgument, problem: roundsv1.ProblemCode_PROBLEM_CODE_BAD_CURSOR,
			send: exchanged(worker, &roundsv1.ScopeCursor{Scope: string(w.site), Cursor: []byte("not one")})},
		{name: "malformed CSV: a column that there is not", code: connect.CodeInvalidArgument, problem: invalid, field: "columns",
			send: imported(w.device, table(places, "site,code,nmae_zh,type", "S1,X,某处,room"))},
		{name: "malformed CSV: a column twice", code: connect.CodeInvalidArgument, problem: invalid, field: "columns",
			send: imported(w.device, table(places, "site,code,code,type", "S1,X,Y,room"))},
		{name: "malformed CSV: no column of codes", code: connect.CodeInvalidArgument, problem: missing, field: "code",
			send: imported(w.device, table(places, "site,name_zh,type", "S1,某处,room"))},
		{name: "malformed CSV: no code", problem: missing, field: "code", send: imported(w.device, table(places, "site,code,name_zh,type", "S1,,某处,room"))},
		{name: "malformed CSV: a word that is none of a list", problem: invalid, field: "type",
			send: imported(w.device, table(places, "site,code,name_zh,type", "S1,X,某处,castle"))},
		{name: "malformed CSV: a site that there is not", problem: unknown, field: "site",
			send: imported(w.device, table(places, "site,code,name_zh,type", "S404,X,某处,room"))},
		{name: "malformed CSV: a place above that there is not", problem: unknown, field: "parent",
			send: imported(w.device, table(places, "site,code,name_zh,type,parent", "S1,X,某处,room,nowhere"))},
		{name: "malformed CSV: too many cells", code: connect.CodeInvalidArgument, problem: invalid, field: "rows[0].cells",
			send: imported(w.device, table(places, "site,code,name_zh,type", "S1,X,某处,room"+strings.Repeat(",", 100)))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.clock.add(time.Second) // nobody calls too often
			seq, records := d.stands(t)
			before := d.others(t)
			code, p := tt.send(t)
			if code != tt.code || p.GetCode() != tt.problem || tt.field != "" && p.GetField() != tt.field {
				t.Errorf("%v %v, want %v %v %q", code, p, tt.code, tt.problem, tt.field)
			}
			for fact, want := range tt.facts {
				if p.GetFacts()[fact] != want {
					t.Errorf("fact %s is %q, want %q: %v", fact, p.GetFacts()[fact], want, p)
				}
			}
			if p.GetSentence().GetZh() == "" || p.GetSentence().GetEn() == "" {
				t.Errorf("no sentence in both languages: %v", p)
			}
			now, after := d.stands(t)
			if int(now-seq) != tt.entries {
				t.Errorf("%d entries were journalled, want %d", now-seq, tt.entries)
			}
			for name, was := range records {
				if !proto.Equal(after[name], was) {
					t.Errorf("%s changed:\n%v\n%v", name, was, after[name])
				}
			}
			if len(after) != len(records) || d.others(t) != before {
				t.Error("something was made")
			}
		})
	}
	// A cursor of another epoch is no error: the device takes a fresh snapshot, and loses nothing of what it holds.
	pulled := worker.exchange(&roundsv1.ExchangeRequest{Clock: worker.clockNow(), Cursors: []*roundsv1.ScopeCursor{{Scope: string(w.site)}}})
	if err := w.Engine().NewEpoch(t.Context(), w.site); err != nil {
		t.Fatal(err)
	}
	w.clock.add(time.Second)
	again := worker.exchange(&roundsv1.ExchangeRequest{Clock: worker.clockNow(), Cursors: []*roundsv1.ScopeCursor{
		{Scope: string(w.site), Cursor: pulled.GetPages()[0].GetCursor()}}})
	if !again.GetPages()[0].GetReset_() || len(again.GetPages()[0].GetChanges()) == 0 {
		t.Errorf("a cursor of another epoch: %v", again.GetPages()[0])
	}
}

// stands is the journal's length and every record of the site, by kind and id.
func (d desk) stands(t *testing.T) (journal.Seq, map[string]*roundsv1.Change) {
	t.Helper()
	seq, _, err := d.w.Engine().Head(t.Context(), d.w.site)
	if err != nil {
		t.Fatal(err)
	}
	page, err := d.w.Engine().Changes(t.Context(), d.w.site, engine.Position{}, engine.ChangesLimits{Records: 1000, Bytes: 4 << 20})
	if err != nil || page.More {
		t.Fatal(err, page)
	}
	records := map[string]*roundsv1.Change{}
	for _, change := range page.Changes {
		kind, _ := merge.KindOf(change.GetRecord())
		records[string(kind)+" "+change.GetRecordId()] = change
	}
	return seq, records
}

// others is where the scopes beside the site stand that a refused call might have written to, and who and what the organisation consists of.
func (d desk) others(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, scope := range []store.Scope{d.w.siteOf("S2"), store.Scope("desk/" + d.w.node("S2")), store.Scope("org/" + string(d.w.Founding().Root))} {
		seq, hash, err := d.w.Engine().Head(t.Context(), scope)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&all, scope, seq, hash)
	}
	people, err := d.w.admin().ListPeople(t.Context(), as(d.w.device, &roundsv1.ListPeopleRequest{NodeId: string(d.w.Founding().Root), PageSize: 100}))
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := d.w.admin().ListNodes(t.Context(), as(d.w.device, &roundsv1.ListNodesRequest{PageSize: 100}))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&all, len(people.Msg.GetPeople()), len(nodes.Msg.GetNodes()), len(d.w.list(d.w.node("S1"), "place")), len(d.w.list(d.w.node("S1"), "staff")))
	return all.String()
}
