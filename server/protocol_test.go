package server_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/server/compress"
)

// h2c is a client that speaks HTTP/2 without TLS.
func h2c() *http.Client {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: p}}
}

func protocols() map[string][]connect.ClientOption {
	return map[string][]connect.ClientOption{
		"Connect": nil, "Connect JSON": {connect.WithProtoJSON()}, "gRPC": {connect.WithGRPC()}, "gRPC JSON": {connect.WithGRPC(), connect.WithProtoJSON()},
		"gRPC-Web": {connect.WithGRPCWeb()}, "zstd": {compress.Client(16 << 20), connect.WithCompressMinBytes(1)},
		"gzip": {connect.WithSendGzip(), connect.WithCompressMinBytes(1)},
	}
}

// TestProtocols: every protocol, codec and compression pushes and pulls the same, over HTTP/1.1 where it can and over HTTP/2.
func TestProtocols(t *testing.T) {
	w := start(t)
	title := strings.Repeat("地砖污渍 dirty tiles ", 30)
	n := 0
	for name, options := range protocols() {
		for version, client := range map[string]*http.Client{"HTTP/1.1": http.DefaultClient, "HTTP/2": h2c()} {
			if strings.HasPrefix(name, "gRPC") && name != "gRPC-Web" && version == "HTTP/1.1" {
				continue // gRPC needs HTTP/2
			}
			t.Run(name+" "+version, func(t *testing.T) {
				w.http = client
				n++
				resp := w.device.exchange(w.device.push(title), options...)
				page := resp.GetPages()[0]
				if got := page.GetChanges()[len(page.GetChanges())-1].GetRecord().GetTicket().GetTitle(); !page.GetComplete() || got != title {
					t.Errorf("page: complete %v, last title %q", page.GetComplete(), got)
				}
				if len(page.GetChanges()) != n {
					t.Errorf("%d changes, want %d", len(page.GetChanges()), n)
				}
				stream, err := w.sync(options...).Watch(t.Context(), as(w.device, &roundsv1.WatchRequest{
					Cursors: []*roundsv1.ScopeCursor{{Scope: string(w.site)}}}))
				if err != nil {
					t.Fatal(err)
				}
				defer stream.Close()
				if !stream.Receive() || len(stream.Msg().GetPages()[0].GetChanges()) != n {
					t.Errorf("stream: %v %v", stream.Err(), stream.Msg())
				}
			})
		}
	}
}

// TestExchangeByHand is what a person does with curl: plain JSON both ways, the changes readable in the answer.
func TestExchangeByHand(t *testing.T) {
	w := start(t)
	w.device.exchange(w.device.push("困梯 trapped in lift"))
	body := `{"clock":{"wallUs":"1782000000000000"},"cursors":[{"scope":"` + string(w.site) + `"}]}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+roundsv1connect.SyncServiceExchangeProcedure, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+w.device.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %d %s", err, resp.StatusCode, text)
	}
	var answer roundsv1.ExchangeResponse
	if err := protojson.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	if got := answer.GetPages()[0].GetChanges()[0].GetRecord().GetTicket().GetTitle(); got != "困梯 trapped in lift" {
		t.Errorf("title %q in %s", got, text)
	}
}

// TestCompressesWhatIsLarge: answers beyond the minimum size are compressed as the caller prefers, smaller ones are not.
func TestCompressesWhatIsLarge(t *testing.T) {
	w := start(t)
	w.device.exchange(w.device.push(strings.Repeat("words ", 150), strings.Repeat("words ", 150)))
	ask := func(body, accept string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+roundsv1connect.SyncServiceExchangeProcedure, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+w.device.token)
		req.Header.Set("Accept-Encoding", accept)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		return resp
	}
	pull := `{"clock":{},"cursors":[{"scope":"` + string(w.site) + `"}]}`
	for _, tt := range []struct{ body, accept, want string }{
		{pull, "zstd", "zstd"}, {pull, "gzip", "gzip"}, {pull, "gzip, zstd", "gzip"}, {pull, "identity", ""}, {`{"clock":{}}`, "zstd", ""},
	} {
		if got := ask(tt.body, tt.accept).Header.Get("Content-Encoding"); got != tt.want {
			t.Errorf("accepting %s: %q, want %q", tt.accept, got, tt.want)
		}
	}
}

// TestTLS: with a certificate of its own making the server speaks HTTP/1.1 and HTTP/2 over TLS, and keeps the certificate.
func TestTLS(t *testing.T) {
	cfg := base(t)
	cfg.TLS.SelfSigned = true
	s, err := server.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(filepath.Join(cfg.Data, server.SelfSignedCert))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(first)
	for _, h2 := range []bool{false, true} {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: h2}}
		resp, err := client.Get("https://" + s.Addr().String() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if (resp.ProtoMajor == 2) != h2 || resp.StatusCode != http.StatusOK {
			t.Errorf("HTTP/2 %v: %s %s", h2, resp.Proto, resp.Status)
		}
		client.CloseIdleConnections()
	}
	if !strings.HasPrefix(s.URL(), "https://127.0.0.1:") {
		t.Errorf("URL %q", s.URL())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = server.Start(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	again, err := os.ReadFile(filepath.Join(cfg.Data, server.SelfSignedCert))
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the certificate changed at a restart: %v", err)
	}
}

// TestBufCurl calls with the tool that people use by hand, over gRPC and gRPC-Web, with what it learns from reflection.
func TestBufCurl(t *testing.T) {
	buf, err := filepath.Abs("../.build/bin/buf")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(buf); err != nil {
		t.Skip("no buf here: make lint builds it")
	}
	w := start(t)
	w.device.exchange(w.device.push("burst pipe"))
	for _, protocol := range []string{"connect", "grpc", "grpcweb"} {
		t.Run(protocol, func(t *testing.T) {
			var out, errs bytes.Buffer
			cmd := exec.CommandContext(t.Context(), buf, "curl", "--http2-prior-knowledge", "--protocol", protocol, "--reflect-protocol", "grpc-v1",
				"-H", "Authorization: Bearer "+w.device.token, "-d", `{"clock":{},"cursors":[{"scope":"`+string(w.site)+`"}]}`,
				w.base+roundsv1connect.SyncServiceExchangeProcedure)
			cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v: %s", err, errs.String())
			}
			var answer struct {
				Pages []struct {
					Changes []struct {
						Record struct {
							Ticket struct{ Title string }
						}
					}
				}
			}
			if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
				t.Fatal(err)
			}
			if len(answer.Pages) != 1 || len(answer.Pages[0].Changes) != 1 || answer.Pages[0].Changes[0].Record.Ticket.Title != "burst pipe" {
				t.Errorf("answer %s", out.String())
			}
		})
	}
}
