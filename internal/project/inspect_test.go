package project

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// inspectWith runs Inspect with a shell script in place of Python; $out is the file that the snapshot goes to.
func inspectWith(t *testing.T, ctx context.Context, p Project, body string, o InspectOptions) (Snapshot, error) {
	t.Helper()
	python := fakePython(t, filepath.Join(t.TempDir(), "python"), `out="$3"`+"\n"+body)
	return Inspect(ctx, p, Python{Command: []string{python}}, o)
}

func TestInspectReadsSnapshot(t *testing.T) {
	dir := t.TempDir()
	got, err := inspectWith(t, t.Context(), Project{Dir: dir, Env: "aws_batch"}, `
echo "log lines on stdout do no harm"
[ "$DO_NOT_TRACK$PYTHONDONTWRITEBYTECODE" = 11 ] && [ -s "$KEDRO_LOGGING_CONFIG" ] && [ -s "$1" ] || exit 7
[ "$8" = --reads ] || exit 8
shift 3; project="$1 $2 $3 $4"; shift 6
echo "{\"schema\": 1, \"package\": \"$PWD\", \"env\": \"$project $*\", \"pipelines\": {\"__default__\": {\"nodes\": [{\"name\": \"a\"}]}}}" > "$out"`,
		InspectOptions{Params: "day=1,b=2"})
	want := Snapshot{
		Schema: 1, Package: dir, Env: "--project " + dir + " --env aws_batch --params day=1,b=2",
		Pipelines: map[string]Pipeline{"__default__": {Nodes: []Node{{Name: "a"}}}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestInspectLeavesNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	dir := t.TempDir()
	if _, err := inspectWith(t, t.Context(), Project{Dir: dir}, `echo '{}' > "$out"`, InspectOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{temp, dir} {
		if entries, err := os.ReadDir(place); err != nil || len(entries) > 0 {
			t.Errorf("left behind in %s: %v %v", place, entries, err)
		}
	}
}

func TestInspectProjectErrors(t *testing.T) {
	for name, test := range map[string]struct {
		problems, want, hint string
	}{
		"import": {
			`{"stage": "pipelines", "type": "ModuleNotFoundError", "message": "No module named 'seaborn'", "traceback": "  File src/p/nodes.py, line 3\n    import seaborn\nModuleNotFoundError: No module named 'seaborn'\n"}`,
			"pipelines: ModuleNotFoundError: No module named 'seaborn'\n    File src/p/nodes.py, line 3\n      import seaborn", "--python",
		},
		"environment": {
			`{"stage": "config_loader", "type": "ConfigError", "message": "environment prod: there is no directory conf/prod"}`,
			"config_loader: ConfigError: environment prod", "kedroctl init --env prod",
		},
		"globals": {
			`{"stage": "catalog", "type": "InterpolationResolutionError", "message": "Globals key 's3_bucket' not found and no default value provided."}`,
			"catalog: InterpolationResolutionError: Globals key", "kedroctl init --env prod",
		},
		"another Kedro": {
			`{"stage": "bootstrap", "type": "ValueError", "message": "Your Kedro project version 1.7.0 does not match Kedro package version 0.19.12 you are running."}`,
			"bootstrap: ValueError: Your Kedro project", "kedro_init_version",
		},
		"several": {
			`{"stage": "catalog", "type": "ValueError", "message": "one"}, {"stage": "dataset x", "type": "", "message": "two"}`,
			"catalog: ValueError: one\ndataset x: two", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			body := `cat > "$out" <<'END'
{"schema": 1, "kedro_version": "1.7.0", "errors": [` + test.problems + `]}
END
exit 1`
			snapshot, err := inspectWith(t, t.Context(), Project{Dir: t.TempDir(), Env: "aws_batch"}, body, InspectOptions{Env: "prod"})
			project, ok := errors.AsType[*ProjectError](err)
			if !ok {
				t.Fatalf("Inspect: %v; want a ProjectError", err)
			}
			if !strings.HasPrefix(err.Error(), test.want) || !strings.Contains(project.Hint(), test.hint) {
				t.Errorf("got  %q, hint %q\nwant %q, hint %q", err, project.Hint(), test.want, test.hint)
			}
			if snapshot.KedroVersion != "1.7.0" {
				t.Errorf("what was learnt is lost: %+v", snapshot)
			}
		})
	}
}

func TestInspectCrash(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"crash":       {`for i in 1 2 3; do echo "line $i" >&2; done; exit 139`, "exit status 139\nline 1\nline 2\nline 3"},
		"long stderr": {`for i in $(seq 100); do echo "line $i" >&2; done; exit 1`, "exit status 1\nline 86\n"},
		"no snapshot": {"exit 0", "left no snapshot"},
		"not JSON":    {`echo nonsense > "$out"`, "read snapshot: invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspectWith(t, t.Context(), Project{Dir: t.TempDir()}, test.body, InspectOptions{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Inspect: %v; want %q", err, test.want)
			}
			if _, ok := errors.AsType[*ProjectError](err); ok {
				t.Error("a crash is no fault of the project's code that we could name")
			}
		})
	}
}

func TestInspectCancelled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := inspectWith(t, ctx, Project{Dir: t.TempDir()}, "exec sleep 60", InspectOptions{})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 10*time.Second {
		t.Errorf("Inspect: %v after %v; want it killed", err, time.Since(begin))
	}
}

func TestDatasetDependsOnParameters(t *testing.T) {
	named := Dataset{Runtime: true, RuntimeParams: []string{"day", "model.kind"}}
	for given, want := range map[string]bool{"day": true, "day.of": true, "days": false, "model": true, "model.kind": true, "model.size": false} {
		if got := named.DependsOn([]string{"other", given}); got != want {
			t.Errorf("%s: %v", given, got)
		}
	}
	for name, d := range map[string]Dataset{"computed": {Runtime: true, RuntimeParams: []string{"*"}}, "of an older snapshot": {Runtime: true}} {
		if !d.DependsOn([]string{"x"}) || d.DependsOn(nil) {
			t.Errorf("%s: it depends on whatever is given", name)
		}
	}
	if (Dataset{}).DependsOn([]string{"x"}) {
		t.Error("a dataset without runtime parameters depends on one")
	}
}
