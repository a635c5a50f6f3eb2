//go:build !race

package storetest

const (
	raced     = false
	everySeed = 1
)
