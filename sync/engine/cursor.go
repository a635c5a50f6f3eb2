package engine

import (
	"encoding/binary"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// epoch is drawn anew whenever the server's past may have changed under the devices.
type epoch [8]byte

// cursor is how far a device has a scope. It travels as opaque bytes: a format byte, the epoch and three numbers. It needs no signature: it
// selects among what the device may read anyway, and a false one harms only its sender.
type cursor struct {
	epoch epoch
	// complete: the device has everything through this seq; 0 until its first complete pull.
	complete uint64
	// seq: the pull that is under way has come this far.
	seq uint64
	// began: the scope's seq when that pull began.
	began uint64
}

const cursorFormat = 1

func (c cursor) encode() []byte {
	b := append(make([]byte, 0, 24), cursorFormat)
	b = append(b, c.epoch[:]...)
	b = binary.AppendUvarint(b, c.complete)
	b = binary.AppendUvarint(b, c.seq)
	return binary.AppendUvarint(b, c.began)
}

func decodeCursor(b []byte) (cursor, error) {
	var c cursor
	bad := refuse(Invalid, roundsv1.ProblemCode_PROBLEM_CODE_BAD_CURSOR, "cursors.cursor",
		"同步位置无效，请重新开始同步。", "This cursor was not made by this server; pull again without it.")
	if len(b) < 1+len(c.epoch) || b[0] != cursorFormat {
		return c, bad
	}
	b = b[1+copy(c.epoch[:], b[1:]):]
	for _, field := range []*uint64{&c.complete, &c.seq, &c.began} {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			return c, bad
		}
		*field, b = n, b[size:]
	}
	if len(b) != 0 || c.complete > c.seq || c.seq > 1<<62 || c.began > 1<<62 {
		return c, bad
	}
	return c, nil
}
