package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protowire"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/auth"
	"github.com/rounds-sync/rounds/server"
)

// enveloped puts a message behind its five bytes, as gRPC and gRPC-Web do.
func enveloped(flag byte, message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(message))), message...)
}

// TestFalseMessagesAreForgotten: nothing is kept of messages that cannot be decoded, also where Connect itself refuses their call.
func TestFalseMessagesAreForgotten(t *testing.T) {
	w := start(t, func(c *server.Config) { c.Limits.AddressRate = 0 })
	junk := protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), make([]byte, 1<<20)) // public_key
	junk = append(junk, 0xff)
	body := append(enveloped(0, nil), enveloped(0, junk)...)
	held := func() uint64 {
		for range 3 { // pools are emptied by the second collection
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := held()
	for range 32 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+roundsv1connect.AuthServiceEnrollProcedure, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/grpc-web+proto")
		resp, err := w.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if after := held(); after > before+8<<20 {
		t.Errorf("32 requests of 1 MiB left %d MiB", (after-before)>>20)
	}
}

// TestSideServicesAreBounded: health and reflection need no token, so what they read is bounded too, plain and compressed.
func TestSideServicesAreBounded(t *testing.T) {
	w := start(t)
	large := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), bytes.Repeat([]byte{'a'}, 1<<20)) // a call may be larger
	var bomb bytes.Buffer
	z, _ := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	_, _ = z.Write(large)
	_ = z.Close()
	const health, reflection = "/grpc.health.v1.Health/Check", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
	for _, tt := range []struct {
		name, path, contentType string
		header                  [2]string
		body                    []byte
	}{
		{"health, a large message", health, "application/proto", [2]string{}, large},
		{"health, a bomb", health, "application/proto", [2]string{"Content-Encoding", "gzip"}, bomb.Bytes()},
		{"health by gRPC, a bomb", health, "application/grpc", [2]string{"Grpc-Encoding", "gzip"}, enveloped(1, bomb.Bytes())},
		{"reflection, a large message", reflection, "application/grpc", [2]string{}, enveloped(0, large)},
		{"reflection, a bomb", reflection, "application/grpc", [2]string{"Grpc-Encoding", "gzip"}, enveloped(1, bomb.Bytes())},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+tt.path, bytes.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", tt.contentType)
			if tt.header[0] != "" {
				req.Header.Set(tt.header[0], tt.header[1])
			}
			resp, err := h2c().Do(req)
			if err != nil {
				if strings.Contains(err.Error(), "stream error") { // it stopped listening
					return
				}
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			status := resp.Header.Get("Grpc-Status") + resp.Trailer.Get("Grpc-Status")
			if !bytes.Contains(text, []byte("resource_exhausted")) && status != "8" {
				t.Errorf("taken: HTTP %d, gRPC %q, %.200q", resp.StatusCode, status, text)
			}
		})
	}
}

// TestUnsentBodiesHoldNothing: who announces a body and sends none is given up, also where nobody wanted to read it.
func TestUnsentBodiesHoldNothing(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *server.Config) { c.Timeouts.Read = 3 * time.Second })
	for name, head := range map[string]string{
		"no such call":      "POST /nothing HTTP/1.1\r\nContent-Type: application/json\r\n",
		"no token":          "POST " + roundsv1connect.SyncServiceExchangeProcedure + " HTTP/1.1\r\nContent-Type: application/json\r\n",
		"an open call":      "POST " + roundsv1connect.AuthServiceEnrollProcedure + " HTTP/1.1\r\nContent-Type: application/json\r\n",
		"health":            "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nContent-Type: application/json\r\n",
		"what has no body":  "GET /healthz HTTP/1.1\r\n",
		"the key set":       "GET /.well-known/jwks.json HTTP/1.1\r\n",
		"reflection, by h1": "POST /grpc.reflection.v1.ServerReflection/ServerReflectionInfo HTTP/1.1\r\nContent-Type: application/grpc\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", w.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, head+"Host: x\r\nContent-Length: 1000\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(conn); err != nil {
				t.Errorf("the connection is still held: %v", err)
			}
		})
	}
}

