package run

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	local "github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/logs"
	"github.com/kedroctl/kedroctl/internal/local/objects"
	player "github.com/kedroctl/kedroctl/internal/local/scripted"
)

// roundTrip is what each call to AWS takes in the bench.
const roundTrip = 50 * time.Millisecond

// spaceflights is Kedro's starter in three groups, with the times that were measured of it.
func spaceflights() graph {
	return graph{"spaceflights", [][]int{{}, {0}, {0}}, []time.Duration{33700 * time.Millisecond, 61300 * time.Millisecond, 21900 * time.Millisecond}}
}

// chain is ten groups, one after the other.
func chain() graph {
	g, random := graph{name: "chain"}, rand.New(rand.NewPCG(1, 0))
	for i := range 10 {
		g.parents = append(g.parents, []int{i - 1}[:min(i, 1)])
		g.takes = append(g.takes, 30*time.Second+time.Duration(random.Float64()*float64(time.Minute)))
	}
	return g
}

// fan is one group, then n that wait for it, then one that waits for all of these.
func fan(n int) graph {
	g, random := graph{name: "fan", parents: [][]int{{}}, takes: []time.Duration{300 * time.Second}}, rand.New(rand.NewPCG(2, 0))
	var all []int
	for i := range n {
		g.parents = append(g.parents, []int{0})
		g.takes = append(g.takes, time.Duration((150+300*random.Float64())*float64(time.Second)))
		all = append(all, i+1)
	}
	g.parents, g.takes = append(g.parents, all), append(g.takes, 300*time.Second)
	return g
}

func (g graph) group(i int) string { return fmt.Sprintf("g%d", i) }

// input is the graph as a run is started with it.
func (g graph) input() Input {
	groups := make([]string, len(g.parents))
	for i, parents := range g.parents {
		groups[i] = g.group(i)
		for n, p := range parents {
			groups[i] += []string{" <- ", " "}[min(n, 1)] + g.group(p)
		}
	}
	return input(groups...)
}

// bench is AWS without delays of its own inside a synctest bubble: unlimited capacity, each call takes roundTrip.
type bench struct {
	graph
	clients Clients
	batch   *local.Service
	mu      sync.Mutex
	times   map[string][]time.Time // of the calls, by operation
	refuse  func(operation string) bool
}

func newBench(tb testing.TB, g graph) *bench {
	b := &bench{graph: g, times: map[string][]time.Time{}, refuse: func(string) bool { return false }}
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	const region, account = "eu-west-1", "123456789012"
	output, err := logs.New(logs.Options{Region: region, Account: account, Now: time.Now})
	must(err)
	jobs := player.New(clock.Real{})
	jobs.Find = func(a local.Attempt) (player.Script, bool) {
		var i int
		_, err := fmt.Sscanf(a.Env["KEDROCTL_GROUP"], "g%d", &i)
		return player.Script{Startup: startup, Duration: g.takes[i]}, err == nil
	}
	b.batch, err = local.New(local.Options{Region: region, Account: account, Clock: clock.Real{}, Runner: jobs, Logs: output})
	must(err)
	buckets, err := objects.New(objects.Options{Dir: tb.TempDir(), Region: region, Account: account, Now: time.Now})
	must(err)
	config := aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	at := aws.String("http://aws.test")
	b.clients.Batch = batch.NewFromConfig(config, func(o *batch.Options) { o.BaseEndpoint, o.HTTPClient = at, b.client(b.batch) })
	b.clients.Logs = cloudwatchlogs.NewFromConfig(config, func(o *cloudwatchlogs.Options) { o.BaseEndpoint, o.HTTPClient = at, b.client(output) })
	store := s3.NewFromConfig(config, func(o *s3.Options) { o.BaseEndpoint, o.HTTPClient, o.UsePathStyle = at, b.client(buckets), true })
	b.clients.S3 = store
	b.call("createcomputeenvironment", `{"computeEnvironmentName":"ce","type":"MANAGED","computeResources":{"type":"FARGATE","maxvCpus":1000000,
		"subnets":["subnet-1"],"securityGroupIds":["sg-1"]}}`, nil)
	synctest.Wait()
	time.Sleep(time.Second)
	b.call("createjobqueue", `{"jobQueueName":"kedro","priority":1,"computeEnvironmentOrder":[{"order":0,"computeEnvironment":"ce"}]}`, nil)
	b.call("registerjobdefinition", `{"jobDefinitionName":"kedro","type":"container","platformCapabilities":["FARGATE"],"containerProperties":{"image":"example.com/p:1",
		"executionRoleArn":"arn:aws:iam::123456789012:role/execution","resourceRequirements":[{"type":"VCPU","value":"1"},{"type":"MEMORY","value":"2048"}]}}`, nil)
	_, err = store.CreateBucket(context.Background(), &s3.CreateBucketInput{
		Bucket: aws.String(bucket), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region},
	})
	must(err)
	time.Sleep(time.Second)
	clear(b.times)
	return b
}

