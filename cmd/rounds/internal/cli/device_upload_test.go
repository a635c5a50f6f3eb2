package cli

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/vbauerster/mpb/v8"

	"github.com/rounds-sync/rounds/client"
)

// TestBarsOfUploadsEnd: photos come and go while bars are drawn, some stay unfinished, and one is heard of when all is over.
func TestBarsOfUploadsEnd(t *testing.T) {
	bars := mpb.New(mpb.WithOutput(io.Discard), mpb.WithAutoRefresh(), mpb.WithRefreshRate(100*time.Microsecond))
	u := newUploads(&program{}, nil).draw(bars, 200, 20_000)
	stages := []client.PhotoProgress{{Size: 100, Sent: 10}, {Size: 100, Sent: 100}, {Size: 100, Sent: 100, Stage: client.PhotoStored}}
	var running sync.WaitGroup
	for phone := range 4 {
		running.Go(func() {
			for n := range 50 {
				for _, p := range stages[:min(n+1, 3)] { // the first two stay unfinished
					p.ID = client.RecordID(fmt.Sprintf("%d-%d", phone, n))
					u.hear(p)
				}
			}
		})
	}
	running.Wait()
	if n := u.count.Load(); n != 4*48 {
		t.Errorf("%d photos are stored", n)
	}
	u.end()
	u.end()
	u.hear(client.PhotoProgress{ID: "late", Size: 100, Sent: 50})
}
