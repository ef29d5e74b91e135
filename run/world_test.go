package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/batchjob"
	local "github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/logs"
	"github.com/kedroctl/kedroctl/internal/local/objects"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

const (
	bucket   = "kedro-test-1a2b3c4d"
	logGroup = "/kedroctl/test/aws_batch"
)

// world is an AWS of its own for one test: the embedded services, containers by script, and a clock that moves when the driver sleeps.
type world struct {
	*testing.T
	clock   *clock.Fake
	service *local.Service
	output  *logs.Service
	buckets *objects.Service
	batch   *batch.Client // without the budget
	clients Clients
	script  map[string]func(attempt int) outcome // by group; without one a container saves its outputs and exits 0 after a minute
	fault   func(operation string, n int) fault  // what befalls the nth call of an operation, from 1
	before  func(operation string)               // is called before a call takes effect,
	after   func(operation string)               // and after
	lag     time.Duration                        // after which Batch lists a job as it is
	inner   Clients                              // without faults: what containers use
	onSleep func()
	hunger  map[string]int64 // by group: MiB below which its containers run out of memory

	mu      sync.Mutex
	calls   map[string]int
	started []string                        // groups, in the order in which the work of their containers started
	ended   []string                        // and ended
	begins  func(group string, attempt int) // is called when work starts
	ends    func(group string, code *int32) // and when it ends; of work that was stopped there is no code
	retries bool                            // whether clients of S3 repeat what failed, as the SDK's own do
}

// outcome is what a container does.
type outcome struct {
	takes   time.Duration
	exit    local.Exit
	lines   []string
	every   time.Duration // between two lines; 0: all at the start
	errors  *ProgramError
	loses   []string // outputs that it does not save
	peak    int      // MiB
	silent  bool     // it leaves no record, as one that is killed
	notKept []Unkept
}

type fault int

const (
	none     fault = iota
	refused        // 400, without effect
	expired        // 403: the credentials have
	broken         // 500, without effect
	throttle       // 429, without effect
	cutOff         // the connection breaks after the effect
	offline        // there is no connection
)

func newWorld(t *testing.T) *world {
	w := &world{
		T: t, clock: clock.NewFake(time.Date(2026, 11, 23, 9, 55, 12, 345678901, time.UTC)),
		script: map[string]func(int) outcome{}, fault: func(string, int) fault { return none }, onSleep: func() {},
		before: func(string) {}, after: func(string) {}, begins: func(string, int) {}, ends: func(string, *int32) {},
		calls: map[string]int{}, hunger: map[string]int64{},
	}
	var err error
	w.output, err = logs.New(logs.Options{Region: "eu-west-1", Account: "123456789012", Now: w.Now})
	w.must(err)
	w.service, err = local.New(local.Options{Region: "eu-west-1", Account: "123456789012", Clock: w.clock, Runner: w, Logs: w.output, Step: time.Second,
		Lags: func() local.Lags { return local.Lags{List: w.lag} }})
	w.must(err)
	w.buckets, err = objects.New(objects.Options{Dir: t.TempDir(), Region: "eu-west-1", Account: "123456789012", Now: w.Now})
	w.must(err)
	w.clients, w.inner = w.driver(nil), w.driver(&life{inner: true})
	w.batch = w.clients.Batch.(*Budget).api.(*batch.Client)
	_, err = w.clients.Logs.(*cloudwatchlogs.Client).CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(logGroup)})
	w.must(err)
	_, err = w.clients.S3.(*s3.Client).CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String(bucket), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	})
	w.must(err)
	w.provision(w.batch)
	return w
}

// driver gives what a process of its own has: its clients, a budget, and a life where it has one.
func (w *world) driver(l *life) Clients {
	config := aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	config.BaseEndpoint = aws.String("http://aws.test")
	client := func(h http.Handler) *http.Client { return &http.Client{Transport: transport{w, h, l}} }
	jobs := batch.NewFromConfig(config, func(o *batch.Options) { o.HTTPClient = client(w.service) })
	store := s3.NewFromConfig(config, func(o *s3.Options) {
		o.HTTPClient, o.UsePathStyle = client(w.buckets), true
		if w.retries {
			o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		}
	})
	reader := cloudwatchlogs.NewFromConfig(config, func(o *cloudwatchlogs.Options) { o.HTTPClient = client(w.output) })
	return Clients{Batch: NewBudget(jobs, w), S3: store, Logs: reader, Clock: w}
}

