// Package confine starts a program that reads what strangers made with as little power as the system
// lets us give it.
//
// Everywhere it has no environment. On Linux its time, memory and files are limited, it gives way to
// others, and as far as the system has them it gets namespaces of its own (no network, no other
// process, nobody's user id), Landlock rules (it may read itself, its libraries and the files lent to
// it, and write nothing), and a seccomp filter (no sockets).
package confine

import "os/exec"

// strip takes the environment and the working directory of this program from a child.
func strip(cmd *exec.Cmd) { cmd.Env, cmd.Dir = []string{}, "/" }