// client leads requests to a service, each roundTrip away, and notes when they came.
func (b *bench) client(h http.Handler) *http.Client {
	return &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
		operation, isBatch := strings.CutPrefix(r.URL.Path, "/v1/")
		if !isBatch {
			operation = r.Method
		}
		time.Sleep(roundTrip / 2)
		b.mu.Lock()
		b.times[operation] = append(b.times[operation], time.Now())
		refused := isBatch && b.refuse(operation)
		b.mu.Unlock()
		defer time.Sleep(roundTrip / 2)
		if refused {
			return answer(r, http.StatusTooManyRequests, "TooManyRequestsException"), nil
		}
		if r.Body == nil {
			r.Body = http.NoBody
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		response := w.Result()
		response.Request = r
		return response, nil
	})}
}

type tripper func(*http.Request) (*http.Response, error)

func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// call is a request of a peer's: without the SDK, whose work is not the policy's.
func (b *bench) call(operation, body string, answer any) {
	w := httptest.NewRecorder()
	b.batch.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path.Join("/v1", operation), strings.NewReader(body)))
	if w.Code != http.StatusOK {
		panic(fmt.Sprintf("%s: %d %s", operation, w.Code, w.Body))
	}
	if answer != nil {
		if err := json.NewDecoder(bytes.NewReader(w.Body.Bytes())).Decode(answer); err != nil {
			panic(err)
		}
	}
}

func (b *bench) submit(_ context.Context, group int) string {
	time.Sleep(roundTrip / 2)
	defer time.Sleep(roundTrip / 2)
	b.note("submitjob")
	var out struct{ JobID string }
	b.call("submitjob", fmt.Sprintf(`{"jobName":"j%d","jobQueue":"kedro","jobDefinition":"kedro","containerOverrides":{"environment":[{"name":"KEDROCTL_GROUP","value":%q}]}}`,
		group, b.group(group)), &out)
	return out.JobID
}

func (b *bench) describe(_ context.Context, ids []string) map[string]types.JobStatus {
	time.Sleep(roundTrip / 2)
	defer time.Sleep(roundTrip / 2)
	b.note("describejobs")
	body, err := json.Marshal(map[string][]string{"jobs": ids})
	if err != nil {
		panic(err)
	}
	var out struct {
		Jobs []struct {
			JobID  string
			Status types.JobStatus
		}
	}
	b.call("describejobs", string(body), &out)
	states := make(map[string]types.JobStatus)
	for _, j := range out.Jobs {
		states[j.JobID] = j.Status
	}
	return states
}

func (b *bench) note(operation string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.times[operation] = append(b.times[operation], time.Now())
}

