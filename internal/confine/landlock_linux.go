package confine

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

const mayRead = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_EXECUTE

// shared are where systems keep programs and their libraries, and nobody keeps secrets.
var shared = []string{
	"/bin", "/lib", "/lib32", "/lib64", "/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/share",
	"/usr/local/bin", "/usr/local/lib", "/nix/store", "/gnu/store", "/etc/ld.so.cache",
}

// restrictFiles lets this thread read programs, libraries and the files lent to the child, and write
// only what leads nowhere, by the rules of Landlock. Where the system has no Landlock it does nothing.
func restrictFiles(cmd *exec.Cmd) error {
	rules, err := newRules()
	if err != nil {
		return err
	}
	if rules < 0 {
		return nil
	}
	defer unix.Close(rules)
	for _, file := range cmd.ExtraFiles {
		if err := allow(rules, int(file.Fd()), mayRead); err != nil {
			return err
		}
	}
	for _, path := range append(homeOf(cmd.Path), shared...) {
		if err := allowPath(rules, path, mayRead); err != nil {
			return err
		}
	}
	if err := allowPath(rules, os.DevNull, mayRead|unix.LANDLOCK_ACCESS_FS_WRITE_FILE); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0, 0)
	return asError(errno)
}

// homeOf returns a program and the libraries beside its folder, as in /opt/ffmpeg/bin and lib.
func homeOf(program string) []string {
	if real, err := filepath.EvalSymlinks(program); err == nil {
		program = real
	}
	return []string{program, filepath.Join(filepath.Dir(program), "..", "lib")}
}

// newRules returns rules that forbid all that this version of Landlock knows, or -1 where there is no
// Landlock.
func newRules() (rules int, err error) {
	version := landlockVersion()
	if version == 0 {
		return -1, nil
	}
	forbidden := forbiddenIn(version)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET,
		uintptr(unsafe.Pointer(&forbidden)), unsafe.Sizeof(forbidden), 0)
	return int(fd), asError(errno)
}

// landlockVersion returns 0 where there is no Landlock.
func landlockVersion() int {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(version)
}

func hasLandlock() bool { return landlockVersion() > 0 }

// forbiddenIn returns all rights that a version of Landlock can take away. The numbers of the versions
// are those of the kernel's documentation, userspace-api/landlock.
func forbiddenIn(version int) (all unix.LandlockRulesetAttr) {
	all.Handled_access_fs = 2*unix.LANDLOCK_ACCESS_FS_MAKE_SYM - 1
	if version >= 2 {
		all.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		all.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= 4 {
		all.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 5 {
		all.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if version >= 6 {
		all.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	return all
}

// allowPath allows a file, or a folder and all in it, if it is there.
func allowPath(rules int, path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	err = allow(rules, fd, access|unix.LANDLOCK_ACCESS_FS_READ_DIR)
	if errors.Is(err, unix.EINVAL) { // no folder
		err = allow(rules, fd, access)
	}
	return err
}

func allow(rules, fd int, access uint64) error {
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	return asError(errno)
}

func asError(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
