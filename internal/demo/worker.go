package demo

import (
	"context"
	"math/rand/v2"
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/client"
	"github.com/rounds-sync/rounds/internal/community"
)

// worker is a phone's person at work in a community. Everything it knows it reads on its own phone, and all that it does it queues there.
type worker struct {
	*phone
	*community.Community
	site  client.Scope
	hands []community.Person // the workers of the main site who have a phone
	day   *day

	number      int       // of the phone
	stays       []stay    // where the person is in the shift, in order
	looked      time.Time // the beginning of the stay in which the person had a look around last
	under       stay      // where the last round led that ended without signal
	silentUntil time.Time // and until when the person is there: windows pass by
	risen       time.Time // when the person comes up, or came up last, to send a report
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

var findings = []string{"地面有积水，已放警示牌", "灯管闪烁，疑似镇流器故障", "有异味，需要清洗", "阀门渗水，约每秒两滴", "杂物占道，已通知业主", "门锁松动，关不严",
	"Water on the floor, warning sign is out", "Handrail is loose on the landing", "Bin is overflowing", "Pump runs louder than yesterday"}

func (w *worker) tickets(ctx context.Context) ([]client.View, error) {
	var all []client.View
	for v, err := range w.device.List(ctx, w.site, "ticket") {
		if err != nil {
			return nil, err
		}
		if !v.Deleted && !w.day.taken[v.ID] {
			all = append(all, v)
		}
	}
	return all, nil
}

// in returns the tickets in one of some states.
func in(tickets []client.View, states ...roundsv1.TicketState) []client.View {
	var found []client.View
	for _, v := range tickets {
		for _, s := range states {
			if v.Record.GetTicket().GetState() == s {
				found = append(found, v)
			}
		}
	}
	return found
}

// anywhere is a place of which somebody tells.
func (w *worker) anywhere() *roundsv1.Location {
	p := pick(w.random, w.Places)
	return &roundsv1.Location{PlaceId: p.ID, Words: p.GetName().GetZh(), Source: roundsv1.LocationSource_LOCATION_SOURCE_TYPED}
}

// location is where the person is: of two the one scans the tag there, the other types it.
func (w *worker) location() *roundsv1.Location {
	p, source := w.here().place, roundsv1.LocationSource_LOCATION_SOURCE_TYPED
	if w.random.IntN(2) == 0 {
		source = roundsv1.LocationSource_LOCATION_SOURCE_TAG
	}
	return &roundsv1.Location{PlaceId: p.ID, Words: p.GetName().GetZh(), Source: source}
}

func record(t *roundsv1.Ticket) *roundsv1.Record {
	return &roundsv1.Record{Kind: &roundsv1.Record_Ticket{Ticket: t}}
}

func (w *worker) clock() *roundsv1.Clock {
	return &roundsv1.Clock{WallUs: w.clocks.Wall().UnixMicro(), BootId: w.clocks.Boot(), MonotonicUs: w.clocks.Monotonic().Microseconds()}
}

func (w *worker) command(ctx context.Context, v client.View, c *roundsv1.TicketCommand) error {
	ref, err := w.device.Command(ctx, w.site, v.ID, &roundsv1.Command{Command: &roundsv1.Command_Ticket{Ticket: c}})
	return w.note(ref, err)
}
