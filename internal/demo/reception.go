package demo

import (
	"time"

	"github.com/rounds-sync/rounds/internal/link"
)

// A window is what a phone gets at the lift lobby. While it lasts, the demo's clock runs haste times as fast as the machine's, and the link with it.
const (
	window     = 10 * time.Second
	haste      = 60
	cutChance  = 0.06
	loseChance = 0.06
)

// reception is how good a link is.
type reception struct {
	bits  int // a second
	delay time.Duration
}

// signals: of the windows where the signal is weak most are narrow, and one in fairEvery is by a door where there is more. In the last part of the shift, on
// the way home, all are good.
func signals() (narrow, fair, good reception) {
	return reception{64_000, 400 * time.Millisecond}, reception{400_000, 160 * time.Millisecond}, reception{4_000_000, 60 * time.Millisecond}
}

const (
	fairEvery = 5
	goodFrom  = 0.9 // of the shift
)

// shape is the link in the demo's time.
func (r reception) shape() link.Shape {
	return link.Shape{BitsPerSecond: r.bits * haste, RoundTrip: r.delay / haste, Cut: cutChance, LoseReply: loseChance}
}
