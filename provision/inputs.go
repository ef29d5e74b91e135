package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// Inputs are the local data that jobs read: the free inputs of a plan, and a directory of raw data.
type Inputs struct {
	Dir    string // of the project
	Bucket string

	sources []source
}

// source is a file or directory, and the key of the file or the prefix of the directory's files.
type source struct {
	dataset string // "" for the directory of raw data
	local   string // relative to the project, with slashes
	key     string
}

// NewInputs takes from a plan the free inputs that lie in the project's own bucket, whether the catalog says so or they are local and move there, and
// the raw_data of the settings. Paths that lead out of the project give a *project.SettingsError.
func NewInputs(p project.Project, pl plan.Plan) (Inputs, error) {
	in := Inputs{Dir: p.Dir, Bucket: p.Settings.Bucket}
	for _, d := range pl.Datasets {
		key, own := strings.CutPrefix(d.Path, "s3://"+in.Bucket+"/")
		if d.Role == plan.Input && own && key != "" && !d.Open {
			in.sources = append(in.sources, source{d.Name, cmp.Or(filepath.ToSlash(d.Local), in.localOf(key)), key})
		}
	}
	raw := p.Settings.RawData
	if raw == "" {
		return in, nil
	}
	clean := path.Clean(filepath.ToSlash(raw))
	if !filepath.IsLocal(clean) {
		return in, &project.SettingsError{Source: project.Pyproject, Key: "tool.kedroctl.raw_data", Reason: fmt.Sprintf("%s is not inside the project", raw),
			Next: "name a directory inside the project, for example data/01_raw"}
	}
	in.sources = append(in.sources, source{"", clean, project.S3Key(clean)})
	return in, nil
}

// Without leaves datasets out.
func (in Inputs) Without(datasets []string) Inputs {
	in.sources = slices.DeleteFunc(slices.Clone(in.sources), func(s source) bool { return slices.Contains(datasets, s.dataset) })
	return in
}

// localOf is where a dataset that the catalog has in the bucket would lie in the project: S3Key read backwards.
func (in Inputs) localOf(key string) string {
	if _, err := os.Stat(in.path(Object{Local: key})); err == nil && !strings.HasPrefix(key, "data/") {
		return path.Clean(key)
	}
	return path.Join("data", key)
}

// MissingError names inputs that are not in the bucket, and not here where that was looked at.
type MissingError struct {
	Bucket string
	Inputs []string // "dataset (path)"
	Jobs   bool     // for jobs that are about to start, which see nothing but the bucket
}

func (e *MissingError) Error() string {
	if e.Jobs {
		return fmt.Sprintf("not in bucket %s, where the jobs look: %s", e.Bucket, strings.Join(e.Inputs, ", "))
	}
	return fmt.Sprintf("not here and not in bucket %s: %s", e.Bucket, strings.Join(e.Inputs, ", "))
}

// Hint is the next step.
func (e *MissingError) Hint() string {
	if e.Jobs {
		return "'kedroctl upload' with the same selection sends what is here; what another node makes has to be made first: select that node too"
	}
	return "raw data is often left out of git: copy it to these paths, or to the bucket, and run the same command again"
}

// Check looks for each input here, and for one that is not here in the bucket, which need not be there yet. Those that are in neither give a
// *MissingError.
func (in Inputs) Check(ctx context.Context, store Lister) error {
	_, err := in.files(ctx, store)
	return err
}

// CheckBucket looks for each dataset in the bucket alone, for jobs that are about to start. Those that are not there give a *MissingError.
func (in Inputs) CheckBucket(ctx context.Context, store Lister) error {
	missing := &MissingError{Bucket: in.Bucket, Jobs: true}
	found := make([]MissingError, len(in.sources)) // in the order of the sources
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(looksAtOnce)
	for i, s := range in.sources {
		if s.dataset != "" {
			eg.Go(func() error { return in.inBucket(ctx, store, s, &found[i]) })
		}
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	for _, f := range found {
		missing.Inputs = append(missing.Inputs, f.Inputs...)
	}
	if len(missing.Inputs) > 0 {
		return missing
	}
	return nil
}

// Lister lists the objects of buckets.
type Lister interface {
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// looksAtOnce bounds the requests that look for inputs.
const looksAtOnce = 16

// files lists all files of the sources by key. A source that is not here has to be in the bucket.
func (in Inputs) files(ctx context.Context, store Lister) ([]Object, error) {
	byKey := map[string]Object{}
	missing := &MissingError{Bucket: in.Bucket}
	for _, s := range in.sources {
		files, err := in.walk(s)
		if errors.Is(err, fs.ErrNotExist) {
			err = in.inBucket(ctx, store, s, missing)
		}
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			byKey[f.Key] = f
		}
	}
	if len(missing.Inputs) > 0 {
		return nil, missing
	}
	all := make([]Object, 0, len(byKey))
	for _, f := range byKey {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	return all, nil
}

// walk lists the regular files of a source, also those that links lead to. Names that begin with a dot, such as .gitkeep, stay: a dataset of partitions
// would take them for one.
func (in Inputs) walk(s source) ([]Object, error) {
	root, err := filepath.EvalSymlinks(filepath.Join(in.Dir, filepath.FromSlash(s.local)))
	if err != nil {
		return nil, err
	}
	var files []Object
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != root && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		files = append(files, Object{Local: path.Join(s.local, rel), Key: path.Join(s.key, rel), Size: info.Size()})
		return nil
	})
	return files, err
}

func (in Inputs) path(o Object) string { return filepath.Join(in.Dir, filepath.FromSlash(o.Local)) }

// inBucket adds a source to the missing ones if the bucket has neither its object nor any below it.
func (in Inputs) inBucket(ctx context.Context, store Lister, s source, missing *MissingError) error {
	out, err := store.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &in.Bucket, Prefix: &s.key, MaxKeys: aws.Int32(100)})
	if absent(err) { // without a bucket there is no object
		out = &s3.ListObjectsV2Output{}
	} else if err != nil {
		return explain("look for "+s.key+" in bucket "+in.Bucket, err)
	}
	for _, o := range out.Contents {
		if key := aws.ToString(o.Key); key == s.key || strings.HasPrefix(key, strings.TrimSuffix(s.key, "/")+"/") {
			return nil
		}
	}
	name := s.dataset + " (" + s.local + ")"
	if s.dataset == "" {
		name = "raw_data (" + s.local + ")"
	}
	missing.Inputs = append(missing.Inputs, name)
	return nil
}
