//go:build unix

package local

import "syscall"

// Detached makes a process one of no terminal: neither its hang-up nor ^C reaches it.
func Detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
