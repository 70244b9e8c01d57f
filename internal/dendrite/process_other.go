//go:build unix && !linux

package dendrite

import (
	"os/exec"
	"syscall"
)

// DieWithParent only keeps the terminal's Ctrl-C from the child: a kernel other
// than Linux does not watch a parent, and a killed one leaves the child running.
func DieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
