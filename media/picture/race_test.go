//go:build race

package picture_test

// scenes are fewer where the race detector makes each ten times slower.
const scenes = 2
