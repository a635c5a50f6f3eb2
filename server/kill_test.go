package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/journal"
)

// servedDir names the directory that the child of TestActsSurviveAKilledServer serves.
const servedDir = "ROUNDS_TEST_SERVE"

// TestServedByAChild is no test: it is the server that TestActsSurviveAKilledServer kills, in a process of its own.
func TestServedByAChild(t *testing.T) {
	dir := os.Getenv(servedDir)
	if dir == "" {
		t.Skip("the child of another test")
	}
	cfg := base(t)
	cfg.Data, cfg.ReadyFile, cfg.Admin.Listen, cfg.Limits.DeviceRate = dir, filepath.Join(dir, "ready.json"), "", 0
	s, err := server.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed, or its parent is gone
	_ = s.Close()
}

// child serves a directory in a process of its own. kill ends it without a word, end as an operator does.
func child(t *testing.T, dir string) (address string, kill, end func()) {
	t.Helper()
	ready := filepath.Join(dir, "ready.json")
	_ = os.Remove(ready)
	cmd := exec.Command(os.Args[0], "-test.run=^TestServedByAChild$")
	cmd.Env = append(os.Environ(), servedDir+"="+dir, "TMPDIR="+t.TempDir()) // what it makes goes with this test: it is killed, and removes nothing
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	wait := sync.OnceFunc(func() { _ = cmd.Wait() })
	kill = func() { _ = cmd.Process.Kill(); wait() }
	end = func() { _ = stdin.Close(); wait() }
	t.Cleanup(kill)
	var r server.Ready
	eventually(t, "the child is ready", func() bool {
		text, err := os.ReadFile(ready)
		return err == nil && json.Unmarshal(text, &r) == nil
	})
	return r.Address, kill, end
}

// TestActsSurviveAKilledServer: a server process is killed (SIGKILL) again and again while desks decide. Whatever a desk was told stands after the restart with the same
// outcome; what it sends again, answered or not, is done once; and the journal has one entry for each act.
func TestActsSurviveAKilledServer(t *testing.T) {
	w := start(t, func(c *server.Config) { c.Inject.Store = nil })
	w.device.grant(roundsv1.Role_ROLE_MANAGER)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	type batch struct {
		req  *roundsv1.DecideRequest
		told *roundsv1.DecideResponse // nil: nobody heard
	}
	const desks, kills, seed = 4, 3, 7
	var (
		rng     = rand.New(rand.NewPCG(seed, 0))
		batches []*batch
		lost    int
	)
	made := func() *batch {
		b := &batch{req: &roundsv1.DecideRequest{}}
		for i := range 3 {
			act := creation(&roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Title: fmt.Sprint("ticket ", i)}}})
			act.ActId, act.Scope, act.RecordId = uuid.NewString(), string(w.site), uuid.Must(uuid.NewV7()).String()
			b.req.Acts = append(b.req.Acts, act)
		}
		edit := &roundsv1.DeskAct{ActId: uuid.NewString(), Scope: string(w.site), RecordId: b.req.GetActs()[0].GetRecordId(), Base: 1,
			Act: &roundsv1.DeskAct_Edit{Edit: &roundsv1.Edit{Fields: []uint32{1}, Record: &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Title: "again"}}}}}}
		b.req.Acts = append(b.req.Acts, edit)
		return b
	}
	client := &http.Client{Transport: &http.Transport{}}
	decide := func(ctx context.Context, address string, b *batch) error {
		resp, err := roundsv1connect.NewWorkServiceClient(client, address).Decide(ctx, as(w.device, b.req))
		switch {
		case err != nil:
			return err
		case b.told != nil && !proto.Equal(b.told, resp.Msg):
			t.Errorf("told\n%v\nand then\n%v", b.told, resp.Msg)
		}
		b.told = resp.Msg
		for _, one := range resp.Msg.GetResults() {
			if s := one.GetOutcome().GetStatus(); s != roundsv1.OutcomeStatus_OUTCOME_STATUS_APPLIED && s != roundsv1.OutcomeStatus_OUTCOME_STATUS_MERGED {
				t.Errorf("%v", one)
			}
		}
		return nil
	}
	for range kills {
		address, kill, _ := child(t, w.data)
		for _, b := range batches { // what was sent before, told or not
			if err := decide(t.Context(), address, b); err != nil {
				t.Fatal(err)
			}
		}
		var (
			mu       sync.Mutex // guards answered, batches and lost
			answered int
			enough   = make(chan struct{})
			after    = 5 + rng.IntN(40)
			all      sync.WaitGroup
		)
		for range desks {
			all.Go(func() {
				for {
					b := made()
					mu.Lock()
					batches = append(batches, b)
					mu.Unlock()
					err := decide(t.Context(), address, b)
					mu.Lock()
					if err != nil {
						lost++
						mu.Unlock()
						return
					}
					if answered++; answered == after {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		kill()
		all.Wait()
	}
	address, _, end := child(t, w.data)
	for range 2 {
		for _, b := range batches {
			if err := decide(t.Context(), address, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	end()
	client.CloseIdleConnections()
	if lost == 0 {
		t.Error("nothing was cut off: the test tests nothing")
	}

	archive, err := server.OpenArchive(t.Context(), w.data)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	entries := map[string]int{}
	for encoded, err := range archive.Journal(t.Context(), w.site) {
		if err != nil {
			t.Fatal(err)
		}
		head, _, _, err := journal.Open(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if head.GetActId() != "" {
			entries[head.GetActId()]++
		}
	}
	for _, b := range batches {
		for _, act := range b.req.GetActs() {
			if n := entries[act.GetActId()]; n != 1 {
				t.Errorf("act %s has %d entries", act.GetActId(), n)
			}
			delete(entries, act.GetActId())
		}
	}
	if len(entries) != 0 {
		t.Errorf("%d acts that nobody sent", len(entries))
	}
	seq, hash, err := archive.Head(t.Context(), w.site)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Verify(journal.Config{Scope: string(w.site), Key: archive.DeviceKey, Head: &journal.Witness{Seq: seq, Hash: hash}}, archive.Journal(t.Context(), w.site)); err != nil {
		t.Error(err)
	}
	t.Logf("%d batches, %d of them without an answer at first", len(batches), lost)
}
