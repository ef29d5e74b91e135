package local_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/gofrs/flock"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/faults"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
)

// TestMain lets the test binary be the server's process.
func TestMain(m *testing.M) {
	dir := os.Getenv("TEST_SERVE_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	unlimited, err := faults.Parse(strings.NewReader("rate batch 0"))
	if err == nil {
		err = local.Serve(context.Background(), local.ServeOptions{Dir: dir, Idle: time.Minute, Runner: noContainers, Faults: unlimited})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func noContainers(context.Context, local.Info) (local.JobRunner, func(), error) {
	return scripted.New(clock.Real{}, scripted.Script{Duration: 100 * time.Millisecond, Lines: []string{"hello"}}), func() {}, nil
}

// serving makes Ensure start this test's binary as the server of a directory.
func serving(t *testing.T) (dir string, start []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "local")
	t.Setenv("TEST_SERVE_DIR", dir)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := local.Stop(ctx, dir); err != nil {
			t.Error(err)
		}
	})
	return dir, []string{self}
}

func groupsOf(info local.Info) *cloudwatchlogs.Client {
	return cloudwatchlogs.NewFromConfig(configOf(info))
}

func TestServerOutlivesItsEndsWithKeysPortAndState(t *testing.T) {
	dir, start := serving(t)
	var mu sync.Mutex
	found := map[local.Info]int{}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			info, err := local.Ensure(t.Context(), dir, start)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			found[info]++
		})
	}
	all.Wait()
	if len(found) != 1 {
		t.Fatalf("three at once found %d servers", len(found))
	}
	var first local.Info
	for first = range found {
	}
	if _, err := groupsOf(first).CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/kept")}); err != nil {
		t.Fatal(err)
	}
	if mode, err := os.Stat(filepath.Join(dir, "server.json")); err != nil || mode.Mode().Perm() != 0o600 {
		t.Errorf("server.json: %v, %v", mode.Mode(), err)
	}
	if err := local.Stop(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	again, err := local.Ensure(t.Context(), dir, start)
	if err != nil {
		t.Fatal(err)
	}
	if again.PID == first.PID {
		t.Error("the server was not stopped")
	}
	if again.PID = first.PID; again != first {
		t.Errorf("the new server is %+v, the old one was %+v", again, first)
	}
	out, err := groupsOf(again).DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil || len(out.LogGroups) != 1 {
		t.Errorf("what was made before: %v, %v", out, err)
	}
	if err := local.Reset(t.Context(), dir, noContainers); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("after the reset: %v", err)
	}
}

