//go:build real

package objects_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/kedroctl/kedroctl/internal/local/objects"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

func TestPythonReadsAndWrites(t *testing.T) {
	python := realtest.Python(t)
	c, server := serve(t, objects.Options{})
	create(t, c, "data")
	cmd := exec.CommandContext(t.Context(), python, "testdata/judge.py", "data")
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_DEFAULT_REGION="+region, "DO_NOT_TRACK=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
