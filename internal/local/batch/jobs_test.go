package batch_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
)

func TestJobGoesThroughItsStates(t *testing.T) { // B13, B17, B23
	lines := &memory{group: "/jobs"}
	w := newQueue(t, func(o *batchOptions) { o.Step, o.Logs = time.Second, lines },
		scripted.Script{Startup: time.Second, Duration: 10 * time.Second, Lines: []string{"one", "two"}})
	w.define("d", func(in *sdk.RegisterJobDefinitionInput) {
		in.ContainerProperties.LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{"awslogs-group": "/jobs"}}
	})
	first := w.submit("first")
	second := w.submit("second", first)
	w.wantStatus(second, types.JobStatusSubmitted, "")
	w.clock.Advance(time.Second)
	w.wantStatus(second, types.JobStatusPending, "")
	j := w.wantStatus(first, types.JobStatusStarting, "")
	if j.Container.LogStreamName != nil {
		t.Error("a log stream is named before RUNNING")
	}
	w.clock.Advance(2 * time.Second)
	j = w.wantStatus(first, types.JobStatusRunning, "")
	stream := aws.ToString(j.Container.LogStreamName)
	if !strings.HasPrefix(stream, "d/default/") || !strings.HasSuffix(*j.Container.TaskArn, strings.TrimPrefix(stream, "d/default/")) {
		t.Errorf("log stream %q of task %s", stream, *j.Container.TaskArn)
	}
	w.clock.Advance(4 * time.Second)
	if diff := cmp.Diff([]string{"one"}, lines.of(stream)); diff != "" {
		t.Errorf("while it runs: %s", diff)
	}
	w.clock.Advance(6 * time.Second)
	j = w.wantStatus(first, types.JobStatusSucceeded, "Essential container in task exited")
	if *j.Container.ExitCode != 0 || len(j.Attempts) != 1 || *j.Attempts[0].Container.LogStreamName != stream || *j.StoppedAt-*j.StartedAt != 10_000 {
		t.Errorf("finished: exit %d, attempts %v, from %d to %d", *j.Container.ExitCode, j.Attempts, *j.StartedAt, *j.StoppedAt)
	}
	w.wantStatus(second, types.JobStatusStarting, "")
	w.clock.Advance(time.Minute)
	w.wantStatus(second, types.JobStatusSucceeded, "")
}

// memory is a sink of log lines with one group.
type memory struct {
	group string
	lines map[string][]string
}

func (m *memory) Open(group, _ string) error {
	if group != m.group {
		return errors.New("ResourceNotFoundException: The specified log group does not exist.")
	}
	return nil
}

func (m *memory) Put(_, stream string, _ time.Time, line string) {
	if m.lines == nil {
		m.lines = map[string][]string{}
	}
	m.lines[stream] = append(m.lines[stream], line)
}

func (m *memory) Count(_, stream string) int { return len(m.lines[stream]) }

func (m *memory) of(stream string) []string { return m.lines[stream] }

func TestJobWithoutItsLogGroupDoesNotStart(t *testing.T) {
	w := newQueue(t, func(o *batchOptions) { o.Logs = &memory{group: "/another"} })
	id := w.submit("a")
	w.clock.Advance(time.Second)
	j := w.wantStatus(id, types.JobStatusFailed, "Task failed to start")
	if j.Container.ExitCode != nil || !strings.Contains(aws.ToString(j.Container.Reason), "log group does not exist") {
		t.Errorf("container: %v", j.Container)
	}
}

