package server

import (
	"context"
	"errors"
	"sync"

	"connectrpc.com/connect"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/auth"
)

// errNotLetIn is the cause with which a stream's context ends when its device is no longer let in.
var errNotLetIn = errors.New("server: the device is no longer let in")

// errTooMany is the cause with which a device's oldest stream ends when it opens more than it may have.
var errTooMany = errors.New("server: the device opened too many streams")

// streamsPerDevice is how many streams a device may have open. It needs one; those that a lost network left behind take a minute to be noticed.
const streamsPerDevice = 32

// streams are the open streams, by device.
type streams struct {
	mu   sync.Mutex // guards what follows
	open map[auth.DeviceID]map[*stream]struct{}
	n    int
	last uint64 // number of the stream that was opened last
}

// stream is one that is open.
type stream struct {
	number uint64
	end    context.CancelCauseFunc
}

func newStreams() *streams { return &streams{open: map[auth.DeviceID]map[*stream]struct{}{}} }

// enter counts a stream in; leave counts it out. Where the device has too many, its oldest one ends.
func (s *streams) enter(ctx context.Context, device auth.DeviceID) (streaming context.Context, leave func()) {
	streaming, end := context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	one := &stream{s.last, end}
	if len(s.open[device]) >= streamsPerDevice {
		oldest := one
		for other := range s.open[device] {
			if other.number < oldest.number {
				oldest = other
			}
		}
		oldest.end(errTooMany)
		s.out(device, oldest)
	}
	if s.open[device] == nil {
		s.open[device] = map[*stream]struct{}{}
	}
	s.open[device][one] = struct{}{}
	s.n++
	return streaming, func() {
		end(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.out(device, one)
	}
}

// out takes a stream out, if it was not taken out before. The caller holds s.mu.
func (s *streams) out(device auth.DeviceID, one *stream) {
	if _, in := s.open[device][one]; !in {
		return
	}
	delete(s.open[device], one)
	if len(s.open[device]) == 0 {
		delete(s.open, device)
	}
	s.n--
}

// expel ends the streams of the devices that may not be let in any more.
func (s *streams) expel(gone func(auth.DeviceID) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for device, open := range s.open {
		if gone(device) {
			for one := range open {
				one.end(errNotLetIn)
			}
		}
	}
}

// count returns how many streams are open.
func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// whyEnded is what the reader of a stream hears whose context ended with a cause; failed where that is none of the server's.
func whyEnded(cause, failed error) error {
	switch {
	case errors.Is(cause, errNotLetIn):
		return noToken("The device is no longer let in")
	case errors.Is(cause, errTooMany):
		return refusal(connect.CodeResourceExhausted, say(roundsv1.ProblemCode_PROBLEM_CODE_LIMIT, "该设备打开的连接过多",
			"The device opened so many streams that its oldest one was ended"))
	}
	return failed
}
