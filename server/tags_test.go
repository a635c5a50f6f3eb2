package server_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
	"github.com/rounds-sync/rounds/sync/store"
	"github.com/rounds-sync/rounds/work/tag"
)

// scanned has the first administrator scan something at a checkpoint in a new round, and returns the marks of the outcome.
func (w *world) scanned(site, place, payload string) []string {
	w.t.Helper()
	id, as := uuid.NewString(), func(i *roundsv1.Inspection) *roundsv1.Record {
		return &roundsv1.Record{Kind: &roundsv1.Record_Inspection{Inspection: i}}
	}
	outcomes, err := w.Engine().Act(w.t.Context(), engine.Caller{Person: engine.PersonID(w.device.person), Device: engine.DeviceID(w.device.id)},
		store.Scope("site/"+site), []engine.DeskAct{
			{ID: engine.ActID(uuid.NewString()), RecordID: merge.RecordID(id), Edit: &roundsv1.Edit{Record: as(&roundsv1.Inspection{CheckpointIds: []string{place}})}},
			{ID: engine.ActID(uuid.NewString()), RecordID: merge.RecordID(id), Fact: &roundsv1.Fact{Record: as(&roundsv1.Inspection{Visits: []*roundsv1.Scan{
				{Id: uuid.NewString(), CheckpointId: place, Payload: payload}}})}}})
	if err != nil || outcomes[1].GetStatus() != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED {
		w.t.Fatalf("%v, %v", outcomes, err)
	}
	return outcomes[1].GetFlags()
}

// TestTags: what the server issued for a place is genuine, also after a rotation and a restart; what anybody else made is kept, and marked.
func TestTags(t *testing.T) {
	var log bytes.Buffer
	dir := t.TempDir()
	keep := func(c *server.Config) { c.Data, c.Inject.Logger = dir, slog.New(slog.NewTextHandler(&log, nil)) }
	w := start(t, keep)
	for _, req := range company() {
		w.enter(w.device, req)
	}
	if got, resp := w.enter(w.device, table(places, "site,code,tag", "S1,PR1,auto", "S1,B2,OLD-0017")); got != "0 created, 2 changed, 0 unchanged, 0 refused" {
		t.Fatalf("%s: %v", got, resp)
	}
	if got, resp := w.enter(w.device, table(places, "site,code,tag", "S1,PR1,auto")); got != "0 created, 0 changed, 1 unchanged, 0 refused" {
		t.Errorf("issued again: %s: %v", got, resp)
	}
	site := w.node("S1")
	all := w.list(site, "place")
	room, floor := all["PR1"].GetRecordId(), all["B2"].GetRecordId()
	genuine := all["PR1"].GetRecord().GetPlace().GetTag()
	forged, err := tag.Issue(tag.Tag{Site: site, Place: room}, tag.DeriveKey(make([]byte, tag.KeyLength), site))
	if err != nil || !tag.Ours(genuine) || genuine == forged {
		t.Fatalf("%q, %v", genuine, err)
	}
	put, err := w.admin().PutDirectory(t.Context(), as(w.device, &roundsv1.PutDirectoryRequest{NodeId: site, RecordId: room, Base: all["PR1"].GetVersion(),
		Edit: &roundsv1.Edit{Fields: []uint32{5}, Record: &roundsv1.Record{Kind: &roundsv1.Record_Place{Place: &roundsv1.Place{Tag: "auto"}}}}}))
	if err != nil || put.Msg.GetRecord().GetRecord().GetPlace().GetTag() != genuine {
		t.Errorf("issued by a call: %v, %v", put, err)
	}
	check := func(w *world, when, place, payload string, ok bool) {
		t.Helper()
		if flags := w.scanned(site, place, payload); slices.Contains(flags, "false_tag") == ok {
			t.Errorf("%s: marks %v, genuine %v", when, flags, ok)
		}
	}
	check(w, "genuine", room, genuine, true)
	check(w, "forged", room, forged, false)
	check(w, "of an older system", floor, "OLD-0017", true)
	check(w, "of nobody", floor, "OLD-0018", false)

	secret, err := os.ReadFile(filepath.Join(dir, "tags.key"))
	if err != nil || len(secret) != tag.KeyLength {
		t.Fatalf("%d bytes, %v", len(secret), err)
	}
	if info, err := os.Stat(filepath.Join(dir, "tags.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	again := func() *world { // a server on the same records, whose first device stays enrolled
		t.Helper()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		cfg := base(t)
		keep(&cfg)
		cfg.Inject.Store, cfg.Inject.Now = w.store, w.clock.Now
		started, err := server.Start(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = started.Close() })
		next := *w
		next.Server, next.base = started, "http://"+started.Addr().String()
		return &next
	}
	if err := os.Rename(filepath.Join(dir, "tags.key"), filepath.Join(dir, "tags.old.key")); err != nil {
		t.Fatal(err)
	}
	w = again()
	check(w, "genuine before the rotation", room, genuine, true)
	if err := os.Remove(filepath.Join(dir, "tags.old.key")); err != nil {
		t.Fatal(err)
	}
	w = again()
	check(w, "after the old secret was dropped", room, genuine, false)
	for _, shown := range []string{string(secret), fmt.Sprintf("%x", secret), fmt.Sprint(secret)} {
		if strings.Contains(log.String(), shown) {
			t.Error("the secret is in the log")
		}
	}
}