func TestSecretsAreVariablesOrTheJobDoesNotStart(t *testing.T) {
	w := newQueue(t, func(o *batchOptions) {
		o.Secret = func(variable, arn string) (string, error) {
			if variable == "LOST" {
				return "", errors.New("ResourceNotFoundException: no " + arn)
			}
			return "value of " + arn, nil
		}
	})
	with := func(names ...string) func(*sdk.RegisterJobDefinitionInput) {
		return func(in *sdk.RegisterJobDefinitionInput) {
			in.ContainerProperties.ExecutionRoleArn = aws.String("arn:aws:iam::123456789012:role/execution")
			for _, name := range names {
				in.ContainerProperties.Secrets = append(in.ContainerProperties.Secrets, types.Secret{Name: &name, ValueFrom: aws.String("arn:" + name)})
			}
		}
	}
	w.define("d", with("PW"))
	w.submit("a")
	w.clock.Advance(time.Second)
	if got := w.started[0].Env["PW"]; got != "value of arn:PW" {
		t.Errorf("PW is %q", got)
	}
	w.define("d", with("PW", "LOST"))
	id := w.submit("b")
	w.clock.Advance(time.Second)
	j := w.wantStatus(id, types.JobStatusFailed, "Task failed to start")
	want := "ResourceInitializationError: unable to pull secrets or registry auth: variable LOST: ResourceNotFoundException: no arn:LOST"
	if got := aws.ToString(j.Container.Reason); got != want {
		t.Errorf("reason %q", got)
	}
}

func TestJobGetsTheVariablesOfBatch(t *testing.T) {
	left := 0
	w := newQueue(t, func(o *batchOptions) {
		o.Enter = func(_, role string) (map[string]string, func()) {
			return map[string]string{"ROLE": role, "LEVEL": "host"}, func() { left++ }
		}
	})
	w.define("d", func(in *sdk.RegisterJobDefinitionInput) {
		in.ContainerProperties.JobRoleArn = aws.String("arn:role")
		in.ContainerProperties.Command = []string{"run", "it"}
		in.ContainerProperties.LinuxParameters = &types.LinuxParameters{SharedMemorySize: aws.Int32(128)}
		in.ContainerProperties.Environment = []types.KeyValuePair{{Name: aws.String("A"), Value: aws.String("1")}, {Name: aws.String("LEVEL"), Value: aws.String("job")}}
	})
	id := w.submitWith("a", func(in *sdk.SubmitJobInput) {
		in.ContainerOverrides = &types.ContainerOverrides{
			Environment:          []types.KeyValuePair{{Name: aws.String("A"), Value: aws.String("2")}, {Name: aws.String("B"), Value: aws.String("3")}},
			ResourceRequirements: requirements("2", "1024"),
		}
	})
	w.clock.Advance(time.Second)
	want := batch.Attempt{JobID: id, JobName: "a", Queue: "q", Definition: "d:2", Number: 1, Image: "example.com/repo@sha256:0123", VCPUs: 2, MemoryMiB: 1024, SharedMemoryMiB: 128,
		Command: []string{"run", "it"},
		Env: map[string]string{"A": "2", "B": "3", "LEVEL": "job", "ROLE": "arn:role", "AWS_BATCH_JOB_ID": id, "AWS_BATCH_JOB_ATTEMPT": "1",
			"AWS_BATCH_JQ_NAME": "q", "AWS_BATCH_CE_NAME": "ce"}}
	if diff := cmp.Diff([]batch.Attempt{want}, w.started); diff != "" {
		t.Error(diff)
	}
	if left != 1 {
		t.Errorf("what the host gave was taken back %d times", left)
	}
}

