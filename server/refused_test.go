package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/server"
)

func asError(err error, target **connect.Error) bool { return errors.As(err, target) }

// wireError is an error as Connect puts it on the wire.
type wireError struct {
	Code    string `json:"code"`
	Details []struct {
		Type  string          `json:"type"`
		Debug json.RawMessage `json:"debug"`
	} `json:"details"`
}

// problem returns the Problem among the details.
func (e wireError) problem(t *testing.T) *roundsv1.Problem {
	t.Helper()
	for _, d := range e.Details {
		if d.Type == "rounds.v1.Problem" {
			p := &roundsv1.Problem{}
			if err := protojson.Unmarshal(d.Debug, p); err != nil {
				t.Fatal(err)
			}
			return p
		}
	}
	t.Fatalf("an error without a Problem: %+v", e)
	return nil
}

func zipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

func zstded(data []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(data, nil)
}

// TestBadRequests sends what no server should take, and holds each answer to its Connect code and Problem. Afterwards the store is what it was.
func TestBadRequests(t *testing.T) {
	w := start(t)
	d := w.device
	other := start(t, func(c *server.Config) { c.URL = "https://elsewhere.example.com" })
	good := d.push("one")
	d.exchange(good)
	before := sumOf(t, w.store)

	body, err := proto.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	const (
		exchange = roundsv1connect.SyncServiceExchangeProcedure
		watch    = roundsv1connect.SyncServiceWatchProcedure
		enroll   = roundsv1connect.AuthServiceEnrollProcedure
		refresh  = roundsv1connect.AuthServiceRefreshProcedure
		node     = roundsv1connect.AdminServiceCreateNodeProcedure
		jsonType = "application/json"
		binType  = "application/proto"
	)
	unsigned, foreign, gapped := proto.CloneOf(good), proto.CloneOf(good), proto.CloneOf(good)
	unsigned.Lanes = []*roundsv1.LaneBatch{d.batch("two")}
	unsigned.Lanes[0].Signature = make([]byte, 64)
	foreign.Lanes, foreign.Cursors = nil, []*roundsv1.ScopeCursor{{Scope: "site/00000000-0000-7000-8000-000000000000"}}
	gapped.Lanes = []*roundsv1.LaneBatch{d.batch("three")}
	forked := proto.CloneOf(good)
	forked.Lanes[0] = (&device{w: w, key: d.key, id: d.id}).batch("another one")
	cursor := &roundsv1.ExchangeRequest{Clock: d.clockNow(), Cursors: []*roundsv1.ScopeCursor{{Scope: string(w.site), Cursor: []byte("not one of ours")}}}
	big := bytes.Repeat([]byte{'a'}, 6<<20)
	encode := func(m proto.Message) string {
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	tests := []struct {
		name, path, contentType, body string
		token                         string // "": the device's
		header                        map[string]string
		status                        int
		code                          string
		problem                       roundsv1.ProblemCode
		field                         string
	}{
		{name: "truncated JSON", path: exchange, contentType: jsonType, body: `{"clock":{"wall`, status: 400, code: "invalid_argument",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "truncated message", path: exchange, contentType: binType, body: string(body[:len(body)-7]), status: 400, code: "invalid_argument",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "JSON that is no text", path: exchange, contentType: jsonType, body: "\xff\xfe", status: 400, code: "invalid_argument",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "a field that is no text", path: exchange, contentType: jsonType, body: "{\"clock\": {\"bootId\": \"\xff\"}}", status: 400, code: "invalid_argument",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "a number that is no text", path: exchange, contentType: jsonType, body: "{\"clock\": {\"wallUs\": \"\xff\"}}", status: 400, code: "invalid_argument",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "a header that is no text", path: exchange, contentType: jsonType, body: "{}", header: map[string]string{"Connect-Protocol-Version": "\xff"},
			status: 400, code: "invalid_argument", problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "a time that is no text", path: exchange, contentType: jsonType, body: "{}", header: map[string]string{"Connect-Timeout-Ms": "\xff"},
			status: 400, code: "invalid_argument", problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "a time that is no number", path: exchange, contentType: jsonType, body: "{}", header: map[string]string{"Connect-Timeout-Ms": "1s"},
			status: 400, code: "invalid_argument", problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "a time without an end", path: exchange, contentType: jsonType, body: "{}", header: map[string]string{"Connect-Timeout-Ms": "12345678901"},
			status: 400, code: "invalid_argument", problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "empty JSON", path: exchange, contentType: jsonType, status: 400, code: "invalid_argument",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "wrongly typed JSON", path: exchange, contentType: jsonType, body: `{"clock": 7}`, status: 400, code: "invalid_argument",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "JSON that is no object", path: exchange, contentType: jsonType, body: `[]`, status: 400, code: "invalid_argument",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "breaks a rule of the schema", path: exchange, contentType: jsonType, body: `{"clock":{},"lanes":[{"scope":"x"}]}`, status: 400,
			code: "invalid_argument", problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, field: "lanes[0].scope"},
		{name: "no clock", path: exchange, contentType: jsonType, body: `{}`, status: 400, code: "invalid_argument",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD, field: "clock"},
		{name: "oversized", path: exchange, contentType: binType, body: string(big), status: 429, code: "resource_exhausted",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_LIMIT},
		{name: "oversized once decompressed, gzip", path: exchange, contentType: binType, body: string(zipped(big)),
			header: map[string]string{"Content-Encoding": "gzip"}, status: 429, code: "resource_exhausted", problem: roundsv1.ProblemCode_PROBLEM_CODE_LIMIT},
		{name: "oversized once decompressed, zstd", path: exchange, contentType: binType, body: string(zstded(big)),
			header: map[string]string{"Content-Encoding": "zstd"}, status: 429, code: "resource_exhausted", problem: roundsv1.ProblemCode_PROBLEM_CODE_LIMIT},
		{name: "not the compression it says", path: exchange, contentType: binType, body: string(body),
			header: map[string]string{"Content-Encoding": "gzip"}, status: 400, code: "invalid_argument", problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "truncated compression", path: exchange, contentType: binType, body: string(zipped(body)[:40]),
			header: map[string]string{"Content-Encoding": "gzip"}, status: 400, code: "invalid_argument", problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "unknown compression", path: exchange, contentType: binType, body: string(body), header: map[string]string{"Content-Encoding": "br"},
			status: 501, code: "unimplemented"},
		{name: "wrong content type", path: exchange, contentType: "text/plain", body: "{}", status: 415, code: "invalid_argument",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "a stream called as unary", path: watch, contentType: jsonType, body: "{}", status: 415, code: "invalid_argument",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "wrong protocol version", path: exchange, contentType: jsonType, body: "{}", header: map[string]string{"Connect-Protocol-Version": "9"},
			status: 400, code: "invalid_argument", problem: roundsv1.ProblemCode_PROBLEM_CODE_INVALID_FIELD},
		{name: "unknown method", path: "/rounds.v1.SyncService/Nope", contentType: jsonType, body: "{}", status: 501, code: "unimplemented"},
		{name: "unknown service", path: "/rounds.v2.SyncService/Exchange", contentType: jsonType, body: "{}", status: 501, code: "unimplemented"},
		{name: "no token", path: exchange, contentType: binType, body: string(body), token: "-", status: 401, code: "unauthenticated",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_TOKEN},
		{name: "no token, administration", path: node, contentType: jsonType, body: "{}", token: "-", status: 401, code: "unauthenticated",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_TOKEN},
		{name: "token that is none", path: exchange, contentType: binType, body: string(body), token: "abc.def.ghi", status: 401, code: "unauthenticated",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_TOKEN},
		{name: "unsigned token", path: exchange, contentType: binType, body: string(body), token: d.token[:strings.LastIndex(d.token, ".")+1], status: 401,
			code: "unauthenticated", problem: roundsv1.ProblemCode_PROBLEM_CODE_TOKEN},
		{name: "token of another server", path: exchange, contentType: binType, body: string(body), token: other.device.token, status: 401,
			code: "unauthenticated", problem: roundsv1.ProblemCode_PROBLEM_CODE_TOKEN},
		{name: "lane not signed by the device", path: exchange, contentType: binType, body: encode(unsigned), status: 400, code: "invalid_argument",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_BAD_SIGNATURE},
		{name: "foreign scope", path: exchange, contentType: binType, body: encode(foreign), status: 403, code: "permission_denied",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_NO_RIGHT},
		{name: "gap in the lane", path: exchange, contentType: binType, body: encode(gapped), status: 400, code: "failed_precondition",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_LANE_GAP},
		{name: "forked lane", path: exchange, contentType: binType, body: encode(forked), status: 400, code: "failed_precondition",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_LANE_FORKED},
		{name: "false cursor", path: exchange, contentType: binType, body: encode(cursor), status: 400, code: "invalid_argument",
			problem: roundsv1.ProblemCode_PROBLEM_CODE_BAD_CURSOR},
		{name: "false code", path: enroll, contentType: binType, token: "-", body: encode(&roundsv1.EnrollRequest{
			Proof: &roundsv1.EnrollRequest_Code{Code: "7K4M"}, PublicKey: make([]byte, 32), Audience: w.URL(), Signature: make([]byte, 64)}),
			status: 401, code: "unauthenticated", problem: roundsv1.ProblemCode_PROBLEM_CODE_ENROLMENT_CODE, field: "code"},
		{name: "false refresh token", path: refresh, contentType: binType, token: "-",
			body:   encode(&roundsv1.RefreshRequest{RefreshToken: "x", Nonce: make([]byte, 16), Signature: make([]byte, 64)}),
			status: 401, code: "unauthenticated", problem: roundsv1.ProblemCode_PROBLEM_CODE_TOKEN},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", tt.contentType)
			for name, value := range tt.header {
				req.Header.Set(name, value)
			}
			switch tt.token {
			case "":
				req.Header.Set("Authorization", "Bearer "+d.token)
			case "-":
			default:
				req.Header.Set("Authorization", "Bearer "+tt.token)
			}
			resp, err := w.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			var e wireError
			if err := json.Unmarshal(text, &e); err != nil {
				t.Fatalf("status %d: %v: %s", resp.StatusCode, err, text)
			}
			p := e.problem(t)
			if resp.StatusCode != tt.status || e.Code != tt.code || p.GetCode() != tt.problem || (tt.field != "" && p.GetField() != tt.field) {
				t.Errorf("status %d, code %s, problem %v; want %d, %s, %v %s", resp.StatusCode, e.Code, p, tt.status, tt.code, tt.problem, tt.field)
			}
			if p.GetSentence().GetEn() == "" || p.GetSentence().GetZh() == "" {
				t.Errorf("a Problem without a sentence: %v", p)
			}
		})
	}
	if sumOf(t, w.store) != before {
		t.Error("a refused request left something in the store")
	}
}

