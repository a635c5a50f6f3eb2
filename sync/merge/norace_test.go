//go:build !race

package merge_test

const (
	ordersSeeds = 160
	lossesSeeds = 200
	patchSeeds  = 40
	redactSeeds = 60
)
