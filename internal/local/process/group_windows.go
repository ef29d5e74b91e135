package process

import (
	"errors"
	"os"
	"os/exec"
)

// Kedro's jobs fork, which Windows can't: as no record can be locked, no process is ever started.
func lock(*os.File) error { return errors.New("jobs without an image need Linux or macOS") }

func ownGroup(*exec.Cmd)                {}
func killGroup(int)                     {}
func terminateGroup(int)                {}
func exitCode(s *os.ProcessState) int32 { return int32(s.ExitCode()) }
