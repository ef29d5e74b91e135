package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// upload is a project with files, its plan, and its bucket.
type upload struct {
	*testAWS
	project project.Project
	plan    plan.Plan
}

func newUpload(t *testing.T, files map[string]string, datasets ...plan.Dataset) *upload {
	t.Helper()
	u := &upload{testAWS: embedded(t), project: testProject(t), plan: plan.Plan{Datasets: datasets}}
	must(t, u.s3.CreateBucket, &s3.CreateBucketInput{Bucket: &u.project.Settings.Bucket,
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: testRegion}})
	for name, content := range files {
		u.write(t, name, content)
	}
	return u
}

func (u *upload) write(t *testing.T, name, content string) {
	t.Helper()
	file := filepath.Join(u.project.Dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (u *upload) run(t *testing.T, o UploadOptions) (Uploaded, error) {
	t.Helper()
	in, err := NewInputs(u.project, u.plan)
	if err != nil {
		t.Fatal(err)
	}
	return Upload(t.Context(), u.s3, in, o)
}

func (u *upload) objects(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, o := range must(t, u.s3.ListObjectsV2, &s3.ListObjectsV2Input{Bucket: &u.project.Settings.Bucket}).Contents {
		body := must(t, u.s3.GetObject, &s3.GetObjectInput{Bucket: &u.project.Settings.Bucket, Key: o.Key}).Body
		content, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		all[*o.Key] = string(content)
	}
	return all
}

func input(name, local string) plan.Dataset {
	return plan.Dataset{Name: name, Role: plan.Input, Action: plan.Move, Local: local,
		Path: "s3://kedro-spaceflights-3f9c02ab/" + strings.TrimPrefix(local, "data/")}
}

func TestUploadSendsTheFreeInputs(t *testing.T) {
	u := newUpload(t, map[string]string{
		"data/01_raw/companies.csv":        "a",
		"data/01_raw/parts/2024/x.csv":     "x",
		"data/01_raw/parts/y.csv":          "y",
		"data/01_raw/parts/.gitkeep":       "",
		"data/01_raw/parts/empty.csv":      "",
		"data/01_raw/parts/.cache/z.csv":   "z",
		"data/02_v/t.csv/2026-01-01/t.csv": "versioned",
		"data/01_raw/reviews.csv":          "in the bucket by the catalog's word",
		"data/01_raw/theirs.csv":           "belongs elsewhere",
		"data/03_primary/not_an_input.csv": "output",
		"data/01_raw/not_in_the_plan.csv":  "spare",
		"docs/shuttles.xlsx":               "outside data",
	},
		input("companies", "data/01_raw/companies.csv"),
		input("parts", "data/01_raw/parts"),
		input("versioned", "data/02_v/t.csv"),
		input("shuttles", "docs/shuttles.xlsx"),
		plan.Dataset{Name: "reviews", Role: plan.Input, Path: "s3://kedro-spaceflights-3f9c02ab/01_raw/reviews.csv"},
		plan.Dataset{Name: "daily", Role: plan.Input, Local: "data/<day>/x.csv", Path: "s3://kedro-spaceflights-3f9c02ab/<day>/x.csv", Open: true},
		plan.Dataset{Name: "theirs", Role: plan.Input, Local: "data/01_raw/theirs.csv", Path: "s3://company-lake/01_raw/theirs.csv"},
		plan.Dataset{Name: "primary", Role: plan.Crossing, Local: "data/03_primary/not_an_input.csv", Path: "s3://kedro-spaceflights-3f9c02ab/03_primary/not_an_input.csv"},
	)
	var mu sync.Mutex
	var last, whole int64
	done, err := u.run(t, UploadOptions{Progress: func(done, total int64) {
		mu.Lock()
		defer mu.Unlock()
		last, whole = max(last, done), total
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"01_raw/companies.csv": "a", "01_raw/parts/2024/x.csv": "x", "01_raw/parts/y.csv": "y", "01_raw/parts/empty.csv": "", "02_v/t.csv/2026-01-01/t.csv": "versioned",
		"docs/shuttles.xlsx": "outside data", "01_raw/reviews.csv": "in the bucket by the catalog's word",
	}
	if diff := cmp.Diff(want, u.objects(t)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if len(done.Sent) != len(want) || last != whole || whole != total(done.Sent) {
		t.Errorf("sent %v; progress ended at %d of %d", done.Sent, last, whole)
	}
	again, err := u.run(t, UploadOptions{})
	if err != nil || len(again.Sent) > 0 || again.Same != len(want) {
		t.Errorf("second upload: %+v, %v", again, err)
	}
}

func TestUploadSendsRawData(t *testing.T) {
	u := newUpload(t, map[string]string{"data/01_raw/a.csv": "a", "data/01_raw/deep/b.csv": "b", "data/02_intermediate/c.csv": "c"},
		input("a", "data/01_raw/a.csv"))
	u.project.Settings.RawData = "data/01_raw"
	if _, err := u.run(t, UploadOptions{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"01_raw/a.csv", "01_raw/deep/b.csv"}, slices.Sorted(maps.Keys(u.objects(t)))); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestUploadLeavesWhatDiffers(t *testing.T) {
	u := newUpload(t, map[string]string{"data/a.csv": "old", "data/b.csv": "same"}, input("a", "data/a.csv"), input("b", "data/b.csv"))
	if _, err := u.run(t, UploadOptions{}); err != nil {
		t.Fatal(err)
	}
	u.write(t, "data/a.csv", "new")
	done, err := u.run(t, UploadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Different) != 1 || done.Different[0].Key != "a.csv" || done.Different[0].LocalTime.IsZero() || done.Different[0].BucketTime.IsZero() {
		t.Errorf("different: %+v", done.Different)
	}
	if got := u.objects(t)["a.csv"]; got != "old" {
		t.Errorf("a.csv in the bucket is %q, want it untouched", got)
	}
	if _, err := u.run(t, UploadOptions{Force: true}); err != nil || u.objects(t)["a.csv"] != "new" {
		t.Errorf("by force: %v, %v", u.objects(t), err)
	}
}

func TestUploadKnowsWhatOtherToolsSent(t *testing.T) {
	u := newUpload(t, map[string]string{"data/a.csv": "aaa", "data/b.csv": "bbb"}, input("a", "data/a.csv"), input("b", "data/b.csv"))
	for key, content := range map[string]string{"a.csv": "aaa", "b.csv": "BBB"} {
		must(t, u.s3.PutObject, &s3.PutObjectInput{Bucket: &u.project.Settings.Bucket, Key: aws.String(key), Body: strings.NewReader(content)})
	}
	done, err := u.run(t, UploadOptions{})
	if err != nil || done.Same != 1 || len(done.Different) != 1 || done.Different[0].Key != "b.csv" {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestUploadMissesWhatIsNowhere(t *testing.T) {
	u := newUpload(t, nil, input("companies", "data/01_raw/companies.csv"), input("parts", "data/01_raw/parts"), input("reviews", "data/01_raw/reviews.csv"))
	must(t, u.s3.PutObject, &s3.PutObjectInput{Bucket: &u.project.Settings.Bucket, Key: aws.String("01_raw/parts/x.csv"), Body: strings.NewReader("x")})
	must(t, u.s3.PutObject, &s3.PutObjectInput{Bucket: &u.project.Settings.Bucket, Key: aws.String("01_raw/reviews.csv.bak"), Body: strings.NewReader("x")})
	_, err := u.run(t, UploadOptions{})
	var missing *MissingError
	if !errors.As(err, &missing) || ui.Hint(err) == "" {
		t.Fatalf("error %v, hint %q", err, ui.Hint(err))
	}
	want := []string{"companies (data/01_raw/companies.csv)", "reviews (data/01_raw/reviews.csv)"}
	if diff := cmp.Diff(want, missing.Inputs); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

// Jobs see the bucket alone: a file that is only here is missing for them.
func TestInputsOfARunThatIsAboutToStart(t *testing.T) {
	u := newUpload(t, map[string]string{"data/a.csv": "a", "data/parts/x.csv": "x"}, input("a", "data/a.csv"), input("parts", "data/parts"), input("b", "data/b.csv"))
	u.project.Settings.RawData = "data/parts"
	check := func() error {
		in, err := NewInputs(u.project, u.plan)
		if err != nil {
			t.Fatal(err)
		}
		return in.CheckBucket(t.Context(), u.s3)
	}
	var missing *MissingError
	if err := check(); !errors.As(err, &missing) || !strings.Contains(ui.Hint(err), "kedroctl upload") {
		t.Fatalf("error %v, hint %q", err, ui.Hint(err))
	}
	if diff := cmp.Diff([]string{"a (data/a.csv)", "parts (data/parts)", "b (data/b.csv)"}, missing.Inputs); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	for _, key := range []string{"a.csv", "parts/x.csv", "b.csv"} {
		must(t, u.s3.PutObject, &s3.PutObjectInput{Bucket: &u.project.Settings.Bucket, Key: aws.String(key), Body: strings.NewReader("x")})
	}
	if err := check(); err != nil {
		t.Errorf("all is there: %v", err)
	}
}

func TestUploadSendsLargeFilesInParts(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 17<<20/16)
	u := newUpload(t, map[string]string{"data/large.bin": large}, input("large", "data/large.bin"))
	if _, err := u.run(t, UploadOptions{}); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(u.mutations(), "S3.CompleteMultipartUpload") || u.objects(t)["large.bin"] != large {
		t.Error("the file was not sent in parts, or not whole")
	}
	if again, err := u.run(t, UploadOptions{}); err != nil || again.Same != 1 {
		t.Errorf("second upload: %+v, %v", again, err)
	}
	u.write(t, "data/large.bin", large[1:]+"x")
	if changed, err := u.run(t, UploadOptions{}); err != nil || len(changed.Different) != 1 {
		t.Errorf("after a change that keeps the size: %+v, %v", changed, err)
	}
}

func TestUploadWithoutABucket(t *testing.T) {
	u := newUpload(t, map[string]string{"data/a.csv": "a"}, input("a", "data/a.csv"))
	must(t, u.s3.DeleteBucket, &s3.DeleteBucketInput{Bucket: &u.project.Settings.Bucket})
	_, err := u.run(t, UploadOptions{})
	if err == nil || !strings.Contains(ui.Hint(err), "kedroctl provision") {
		t.Errorf("error %v, hint %q", err, ui.Hint(err))
	}
}

func TestUploadAsksFirst(t *testing.T) {
	u := newUpload(t, map[string]string{"data/a.csv": "12345"}, input("a", "data/a.csv"))
	no := errors.New("no")
	_, err := u.run(t, UploadOptions{Confirm: func(files int, bytes int64) error {
		if files != 1 || bytes != 5 {
			t.Errorf("asked for %d files, %d bytes", files, bytes)
		}
		return no
	}})
	if !errors.Is(err, no) || len(u.objects(t)) > 0 {
		t.Errorf("after the answer no: %v, %v", err, u.objects(t))
	}
}

func TestRawDataStaysInTheProject(t *testing.T) {
	for _, dir := range []string{"../other", "/etc", "data/../../x"} {
		p := testProject(t)
		p.Settings.RawData = dir
		_, err := NewInputs(p, plan.Plan{})
		var settings *project.SettingsError
		if !errors.As(err, &settings) {
			t.Errorf("raw_data %s: %v", dir, err)
		}
	}
}

func TestUploadIsInterruptedAndGoesOn(t *testing.T) {
	u := newUpload(t, map[string]string{"data/a.csv": "a", "data/b.csv": "b", "data/c.csv": "c"},
		input("a", "data/a.csv"), input("b", "data/b.csv"), input("c", "data/c.csv"))
	u.kill(2, true)
	if _, err := u.run(t, UploadOptions{}); !errors.Is(err, errKilled) {
		t.Fatalf("interrupted upload: %v", err)
	}
	u.revive()
	done, err := u.run(t, UploadOptions{})
	if err != nil || len(u.objects(t)) != 3 || len(done.Different) > 0 {
		t.Errorf("%+v, %v", done, err)
	}
}

// brokenPart fails one part, once all before it are there.
type brokenPart struct {
	Store
	number int32
	sent   sync.WaitGroup
}

func breakPart(store Store, number int32) *brokenPart {
	b := &brokenPart{Store: store, number: number}
	b.sent.Add(int(number) - 1)
	return b
}

func (b *brokenPart) UploadPart(ctx context.Context, in *s3.UploadPartInput, o ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	if *in.PartNumber == b.number {
		b.sent.Wait()
		return nil, errors.New("the line is cut")
	}
	defer b.sent.Done()
	return b.Store.UploadPart(ctx, in, o...)
}

func TestUploadGoesOnWithThePartsThatAreThere(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 50<<20/16)
	u := newUpload(t, map[string]string{"data/large.bin": large}, input("large", "data/large.bin"))
	in, err := NewInputs(u.project, u.plan)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Upload(t.Context(), breakPart(u.s3, 4), in, UploadOptions{})
	if err == nil || !strings.Contains(err.Error(), "send data/large.bin to s3://kedro-spaceflights-3f9c02ab/large.bin: the line is cut") {
		t.Fatalf("broken upload: %v", err)
	}
	there := slices.Collect(maps.Keys(u.objects(t)))
	u.mutations()
	if _, err := Upload(t.Context(), u.s3, in, UploadOptions{}); err != nil || len(there) > 0 || u.objects(t)["large.bin"] != large {
		t.Fatalf("second upload: %v; before it the bucket had %q", err, there)
	}
	calls := u.mutations()
	if slices.Contains(calls, "S3.CreateMultipartUpload") || len(calls) != 2 || !slices.Contains(calls, "S3.CompleteMultipartUpload") {
		t.Errorf("calls of the second upload: %q", calls)
	}
}

// A file that has changed since is sent whole, whatever parts of the old one are there.
func TestUploadOfAFileThatChangedInBetween(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 20<<20/16)
	u := newUpload(t, map[string]string{"data/large.bin": large}, input("large", "data/large.bin"))
	in, err := NewInputs(u.project, u.plan)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Upload(t.Context(), breakPart(u.s3, 2), in, UploadOptions{}); err == nil {
		t.Fatal("no error")
	}
	large = strings.Repeat("fedcba9876543210", 30<<20/16)
	u.write(t, "data/large.bin", large)
	if _, err := Upload(t.Context(), u.s3, in, UploadOptions{}); err != nil || u.objects(t)["large.bin"] != large {
		t.Errorf("second upload: %v", err)
	}
}

// What nobody has touched is not read again: a change that leaves size, time and inode is not seen.
func TestUploadDoesNotReadTwice(t *testing.T) {
	u := newUpload(t, nil, input("parts", "data/parts"), input("one", "data/one.csv"))
	long := time.Now().Add(-time.Hour)
	files := []string{"data/one.csv"}
	for i := range 20 {
		files = append(files, fmt.Sprintf("data/parts/%02d.csv", i))
	}
	for _, name := range files {
		u.write(t, name, "old")
		if err := os.Chtimes(filepath.Join(u.project.Dir, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	if done, err := u.run(t, UploadOptions{}); err != nil || len(done.Sent) != len(files) {
		t.Fatalf("%+v, %v", done, err)
	}
	for _, name := range files {
		u.write(t, name, "new") // in place
		if err := os.Chtimes(filepath.Join(u.project.Dir, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	if done, err := u.run(t, UploadOptions{}); err != nil || done.Same != len(files) {
		t.Errorf("not read: %+v, %v", done, err)
	}
	if err := os.Remove(filepath.Join(u.project.Dir, ".kedroctl", "uploads.json")); err != nil {
		t.Fatal(err)
	}
	if done, err := u.run(t, UploadOptions{}); err != nil || len(done.Different) != len(files) {
		t.Errorf("read, as nothing is remembered: %+v, %v", done, err)
	}
	must(t, u.s3.PutObject, &s3.PutObjectInput{Bucket: &u.project.Settings.Bucket, Key: aws.String("parts/00.csv"), Body: strings.NewReader("new")})
	if done, err := u.run(t, UploadOptions{}); err != nil || done.Same != 1 {
		t.Errorf("another object counts: %+v, %v", done, err)
	}
}
