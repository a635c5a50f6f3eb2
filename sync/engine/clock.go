package engine

import (
	"time"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// offsetTolerance is how far two measurements of a wall clock's offset may lie apart for the clock to count as not having been set between
// them: the round trip of a slow link, and two minutes of drift a month.
const offsetTolerance = 10 * time.Second

// correct returns when a mutation was made by the server's clock, in microseconds, and how well that is known. It is a function of the
// mutation's clock, of the device's clock in the request that first brought it, of the server's clock at that request, and of the contact before it.
//
// Within one boot the monotonic clock tells how long ago it was, whatever the wall clock shows. Across a reboot the wall clock is taken with the
// offset that it has in this request. The result is never later than now: a phone set to 2099 does not pin its edits to the top.
func correct(made, request *roundsv1.Clock, now int64, before *roundsv1.Contact) (int64, roundsv1.Trust) {
	if made.GetBootId() != "" && made.GetBootId() == request.GetBootId() {
		if elapsed := request.GetMonotonicUs() - made.GetMonotonicUs(); elapsed >= 0 && elapsed <= now {
			return now - elapsed, roundsv1.Trust_TRUST_A
		}
	}
	if made.GetWallUs() <= 0 || request.GetWallUs() <= 0 {
		return now, roundsv1.Trust_TRUST_C
	}
	offset := now - request.GetWallUs()
	at := now // made after the request that brings it: the wall clock was set back between them
	if behind := request.GetWallUs() - made.GetWallUs(); behind > 0 {
		at = now - behind
	}
	trust := roundsv1.Trust_TRUST_B
	if bracketed(made.GetWallUs(), request.GetWallUs(), offset, before) {
		trust = roundsv1.Trust_TRUST_A
	}
	return max(0, at), trust
}

// bracketed: whether a wall clock reading lies between two contacts that agree on the clock's offset.
func bracketed(made, request, offset int64, before *roundsv1.Contact) bool {
	if before.GetDevice().GetWallUs() <= 0 {
		return false
	}
	drift := before.GetServerUs() - before.GetDevice().GetWallUs() - offset
	return before.GetDevice().GetWallUs() <= made && made <= request && max(drift, -drift) <= offsetTolerance.Microseconds()
}
