package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	sdkbatch "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/run"
)

// fakePython stands in for the project's interpreter: it says that it has Kedro, and introspects by copying snapshot.json of the project.
// FAKE_PYTHON=nokedro makes it an interpreter without Kedro; a file lacks-s3fs in HOME makes it one without s3fs, and so on. As a job it does what the scripts'
// other jobs do.
func fakePython() {
	if os.Getenv("FAKE_PYTHON") == "nokedro" {
		fmt.Fprintln(os.Stderr, "ModuleNotFoundError: No module named 'kedro'")
		os.Exit(1)
	}
	if slices.Contains(os.Args, "-c") {
		describeFake()
		return
	}
	if slices.Contains(os.Args, "kedroctl_boot") {
		fakeJob()
		return
	}
	out, dir := after("--out"), after("--project")
	text, err := os.ReadFile(filepath.Join(dir, "snapshot.json"))
	if err == nil {
		err = os.WriteFile(out, text, 0o600)
	}
	if err == nil {
		err = os.WriteFile(after("--reads"), fmt.Appendf(nil, `{"executable": %q, "files": [%q], "variables": ["FAKE_PYTHON"]}`, os.Args[0], filepath.Join(dir, "snapshot.json")), 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if s, err := readSnapshot(dir); err != nil || len(s.Errors) > 0 {
		os.Exit(1)
	}
}

// describeFake answers whatever an interpreter is asked. Jobs find the user's packages by PYTHONUSERBASE.
func describeFake() {
	answer := project.Interpreter{Path: os.Args[0], UserBase: os.Getenv("HOME")}
	for _, module := range os.Args {
		if _, err := os.Stat(filepath.Join(os.Getenv("PYTHONUSERBASE"), "lacks-"+module)); err == nil {
			answer.Missing = append(answer.Missing, module)
		}
	}
	text, err := json.Marshal(answer)
	fmt.Printf("kedroctl-probe 3.12.4 1.7.0\nkedroctl-interpreter %s\n", text)
	if err != nil {
		os.Exit(1)
	}
}

// fakeJob is a job in a process of its own, with what its environment gives it. The flag --sleep lets it go on for a minute, --fail lets
// it fail.
func fakeJob() {
	if slices.Contains(os.Args, "--fail") {
		fmt.Fprintln(os.Stderr, "the job was told to fail")
		os.Exit(1)
	}
	if slices.Contains(os.Args, "--sleep") {
		time.Sleep(time.Minute)
	}
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err == nil {
		job := batch.Attempt{JobID: os.Getenv("AWS_BATCH_JOB_ID"), Number: 1, Env: map[string]string{"KEDROCTL_REQUEST": os.Getenv("KEDROCTL_REQUEST")}}
		err = boot(ctx, cfg, job)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// after is the argument behind a flag.
func after(flag string) string {
	if i := slices.Index(os.Args, flag); i >= 0 && i+1 < len(os.Args) {
		return os.Args[i+1]
	}
	return ""
}

func readSnapshot(dir string) (s project.Snapshot, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "snapshot.json"))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

// aws is a client's configuration for the world's server.
func (w *world) aws() aws.Config {
	info := w.server.Info()
	return aws.Config{Region: info.Region, BaseEndpoint: &info.Endpoint, Credentials: credentials.NewStaticCredentialsProvider(info.AccessKey, info.SecretKey, "")}
}

// ofJob is the same with the credentials of a job's role.
func (w *world) ofJob(job batch.Attempt) aws.Config {
	cfg := w.aws()
	if uri := job.Env["AWS_CONTAINER_CREDENTIALS_FULL_URI"]; uri != "" {
		cfg.Credentials = aws.NewCredentialsCache(endpointcreds.New(uri))
	}
	return cfg
}

func (w *world) s3() *s3.Client { return newS3(w.aws()) }

func newS3(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

// running counts the jobs that run.
func (w *world) running() (n int, err error) {
	client := sdkbatch.NewFromConfig(w.aws())
	queues, err := client.DescribeJobQueues(context.Background(), nil)
	if err != nil {
		return 0, err
	}
	for _, q := range queues.JobQueues {
		jobs, err := client.ListJobs(context.Background(), &sdkbatch.ListJobsInput{JobQueue: q.JobQueueName}) // without a status: those that run
		if err != nil {
			return 0, err
		}
		n += len(jobs.JobSummaryList)
	}
	return n, nil
}

// boot does what the container entry would: it writes each output that the request asks for, and the record.
func boot(ctx context.Context, cfg aws.Config, job batch.Attempt) error {
	var request struct {
		Bucket, Run, Group, Key string
		Try                     int
		Outputs                 []string
	}
	if err := json.Unmarshal([]byte(job.Env["KEDROCTL_REQUEST"]), &request); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	store := newS3(cfg)
	plan := ".kedroctl/runs/" + request.Run + "/plan.json"
	object, err := store.GetObject(ctx, &s3.GetObjectInput{Bucket: &request.Bucket, Key: &plan})
	if err != nil {
		return err
	}
	defer object.Body.Close()
	var r run.Run
	if err := json.NewDecoder(object.Body).Decode(&r); err != nil {
		return err
	}
	record := run.Record{Schema: 1, Run: request.Run, Group: request.Group, Try: request.Try, Attempt: job.Number, Job: job.JobID, Started: time.Now(), Ended: time.Now()}
	for _, d := range r.Plan.Datasets {
		if !slices.Contains(request.Outputs, d.Name) {
			continue
		}
		saved := run.Saved{Dataset: d.Name, Path: strings.ReplaceAll(d.Path, "{run}", request.Run)}
		if d.Versioned {
			saved.Version, saved.Path = request.Run, path.Join(strings.TrimPrefix(saved.Path, "s3://"), request.Run, path.Base(saved.Path))
			saved.Path = "s3://" + saved.Path
		}
		key := strings.TrimPrefix(saved.Path, "s3://"+request.Bucket+"/")
		put, err := store.PutObject(ctx, &s3.PutObjectInput{Bucket: &request.Bucket, Key: &key, Body: strings.NewReader(d.Name)})
		if err != nil {
			return err
		}
		size := int64(len(d.Name))
		saved.Size, saved.ETag = &size, aws.ToString(put.ETag)
		record.Outputs = append(record.Outputs, saved)
	}
	body, err := json.Marshal(record)
	if err != nil {
		return err
	}
	key := fmt.Sprintf(".kedroctl/runs/%s/records/%s-t%d-a%d.json", request.Run, request.Key, request.Try, job.Number)
	_, err = store.PutObject(ctx, &s3.PutObjectInput{Bucket: &request.Bucket, Key: &key, Body: bytes.NewReader(body)})
	return err
}

// pushImage puts an image of random content into the registry under the project's input key.
func pushImage(w *world, dir string) error {
	p, err := project.Load(dir, project.LoadOptions{})
	if err != nil {
		return err
	}
	s, err := readSnapshot(dir)
	if err != nil {
		return err
	}
	key, err := build.InputKey(p, s)
	if err != nil {
		return err
	}
	token, err := ecr.NewFromConfig(w.aws()).GetAuthorizationToken(context.Background(), nil)
	if err != nil {
		return err
	}
	login, err := base64.StdEncoding.DecodeString(aws.ToString(token.AuthorizationData[0].AuthorizationToken))
	if err != nil {
		return err
	}
	user, password, _ := strings.Cut(string(login), ":")
	host := strings.TrimPrefix(w.server.Info().Endpoint, "http://")
	ref, err := name.ParseReference(host+"/"+p.Settings.Image.Repository+":"+key, name.Insecure)
	if err != nil {
		return err
	}
	image, err := random.Image(64, 1)
	if err != nil {
		return err
	}
	return remote.Write(ref, image, remote.WithAuth(&authn.Basic{Username: user, Password: password}))
}

// object says whether the bucket of the project in dir has a key, and removes it if asked to.
func (w *world) object(dir, key string, remove bool) (bool, error) {
	p, err := project.Load(dir, project.LoadOptions{})
	if err != nil {
		return false, err
	}
	store := w.s3()
	page, err := store.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: &p.Settings.Bucket, Prefix: &key})
	if err != nil {
		return false, err
	}
	found := false
	for _, o := range page.Contents {
		if *o.Key != key && !strings.HasSuffix(key, "/") {
			continue
		}
		found = true
		if remove {
			_, err = store.DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: &p.Settings.Bucket, Key: o.Key})
		}
		if err != nil {
			return found, err
		}
	}
	return found, nil
}

