package batch_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/smithy-go"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/faults"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
)

// proof shows by real requests that a rule is enforced.
type proof struct {
	rule    batch.Rule
	options func(*batch.Options)
	scripts []scripted.Script
	broken  func(*world) error // what AWS would not have done; nil where the rule holds
}

// TestEachRuleIsEnforcedAndCanBeMissed runs each proof with its rule, and without: there it has to fail, or it proves nothing.
func TestEachRuleIsEnforcedAndCanBeMissed(t *testing.T) {
	if len(proofs) != 32 || len(batch.Rules) != 32 {
		t.Fatalf("%d proofs of %d rules, want 32", len(proofs), len(batch.Rules))
	}
	for i, p := range proofs {
		rule := batch.Rules[i]
		t.Run(string(p.rule), func(t *testing.T) {
			if p.rule != rule.ID || string(rule.ID) != fmt.Sprintf("B%02d", i+1) || rule.Text == "" || rule.Source == "" {
				t.Fatalf("row %d proves %s, the table has %+v", i+1, p.rule, rule)
			}
			run := func(without ...batch.Rule) error {
				return p.broken(newQueue(t, func(o *batch.Options) {
					o.Without = without
					if p.options != nil {
						p.options(o)
					}
				}, p.scripts...))
			}
			if err := run(); err != nil {
				t.Errorf("%s: %v", rule.Text, err)
			}
			if run(p.rule) == nil {
				t.Error("the proof holds with the rule switched off")
			}
		})
	}
}

var long = []scripted.Script{{Duration: time.Hour}}

