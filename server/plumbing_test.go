package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/server"
)

// TestNothingIsOpenByMistake: every method of the schema, called without a token, is refused, but for the two that give tokens.
func TestNothingIsOpenByMistake(t *testing.T) {
	w := start(t)
	open := map[string]bool{roundsv1connect.AuthServiceEnrollProcedure: true, roundsv1connect.AuthServiceRefreshProcedure: true}
	n := 0
	for _, service := range []string{"SyncService", "AuthService", "AdminService"} {
		methods := roundsv1.File_rounds_v1_sync_proto.Services().ByName("SyncService")
		switch service {
		case "AuthService":
			methods = roundsv1.File_rounds_v1_auth_proto.Services().ByName("AuthService")
		case "AdminService":
			methods = roundsv1.File_rounds_v1_admin_proto.Services().ByName("AdminService")
		}
		for i := range methods.Methods().Len() {
			m := methods.Methods().Get(i)
			n++
			procedure := "/rounds.v1." + service + "/" + string(m.Name())
			contentType, body := "application/json", "{}"
			if m.IsStreamingServer() {
				contentType, body = "application/connect+json", "\x00\x00\x00\x00\x02{}"
			}
			for _, token := range []string{"", "Bearer x.y.z", "Basic " + w.device.token} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+procedure, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", contentType)
				if token != "" {
					req.Header.Set("Authorization", token)
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				text, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if refused := bytes.Contains(text, []byte("unauthenticated")); refused == open[procedure] {
					t.Errorf("%s with %q: %s", procedure, token, text)
				}
			}
			if open[procedure] || m.IsStreamingServer() {
				continue
			}
			// With a token the method is in the table: whatever the answer, it is not that nobody may call it.
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+procedure, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", contentType)
			req.Header.Set("Authorization", "Bearer "+w.device.token)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if bytes.Contains(text, []byte("not open to anybody")) {
				t.Errorf("%s is in no row of the table", procedure)
			}
		}
	}
	if n < 24 {
		t.Errorf("%d methods looked at", n)
	}
}

// TestRates: a device and an address that call too often are told how long to wait, and the device may go on after that.
func TestRates(t *testing.T) {
	w := start(t, func(c *server.Config) {
		c.Limits.DeviceRate, c.Limits.DeviceBurst, c.Limits.AddressRate, c.Limits.AddressBurst = 2, 3, 1, 4
	})
	ask := func() error {
		_, err := w.sync().Exchange(t.Context(), as(w.device, &roundsv1.ExchangeRequest{Clock: w.device.clockNow()}))
		return err
	}
	for range 3 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	err := ask()
	code, p := problemOf(t, err)
	wait := p.GetRetryAfter().AsDuration()
	if code != connect.CodeResourceExhausted || p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_RATE || wait <= 0 || wait > 500*time.Millisecond {
		t.Errorf("%v %v", code, p)
	}
	refused := new(connect.Error)
	if !asError(err, &refused) || refused.Meta().Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", refused.Meta().Get("Retry-After"))
	}
	w.clock.add(wait)
	if err := ask(); err != nil {
		t.Errorf("after waiting: %v", err)
	}
	var last error
	for range 6 {
		_, last = w.sync().Exchange(t.Context(), connect.NewRequest(&roundsv1.ExchangeRequest{}))
	}
	if code, p := problemOf(t, last); code != connect.CodeResourceExhausted || p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_RATE {
		t.Errorf("calls without a token: %v %v", code, p)
	}
	w.clock.add(time.Second)
	if err := ask(); err != nil {
		t.Errorf("a device behind an address that guesses: %v", err)
	}
}

// TestForwardedFor: behind a proxy of ours the caller's own address is limited, and nobody else can choose one.
func TestForwardedFor(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		t.Run(fmt.Sprint("trusted ", trusted), func(t *testing.T) {
			w := start(t, func(c *server.Config) {
				c.Limits.AddressRate, c.Limits.AddressBurst = 0.001, 2
				if trusted {
					c.Limits.Proxies = []string{"127.0.0.0/8"}
				}
			})
			limited := 0
			for i := range 6 {
				req := connect.NewRequest(&roundsv1.ExchangeRequest{})
				req.Header().Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i))
				_, err := w.sync().Exchange(t.Context(), req)
				if code, _ := problemOf(t, err); code == connect.CodeResourceExhausted {
					limited++
				}
			}
			if (limited == 0) != trusted {
				t.Errorf("%d of 6 addresses were limited", limited)
			}
		})
	}
}

