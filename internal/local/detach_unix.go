//go:build unix

package local

import "syscall"

// detached makes a process one of no terminal: neither its hang-up nor ^C reaches it.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
