package build

import (
	"cmp"
	"fmt"
	"strings"

	bkclient "github.com/moby/buildkit/client"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// maxLog is how much of each step's output is kept, in bytes.
const maxLog = 64 << 10

// watcher keeps what a build says, to explain its failure.
type watcher struct {
	base, source string            // base image; where the dependencies come from
	logs         map[string]string // by the step's digest
	failed       *bkclient.Vertex
	own          bool    // the Dockerfile is the project's, and is the source
	indexes      []index // whose passwords no tool is to tell
}

// forward passes the status on and keeps what it needs; it ends, and closes out, with in.
func (w *watcher) forward(in <-chan *bkclient.SolveStatus, out chan<- *bkclient.SolveStatus) {
	defer close(out)
	for status := range in {
		w.see(status)
		out <- status
	}
}

func (w *watcher) see(status *bkclient.SolveStatus) {
	for _, log := range status.Logs {
		log.Data = []byte(withoutPasswords(string(log.Data), w.indexes))
		key := log.Vertex.String()
		text := w.logs[key] + string(log.Data)
		w.logs[key] = text[max(0, len(text)-maxLog):]
	}
	for _, v := range status.Vertexes {
		// Steps beside the one that failed are cancelled, which is an error too.
		if v.Error != "" && !strings.Contains(v.Error, "context canceled") {
			w.failed = v
		}
	}
}

// explain turns the engine's error, which only says that a step failed, into what the step said.
func (w *watcher) explain(err error) error {
	if w.failed == nil {
		return err
	}
	return w.reason(w.failed.Name, w.logs[w.failed.Digest.String()], w.failed.Error)
}

// reason says what went wrong in a step, of which the builder has given name, output, and an error.
func (w *watcher) reason(name, log, message string) error {
	if err := trouble(message + "\n" + log); err != nil {
		return err
	}
	switch {
	case w.own && log != "":
		return fmt.Errorf("%s of %s: %s", name, w.source, toolMessage(log))
	case w.own:
		return fmt.Errorf("%s of %s: %s", name, w.source, lastClause(message))
	case strings.Contains(name, "load metadata for"):
		return ui.WithHint(fmt.Errorf("get base image %s: %s", w.base, lastClause(message)),
			"see that the engine can pull it (docker pull "+w.base+"), or name another image in [tool.kedroctl.image] base")
	case strings.HasPrefix(name, "[dependencies "):
		return ui.WithHint(fmt.Errorf("install the dependencies of %s: %s", w.source, resolverMessage(log)),
			"correct the dependencies, or leave out a distribution with [tool.kedroctl.image] exclude")
	case strings.HasPrefix(name, "[wheels ") && strings.Contains(name, "apt-get"):
		return ui.WithHint(fmt.Errorf("install git and a compiler, to make wheels of what %s has as sources alone: %s", w.source, toolMessage(log)),
			"use a base image of Debian's, or versions of which the index has wheels")
	case strings.HasPrefix(name, "[wheels "):
		return ui.WithHint(fmt.Errorf("make wheels of what %s has as sources alone: %s", w.source, toolMessage(log)),
			"use versions of which the index has wheels for the image's platform")
	case strings.HasPrefix(name, "[project "):
		return fmt.Errorf("install the project's wheel: %s", resolverMessage(log))
	case strings.HasPrefix(name, "[tools ") && log != "":
		return fmt.Errorf("install uv: %s", toolMessage(log))
	case log != "":
		return fmt.Errorf("%s: %s", name, toolMessage(log))
	}
	return fmt.Errorf("%s: %s", cmp.Or(name, "the engine"), message)
}

// lastClause is the innermost cause of a wrapped message of the engine, which begins with the steps that led to it.
func lastClause(message string) string {
	for _, mark := range []string{"failed to do request: ", "failed to resolve source metadata for "} {
		if _, rest, ok := strings.Cut(message, mark); ok {
			message = rest
		}
	}
	return message
}