var proofs = []proof{
	{rule: "B01", broken: func(w *world) error {
		parents := make([]types.JobDependency, 21)
		for i := range parents {
			parents[i].JobId = aws.String(w.submit(fmt.Sprint("p", i)))
		}
		return errors.Join(
			w.submits("Error executing request, Exception : Job cannot have more than 20 dependencies, RequestId: ", func(in *sdk.SubmitJobInput) { in.DependsOn = parents }),
			w.submits("", func(in *sdk.SubmitJobInput) { in.DependsOn = parents[1:] }))
	}},
	{rule: "B02", broken: func(w *world) error {
		_, err := w.DescribeJobs(w.t.Context(), &sdk.DescribeJobsInput{Jobs: make([]string, 101)})
		return refusal(err, "Maximum number of jobs supported is  100 .")
	}},
	{rule: "B03", broken: func(w *world) error {
		text := func(kib int) []string { return []string{strings.Repeat("y", kib<<10)} }
		return errors.Join(
			w.submits("larger than 30 KiB", overriding(types.ContainerOverrides{Command: text(30)})),
			w.submits("", overriding(types.ContainerOverrides{Command: text(29)})),
			w.defines("larger than 24 KiB", "e", func(in *sdk.RegisterJobDefinitionInput) { in.ContainerProperties.Command = text(24) }))
	}},
	{rule: "B04", options: func(o *batch.Options) {
		script, _ := faults.Parse(strings.NewReader("rate batch.SubmitJob 2\nrate batch.Describe* 5"))
		o.Throttled = func(operation string) bool { return script.Throttles("batch."+operation, o.Clock.Now()) }
	}, broken: func(w *world) error {
		describe := func() error {
			_, err := w.DescribeJobs(w.t.Context(), &sdk.DescribeJobsInput{Jobs: []string{"a"}})
			return err
		}
		err := errors.Join(w.submits("", nil), w.submits("", nil), w.submits("TooManyRequestsException: Too Many Requests", nil))
		w.clock.Advance(500 * time.Millisecond)
		err = errors.Join(err, w.submits("", nil))
		w.clock.Advance(time.Second)
		for range 5 {
			err = errors.Join(err, refusal(describe(), ""))
		}
		return errors.Join(err, refusal(describe(), "TooManyRequestsException: Too Many Requests"))
	}},
	{rule: "B05", broken: func(w *world) error {
		named := func(name string) func(*sdk.SubmitJobInput) {
			return func(in *sdk.SubmitJobInput) { in.JobName = &name }
		}
		_, environment := w.CreateComputeEnvironment(w.t.Context(), environmentInput("a.b"))
		_, queue := w.CreateJobQueue(w.t.Context(), queueInput("a.b", "ce"))
		return errors.Join(
			w.submits("valid pattern", named("-a")), w.submits("valid pattern", named("a.b")), w.submits("valid pattern", named(strings.Repeat("a", 129))),
			w.submits("", named(strings.Repeat("a", 128))), w.submits("", named("a")),
			w.defines("letters, digits", "a.b", nil), w.defines("letters, digits", strings.Repeat("a", 129), nil),
			refusal(environment, "letters, digits"), refusal(queue, "letters, digits"))
	}},
	{rule: "B06", broken: func(w *world) error {
		for i := range 3 {
			w.environment(fmt.Sprint("e", i), nil)
		}
		_, four := w.CreateJobQueue(w.t.Context(), queueInput("four", "ce", "e0", "e1", "e2"))
		return errors.Join(refusal(four, "1 to 3"),
			w.submits("51 tags", func(in *sdk.SubmitJobInput) { in.Tags = manyTags(51) }),
			w.submits("array size", func(in *sdk.SubmitJobInput) { in.ArrayProperties = &types.ArrayProperties{Size: aws.Int32(10_001)} }))
	}},
	{rule: "B07", broken: func(w *world) error {
		w.define("d", nil)
		if _, err := w.DeregisterJobDefinition(w.t.Context(), &sdk.DeregisterJobDefinitionInput{JobDefinition: aws.String("d:2")}); err != nil {
			return err
		}
		got := *w.job(w.submit("a")).JobDefinition
		return errors.Join(differs("definition", got, "arn:aws:batch:us-east-1:123456789012:job-definition/d:1"),
			w.submits("no ACTIVE revision", func(in *sdk.SubmitJobInput) { in.JobDefinition = aws.String("d:2") }))
	}},
	{rule: "B08", broken: func(w *world) error {
		w.submitWith("a", overriding(types.ContainerOverrides{Vcpus: aws.Int32(4), Memory: aws.Int32(4096)}))
		w.submitWith("b", overriding(types.ContainerOverrides{ResourceRequirements: requirements("2", "1024")}))
		a, b := w.started[0], w.started[1]
		return errors.Join(differs("vCPUs by the older member", a.VCPUs, 1), differs("memory by the older member", a.MemoryMiB, 512),
			differs("vCPUs by requirement", b.VCPUs, 2), differs("memory by requirement", b.MemoryMiB, 1024))
	}},
	{rule: "B09", broken: func(w *world) error {
		env := []types.KeyValuePair{{Name: aws.String("AWS_BATCH_X"), Value: aws.String("1")}}
		return errors.Join(w.submits("AWS_BATCH", overriding(types.ContainerOverrides{Environment: env})),
			w.defines("AWS_BATCH", "e", func(in *sdk.RegisterJobDefinitionInput) { in.ContainerProperties.Environment = env }))
	}},
	{rule: "B10", broken: func(w *world) error {
		in := fargateInput("f")
		in.ComputeResources.MinvCpus = aws.Int32(0)
		_, environment := w.CreateComputeEnvironment(w.t.Context(), in)
		return errors.Join(refusal(environment, "minvCpus is not applicable"),
			w.defines("", "e", onFargate("1", "2048", nil)),
			w.defines("Fargate resource requirements (1.00 vCPU, 4000 MiB) not valid.", "e", onFargate("1", "4000", nil)),
			w.defines("vcpus is not applicable for Fargate. Use resource requirements instead.", "e", onFargate("1", "2048", func(c *types.ContainerProperties) { c.Vcpus = aws.Int32(1) })),
			w.defines("executionRoleArn", "e", onFargate("1", "2048", func(c *types.ContainerProperties) { c.ExecutionRoleArn = nil })))
	}},
	{rule: "B11", scripts: long, broken: func(w *world) error {
		lasting := func(seconds int32) func(*sdk.SubmitJobInput) {
			return func(in *sdk.SubmitJobInput) {
				in.Timeout, in.RetryStrategy = &types.JobTimeout{AttemptDurationSeconds: &seconds}, &types.RetryStrategy{Attempts: aws.Int32(3)}
			}
		}
		id := w.submitWith("a", lasting(60))
		w.clock.Advance(time.Hour)
		j := w.job(id)
		return errors.Join(w.submits("at least 60", lasting(59)), differs("attempts", len(j.Attempts), 1),
			differs("reason", aws.ToString(j.StatusReason), "Job attempt duration exceeded timeout"))
	}},
	{rule: "B12", scripts: []scripted.Script{{End: batch.Exited(3)}}, broken: func(w *world) error {
		with := func(r types.RetryStrategy) func(*sdk.SubmitJobInput) {
			return func(in *sdk.SubmitJobInput) { in.RetryStrategy = &r }
		}
		exits := []types.EvaluateOnExit{{OnExitCode: aws.String("3"), OnReason: aws.String("Host*"), Action: types.RetryActionExit},
			{OnExitCode: aws.String("3"), Action: types.RetryActionExit}}
		first, none := w.submitWith("a", with(types.RetryStrategy{Attempts: aws.Int32(3), EvaluateOnExit: exits})),
			w.submitWith("b", with(types.RetryStrategy{Attempts: aws.Int32(3), EvaluateOnExit: exits[:1]}))
		w.clock.Advance(time.Minute)
		return errors.Join(differs("attempts where the second rule says EXIT", len(w.job(first).Attempts), 1),
			differs("attempts where no rule matches", len(w.job(none).Attempts), 3),
			w.submits("attempts must be from 1 to 10", with(types.RetryStrategy{Attempts: aws.Int32(11)})),
			w.submits("up to 5 entries", with(types.RetryStrategy{Attempts: aws.Int32(2), EvaluateOnExit: rules(6)})),
			w.submits("attempts must be given", with(types.RetryStrategy{EvaluateOnExit: exits})))
	}},
	{rule: "B13", options: func(o *batch.Options) { o.Step = time.Second },
		scripts: []scripted.Script{{Match: "a", Attempt: 1, Startup: time.Second, Duration: time.Second, End: batch.Exited(1)}, {Startup: time.Second, Duration: time.Second}}, broken: func(w *world) error {
			whole := overriding(types.ContainerOverrides{ResourceRequirements: requirements("16", "512")})
			first := w.submitWith("a", func(in *sdk.SubmitJobInput) {
				whole(in)
				in.RetryStrategy = &types.RetryStrategy{Attempts: aws.Int32(2)}
			})
			w.submitWith("another", whole)
			second := w.submit("b", first)
			var seen []string
			for range 12 {
				a, b := w.job(first), w.job(second)
				seen = append(seen, fmt.Sprint(a.Status, a.Container.LogStreamName != nil, " ", b.Status))
				w.clock.Advance(time.Second)
			}
			want := []string{"SUBMITTEDfalse SUBMITTED", "STARTINGfalse PENDING", "RUNNINGtrue PENDING", "RUNNABLEtrue PENDING", "STARTINGfalse PENDING", "RUNNINGtrue PENDING",
				"SUCCEEDEDtrue STARTING"}
			w.clock.Advance(8 * 24 * time.Hour)
			out, err := w.DescribeJobs(w.t.Context(), &sdk.DescribeJobsInput{Jobs: []string{first}})
			if err != nil {
				return err
			}
			return errors.Join(differs("states", strings.Join(slices.Compact(seen), ", "), strings.Join(want, ", ")), differs("jobs after 8 days", len(out.Jobs), 0))
		}},
	{rule: "B14", scripts: []scripted.Script{{Match: "bad", Duration: time.Minute, End: batch.Exited(1)}}, broken: func(w *world) error {
		bad := w.submit("bad")
		child := w.submit("child", bad)
		grandchild := w.submit("grandchild", child)
		w.clock.Advance(time.Hour)
		late := w.submit("late", bad)
		return errors.Join(w.ends(child, "FAILED Dependent Job failed"), w.ends(grandchild, "FAILED Dependent Job failed"), w.ends(late, "FAILED Dependent Job failed"))
	}},
	{rule: "B15", scripts: []scripted.Script{{Duration: time.Minute}}, broken: func(w *world) error {
		running := w.submitWith("a", overriding(types.ContainerOverrides{ResourceRequirements: requirements("16", "512")}))
		runnable, pending := w.submit("b"), w.submit("c", running)
		for _, id := range []string{running, runnable, pending} {
			if _, err := w.CancelJob(w.t.Context(), &sdk.CancelJobInput{JobId: &id, Reason: aws.String("unwanted")}); err != nil {
				return err
			}
		}
		err := errors.Join(w.ends(running, "RUNNING "), w.ends(runnable, "FAILED unwanted"), w.ends(pending, "PENDING "))
		w.clock.Advance(time.Minute)
		_, reason := w.CancelJob(w.t.Context(), &sdk.CancelJobInput{JobId: &running, Reason: aws.String(strings.Repeat("x", 1025))})
		return errors.Join(err, refusal(reason, "1 to 1024"), w.ends(running, "SUCCEEDED "), w.ends(pending, "FAILED unwanted"))
	}},
	{rule: "B16", scripts: []scripted.Script{{Match: "run", Duration: time.Hour}}, broken: func(w *world) error {
		w.submit("run")
		for range 150 {
			w.submit("done")
		}
		w.clock.Advance(time.Minute)
		list := func(in sdk.ListJobsInput) (n int, more bool) {
			in.JobQueue = aws.String("q")
			out, err := w.ListJobs(w.t.Context(), &in)
			if err != nil {
				w.t.Fatal(err)
			}
			return len(out.JobSummaryList), out.NextToken != nil
		}
		byDefault, _ := list(sdk.ListJobsInput{})
		byStatus, _ := list(sdk.ListJobsInput{JobStatus: types.JobStatusSucceeded})
		filtered, more := list(sdk.ListJobsInput{JobStatus: types.JobStatusFailed, Filters: []types.KeyValuesPair{{Name: aws.String("JOB_NAME"), Values: []string{"DONE*"}}}})
		_, neither := w.ListJobs(w.t.Context(), &sdk.ListJobsInput{})
		return errors.Join(differs("by default", byDefault, 1), differs("by status", byStatus, 150), differs("filtered", filtered, 100), differs("more", more, true),
			refusal(neither, "exactly one of jobQueue"))
	}},
	{rule: "B17", scripts: []scripted.Script{{Match: "bad", End: batch.Exited(1)}, {Match: "oom", End: batch.OutOfMemory()}, {Match: "spot", End: batch.HostLost("i-0123")},
		{Match: "fargate", End: batch.Interrupted()},
		{Match: "pull", End: batch.NotStarted("CannotPullContainerError: no such image")}}, broken: func(w *world) error {
		want := map[string]string{"bad": "Essential container in task exited", "oom": "Essential container in task exited/OutOfMemoryError: Container killed due to memory usage",
			"spot": "Host EC2 (instance i-0123) terminated.", "fargate": "Your Spot Task was interrupted.", "pull": "Task failed to start/CannotPullContainerError: no such image"}
		var err error
		for name, reason := range want {
			id := w.submit(name)
			w.clock.Advance(time.Minute)
			j := w.job(id)
			got := strings.TrimSuffix(aws.ToString(j.StatusReason)+"/"+aws.ToString(j.Container.Reason), "/")
			err = errors.Join(err, differs(name, got, reason), differs(name+"'s attempt", aws.ToString(j.Attempts[0].StatusReason), aws.ToString(j.StatusReason)))
		}
		return err
	}},
	{rule: "B18", scripts: []scripted.Script{{End: batch.NotStarted("CannotPullContainerError: no")}}, broken: func(w *world) error {
		id := w.submit("a")
		w.clock.Advance(time.Minute)
		j := w.job(id)
		return errors.Join(differs("exit code of the job", j.Container.ExitCode != nil, false), differs("of its attempt", j.Attempts[0].Container.ExitCode != nil, false))
	}},
	{rule: "B19", options: func(o *batch.Options) {
		o.Roles, o.Lags = ages{"service": time.Hour, "young": time.Second, "profile": time.Hour}, func() batch.Lags { return batch.Lags{Propagation: 10 * time.Second} }
	}, broken: func(w *world) error {
		settled := func(name, role string) string {
			w.environment(name, func(in *sdk.CreateComputeEnvironmentInput) {
				in.ServiceRole = aws.String("arn:aws:iam::123456789012:role/" + role)
			})
			e := w.described(name)
			return fmt.Sprint(e.Status, " ", aws.ToString(e.StatusReason))
		}
		return errors.Join(begins("an old role", settled("a", "service"), "VALID "),
			begins("a young role", settled("b", "young"), "INVALID CLIENT_ERROR - User: arn:aws:sts::123456789012:assumed-role/young/aws-batch is not authorized to perform: ecs:DescribeClusters"),
			begins("no role", settled("c", "nobody"), "INVALID CLIENT_ERROR - Not authorized to perform sts:AssumeRole (Service: AWSSecurityTokenService; Status Code: 403; Error Code: AccessDenied;"))
	}},
	{rule: "B20", options: func(o *batch.Options) { o.Roles = roles{"service": true, "profile": true} }, broken: func(w *world) error {
		w.environment("bad", func(in *sdk.CreateComputeEnvironmentInput) { in.ServiceRole = aws.String("nobody") })
		if _, err := w.CreateComputeEnvironment(w.t.Context(), fargateInput("fargate")); err != nil {
			return err
		}
		_, invalid := w.CreateJobQueue(w.t.Context(), queueInput("r", "bad"))
		_, mixed := w.CreateJobQueue(w.t.Context(), queueInput("s", "ce", "fargate"))
		return errors.Join(refusal(invalid, "is not VALID but INVALID"), refusal(mixed, "mixed"))
	}},
	{rule: "B21", options: func(o *batch.Options) {
		o.Lags = func() batch.Lags { return batch.Lags{Deleting: time.Minute, Relation: 30 * time.Second} }
	}, broken: func(w *world) error {
		q, ce := aws.String("q"), aws.String("ce")
		deleteQueue := func() error {
			_, err := w.DeleteJobQueue(w.t.Context(), &sdk.DeleteJobQueueInput{JobQueue: q})
			return err
		}
		deleteEnvironment := func() error {
			_, err := w.DeleteComputeEnvironment(w.t.Context(), &sdk.DeleteComputeEnvironmentInput{ComputeEnvironment: ce})
			return err
		}
		err := errors.Join(refusal(deleteQueue(), "state must be DISABLED"), refusal(deleteEnvironment(), "state must be DISABLED"))
		if err != nil {
			return err
		}
		_, queue := w.UpdateJobQueue(w.t.Context(), &sdk.UpdateJobQueueInput{JobQueue: q, State: types.JQStateDisabled})
		_, environment := w.UpdateComputeEnvironment(w.t.Context(), &sdk.UpdateComputeEnvironmentInput{ComputeEnvironment: ce, State: types.CEStateDisabled})
		err = errors.Join(queue, environment, refusal(deleteEnvironment(), "found existing JobQueue relationship"), deleteQueue())
		w.clock.Advance(59 * time.Second)
		err = errors.Join(err, refusal(deleteEnvironment(), "found existing JobQueue relationship"))
		w.clock.Advance(30 * time.Second)
		err = errors.Join(err, refusal(deleteEnvironment(), "found existing JobQueue relationship"))
		w.clock.Advance(time.Second)
		return errors.Join(err, deleteEnvironment())
	}},
	{rule: "B22", broken: func(w *world) error {
		_, fargate := w.CreateComputeEnvironment(w.t.Context(), fargateInput("f"))
		update := func(name string, u types.ComputeResourceUpdate) error {
			_, err := w.UpdateComputeEnvironment(w.t.Context(), &sdk.UpdateComputeEnvironmentInput{ComputeEnvironment: &name, ComputeResources: &u})
			return err
		}
		return errors.Join(fargate, update("ce", types.ComputeResourceUpdate{MaxvCpus: aws.Int32(32)}), update("f", types.ComputeResourceUpdate{Subnets: []string{"subnet-2"}}),
			refusal(update("ce", types.ComputeResourceUpdate{InstanceTypes: []string{"m5"}}), "service-linked role"),
			refusal(update("f", types.ComputeResourceUpdate{InstanceTypes: []string{"m5"}}), "Fargate"))
	}},
	{rule: "B23", broken: func(w *world) error {
		name := strings.Repeat("d", 128)
		w.define(name, nil)
		id := w.submitWith("a", func(in *sdk.SubmitJobInput) { in.JobDefinition = &name })
		c := w.job(id).Container
		task := (*c.TaskArn)[strings.LastIndex(*c.TaskArn, "/")+1:]
		return errors.Join(differs("stream", aws.ToString(c.LogStreamName), name+"/default/"+task), differs("the job in it", strings.Contains(*c.LogStreamName, id), false))
	}},
	{rule: "B24", options: func(o *batch.Options) { o.Roles = roles{"service": true, "profile": true} }, broken: func(w *world) error {
		w.environment("e", func(in *sdk.CreateComputeEnvironmentInput) { in.ServiceRole = nil })
		e := w.described("e")
		return errors.Join(differs("role", aws.ToString(e.ServiceRole), linkedRole), differs("status", e.Status, types.CEStatusValid))
	}},
	{rule: "B25", options: func(o *batch.Options) {
		o.Runner = small{o.Runner}
		o.Stuck = func(name string) string {
			return map[bool]string{true: "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"}[name == "unlucky"]
		}
	}, broken: func(w *world) error {
		var err error
		for name, want := range map[string]struct{ vcpus, memory, reason string }{
			"unlucky": {"1", "512", "RUNNABLE CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"},
			"wide":    {"17", "512", "RUNNABLE MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE"},
			"large":   {"1", "4096", "RUNNABLE MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"},
			"fits":    {"1", "1024", "RUNNING "},
		} {
			id := w.submitWith(name, overriding(types.ContainerOverrides{ResourceRequirements: requirements(want.vcpus, want.memory)}))
			err = errors.Join(err, w.ends(id, want.reason))
			if _, ended := w.TerminateJob(w.t.Context(), &sdk.TerminateJobInput{JobId: &id, Reason: aws.String("next")}); ended != nil {
				return ended
			}
		}
		return err
	}},
	{rule: "B26", broken: func(w *world) error {
		text := func(n int) func(*sdk.SubmitJobInput) {
			return overriding(types.ContainerOverrides{Command: []string{strings.Repeat("é", n-len(`{"command":[""]}`))}})
		}
		return errors.Join(w.ends(w.submitWith("a", text(8193)), "FAILED Container Overrides length must be at most 8192"), w.ends(w.submitWith("b", text(8192)), "RUNNING "))
	}},
	{rule: "B27", broken: func(w *world) error {
		return errors.Join(w.submits("empty string", overriding(types.ContainerOverrides{Command: []string{"echo", ""}})),
			w.defines("empty string", "e", func(in *sdk.RegisterJobDefinitionInput) { in.ContainerProperties.Command = []string{""} }))
	}},
	{rule: "B28", broken: func(w *world) error {
		of := func(name string, types ...string) error {
			in := environmentInput(name)
			in.ComputeResources.InstanceTypes = types
			_, err := w.CreateComputeEnvironment(w.t.Context(), in)
			return err
		}
		err := errors.Join(refusal(of("mixed", "m7g.large", "m7i"), "must share the same architecture"), of("arm", "default_arm64", "g5g.xlarge", "a1", "c7gn"), of("x86", "g4dn.xlarge", "x2iedn", "optimal"))
		_, queue := w.CreateJobQueue(w.t.Context(), queueInput("both", "arm", "x86"))
		return errors.Join(err, refusal(queue, "must share the same architecture"))
	}},
	{rule: "B29", scripts: long, broken: func(w *world) error {
		if _, err := w.CreateComputeEnvironment(w.t.Context(), fargateInput("f")); err != nil {
			return err
		}
		w.queue("fargate", "f")
		w.define("on-fargate", onFargate("1", "2048", nil))
		w.submitWith("a", func(in *sdk.SubmitJobInput) {
			in.JobQueue, in.JobDefinition = aws.String("fargate"), aws.String("on-fargate")
		})
		if _, err := w.CreateComputeEnvironment(w.t.Context(), fargateInput("next")); err != nil {
			return err
		}
		f := aws.String("f")
		_, moved := w.UpdateJobQueue(w.t.Context(), &sdk.UpdateJobQueueInput{JobQueue: aws.String("fargate"), ComputeEnvironmentOrder: queueInput("", "next").ComputeEnvironmentOrder})
		_, disabled := w.UpdateComputeEnvironment(w.t.Context(), &sdk.UpdateComputeEnvironmentInput{ComputeEnvironment: f, State: types.CEStateDisabled})
		_, deleted := w.DeleteComputeEnvironment(w.t.Context(), &sdk.DeleteComputeEnvironmentInput{ComputeEnvironment: f})
		if err := errors.Join(moved, disabled, deleted); err != nil {
			return err
		}
		out, err := w.DescribeComputeEnvironments(w.t.Context(), &sdk.DescribeComputeEnvironmentsInput{ComputeEnvironments: []string{"f"}})
		if err != nil || len(out.ComputeEnvironments) == 0 {
			return fmt.Errorf("the environment is gone, %w", err)
		}
		return differs("status", out.ComputeEnvironments[0].Status, types.CEStatusInvalid)
	}},
	{rule: "B30", broken: func(w *world) error {
		gpus := func(name, queue string) string {
			return w.submitWith(name, func(in *sdk.SubmitJobInput) {
				in.JobQueue = &queue
				in.ContainerOverrides = &types.ContainerOverrides{ResourceRequirements: append(requirements("1", "512"),
					types.ResourceRequirement{Type: types.ResourceTypeGpu, Value: aws.String("1")})}
			})
		}
		w.environment("gpu", func(in *sdk.CreateComputeEnvironmentInput) { in.ComputeResources.InstanceTypes = []string{"g5.xlarge"} })
		w.queue("with", "gpu")
		return errors.Join(w.ends(gpus("a", "q"), "RUNNABLE MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"), w.ends(gpus("b", "with"), "RUNNING "))
	}},
	{rule: "B31", options: func(o *batch.Options) { o.Templates = templates{"disk": true} }, broken: func(w *world) error {
		made := func(name, template string) string {
			w.environment(name, func(in *sdk.CreateComputeEnvironmentInput) {
				in.ComputeResources.LaunchTemplate = &types.LaunchTemplateSpecification{LaunchTemplateName: &template, Version: aws.String("1")}
			})
			e := w.described(name)
			return fmt.Sprint(e.Status, " ", aws.ToString(e.StatusReason))
		}
		return errors.Join(begins("a template that is there", made("a", "disk"), "VALID "),
			begins("one that is not", made("b", "none"), "INVALID CLIENT_ERROR - You must use a valid fully-formed launch template. The specified launch template, with template name none, does not exist."))
	}},
	{rule: "B32", broken: func(w *world) error {
		w.define("many", func(in *sdk.RegisterJobDefinitionInput) { in.Tags, in.PropagateTags = manyTags(49), aws.Bool(true) })
		tagged := func(name string, tags map[string]string) string {
			return w.submitWith(name, func(in *sdk.SubmitJobInput) { in.JobDefinition, in.Tags = aws.String("many"), tags })
		}
		return errors.Join(w.ends(tagged("fits", map[string]string{"k0": "another value", "own": "v"}), "RUNNING "),
			w.ends(tagged("over", map[string]string{"own": "v", "other": "v"}), "FAILED Tags of the job"))
	}},
}

