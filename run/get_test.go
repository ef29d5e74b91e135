package run

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// fetching is a run whose outputs are fetched into a directory.
type fetching struct {
	*world
	run Run
	dir string
}

// newFetching has a run of a -> b; a's output is kept in memory, b's is versioned, and parts is a directory that a saved.
func newFetching(t *testing.T) *fetching {
	t.Helper()
	w := newWorld(t)
	in := input("a", "b <- a")
	in.Plan.Datasets[1] = plan.Dataset{Name: "b_out", Role: plan.Leaving, Versioned: true, Path: "s3://" + bucket + "/data/b_out"}
	in.Snapshot.Datasets["b_out"] = project.Dataset{Versioned: true}
	in.Plan.Datasets = append(in.Plan.Datasets, plan.Dataset{Name: "raw", Role: plan.Input, Path: "s3://" + bucket + "/01_raw/x.csv"})
	w.write("01_raw/x.csv", "x")
	r, rep := w.start(in)
	w.follow(r, rep)
	f := &fetching{world: w, run: r, dir: filepath.Join(t.TempDir(), "out")}
	w.write("03_primary/parts/a.csv", "12345")
	w.write("03_primary/parts/deep/b.csv", "123")
	w.write("03_primary/parts/", "")
	f.record("parts", "s3://"+bucket+"/03_primary/parts", 8, "")
	return f
}

// record adds an output to the record of the group a.
func (f *fetching) record(name, uri string, size int64, etag string) {
	f.Helper()
	records, err := f.clients.records(f.Context(), f.run)
	f.must(err)
	rec := records["a-abc123"]
	rec.Outputs = append(rec.Outputs, Saved{Dataset: name, Path: uri, Size: &size, ETag: etag})
	f.must(f.clients.put(f.Context(), bucket, f.run.object("records", "a-abc123-t1-a1.json"), rec, nil))
}

// get gives the states of the files by their names.
func (f *fetching) get(o GetOptions, names ...string) (map[string]string, error) {
	files, err := Get(f.Context(), f.clients, f.clients.S3.(*s3.Client), f.run, names, f.dir, o)
	states := map[string]string{}
	for _, x := range files {
		states[x.File] = x.State
	}
	return states, err
}

// tree is the content of all files below a directory.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, e os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) || err == nil && e.IsDir() {
			return nil
		}
		content, readErr := os.ReadFile(file)
		name, _ := filepath.Rel(dir, file)
		files[filepath.ToSlash(name)] = string(content)
		return errors.Join(err, readErr)
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestGet(t *testing.T) {
	f := newFetching(t)
	want := map[string]string{
		"runs/" + f.run.ID + "/a_out.pkl": "a_out", "data/b_out/" + f.run.ID + "/b_out": "b_out",
		"03_primary/parts/a.csv": "12345", "03_primary/parts/deep/b.csv": "123",
	}
	for _, names := range [][]string{{"*_out", "parts@pandas"}, {"a_out", "b_out", "parts", "*"}} {
		f.dir = filepath.Join(t.TempDir(), "out")
		got, err := f.get(GetOptions{}, names...)
		f.must(err)
		if diff := cmp.Diff(want, tree(t, f.dir)); diff != "" {
			t.Errorf("%v: files (-want +got):\n%s", names, diff)
		}
		for file, state := range got {
			if state != FileFetched {
				t.Errorf("%s: %s", file, state)
			}
		}
	}

	// What is there stays, and nothing of it is fetched again.
	clear(f.calls)
	got, err := f.get(GetOptions{}, "*")
	f.must(err)
	if states := slices.Compact(slices.Sorted(maps.Values(got))); len(states) != 1 || states[0] != FileSame || f.count("GET /"+bucket+"/03_primary/parts/a.csv") != 0 {
		t.Errorf("the second time: %v, calls %v", got, f.calls)
	}

	// Neither does a file that differs in size or in content alone get lost, but by force.
	a, b := "runs/"+f.run.ID+"/a_out.pkl", "03_primary/parts/a.csv"
	for _, file := range []string{a, b} {
		f.must(os.WriteFile(filepath.Join(f.dir, file), []byte("tuo_a and more"[:len(want[file])+strings.Count(file, "runs")]), 0o600))
	}
	mine := tree(t, f.dir)
	got, err = f.get(GetOptions{}, "*")
	f.must(err)
	if diff := cmp.Diff(mine, tree(t, f.dir)); diff != "" || got[a] != FileDiffers || got[b] != FileDiffers {
		t.Errorf("states %v, files (-before +after):\n%s", got, diff)
	}
	done := int64(0)
	_, err = f.get(GetOptions{Force: true, Progress: func(n, total int64) { done = max(done, n); total = max(total, 1) }}, "*")
	f.must(err)
	if diff := cmp.Diff(want, tree(t, f.dir)); diff != "" || done != 18 {
		t.Errorf("by force, %d bytes told (-want +got):\n%s", done, diff)
	}
}

