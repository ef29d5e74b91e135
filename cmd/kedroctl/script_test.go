package main

import (
	"context"
	"flag"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

var update = flag.Bool("update", false, "write what commands print into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kedroctl": main, "python3": fakePython})
}

// TestScripts runs each script of testdata/script with a copy of the project flights, against an embedded AWS of its own in this process.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup:               setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fault": cmdFault, "deny": cmdDeny, "job": cmdJob, "calls": cmdCalls, "image": cmdImage, "object": cmdObject, "lacks": cmdLacks, "documented": cmdDocumented, "started": cmdStarted,
		},
	})
}

// world is the embedded AWS of one script.
type world struct {
	server *local.Server
	jobs   *scripted.Runner

	mu     sync.Mutex
	faults map[string][]*wire.Fault // by service.Operation: the answers to the next calls
	denied map[string]bool          // actions
	marked int                      // number of calls at the last "calls -mark"
}

// worldKey finds the world of a script.
type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

func setup(e *testscript.Env) error {
	if err := os.CopyFS(e.WorkDir+"/project", os.DirFS("../../testdata/projects/flights")); err != nil {
		return err
	}
	w := &world{faults: map[string][]*wire.Fault{}, denied: map[string]bool{}}
	w.jobs = scripted.New(clock.Real{}, scripted.Script{Do: w.boot})
	server, err := local.Listen(local.Options{
		Dir: e.WorkDir + "/.aws", Runner: w.jobs, Settle: time.Millisecond, Step: time.Millisecond, NoDefaultVPC: strings.Contains(e.WorkDir, "no_default_vpc"), ForeignBuckets: []string{"someone-elses-bucket"},
		Intercept: w.intercept,
		Denied: func(_ context.Context, action, _ string, _ map[string]string) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.denied[action]
		},
	})
	if err != nil {
		return err
	}
	w.server = server
	e.Defer(func() { _ = server.Close() })
	if err := server.Publish(e.WorkDir + "/.local"); err != nil {
		return err
	}
	e.Values[worldKey{}] = w
	e.Setenv("KEDROCTL_LOCAL_DIR", e.WorkDir+"/.local")
	e.Setenv("ENDPOINT", server.Info().Endpoint)
	e.Setenv("KEDROCTL_INTERVAL", "50ms")
	e.Setenv("HOME", e.WorkDir)
	e.Setenv("DOCKER_HOST", "unix://"+e.WorkDir+"/no-engine.sock")
	e.Setenv("NO_COLOR", "1")
	return nil
}

func (w *world) intercept(service, operation string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	op := service + "." + operation
	next := w.faults[op]
	if len(next) == 0 {
		return nil
	}
	w.faults[op] = next[1:]
	return next[0]
}

// cmdFault lets the next calls of an operation fail: fault batch.SubmitJob 429 TooManyRequestsException [TIMES [MESSAGE]].
func cmdFault(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: fault SERVICE.OPERATION STATUS CODE [TIMES [MESSAGE]]")
	}
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	times, message := 1, "asked for by the script"
	if len(args) > 3 {
		times, err = strconv.Atoi(args[3])
		ts.Check(err)
	}
	if len(args) > 4 {
		message = args[4]
	}
	w := worldOf(ts)
	w.mu.Lock()
	defer w.mu.Unlock()
	for range times {
		w.faults[args[0]] = append(w.faults[args[0]], wire.NewFault(status, args[2], "%s", message))
	}
}

// cmdDeny takes permissions away: deny iam:CreateRole. Negated, it gives them back.
func cmdDeny(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, action := range args {
		w.denied[action] = !neg
	}
}

// cmdJob scripts the jobs whose name matches: job '*-data_science-*' exit=1 line='what it prints' or job '*' hostlost attempt=1.
func cmdJob(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: job PATTERN exit=N | hostlost | oom | sleep=DURATION [attempt=N] [line=TEXT]...")
	}
	w := worldOf(ts)
	s, err := jobScript(w, args[0], args[1:])
	ts.Check(err)
	w.jobs.Add(s)
}

// cmdCalls marks the present (calls -mark), or wants no mutating call since (calls -none), or prints those there were (calls).
func cmdCalls(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	all := w.server.Calls()
	if len(args) > 0 && args[0] == "-mark" {
		w.marked = len(all)
		return
	}
	var mutating []string
	for _, c := range all[w.marked:] {
		if c.Mutating {
			mutating = append(mutating, c.Service+"."+c.Operation)
		}
	}
	ts.Logf("%d calls since the mark, mutating: %v", len(all)-w.marked, mutating)
	if len(args) > 0 && args[0] == "-none" && len(mutating) > 0 {
		ts.Fatalf("mutating calls: %v", mutating)
	}
}

// cmdImage pushes an image of random content under the input key of the project in DIR, as "kedroctl build" and "push" would: image DIR.
func cmdImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: image DIR")
	}
	ts.Check(pushImage(worldOf(ts), ts.MkAbs(args[0])))
}

// cmdObject looks for an object of the project's bucket: object DIR KEY; negated, it must not be there. object -rm DIR KEY removes it.
func cmdObject(ts *testscript.TestScript, neg bool, args []string) {
	remove := len(args) > 0 && args[0] == "-rm"
	if remove {
		args = args[1:]
	}
	if len(args) != 2 {
		ts.Fatalf("usage: object [-rm] DIR KEY")
	}
	found, err := worldOf(ts).object(ts.MkAbs(args[0]), args[1], remove)
	ts.Check(err)
	if found == neg {
		ts.Fatalf("object %s: found %v", args[1], found)
	}
}

// cmdLacks wants a text nowhere in the files below a directory: lacks DIR TEXT.
func cmdLacks(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lacks DIR TEXT")
	}
	found, err := grep(os.DirFS(ts.MkAbs(args[0])), args[1])
	ts.Check(err)
	if len(found) > 0 {
		ts.Fatalf("%q is in %v", args[1], found)
	}
}

// cmdDocumented wants every key of the project's bucket in docs/container.md: documented DIR.
func cmdDocumented(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: documented DIR")
	}
	unknown, err := worldOf(ts).undocumented(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(unknown) > 0 {
		ts.Fatalf("docs/container.md does not know the keys %q", unknown)
	}
}

// cmdStarted waits until N jobs have started: started N.
func cmdStarted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: started N")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	w := worldOf(ts)
	for range 200 {
		if len(w.jobs.Started()) >= n {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%d jobs have started, want %d", len(w.jobs.Started()), n)
}
