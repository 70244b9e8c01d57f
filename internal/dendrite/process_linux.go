package dendrite

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel end the child when its parent is gone, and
// keeps the terminal's Ctrl-C from it: what that means is for the parent.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
}
