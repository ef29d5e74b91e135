package build

import (
	"errors"
	"strings"
	"testing"

	bkclient "github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"

	"github.com/kedroctl/kedroctl/internal/ui"
)

func TestExplain(t *testing.T) {
	tests := []struct{ name, step, failure, log, want, hint string }{
		{
			"dependencies", "[dependencies 1/1] RUN --mount=type=cache …", "exit code: 1", "Using Python 3.12\n  × No solution found when resolving dependencies:\n  ╰─▶ Because there is no nosuch\n",
			"install the dependencies of requirements.lock: No solution found when resolving dependencies:\nBecause there is no nosuch", "exclude",
		},
		{
			"base image", "[internal] load metadata for docker.io/library/python:3.99-slim",
			`failed to do request: Head "https://registry-1.docker.io/v2/": dial tcp: no such host`, "", `get base image python:3.99-slim: Head "https://registry-1.docker.io/v2/": dial tcp: no such host`, "docker pull python:3.99-slim",
		},
		{"system packages", "[stage-5 2/8] RUN apt-get update", "exit code: 100", "E: Unable to locate package nosuch\n", "[stage-5 2/8] RUN apt-get update: E: Unable to locate package nosuch", ""},
		{"cancelled beside the failure", "[project 1/1] RUN", "context canceled", "", "failed to solve", ""},
	}
	for _, tt := range tests {
		w := watcher{logs: map[string]string{}, base: "python:3.99-slim", source: "requirements.lock"}
		in, out := make(chan *bkclient.SolveStatus), make(chan *bkclient.SolveStatus)
		id := digest.FromString(tt.step)
		go func() {
			defer close(in)
			for line := range strings.Lines(tt.log) {
				in <- &bkclient.SolveStatus{Logs: []*bkclient.VertexLog{{Vertex: id, Data: []byte(line)}}}
			}
			in <- &bkclient.SolveStatus{Vertexes: []*bkclient.Vertex{{Digest: id, Name: tt.step, Error: tt.failure}}}
		}()
		go w.forward(in, out)
		for range out {
		}
		err := w.explain(errors.New("failed to solve"))
		if err.Error() != tt.want || !strings.Contains(ui.Hint(err), tt.hint) {
			t.Errorf("%s: %v\nhint %s", tt.name, err, ui.Hint(err))
		}
	}
}