// journalled is a log that tests read.
type journalled struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (j *journalled) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journalled) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// TestLogsHoldNoSecrets: whatever goes well or wrong with codes and tokens, the log of the most talkative level holds none of them, and a stranger
// writes no line of his own into it.
func TestLogsHoldNoSecrets(t *testing.T) {
	log := &journalled{}
	w := start(t, func(c *server.Config) {
		c.Inject.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	people := roundsv1connect.NewAdminServiceClient(w.http, w.base)
	signIn := roundsv1connect.NewAuthServiceClient(w.http, w.base)
	secrets := map[string]string{"first code": string(w.Founding().Code), "access token": w.device.token, "refresh token": w.device.refresh}
	person, err := people.CreatePerson(t.Context(), as(w.device, &roundsv1.CreatePersonRequest{Name: "Li Wei", HomeNodeId: string(w.Founding().Root)}))
	if err != nil {
		t.Fatal(err)
	}
	code, err := people.CreateEnrolmentCode(t.Context(), as(w.device,
		&roundsv1.CreateEnrolmentCodeRequest{PersonId: person.Msg.GetPerson().GetPersonId()}))
	if err != nil {
		t.Fatal(err)
	}
	secrets["code"] = code.Msg.GetCode()
	phone := w.enrol(code.Msg.GetCode())
	secrets["phone's access token"], secrets["phone's refresh token"] = phone.token, phone.refresh
	refresh := func(token, nonce string) (*connect.Response[roundsv1.RefreshResponse], error) {
		return signIn.Refresh(t.Context(), connect.NewRequest(&roundsv1.RefreshRequest{RefreshToken: token, Nonce: []byte(nonce),
			Signature: phone.sign(auth.RefreshChallenge(w.URL(), token, []byte(nonce)))}))
	}
	next, err := refresh(phone.refresh, "nonce-of-16-bytes")
	if err != nil {
		t.Fatal(err)
	}
	secrets["next access token"], secrets["next refresh token"] = next.Msg.GetAccessToken(), next.Msg.GetRefreshToken()
	if _, err := refresh(phone.refresh, "other-nonce-of-16"); err == nil { // shuts the phone out
		t.Fatal("an old refresh token was taken")
	}
	if _, err := refresh(next.Msg.GetRefreshToken()[:40], "nonce-of-16-bytes"); err == nil {
		t.Fatal("a cut refresh token was taken")
	}
	phone.token = next.Msg.GetAccessToken()
	for _, token := range []string{phone.token, phone.token + "x", "level=ERROR msg=forged"} {
		phone.token = token
		req := as(phone, &roundsv1.ExchangeRequest{Clock: phone.clockNow()})
		req.Header().Set("X-Request-Id", "1 level=ERROR msg=forged")
		if _, err := w.sync().Exchange(t.Context(), req); err == nil {
			t.Fatalf("%q let a phone in that was shut out", token)
		}
	}
	_, _ = signIn.Enroll(t.Context(), connect.NewRequest(&roundsv1.EnrollRequest{Proof: &roundsv1.EnrollRequest_Code{Code: code.Msg.GetCode()},
		PublicKey: make([]byte, 32), Audience: "x\nlevel=ERROR msg=forged", Signature: make([]byte, 64), DeviceName: "\nlevel=ERROR msg=forged"}))
	text := log.String()
	if !strings.Contains(text, "level=DEBUG") || !strings.Contains(text, "create enrolment code") {
		t.Fatal("the log says nothing")
	}
	for name, secret := range secrets {
		normal, isCode := auth.NormalizeCode(secret)
		if parts := strings.Split(secret, "."); len(parts) == 3 {
			secret = parts[2] // of a token the signature is what must not be seen
		}
		if strings.Contains(text, secret) || isCode && strings.Contains(text, normal) {
			t.Errorf("the log holds the %s", name)
		}
	}
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, " level=ERROR msg=forged") || strings.HasPrefix(line, "level=ERROR msg=forged") {
			t.Errorf("forged: %s", line)
		}
	}
}

// TestStreamsOfOneDevice: one device cannot fill the server with streams; the one that it opened last goes on.
func TestStreamsOfOneDevice(t *testing.T) {
	const most = 32
	w := start(t)
	client := h2c()
	first := w.device.watch(t, client)
	for range most - 1 {
		w.device.watch(t, client)
	}
	last := w.device.watch(t, client)
	if first.Receive() {
		t.Errorf("the first of %d streams goes on: %v", most+1, first.Msg())
	}
	if code, p := problemOf(t, first.Err()); code != connect.CodeResourceExhausted || p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_LIMIT {
		t.Errorf("the first stream: %v %v", code, p)
	}
	w.device.exchange(w.device.push("for who watches"))
	if !last.Receive() || len(last.Msg().GetPages()) != 1 {
		t.Errorf("the last stream: %v %v", last.Msg(), last.Err())
	}
}

// TestTricklingBodiesAreGivenUp: who sends a byte now and then, more often than a standstill is long, does not hold a call for as long as they like.
func TestTricklingBodiesAreGivenUp(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *server.Config) { c.Timeouts.Read = 3 * time.Second })
	conn, err := net.Dial("tcp", w.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST "+roundsv1connect.AuthServiceEnrollProcedure+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // until the server closes the connection
		defer close(ended)
		_, _ = io.Copy(io.Discard, conn)
	}()
	tick, began := time.NewTicker(50*time.Millisecond), time.Now()
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			if _, err := io.WriteString(conn, " "); err != nil {
				return
			}
			if time.Since(began) > patience {
				t.Fatal("the call is still held")
			}
		}
	}
}