// calls is how many requests Batch got, and the most within one second.
func (b *bench) calls() (n, most int) {
	var all []time.Time
	for operation, times := range b.times {
		if strings.HasSuffix(operation, "job") || strings.HasSuffix(operation, "jobs") {
			all = append(all, times...)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	for i := range all {
		first, _ := slices.BinarySearchFunc(all, all[i].Add(-time.Second), func(t, since time.Time) int { return t.Compare(since.Add(1)) })
		most = max(most, i-first+1)
	}
	return len(all), most
}

// TestDriverFigures: where no group has more than 20 parents, kedroctl adds half a second to a run or less, else one look at the jobs; and it calls Batch
// little. Time is the bubble's, so that the figures are the same on each machine. KEDROCTL_BENCH=1 measures models of the peers' policies beside it.
func TestDriverFigures(t *testing.T) {
	for _, c := range []struct {
		graph
		added time.Duration // at most
		calls float64       // a job, at most
	}{
		{spaceflights(), 500 * time.Millisecond, 20},
		{chain(), 500 * time.Millisecond, 20},
		{fan(1000), 10 * time.Second, 1.4},
	} {
		t.Run(c.name, func(t *testing.T) {
			over, calls := measure(t, "kedroctl", c.graph, func(t *testing.T, b *bench) { b.kedroctl(t) })
			if over > c.added || calls > c.calls {
				t.Errorf("adds %s, want at most %s; %.2f calls a job, want at most %.2f", over, c.added, calls, c.calls)
			}
			if os.Getenv("KEDROCTL_BENCH") == "" {
				return
			}
			for name, drive := range map[string]peer{"guide": guide(1 << 20), "guide, 4 threads": guide(4), "Nextflow": nextflow, "redun": redun} {
				if len(c.parents) < 1000 || name != "guide, 4 threads" { // 22 hours, and 300,000 calls
					measure(t, name, c.graph, func(t *testing.T, b *bench) { drive(t.Context(), b, b.graph) })
				}
			}
		})
	}
}

// measure gives what a driver adds to the ideal makespan, and its calls to Batch per job; it prints both for make bench.
func measure(t *testing.T, name string, g graph, drive func(*testing.T, *bench)) (over time.Duration, calls float64) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, g)
			since := time.Now()
			drive(t, b)
			n, most := b.calls()
			if name == "kedroctl" && most > 50 {
				t.Errorf("%d calls within a second; Batch takes 50", most)
			}
			over, calls = b.lastStop(t).Sub(since)-g.ideal(), float64(n)/float64(len(g.parents))
			t.Logf("figure|%s|%s|%.1f|%d|%.2f|%d", g.name, name, over.Seconds(), n, calls, most)
		})
	})
	return over, calls
}

// kedroctl drives the graph with this package.
func (b *bench) kedroctl(t *testing.T) {
	rep := &told{}
	b.clients.Batch = NewBudget(b.clients.Batch, nil)
	r, err := Start(t.Context(), b.clients, b.input(), rep)
	if err != nil {
		t.Fatal(err)
	}
	result, err := Follow(t.Context(), b.clients, r, Options{}, rep)
	if err != nil || !result.Succeeded() {
		t.Fatalf("%v, failures %v", err, result.Failures)
	}
}

// flat is n groups that wait for nothing.
func flat(n int) graph {
	g := graph{name: "flat"}
	for range n {
		g.parents, g.takes = append(g.parents, nil), append(g.takes, time.Hour)
	}
	return g
}

// TestSubmissionsFillTheBudget: a thousand jobs are submitted as fast as the budget lets them, also where Batch refuses every fifth call, and none is lost,
// doubled, or sent within a second that has had its fifty.
func TestSubmissionsFillTheBudget(t *testing.T) {
	const n = 1000
	for name, every := range map[string]int{"all taken": 0, "a fifth refused": 5} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, flat(n))
				count := 0
				b.refuse = func(string) bool { count++; return every > 0 && count%every == 0 }
				r := b.started(t)
				calls := b.times["submitjob"]
				perSecond := float64(len(calls)-1) / calls[len(calls)-1].Sub(calls[0]).Seconds()
				_, most := b.calls()
				t.Logf("figure|%d submissions, %s|%.1f a second|at most %d within one", n, name, perSecond, most)
				if every == 0 && perSecond < 0.95*callsMax {
					t.Errorf("%.1f submissions a second, the budget is %d", perSecond, callsMax)
				}
				if most > 50 {
					t.Errorf("%d calls within a second; Batch takes 50", most)
				}
				states := b.states(t)
				if len(r.Jobs) != n || len(states) != n {
					t.Errorf("%d jobs known, %d jobs in Batch, want %d", len(r.Jobs), len(states), n)
				}
			})
		})
	}
}

