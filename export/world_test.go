package export_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/export"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/sync/store/memstore"
)

const (
	siteID   = "01900000-0000-7000-8000-000000000001"
	site     = store.Scope("site/" + siteID)
	other    = store.Scope("site/01900000-0000-7000-8000-000000000002")
	org      = store.Scope("org/01900000-0000-7000-8000-000000000003")
	category = "01900000-0000-7000-8000-000000000004"
	place    = "01900000-0000-7000-8000-000000000005"
	asker    = engine.PersonID("01900000-0000-7000-8000-00000000000a")
	worker   = engine.PersonID("01900000-0000-7000-8000-00000000000b")
	device   = engine.DeviceID("01900000-0000-7000-8000-00000000000d")
)

// id of the nth record that a test makes.
func id(n int) string { return fmt.Sprintf("01900000-0000-7000-9000-%012x", n) }

// lets lets everything be merged as it is.
type lets struct{}

func (lets) Judge(engine.Case) engine.Verdict { return engine.Verdict{} }

// everybody says that all hold the same roles everywhere.
type everybody struct {
	roles   []roundsv1.Role
	blind   map[store.Scope]bool
	revoked bool
}

func (a *everybody) Roles(engine.PersonID, store.Scope, time.Time) []roundsv1.Role { return a.roles }
func (a *everybody) MayRead(_ engine.PersonID, s store.Scope, _ time.Time) bool    { return !a.blind[s] }
func (a *everybody) EverHad(engine.PersonID, store.Scope) bool                     { return true }
func (a *everybody) Scopes(engine.PersonID, time.Time) []store.Scope               { return []store.Scope{site} }
func (a *everybody) DeviceKey(engine.DeviceID) ed25519.PublicKey                   { return nil }
func (a *everybody) Organisation(store.Scope) store.Scope                          { return org }
func (a *everybody) Revoked(engine.DeviceID) roundsv1.Revocation {
	if a.revoked {
		return roundsv1.Revocation_REVOCATION_GRACEFUL
	}
	return 0
}

// album has small copies by hash.
type album map[[32]byte][]byte

func (a album) Small(_ context.Context, hash []byte, limit int) ([]byte, error) {
	if found := a[[32]byte(hash)]; len(found) <= limit {
		return found, nil
	}
	return nil, nil
}

type world struct {
	*engine.Engine
	t      testing.TB
	access *everybody
	album  album
	now    time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, access: &everybody{roles: []roundsv1.Role{roundsv1.Role_ROLE_MANAGER}}, album: album{}, now: time.Date(2026, 3, 4, 1, 2, 3, 0, time.UTC)}
	var err error
	w.Engine, err = engine.Open(engine.Config{Store: memstore.New(memstore.Config{}), Rules: lets{}, Access: w.access, Index: export.Index{},
		IndexVersion: export.IndexVersion, Now: func() time.Time { w.now = w.now.Add(time.Millisecond); return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close(context.Background()) })
	w.write(site, siteID, &roundsv1.Record{Kind: &roundsv1.Record_Site{Site: &roundsv1.Site{Name: &roundsv1.Text{Zh: "云栖雅苑", En: "Yunqi Court"}, TimeZone: "Asia/Shanghai"}}})
	w.write(site, string(worker), &roundsv1.Record{Kind: &roundsv1.Record_Staff{Staff: &roundsv1.Staff{Name: "李伟"}}})
	w.write(site, place, &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Name: &roundsv1.Text{Zh: "地库 B2 水泵房", En: "Pump room B2"}}}})
	w.write(org, category, &roundsv1.Record{Kind: &roundsv1.Record_Category{Category: &roundsv1.Category{Name: &roundsv1.Text{Zh: "水管爆裂", En: "burst pipe"}}}})
	return w
}