func TestServerThatCanNotStartSaysWhy(t *testing.T) {
	dir, start := serving(t)
	other := listen(t, local.Options{})
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	// The port is taken by a server with other keys.
	info := other.Info()
	data := fmt.Sprintf(`{"endpoint":%q,"access_key":"mine","secret_key":"s","region":"us-east-1","account":"000000000000"}`, info.Endpoint)
	if err := os.WriteFile(filepath.Join(dir, "server.json"), []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := local.Ensure(t.Context(), dir, start)
	if err == nil || !strings.Contains(err.Error(), "open the port of the embedded AWS") {
		t.Errorf("got %v", err)
	}
}

func TestPublishedServerIsFoundAndNotStopped(t *testing.T) {
	dir := t.TempDir()
	s := listen(t, local.Options{AccessKey: "mine"})
	if err := s.Publish(dir); err != nil {
		t.Fatal(err)
	}
	info, err := local.Ensure(t.Context(), dir, []string{"/no/such/program"})
	if err != nil || info != s.Info() {
		t.Errorf("found %+v, %v", info, err)
	}
	if err := local.Stop(t.Context(), dir); err != nil {
		t.Error(err)
	}
	if _, running := local.Running(t.Context(), dir); !running {
		t.Error("the test's own server was stopped")
	}
}

// TestServerThatSomebodyElseStartsMeanwhileIsUsed: the process that was started for it then ends, as it finds the directory taken.
func TestServerThatSomebodyElseStartsMeanwhileIsUsed(t *testing.T) {
	dir, elsewhere := filepath.Join(t.TempDir(), "local"), t.TempDir()
	s := listen(t, local.Options{AccessKey: "theirs"})
	if err := s.Publish(elsewhere); err != nil {
		t.Fatal(err)
	}
	info, err := local.Ensure(t.Context(), dir, []string{"cp", filepath.Join(elsewhere, "server.json"), filepath.Join(dir, "server.json")})
	if err != nil || info != s.Info() {
		t.Errorf("found %+v, %v", info, err)
	}
}

func TestIdleServerEnds(t *testing.T) {
	dir := t.TempDir()
	start := time.Now()
	err := local.Serve(t.Context(), local.ServeOptions{Dir: dir, Idle: 200 * time.Millisecond, Runner: noContainers})
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d < 200*time.Millisecond {
		t.Errorf("it ended after %s", d)
	}
}

func TestSecondServerOfADirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan local.Info, 1), make(chan error, 1)
	o := local.ServeOptions{Dir: dir, Runner: noContainers, Ready: func(i local.Info) { ready <- i }}
	go func() { ended <- local.Serve(ctx, o) }()
	<-ready
	if err := local.Serve(ctx, local.ServeOptions{Dir: dir, Runner: noContainers}); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("got %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestDir(t *testing.T) {
	env := map[string]string{}
	getenv := func(name string) string { return env[name] }
	if got, want := local.Dir("project", getenv), filepath.Join("project", ".kedroctl", "local"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	env["KEDROCTL_LOCAL_DIR"] = "/elsewhere"
	if got := local.Dir("project", getenv); got != "/elsewhere" {
		t.Errorf("got %s", got)
	}
}

// sweeper is a runner that notes what it is to take up.
type sweeper struct {
	local.JobRunner
	swept *int
}

func (s sweeper) Recover(left []batch.Recovered) []func() {
	*s.swept++
	return make([]func(), len(left))
}

func TestResetEndsWhatAKilledServerHasLeft(t *testing.T) {
	dir, start := serving(t)
	swept, ended := 0, 0
	jobs := func(context.Context, local.Info) (local.JobRunner, func(), error) {
		return sweeper{swept: &swept}, func() { ended++ }, nil
	}
	if err := local.Reset(t.Context(), dir, jobs); err != nil || swept > 0 {
		t.Errorf("where none has served: %v, %d sweeps", err, swept)
	}
	info, err := local.Ensure(t.Context(), dir, start)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := os.FindProcess(info.PID); err != nil || p.Kill() != nil {
		t.Fatalf("no process %d: %v", info.PID, err)
	}
	for _, running := local.Running(t.Context(), dir); running; _, running = local.Running(t.Context(), dir) {
		time.Sleep(10 * time.Millisecond)
	}
	if err := local.Reset(t.Context(), dir, jobs); err != nil {
		t.Fatal(err)
	}
	if swept != 1 || ended != 1 {
		t.Errorf("%d sweeps, %d runners ended", swept, ended)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("after the reset: %v", err)
	}
}

func TestDirectoryWithOtherThingsIsNeitherUsedNorRemoved(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "thesis.tex")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, started := local.Ensure(t.Context(), dir, []string{"/no/such/program"})
	for what, err := range map[string]error{
		"start":           started,
		"serve":           local.Serve(t.Context(), local.ServeOptions{Dir: dir, Runner: noContainers}),
		"reset":           local.Reset(t.Context(), dir, noContainers),
		"reset of a file": local.Reset(t.Context(), file, noContainers),
	} {
		if err == nil || !strings.Contains(err.Error(), "directory") && !strings.Contains(err.Error(), "other things") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestServerWaitsForTheEndOfTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	before := flock.New(filepath.Join(dir, "server.lock"))
	if locked, err := before.TryLock(); err != nil || !locked {
		t.Fatalf("%v, %v", locked, err)
	}
	time.AfterFunc(200*time.Millisecond, func() {
		if err := before.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := local.Serve(t.Context(), local.ServeOptions{Dir: dir, Idle: 10 * time.Millisecond, Runner: noContainers}); err != nil {
		t.Error(err)
	}
}
