package run

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// The peers' ways to drive a graph of jobs, each the policy of its source and nothing else: what it submits when, and how often it asks. They are models:
// what a peer's own language and threads cost is left out, which favours it. Groups are named by their place in the graph.

// peer drives a graph to its end.
type peer func(ctx context.Context, c caller, g graph)

// caller is Batch as the models see it; each call takes the bench's round trip.
type caller interface {
	submit(ctx context.Context, group int) (id string)
	describe(ctx context.Context, ids []string) map[string]types.JobStatus
}

// graph is what is to be run: the parents of each group, and how long each runs.
type graph struct {
	name    string
	parents [][]int
	takes   []time.Duration
}

// startup is how long a job takes from RUNNABLE to RUNNING.
const startup = 20 * time.Second

// ideal is the makespan that a driver adds nothing to.
func (g graph) ideal() time.Duration {
	ends := make([]time.Duration, len(g.parents))
	for i, parents := range g.parents {
		for _, p := range parents {
			ends[i] = max(ends[i], ends[p])
		}
		ends[i] += startup + g.takes[i]
	}
	return slices.Max(ends)
}

// ready keeps which groups may be submitted: those whose parents have ended.
type ready struct {
	graph    graph
	waits    []int // parents that have not ended
	children [][]int
	open     int // groups that have not ended
}

func newReady(g graph) (r *ready, first []int) {
	r = &ready{g, make([]int, len(g.parents)), make([][]int, len(g.parents)), len(g.parents)}
	for i, parents := range g.parents {
		r.waits[i] = len(parents)
		for _, p := range parents {
			r.children[p] = append(r.children[p], i)
		}
		if len(parents) == 0 {
			first = append(first, i)
		}
	}
	return r, first
}

// ended gives the groups that may be submitted now that one has ended.
func (r *ready) ended(group int) (next []int) {
	r.open--
	for _, child := range r.children[group] {
		if r.waits[child]--; r.waits[child] == 0 {
			next = append(next, child)
		}
	}
	return next
}

// guide is the runner of Kedro's guide with as many threads as given: each submits one job and asks for it alone, a second after each answer, until it has ended.
func guide(threads int) peer {
	return func(ctx context.Context, c caller, g graph) {
		r, todo := newReady(g)
		done := make(chan int)
		for running := 0; r.open > 0; {
			for len(todo) > 0 && running < threads {
				group := todo[0]
				todo = todo[1:]
				running++
				go func() {
					id := c.submit(ctx, group)
					for state := types.JobStatusSubmitted; state != types.JobStatusSucceeded; state = c.describe(ctx, []string{id})[id] {
						time.Sleep(time.Second)
					}
					done <- group
				}()
			}
			todo = append(todo, r.ended(<-done)...)
			running--
		}
	}
}

// nextflow submits up to 50 jobs a second and a thousand at a time, and asks for all of them every ten seconds, a hundred ids a call.
func nextflow(ctx context.Context, c caller, g graph) {
	const atOnce, between, sweep = 1000, time.Second / 50, 10 * time.Second
	r, todo := newReady(g)
	var mu sync.Mutex
	flying, submitting := make(map[string]int), 0
	go func() {
		for range time.Tick(between) {
			mu.Lock()
			if r.open == 0 {
				mu.Unlock()
				return
			}
			if len(todo) > 0 && len(flying)+submitting < atOnce {
				group := todo[0]
				todo = todo[1:]
				submitting++
				go func() {
					id := c.submit(ctx, group)
					mu.Lock()
					defer mu.Unlock()
					submitting--
					flying[id] = group
				}()
			}
			mu.Unlock()
		}
	}()
	for {
		mu.Lock()
		open, ids := r.open, keys(flying)
		mu.Unlock()
		if open == 0 {
			return
		}
		for some := range slices.Chunk(ids, describeMax) {
			states := c.describe(ctx, some)
			mu.Lock()
			for id, state := range states {
				if state == types.JobStatusSucceeded {
					todo = append(todo, r.ended(flying[id])...)
					delete(flying, id)
				}
			}
			mu.Unlock()
		}
		time.Sleep(sweep)
	}
}

// redun gathers jobs until none was added for three seconds, looking every five, submits ten a second, and asks for a hundred ids, with five seconds after
// each hundred and five more at the end of each round.
func redun(ctx context.Context, c caller, g graph) {
	const look, stale, between, pause = 5 * time.Second, 3 * time.Second, time.Second / 10, 5 * time.Second
	r, todo := newReady(g)
	added := time.Now()
	var mu sync.Mutex
	flying := make(map[string]int)
	go func() {
		for range time.Tick(look) {
			mu.Lock()
			var due []int
			if time.Since(added) >= stale {
				due, todo = todo, nil
			}
			open := r.open
			mu.Unlock()
			if open == 0 {
				return
			}
			for _, group := range due {
				id := c.submit(ctx, group)
				mu.Lock()
				flying[id] = group
				mu.Unlock()
				time.Sleep(between)
			}
		}
	}()
	for {
		mu.Lock()
		open, ids := r.open, keys(flying)
		mu.Unlock()
		if open == 0 {
			return
		}
		for some := range slices.Chunk(ids, describeMax) {
			states := c.describe(ctx, some)
			mu.Lock()
			for id, state := range states {
				if state == types.JobStatusSucceeded {
					if next := r.ended(flying[id]); len(next) > 0 {
						todo, added = append(todo, next...), time.Now()
					}
					delete(flying, id)
				}
			}
			mu.Unlock()
			time.Sleep(pause)
		}
		time.Sleep(pause)
	}
}

// keys are the ids in an order that does not change from one run to the next.
func keys(jobs map[string]int) []string {
	ids := make([]string, 0, len(jobs))
	for id := range jobs {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return jobs[a] - jobs[b] })
	return ids
}