func TestRequirementsAreOverriddenByRequirementsAlone(t *testing.T) { // B08
	w := newQueue(t, nil)
	w.submitWith("a", func(in *sdk.SubmitJobInput) {
		in.ContainerOverrides = &types.ContainerOverrides{Vcpus: aws.Int32(4), Memory: aws.Int32(4096)}
	})
	w.submitWith("b", func(in *sdk.SubmitJobInput) {
		in.ContainerOverrides = &types.ContainerOverrides{ResourceRequirements: requirements("1", "2048")[1:]}
	})
	var got []string
	for _, a := range w.started {
		got = append(got, fmt.Sprint(a.VCPUs, " ", a.MemoryMiB))
	}
	if diff := cmp.Diff([]string{"1 512", "1 2048"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestOverridesThatAreTooLongFailAfterwards(t *testing.T) { // B26
	w := newQueue(t, nil)
	long := func(n int) func(*sdk.SubmitJobInput) {
		return func(in *sdk.SubmitJobInput) {
			in.ContainerOverrides = &types.ContainerOverrides{Command: []string{strings.Repeat("é", n)}}
		}
	}
	frame := len(`{"command":[""]}`)
	w.wantStatus(w.submitWith("a", long(8193-frame)), types.JobStatusFailed, "Container Overrides length must be at most 8192")
	w.wantStatus(w.submitWith("b", long(8192-frame)), types.JobStatusRunning, "")
}

func TestRetries(t *testing.T) { // B12
	lost, pull := batch.HostLost("i-0123"), batch.NotStarted("CannotPullContainerError: no")
	never, oom := batch.Exit{StatusReason: "Task failed to start"}, batch.OutOfMemory()
	exit := func(on types.EvaluateOnExit) types.EvaluateOnExit { on.Action = types.RetryActionExit; return on }
	retry := func(on types.EvaluateOnExit) types.EvaluateOnExit { on.Action = types.RetryActionRetry; return on }
	onHost := types.EvaluateOnExit{OnStatusReason: aws.String("Host EC2*")}
	onAny := types.EvaluateOnExit{OnReason: aws.String("*")}
	tests := map[string]struct {
		script   scripted.Script
		rules    []types.EvaluateOnExit
		attempts int
		status   types.JobStatus
		reason   string
	}{
		"without rules a failure is repeated":        {scripted.Script{End: batch.Exited(1)}, nil, 3, types.JobStatusFailed, "Essential container in task exited"},
		"a second attempt can succeed":               {scripted.Script{End: batch.Exited(1), Attempt: 1}, nil, 2, types.JobStatusSucceeded, ""},
		"the first rule that matches decides":        {scripted.Script{End: batch.Exited(1)}, []types.EvaluateOnExit{retry(onHost), exit(onAny), retry(onAny)}, 1, types.JobStatusFailed, ""},
		"a lost host":                                {scripted.Script{End: lost, Attempt: 1}, []types.EvaluateOnExit{retry(onHost), exit(onAny)}, 2, types.JobStatusSucceeded, ""},
		"where none matches it is repeated":          {scripted.Script{End: batch.Exited(1)}, []types.EvaluateOnExit{exit(onHost)}, 3, types.JobStatusFailed, ""},
		"all conditions of a rule have to match":     {scripted.Script{End: batch.Exited(1)}, []types.EvaluateOnExit{exit(types.EvaluateOnExit{OnExitCode: aws.String("1"), OnStatusReason: aws.String("Host*")})}, 3, types.JobStatusFailed, ""},
		"an exit code":                               {scripted.Script{End: batch.Exited(137)}, []types.EvaluateOnExit{exit(types.EvaluateOnExit{OnExitCode: aws.String("13*")})}, 1, types.JobStatusFailed, ""},
		"out of memory":                              {scripted.Script{End: oom}, []types.EvaluateOnExit{exit(types.EvaluateOnExit{OnReason: aws.String("OutOfMemoryError:*")})}, 1, types.JobStatusFailed, "Essential"},
		"an image that can't be pulled, by reason":   {scripted.Script{End: pull}, []types.EvaluateOnExit{exit(types.EvaluateOnExit{OnReason: aws.String("CannotPullContainer*")})}, 1, types.JobStatusFailed, "Task failed to start"},
		"a container that never was, without reason": {scripted.Script{End: never}, []types.EvaluateOnExit{exit(onAny)}, 1, types.JobStatusFailed, "Task failed to start"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newQueue(t, nil, tt.script)
			id := w.submitWith("a", func(in *sdk.SubmitJobInput) {
				in.RetryStrategy = &types.RetryStrategy{Attempts: aws.Int32(3), EvaluateOnExit: tt.rules}
			})
			w.clock.Advance(time.Minute)
			j := w.wantStatus(id, tt.status, tt.reason)
			if len(j.Attempts) != tt.attempts {
				t.Errorf("%d attempts, want %d", len(j.Attempts), tt.attempts)
			}
			streams := map[string]bool{}
			for i, a := range j.Attempts {
				if w.started[i].Env["AWS_BATCH_JOB_ATTEMPT"] != fmt.Sprint(i+1) {
					t.Errorf("attempt %d has the number %s", i+1, w.started[i].Env["AWS_BATCH_JOB_ATTEMPT"])
				}
				if ran := a.Container.ExitCode != nil; ran && streams[*a.Container.LogStreamName] {
					t.Error("two attempts share a log stream")
				}
				streams[aws.ToString(a.Container.LogStreamName)] = true
			}
		})
	}
}

func TestContainerThatNeverRanHasNoExitCode(t *testing.T) { // B18
	pull := batch.NotStarted("CannotPullContainerError: no such image")
	w := newQueue(t, nil, scripted.Script{End: pull})
	id := w.submit("a")
	w.clock.Advance(time.Second)
	j := w.wantStatus(id, types.JobStatusFailed, "Task failed to start")
	if j.Container.ExitCode != nil || j.Attempts[0].Container.ExitCode != nil || j.Attempts[0].StartedAt != nil {
		t.Errorf("it has an exit code or a start: %v", j.Attempts[0])
	}
	if got := aws.ToString(j.Attempts[0].Container.Reason); got != pull.Reason {
		t.Errorf("reason %q", got)
	}
}

func TestTimeoutEndsAnAttemptForGood(t *testing.T) { // B11
	w := newQueue(t, nil, scripted.Script{Duration: time.Hour})
	id := w.submitWith("a", func(in *sdk.SubmitJobInput) {
		in.Timeout = &types.JobTimeout{AttemptDurationSeconds: aws.Int32(60)}
		in.RetryStrategy = &types.RetryStrategy{Attempts: aws.Int32(5)}
	})
	w.clock.Advance(59 * time.Second)
	w.wantStatus(id, types.JobStatusRunning, "")
	w.clock.Advance(time.Second)
	j := w.wantStatus(id, types.JobStatusFailed, "Job attempt duration exceeded timeout")
	if len(j.Attempts) != 1 {
		t.Errorf("%d attempts", len(j.Attempts))
	}
}

func TestDependentsOfAFailedJobFail(t *testing.T) { // B14
	w := newQueue(t, nil, scripted.Script{Match: "bad", Duration: time.Minute, End: batch.Exited(1)}, scripted.Script{Duration: time.Minute})
	bad, good := w.submit("bad"), w.submit("good")
	child := w.submit("child", bad, good, good)
	grandchild := w.submit("grandchild", child)
	other := w.submit("other", good)
	w.wantStatus(child, types.JobStatusPending, "")
	w.clock.Advance(time.Minute)
	w.wantStatus(child, types.JobStatusFailed, "Dependent Job failed")
	w.wantStatus(grandchild, types.JobStatusFailed, "Dependent Job failed")
	w.wantStatus(other, types.JobStatusRunning, "")
	w.wantStatus(w.submit("late", bad), types.JobStatusFailed, "Dependent Job failed")
	w.wantStatus(w.submit("in-time", good), types.JobStatusRunning, "")
}

func TestCancelJob(t *testing.T) { // B15
	w := newQueue(t, nil, scripted.Script{Duration: time.Minute})
	cancel := func(id string) {
		t.Helper()
		if _, err := w.CancelJob(t.Context(), &sdk.CancelJobInput{JobId: &id, Reason: aws.String("no longer wanted")}); err != nil {
			t.Fatal(err)
		}
	}
	running := w.submitWith("running", func(in *sdk.SubmitJobInput) {
		in.ContainerOverrides = &types.ContainerOverrides{ResourceRequirements: requirements("16", "512")}
	})
	runnable, pending := w.submit("runnable"), w.submit("pending", running)
	w.wantStatus(runnable, types.JobStatusRunnable, "")
	for _, id := range []string{running, runnable, pending} {
		cancel(id)
	}
	w.wantStatus(running, types.JobStatusRunning, "")
	w.wantStatus(runnable, types.JobStatusFailed, "no longer wanted")
	w.wantStatus(pending, types.JobStatusPending, "")
	w.clock.Advance(time.Minute)
	w.wantStatus(running, types.JobStatusSucceeded, "")
	w.wantStatus(pending, types.JobStatusFailed, "no longer wanted")
	_, err := w.CancelJob(t.Context(), &sdk.CancelJobInput{JobId: &running, Reason: aws.String(strings.Repeat("x", 1025))})
	wantRefusal(t, err, "1024")
}

func TestTerminateJob(t *testing.T) { // B11
	w := newQueue(t, nil, scripted.Script{Duration: time.Minute})
	running := w.submitWith("running", func(in *sdk.SubmitJobInput) { in.RetryStrategy = &types.RetryStrategy{Attempts: aws.Int32(3)} })
	pending := w.submit("pending", running)
	for _, id := range []string{pending, running, running} {
		if _, err := w.TerminateJob(t.Context(), &sdk.TerminateJobInput{JobId: &id, Reason: aws.String("stop")}); err != nil {
			t.Fatal(err)
		}
	}
	j := w.wantStatus(running, types.JobStatusFailed, "stop")
	if !aws.ToBool(j.IsTerminated) || len(j.Attempts) != 1 || *j.Container.ExitCode != 143 {
		t.Errorf("terminated: %v, attempts %d, exit %d", aws.ToBool(j.IsTerminated), len(j.Attempts), *j.Container.ExitCode)
	}
	w.wantStatus(pending, types.JobStatusFailed, "stop")
	w.clock.Advance(time.Hour)
	if n := len(w.started); n != 1 {
		t.Errorf("%d attempts were started", n)
	}
}

func TestJobsWaitForRoom(t *testing.T) { // B25
	w := newQueue(t, nil, scripted.Script{Duration: time.Minute})
	size := func(vcpus string) func(*sdk.SubmitJobInput) {
		return func(in *sdk.SubmitJobInput) {
			in.ContainerOverrides = &types.ContainerOverrides{ResourceRequirements: requirements(vcpus, "512")}
		}
	}
	a, b := w.submitWith("a", size("10")), w.submitWith("b", size("10"))
	c := w.submitWith("c", size("1"))
	w.wantStatus(a, types.JobStatusRunning, "")
	w.wantStatus(b, types.JobStatusRunnable, "")
	w.wantStatus(c, types.JobStatusRunnable, "")
	w.clock.Advance(time.Minute)
	w.wantStatus(b, types.JobStatusRunning, "")
	w.wantStatus(c, types.JobStatusRunning, "")
	w.wantStatus(w.submitWith("d", size("17")), types.JobStatusRunnable, "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE")
}

func TestJobWithoutItsRoleDoesNotStart(t *testing.T) {
	w := newQueue(t, func(o *batchOptions) { o.Roles = roles{"service": true, "profile": true} })
	w.define("d", func(in *sdk.RegisterJobDefinitionInput) {
		in.ContainerProperties.JobRoleArn = aws.String("arn:aws:iam::123456789012:role/nobody")
	})
	w.wantStatus(w.submit("a"), types.JobStatusFailed, "ECS was unable to assume the role")
}

func TestDefinitionsByReference(t *testing.T) { // B07
	w := newQueue(t, nil)
	w.define("d", func(in *sdk.RegisterJobDefinitionInput) {
		in.RetryStrategy = &types.RetryStrategy{Attempts: aws.Int32(4)}
	})
	w.define("d", nil)
	if _, err := w.DeregisterJobDefinition(t.Context(), &sdk.DeregisterJobDefinitionInput{JobDefinition: aws.String("d:3")}); err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:batch:us-east-1:123456789012:job-definition/"
	for ref, want := range map[string]string{"d": "d:2", "d:1": "d:1", arn + "d": "d:2", arn + "d:1": "d:1"} {
		got := w.job(w.submitWith("a", func(in *sdk.SubmitJobInput) { in.JobDefinition = &ref }))
		if *got.JobDefinition != arn+want {
			t.Errorf("%s stands for %s, want %s", ref, *got.JobDefinition, want)
		}
	}
	_, err := w.SubmitJob(t.Context(), submission("a", func(in *sdk.SubmitJobInput) { in.JobDefinition = aws.String("d:3") }))
	wantRefusal(t, err, "no ACTIVE revision")
	describe := func(in *sdk.DescribeJobDefinitionsInput) (found []string) {
		t.Helper()
		out, err := w.DescribeJobDefinitions(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range out.JobDefinitions {
			found = append(found, fmt.Sprint(*d.Revision, *d.Status, d.RetryStrategy != nil))
		}
		return found
	}
	if diff := cmp.Diff([]string{"3INACTIVEfalse", "2ACTIVEtrue", "1ACTIVEfalse"}, describe(&sdk.DescribeJobDefinitionsInput{JobDefinitionName: aws.String("d")})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"2ACTIVEtrue", "1ACTIVEfalse"}, describe(&sdk.DescribeJobDefinitionsInput{JobDefinitionName: aws.String("d"), Status: aws.String("ACTIVE")})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1ACTIVEfalse"}, describe(&sdk.DescribeJobDefinitionsInput{JobDefinitions: []string{"d:1", "d:9"}})); diff != "" {
		t.Error(diff)
	}
}

func TestDescribeJobs(t *testing.T) { // B02, B13
	w := newQueue(t, nil)
	_, err := w.DescribeJobs(t.Context(), &sdk.DescribeJobsInput{Jobs: make([]string, 101)})
	wantRefusal(t, err, "Maximum number of jobs supported is  100 .")
	_, err = w.DescribeJobs(t.Context(), &sdk.DescribeJobsInput{Jobs: []string{}})
	wantRefusal(t, err, "at least one")
	id := w.submit("a")
	w.clock.Advance(7 * 24 * time.Hour)
	w.wantStatus(id, types.JobStatusSucceeded, "")
	w.clock.Advance(time.Minute)
	out, err := w.DescribeJobs(t.Context(), &sdk.DescribeJobsInput{Jobs: []string{id, "nobody"}})
	if err != nil || len(out.Jobs) != 0 {
		t.Errorf("after 7 days: %v, %v", out.Jobs, err)
	}
}

func TestListJobs(t *testing.T) { // B16
	w := newQueue(t, nil, scripted.Script{Match: "run-*", Duration: time.Hour})
	for _, name := range []string{"run-a", "done", "Run-b"} {
		w.submit(name)
		w.clock.Advance(time.Second)
	}
	names := func(in *sdk.ListJobsInput) (found []string) {
		t.Helper()
		in.JobQueue = aws.String("q")
		out, err := w.ListJobs(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range out.JobSummaryList {
			found = append(found, *j.JobName)
		}
		return found
	}
	filter := func(name, value string) *sdk.ListJobsInput {
		return &sdk.ListJobsInput{JobStatus: types.JobStatusFailed, Filters: []types.KeyValuesPair{{Name: &name, Values: []string{value}}}}
	}
	tests := map[string]struct {
		in   *sdk.ListJobsInput
		want []string
	}{
		"RUNNING where nothing is said":   {&sdk.ListJobsInput{}, []string{"run-a"}},
		"a status":                        {&sdk.ListJobsInput{JobStatus: types.JobStatusSucceeded}, []string{"Run-b", "done"}},
		"a filter overrides the status":   {filter("JOB_NAME", "done"), []string{"done"}},
		"names in any case, newest first": {filter("JOB_NAME", "RUN-*"), []string{"Run-b", "run-a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, names(tt.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
	_, err := w.ListJobs(t.Context(), &sdk.ListJobsInput{})
	wantRefusal(t, err, "exactly one")
	_, err = w.ListJobs(t.Context(), &sdk.ListJobsInput{JobQueue: aws.String("q"), Filters: []types.KeyValuesPair{{Name: aws.String("STATUS"), Values: []string{"x"}}}})
	wantRefusal(t, err, "JOB_NAME")
}

func TestListJobsPages(t *testing.T) { // B16
	w := newQueue(t, nil)
	for i := range 150 {
		w.submit(fmt.Sprint("j", i))
	}
	in := &sdk.ListJobsInput{JobQueue: aws.String("q"), Filters: []types.KeyValuesPair{{Name: aws.String("JOB_NAME"), Values: []string{"j*"}}}}
	seen, pages := map[string]bool{}, []int{}
	for p := sdk.NewListJobsPaginator(w, in); p.HasMorePages(); {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, len(out.JobSummaryList))
		for _, j := range out.JobSummaryList {
			seen[*j.JobId] = true
		}
		w.submit("j-meanwhile")
	}
	if diff := cmp.Diff([]int{100, 50}, pages); diff != "" || len(seen) != 150 {
		t.Errorf("%d jobs in pages: %s", len(seen), diff)
	}
}

func TestStateSurvivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	inDir := func(o *batchOptions) { o.Dir = dir }
	w := newQueue(t, inDir, scripted.Script{Match: "done"}, scripted.Script{Duration: time.Hour})
	onHost := func(in *sdk.SubmitJobInput) {
		in.RetryStrategy = &types.RetryStrategy{Attempts: aws.Int32(2), EvaluateOnExit: []types.EvaluateOnExit{
			{Action: types.RetryActionRetry, OnStatusReason: aws.String("Host EC2*")}}}
	}
	done, lost, retried := w.submit("done"), w.submit("lost"), w.submitWith("retried", onHost)
	child, orphan := w.submit("child", retried, done), w.submit("orphan", lost)
	w.clock.Advance(time.Second)

	again := newWorld(t, inDir)
	again.wantStatus(done, types.JobStatusSucceeded, "")
	again.wantStatus(lost, types.JobStatusFailed, "Host EC2 (instance i-")
	again.wantStatus(orphan, types.JobStatusFailed, "Dependent Job failed")
	again.wantStatus(child, types.JobStatusPending, "")
	again.clock.Advance(time.Second)
	if j := again.wantStatus(retried, types.JobStatusSucceeded, ""); len(j.Attempts) != 2 {
		t.Errorf("%d attempts of the retried job", len(j.Attempts))
	}
	again.clock.Advance(time.Second)
	again.wantStatus(child, types.JobStatusSucceeded, "")
	if got := again.described("ce"); got == nil || got.Status != types.CEStatusValid {
		t.Errorf("the environment: %v", got)
	}
	again.submit("new")
}

func TestQueueTakesItsJobsWithIt(t *testing.T) {
	w := newQueue(t, nil, scripted.Script{Duration: time.Hour})
	id := w.submit("a")
	if _, err := w.UpdateJobQueue(t.Context(), &sdk.UpdateJobQueueInput{JobQueue: aws.String("q"), State: types.JQStateDisabled}); err != nil {
		t.Fatal(err)
	}
	w.wantStatus(id, types.JobStatusRunning, "")
	if _, err := w.DeleteJobQueue(t.Context(), &sdk.DeleteJobQueueInput{JobQueue: aws.String("q")}); err != nil {
		t.Fatal(err)
	}
	w.wantStatus(id, types.JobStatusFailed, "Job queue deleted")
}

func TestManyJobsInChains(t *testing.T) {
	w := newQueue(t, nil, scripted.Script{Duration: time.Minute})
	var last string
	for i := range 2_000 {
		if i%10 == 0 {
			last = ""
		}
		after := []string{}
		if last != "" {
			after = append(after, last)
		}
		last = w.submit(fmt.Sprint("j", i), after...)
	}
	w.clock.Advance(24 * time.Hour)
	w.wantStatus(last, types.JobStatusSucceeded, "")
	if n := w.service.Unfinished(); n != 0 {
		t.Errorf("%d jobs are unfinished", n)
	}
}
