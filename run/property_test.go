package run

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRandomDAGs runs random graphs under random faults of submissions and random failures of containers. Whatever happens, no group starts before
// its parents have succeeded, none does its work twice, and a run without failures succeeds.
func TestRandomDAGs(t *testing.T) {
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w, random := newWorld(t), rand.New(rand.NewPCG(seed, 0))
			w.fault = func(operation string, n int) fault {
				if operation != "submitjob" || random.IntN(10) > 0 {
					return none
				}
				return []fault{broken, throttle, cutOff}[random.IntN(3)]
			}
			in := input(randomGroups(random)...)
			failures := 0
			for _, g := range in.Plan.Groups {
				w.script[g.Name] = scripted(time.Duration(1+random.IntN(100)) * time.Second)
				if seed%2 == 1 && random.IntN(20) == 0 {
					w.script[g.Name] = failing()
					failures++
				}
			}
			r, rep := w.start(in)
			checkRun(t, w, r, w.follow(r, rep), failures)
		})
	}
}

// randomGroups are up to 40 groups; one in ten may wait for many.
func randomGroups(random *rand.Rand) []string {
	var groups []string
	for i := range 1 + random.IntN(40) {
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

func checkRun(t *testing.T, w *world, r Run, result Result, failures int) {
	starts := make(map[string]int)
	for _, group := range w.started {
		starts[group]++
	}
	for i, g := range r.Plan.Groups {
		j := result.Jobs[i]
		if n := starts[g.Name]; n > 1 || j.State == Succeeded && n != 1 {
			t.Errorf("group %s started %d times", g.Name, n)
		}
		for _, p := range g.DependsOn {
			parent := result.Jobs[slices.IndexFunc(result.Jobs, func(j Job) bool { return j.Group == p })]
			if !j.Started.IsZero() && (parent.State != Succeeded || parent.Stopped.After(j.Started)) {
				t.Errorf("group %s started at %s, its parent %s is %s since %s", g.Name, j.Started, p, parent.State, parent.Stopped)
			}
		}
		if j.ID != "" && !j.Ended() {
			t.Errorf("group %s is %s at the end", g.Name, j.State)
		}
	}
	if failures == 0 && !result.Succeeded() {
		t.Errorf("states %v", states(result.Jobs))
	}
	if (len(result.Failures) > 0) == result.Succeeded() {
		t.Errorf("%d failures, and success is %t", len(result.Failures), result.Succeeded())
	}
}