// small is a machine with 1 GiB for jobs.
type small struct{ batch.Runner }

func (small) MemoryMiB() int64 { return 1024 }

// ages are those of roles and instance profiles, by name.
type ages map[string]time.Duration

func (a ages) RoleSince(arn string) (time.Time, bool) {
	age, ok := a[arn[strings.LastIndex(arn, "/")+1:]]
	return startTime.Add(-age), ok
}
func (a ages) InstanceProfileSince(arn string) (time.Time, bool) { return a.RoleSince(arn) }
func (ages) ServiceLinkedRole() (string, error)                  { return linkedRole, nil }

func overriding(o types.ContainerOverrides) func(*sdk.SubmitJobInput) {
	return func(in *sdk.SubmitJobInput) { in.ContainerOverrides = &o }
}

func onFargate(vcpus, memory string, change func(*types.ContainerProperties)) func(*sdk.RegisterJobDefinitionInput) {
	return func(in *sdk.RegisterJobDefinitionInput) {
		in.PlatformCapabilities = []types.PlatformCapability{types.PlatformCapabilityFargate}
		in.ContainerProperties.ExecutionRoleArn = aws.String("arn:aws:iam::123456789012:role/execution")
		in.ContainerProperties.ResourceRequirements = requirements(vcpus, memory)
		if change != nil {
			change(in.ContainerProperties)
		}
	}
}

