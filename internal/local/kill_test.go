package local_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkbatch "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kedroctl/kedroctl/internal/local"
)

// killedJobs are submitted: half of them before the first kill, the others between and after.
const killedJobs = 200

// TestKilledServerLosesNothing kills a server at random moments while jobs are submitted to it and run: what it has acknowledged is there afterwards, what
// has ended stays as it was, and all jobs end at last. KEDROCTL_TEST_ROUNDS is how often.
func TestKilledServerLosesNothing(t *testing.T) {
	rounds := 20
	if n, err := strconv.Atoi(os.Getenv("KEDROCTL_TEST_ROUNDS")); err == nil {
		rounds = n
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dir, start := serving(t)
	u := &user{random: rand.New(rand.NewPCG(seed, 0)), roles: map[string]bool{}, objects: map[string]string{}, ended: map[string]types.JobDetail{}}
	u.reach(t, dir, start)
	makeStack(t, u.aws, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)
	must(t, u.store.CreateBucket, &s3.CreateBucketInput{Bucket: aws.String("bucket")})
	for len(u.jobs) < killedJobs/2 {
		if err := u.submit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range rounds {
		server := u.server
		kill := time.AfterFunc(time.Duration(u.random.IntN(300))*time.Millisecond, func() { end(t, server) })
		for u.work(t.Context(), true) == nil {
		}
		kill.Stop()
		end(t, server)
		u.reach(t, dir, start)
		u.check(t)
	}
	t.Logf("%d jobs were submitted while it was killed %d times, %d of them had ended", len(u.jobs), rounds, len(u.ended))
	for len(u.jobs) < killedJobs {
		if err := u.work(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() bool {
		if err := u.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		return len(u.ended) == len(u.jobs)
	})
	lost := 0
	for id, j := range u.ended {
		if j.Status != types.JobStatusSucceeded {
			t.Errorf("job %s: %s: %s", id, j.Status, aws.ToString(j.StatusReason))
		}
		lost += len(j.Attempts) - 1
	}
	t.Logf("%d attempts lost their host", lost)
}

// user knows what a server has acknowledged to it.
type user struct {
	random  *rand.Rand
	server  local.Info
	aws     aws.Config
	batch   *sdkbatch.Client
	store   *s3.Client
	jobs    []string // ids, by age
	objects map[string]string
	roles   map[string]bool
	ended   map[string]types.JobDetail
}

// reach finds or starts the server.
func (u *user) reach(t *testing.T, dir string, start []string) {
	t.Helper()
	info, err := local.Ensure(t.Context(), dir, start)
	if err != nil {
		t.Fatal(err)
	}
	u.server, u.aws = info, configOf(info)
	u.batch = sdkbatch.NewFromConfig(u.aws)
	u.store = s3.NewFromConfig(u.aws, func(o *s3.Options) { o.UsePathStyle = true })
}

// end kills the process of a server and returns when it has gone.
func end(t *testing.T, info local.Info) {
	p, err := os.FindProcess(info.PID)
	if err != nil {
		t.Error(err)
		return
	}
	_ = p.Kill() // it may have gone
	for p.Signal(syscall.Signal(0)) == nil {
		time.Sleep(time.Millisecond)
	}
}

// work makes a job, an object and a role, if there are to be more, and looks how the jobs are.
func (u *user) work(ctx context.Context, more bool) error {
	if more && len(u.jobs) < killedJobs {
		if err := u.submit(ctx); err != nil {
			return err
		}
		name := fmt.Sprintf("made-%d", len(u.jobs))
		if _, err := u.store.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: &name, Body: strings.NewReader("text of " + name)}); err != nil {
			return err
		}
		u.objects[name] = "text of " + name
		trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
		if _, err := iam.NewFromConfig(u.aws).CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust}); err != nil {
			return err
		}
		u.roles[name] = true
	}
	return u.look(ctx)
}

// submit adds a job behind up to two others.
func (u *user) submit(ctx context.Context) error {
	in := &sdkbatch.SubmitJobInput{JobName: aws.String("job"), JobQueue: aws.String("q"), JobDefinition: aws.String("d"),
		RetryStrategy: &types.RetryStrategy{Attempts: aws.Int32(10)}}
	if n := len(u.jobs); n > 1 {
		in.DependsOn = []types.JobDependency{{JobId: &u.jobs[u.random.IntN(n)]}, {JobId: &u.jobs[n-1-u.random.IntN(min(n, 8))]}}
	}
	out, err := u.batch.SubmitJob(ctx, in)
	if err == nil {
		u.jobs = append(u.jobs, *out.JobId)
	}
	return err
}

// look learns which jobs have ended.
func (u *user) look(ctx context.Context) error {
	for ids := range slices.Chunk(u.jobs, 100) {
		out, err := u.batch.DescribeJobs(ctx, &sdkbatch.DescribeJobsInput{Jobs: ids})
		if err != nil {
			return err
		}
		if len(out.Jobs) != len(ids) {
			return fmt.Errorf("%d of %d jobs are known", len(out.Jobs), len(ids))
		}
		for _, j := range out.Jobs {
			if j.Status == types.JobStatusSucceeded || j.Status == types.JobStatusFailed {
				u.ended[*j.JobId] = j
			}
		}
	}
	return nil
}

// check looks for all that was acknowledged.
func (u *user) check(t *testing.T) {
	t.Helper()
	before := maps.Clone(u.ended)
	if err := u.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, old := range before {
		if now := u.ended[id]; now.Status != old.Status || *now.StoppedAt != *old.StoppedAt || len(now.Attempts) != len(old.Attempts) {
			t.Errorf("job %s had ended as %s at %d after %d attempts, and is %s, %d, %d", id, old.Status, *old.StoppedAt, len(old.Attempts),
				now.Status, *now.StoppedAt, len(now.Attempts))
		}
	}
	for key, want := range u.objects {
		out := must(t, u.store.GetObject, &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: &key})
		if got, err := io.ReadAll(out.Body); err != nil || string(got) != want {
			t.Errorf("object %s: %q, %v", key, got, err)
		}
	}
	pages, found := iam.NewListRolesPaginator(iam.NewFromConfig(u.aws), &iam.ListRolesInput{}), map[string]bool{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Roles {
			found[*r.RoleName] = true
		}
	}
	for name := range u.roles {
		if !found[name] {
			t.Errorf("role %s is lost", name)
		}
	}
	queues := must(t, u.batch.DescribeJobQueues, &sdkbatch.DescribeJobQueuesInput{}).JobQueues
	definitions := must(t, u.batch.DescribeJobDefinitions, &sdkbatch.DescribeJobDefinitionsInput{}).JobDefinitions
	if len(queues) != 1 || len(definitions) != 1 {
		t.Errorf("%d queues, %d definitions", len(queues), len(definitions))
	}
}
