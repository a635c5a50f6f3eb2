package evidence

import (
	"cmp"
	"context"

	"google.golang.org/protobuf/proto"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
	"github.com/rounds-sync/rounds/sync/journal"
	"github.com/rounds-sync/rounds/sync/store"
)

// momentOf tells when a photo was taken, microseconds since 1970, and how well that is known: the journal has it, beside the outcome of the mutation that made the record.
func (d *Desk) momentOf(ctx context.Context, scope store.Scope, stamp *roundsv1.Stamp, photo *roundsv1.Photo) (int64, roundsv1.Trust, error) {
	head, err := d.cfg.Records.Entry(ctx, scope, journal.Seq(stamp.GetSeq()))
	if err != nil {
		return 0, 0, err
	}
	// Of a mutation that was kept back, the entry that let it in names the one with its content.
	content, err := d.cfg.Records.Content(ctx, scope, journal.Seq(cmp.Or(head.GetCause(), stamp.GetSeq())))
	if err != nil {
		return 0, 0, err
	}
	made := &roundsv1.Mutation{}
	if proto.Unmarshal(content, made) != nil {
		made.Reset() // it is none: the server made the record
	}
	return capturedUs(stamp.GetTimeUs(), made.GetClock(), photo.GetCaptured()), head.GetOutcome().GetTrust(), nil
}

// capturedUs puts a capture on the server's time, microseconds since 1970, by when the record was made: within one boot by the monotonic clock. Where the device
// started anew between the two, or its clocks are not said or make no sense, it is when the record was made.
func capturedUs(recordedUs int64, made, taken *roundsv1.Clock) int64 {
	ago := made.GetMonotonicUs() - taken.GetMonotonicUs()
	if taken.GetBootId() == "" || taken.GetBootId() != made.GetBootId() || taken.GetMonotonicUs() < 0 || ago < 0 || ago >= recordedUs {
		return recordedUs
	}
	return recordedUs - ago
}

// takenUs is when a photo was taken, microseconds since 1970, as the record has it: before anybody looked at its bytes, when the record was made.
func takenUs(change *roundsv1.Change) int64 {
	return cmp.Or(change.GetRecord().GetPhoto().GetReport().GetCapturedUs(), creation(change).GetTimeUs())
}