// TestCORS: a configured origin may call and read what a client needs; another may not.
func TestCORS(t *testing.T) {
	w := start(t, func(c *server.Config) { c.CORS.Origins = []string{"https://console.example.com"} })
	for origin, want := range map[string]string{"https://console.example.com": "https://console.example.com", "https://evil.example.com": ""} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, w.base+roundsv1connect.SyncServiceExchangeProcedure, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", origin)
		req.Header.Set("Access-Control-Request-Method", "POST")
		req.Header.Set("Access-Control-Request-Headers", "authorization,connect-protocol-version,content-type")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("origin %s: allowed %q", origin, got)
		}
	}
}

// TestOperatorsPort: metrics tell what happened, and profiles and metrics are nowhere on the public port.
func TestOperatorsPort(t *testing.T) {
	w := start(t)
	w.device.exchange(w.device.push("counted", "twice"))
	get := func(addr net.Addr, path string) (int, string) {
		t.Helper()
		resp, err := http.Get("http://" + addr.String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	status, text := get(w.AdminAddr(), "/metrics")
	for _, line := range []string{`rounds_outcomes_total{status="applied"} 2`, "rounds_mutations_received_total 2",
		`rounds_calls_total{code="ok",procedure="/rounds.v1.SyncService/Exchange"} 1`, "rounds_streams 0", "go_goroutines "} {
		if !strings.Contains(text, line) {
			t.Errorf("metrics without %q", line)
		}
	}
	if status != http.StatusOK {
		t.Errorf("metrics: %d", status)
	}
	for _, path := range []string{"/readyz", "/debug/pprof/"} {
		if status, _ := get(w.AdminAddr(), path); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
	for _, path := range []string{"/metrics", "/debug/pprof/"} {
		if status, text := get(w.Addr(), path); status == http.StatusOK {
			t.Errorf("%s on the public port: %s", path, text)
		}
	}
	status, text = get(w.Addr(), "/.well-known/jwks.json")
	var set struct {
		Keys []struct{ Kty, Crv, Kid string }
	}
	if err := json.Unmarshal([]byte(text), &set); err != nil || status != http.StatusOK || len(set.Keys) != 1 || set.Keys[0].Crv != "Ed25519" {
		t.Errorf("JWKS: %d %s %v", status, text, err)
	}
}

// TestStuckReader: a watcher that takes nothing is given up after the standstill, while the writer is not held up and other watchers hear.
func TestStuckReader(t *testing.T) {
	const standstill = 2 * time.Second
	w := start(t, func(c *server.Config) { c.Timeouts.Write, c.Limits.DeviceRate = standstill, 0 })
	conn, err := net.Dial("tcp", w.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	body := `{"cursors":[{"scope":"` + string(w.site) + `"}]}`
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/connect+json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n\x00\x00\x00\x00%c%s",
		roundsv1connect.SyncServiceWatchProcedure, w.device.token, 5+len(body), rune(len(body)), body)
	if line, err := bufio.NewReaderSize(conn, 16).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q %v", line, err)
	}
	metrics := func() string {
		resp, err := http.Get("http://" + w.AdminAddr().String() + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return string(text)
	}
	if !strings.Contains(metrics(), "rounds_streams 1\n") {
		t.Fatal("the stream is not open")
	}
	// However much the kernel keeps for the reader, 100 MB fill it. Most keep less than 8 MB: after so much it is time to wait.
	open := func() bool { return strings.Contains(metrics(), "rounds_streams 1\n") }
	for pushed := 1; open(); pushed++ {
		if pushed > 50 {
			t.Fatal("the stream of a reader that takes nothing is still open")
		}
		w.large(1)
		w.device.exchange(&roundsv1.ExchangeRequest{Clock: w.device.clockNow(), Lanes: []*roundsv1.LaneBatch{w.device.batch("x")}})
		for waited := time.Duration(0); pushed%4 == 0 && waited < 2*standstill && open(); waited += 100 * time.Millisecond {
			<-time.After(100 * time.Millisecond)
		}
	}
}

// TestIdleStreamsStay: neither standstill ends a stream on which there is nothing to say.
func TestIdleStreamsStay(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *server.Config) {
		c.Timeouts.Read, c.Timeouts.Write, c.Timeouts.Heartbeat = 3*time.Second, 3*time.Second, 7*time.Second
	})
	idle := map[string]*connect.ServerStreamForClient[roundsv1.WatchResponse]{
		"HTTP/1.1": w.device.watch(t, http.DefaultClient), "HTTP/2": w.device.watch(t, h2c())}
	for name, stream := range idle { // the heartbeat comes after more than two standstills
		if !stream.Receive() || len(stream.Msg().GetPages()) != 0 {
			t.Errorf("%s: %v %v", name, stream.Msg(), stream.Err())
		}
	}
	w.device.exchange(w.device.push("after a silence"))
	for name, stream := range idle {
		for stream.Receive() && len(stream.Msg().GetPages()) == 0 { // another heartbeat
		}
		if len(stream.Msg().GetPages()) != 1 {
			t.Errorf("%s: %v %v", name, stream.Msg(), stream.Err())
		}
	}
}
