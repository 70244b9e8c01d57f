package confine

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// architectures are what the kernel calls those that we know the numbers of system calls of.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

func knowsCalls() bool { return architectures[runtime.GOARCH] != 0 }

// Offsets in struct seccomp_data, which a filter looks at.
const (
	callNumber       = 0
	callArchitecture = 4
)

// otherNumbers is where the numbers of another calling convention of amd64 begin, x32.
const otherNumbers = 0x40000000

// restrictCalls forbids this thread to make a socket, by itself or through io_uring. Landlock knows only
// some of them.
func restrictCalls() error {
	architecture, isKnown := architectures[runtime.GOARCH]
	if !isKnown {
		return nil
	}
	filter := []unix.SockFilter{
		load(callArchitecture),
		jumpIf(unix.BPF_JEQ, architecture, 1, 0),
		answer(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)),
		load(callNumber),
		jumpIf(unix.BPF_JGE, otherNumbers, 2, 0),
		jumpIf(unix.BPF_JEQ, unix.SYS_SOCKET, 1, 0),
		jumpIf(unix.BPF_JEQ, unix.SYS_IO_URING_SETUP, 0, 1),
		answer(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)),
		answer(unix.SECCOMP_RET_ALLOW),
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return fmt.Errorf("restrict system calls: %w", err)
	}
	return nil
}

// load reads a word of the call.
func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

// jumpIf skips so many instructions if the comparison of the word with the value is true, or false.
func jumpIf(comparison uint16, value uint32, ifTrue, ifFalse uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | comparison | unix.BPF_K, Jt: ifTrue, Jf: ifFalse, K: value}
}

func answer(action uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
}
