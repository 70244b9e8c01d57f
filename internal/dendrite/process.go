//go:build unix

package dendrite

import (
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is a child that ends when we do.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed after the process has ended
	err   error         // how it ended; read it after ended
}

// StartProcess starts cmd on a thread of its own and keeps that thread until
// the child has ended: Linux kills the child when the starting thread ends,
// not the process (https://go.dev/issue/27505).
func StartProcess(cmd *exec.Cmd) (*Process, error) {
	DieWithParent(cmd)
	p := &Process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.ended)
		}
	}()
	return p, <-started
}

// Stop asks the process to end, waits, and kills it after the patience is over.
func (p *Process) Stop(patience time.Duration) {
	p.cmd.Process.Signal(syscall.SIGTERM) // an error says that it has ended
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.Kill()
	}
}

// Kill ends the process at once, and waits for that.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	<-p.ended
}
