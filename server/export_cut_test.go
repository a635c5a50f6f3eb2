package server_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/server"
	"github.com/rounds-sync/rounds/sync/engine"
	"github.com/rounds-sync/rounds/sync/merge"
)

// large fills the site with so many times 2 MB of tickets: 8 times are more than the buffers between a server and its reader hold.
func (w *world) large(times int) {
	w.t.Helper()
	text := strings.Repeat("水", 20_000)
	for range times {
		if err := w.Engine().Write(w.t.Context(), w.site, func(engine.View) ([]engine.Derived, error) {
			var all []engine.Derived
			for range 32 {
				all = append(all, engine.Derived{RecordID: merge.RecordID(uuid.Must(uuid.NewV7()).String()), Edit: &roundsv1.Edit{Record: &roundsv1.Record{
					Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Title: "x", Description: text}}}}})
			}
			return all, nil
		}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestReadersOfExportsAreCut: an export whose reader takes nothing ends when its time is over, although a write may stand still for far longer, and gives back
// what it held: the person gets another one. One that is read slowly is cut, too, and its reader hears why.
func TestReadersOfExportsAreCut(t *testing.T) {
	t.Parallel()
	patiently(t, "two exports at once", func(unit time.Duration) bool { return cutReaders(t, unit) })
}

// patiently tries with longer and longer times, until a try could tell: on a machine that has much else to do a second is over before anything has begun.
func patiently(t *testing.T, what string, try func(unit time.Duration) (told bool)) {
	t.Helper()
	for unit := time.Second; !try(unit); unit *= 4 {
		if unit > time.Minute {
			t.Fatalf("%s: not in %v either", what, unit)
		}
	}
}

// cutReaders is TestReadersOfExportsAreCut with a time for an export. False: one was cut before the other had begun.
func cutReaders(t *testing.T, unit time.Duration) bool {
	w := start(t, func(c *server.Config) {
		c.Timeouts.Export, c.Timeouts.Write, c.Limits.DeviceRate = unit, time.Hour, 0
	})
	w.device.grant(roundsv1.Role_ROLE_MANAGER)
	w.large(8)
	request := &roundsv1.ExportRequest{Scopes: []string{string(w.site)}, Content: roundsv1.ExportContent_EXPORT_CONTENT_TICKETS,
		Format: roundsv1.ExportFormat_EXPORT_FORMAT_CSV, Language: roundsv1.ExportLanguage_EXPORT_LANGUAGE_EN}

	// One over HTTP/1.1, by hand; one over HTTP/2, with windows that are soon full. Neither reads on.
	body, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	body = append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(body))), body...)
	second := h2c()
	second.Transport.(*http.Transport).HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10, MaxReceiveBufferPerConnection: 1 << 20}
	conn, err := net.Dial("tcp", w.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/connect+proto\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		roundsv1connect.ExportServiceExportProcedure, w.device.token, len(body), body); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // else it is answered, and thus under way
		return false
	}
	stalled, err := roundsv1connect.NewExportServiceClient(second, w.base).Export(t.Context(), as(w.device, request))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stalled.Close() }()
	stalled.Receive()
	full := func() bool {
		_, _, err := w.device.take(t.Context(), &roundsv1.ExportRequest{Content: request.GetContent(), Format: request.GetFormat(), RecordId: uuid.NewString()})
		code, _ := problemOf(t, err) // a place among exports is taken before the record is looked for
		return code == connect.CodeResourceExhausted
	}
	if !full() {
		return false
	}
	eventually(t, "they are cut", func() bool { return !full() })
	for stalled.Receive() {
		if stalled.Msg().GetEnd() != nil {
			t.Error("a file that was cut has an end")
		}
	}
	if stalled.Err() == nil {
		t.Error("the reader takes what was cut for whole")
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	left, _ := io.ReadAll(conn) // a reset, no more, or where the last bytes found room after all, the error that ends the stream
	if end := string(left[max(0, len(left)-2000):]); strings.HasSuffix(end, "\r\n0\r\n\r\n") && !strings.Contains(end, `"error":`) {
		t.Errorf("the answer that was cut ends as if it were whole: %q", end)
	}
	return true
}

// TestASlowExportSaysWhy: a reader that is slow but reads hears that the file took too long, and how long one may take.
func TestASlowExportSaysWhy(t *testing.T) {
	t.Parallel()
	patiently(t, "the last word of a slow export", func(unit time.Duration) bool { return slowExport(t, unit) })
}

// slowExport is TestASlowExportSaysWhy with a time for an export. False: not even the last word came through in its time, or all of it did.
func slowExport(t *testing.T, unit time.Duration) bool {
	w := start(t, func(c *server.Config) { c.Timeouts.Export, c.Limits.DeviceRate = unit, 0 })
	w.device.grant(roundsv1.Role_ROLE_MANAGER)
	w.large(8)
	slow := h2c()
	slow.Transport.(*http.Transport).HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10, MaxReceiveBufferPerConnection: 1 << 20}
	stream, err := roundsv1connect.NewExportServiceClient(slow, w.base).Export(t.Context(), as(w.device, &roundsv1.ExportRequest{Scopes: []string{string(w.site)},
		Content: roundsv1.ExportContent_EXPORT_CONTENT_TICKETS, Format: roundsv1.ExportFormat_EXPORT_FORMAT_CSV}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	tick := time.NewTicker(unit / 20)
	defer tick.Stop()
	var began time.Time
	for stream.Receive() {
		if began.IsZero() {
			began = time.Now() // the export has begun before
		}
		if time.Since(began) < unit+unit/5 {
			<-tick.C
		}
		if stream.Msg().GetEnd() != nil { // nobody looked at the clock in time
			return false
		}
	}
	if connect.CodeOf(stream.Err()) != connect.CodeResourceExhausted {
		return false
	}
	_, p := problemOf(t, stream.Err())
	if p.GetCode() != roundsv1.ProblemCode_PROBLEM_CODE_LIMIT || p.GetFacts()["most"] != unit.String() || p.GetRetryAfter() == nil {
		t.Errorf("%v", p)
	}
	return true
}
