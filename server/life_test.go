package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// watch opens a stream and waits for its first message.
func (d *device) watch(t *testing.T, client *http.Client) *connect.ServerStreamForClient[roundsv1.WatchResponse] {
	t.Helper()
	stream, err := roundsv1connect.NewSyncServiceClient(client, d.w.base).Watch(t.Context(), as(d, &roundsv1.WatchRequest{
		Cursors: []*roundsv1.ScopeCursor{{Scope: string(d.w.site)}}}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	if !stream.Receive() {
		t.Fatal(stream.Err())
	}
	return stream
}

// TestDrain: a server that is told to end tells its watchers to resume, ends their streams without an error, and then no longer answers.
func TestDrain(t *testing.T) {
	for name, client := range map[string]*http.Client{"HTTP/1.1": http.DefaultClient, "HTTP/2": h2c()} {
		t.Run(name, func(t *testing.T) {
			w := start(t, func(c *server.Config) { c.ReadyFile = filepath.Join(t.TempDir(), "ready.json") })
			w.device.exchange(w.device.push("before the end"))
			stream := w.device.watch(t, client)
			closed := make(chan error, 1)
			go func() { closed <- w.Close() }()
			if !stream.Receive() || stream.Msg().GetResumeAfter() == nil {
				t.Errorf("the stream ended with %v and no word of resuming", stream.Err())
			}
			if stream.Receive() || stream.Err() != nil {
				t.Errorf("after the farewell: %v", stream.Err())
			}
			_ = stream.Close()
			if err := <-closed; err != nil {
				t.Error(err)
			}
			if _, err := net.Dial("tcp", w.Addr().String()); err == nil {
				t.Error("it still listens")
			}
		})
	}
}

// TestDrainGivesUp: a call that does not end within the time is cut off, and Close says so.
func TestDrainGivesUp(t *testing.T) {
	w := start(t, func(c *server.Config) { c.Timeouts.Drain = 50 * time.Millisecond })
	conn, err := net.Dial("tcp", w.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The body of this request never comes. The server asks for it once the call has begun.
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/proto\r\nAuthorization: Bearer %s\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n",
		roundsv1connect.SyncServiceExchangeProcedure, w.device.token)
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q %v", line, err)
	}
	if err := w.Close(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: %v", err)
	}
}

// TestRevocationEndsStreams: the stream of a device that is revoked hears of it at once and ends; others go on.
func TestRevocationEndsStreams(t *testing.T) {
	w := start(t, func(c *server.Config) { c.Timeouts.Heartbeat = time.Hour }) // it is the revocation that wakes the stream
	admin := w.Authority().Admin()
	person, err := admin.CreatePerson(t.Context(), w.device.identity(), &roundsv1.CreatePersonRequest{Name: "李伟", HomeNodeId: string(w.Founding().Root)})
	if err != nil {
		t.Fatal(err)
	}
	id := person.GetPerson().GetPersonId()
	if _, err := admin.CreateGrant(t.Context(), w.device.identity(), &roundsv1.CreateGrantRequest{PersonId: id,
		NodeId: strings.TrimPrefix(string(w.site), "site/"), Role: roundsv1.Role_ROLE_WORKER}); err != nil {
		t.Fatal(err)
	}
	code, err := admin.CreateEnrolmentCode(t.Context(), w.device.identity(), &roundsv1.CreateEnrolmentCodeRequest{PersonId: id})
	if err != nil {
		t.Fatal(err)
	}
	phone := w.enrol(code.GetCode())
	w.clock.add(time.Second)
	stream, other := phone.watch(t, h2c()), w.device.watch(t, h2c())
	if _, err := admin.RevokeDevice(t.Context(), w.device.identity(), &roundsv1.RevokeDeviceRequest{DeviceId: phone.id,
		Revocation: roundsv1.Revocation_REVOCATION_IMMEDIATE}); err != nil {
		t.Fatal(err)
	}
	if !stream.Receive() || stream.Msg().GetRevoked() != roundsv1.Revocation_REVOCATION_IMMEDIATE {
		t.Errorf("the stream heard %v, %v", stream.Msg(), stream.Err())
	}
	if stream.Receive() {
		t.Errorf("the stream goes on: %v", stream.Msg())
	}
	w.device.exchange(w.device.push("for who still watches"))
	if !other.Receive() || len(other.Msg().GetPages()[0].GetChanges()) != 1 {
		t.Errorf("the other stream: %v %v", other.Msg(), other.Err())
	}
	// Revoked, it may still ask, and hears that it is; administration is closed to it.
	resp, err := w.sync().Exchange(t.Context(), as(phone, &roundsv1.ExchangeRequest{Clock: phone.clockNow()}))
	if err != nil || resp.Msg.GetRevoked() != roundsv1.Revocation_REVOCATION_IMMEDIATE {
		t.Errorf("exchange of a revoked device: %v %v", resp, err)
	}
	_, err = roundsv1connect.NewAdminServiceClient(w.http, w.base).ListNodes(t.Context(), as(phone, &roundsv1.ListNodesRequest{}))
	if code, p := problemOf(t, err); code != connect.CodePermissionDenied || p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT {
		t.Errorf("administration by a revoked device: %v %v", code, p)
	}
}

// TestShutOutEndsStreams: a device whose old refresh token turned up loses its stream with its tokens, and is not told to purge.
func TestShutOutEndsStreams(t *testing.T) {
	w := start(t)
	stream := w.device.watch(t, h2c())
	refresh := func(nonce byte) error {
		n := make([]byte, 16)
		n[0] = nonce
		sum := auth.RefreshChallenge(w.URL(), w.device.refresh, n)
		_, err := roundsv1connect.NewAuthServiceClient(w.http, w.base).Refresh(t.Context(), connect.NewRequest(&roundsv1.RefreshRequest{
			RefreshToken: w.device.refresh, Nonce: n, Signature: w.device.sign(sum)}))
		return err
	}
	if err := refresh(1); err != nil {
		t.Fatal(err)
	}
	if err := refresh(2); err == nil {
		t.Fatal("an old refresh token was taken")
	}
	for stream.Receive() {
		if stream.Msg().GetRevoked() != 0 {
			t.Errorf("told to purge: %v", stream.Msg())
		}
	}
	if code, p := problemOf(t, stream.Err()); code != connect.CodeUnauthenticated || p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_TOKEN {
		t.Errorf("%v %v", code, p)
	}
}

// TestStreamEndsWithItsToken: a stream does not outlive the access token that opened it; the device is asked to resume at once.
func TestStreamEndsWithItsToken(t *testing.T) {
	w := start(t, func(c *server.Config) { c.Auth.AccessLife = 2 * time.Second })
	stream := w.device.watch(t, h2c())
	for stream.Msg().GetResumeAfter() == nil { // the first message may be the farewell already, on a machine that has much else to do
		if !stream.Receive() {
			t.Fatal(stream.Err())
		}
	}
	if stream.Msg().GetResumeAfter().AsDuration() != 0 {
		t.Errorf("%v", stream.Msg())
	}
	if stream.Receive() || stream.Err() != nil {
		t.Errorf("after the farewell: %v", stream.Err())
	}
}

// TestOneServerADirectory: a second server on a directory is told so, and the first goes on.
func TestOneServerADirectory(t *testing.T) {
	cfg := base(t)
	first, err := server.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := server.Start(t.Context(), cfg); !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), cfg.Data) {
		t.Errorf("the second server: %v", err)
	}
	if _, err := server.OpenArchive(t.Context(), cfg.Data); !errors.Is(err, store.ErrInUse) {
		t.Errorf("an archive of a running server: %v", err)
	}
	resp, err := http.Get("http://" + first.Addr().String() + "/healthz")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the first server: %v %v", resp, err)
	}
}

