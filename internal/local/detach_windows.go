package local

import "syscall"

// Detached makes a process one that ^C of this console does not reach.
func Detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
