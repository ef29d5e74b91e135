package run

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/plan"
)

const (
	runsBack   = 5  // earlier runs that are looked at for one that succeeded
	leavesRead = 20 // records that are read to see that a run succeeded
)

// History is how long groups took in an earlier run. The zero value knows nothing.
type History struct {
	Run   string                   // that run
	Spans map[string]time.Duration // by group: from the end of the last one before it to its own, the wait for an instance included
}

// Past finds the latest earlier run of the same environment that succeeded and had some of the run's groups, with the same nodes. It takes a few calls
// for each run that it looks at, however many groups there are. No such run gives the zero History.
func Past(ctx context.Context, c Clients, r Run) (History, error) {
	ids, err := c.folders(ctx, r.Plan.Bucket, runsPrefix)
	if err != nil {
		return History{}, fmt.Errorf("find earlier runs: %w", err)
	}
	ids = slices.DeleteFunc(slices.Sorted(slices.Values(ids)), func(id string) bool { return id >= r.ID })
	for _, id := range slices.Backward(ids[max(len(ids)-runsBack, 0):]) {
		h, err := c.history(ctx, r.Plan, id)
		if err != nil {
			return History{}, fmt.Errorf("read run %s: %w", id, err)
		}
		if len(h.Spans) > 0 {
			return h, nil
		}
	}
	return History{}, nil
}

// history is what one earlier run tells of a plan's groups; nothing where it did not succeed, or did not in one go.
func (c Clients) history(ctx context.Context, p plan.Plan, id string) (History, error) {
	var past Run
	if err := c.get(ctx, p.Bucket, runsPrefix+id+"/plan.json", &past); err != nil {
		return History{}, err
	}
	objects, err := c.list(ctx, p.Bucket, past.object("records")+"/")
	if err != nil {
		return History{}, err
	}
	last := lastRecords(objects)
	ok, err := c.allSucceeded(ctx, past, last)
	if err != nil || !ok {
		return History{}, err
	}
	h := History{Run: id, Spans: make(map[string]time.Duration)}
	for _, g := range p.Groups {
		was := past.group(g.Name)
		if !slices.Equal(was.Nodes, g.Nodes) {
			continue
		}
		began := past.Created
		for _, parent := range was.DependsOn {
			began = latest(began, aws.ToTime(last[past.group(parent).Key].LastModified))
		}
		h.Spans[g.Name] = max(aws.ToTime(last[was.Key].LastModified).Sub(began), 0)
	}
	return h, nil
}

// lastRecords are the records of groups' last attempts, by key. A group with a second try has none: how long it took alone is not known.
func lastRecords(objects []types.Object) map[string]types.Object {
	last, tries := make(map[string]types.Object), make(map[string]bool)
	for _, o := range objects { // by key; a record is written when its attempt ends
		m := recordName.FindStringSubmatch(path.Base(aws.ToString(o.Key)))
		if m == nil {
			continue
		}
		if try, _ := strconv.Atoi(m[2]); try > 1 {
			tries[m[1]] = true
		}
		if was, ok := last[m[1]]; !ok || aws.ToTime(was.LastModified).Before(aws.ToTime(o.LastModified)) {
			last[m[1]] = o
		}
	}
	for key := range tries {
		delete(last, key)
	}
	return last
}

// allSucceeded says whether every group of a run left a record, and those that nothing waits for one of a success: Batch starts no job before those that
// it waits for have succeeded.
func (c Clients) allSucceeded(ctx context.Context, r Run, last map[string]types.Object) (bool, error) {
	awaited := make(map[string]bool)
	for _, g := range r.Plan.Groups {
		if _, ok := last[g.Key]; !ok {
			return false, nil
		}
		for _, p := range g.DependsOn {
			awaited[p] = true
		}
	}
	leaves := make(map[string]string)
	for _, g := range r.Plan.Groups {
		if !awaited[g.Name] && len(leaves) < leavesRead {
			leaves[g.Name] = aws.ToString(last[g.Key].Key)
		}
	}
	records, err := c.readRecords(ctx, r.Plan.Bucket, leaves)
	for _, rec := range records {
		if rec.Exit != 0 {
			return false, err
		}
	}
	return true, err
}

// Left is how long a run has still to go, if its groups take as long as they did. The jobs are those of the run's groups, by name. It is not known
// where a group that has not ended was no part of the earlier run.
func (h History) Left(r Run, jobs map[string]Job, now time.Time) (left time.Duration, known bool) {
	ends := make(map[string]time.Duration) // of groups, from now
	for _, g := range r.Plan.Groups {
		j := jobs[g.Name]
		if j.Ended() {
			continue
		}
		span, ok := h.Spans[g.Name]
		if !ok {
			return 0, false
		}
		began, wait, ready := latest(r.Created, j.Created), time.Duration(0), true
		for _, p := range g.DependsOn {
			began, wait, ready = latest(began, jobs[p].Stopped), max(wait, ends[p]), ready && jobs[p].Ended()
		}
		if ready {
			span = max(span-now.Sub(began), 0)
		}
		ends[g.Name] = wait + span
		left = max(left, ends[g.Name])
	}
	return left, true
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