// life is that of a driver that is killed after its nth call: nothing that it does then has any effect.
type life struct {
	mu    sync.Mutex
	calls int
	last  int
	kill  context.CancelFunc
	inner bool // no driver's: it is neither counted nor befallen by faults
}

var errKilled = errors.New("the driver was killed")

// spend says whether the driver lives to make another call, and whether that is its last.
func (l *life) spend() (alive, last bool) {
	if l == nil || l.inner {
		return true, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	return l.calls <= l.last, l.calls == l.last
}

// provision makes a queue "kedro" and the job definitions "kedro:1" and, with the output in Batch's default group, "shared-logs:1".
func (w *world) provision(c *batch.Client) {
	_, err := c.CreateComputeEnvironment(w.Context(), &batch.CreateComputeEnvironmentInput{
		ComputeEnvironmentName: aws.String("kedro"), Type: types.CETypeManaged, ServiceRole: aws.String("arn:aws:iam::123456789012:role/batch"),
		ComputeResources: &types.ComputeResource{
			Type: types.CRTypeEc2, MinvCpus: aws.Int32(0), MaxvCpus: aws.Int32(4096), InstanceTypes: []string{"m5", "g5"}, Subnets: []string{"subnet-1"},
			SecurityGroupIds: []string{"sg-1"}, InstanceRole: aws.String("arn:aws:iam::123456789012:instance-profile/ecs"),
		},
	})
	w.must(err)
	w.clock.Advance(time.Minute)
	_, err = c.CreateJobQueue(w.Context(), &batch.CreateJobQueueInput{
		JobQueueName: aws.String("kedro"), Priority: aws.Int32(1), State: types.JQStateEnabled,
		ComputeEnvironmentOrder: []types.ComputeEnvironmentOrder{{Order: aws.Int32(1), ComputeEnvironment: aws.String("kedro")}},
	})
	w.must(err)
	w.clock.Advance(time.Minute)
	w.define(c, "kedro", &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{"awslogs-group": logGroup}})
	w.define(c, "shared-logs", nil)
	clear(w.calls)
}

