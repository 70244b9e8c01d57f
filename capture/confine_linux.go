package capture

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// childLimits are what a child needs many times less of. It writes nothing but its pipes.
var childLimits = map[int]uint64{
	unix.RLIMIT_AS:     1 << 30, // bytes; ffmpeg with its libraries has 0.3 GB
	unix.RLIMIT_CPU:    1800,    // seconds; a day of sound takes some minutes
	unix.RLIMIT_NOFILE: 64,
	unix.RLIMIT_FSIZE:  0,
	unix.RLIMIT_CORE:   0,
}

// childNiceness is how much a child gives way to the rest of the station.
const childNiceness = 10

// isolate gives the child namespaces of its own: in those it sees no network and no other process, and
// as nobody of its user namespace it may neither look into the memory or the environment of this
// program, which has its user, nor become another user.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC,
	}
}

// limit holds a running child to childLimits, and makes it give way.
func limit(child *os.Process) error {
	for resource, most := range childLimits {
		if err := unix.Prlimit(child.Pid, resource, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil {
			return fmt.Errorf("limit resource %d of the child: %w", resource, err)
		}
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, child.Pid, childNiceness); err != nil {
		return fmt.Errorf("make the child give way: %w", err)
	}
	return nil
}

// lend gives the child a file to read and returns the name that it has there. It is this very file,
// whatever may be at its path by now.
func lend(cmd *exec.Cmd, file *os.File) (name string, err error) {
	cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	return fmt.Sprintf("/dev/fd/%d", 2+len(cmd.ExtraFiles)), nil
}
