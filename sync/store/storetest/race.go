//go:build race

package storetest

const (
	raced     = true
	everySeed = 2 // of the random histories every other one is played where the race detector makes each ten times slower
)
