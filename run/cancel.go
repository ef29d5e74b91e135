package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

const (
	terminators = 16                     // TerminateJob calls at the same time
	sweepFirst  = 250 * time.Millisecond // between two looks for what is left, at first and at last
	sweepLast   = 2 * time.Second
	sweepFor    = 90 * time.Second // without any progress; Batch kills a container 30 s after it asked it to end
	listLag     = 15 * time.Second // after which a job that was accepted is shown to everyone
)

// Cancelled says what Cancel has done.
type Cancelled struct {
	Run   string `json:"run"`
	Ended int    `json:"ended"` // jobs that were unfinished and are not any more
	Told  int    `json:"told"`  // of which Batch was told to end; the others waited for these
	Left  int    `json:"left"`  // unfinished jobs that ListJobs has under the run's names: 0
}

// Cancel ends a run: Batch is told to terminate what may start or runs, so that nothing that waits for it ever starts, and the run is marked as cancelled,
// so that no driver submits more of it. It returns when Batch lists no unfinished job under the run's names, which also finds one whose submission
// had no clear answer. known are states that the caller has: these jobs are told before anything else happens, and a run that is over by them is not marked,
// as it has its end already. Trouble that may pass is sat out; the error names what is unfinished when nothing has moved for 90 s.
func Cancel(ctx context.Context, c Clients, r Run, by, reason string, known []Job) (Cancelled, error) {
	s := newSweep(c, r, reason)
	var first []target
	for _, j := range known {
		if j.ID != "" && !j.Ended() {
			first = append(first, target{j.ID, j.Key, j.State})
		}
	}
	if _, err := s.terminate(ctx, first); err != nil && !passing(err) {
		return s.done, s.failed(err)
	}
	err := s.run(ctx, c.now(), func(ctx context.Context) error {
		if len(known) > 0 && Over(known) {
			return nil
		}
		return c.markCancelled(ctx, r, by, reason)
	})
	return s.done, err
}

// sweep ends all unfinished jobs of a run. It does not believe before the given time that nothing is left: Batch shows new jobs late.
func sweep(ctx context.Context, c Clients, r Run, reason string, until time.Time) error {
	return newSweep(c, r, reason).run(ctx, until, func(ctx context.Context) error { return c.markCancelled(ctx, r, r.Owner, reason) })
}

// target is an unfinished job.
type target struct{ id, key, state string }

// sweeper is one cancellation under way.
type sweeper struct {
	clients Clients
	r       Run
	reason  string
	told    map[string]bool // ids
	seen    map[string]bool // ids that were unfinished at some time
	done    Cancelled
}

func newSweep(c Clients, r Run, reason string) *sweeper {
	return &sweeper{clients: c, r: r, reason: reason, told: make(map[string]bool), seen: make(map[string]bool), done: Cancelled{Run: r.ID}}
}

// run looks for what is left until nothing is, after the run was marked: else it might become more again. Where it may not be marked, its jobs are ended
// all the same.
func (s *sweeper) run(ctx context.Context, until time.Time, mark func(context.Context) error) error {
	c, pause, marked := s.clients, sweepFirst, false
	seenBy, deadline := c.now().Add(listLag), c.now().Add(sweepFor)
	var refused error
	for least := -1; ; {
		var markErr error
		if !marked {
			markErr = mark(ctx)
		}
		if markErr != nil && !passing(markErr) {
			refused, markErr = markErr, nil
		}
		left, unseen, err := unfinished(ctx, c, s.r)
		now := c.now()
		if err == nil && markErr == nil && len(left) == 0 && !now.Before(until) && (unseen == 0 || !now.Before(seenBy)) {
			s.done.Ended = len(s.seen)
			if refused != nil {
				return s.failed(refused)
			}
			return nil
		}
		marked = markErr == nil
		told, terminateErr := s.terminate(ctx, left)
		if err == nil && (least < 0 || len(left) < least) || told > 0 {
			least, deadline, pause = len(left), c.now().Add(sweepFor), sweepFirst
		}
		err = cmp.Or(err, terminateErr, markErr)
		switch late := c.now().After(deadline); {
		case err != nil && (late || !passing(err)):
			return s.failed(err)
		case late:
			return s.failed(fmt.Errorf("still unfinished: %s", strings.Join(idsOf(left), ", ")))
		}
		if err := c.sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, sweepLast)
	}
}

func (s *sweeper) failed(err error) error {
	return ui.WithHint(fmt.Errorf("cancel run %s: %w", s.r.ID, err), "its jobs may go on: repeat 'kedroctl cancel "+s.r.ID+"'")
}

// terminate tells Batch to end those of the unfinished jobs that no other one takes along, each once, and gives how many it told. TerminateJob and not
// CancelJob: the latter does nothing once a job has started.
func (s *sweeper) terminate(ctx context.Context, left []target) (told int, err error) {
	for _, t := range left {
		s.seen[t.id] = true
	}
	ids := slices.DeleteFunc(endingOrder(s.r.Plan.Groups, left), func(id string) bool { return s.told[id] })
	reached, err := terminate(ctx, s.clients, ids, s.reason)
	for _, id := range reached {
		s.told[id] = true
	}
	s.done.Told += len(reached)
	return len(reached), err
}

