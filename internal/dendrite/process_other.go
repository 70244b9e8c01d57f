//go:build !linux

package dendrite

import "os/exec"

// dieWithParent does nothing: only Linux can watch a parent for us, so a
// killed test leaves its server running here.
func dieWithParent(*exec.Cmd) {}
