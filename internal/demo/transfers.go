package demo

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/media"
)

// behind is what did not have to be sent again.
type behind struct {
	parts int
	bytes int64
}

// transfers watches how a phone's photos travel: which parts arrived in which window, and which of them did not have to be sent again in a later one.
type transfers struct {
	sending atomic.Int32 // parts on their way now

	mu      sync.Mutex // guards what follows
	window  int
	of      map[string]media.Hash // of which photo a part is, by its address
	arrived map[media.Hash]int    // parts
	planned map[media.Hash]int    // the window of the last plan
	behind  map[media.Hash]behind // what was there already when an upload went on in another window
}

func newTransfers() *transfers {
	return &transfers{of: map[string]media.Hash{}, arrived: map[media.Hash]int{}, planned: map[media.Hash]int{}, behind: map[media.Hash]behind{}}
}

// begin says that a new window opens: what goes on from here is resumed.
func (t *transfers) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.window++
	clear(t.of)
}

func (t *transfers) plan(results []*roundsv1.PlanResult) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range results {
		h, err := media.HashFrom(r.GetSha256())
		if err != nil || r.GetUpload() == nil {
			continue
		}
		if was, ok := t.planned[h]; ok && was != t.window && r.GetUpload().GetReceivedBytes() > 0 {
			t.behind[h] = behind{parts: max(1, t.arrived[h]), bytes: r.GetUpload().GetReceivedBytes()} // one whose reply was lost arrived too
		}
		t.planned[h] = t.window
		for _, part := range r.GetUpload().GetParts() {
			t.of[part.GetUrl()] = h
		}
	}
}

// saved sums up what did not have to be sent again: each part once, however often its upload was interrupted.
func (t *transfers) saved() (sum behind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range t.behind {
		sum.parts += b.parts
		sum.bytes += b.bytes
	}
	return sum
}

func (t *transfers) part(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h, ok := t.of[address]; ok {
		t.arrived[h]++
	}
}

// watchedMedia is a MediaService whose plans are watched.
type watchedMedia struct {
	roundsv1connect.MediaServiceClient
	*transfers
}

var _ roundsv1connect.MediaServiceClient = watchedMedia{}

// Plan implements MediaServiceClient.
func (w watchedMedia) Plan(ctx context.Context, req *connect.Request[roundsv1.PlanRequest]) (*connect.Response[roundsv1.PlanResponse], error) {
	resp, err := w.MediaServiceClient.Plan(ctx, req)
	if err == nil {
		w.plan(resp.Msg.GetResults())
	}
	return resp, err
}

// watchedParts sends parts and watches which arrive.
type watchedParts struct {
	client *http.Client
	*transfers
}

var _ connect.HTTPClient = watchedParts{}

// Do implements connect.HTTPClient.
func (w watchedParts) Do(req *http.Request) (*http.Response, error) {
	w.sending.Add(1)
	defer w.sending.Add(-1)
	address := req.URL.String()
	resp, err := w.client.Do(req)
	if err == nil && resp.StatusCode/100 == 2 {
		w.part(address)
	}
	return resp, err
}
