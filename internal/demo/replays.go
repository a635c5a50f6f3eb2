package demo

import (
	"context"
	"sync"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/api/rounds/v1/roundsv1connect"
	"github.com/rounds-sync/rounds/internal/promises"
	"github.com/rounds-sync/rounds/sync/journal"
)

// replays remembers which mutations a phone sent, when it began to, and had an answer for: what the server had taken before was a replay.
type replays struct {
	mu       sync.Mutex // guards answered
	answered []sending
}

// sending is one mutation in one request that was answered.
type sending struct {
	content journal.Hash
	beganUs int64
}

// watchedSync is a SyncService whose pushes are remembered.
type watchedSync struct {
	roundsv1connect.SyncServiceClient
	*replays
	time *timeline
}

var _ roundsv1connect.SyncServiceClient = watchedSync{}

// Exchange implements SyncServiceClient.
func (w watchedSync) Exchange(ctx context.Context, req *connect.Request[roundsv1.ExchangeRequest]) (*connect.Response[roundsv1.ExchangeResponse], error) {
	began := w.time.Now().UnixMicro()
	resp, err := w.SyncServiceClient.Exchange(ctx, req)
	if err != nil {
		return resp, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, lane := range req.Msg.GetLanes() {
		for _, m := range lane.GetMutations() {
			w.answered = append(w.answered, sending{journal.ContentHash(m), began})
		}
	}
	return resp, nil
}

// replayed finds what phones sent, and were answered, after the server had taken it (row 38).
func replayed(scopes []promises.Scope, phones []*worker) []sighting {
	type taken struct {
		sighting
		us int64
	}
	first := map[journal.Hash]taken{}
	for _, s := range scopes {
		for _, encoded := range s.Journal {
			head, _, _, err := journal.Open(encoded)
			if err != nil || head.GetType() != roundsv1.EntryType_ENTRY_TYPE_MUTATION {
				continue
			}
			first[journal.Hash(head.GetContentHash())] = taken{sighting{head.GetRecord().GetId(), head.GetSeq()}, head.GetTakenUs()}
		}
	}
	var all []sighting
	for _, w := range phones {
		for _, s := range w.sent.answered {
			if t, ok := first[s.content]; ok && t.us < s.beganUs {
				all = append(all, t.sighting)
			}
		}
	}
	return all
}
