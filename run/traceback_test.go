package run

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is cut out of testdata/tracebacks/*.log to the *.want beside it")

// errorsOf are what the jobs recorded that wrote the logs of testdata/tracebacks; the others recorded what their last line says.
var errorsOf = map[string]*ProgramError{
	"exit": {Type: "SystemExit", Message: "no more prices"}, "logged": {Type: "SystemExit", Message: "3"}, "rich_logged": {Type: "SystemExit", Message: "3"},
	"load": {Type: "DatasetError"}, "lines": {Type: "RuntimeError"}, "cause": {Type: "KeyError"}, "group": {Type: "ExceptionGroup"},
}

// TestTracebacks cuts tracebacks out of what Kedro 1.7 wrote when nodes of a project "shop" failed: as kedroctl_boot prints it, with rich's handler, and
// without kedroctl_boot.
func TestTracebacks(t *testing.T) {
	logs, err := filepath.Glob("testdata/tracebacks/*.log")
	if err != nil || len(logs) < 10 {
		t.Fatalf("%d logs, %v", len(logs), err)
	}
	for _, log := range logs {
		name := strings.TrimSuffix(filepath.Base(log), ".log")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(traceback(strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), "shop", errorsOf[name]), "\n") + "\n"
			file := strings.TrimSuffix(log, ".log") + ".want"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("traceback (-want +got):\n%s", diff)
			}
		})
	}
}
