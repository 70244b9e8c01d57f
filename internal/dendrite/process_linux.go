package dendrite

import (
	"os/exec"
	"syscall"
)

// DieWithParent makes the kernel end the child when the thread that starts it
// is gone, and keeps the terminal's Ctrl-C from it: what that means is for the
// parent. StartProcess sees to the thread.
func DieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
}
