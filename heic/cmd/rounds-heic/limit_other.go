//go:build !linux

package main

// limitMemory: the system has no limit that the Go runtime lives well with; its own stays.
func limitMemory(int64) error { return nil }
