package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// GetOptions say how Get treats what it finds.
type GetOptions struct {
	Force    bool                    // replace files that differ
	KeepDays int                     // setting keep_days, for the error about what is gone
	Progress func(done, total int64) // bytes; called by several goroutines; may be nil
}

// States of a file that was to be fetched.
const (
	FileFetched = "fetched"
	FileSame    = "same"    // was there already, with the same content
	FileDiffers = "differs" // is there with another content, and was left alone
)

// Fetched is one file of an output of a run.
type Fetched struct {
	Dataset string `json:"dataset"`
	Group   string `json:"group"`
	Version string `json:"version,omitempty"`
	From    string `json:"from"` // s3://…
	File    string `json:"file"` // below the directory, with slashes
	Size    int64  `json:"size"` // bytes
	State   string `json:"state"`

	bucket, key, etag string
}

// Get fetches outputs of a run, as its jobs recorded them, into a directory. Names are those of datasets, or globs over them; what follows @ does not
// count. Files lie there as in the bucket, which is where Kedro looks for them below data/: 06_models/x.pickle/<version>/x.pickle. All are found and compared
// with the records before the first is written. A file appears as a whole or not at all. A *NotRecordedError names what no job recorded.
func Get(ctx context.Context, c Clients, store transfermanager.S3APIClient, r Run, names []string, dir string, o GetOptions) ([]Fetched, error) {
	records, err := c.records(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("get from run %s: %w", r.ID, err)
	}
	outputs, err := choose(r, records, names)
	if err != nil {
		return nil, err
	}
	files, err := c.files(ctx, r, outputs, o.KeepDays)
	if err != nil {
		return nil, fmt.Errorf("get from run %s: %w", r.ID, err)
	}
	if err := fetchAll(ctx, store, files, dir, o); err != nil {
		return files, fmt.Errorf("get from run %s: %w", r.ID, err)
	}
	return files, nil
}

// NotRecordedError says that no job of a run recorded an output of this name.
type NotRecordedError struct {
	Run, Name string
	Reason    string // what is known of it otherwise
	near      string
}

func (e *NotRecordedError) Error() string {
	return fmt.Sprintf("run %s recorded no output %s: %s", e.Run, e.Name, e.Reason)
}

// Hint names outputs that may be meant.
func (e *NotRecordedError) Hint() string {
	return cmp.Or(e.near, fmt.Sprintf("'kedroctl verify %s' lists its outputs", e.Run))
}

// choose gives the recorded outputs that the names mean, each once.
func choose(r Run, records map[string]Record, names []string) ([]Output, error) {
	recorded := make(map[string][]Output)
	for _, g := range r.Plan.Groups {
		for _, s := range records[g.Key].Outputs {
			name := plan.BaseName(s.Dataset)
			recorded[name] = append(recorded[name], Output{Group: g.Name, Dataset: name, Path: s.Path, Version: s.Version, Size: s.Size, etag: unquote(s.ETag)})
		}
	}
	known := slices.Sorted(maps.Keys(recorded))
	chosen := make(map[string]bool)
	for _, name := range names {
		found := false
		for _, k := range known {
			matches, err := path.Match(name, k)
			if err != nil {
				return nil, fmt.Errorf("output %s: %w", name, err)
			}
			if matches || k == plan.BaseName(name) {
				chosen[k], found = true, true
			}
		}
		if !found {
			return nil, notRecorded(r, records, name, known)
		}
	}
	var outputs []Output
	for _, name := range known {
		if chosen[name] {
			outputs = append(outputs, recorded[name]...)
		}
	}
	return outputs, nil
}

// notRecorded looks for what else is known of a name.
func notRecorded(r Run, records map[string]Record, name string, known []string) error {
	e := &NotRecordedError{Run: r.ID, Name: name, Reason: "no job made it", near: plan.DidYouMean(name, known)}
	if len(known) == 0 {
		e.Reason = "no job has recorded any output"
	}
	for _, d := range r.Plan.Datasets {
		if d.Name == plan.BaseName(name) && d.Role == plan.Input {
			e.Reason = "it is an input of the run, at " + d.Path
		}
	}
	for _, g := range r.Plan.Groups {
		if !slices.Contains(g.Outputs, plan.BaseName(name)) {
			continue
		}
		e.Reason = "group " + g.Name + " was to save it, and has not"
		for _, u := range records[g.Key].NotKept {
			if u.Dataset == plan.BaseName(name) {
				e.Reason = fmt.Sprintf("group %s could not keep it: %s", g.Name, u.Reason)
			}
		}
	}
	return e
}

