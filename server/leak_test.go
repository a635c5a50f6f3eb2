package server_test

import (
	"context"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/internal/drawn"
	"github.com/rounds-sync/rounds/server"
)

var goroutine = regexp.MustCompile(`^goroutine (\d+) `)

// goroutines are all that run, by their numbers, each with its stack.
func goroutines() map[string]string {
	buf := make([]byte, 256<<10)
	n := runtime.Stack(buf, true)
	for n == len(buf) { // there are more
		buf = make([]byte, 2*len(buf))
		n = runtime.Stack(buf, true)
	}
	all := map[string]string{}
	for _, stack := range strings.Split(string(buf[:n]), "\n\n") {
		if found := goroutine.FindStringSubmatch(stack); found != nil {
			all[found[1]] = stack
		}
	}
	return all
}

// TestAClosedServerLeavesNothingBehind: a server that ran on a disk, had photos, watchers, exports and desks, some of whose calls were given up on the way, and was
// closed leaves no goroutine. Before it is closed, calls that were given up leave none either.
func TestAClosedServerLeavesNothingBehind(t *testing.T) {
	http.DefaultClient.CloseIdleConnections()
	before := goroutines()
	one, two := &http.Client{Transport: &http.Transport{}}, h2c()
	w := start(t, func(c *server.Config) { c.Inject.Store, c.Limits.DeviceRate = nil, 0 })
	w.http = one
	w.device.grant(roundsv1.Role_ROLE_MANAGER)
	d := w.device
	d.exchange(d.push("a ticket"))
	w.large(1)
	picture := drawn.Photo(1, drawn.Tiles, drawn.Options{WidthPx: 320, Quality: 60})
	d.settledPhoto(func() string { id := d.fact(photoOf(picture, d.person)); d.deliver(picture); return id }())
	desk{w, t}.done(d, "ticket", uuid.Must(uuid.NewV7()).String(), creation(&roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Title: "x"}}}))

	request := &roundsv1.ExportRequest{Scopes: []string{string(w.site)}, Content: roundsv1.ExportContent_EXPORT_CONTENT_TICKETS, Format: roundsv1.ExportFormat_EXPORT_FORMAT_XLSX}
	given := func(client *http.Client, n int) {
		for i := range n {
			ctx, cancel := context.WithCancel(t.Context())
			watch, err := roundsv1connect.NewSyncServiceClient(client, w.base).Watch(ctx, as(d, &roundsv1.WatchRequest{Cursors: []*roundsv1.ScopeCursor{{Scope: string(w.site)}}}))
			if err != nil || !watch.Receive() {
				t.Fatal(err, watch.Err())
			}
			var export *connect.ServerStreamForClient[roundsv1.ExportResponse]
			eventually(t, "a place among exports", func() bool { // one that was given up gives its place back when the server hears of it
				if export, err = roundsv1connect.NewExportServiceClient(client, w.base).Export(ctx, as(d, request)); err != nil {
					t.Fatal(err)
				}
				if export.Receive() {
					return true
				}
				if code := connect.CodeOf(export.Err()); code != connect.CodeResourceExhausted {
					t.Fatal(export.Err())
				}
				_ = export.Close()
				return false
			})
			req := &roundsv1.ListTicketsRequest{Scopes: []string{string(w.site)}, PageSize: 500}
			if _, err := roundsv1connect.NewWorkServiceClient(client, w.base).ListTickets(ctx, as(d, req)); err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 { // in the middle of a call, too
				go cancel()
				act := creation(&roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{Title: "x"}}})
				act.ActId, act.Scope, act.RecordId = uuid.NewString(), string(w.site), uuid.Must(uuid.NewV7()).String()
				_, _ = roundsv1connect.NewWorkServiceClient(client, w.base).Decide(ctx, as(d, &roundsv1.DecideRequest{Acts: []*roundsv1.DeskAct{act}}))
			}
			cancel()
			_, _ = watch.Close(), export.Close()
		}
	}
	left := func(except map[string]string) (all []string) {
		for _, client := range []*http.Client{one, two, http.DefaultClient} {
			client.CloseIdleConnections()
		}
		for number, stack := range goroutines() {
			if _, was := except[number]; !was && !strings.Contains(stack, "testing.tRunner") {
				all = append(all, stack)
			}
		}
		return all
	}
	given(one, 2)
	given(two, 2)
	eventuallyNone(t, "the first calls", func() (busy []string) { // what the server itself does now and then stays
		for _, stack := range left(before) {
			if strings.Contains(stack, "net/http") && !strings.Contains(stack, "(*Server).Serve(") {
				busy = append(busy, stack)
			}
		}
		return busy
	})
	running := goroutines()
	given(one, 2)
	given(two, 2)
	eventuallyNone(t, "calls that were given up", func() []string { return left(running) })

	stream := d.watch(t, two) // open while the server closes
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	for stream.Receive() {
	}
	if err := stream.Err(); err != nil && connect.CodeOf(err) == connect.CodeInternal {
		t.Error(err)
	}
	_ = stream.Close()
	eventuallyNone(t, "a server that was closed", func() []string { return left(before) })
}

// eventuallyNone waits until nothing is left, and shows what is.
func eventuallyNone(t *testing.T, of string, left func() []string) {
	t.Helper()
	var all []string
	t.Cleanup(func() {
		if len(all) > 0 {
			t.Logf("%s left %d:\n%s", of, len(all), strings.Join(all[:min(len(all), 5)], "\n\n"))
		}
	})
	eventually(t, of, func() bool {
		all = left()
		return len(all) == 0
	})
}