func (w *world) define(c *batch.Client, name string, output *types.LogConfiguration) {
	_, err := c.RegisterJobDefinition(w.Context(), &batch.RegisterJobDefinitionInput{
		JobDefinitionName: &name, Type: types.JobDefinitionTypeContainer,
		ContainerProperties: &types.ContainerProperties{
			Image:                aws.String("123456789012.dkr.ecr.eu-west-1.amazonaws.com/kedro@sha256:" + strings.Repeat("0", 64)),
			ResourceRequirements: batchjob.Requirements(project.Resources{VCPUs: 2, Memory: 4096}), LogConfiguration: output,
		},
	})
	w.must(err)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// Now and Sleep make the world a Clock: time passes while the driver sleeps.
func (w *world) Now() time.Time { return w.clock.Now() }

func (w *world) Sleep(ctx context.Context, d time.Duration) error {
	w.clock.Advance(d)
	w.onSleep()
	return ctx.Err()
}

// Start makes the world the runner of Batch's containers.
func (w *world) Start(a local.Attempt, e local.Events) func() {
	o := outcome{takes: time.Minute, exit: local.Exited(0)}
	group := a.Env["KEDROCTL_GROUP"]
	if script := w.script[group]; script != nil {
		o = script(a.Number)
	}
	if most := w.hunger[group]; a.MemoryMiB < most {
		o = outcome{takes: time.Minute, exit: local.OutOfMemory(), silent: true}
	}
	e.Running()
	if owner := w.claimWork(a); owner != a.JobID { // a twin
		stop := w.clock.AfterFunc(time.Second, func() { e.Done(local.Exited(exitTwin)) })
		return func() { stop(); e.Done(local.Exited(143)) }
	}
	w.note(&w.started, group)
	w.begins(group, a.Number)
	for i, line := range o.lines {
		if o.every == 0 {
			e.Line(line)
		} else {
			w.clock.AfterFunc(o.every*time.Duration(i+1), func() { e.Line(line) })
		}
	}
	stop := w.clock.AfterFunc(o.takes, func() {
		w.leave(a, o)
		w.note(&w.ended, group)
		w.ends(group, o.exit.Code)
		e.Done(o.exit)
	})
	return func() { stop(); w.ends(group, nil); e.Done(local.Exited(143)) }
}

// claimWork is what the container entry does first, and gives the job that has the work.
func (w *world) claimWork(a local.Attempt) string {
	q := w.request(a.Env["KEDROCTL_REQUEST"])
	r, try := Run{ID: q.Run, Plan: plan.Plan{Bucket: bucket}}, Submission{Key: q.Key, Try: q.Try}
	err := w.inner.put(context.Background(), bucket, r.object("claims", tryName(try)), workClaim{a.JobID}, aws.String("*"))
	if lostRace(err) {
		owner, err := w.inner.worker(context.Background(), r, try)
		w.must(err)
		return owner
	}
	w.must(err)
	return a.JobID
}

func (w *world) note(list *[]string, group string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*list = append(*list, group)
}

// leave is what the container entry does at its end: outputs and record are in the bucket.
func (w *world) leave(a local.Attempt, o outcome) {
	if o.exit.Code == nil || o.silent {
		return
	}
	q := w.request(a.Env["KEDROCTL_REQUEST"])
	rec := Record{Schema: 1, Run: q.Run, Group: q.Group, Try: q.Try, Attempt: a.Number, Job: a.JobID, Exit: *o.exit.Code, Error: o.errors, NotKept: o.notKept, PeakMemory: o.peak,
		Started: w.Now().Add(-o.takes), Ended: w.Now()}
	for _, name := range q.Outputs {
		if rec.Exit == 0 && !strings.Contains(strings.Join(o.loses, " "), name) {
			rec.Outputs = append(rec.Outputs, w.save(q, name))
		} else {
			rec.Missing = append(rec.Missing, name)
		}
	}
	r := Run{ID: q.Run}
	w.must(w.inner.put(context.Background(), q.Bucket, r.object("records", fmt.Sprintf("%s-t%d-a%d.json", q.Key, q.Try, a.Number)), rec, nil))
}

func (w *world) request(text string) (q request) {
	w.Helper()
	if _, key, ok := splitURI(text); ok {
		w.must(w.inner.get(context.Background(), bucket, key, &q))
		return q
	}
	w.must(json.Unmarshal([]byte(text), &q))
	return q
}

// save writes one output: where the request says so, else where the catalog has it, versioned when the request pins it.
func (w *world) save(q request, name string) Saved {
	s := Saved{Dataset: name, Path: "s3://" + bucket + "/data/" + name, Size: aws.Int64(int64(len(name)))}
	for _, a := range q.Crossing {
		if a.Name == name && a.Path != "" {
			s.Path = a.Path
		}
	}
	if v := q.Versions[name]; v != "" {
		s.Version, s.Path = v, s.Path+"/"+v+"/"+path.Base(s.Path)
	}
	_, key, _ := splitURI(s.Path)
	s.ETag = w.write(key, name)
	return s
}

func (w *world) write(key, content string) (etag string) {
	w.Helper()
	out, err := w.inner.S3.PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(content)})
	w.must(err)
	return strings.Trim(aws.ToString(out.ETag), `"`)
}

// transport leads requests to a handler without a network, counts them and lets faults befall them.
type transport struct {
	w       *world
	handler http.Handler
	life    *life
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.life != nil && t.life.inner {
		return t.serve(r)
	}
	alive, last := t.life.spend()
	if !alive {
		return nil, errKilled
	}
	if last {
		_, _ = t.serve(r)
		t.life.kill()
		return nil, errKilled
	}
	operation := r.Method + " " + r.URL.Path
	if name, ok := strings.CutPrefix(r.URL.Path, "/v1/"); ok {
		operation = name
	}
	t.w.before(operation)
	defer t.w.after(operation)
	switch t.w.befall(operation) {
	case offline:
		return nil, errors.New("no route to host")
	case refused:
		return answer(r, http.StatusBadRequest, "ClientException"), nil
	case expired:
		return answer(r, http.StatusForbidden, "ExpiredTokenException"), nil
	case broken:
		return answer(r, http.StatusInternalServerError, "ServerException"), nil
	case throttle:
		return answer(r, http.StatusTooManyRequests, "TooManyRequestsException"), nil
	case cutOff:
		_, _ = t.serve(r)
		return nil, errors.New("connection reset by peer")
	}
	return t.serve(r)
}

func (t transport) serve(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	t.handler.ServeHTTP(recorder, r)
	response := recorder.Result()
	response.Request = r
	return response, nil
}

func (w *world) befall(operation string) fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[operation]++
	return w.fault(operation, w.calls[operation])
}

