package main

import "syscall"

// limitMemory has the system refuse more memory to the process, so that it ends by itself before it harms others.
func limitMemory(most int64) error {
	limit := syscall.Rlimit{Cur: uint64(most), Max: uint64(most)}
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &limit)
}
