package server_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"runtime"
	"testing"

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
