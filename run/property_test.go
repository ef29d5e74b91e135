package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	local "github.com/kedroctl/kedroctl/internal/local/batch"
)

// TestRandomDAGs runs random graphs of 1 to 60 groups under random faults of all calls, with drivers that are killed and others that take the run up, jobs
// that Batch takes twice, hosts that are lost and groups that fail. Whatever happens, no group starts before its parents have succeeded, none works in two
// jobs at a time, none succeeds twice, and the run ends as a model says. There are 50, or as many as KEDROCTL_TEST_DAGS says: 1,000 in make test-long.
func TestRandomDAGs(t *testing.T) {
	const each = 25
	n, err := strconv.Atoi(cmp.Or(os.Getenv("KEDROCTL_TEST_DAGS"), "50"))
	if err != nil {
		t.Fatal(err)
	}
	for first := 0; first < n; first += each {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.retries = true
			for seed := first; seed < min(first+each, n) && !t.Failed(); seed++ {
				newTrial(w, uint64(seed)).run()
			}
		})
	}
}

// trial is one random graph and what befalls it.
type trial struct {
	*world
	seed      uint64
	id        string     // of the run
	lock      sync.Mutex // guards what follows
	random    *rand.Rand
	in        Input
	fails     map[string]bool // groups whose program fails
	keepGoing bool            // what does not need a failed group goes on
	lost      map[string]bool // groups whose first host is lost
	working   map[string]bool // groups that work now
	done      map[string]int  // how often groups have succeeded
}

func newTrial(w *world, seed uint64) *trial {
	r := rand.New(rand.NewPCG(seed, 0))
	x := &trial{world: w, seed: seed, random: r, in: input(randomGroups(r)...), fails: map[string]bool{}, lost: map[string]bool{}, working: map[string]bool{}, done: map[string]int{}}
	x.keepGoing = seed%4 == 1
	if r.IntN(3) == 0 {
		x.in.MaxWorkers = 1 + r.IntN(10)
	}
	clear(w.script)
	for _, g := range x.in.Plan.Groups {
		takes := time.Duration(1+r.IntN(100)) * time.Second
		x.fails[g.Name], x.lost[g.Name] = seed%2 == 1 && r.IntN(20) == 0, r.IntN(20) == 0
		w.script[g.Name] = func(attempt int) outcome {
			switch {
			case x.lost[g.Name] && attempt == 1:
				return outcome{takes: takes, exit: local.HostLost("i-1")}
			case x.fails[g.Name]:
				return outcome{takes: takes, exit: local.Exited(1)}
			}
			return outcome{takes: takes, exit: local.Exited(0)}
		}
	}
	w.begins, w.ends = x.begin, x.end
	w.lag = []time.Duration{0, 0, 10 * time.Second, 40 * time.Second}[r.IntN(4)]
	return x
}

// randomGroups are up to 60 groups; one in ten may wait for many.
func randomGroups(random *rand.Rand) []string {
	var groups []string
	for i := range 1 + random.IntN(60) {
		most := 3
		if random.IntN(10) == 0 {
			most = 40
		}
		var parents []string
		for _, p := range random.Perm(i)[:min(i, random.IntN(most+1))] {
			parents = append(parents, fmt.Sprintf("g%d", p))
		}
		groups = append(groups, strings.TrimSuffix(fmt.Sprintf("g%d <- %s", i, strings.Join(parents, " ")), " <- "))
	}
	return groups
}

func (x *trial) errorf(format string, args ...any) {
	x.Helper()
	x.Errorf("seed %d: %s", x.seed, fmt.Sprintf(format, args...))
}

func (x *trial) begin(group string, _ int) {
	x.lock.Lock()
	defer x.lock.Unlock()
	if x.working[group] || x.done[group] > 0 {
		x.errorf("group %s begins its work, and works: %t, has succeeded %d times", group, x.working[group], x.done[group])
	}
	x.working[group] = true
	for _, g := range x.in.Plan.Groups {
		if g.Name == group {
			for _, p := range g.DependsOn {
				if x.done[p] != 1 {
					x.errorf("group %s begins, and its parent %s has not succeeded", group, p)
				}
			}
		}
	}
}

func (x *trial) end(group string, code *int32) {
	x.lock.Lock()
	defer x.lock.Unlock()
	x.working[group] = false
	if code != nil && *code == 0 {
		x.done[group]++
	}
}

// befall lets one call in twenty fail.
func (x *trial) befall(string, int) fault {
	if x.random.IntN(20) > 0 {
		return none
	}
	return []fault{broken, throttle, cutOff, offline}[x.random.IntN(4)]
}

