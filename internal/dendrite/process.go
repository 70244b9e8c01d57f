package dendrite

import (
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a child that ends when we do.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed after the process has ended
	err   error         // how it ended; read it after ended
}

// startProcess starts cmd on a thread of its own and keeps that thread until
// the child has ended: Linux kills the child when the starting thread ends,
// not the process (https://go.dev/issue/27505).
func startProcess(cmd *exec.Cmd) (*process, error) {
	dieWithParent(cmd)
	p := &process{cmd: cmd, ended: make(chan struct{})}
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

// stop asks the process to end, waits, and kills it after the patience is over.
func (p *process) stop(patience time.Duration) {
	p.cmd.Process.Signal(syscall.SIGTERM) // an error says that it has ended
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.cmd.Process.Kill()
		<-p.ended
	}
}
