package run

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"
)

// Record is what a job wrote of one attempt when it ended.
type Record struct {
	Schema     int                `json:"schema"`
	Run        string             `json:"run"`
	Group      string             `json:"group"`
	Try        int                `json:"try"`
	Attempt    int                `json:"attempt"`
	Job        string             `json:"job"`
	Started    time.Time          `json:"started"`
	Ended      time.Time          `json:"ended"`
	Exit       int32              `json:"exit"`
	PeakMemory int                `json:"peak_memory_mib"`
	Nodes      map[string]float64 `json:"nodes"` // seconds
	Outputs    []Saved            `json:"outputs"`
	Missing    []string           `json:"missing"` // asked for, and saved by nobody
	NotKept    []Unkept           `json:"not_kept"`
	Error      *ProgramError      `json:"error,omitempty"`
}

// Saved is one dataset that an attempt saved. Size (bytes) and ETag are there as far as S3 gives them.
type Saved struct {
	Dataset string `json:"dataset"`
	Path    string `json:"path"`
	Version string `json:"version,omitempty"`
	Size    *int64 `json:"size,omitempty"`
	ETag    string `json:"etag,omitempty"`
}

// Unkept is what ended with a job's container: a file that code wrote past the catalog, or data that leaves the pipeline and cannot be pickled.
type Unkept struct {
	Group   string `json:"group,omitempty"`   // in a Report
	File    string `json:"file,omitempty"`    // relative to the working directory; a directory ends with a slash
	Size    int64  `json:"size,omitempty"`    // bytes of the file
	Dataset string `json:"dataset,omitempty"` // "" for a file
	Reason  string `json:"reason,omitempty"`  // why the dataset could not be kept
}

// ProgramError is the exception that ended a job's program.
type ProgramError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Node    string `json:"node,omitempty"` // that it came from, where the entry could tell
}

// recordName is the place of a record: key, try, attempt.
var recordName = regexp.MustCompile(`^(.+)-t(\d+)-a(\d+)\.json$`)

// record reads one attempt's record; nil where it left none, as a container that was killed leaves none.
func (c Clients) record(ctx context.Context, r Run, s Submission, attempt int) (*Record, error) {
	var rec Record
	err := c.get(ctx, r.Plan.Bucket, r.object("records", fmt.Sprintf("%s-t%d-a%d.json", s.Key, s.Try, attempt)), &rec)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &rec, nil
}

// records reads, for each group by its key, the record of the last attempt of the highest try.
func (c Clients) records(ctx context.Context, r Run) (map[string]Record, error) {
	objects, err := c.list(ctx, r.Plan.Bucket, r.object("records")+"/")
	if err != nil {
		return nil, err
	}
	type place struct{ try, attempt int }
	last, keys := make(map[string]place), make(map[string]string)
	for _, o := range objects {
		m := recordName.FindStringSubmatch(path.Base(aws.ToString(o.Key)))
		if m == nil {
			continue
		}
		try, _ := strconv.Atoi(m[2])
		attempt, _ := strconv.Atoi(m[3])
		if at := last[m[1]]; try > at.try || try == at.try && attempt > at.attempt {
			last[m[1]], keys[m[1]] = place{try, attempt}, aws.ToString(o.Key)
		}
	}
	return c.readRecords(ctx, r.Plan.Bucket, keys)
}

func (c Clients) readRecords(ctx context.Context, bucket string, keys map[string]string) (map[string]Record, error) {
	var mu sync.Mutex
	records := make(map[string]Record, len(keys))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookers)
	for group, key := range keys {
		work.Go(func() error {
			var rec Record
			if err := c.get(ctx, bucket, key, &rec); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			records[group] = rec
			return nil
		})
	}
	return records, work.Wait()
}
