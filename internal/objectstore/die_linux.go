package objectstore

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the system end the program when the thread that started it goes.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
