package run

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kedroctl/kedroctl/internal/plan"
)

const (
	submitters = 16               // submissions under way together: at a quarter of a second each they still fill the budget
	claimFresh = 20 * time.Second // for which a driver believes in its claim without a look; a machine may have slept
)

// due is a try of a group that is to be submitted now.
type due struct {
	group   plan.Group
	job     Job      // without an id
	parents []string // groups with jobs that it waits for, or that are due themselves
}

// dispatch submits jobs for one driver of a run, several at a time.
type dispatch struct {
	clients  Clients
	run      *Run
	report   Reporter
	driver   string            // the name under which submissions are claimed
	ids      map[string]string // of each group's job
	datasets map[string]plan.Dataset
}

// newDriver is a name that no other driver has.
func newDriver() string { return rand.Text() }

// sent is what became of one due job.
type sent struct {
	at  int
	id  string // "" where another driver has the submission
	err error

	doubtful bool // there may be a second job of the try
}

// submit submits what is due, parents first, and notes it in the run. What waits for a job that another driver submits is left for later, as that is:
// foreign says how many there were. The error is the first that a submission had; those under way then are waited for.
func (d *dispatch) submit(ctx context.Context, list []due) (jobs []Job, foreign int, err error) {
	at, children, waits := make(map[string]int, len(list)), make([][]int, len(list)), make([]int, len(list))
	for i, q := range list {
		at[q.group.Name] = i
	}
	var ready []int
	for i, q := range list {
		for _, p := range q.parents {
			if n, ok := at[p]; ok {
				children[n] = append(children[n], i)
				waits[i]++
			}
		}
		if waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	results := make(chan sent, submitters)
	for under := 0; ; {
		for len(ready) > 0 && under < submitters && err == nil {
			i := ready[0]
			ready = ready[1:]
			under++
			d.begin(ctx, i, list[i], results)
		}
		if under == 0 {
			return jobs, foreign, err
		}
		r := <-results
		under--
		d.run.doubtful = d.run.doubtful || r.doubtful
		switch {
		case r.err != nil && err == nil:
			err = fmt.Errorf("submit group %s: %w", list[r.at].group.Name, r.err)
		case r.err != nil:
		case r.id == "":
			foreign++
		default:
			jobs = append(jobs, d.accept(list[r.at], r.id))
			for _, child := range children[r.at] {
				if waits[child]--; waits[child] == 0 {
					ready = append(ready, child)
				}
			}
		}
	}
}

// begin submits one job beside this goroutine, which alone knows the run.
func (d *dispatch) begin(ctx context.Context, at int, q due, results chan<- sent) {
	ids := make([]string, len(q.parents))
	for i, p := range q.parents {
		ids[i] = d.ids[p]
	}
	r := *d.run
	go func() {
		id, doubtful, err := d.one(ctx, r, q, ids)
		results <- sent{at, id, err, doubtful}
	}()
}

// accept notes a job that Batch has taken.
func (d *dispatch) accept(q due, id string) Job {
	j := q.job
	j.ID, j.State, j.Since = id, Submitted, d.clients.now()
	d.ids[j.Group] = id
	d.run.note(j.Submission)
	d.report.Submitted(j)
	return j
}

// one claims and submits one job; no id where another driver does.
func (d *dispatch) one(ctx context.Context, r Run, q due, parents []string) (id string, doubtful bool, err error) {
	in, body, err := newSubmission(r, d.datasets, q.group, q.job.Submission, parents)
	if err != nil {
		return "", false, err
	}
	asked := wall(d.clients)
	mine, id, err := d.clients.claimSubmission(ctx, r, q.job.Submission, aws.ToString(in.JobQueue), aws.ToString(in.JobName), d.driver)
	if !mine || err != nil {
		return id, false, err
	}
	if body != nil {
		if err := d.clients.put(ctx, r.Plan.Bucket, r.requestKey(q.job.Submission), body, nil); err != nil {
			return "", false, err
		}
	}
	if wall(d.clients).Sub(asked) > claimFresh {
		if mine, err = d.clients.ownsSubmission(ctx, r, q.job.Submission, d.driver); !mine || err != nil {
			return "", false, err
		}
	}
	return submit(ctx, d.clients, in)
}

// wall is the time without the monotonic clock, which stands still while a machine sleeps.
func wall(c Clients) time.Time { return c.now().Round(0) }
