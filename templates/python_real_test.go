//go:build real

package templates_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/kedroctl/kedroctl/internal/local/objects"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// TestPython runs the tests under testdata/python, which start the container entry and the introspection script as processes,
// against the embedded S3.
func TestPython(t *testing.T) {
	runPytest(t, realtest.Python(t), "testdata/python", "--ignore-glob=*/test_mlflow*")
}

// TestPythonWithMLflow runs those that need kedro-mlflow, with a tracking server.
func TestPythonWithMLflow(t *testing.T) {
	python := realtest.MLflow(t)
	t.Setenv("KEDROCTL_TEST_TRACKING", realtest.StartMLflow(t))
	runPytest(t, python, "testdata/python/test_mlflow.py", "testdata/python/test_mlflow_run.py")
}

func runPytest(t *testing.T, python string, args ...string) {
	t.Helper()
	s3, err := objects.New(objects.Options{Dir: t.TempDir(), Region: "eu-west-1", Account: "123456789012"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s3)
	defer server.Close()
	cmd := exec.CommandContext(context.Background(), python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=5")
	cmd.Args = append(cmd.Args, args...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+server.URL, "KEDROCTL_TEST_PATHS="+s3Keys(t), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	t.Logf("%s", out)
}

// s3Keys is what Go's rule for paths says of some, for Python's to be compared with.
func s3Keys(t *testing.T) string {
	t.Helper()
	keys := map[string]string{}
	for _, path := range []string{
		"data/01_raw/x.csv", "./data/x", "data//x/", "data/data/x", "database/x", "models/m.pkl", "a/../data/x", `data\01_raw\x`,
		"data/ü x.csv", "data", "data/", ".", "..", "../x", "data/../../x", "/abs/x", "//abs/x", "",
	} {
		keys[path] = project.S3Key(path)
	}
	out, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
