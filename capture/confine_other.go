//go:build !linux

package capture

import (
	"os"
	"os/exec"
	"path/filepath"
)

// isolate does nothing where there are no namespaces.
func isolate(*exec.Cmd) {}

// limit does nothing where a running process cannot be limited by another one.
func limit(*os.Process) error { return nil }

// lend returns the path of the file.
func lend(_ *exec.Cmd, file *os.File) (name string, err error) { return filepath.Abs(file.Name()) }