func TestGetRefuses(t *testing.T) {
	tests := map[string]struct {
		prepare func(*fetching)
		name    string
		err     string
		hint    string
	}{
		"a misspelled name": {name: "b_uot", err: "recorded no output b_uot: no job made it", hint: "did you mean b_out"},
		"an input":          {name: "raw", err: "it is an input of the run, at s3://" + bucket + "/01_raw/x.csv"},
		"what is gone": {func(f *fetching) {
			_, err := f.clients.S3.(*s3.Client).DeleteObject(f.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("runs/" + f.run.ID + "/a_out.pkl")})
			f.must(err)
		}, "a_out", "nothing is at s3://", "kedroctl verify"},
		"what has expired": {func(f *fetching) {
			_, err := f.clients.S3.(*s3.Client).DeleteObject(f.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("runs/" + f.run.ID + "/a_out.pkl")})
			f.must(err)
			f.clock.Advance(45 * 24 * time.Hour)
		}, "a_out", "it may have expired, as the run is 45 days old", "keep_days = 30"},
		"what was written again":       {func(f *fetching) { f.write("runs/"+f.run.ID+"/a_out.pkl", "other") }, "a_out", "is not what run", "name the run that wrote it last"},
		"another directory":            {func(f *fetching) { f.write("03_primary/parts/c.csv", "x") }, "parts", "is not what run", "versioned"},
		"what stayed in the container": {func(f *fetching) { f.record("local", "/app/data/x.csv", 1, "") }, "local", `is not in S3: its job saved it at "/app/data/x.csv"`, "ends with it"},
		"a path out of the directory": {func(f *fetching) {
			f.record("evil", "s3://"+bucket+"/../../etc/passwd", 4, f.write("../../etc/passwd", "evil"))
		}, "evil", "is no path that a file can be written to", ""},
		"an absolute path": {func(f *fetching) { f.record("evil", "s3://"+bucket+"//etc/passwd", 4, f.write("/etc/passwd", "evil")) }, "evil", "is no path", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFetching(t)
			if test.prepare != nil {
				test.prepare(f)
			}
			_, err := f.get(GetOptions{KeepDays: 30}, "b_out", test.name)
			if err == nil || !strings.Contains(err.Error(), test.err) || !strings.Contains(ui.Hint(err), test.hint) {
				t.Errorf("error %v, hint %q", err, ui.Hint(err))
			}
			if files := tree(t, f.dir); len(files) > 0 {
				t.Errorf("files were written: %v", files)
			}
		})
	}
}

func TestGetOfWhatAJobCouldNotKeep(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = func(int) outcome {
		o := scripted(time.Minute)(1)
		o.loses, o.notKept = []string{"a_out"}, []Unkept{{Dataset: "a_out", Reason: "a lock cannot be pickled"}}
		return o
	}
	r, rep := w.start(input("a"))
	w.follow(r, rep)
	_, err := Get(t.Context(), w.clients, w.clients.S3.(*s3.Client), r, []string{"a_out"}, t.TempDir(), GetOptions{})
	if _, ok := errors.AsType[*NotRecordedError](err); !ok || !strings.Contains(err.Error(), "group a could not keep it: a lock cannot be pickled") {
		t.Errorf("error %v", err)
	}
}

// Links below the directory lead nowhere else, and a fetch that breaks off leaves nothing.
func TestGetStaysInItsDirectoryAndLeavesNoHalves(t *testing.T) {
	f := newFetching(t)
	outside := t.TempDir()
	f.must(os.MkdirAll(f.dir, 0o755))
	f.must(os.Symlink(outside, filepath.Join(f.dir, "03_primary")))
	if _, err := f.get(GetOptions{}, "parts"); err == nil || !strings.Contains(err.Error(), "escapes") {
		t.Errorf("error %v", err)
	}
	if files := tree(t, outside); len(files) > 0 {
		t.Errorf("files outside: %v", files)
	}
	f.must(os.Remove(filepath.Join(f.dir, "03_primary")))
	f.fault = func(operation string, n int) fault {
		if strings.HasPrefix(operation, "GET") && strings.HasSuffix(operation, "a_out.pkl") {
			return refused
		}
		return none
	}
	if _, err := f.get(GetOptions{}, "a_out"); err == nil {
		t.Error("no error")
	}
	if files := tree(t, f.dir); len(files) > 0 {
		t.Errorf("files left: %v", files)
	}
}
