//go:build race

package journal_test

// Fewer bits are flipped, and fewer pasts told, where the race detector makes each ten times slower. Both steps are odd, so that all places of a byte
// have their turn.
const (
	bitStep      = 5
	bitStepAlone = 11
	pasts        = 2
)
