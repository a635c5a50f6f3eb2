//go:build race

package merge_test

// Fewer histories are played where the race detector makes each ten times slower.
const (
	ordersSeeds = 50
	lossesSeeds = 60
	patchSeeds  = 28
	redactSeeds = 30
)
