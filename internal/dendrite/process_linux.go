package dendrite

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel end the child when its parent is gone.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