// TestExpiredToken: a token that has ended is refused, and a later one is not.
func TestExpiredToken(t *testing.T) {
	w := start(t)
	w.clock.add(16 * time.Minute)
	_, err := w.sync().Exchange(t.Context(), as(w.device, &roundsv1.ExchangeRequest{Clock: w.device.clockNow()}))
	if code, p := problemOf(t, err); code != connect.CodeUnauthenticated || p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_TOKEN {
		t.Errorf("%v %v", code, p)
	}
}

// TestCutBodies: a body that ends before its announced length, and an envelope that ends within a message, are told from whole ones in every protocol.
func TestCutBodies(t *testing.T) {
	w := start(t)
	before := sumOf(t, w.store)
	body, err := proto.Marshal(w.device.push("cut"))
	if err != nil {
		t.Fatal(err)
	}
	// HTTP/1.1 by hand: no client library sends less than it announced.
	conn, err := net.Dial("tcp", w.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := "POST " + roundsv1connect.SyncServiceExchangeProcedure + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/proto\r\nAuthorization: Bearer " +
		w.device.token + "\r\nContent-Length: 99999\r\n\r\n"
	if _, err := io.WriteString(conn, head+string(body)); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(conn) // whether it hears of it is up to the connection
	if len(answer) > 0 && !bytes.Contains(answer, []byte("rounds.v1.Problem")) {
		t.Errorf("answer without a Problem: %s", answer)
	}

	envelope := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(body))), body[:len(body)/2]...)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+roundsv1connect.SyncServiceExchangeProcedure, bytes.NewReader(envelope))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc-web+proto")
	req.Header.Set("Authorization", "Bearer "+w.device.token)
	resp, err := w.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	status := resp.Header.Get("Grpc-Status") + string(text)
	if !strings.Contains(status, "3") || !strings.Contains(strings.ToLower(status+resp.Header.Get("Grpc-Status-Details-Bin")), "grpc-status-details-bin") &&
		resp.Header.Get("Grpc-Status-Details-Bin") == "" {
		t.Errorf("gRPC-Web answer to a cut envelope: %q %v", text, resp.Header)
	}
	if sumOf(t, w.store) != before {
		t.Error("a cut request left something in the store")
	}
}

