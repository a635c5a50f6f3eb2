package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
)

// begun are the clocks of this device when its person began to work on tickets, in a file beside the store. It is a convenience: where it is lost, the ticket's
// own ledger says when the work began.
type begun map[client.RecordID]*clockJSON

type clockJSON struct {
	WallUS      int64  `json:"wall_us"`
	Boot        string `json:"boot"`
	MonotonicUS int64  `json:"monotonic_us"`
}

func (s *session) begunPath() string { return filepath.Join(s.dir, "begun.json") }

func (s *session) readBegun() (begun, error) {
	text, err := os.ReadFile(s.begunPath())
	if errors.Is(err, fs.ErrNotExist) {
		return begun{}, nil
	}
	if err != nil {
		return nil, err
	}
	all := begun{}
	if json.Unmarshal(text, &all) != nil {
		return begun{}, nil // cut short by a crash, perhaps
	}
	return all, nil
}

func (s *session) writeBegun(all begun) error {
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	part := s.begunPath() + ".part"
	if err := os.WriteFile(part, text, 0o600); err != nil {
		return err
	}
	return os.Rename(part, s.begunPath())
}

// begin notes that the person begins to work on a ticket now.
func (s *session) begin(ticket client.RecordID, now func() time.Time) error {
	all, err := s.readBegun()
	if err != nil {
		return err
	}
	c := reading(client.SystemClock(now))
	all[ticket] = &clockJSON{c.GetWallUs(), c.GetBootId(), c.GetMonotonicUs()}
	return s.writeBegun(all)
}

// end queues the interval of work since the person began, if any is known of, and forgets its beginning.
func (s *session) end(ctx context.Context, v client.View, now func() time.Time) ([]client.Ref, error) {
	all, err := s.readBegun()
	if err != nil {
		return nil, err
	}
	ended := reading(client.SystemClock(now))
	var started *roundsv1.Clock
	if at := all[v.ID]; at != nil {
		started = &roundsv1.Clock{WallUs: at.WallUS, BootId: at.Boot, MonotonicUs: at.MonotonicUS}
	} else if us := workingSince(v.Record.GetTicket(), string(s.me)); us > 0 {
		status, err := s.Status(ctx)
		if err != nil {
			return nil, err
		}
		started = &roundsv1.Clock{WallUs: us - status.Offset.Microseconds()}
	}
	if started == nil || started.GetWallUs() > ended.GetWallUs() {
		return nil, nil
	}
	id, err := s.NewID()
	if err != nil {
		return nil, err
	}
	ref, err := s.Fact(ctx, v.Scope, v.ID, &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: &roundsv1.Ticket{
		Labour: []*roundsv1.Labour{{Id: string(id), PersonId: string(s.me), Started: started, Ended: ended}}}}})
	if err != nil {
		return nil, err
	}
	delete(all, v.ID)
	if err := s.writeBegun(all); err != nil {
		return nil, fmt.Errorf("the interval of work is queued: %w", err)
	}
	return []client.Ref{ref}, nil
}

// workingSince is when a person took up the work that goes on, by the ticket's ledger, microseconds since 1970; 0: nobody says that it goes on.
func workingSince(t *roundsv1.Ticket, person string) int64 {
	for _, m := range slices.Backward(t.GetMoves()) {
		if m.GetState() != roundsv1.TicketState_TICKET_STATE_IN_PROGRESS {
			return 0
		}
		if m.GetPersonId() == person {
			return m.GetTimeUs()
		}
	}
	return 0
}
