package server

import (
	"context"
	"errors"
	"sync"

	"github.com/rounds-sync/rounds/auth"
)

// errNotLetIn is the cause with which a stream's context ends when its device is no longer let in.
var errNotLetIn = errors.New("server: the device is no longer let in")

// streams are the open streams, by device.
type streams struct {
	mu   sync.Mutex // guards open
	open map[auth.DeviceID]map[*stream]struct{}
	n    int
}

type stream struct{ end context.CancelCauseFunc }

func newStreams() *streams { return &streams{open: map[auth.DeviceID]map[*stream]struct{}{}} }

// enter counts a stream in; leave counts it out.
func (s *streams) enter(ctx context.Context, device auth.DeviceID) (streaming context.Context, leave func()) {
	streaming, end := context.WithCancelCause(ctx)
	one := &stream{end}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[device] == nil {
		s.open[device] = map[*stream]struct{}{}
	}
	s.open[device][one] = struct{}{}
	s.n++
	return streaming, func() {
		end(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open[device], one)
		if len(s.open[device]) == 0 {
			delete(s.open, device)
		}
		s.n--
	}
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
