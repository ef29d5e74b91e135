package run

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	player "github.com/kedroctl/kedroctl/internal/local/scripted"
)

// TestMemoryOfTenThousandJobs measures for make bench what the program needs while it follows 10,000 jobs that run. KEDROCTL_BIN is the program.
func TestMemoryOfTenThousandJobs(t *testing.T) {
	program := os.Getenv("KEDROCTL_BIN")
	if program == "" {
		t.Skip("a measurement in real time: make bench runs it")
	}
	server, err := local.Listen(local.Options{Dir: t.TempDir(), Runner: player.New(clock.Real{}, player.Script{Duration: time.Hour}), Settle: time.Millisecond, Step: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	r, err := Start(t.Context(), serviceOf(t, server), flat(10000).input(), &told{})
	if err != nil {
		t.Fatal(err)
	}
	info := server.Info()
	c := exec.Command(program, "attach", r.ID)
	c.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+info.Endpoint, "AWS_ACCESS_KEY_ID="+info.AccessKey, "AWS_SECRET_ACCESS_KEY="+info.SecretKey, "AWS_REGION="+info.Region,
		"KEDROCTL_BUCKET="+bucket)
	c.Dir = t.TempDir()
	var story bytes.Buffer
	c.Stdout, c.Stderr = &story, &story
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Kill()
	const warm, watched = 40 * time.Second, 60 * time.Second
	time.Sleep(warm)
	before := processorTime(t, c.Process.Pid)
	time.Sleep(watched)
	busy := processorTime(t, c.Process.Pid) - before
	t.Logf("figure|10,000 jobs|%.0f MB resident at most|%.1f %% of a core between looks", resident(t, c.Process.Pid), 100*busy.Seconds()/watched.Seconds())
	if len(story.Bytes()) > 0 && c.ProcessState != nil {
		t.Errorf("the program has ended: %s", story.String())
	}
}

// serviceOf gives clients of a server that has what a run needs.
func serviceOf(t *testing.T, server *local.Server) Clients {
	t.Helper()
	cfg := server.Config()
	jobs := batch.NewFromConfig(cfg)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := jobs.CreateComputeEnvironment(t.Context(), &batch.CreateComputeEnvironmentInput{
		ComputeEnvironmentName: aws.String("ce"), Type: types.CETypeManaged,
		ComputeResources: &types.ComputeResource{Type: types.CRTypeFargate, MaxvCpus: aws.Int32(1000000), Subnets: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"}},
	})
	must(err)
	time.Sleep(100 * time.Millisecond)
	_, err = jobs.CreateJobQueue(t.Context(), &batch.CreateJobQueueInput{JobQueueName: aws.String("kedro"), Priority: aws.Int32(1),
		ComputeEnvironmentOrder: []types.ComputeEnvironmentOrder{{Order: aws.Int32(0), ComputeEnvironment: aws.String("ce")}}})
	must(err)
	_, err = jobs.RegisterJobDefinition(t.Context(), &batch.RegisterJobDefinitionInput{
		JobDefinitionName: aws.String("kedro"), Type: types.JobDefinitionTypeContainer, PlatformCapabilities: []types.PlatformCapability{types.PlatformCapabilityFargate},
		ContainerProperties: &types.ContainerProperties{Image: aws.String("example.com/p:1"), ExecutionRoleArn: aws.String("arn:aws:iam::000000000000:role/execution"),
			ResourceRequirements: []types.ResourceRequirement{{Type: types.ResourceTypeVcpu, Value: aws.String("1")}, {Type: types.ResourceTypeMemory, Value: aws.String("2048")}}},
	})
	must(err)
	store := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	_, err = store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	must(err)
	return Clients{Batch: jobs, S3: store}
}

// processorTime is what a process has had of the processor, from Linux's /proc.
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var ticks int
	for _, field := range fields[11:13] { // user, system; a hundredth of a second each
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// resident is the most that a process has had in memory, in MB.
func resident(t *testing.T, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return float64(n) / 1000
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
