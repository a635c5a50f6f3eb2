package server

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/rounds-sync/rounds/auth"
)

// lastSeen remembers when devices called last, since the server started: of a bounded number of them, those that called last.
type lastSeen struct {
	devices *lru.Cache[auth.DeviceID, time.Time] // safe for concurrent use by itself
}

func newLastSeen(tracked int) (*lastSeen, error) {
	devices, err := lru.New[auth.DeviceID, time.Time](tracked)
	return &lastSeen{devices}, err
}

func (s *lastSeen) note(device auth.DeviceID, now time.Time) { s.devices.Add(device, now) }

// at is zero for a device that has not called.
func (s *lastSeen) at(device auth.DeviceID) time.Time {
	at, _ := s.devices.Peek(device)
	return at
}
