package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// Load reads a run from its bucket; jobs that their drivers had no time to note are found by name. The error has a hint where there is no such run.
func Load(ctx context.Context, c Clients, bucket, id string) (Run, error) {
	r := Run{loaded: true}
	err := c.get(ctx, bucket, runsPrefix+id+"/plan.json", &r)
	if absent(err) {
		return Run{}, ui.WithHint(fmt.Errorf("no run %s in bucket %s", id, bucket), "'kedroctl runs' lists them; without an id the latest run is meant")
	}
	if _, malformed := errors.AsType[*json.SyntaxError](err); malformed {
		return Run{}, ui.WithHint(fmt.Errorf("load run %s: %w", id, err),
			"without its plan the run can be neither followed nor ended from here; the names of its jobs in Batch have "+compact(id)+" in them")
	}
	if err != nil {
		return Run{}, fmt.Errorf("load run %s: %w", id, err)
	}
	if r, err = c.resumptions(ctx, r); err != nil {
		return Run{}, fmt.Errorf("load run %s: %w", id, err)
	}
	if err := new(ledger).read(ctx, c, &r); err != nil {
		return Run{}, fmt.Errorf("load run %s: %w", id, err)
	}
	listed, err := listRun(ctx, c, r)
	if status(err) == http.StatusBadRequest && len(r.Late()) == 0 {
		return r, nil // the queue is gone, and its jobs with it: there are their records
	}
	if err != nil {
		return Run{}, fmt.Errorf("load run %s: %w", id, err)
	}
	r.listed = listed
	r.learn(r.named(listed))
	return r, nil
}

// Latest reads the newest run of a bucket: ids are times, and sort as such.
func Latest(ctx context.Context, c Clients, bucket string) (Run, error) {
	ids, err := c.folders(ctx, bucket, runsPrefix)
	if _, ok := errors.AsType[*s3types.NoSuchBucket](err); ok {
		return Run{}, ui.WithHint(fmt.Errorf("no run yet: bucket %s does not exist", bucket), "run 'kedroctl deploy' first, then 'kedroctl run'")
	}
	if err != nil {
		return Run{}, fmt.Errorf("find latest run: %w", err)
	}
	if len(ids) == 0 {
		return Run{}, ui.WithHint(fmt.Errorf("no run in bucket %s yet", bucket), "start one with 'kedroctl run'")
	}
	return Load(ctx, c, bucket, slices.Max(ids))
}

// named are the run's jobs among those listed, the oldest first. Names come back without regard to case.
func (r Run) named(listed []types.JobSummary) []Submission {
	groups := make(map[string]plan.Group, len(r.Plan.Groups))
	for _, g := range r.Plan.Groups {
		groups[strings.ToLower(g.Key)] = g
	}
	var jobs []Submission
	for _, j := range slices.Backward(listed) { // the newest comes first
		key, try := r.parseName(aws.ToString(j.JobName))
		if g, ok := groups[key]; ok && try > 0 {
			jobs = append(jobs, Submission{Group: g.Name, Key: g.Key, Try: try, ID: aws.ToString(j.JobId)})
		}
	}
	return jobs
}

// parseName takes the name of one of the run's jobs apart: the group's key in lower case, and the try; 0 for any other name.
func (r Run) parseName(name string) (key string, try int) {
	rest, ok := strings.CutPrefix(strings.ToLower(name), strings.ToLower(r.namePrefix()))
	at := strings.LastIndex(rest, "-t")
	if !ok || at < 0 {
		return "", 0
	}
	try, err := strconv.Atoi(rest[at+len("-t"):])
	if err != nil {
		return "", 0
	}
	return rest[:at], try
}

// Status gives the state of each group's latest try: from Batch, or from the records of the jobs once Batch has forgotten them.
func Status(ctx context.Context, c Clients, r Run) ([]Job, error) {
	jobs := snapshot(r, c.now())
	var ids []string
	for _, j := range jobs {
		if j.ID != "" {
			ids = append(ids, j.ID)
		}
	}
	details, err := describe(ctx, c, ids)
	if err != nil {
		return nil, fmt.Errorf("status of run %s: %w", r.ID, err)
	}
	var records map[string]Record
	if len(details) < len(ids) {
		if records, err = c.records(ctx, r); err != nil {
			return nil, fmt.Errorf("status of run %s: %w", r.ID, err)
		}
	}
	for i := range jobs {
		j := &jobs[i]
		if d, ok := details[j.ID]; ok {
			j.update(d, c.now())
			j.Cause = causeOf(d)
		} else if j.ID != "" && !j.recall(records[j.Key]) {
			j.State = Unknown
		}
	}
	markBlocked(r, jobs)
	return jobs, nil
}

// recall takes a job's state from the record of its try, and says whether that is one. It may be another job's, which had the work then.
func (j *Job) recall(rec Record) bool {
	if rec.Job == "" || rec.Try != j.Try {
		return false
	}
	j.ID, j.State, j.Attempt, j.ExitCode, j.Started, j.Stopped, j.Since = rec.Job, Succeeded, rec.Attempt, &rec.Exit, rec.Started, rec.Ended, rec.Ended
	if rec.Exit != 0 {
		j.State = Failed
	}
	if rec.Error != nil {
		j.Reason = join(rec.Error.Type, rec.Error.Message)
	}
	return true
}

// markBlocked tells jobs that never started, as one before them failed, from those that failed. The jobs are in the plan's order.
func markBlocked(r Run, jobs []Job) {
	failed := make(map[string]bool)
	for i, g := range r.Plan.Groups {
		j := &jobs[i]
		behind := slices.ContainsFunc(g.DependsOn, func(p string) bool { return failed[p] })
		if j.State == Unknown && behind { // Batch has forgotten it, and what never started leaves no record
			j.State = Failed
		}
		failed[g.Name] = j.State == Failed || j.State == Unsubmitted && behind
		if failed[g.Name] && (j.Cause == "" || j.Cause == Ended) && j.Started.IsZero() && behind {
			j.Cause = Blocked
		}
	}
}