// files finds the objects of outputs, and sees that they are as recorded. An object that two datasets share is fetched once.
func (c Clients) files(ctx context.Context, r Run, outputs []Output, keepDays int) ([]Fetched, error) {
	found := make([][]Fetched, len(outputs))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookers)
	for i, o := range outputs {
		work.Go(func() (err error) {
			found[i], err = c.objectsOf(ctx, r, o)
			if absent(err) {
				return gone(r, o, c.now(), keepDays)
			}
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	var files []Fetched
	seen := make(map[string]bool)
	for _, f := range slices.Concat(found...) {
		if !seen[f.From] {
			seen[f.From] = true
			files = append(files, f)
		}
	}
	return files, nil
}

// gone is the error for an output that was recorded and is not there any more.
func gone(r Run, o Output, now time.Time, keepDays int) error {
	err := fmt.Errorf("output %s: nothing is at %s any more", o.Dataset, o.Path)
	if days := int(now.Sub(r.Created).Hours() / 24); keepDays > 0 && days > keepDays {
		return ui.WithHint(fmt.Errorf("%w: it may have expired, as the run is %d days old", err, days),
			fmt.Sprintf("keep_days = %d in [tool.kedroctl] says for how many days what runs leave is kept", keepDays))
	}
	return ui.WithHint(err, fmt.Sprintf("'kedroctl verify %s' says what is left of the run", r.ID))
}

// objectsOf gives an output's object, or those below its path. The error is S3's own where there is none.
func (c Clients) objectsOf(ctx context.Context, r Run, o Output) ([]Fetched, error) {
	bucket, key, onS3 := splitURI(o.Path)
	if !onS3 {
		return nil, ui.WithHint(fmt.Errorf("output %s is not in S3: its job saved it at %q", o.Dataset, o.Path), "what a job keeps in its container ends with it")
	}
	head, err := c.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	switch {
	case err == nil:
		f, err := o.file(r, bucket, key, aws.ToInt64(head.ContentLength), aws.ToString(head.ETag))
		if err != nil {
			return nil, err
		}
		if o.etag != "" && f.etag != o.etag || o.Size != nil && f.Size != *o.Size {
			return nil, o.changed(r)
		}
		return []Fetched{f}, nil
	case o.etag != "" || !absent(err):
		return nil, err
	}
	objects, listErr := c.list(ctx, bucket, strings.TrimSuffix(key, "/")+"/")
	if listErr != nil || len(objects) == 0 {
		return nil, cmp.Or(listErr, err)
	}
	var files []Fetched
	var size int64
	for _, object := range objects {
		if strings.HasSuffix(*object.Key, "/") { // a console's mark of a directory
			continue
		}
		f, err := o.file(r, bucket, *object.Key, aws.ToInt64(object.Size), aws.ToString(object.ETag))
		if err != nil {
			return nil, err
		}
		files, size = append(files, f), size+f.Size
	}
	if o.Size != nil && size != *o.Size {
		return nil, o.changed(r)
	}
	return files, nil
}

// changed is the error for an output that is not the run's any more.
func (o Output) changed(r Run) error {
	return ui.WithHint(fmt.Errorf("output %s: %s is not what run %s saved: it has been written again since", o.Dataset, o.Path, r.ID),
		"name the run that wrote it last, or make the dataset versioned to keep what each run saves")
}

// file places an object below the directory. A key that is no plain path there is refused.
func (o Output) file(r Run, bucket, key string, size int64, etag string) (Fetched, error) {
	file := key
	if bucket != r.Plan.Bucket {
		file = bucket + "/" + key
	}
	if !isPlain(file) {
		return Fetched{}, fmt.Errorf("output %s: s3://%s/%s is no path that a file can be written to", o.Dataset, bucket, key)
	}
	return Fetched{
		Dataset: o.Dataset, Group: o.Group, Version: o.Version, From: "s3://" + bucket + "/" + key, File: file, Size: size,
		bucket: bucket, key: key, etag: unquote(etag),
	}, nil
}

// fetchAll writes the files, and sets their states.
func fetchAll(ctx context.Context, store transfermanager.S3APIClient, files []Fetched, dir string, o GetOptions) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	d := &download{manager: transfermanager.New(store), root: root, options: o}
	for _, f := range files {
		d.total += f.Size
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookers)
	for i := range files {
		work.Go(func() (err error) {
			files[i].State, err = d.fetch(ctx, files[i])
			if status(err) == preconditionFailed {
				return fmt.Errorf("output %s: %s changes at this moment", files[i].Dataset, files[i].From)
			}
			if err != nil {
				return fmt.Errorf("fetch %s: %w", files[i].From, err)
			}
			return nil
		})
	}
	return errors.Join(work.Wait())
}