// undocumented lists the keys of kedroctl's own objects, and of what it keeps for runs, in the bucket of the project in dir that no row of the table of
// docs/container.md describes.
func (w *world) undocumented(dir string) ([]string, error) {
	p, err := project.Load(dir, project.LoadOptions{})
	if err != nil {
		return nil, err
	}
	page, err := os.ReadFile("../../docs/container.md")
	if err != nil {
		return nil, err
	}
	_, table, _ := strings.Cut(string(page), "\n| key | writer |")
	var rows []string
	for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(table, -1) {
		rows = append(rows, regexp.MustCompile("<[a-z]+>").ReplaceAllString(regexp.QuoteMeta(quoted[1]), "[^/]+"))
	}
	known := regexp.MustCompile("^(" + strings.Join(rows, "|") + ")$")
	pages := s3.NewListObjectsV2Paginator(w.s3(), &s3.ListObjectsV2Input{Bucket: &p.Settings.Bucket})
	var unknown []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			top, _, _ := strings.Cut(*o.Key, "/")
			if slices.Contains([]string{".kedroctl", "runs", "outputs"}, top) && !known.MatchString(*o.Key) {
				unknown = append(unknown, *o.Key)
			}
		}
	}
	return unknown, nil
}

// grep lists the files that contain a text.
func grep(tree fs.FS, text string) (found []string, err error) {
	err = fs.WalkDir(tree, ".", func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := fs.ReadFile(tree, file)
		if bytes.Contains(content, []byte(text)) {
			found = append(found, file)
		}
		return err
	})
	return found, err
}