// TestRestart: a server that takes a free port keeps its address, its devices and its data; the first code is shown until a device has enrolled.
func TestRestart(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready.json")
	change := func(c *server.Config) { c.Inject.Store, c.ReadyFile = nil, ready }
	w := start(t, change)
	if out := w.out.String(); !strings.Contains(out, string(w.Founding().Code)) || !strings.Contains(out, "ready http://127.0.0.1:") {
		t.Errorf("first start said %q", out)
	}
	text, err := os.ReadFile(ready)
	if err != nil {
		t.Fatal(err)
	}
	var r server.Ready
	if err := json.Unmarshal(text, &r); err != nil || r.Address != w.base || r.Code != string(w.Founding().Code) || r.Admin == "" {
		t.Errorf("%v, ready file %s", err, text)
	}
	w.device.exchange(w.device.push("kept"))
	url, data := w.URL(), w.data
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ready); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the ready file of a server that ended: %v", err)
	}
	second := base(t)
	second.Data, second.Inject.Now = data, w.clock.Now
	var out strings.Builder
	second.Inject.Out = &out
	if w.Server, err = server.Start(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	w.base = "http://" + w.Addr().String()
	if w.URL() != url || w.Founding().Code != "" || strings.Contains(out.String(), "enroll") {
		t.Errorf("second start: URL %q, was %q; said %q", w.URL(), url, out.String())
	}
	resp := w.device.exchange(w.device.push("more"))
	if n := len(resp.GetPages()[0].GetChanges()); n != 2 {
		t.Errorf("%d tickets after the restart", n)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	audit(t, data, string(w.site), 2)
}

// audit reads a closed data directory and verifies the journal of its site.
func audit(t *testing.T, data, scope string, entries journal.Seq) {
	t.Helper()
	a, err := server.OpenArchive(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	scopes, err := a.Scopes(t.Context())
	if err != nil || len(scopes) != 1 || string(scopes[0]) != scope {
		t.Fatalf("scopes %v %v", scopes, err)
	}
	seq, hash, err := a.Head(t.Context(), scopes[0])
	if err != nil {
		t.Fatal(err)
	}
	report, err := journal.Verify(journal.Config{Scope: scope, Key: a.DeviceKey, Head: &journal.Witness{Seq: seq, Hash: hash}}, a.Journal(t.Context(), scopes[0]))
	if err != nil || report.Entries != entries || report.Signatures != int(entries) {
		t.Errorf("audit: %+v %v", report, err)
	}
}

// TestRecover: an operator whose devices are lost gets a code from the data directory, while no server runs.
func TestRecover(t *testing.T) {
	cfg := base(t)
	if _, err := server.Recover(t.Context(), cfg.Data, "", time.Hour); !errors.Is(err, server.ErrNoData) {
		t.Errorf("an empty directory: %v", err)
	}
	w := start(t, func(c *server.Config) { c.Inject.Store, c.Data = nil, cfg.Data })
	if _, err := server.Recover(t.Context(), cfg.Data, "", time.Hour); !errors.Is(err, store.ErrInUse) {
		t.Errorf("while the server runs: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	code, err := server.Recover(t.Context(), cfg.Data, "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if w.Server, err = server.Start(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	w.base = "http://" + w.Addr().String()
	if again := w.enrol(code.GetCode()); again.person != w.device.person {
		t.Errorf("enrolled person %s, want %s", again.person, w.device.person)
	}
}
