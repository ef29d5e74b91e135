//go:build unix

package process

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup makes a process the leader of a group.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup and terminateGroup do nothing where the group is gone.
func killGroup(leader int)      { _ = syscall.Kill(-leader, syscall.SIGKILL) }
func terminateGroup(leader int) { _ = syscall.Kill(-leader, syscall.SIGTERM) }

// lock takes the lock of an open file at once, or fails. It is free when nobody has that open file any more, those who inherited it included.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// exitCode is a process's code as a shell gives it: 128 and more for signals.
func exitCode(s *os.ProcessState) int32 {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int32(status.Signal())
	}
	return int32(s.ExitCode())
}
