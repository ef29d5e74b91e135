//go:build unix

package local

import "syscall"

// mostInherited is beyond what a shell or a program such as flock(1) leaves open to those that it starts.
const mostInherited = 256

// Detached makes a process one of no terminal: neither its hang-up nor ^C reaches it. Nor does it get what this process has inherited open besides its
// standard streams: a lock or a pipe of whoever started this one would be held for as long as the detached one lives.
func Detached() *syscall.SysProcAttr {
	for fd := 3; fd < mostInherited; fd++ {
		syscall.CloseOnExec(fd)
	}
	return &syscall.SysProcAttr{Setsid: true}
}
