package local_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
)

// caller sends signed requests to a server's handler. It is not the SDK's client, whose own work would be measured too.
type caller struct {
	tb     testing.TB
	server *local.Server
	cfg    aws.Config
	signer *v4.Signer
}

// newCaller serves a queue "q" and a job definition "d" on which any number of jobs runs at once.
func newCaller(tb testing.TB, o local.Options) *caller {
	tb.Helper()
	server, err := local.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
	})
	c := &caller{tb, server, server.Config(), v4.NewSigner()}
	c.call("createcomputeenvironment", `{"computeEnvironmentName":"ce","type":"MANAGED","computeResources":{"type":"FARGATE","maxvCpus":1000000,
		"subnets":["subnet-1"],"securityGroupIds":["sg-1"]}}`)
	c.call("createjobqueue", `{"jobQueueName":"q","priority":1,"computeEnvironmentOrder":[{"order":0,"computeEnvironment":"ce"}]}`)
	c.call("registerjobdefinition", `{"jobDefinitionName":"d","type":"container","platformCapabilities":["FARGATE"],"containerProperties":{"image":"example.com/project:1",
		"executionRoleArn":"arn:aws:iam::000000000000:role/execution","resourceRequirements":[{"type":"VCPU","value":"1"},{"type":"MEMORY","value":"2048"}],
		"environment":[{"name":"KEDRO_ENV","value":"aws"},{"name":"PYTHONUNBUFFERED","value":"1"}]}}`)
	return c
}

// call gives the answer to one request.
func (c *caller) call(operation, body string) []byte {
	c.tb.Helper()
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, *c.cfg.BaseEndpoint+"/v1/"+operation, bytes.NewReader([]byte(body)))
	hash := sha256.Sum256([]byte(body))
	keys, err := c.cfg.Credentials.Retrieve(r.Context())
	if err != nil {
		c.tb.Fatal(err)
	}
	if err := c.signer.SignHTTP(r.Context(), keys, r, hex.EncodeToString(hash[:]), "batch", c.cfg.Region, time.Now()); err != nil {
		c.tb.Fatal(err)
	}
	w := httptest.NewRecorder()
	c.server.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		c.tb.Fatalf("%s: answered %d: %s", operation, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// submit gives the id of a job after the jobs of these ids.
func (c *caller) submit(name string, after ...string) string {
	c.tb.Helper()
	dependsOn := []map[string]string{}
	for _, id := range after {
		dependsOn = append(dependsOn, map[string]string{"jobId": id})
	}
	body, err := json.Marshal(map[string]any{
		"jobName": name, "jobQueue": "q", "jobDefinition": "d", "dependsOn": dependsOn, "tags": map[string]string{"kedroctl:run": "r1"},
		"containerOverrides": map[string]any{"command": []string{"boot", "--group", name}, "environment": []map[string]string{{"name": "GROUP", "value": name}}},
	})
	if err != nil {
		c.tb.Fatal(err)
	}
	var out struct{ JobID string }
	if err := json.Unmarshal(c.call("submitjob", string(body)), &out); err != nil {
		c.tb.Fatal(err)
	}
	return out.JobID
}

// succeeded counts jobs.
func (c *caller) succeeded() (n int) {
	c.tb.Helper()
	for token := ""; ; {
		var out struct {
			JobSummaryList []struct{}
			NextToken      string
		}
		if err := json.Unmarshal(c.call("listjobs", `{"jobQueue":"q","jobStatus":"SUCCEEDED"`+token+`}`), &out); err != nil {
			c.tb.Fatal(err)
		}
		n += len(out.JobSummaryList)
		if out.NextToken == "" {
			return n
		}
		token = `,"nextToken":"` + out.NextToken + `"`
	}
}

// persistent is a server whose state is on disk and whose jobs last for ever.
func persistent(tb testing.TB) *caller {
	tb.Helper()
	return newCaller(tb, local.Options{Dir: tb.TempDir(), Runner: scripted.New(clock.Real{}, scripted.Script{Duration: 24 * time.Hour})})
}

// BenchmarkSubmitJob: an answered job is on disk, and its container has been asked for.
func BenchmarkSubmitJob(b *testing.B) {
	c := persistent(b)
	for b.Loop() {
		c.submit("job")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

// BenchmarkDescribeJobs asks for 100 ids in a call.
func BenchmarkDescribeJobs(b *testing.B) {
	c := persistent(b)
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = c.submit("job")
	}
	body, err := json.Marshal(map[string][]string{"jobs": ids})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c.call("describejobs", string(body))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// BenchmarkManyJobs runs 10,000 jobs of a minute in 100 layers, each job after two of the layer before, while a driver lists the queue.
func BenchmarkManyJobs(b *testing.B) {
	const layers, width = 100, 100
	for b.Loop() {
		now := clock.NewFake(time.Now())
		c := newCaller(b, local.Options{Clock: now, Step: time.Second, Runner: scripted.New(now, scripted.Script{Startup: 10 * time.Second, Duration: time.Minute})})
		now.Advance(time.Second)
		layer := make([]string, width)
		for i := range layers {
			next := make([]string, width)
			for j := range next {
				after := []string{}
				if i > 0 {
					after = []string{layer[j], layer[(j+1)%width]}
				}
				next[j] = c.submit(fmt.Sprintf("job-%d-%d", i, j), after...)
			}
			layer = next
		}
		for range 800 { // 10 s each: 72 s and more a layer
			now.Advance(10 * time.Second)
			c.call("listjobs", `{"jobQueue":"q","filters":[{"name":"JOB_NAME","values":["job-*"]}]}`)
		}
		if n := c.succeeded(); n != layers*width {
			b.Fatalf("%d jobs have succeeded, want %d", n, layers*width)
		}
	}
}
