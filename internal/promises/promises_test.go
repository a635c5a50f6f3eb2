package promises_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
	"github.com/rounds-sync/rounds/work"
)

const (
	site   = store.Scope("site/0199c0de-0000-7000-8000-000000000001")
	ticket = client.RecordID("0199c0de-0000-7000-8000-000000000002")
	other  = client.RecordID("0199c0de-0000-7000-8000-000000000003")
)

// everybody may read and do everything; keys are known by device.
type everybody map[engine.DeviceID]ed25519.PublicKey

func (everybody) Roles(engine.PersonID, store.Scope, time.Time) []roundsv1.Role {
	return []roundsv1.Role{roundsv1.Role_ROLE_FOREMAN}
}
func (everybody) MayRead(engine.PersonID, store.Scope, time.Time) bool { return true }
func (everybody) EverHad(engine.PersonID, store.Scope) bool            { return true }
func (everybody) Scopes(engine.PersonID, time.Time) []store.Scope      { return []store.Scope{site} }
func (e everybody) DeviceKey(d engine.DeviceID) ed25519.PublicKey      { return e[d] }
func (everybody) Revoked(engine.DeviceID) roundsv1.Revocation          { return 0 }

// link calls an engine.
type link struct {
	engine *engine.Engine
	caller engine.Caller
}

// Exchange implements roundsv1connect.SyncServiceClient.
func (l link) Exchange(
	ctx context.Context, req *connect.Request[roundsv1.ExchangeRequest],
) (*connect.Response[roundsv1.ExchangeResponse], error) {
	answer, err := l.engine.Exchange(ctx, l.caller, proto.CloneOf(req.Msg))
	if err != nil {
		return nil, err
	}
	answer, err = engine.Decoded(answer)
	return connect.NewResponse(answer), err
}

// Watch implements roundsv1connect.SyncServiceClient.
func (link) Watch(context.Context, *connect.Request[roundsv1.WatchRequest]) (*connect.ServerStreamForClient[roundsv1.WatchResponse], error) {
	return nil, connect.NewError(connect.CodeUnimplemented, nil)
}

var _ roundsv1connect.SyncServiceClient = link{}

