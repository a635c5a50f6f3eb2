package client

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/rounds-sync/rounds/sync/merge"
)

// RecordID names a record within its scope: a UUID in lower case.
type RecordID = merge.RecordID

// NewID makes an id for a new record: a UUIDv7 of the time as the device knows it best. The error is that of the source of
// randomness.
func (d *Device) NewID() (RecordID, error) {
	var id uuid.UUID
	if _, err := io.ReadFull(d.cfg.Rand, id[6:]); err != nil {
		return "", fmt.Errorf("client: drawing an id: %w", err)
	}
	milliseconds := max(0, d.now()/1000)
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(milliseconds))
	copy(id[:6], at[2:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return RecordID(id.String()), nil
}

// DerivedID makes an id that every device derives alike, where two must come to the same record: the UUIDv5 of the parts, with
// a zero byte between them, in the name space of the record that they follow from. It answers "" when from is no UUID.
func DerivedID(from RecordID, parts ...string) RecordID {
	space, err := uuid.Parse(string(from))
	if err != nil {
		return ""
	}
	return RecordID(uuid.NewSHA1(space, []byte(strings.Join(parts, "\x00"))).String())
}

// now estimates the server's clock, microseconds since 1970.
func (d *Device) now() int64 {
	d.mu.Lock()
	a := d.state.Anchor
	d.mu.Unlock()
	return a.at(reading(d.cfg.Clock))
}