// run lets drivers drive the graph, each but the last of which is killed, and compares what came of it with the model.
func (x *trial) run() {
	x.Helper()
	x.fault = x.befall
	defer x.clear()
	for kills := x.random.IntN(3); ; kills-- {
		ctx, kill := context.WithCancel(x.Context())
		l := &life{last: 1 + x.random.IntN(200), kill: kill}
		if kills <= 0 {
			l.last = 1 << 30
		}
		result, err := x.drive(ctx, x.driver(l))
		kill()
		_, abandoned := errors.AsType[*AbandonedError](err)
		switch {
		case err == nil:
			x.compare(result)
			return
		case l.calls >= l.last: // killed
		case abandoned: // SubmitJob had no clear answer three times
			x.clock.Advance(time.Hour)
			x.wantIdle()
			return
		case !passing(err):
			x.errorf("%v", err)
			return
		}
	}
}

// clear leaves no job to the next trial of the same world.
func (x *trial) clear() {
	x.fault, x.begins, x.ends, x.lag = func(string, int) fault { return none }, func(string, int) {}, func(string, *int32) {}, 0
	x.clock.Advance(time.Minute)
	if x.id != "" {
		r, err := Load(x.Context(), x.inner, bucket, x.id)
		x.must(err)
		_, err = Cancel(x.Context(), x.inner, r, "the trial is over", "a test", nil)
		x.must(err)
	}
}

// drive starts the run, or takes it up where there is one.
func (x *trial) drive(ctx context.Context, c Clients) (Result, error) {
	o := Options{Interval: time.Duration(5+x.random.IntN(40)) * time.Second}
	if x.keepGoing {
		o.OnFailure = KeepGoing
	}
	r, err := Run{}, error(nil)
	if x.id == "" {
		r, err = Start(ctx, c, x.in, x)
	} else {
		r, err = Load(ctx, c, bucket, x.id)
	}
	if err != nil {
		return Result{}, err
	}
	return Follow(ctx, c, r, o, x)
}

// compare compares the end of a run with what becomes of the graph: a group fails by itself, or because one that it waits for does, and where none fails
// all succeed. A run that keeps going has done all that it can; where a failure stops it, it is not said which of the others have succeeded by then.
func (x *trial) compare(result Result) {
	x.Helper()
	x.wantIdle()
	if slices.ContainsFunc(result.Jobs, func(j Job) bool { return strings.HasPrefix(j.Reason, "kedroctl: the run could not be submitted") }) {
		return // its driver was killed while it gave the run up, as SubmitJob had no clear answer three times
	}
	dead, failures := make(map[string]bool), 0
	for i, g := range x.in.Plan.Groups {
		j := result.Jobs[i]
		behind := slices.ContainsFunc(g.DependsOn, func(p string) bool { return dead[p] })
		dead[g.Name] = behind || x.fails[g.Name]
		if x.fails[g.Name] {
			failures++
		}
		succeeded := j.State == Succeeded
		switch {
		case succeeded != (x.done[g.Name] == 1):
			x.errorf("group %s is %s, and has succeeded %d times", g.Name, j.State, x.done[g.Name])
		case succeeded && dead[g.Name]:
			x.errorf("group %s has succeeded, and it or one before it fails", g.Name)
		case x.keepGoing && !dead[g.Name] && !succeeded:
			x.errorf("group %s is %s, and neither it nor one before it fails", g.Name, j.State)
		case behind && !j.Started.IsZero():
			x.errorf("group %s has started, and one before it fails", g.Name)
		case j.ID != "" && !j.Ended():
			x.errorf("group %s is %s at the end", g.Name, j.State)
		}
	}
	if failures == 0 && !result.Succeeded() {
		x.errorf("no group fails: %v", states(result.Jobs))
	}
	if failures > 0 == result.Succeeded() {
		x.errorf("%d groups fail: %v", failures, states(result.Jobs))
	}
	for _, f := range result.Failures {
		if !x.fails[f.Job.Group] && !strings.HasPrefix(f.Job.Reason, "kedroctl: group") { // the latter by a driver that was killed
			x.errorf("group %s is told to have failed: %+v", f.Job.Group, f.Job)
		}
	}
}

// wantIdle wants nothing to work.
func (x *trial) wantIdle() {
	x.Helper()
	for group, works := range x.working {
		if works {
			x.errorf("group %s works at the end", group)
		}
	}
}

// A trial is a Reporter, to know the run.
func (x *trial) Started(r Run)  { x.id = r.ID }
func (x *trial) Submitted(Job)  {}
func (x *trial) Changed(Job)    {}
func (x *trial) Failed(Failure) {}
func (x *trial) Notice(Notice)  {}
