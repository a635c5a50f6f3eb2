//go:build !race

package picture_test

const scenes = 24
