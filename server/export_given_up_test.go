package server_test

import (
	"context"
	"sync"
	"testing"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/server"
)

// TestAnExportGivenUpAtItsEnd: readers who hang up in the moment in which their file ends take nothing else with them.
func TestAnExportGivenUpAtItsEnd(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *server.Config) { c.Limits.DeviceRate = 0 })
	w.device.grant(roundsv1.Role_ROLE_MANAGER)
	request := &roundsv1.ExportRequest{Scopes: []string{string(w.site)}, Content: roundsv1.ExportContent_EXPORT_CONTENT_TICKETS,
		Format: roundsv1.ExportFormat_EXPORT_FORMAT_CSV}
	var readers sync.WaitGroup
	for range 2 { // what one person may have at once
		readers.Go(func() {
			over := h2c()
			for i := range 300 {
				ctx, hangUp := context.WithCancel(t.Context())
				stream, err := roundsv1connect.NewExportServiceClient(over, w.base).Export(ctx, as(w.device, request))
				if err == nil {
					for n := 0; n < i%4 && stream.Receive(); n++ {
					}
				}
				hangUp()
				if stream != nil {
					_ = stream.Close()
				}
			}
		})
	}
	readers.Wait()
	eventually(t, "it makes files still", func() bool {
		_, _, err := w.device.take(t.Context(), &roundsv1.ExportRequest{Content: request.GetContent(), Format: request.GetFormat()})
		return connect.CodeOf(err) != connect.CodeUnavailable && err == nil
	})
}
