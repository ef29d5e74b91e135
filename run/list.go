package run

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/internal/batchjob"
)

// States of a run as a whole.
const (
	RunRunning   = "running"
	RunWaiting   = "waiting" // no job is under way, none failed, and groups are left to submit
	RunSucceeded = "succeeded"
	RunFailed    = "failed"
	RunCancelled = "cancelled"
	RunUnknown   = "unknown" // neither Batch nor the records say what became of it
)

// ownReason begins the reasons that kedroctl gives when it ends jobs by itself; all others come from people.
const ownReason = "kedroctl: "

// Summary is a run in one line.
type Summary struct {
	Run        string    `json:"run"`
	Created    time.Time `json:"created"`
	Owner      string    `json:"owner,omitempty"`
	Deployment string    `json:"deployment"`
	Developed  bool      `json:"development,omitempty"` // the code was the tree's, not the deployment's
	Sandbox    string    `json:"sandbox,omitempty"`     // its name, where the run writes into one
	State      string    `json:"state"`
	Groups     int       `json:"groups"`
	Done       int       `json:"done"`    // groups that succeeded
	Seconds    float64   `json:"seconds"` // from the start to the last record, or to now while it runs
}

// idPattern is the shape of run ids.
var idPattern = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d\.\d{3}Z$`)

// IsID says whether a text has the shape of a run's id.
func IsID(text string) bool { return idPattern.MatchString(text) }

// List gives the newest runs of a bucket, at most limit of them, the newest first; none where there is no bucket. Per run it reads the plan, lists the
// run's objects, and reads the records of those groups alone that nothing was run after. Batch is asked for what has not ended, once per queue, and
// by name for runs whose records leave their state open.
func List(ctx context.Context, c Clients, bucket string, limit int) ([]Summary, error) {
	traces, err := c.newest(ctx, bucket, limit)
	if err != nil {
		return nil, err
	}
	all := make([]Summary, len(traces))
	for i, t := range traces {
		all[i] = t.summary(c.now())
	}
	return all, nil
}

// newest are the traces of at most limit runs of a bucket, with their states, the newest first; none where there is no bucket.
func (c Clients) newest(ctx context.Context, bucket string, limit int) ([]*trace, error) {
	ids, err := c.folders(ctx, bucket, runsPrefix)
	if _, ok := errors.AsType[*s3types.NoSuchBucket](err); ok {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return !IsID(id) })
	slices.Sort(ids)
	slices.Reverse(ids)
	traces, err := c.traces(ctx, bucket, ids[:min(limit, len(ids))])
	if err == nil {
		err = c.judge(ctx, traces)
	}
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return traces, nil
}

// trace is what the bucket has of a run.
type trace struct {
	run     Run
	began   time.Time // these two by S3's clock
	last    time.Time
	records map[string]recordObject // by group: of the last attempt of the highest try
	done    int
	failed  bool // a group failed by itself
	ended   bool // a person cancelled it, and nobody has resumed it since
	state   string
}

type recordObject struct {
	key          string
	try, attempt int
	written      time.Time
}

// traces leaves out runs without a plan: they have expired, or their driver died before anything was submitted.
func (c Clients) traces(ctx context.Context, bucket string, ids []string) ([]*trace, error) {
	all := make([]*trace, len(ids))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookers)
	for i, id := range ids {
		work.Go(func() (err error) {
			all[i], err = c.trace(ctx, bucket, id)
			return err
		})
	}
	err := work.Wait()
	return slices.DeleteFunc(all, func(t *trace) bool { return t == nil }), err
}

func (c Clients) trace(ctx context.Context, bucket, id string) (*trace, error) {
	t := &trace{records: make(map[string]recordObject)}
	err := c.get(ctx, bucket, runsPrefix+id+"/plan.json", &t.run)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	objects, err := c.list(ctx, bucket, t.run.object()+"/")
	if err != nil {
		return nil, err
	}
	t.read(objects)
	followed, open := t.followed(), make(map[string]string)
	for group, rec := range t.records {
		if !followed[group] {
			open[group] = rec.key
		}
	}
	records, err := c.readRecords(ctx, bucket, open)
	if err != nil {
		return nil, err
	}
	t.done = len(t.records) - len(open)
	for _, rec := range records {
		switch {
		case rec.Exit == 0:
			t.done++
		case rec.Error == nil || rec.Error.Type != terminatedError:
			t.failed = true
		}
	}
	return t, nil
}

// terminatedError is the type in the record of a job that was told to end.
const terminatedError = "Terminated"

// read takes the times and the last records from the run's objects.
func (t *trace) read(objects []s3types.Object) {
	groups := make(map[string]string)
	for _, g := range t.run.Plan.Groups {
		groups[g.Key] = g.Name
	}
	resumes, marks := 0, make(map[string]bool)
	for _, o := range objects {
		key, written := aws.ToString(o.Key), aws.ToTime(o.LastModified)
		switch rest := strings.TrimPrefix(key, t.run.object()+"/"); {
		case rest == "plan.json":
			t.began = written
		case path.Dir(rest) == "resumes":
			resumes++
		default:
			marks[rest] = true
		}
		m := recordName.FindStringSubmatch(path.Base(key))
		if m == nil || path.Base(path.Dir(key)) != "records" || groups[m[1]] == "" {
			continue
		}
		try, _ := strconv.Atoi(m[2])
		attempt, _ := strconv.Atoi(m[3])
		at := t.records[groups[m[1]]]
		if try > at.try || try == at.try && attempt > at.attempt {
			t.records[groups[m[1]]] = recordObject{key, try, attempt, written}
		}
		if written.After(t.last) {
			t.last = written
		}
	}
	t.ended = marks[fmt.Sprintf("cancelled-%d.json", resumes)]
}

// followed are the groups that another one has run behind since: Batch starts a job only when those that it waits for have succeeded.
func (t *trace) followed() map[string]bool {
	followed := make(map[string]bool)
	for _, child := range t.run.Plan.Groups {
		after, ok := t.records[child.Name]
		for _, parent := range child.DependsOn {
			if ok && after.written.After(t.records[parent].written) {
				followed[parent] = true
			}
		}
	}
	return followed
}

func (t *trace) complete() bool { return t.done == len(t.run.Plan.Groups) }

// judge finds the state of each run.
func (c Clients) judge(ctx context.Context, traces []*trace) error {
	running, err := c.running(ctx, traces)
	if err != nil {
		return err
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookers)
	for _, t := range traces {
		switch {
		case running[t.run.ID]:
			t.state = RunRunning
		case t.complete():
			t.state = RunSucceeded
		case t.ended:
			t.state = RunCancelled
		case t.failed:
			t.state = RunFailed
		default:
			work.Go(func() error { return c.askBatch(ctx, t) })
		}
	}
	return work.Wait()
}

// running are the ids of runs that have unfinished jobs.
func (c Clients) running(ctx context.Context, traces []*trace) (map[string]bool, error) {
	running, names := make(map[string]bool), make(map[string][]string)
	for _, t := range traces {
		if t.complete() {
			continue
		}
		for _, queue := range Queues(t.run.Plan, t.run.Queue) {
			if _, asked := names[queue]; !asked {
				jobs, err := batchjob.Unfinished(ctx, c.Batch, queue)
				if err != nil && !badQueue(err) {
					return nil, fmt.Errorf("list jobs of queue %s: %w", queue, err)
				}
				names[queue] = []string{}
				for _, j := range jobs {
					names[queue] = append(names[queue], strings.ToLower(aws.ToString(j.JobName)))
				}
			}
			prefix := strings.ToLower(t.run.namePrefix())
			if slices.ContainsFunc(names[queue], func(name string) bool { return strings.HasPrefix(name, prefix) }) {
				running[t.run.ID] = true
			}
		}
	}
	return running, nil
}

// badQueue is the answer for a queue that is not there any more: nothing runs in it.
func badQueue(err error) bool {
	_, ok := errors.AsType[*types.ClientException](err)
	return ok
}

// askBatch decides on a run that is incomplete, has no unfinished job, and no record of a failure.
func (c Clients) askBatch(ctx context.Context, t *trace) error {
	t.state = RunUnknown
	listed, err := listRun(ctx, c, t.run)
	if badQueue(err) || err == nil && len(listed) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	succeeded := make(map[string]bool)
	var failed []string
	for _, j := range listed {
		key, _ := t.run.parseName(aws.ToString(j.JobName))
		switch j.Status {
		case types.JobStatusSucceeded:
			succeeded[key] = true
		case types.JobStatusFailed:
			failed = append(failed, aws.ToString(j.JobId))
		}
	}
	t.done = max(t.done, len(succeeded))
	switch {
	case t.complete():
		t.state = RunSucceeded
	case len(failed) > 0:
		return c.askWhy(ctx, t, failed[:min(len(failed), describeMax)])
	default:
		t.state = RunWaiting
	}
	return nil
}

// askWhy tells a run that a person ended from one that failed.
func (c Clients) askWhy(ctx context.Context, t *trace, ids []string) error {
	details, err := describe(ctx, c, ids)
	if err != nil {
		return err
	}
	t.state = RunFailed
	for _, d := range details {
		ended := aws.ToBool(d.IsTerminated) || aws.ToBool(d.IsCancelled)
		if ended && !strings.HasPrefix(aws.ToString(d.StatusReason), ownReason) {
			t.state = RunCancelled
		}
	}
	return nil
}

func (t *trace) summary(now time.Time) Summary {
	took := t.last.Sub(t.began)
	if t.state == RunRunning || t.state == RunWaiting {
		took = now.Sub(t.run.Created)
	}
	return Summary{
		Run: t.run.ID, Created: t.run.Created, Owner: t.run.Owner, Deployment: t.run.Deployment, Developed: t.run.Code != nil,
		Sandbox: t.run.Plan.Sandbox, State: t.state, Groups: len(t.run.Plan.Groups), Done: t.done, Seconds: max(took, 0).Round(time.Millisecond).Seconds(),
	}
}