// submits tries a submission that is to be refused with a text; "" is for one that is to be accepted.
func (w *world) submits(want string, change func(*sdk.SubmitJobInput)) error {
	_, err := w.SubmitJob(w.t.Context(), submission("a", change))
	return refusal(err, want)
}

func (w *world) defines(want, name string, change func(*sdk.RegisterJobDefinitionInput)) error {
	_, err := w.RegisterJobDefinition(w.t.Context(), definitionInput(name, change))
	return refusal(err, want)
}

// refusal compares an answer with the text of an error, with its code before it where it is not ClientException.
func refusal(err error, want string) error {
	var api smithy.APIError
	switch {
	case want == "" || err == nil:
		return differs("answer", err == nil, want == "")
	case !errors.As(err, &api):
		return err
	case !slices.Contains([]string{"ClientException", "TooManyRequestsException"}, api.ErrorCode()):
		return fmt.Errorf("an error of another kind: %w", err)
	}
	if !strings.Contains(api.ErrorCode()+": "+api.ErrorMessage(), want) {
		return fmt.Errorf("refused with %q, want %q", api.ErrorMessage(), want)
	}
	return nil
}

// ends compares the status of a job and the beginning of its reason.
func (w *world) ends(id, want string) error {
	j := w.job(id)
	return begins(*j.JobName, fmt.Sprint(j.Status, " ", aws.ToString(j.StatusReason)), want)
}

func begins(what, got, want string) error {
	if !strings.HasPrefix(got, want) {
		return fmt.Errorf("%s: %q, want %q", what, got, want)
	}
	return nil
}

func differs[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: %v, want %v", what, got, want)
	}
	return nil
}