func answer(r *http.Request, status int, code string) *http.Response {
	return &http.Response{
		StatusCode: status, Request: r, Header: http.Header{"X-Amzn-Errortype": {code}, "Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader([]byte(`{"message":"` + code + `"}`))),
	}
}

func (w *world) count(operation string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[operation]
}

// jobs gives Batch's states of all jobs by name.
func (w *world) jobs() map[string]types.JobStatus {
	w.Helper()
	out, err := w.inner.Batch.ListJobs(context.Background(), &batch.ListJobsInput{
		JobQueue: aws.String("kedro"), Filters: []types.KeyValuesPair{{Name: aws.String("JOB_NAME"), Values: []string{"*"}}},
	})
	w.must(err)
	states := make(map[string]types.JobStatus)
	for _, j := range out.JobSummaryList {
		states[aws.ToString(j.JobName)] = j.Status
	}
	if len(states) != len(out.JobSummaryList) {
		w.Fatalf("two jobs of one name among %d", len(out.JobSummaryList))
	}
	return states
}

// told is a Reporter that remembers.
type told struct {
	started   []string // ids of runs, and how many jobs were submitted before
	submitted []string
	changes   []string // "group STATE"
	failures  []Failure
	notices   []Notice
}

func (r *told) Started(n Run) {
	r.started = append(r.started, fmt.Sprint(n.ID, " after ", len(r.submitted), " jobs"))
}
func (r *told) Submitted(j Job)  { r.submitted = append(r.submitted, j.Group) }
func (r *told) Changed(j Job)    { r.changes = append(r.changes, j.Group+" "+j.State) }
func (r *told) Failed(f Failure) { r.failures = append(r.failures, f) }
func (r *told) Notice(n Notice)  { r.notices = append(r.notices, n) }

// input makes a run of groups "name <- parent parent": each has one node that makes the dataset <name>_out of its parents'.
func input(groups ...string) Input {
	in := Input{
		Plan:     plan.Plan{Schema: 1, Project: "test", Package: "test", Env: "aws_batch", Bucket: bucket},
		Snapshot: project.Snapshot{Pipelines: map[string]project.Pipeline{}, Datasets: map[string]project.Dataset{}},
		Queue:    "kedro", JobDefinition: "kedro:1", LogGroup: logGroup, Deployment: "d1", Owner: "ann@laptop",
		Tags: map[string]string{"kedroctl:project": "test"},
	}
	var nodes []project.Node
	for _, text := range groups {
		name, after, _ := strings.Cut(text, " <- ")
		g := plan.Group{
			Name: name, Key: name + "-abc123", Nodes: []string{name + "_node"}, DependsOn: strings.Fields(after), Outputs: []string{name + "_out"},
			Command:   []string{"python", "-m", "kedroctl_boot", "--pipelines", "__default__", "--nodes", name + "_node"},
			Resources: project.Resources{VCPUs: 2, Memory: 4096, Timeout: 3600, Attempts: 2},
		}
		node := project.Node{Name: name + "_node", Outputs: []string{name + "_out"}}
		for _, p := range g.DependsOn {
			node.Inputs = append(node.Inputs, p+"_out")
		}
		g.Inputs = node.Inputs
		nodes = append(nodes, node)
		in.Plan.Groups = append(in.Plan.Groups, g)
		in.Plan.Datasets = append(in.Plan.Datasets, plan.Dataset{
			Name: name + "_out", Role: plan.Crossing, Action: plan.Persist, Path: "s3://" + bucket + "/runs/" + plan.RunID + "/" + name + "_out.pkl",
		})
	}
	in.Snapshot.Pipelines["__default__"] = project.Pipeline{Nodes: nodes}
	return in
}

// start starts a run that has to start.
func (w *world) start(in Input) (Run, *told) {
	w.Helper()
	rep := &told{}
	r, err := Start(w.Context(), w.clients, in, rep)
	w.must(err)
	return r, rep
}

// follow follows a run to an end that must come.
func (w *world) follow(r Run, rep *told) Result {
	w.Helper()
	return w.followWith(r, rep, Options{})
}

func (w *world) followWith(r Run, rep *told, o Options) Result {
	w.Helper()
	result, err := Follow(w.Context(), w.clients, r, o, rep)
	w.must(err)
	return result
}

func states(jobs []Job) map[string]string {
	m := make(map[string]string)
	for _, j := range jobs {
		m[j.Group] = strings.TrimSpace(j.State + " " + j.Cause)
	}
	return maps.Clone(m)
}

// scripted is a container that takes its time and then succeeds.
func scripted(takes time.Duration) func(int) outcome {
	return func(int) outcome { return outcome{takes: takes, exit: local.Exited(0)} }
}
