package project

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Interpreter is what a Python says of itself.
type Interpreter struct {
	Path     string   // of the program itself, behind the shims of version managers
	UserBase string   // of the user's own packages, which it looks for below HOME unless told
	Missing  []string // modules that were asked for and it cannot find
}

// The answer of describeScript is found by its first word among whatever else an interpreter prints when it starts.
const (
	describeWord   = "kedroctl-interpreter "
	describeScript = `
import importlib.util, json, site, sys

def missing(module):
    try:
        return importlib.util.find_spec(module) is None
    except ImportError:
        return True

answer = {"Path": sys.executable, "UserBase": site.getuserbase(), "Missing": [m for m in sys.argv[1:] if missing(m)]}
print("` + describeWord + `" + json.dumps(answer))
`
)

// Describe asks an interpreter, in the environment env (a list of NAME=value), where it is and which of some modules it lacks.
func (py Python) Describe(ctx context.Context, env []string, modules ...string) (Interpreter, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	args := append(py.Command[1:len(py.Command):len(py.Command)], "-c", describeScript)
	command := exec.CommandContext(ctx, py.Command[0], append(args, modules...)...)
	command.Env = quietEnv(env[:len(env):len(env)])
	command.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return Interpreter{}, fmt.Errorf("ask %s where it is: %w", py.Command[0], firstCause(err, stderr.String()))
	}
	var i Interpreter
	_, answer, _ := strings.Cut(stdout.String(), describeWord)
	if err := json.Unmarshal([]byte(answer), &i); err != nil {
		return Interpreter{}, fmt.Errorf("ask %s where it is: it answers %q", py.Command[0], lastLines(stdout.String(), 1))
	}
	return i, nil
}