// write makes a record, or sets fields of it.
func (w *world) write(scope store.Scope, id string, r *roundsv1.Record, fields ...uint32) {
	w.t.Helper()
	if err := w.Write(context.Background(), scope, func(engine.View) ([]engine.Derived, error) {
		return []engine.Derived{{RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: r, Fields: fields}}}, nil
	}); err != nil {
		w.t.Fatal(err)
	}
}

var acts int

// act does something as the worker.
func (w *world) act(id string, fact *roundsv1.Record) *roundsv1.Outcome {
	w.t.Helper()
	acts++
	outcomes, err := w.Act(context.Background(), engine.Caller{Device: device, Person: worker}, site, []engine.DeskAct{{
		ID: engine.ActID(fmt.Sprintf("01900000-0000-7000-a000-%012x", acts)), RecordID: merge.RecordID(id), Fact: &roundsv1.Fact{Record: fact}}})
	if err != nil || outcomes[0].GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
		w.t.Fatalf("%v, %v", outcomes, err)
	}
	return outcomes[0]
}

func ticket(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

func round(i *roundsv1.Inspection) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: i}}
}

func (w *world) exporter(change ...func(*export.Config)) *export.Exporter {
	w.t.Helper()
	cfg := export.Config{Records: w.Engine, Access: w.access, Pictures: w.album, Now: func() time.Time { return w.now }}
	for _, f := range change {
		f(&cfg)
	}
	x, err := export.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return x
}

// file is one export as its caller has it.
type file struct {
	head    *roundsv1.ExportHead
	content []byte
	end     *roundsv1.ExportEnd
	chunks  int
	biggest int
}

var caller = engine.Caller{Device: device, Person: asker}

func take(ctx context.Context, x *export.Exporter, req *roundsv1.ExportRequest) (*file, error) {
	f := &file{}
	err := x.Export(ctx, caller, req, func(m *roundsv1.ExportResponse) error {
		switch part := m.GetPart().(type) {
		case *roundsv1.ExportResponse_Head:
			f.head = part.Head
		case *roundsv1.ExportResponse_Chunk:
			f.chunks++
			f.content = append(f.content, part.Chunk.GetData()...)
			f.biggest = max(f.biggest, len(part.Chunk.GetData()))
		case *roundsv1.ExportResponse_End:
			f.end = part.End
		}
		return nil
	})
	return f, err
}

func (w *world) take(req *roundsv1.ExportRequest, change ...func(*export.Config)) *file {
	w.t.Helper()
	if len(req.Scopes) == 0 {
		req.Scopes = []string{string(site)}
	}
	f, err := take(context.Background(), w.exporter(change...), req)
	if err != nil {
		w.t.Fatal(err)
	}
	sum := sha256.Sum256(f.content)
	if !bytes.Equal(sum[:], f.end.GetSha256()) || f.end.GetSizeBytes() != int64(len(f.content)) {
		w.t.Errorf("the end says %d bytes, %x; there are %d, %x", f.end.GetSizeBytes(), f.end.GetSha256(), len(f.content), sum)
	}
	return f
}

// photo makes a picture, its small copy and its record.
func (w *world) photo(id, of string, role roundsv1.PhotoRole, n uint8) []byte {
	w.t.Helper()
	img := image.NewGray(image.Rect(0, 0, 64, 48))
	for i := range img.Pix {
		img.Pix[i] = uint8(i) * n
	}
	img.Set(0, 0, color.Gray{n})
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		w.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte{n})
	w.album[sum] = out.Bytes()
	w.act(id, &roundsv1.Record{Kind: &roundsv1.Record_Photo{Photo: &roundsv1.Photo{Subject: &roundsv1.RecordRef{Kind: "ticket", Id: of}, Role: role, Round: 1,
		Sha256: sum[:], SizeBytes: 1, PersonId: string(worker), Source: roundsv1.PhotoSource_PHOTO_SOURCE_CAMERA}}})
	return sum[:]
}

var (
	_ engine.Rules  = lets{}
	_ engine.Access = (*everybody)(nil)
	_ export.Access = (*everybody)(nil)
)
