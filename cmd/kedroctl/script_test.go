package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkbatch "github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/faults"
	"github.com/kedroctl/kedroctl/internal/local/process"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
)

var update = flag.Bool("update", false, "write what commands print into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kedroctl": main, "python3": fakePython})
}

// TestScripts runs each script of testdata/script with a copy of the project flights, against an embedded AWS of its own in this process, where goes
// wrong what faults.txt of the script says.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup:               setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"faults": cmdFaults, "calls": cmdCalls, "image": cmdImage, "object": cmdObject, "lacks": cmdLacks, "documented": cmdDocumented,
			"started": cmdStarted, "served": cmdServed, "screen": cmdScreen, "torn": cmdTorn,
			"plant": cmdPlant, "others": cmdOthers, "restrict": cmdRestrict, "tagged": cmdTagged,
		},
	})
}

// world is the embedded AWS of one script.
type world struct {
	server *local.Server
	marked int // number of calls at the last "calls -mark"
}

// worldKey finds the world of a script.
type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

func setup(e *testscript.Env) error {
	if err := os.CopyFS(e.WorkDir+"/project", os.DirFS("../../testdata/projects/flights")); err != nil {
		return err
	}
	initial, err := os.ReadFile(e.WorkDir + "/faults.txt")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	script, err := faults.Parse(bytes.NewReader(initial))
	if err != nil {
		return fmt.Errorf("faults.txt: %w", err)
	}
	w := &world{}
	jobs := scripted.Work(func(ctx context.Context, job batch.Attempt) error { return boot(ctx, w.ofJob(job), job) })
	processes := process.New(e.WorkDir+"/.local", jobs)
	e.Defer(processes.Close)
	server, err := local.Listen(local.Options{
		Dir: e.WorkDir + "/.aws", Runner: processes, Settle: time.Millisecond, Step: time.Millisecond,
		Faults: script,
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

// cmdFaults lets another script decide what goes wrong: faults FILE; without FILE, nothing does.
func cmdFaults(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: faults [FILE]")
	}
	text := ""
	if len(args) > 0 {
		text = ts.ReadFile(args[0])
	}
	s, err := faults.Parse(strings.NewReader(text))
	if err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	worldOf(ts).server.SetFaults(s)
}

// cmdRestrict lets commands do from now on what a policy allows and nothing else: restrict FILE; without FILE, everything.
func cmdRestrict(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: restrict [FILE]")
	}
	text := ""
	if len(args) > 0 {
		text = ts.ReadFile(args[0])
	}
	ts.Check(worldOf(ts).server.Restrict([]byte(text)))
}

// cmdCalls asks the journal: calls -mark marks the present; calls -none wants no call since then that changes anything, calls SERVICE.OPERATION N so many
// of one operation; a call of an operation whose connection was cut before it took effect does not count.
func cmdCalls(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	all := w.server.Calls()
	if len(args) == 1 && args[0] == "-mark" {
		w.marked = len(all)
		return
	}
	var mutating []string
	count := map[string]int{}
	for _, c := range all[w.marked:] {
		operation := c.Service + "." + c.Operation
		if c.Status != 0 {
			count[operation]++
		}
		if c.Mutating {
			mutating = append(mutating, operation)
		}
	}
	ts.Logf("%d calls since the mark, mutating: %v", len(all)-w.marked, mutating)
	switch {
	case neg, len(args) == 0, len(args) == 1 && args[0] != "-none":
		ts.Fatalf("usage: calls -mark | -none | SERVICE.OPERATION N")
	case len(args) == 2 && strconv.Itoa(count[args[0]]) != args[1]:
		ts.Fatalf("%d calls of %s, want %s", count[args[0]], args[0], args[1])
	case args[0] == "-none" && len(mutating) > 0:
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

// cmdObject looks for an object of the project's bucket: object DIR KEY; negated, it must not be there. object -rm DIR KEY removes it. A key
// that ends in a slash means all objects below it.
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

// cmdStarted waits until N jobs run: started N.
func cmdStarted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: started N")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	within10s(ts, func() bool {
		running, err := worldOf(ts).running()
		ts.Check(err)
		return running >= n
	})
}

// cmdServed waits until an embedded AWS that keeps its state in DIR answers: served DIR.
func cmdServed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: served DIR")
	}
	within10s(ts, func() bool {
		_, running := local.Running(context.Background(), ts.MkAbs(args[0]))
		return running
	})
}

func within10s(ts *testscript.TestScript, happened func() bool) {
	for range 200 {
		if happened() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("it has not happened within 10 s")
}

// cmdTagged wants that N jobs have a tag: tagged N KEY=VALUE.
func cmdTagged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tagged N KEY=VALUE")
	}
	n, api := 0, sdkbatch.NewFromConfig(worldOf(ts).aws())
	queues, err := api.DescribeJobQueues(context.Background(), &sdkbatch.DescribeJobQueuesInput{})
	ts.Check(err)
	for _, q := range queues.JobQueues {
		all, err := api.ListJobs(context.Background(), &sdkbatch.ListJobsInput{JobQueue: q.JobQueueArn,
			Filters: []batchtypes.KeyValuesPair{{Name: aws.String("JOB_NAME"), Values: []string{"kedro-*"}}}})
		ts.Check(err)
		for _, j := range all.JobSummaryList {
			found, err := api.DescribeJobs(context.Background(), &sdkbatch.DescribeJobsInput{Jobs: []string{*j.JobId}})
			ts.Check(err)
			key, value, _ := strings.Cut(args[1], "=")
			if found.Jobs[0].Tags[key] == value {
				n++
			}
		}
	}
	if strconv.Itoa(n) != args[0] {
		ts.Fatalf("%d jobs have the tag %s, want %s", n, args[1], args[0])
	}
}
