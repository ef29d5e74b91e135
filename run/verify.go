package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// States of an output that was verified.
const (
	OutputOK        = "ok"
	OutputMissing   = "missing"     // recorded, and not in S3 any more
	OutputChanged   = "changed"     // in S3 with another size or ETag than the job recorded
	OutputUnsaved   = "not saved"   // the run should have written it, and no job recorded it
	OutputNoRecord  = "no record"   // the job succeeded, and what it saved is not known
	OutputLost      = "lost"        // saved in the job's container, and not in S3 as planned
	OutputVersion   = "version"     // versioned, and not in the run's version
	OutputUnchecked = "not checked" // not on S3: cannot be looked at from here
)

// Report says what Verify found.
type Report struct {
	Run     string   `json:"run"`
	OK      bool     `json:"ok"`
	Jobs    []Job    `json:"jobs"`
	Outputs []Output `json:"outputs"`
	NotKept []Unkept `json:"not_kept,omitempty"` // no fault, but perhaps a surprise
}

// Output is one dataset that the run wrote or should have written.
type Output struct {
	Group   string `json:"group"`
	Dataset string `json:"dataset"`
	Path    string `json:"path,omitempty"`
	Version string `json:"version,omitempty"`
	Size    *int64 `json:"size,omitempty"` // bytes, as recorded
	State   string `json:"state"`
	Detail  string `json:"detail,omitempty"`
	etag    string
}

func (o Output) bad() bool { return o.State != OutputOK && o.State != OutputUnchecked }

// Verify compares a run's outputs in S3 with what its jobs recorded: every group's latest try has succeeded, every output is there with the
// recorded size and ETag, and all versioned ones carry the run's version. What it finds wrong is in the report; an error means that it could not look.
func Verify(ctx context.Context, c Clients, r Run) (Report, error) {
	jobs, err := Status(ctx, c, r)
	if err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	records, err := c.records(ctx, r)
	if err != nil {
		return Report{}, fmt.Errorf("verify run %s: %w", r.ID, err)
	}
	report := Report{Run: r.ID, Jobs: jobs, Outputs: []Output{}}
	for i, g := range r.Plan.Groups {
		rec := records[g.Key]
		report.Outputs = append(report.Outputs, expected(r, g, jobs[i], rec)...)
		report.NotKept = append(report.NotKept, rec.unkept(jobs[i])...)
	}
	if err := check(ctx, c, report.Outputs); err != nil {
		return Report{}, fmt.Errorf("verify run %s: %w", r.ID, err)
	}
	report.OK = Result{Jobs: jobs}.Succeeded() && !slices.ContainsFunc(report.Outputs, Output.bad)
	return report, nil
}

// expected are a group's outputs: what its record has, and what it lacks of the plan.
func expected(r Run, g plan.Group, j Job, rec Record) []Output {
	var all []Output
	told, planned := make(map[string]bool), make(map[string]string)
	for _, d := range r.Plan.Datasets {
		planned[d.Name] = d.Path
	}
	if !rec.of(j) {
		rec = Record{}
		if j.State == Succeeded {
			all = append(all, Output{Group: g.Name, Dataset: "-", State: OutputNoRecord, Detail: "the job did not record what it saved"})
		}
	}
	for _, s := range rec.Outputs {
		told[plan.BaseName(s.Dataset)] = true
		all = append(all, recorded(r.ID, g, s, planned[plan.BaseName(s.Dataset)]))
	}
	for _, u := range rec.NotKept {
		told[u.Dataset] = true
	}
	for _, name := range merge(g.Outputs, rec.Missing) {
		if !told[plan.BaseName(name)] {
			all = append(all, Output{Group: g.Name, Dataset: name, State: OutputUnsaved, Detail: "no job recorded it"})
		}
	}
	slices.SortStableFunc(all, func(a, b Output) int { return strings.Compare(a.Dataset, b.Dataset) })
	return all
}

// of says whether a record is that of a job's end. One of an earlier attempt is not, and a job that succeeded has no record of a failure.
func (rec Record) of(j Job) bool {
	return rec.Job != "" && rec.Job == j.ID && rec.Attempt >= j.Attempt && (j.State != Succeeded || rec.Exit == 0)
}

// unkept is what ended with a job's container, if this is the record of its end.
func (rec Record) unkept(j Job) []Unkept {
	if !rec.of(j) {
		return nil
	}
	all := slices.Clone(rec.NotKept)
	for i := range all {
		all[i].Group = rec.Group
	}
	return all
}

// recorded is an output as its job recorded it. Its state stays open where S3 has to be asked.
func recorded(id string, g plan.Group, s Saved, planned string) Output {
	o := Output{Group: g.Name, Dataset: s.Dataset, Path: s.Path, Version: s.Version, Size: s.Size, etag: unquote(s.ETag)}
	_, _, onS3 := splitURI(s.Path)
	_, _, meantFor := splitURI(planned)
	switch {
	case s.Version != "" && s.Version != id:
		o.State, o.Detail = OutputVersion, "the run's version is "+id
	case meantFor && !onS3:
		o.State, o.Detail = OutputLost, "it was to be at "+planned
	}
	return o
}

// check looks at the outputs that have no state yet.
func check(ctx context.Context, c Clients, outputs []Output) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookers)
	for i := range outputs {
		if o := &outputs[i]; o.State == "" {
			work.Go(func() error { return c.look(ctx, o) })
		}
	}
	return work.Wait()
}

// look compares one output with S3.
func (c Clients) look(ctx context.Context, o *Output) error {
	bucket, key, ok := splitURI(o.Path)
	if !ok {
		o.State, o.Detail = OutputUnchecked, "not on S3"
		return nil
	}
	size, etag, err := c.stored(ctx, bucket, key, o.etag != "")
	switch {
	case absent(err):
		o.State, o.Detail = OutputMissing, "nothing is there"
	case err != nil:
		return fmt.Errorf("look at %s: %w", o.Path, err)
	case o.Size == nil:
		o.State, o.Detail = OutputOK, "there; its job could not record size and ETag"
	case size != *o.Size:
		o.State, o.Detail = OutputChanged, fmt.Sprintf("%d bytes, recorded %d", size, *o.Size)
	case o.etag != "" && etag != o.etag:
		o.State, o.Detail = OutputChanged, fmt.Sprintf("ETag %s, recorded %s", etag, o.etag)
	default:
		o.State = OutputOK
	}
	return nil
}

// stored gives size and ETag of an object, or the sum of the sizes of the objects below a path: a partitioned dataset is a directory of files.
func (c Clients) stored(ctx context.Context, bucket, key string, file bool) (size int64, etag string, err error) {
	out, err := c.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err == nil {
		return aws.ToInt64(out.ContentLength), unquote(aws.ToString(out.ETag)), nil
	}
	if file || !absent(err) {
		return 0, "", err
	}
	objects, listErr := c.list(ctx, bucket, strings.TrimSuffix(key, "/")+"/")
	if listErr != nil || len(objects) == 0 {
		return 0, "", cmp.Or(listErr, err)
	}
	for _, o := range objects {
		size += aws.ToInt64(o.Size)
	}
	return size, "", nil
}

// unquote takes off the quotation marks that belong to an ETag on the wire and that a record may have or not.
func unquote(etag string) string { return strings.Trim(etag, `"`) }
