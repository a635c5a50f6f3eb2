//go:build race

package engine_test

// Fewer histories are played, and not every step is broken, where the race detector makes each ten times slower.
const (
	equalSeeds = 4
	indexSeeds = 4
	stride     = 3 // a fault strikes every third step, each kind of fault from another one on
)