// shift lets two devices work beside each other, and the server act when they have heard of each other, and returns the evidence.
func shift(t *testing.T, acts ...func(*engine.Engine) error) promises.Evidence {
	t.Helper()
	ctx, keys := t.Context(), everybody{}
	server, err := engine.Open(engine.Config{Store: memstore.New(memstore.Config{}), Rules: work.New(work.Config{}), Access: keys})
	if err != nil {
		t.Fatal(err)
	}
	open := func(name string) *client.Device {
		seed := sha256.Sum256([]byte(name))
		me := client.Identity{Device: client.DeviceID(uuid.NewSHA1(uuid.Nil, []byte("device "+name)).String()),
			Person: client.PersonID(uuid.NewSHA1(uuid.Nil, []byte(name)).String()), Key: ed25519.NewKeyFromSeed(seed[:])}
		keys[engine.DeviceID(me.Device)] = me.Key.Public().(ed25519.PublicKey)
		d, err := client.Open(ctx, client.Config{Store: memstore.New(memstore.Config{}), Identity: &me,
			Sync: link{server, engine.Caller{Device: engine.DeviceID(me.Device), Person: engine.PersonID(me.Person)}}})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	sync := func(devices ...*client.Device) {
		t.Helper()
		for _, d := range devices {
			if _, err := d.Sync(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	do := func(_ client.Ref, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	record := func(of *roundsv1.Ticket) *roundsv1.Record {
		return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: of}}
	}
	a, b := open("a"), open("b")
	do(a.Create(ctx, site, ticket, record(&roundsv1.Ticket{Title: "lamp", ContactPhone: "1", Tags: []string{"dark"}})))
	do(a.Fact(ctx, site, other, record(&roundsv1.Ticket{Visits: 1}))) // its record never comes
	sync(a, b)
	do(a.Edit(ctx, site, ticket, record(&roundsv1.Ticket{Title: "of a", ContactPhone: "2", Priority: 2}), "title", "contact_phone", "priority"))
	do(b.Edit(ctx, site, ticket, record(&roundsv1.Ticket{Title: "of b", ContactPhone: "3", Priority: 3, Tags: []string{"wet"}}),
		"title", "contact_phone", "priority", "tags"))
	do(a.Fact(ctx, site, ticket, record(&roundsv1.Ticket{Visits: 2, Readings: []*roundsv1.Reading{{Id: string(other), Value: 1}}})))
	fail := map[string]*roundsv1.Answer{"i": {Result: roundsv1.AnswerResult_ANSWER_RESULT_FAIL}}
	do(b.Fact(ctx, site, ticket, record(&roundsv1.Ticket{Visits: 1, Answers: fail})))
	sync(a, b, a, b)
	for _, act := range acts {
		if err := act(server); err != nil {
			t.Fatal(err)
		}
		sync(a, b)
	}
	auditor := open("auditor")
	sync(auditor)
	fresh, err := promises.Holdings(ctx, auditor)
	if err != nil {
		t.Fatal(err)
	}
	e := promises.Evidence{Key: func(device string) ed25519.PublicKey { return keys[engine.DeviceID(device)] }, Tolerance: time.Minute}
	s := promises.Scope{Name: site, Records: fresh[site].Records}
	for encoded, err := range server.Journal(ctx, site, 1) {
		if err != nil {
			t.Fatal(err)
		}
		s.Journal = append(s.Journal, encoded)
	}
	e.Scopes = []promises.Scope{s}
	for name, d := range map[string]*client.Device{"a": a, "b": b} {
		of, err := promises.OfDevice(ctx, name, d)
		if err != nil {
			t.Fatal(err)
		}
		of.Settled = true
		e.Devices = append(e.Devices, of)
	}
	slices.SortFunc(e.Devices, func(a, b promises.Device) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	return e
}

// everywhere changes the ticket in what everybody holds, so that nobody differs from anybody.
func everywhere(e *promises.Evidence, change func(*roundsv1.Ticket)) {
	all := func(records []*roundsv1.Change) []*roundsv1.Change {
		records = slices.Clone(records)
		for i, c := range records {
			if c.GetRecordId() == string(ticket) {
				records[i] = proto.CloneOf(c)
				change(records[i].GetRecord().GetTicket())
			}
		}
		return records
	}
	e.Scopes[0].Records = all(e.Scopes[0].Records)
	for _, d := range e.Devices {
		hold(d, func(h *promises.Holding) { h.Records, h.StateHash = all(h.Records), journal.Hash{} })
	}
}

func hold(d promises.Device, change func(*promises.Holding)) {
	h := d.Holds[site]
	change(&h)
	d.Holds[site] = h
}

// TestCheck wants a whole shift to hold every promise, and each promise to be found broken where the evidence says so.
func TestCheck(t *testing.T) {
	tests := []struct {
		name   string
		damage func(*promises.Evidence)
		want   promises.Name // "": nothing is broken
	}{
		{"nothing", func(*promises.Evidence) {}, ""},
		{"another outcome than the device was told", func(e *promises.Evidence) {
			e.Devices[0].Queued[0].Status = roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED
		}, promises.P1},
		{"another content than was queued", func(e *promises.Evidence) { e.Devices[0].Queued[0].Content[0] ^= 1 }, promises.P1},
		{"an outcome of what is not in the journal", func(e *promises.Evidence) {
			e.Devices[0].Queued = append(e.Devices[0].Queued, promises.Queued{Scope: site, Device: e.Devices[0].Queued[0].Device, Lane: 99,
				Status: roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED, Seq: 1})
		}, promises.P1},
		{"taken, and queued by nobody", func(e *promises.Evidence) { e.Devices = e.Devices[1:] }, promises.P2},
		{"one device holds something else", func(e *promises.Evidence) {
			hold(e.Devices[1], func(h *promises.Holding) { h.Records, h.StateHash = h.Records[:1], journal.Hash{} })
		}, promises.P3},
		{"a replica had to be repaired", func(e *promises.Evidence) {
			hold(e.Devices[1], func(h *promises.Holding) { h.Repaired = 1 })
		}, promises.P3},
		{"the earlier title is shown", func(e *promises.Evidence) {
			everywhere(e, func(t *roundsv1.Ticket) { t.Title = map[string]string{"of a": "of b", "of b": "of a"}[t.Title] })
		}, promises.P4},
		{"the lower priority is shown", func(e *promises.Evidence) {
			everywhere(e, func(t *roundsv1.Ticket) { t.Priority = 2 })
		}, promises.P4},
		{"a fact is gone", func(e *promises.Evidence) {
			everywhere(e, func(t *roundsv1.Ticket) { t.Readings = nil })
		}, promises.P5},
		{"a delta is gone", func(e *promises.Evidence) {
			everywhere(e, func(t *roundsv1.Ticket) { t.Visits-- })
		}, promises.P5},
		{"a tag is gone", func(e *promises.Evidence) {
			everywhere(e, func(t *roundsv1.Ticket) { t.Tags = []string{"dark"} })
		}, promises.P5},
		{"a phone number is gone", func(e *promises.Evidence) {
			everywhere(e, func(t *roundsv1.Ticket) { t.ContactPhone = "1" })
		}, promises.P5},
		{"queued, and never taken", func(e *promises.Evidence) {
			e.Devices[0].Queued = append(e.Devices[0].Queued, promises.Queued{Scope: site, Device: e.Devices[0].Queued[0].Device, Lane: 99})
		}, promises.P6},
		{"taken, and no outcome", func(e *promises.Evidence) { e.Devices[0].Queued[0].Status = 0 }, promises.P6},
		{"pending to the end", func(e *promises.Evidence) {
			hold(e.Devices[0], func(h *promises.Holding) { h.Pending = 1 })
		}, promises.P7},
		{"records without the right", func(e *promises.Evidence) { e.Devices[0].MayRead = func(store.Scope) bool { return false } }, promises.P8},
		{"crashes", func(e *promises.Evidence) { e.Devices[0].Queued[0].Status = 0 }, promises.P10},
		{"an entry is gone", func(e *promises.Evidence) { e.Scopes[0].Journal = e.Scopes[0].Journal[:len(e.Scopes[0].Journal)-1] }, promises.P12},
		{"an entry was changed", func(e *promises.Evidence) {
			e.Scopes[0].Journal[2] = slices.Clone(e.Scopes[0].Journal[2])
			e.Scopes[0].Journal[2][20] ^= 1
		}, promises.P12},
		{"an unknown device", func(e *promises.Evidence) { e.Key = func(string) ed25519.PublicKey { return nil } }, promises.P12},
		{"a trusted time that is wrong", func(e *promises.Evidence) { e.Devices[0].Queued[0].Made = time.UnixMicro(1) }, promises.P13},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := shift(t)
			test.damage(&e)
			report := promises.Check(e)
			if test.want == "" {
				for _, f := range report.Findings {
					t.Error(f)
				}
				if c := report.Counts; !report.Converged || c.Queued != 6 || c.Taken != 6 || c.Facts != 3 ||
					c.KeptFacts != 2 || c.QuarantinedFacts != 1 || c.Lost != 0 || c.Orders == 0 {
					t.Errorf("%+v", report)
				}
				return
			}
			if !slices.Contains(report.Broken(), test.want) || report.OK() {
				t.Errorf("broken: %v, want %s among them; findings: %v", report.Broken(), test.want, report.Findings)
			}
		})
	}
}

// TestCheckAfterTheServerActed wants what the server writes of its own accord, and what it redacts, to break no promise, and what is broken beside it to be
// found all the same.
func TestCheckAfterTheServerActed(t *testing.T) {
	ctx := t.Context()
	writes := func(e *engine.Engine) error {
		return e.Write(ctx, site, func(v engine.View) ([]engine.Derived, error) {
			have, err := v.Get("ticket", merge.RecordID(ticket))
			if have == nil {
				t.Error("the act does not see the ticket")
			}
			edit := &roundsv1.Edit{Fields: []uint32{2}, Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Description: "by the server"}}}}
			return []engine.Derived{{RecordID: merge.RecordID(ticket), Edit: edit}}, err
		})
	}
	redacts := func(e *engine.Engine) error {
		return e.Redact(ctx, site, "ticket", merge.RecordID(ticket), []uint32{1, 15, 11}, "law")
	}
	for name, acts := range map[string][]func(*engine.Engine) error{"wrote": {writes}, "redacted": {redacts}, "did both": {redacts, writes}} {
		t.Run(name, func(t *testing.T) {
			e := shift(t, acts...)
			report := promises.Check(e)
			for _, f := range report.Findings {
				t.Error(f)
			}
			if !report.Converged {
				t.Error("the devices differ")
			}
			e.Devices[0].Queued[0].Status = roundsv1.OutcomeStatus_OUTCOME_STATUS_REJECTED
			hold(e.Devices[1], func(h *promises.Holding) { h.Records, h.StateHash = h.Records[:1], journal.Hash{} })
			if broken := promises.Check(e); len(broken.Findings) < 2 {
				t.Errorf("what is broken beside it is not found: %v", broken.Findings)
			}
		})
	}
}