// TestErrorsCarryProblemsInEveryProtocol: the detail travels in Connect, gRPC and gRPC-Web alike, also for what is refused before it is read, and on streams.
func TestErrorsCarryProblemsInEveryProtocol(t *testing.T) {
	w := start(t, func(c *server.Config) { c.Limits.MessageBytes = 1 << 20 })
	for name, options := range protocols() {
		t.Run(name, func(t *testing.T) {
			c := roundsv1connect.NewSyncServiceClient(h2c(), w.base, options...)
			_, err := c.Exchange(t.Context(), connect.NewRequest(&roundsv1.ExchangeRequest{}))
			if code, p := problemOf(t, err); code != connect.CodeUnauthenticated || p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_TOKEN {
				t.Errorf("no token: %v %v", code, p)
			}
			_, err = c.Exchange(t.Context(), as(w.device, &roundsv1.ExchangeRequest{}))
			if code, p := problemOf(t, err); code != connect.CodeInvalidArgument || p.GetField() != "clock" {
				t.Errorf("no clock: %v %v", code, p)
			}
			large := w.device.push("x")
			large.Lanes[0].Mutations = [][]byte{make([]byte, 2<<20)}
			_, err = c.Exchange(t.Context(), as(w.device, large))
			if code, p := problemOf(t, err); code != connect.CodeResourceExhausted || p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_LIMIT {
				t.Errorf("too large: %v %v", code, p)
			}
			stream, err := c.Watch(t.Context(), as(w.device, &roundsv1.WatchRequest{Cursors: []*roundsv1.ScopeCursor{{Scope: "x"}}}))
			if err == nil {
				stream.Receive()
				err = stream.Err()
			}
			if code, p := problemOf(t, err); code != connect.CodeInvalidArgument || p.GetField() != "cursors[0].scope" {
				t.Errorf("stream: %v %v", code, p)
			}
		})
	}
}