// endingOrder is the order in which unfinished jobs are to be told to end. Batch fails what waits for a failed job, so what waits is left out: telling the
// few jobs that others wait for takes fewer calls, and none of the others can start meanwhile. First come those that may free another job at any moment, one
// for each that waits; then what has not started; then the rest.
// https://docs.aws.amazon.com/batch/latest/userguide/job_dependencies.html
func endingOrder(groups []plan.Group, left []target) []string {
	open, byKey := make(map[string][]target), make(map[string]string)
	for _, g := range groups {
		byKey[strings.ToLower(g.Key)] = g.Name
	}
	for _, t := range left {
		name := byKey[strings.ToLower(t.key)]
		open[name] = append(open[name], t)
	}
	var heads, idle, busy []string
	safe := make(map[string]bool) // groups that wait for a job that has its place among the heads
	for _, t := range slices.SortedStableFunc(slices.Values(frontier(groups, open)), func(a, b headed) int { return cmp.Compare(b.progress(), a.progress()) }) {
		fresh := slices.DeleteFunc(slices.Clone(t.children), func(name string) bool { return safe[name] })
		switch {
		case len(fresh) > 0:
			heads = append(heads, t.id)
			for _, name := range fresh {
				safe[name] = true
			}
		case t.progress() < progressOf[Starting]:
			idle = append(idle, t.id)
		default:
			busy = append(busy, t.id)
		}
	}
	return slices.Concat(heads, idle, busy)
}

// progressOf orders the states of unfinished jobs by how near the end is.
var progressOf = map[string]int{Runnable: 1, Starting: 2, Running: 3}

// headed is a job that may start or runs, and the groups with unfinished jobs that wait for it.
type headed struct {
	target
	children []string
}

func (h headed) progress() int { return progressOf[h.state] }

// frontier are the unfinished jobs that wait for no other one, in the plan's order, and those that belong to no group of it.
func frontier(groups []plan.Group, open map[string][]target) []headed {
	children := make(map[string][]string)
	waits := make(map[string]bool)
	for _, g := range groups {
		for _, p := range g.DependsOn {
			if len(open[p]) > 0 && len(open[g.Name]) > 0 {
				children[p] = append(children[p], g.Name)
				waits[g.Name] = true
			}
		}
	}
	var all []headed
	for _, name := range append(namesOf(groups), "") {
		for _, t := range open[name] {
			if !waits[name] || progressOf[t.state] > 0 {
				all = append(all, headed{t, children[name]})
			}
		}
	}
	return all
}

func namesOf(groups []plan.Group) []string {
	all := make([]string, len(groups))
	for i, g := range groups {
		all[i] = g.Name
	}
	return all
}

func idsOf(targets []target) []string {
	all := make([]string, len(targets))
	for i, t := range targets {
		all[i] = t.id
	}
	return all
}

// unfinished gives a run's unfinished jobs, and how many of those that it has noted Batch does not know, not yet or not any more. A job that
// ListJobs does not show is asked for by its id.
func unfinished(ctx context.Context, c Clients, r Run) (open []target, unseen int, err error) {
	listed, err := listRun(ctx, c, r)
	if err != nil {
		return nil, 0, err
	}
	known := make(map[string]bool, len(listed))
	for _, j := range listed {
		key, _ := r.parseName(aws.ToString(j.JobName))
		known[aws.ToString(j.JobId)] = true
		open = appendOpen(open, target{aws.ToString(j.JobId), key, string(j.Status)})
	}
	var unlisted []string
	for _, s := range r.Jobs {
		if !known[s.ID] {
			unlisted = append(unlisted, s.ID)
		}
	}
	details, err := describe(ctx, c, unlisted)
	if err != nil {
		return nil, 0, err
	}
	for id, d := range details {
		key, _ := r.parseName(aws.ToString(d.JobName))
		open = appendOpen(open, target{id, key, string(d.Status)})
	}
	return open, len(unlisted) - len(details), nil
}

func appendOpen(open []target, t target) []target {
	if t.state == Succeeded || t.state == Failed {
		return open
	}
	return append(open, t)
}

// terminate tells Batch to end jobs, in their order, and gives those that it was told of.
func terminate(ctx context.Context, c Clients, ids []string, reason string) (told []string, err error) {
	reason = reasonFor(reason)
	return tell(ids, func(id string) error {
		if _, err := c.Batch.TerminateJob(ctx, &batch.TerminateJobInput{JobId: &id, Reason: &reason}); err != nil {
			return fmt.Errorf("terminate job %s: %w", id, err)
		}
		return nil
	})
}

// tell calls Batch for each job, in their order and several at a time, and gives those for which that went well.
func tell(ids []string, call func(id string) error) (told []string, err error) {
	var work errgroup.Group
	work.SetLimit(terminators)
	failed := make([]error, len(ids))
	for i, id := range ids {
		work.Go(func() error {
			failed[i] = call(id)
			return nil
		})
	}
	err = errors.Join(work.Wait(), errors.Join(failed...))
	for i, id := range ids {
		if failed[i] == nil {
			told = append(told, id)
		}
	}
	return told, err
}
