//go:build !race

package storetest

const everySeed = 1
