//go:build !race

package engine_test

const (
	equalSeeds = 12
	indexSeeds = 12
	stride     = 1
)