// TestAttachToAThousandJobs finds them all in eleven calls of ListJobs or fewer.
func TestAttachToAThousandJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, flat(1000))
		id := b.started(t).ID
		clear(b.times)
		r, err := Load(t.Context(), b.clients, bucket, id)
		if err != nil {
			t.Fatal(err)
		}
		jobs, err := Status(t.Context(), b.clients, r)
		if err != nil || len(jobs) != 1000 {
			t.Fatalf("%d jobs, %v", len(jobs), err)
		}
		n, _ := b.calls()
		t.Logf("figure|attach to 1,000 jobs|%d calls of ListJobs|%d of Batch", len(b.times["listjobs"]), n)
		if len(b.times["listjobs"]) > 11 || n > 22 {
			t.Errorf("%d calls of ListJobs, %d of Batch; want at most 11 and 22", len(b.times["listjobs"]), n)
		}
	})
}

// TestCancelOfAThousandJobs: none that waits for another job starts after the cancel, all others have ended within the time that as many calls take and two
// seconds, and none is left.
func TestCancelOfAThousandJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const first = 500
		g := flat(first)
		for i := range first {
			g.parents, g.takes = append(g.parents, []int{i}), append(g.takes, time.Hour)
		}
		b := newBench(t, g)
		r := b.started(t)
		time.Sleep(time.Minute)
		since := time.Now()
		if _, err := Cancel(t.Context(), b.clients, r, "ann", "cancelled", nil); err != nil {
			t.Fatal(err)
		}
		took, limit := b.lastStop(t).Sub(since), time.Duration(2*first)*time.Second/callsMax+2*time.Second
		t.Logf("figure|cancel of 1,000 jobs|%.1f s until the last has ended|at most %.1f s", took.Seconds(), limit.Seconds())
		if took > limit {
			t.Errorf("the last job ended %s after the cancel, want at most %s", took, limit)
		}
		for name, j := range b.states(t) {
			if j.Status != types.JobStatusFailed {
				t.Errorf("job %s is %s", name, j.Status)
			}
			var i int
			if _, err := fmt.Sscanf(strings.TrimPrefix(name, r.namePrefix()), "g%d", &i); err != nil {
				t.Fatal(err)
			}
			if i >= first && aws.ToInt64(j.StartedAt) > 0 {
				t.Errorf("job %s was PENDING at the cancel, and has started", name)
			}
		}
	})
}

// started starts the graph under a budget, as commands do.
func (b *bench) started(t *testing.T) Run {
	t.Helper()
	b.clients.Batch = NewBudget(b.clients.Batch, nil)
	r, err := Start(t.Context(), b.clients, b.input(), &told{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// states are all jobs of the queue by name, each of which is there once.
func (b *bench) states(t *testing.T) map[string]types.JobSummary {
	t.Helper()
	b.refuse = func(string) bool { return false }
	all, err := listJobs(t.Context(), b.clients, "kedro", "*")
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]types.JobSummary, len(all))
	for _, j := range all {
		byName[aws.ToString(j.JobName)] = j
	}
	if len(byName) != len(all) {
		t.Errorf("%d jobs have %d names", len(all), len(byName))
	}
	return byName
}

// lastStop is when the last job of the queue ended.
func (b *bench) lastStop(t *testing.T) (last time.Time) {
	for _, j := range b.states(t) {
		if at := millis(j.StoppedAt); at.After(last) {
			last = at
		}
	}
	return last
}
