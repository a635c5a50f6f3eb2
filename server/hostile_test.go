package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
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
	for range 64 {
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
	if after := held(); after > before+16<<20 {
		t.Errorf("64 requests of 1 MiB left %d MiB", (after-before)>>20)
	}
}

// TestSideServicesAreBounded: health and reflection need no token, so what they read is bounded too, plain and compressed.
func TestSideServicesAreBounded(t *testing.T) {
	w := start(t)
	large := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), bytes.Repeat([]byte{'a'}, 32<<20))
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
	w := start(t, func(c *server.Config) { c.Timeouts.Read = 200 * time.Millisecond })
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
			if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(conn); err != nil {
				t.Errorf("the connection is still held: %v", err)
			}
		})
	}
}
