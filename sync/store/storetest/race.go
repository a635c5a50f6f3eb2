//go:build race

package storetest

// everySeed: of the random histories every other one is played where the race detector makes each ten times slower.
const everySeed = 2
