package batch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

func TestSubmitJobRefuses(t *testing.T) {
	w := newQueue(t, nil)
	w.environment("other", nil)
	w.queue("off", "other")
	if _, err := w.UpdateJobQueue(t.Context(), &sdk.UpdateJobQueueInput{JobQueue: aws.String("off"), State: types.JQStateDisabled}); err != nil {
		t.Fatal(err)
	}
	retry := func(r types.RetryStrategy) func(*sdk.SubmitJobInput) {
		return func(in *sdk.SubmitJobInput) { in.RetryStrategy = &r }
	}
	overrides := func(o types.ContainerOverrides) func(*sdk.SubmitJobInput) {
		return func(in *sdk.SubmitJobInput) { in.ContainerOverrides = &o }
	}
	tests := []struct {
		rule   string
		name   string
		change func(*sdk.SubmitJobInput)
		want   string // "": accepted
	}{
		{"B01", "a", func(in *sdk.SubmitJobInput) {
			in.DependsOn = make([]types.JobDependency, 21)
			for i := range in.DependsOn {
				in.DependsOn[i].JobId = aws.String(fmt.Sprint(i))
			}
		}, "Job cannot have more than 20 dependencies"},
		{"B01 unknown", "a", func(in *sdk.SubmitJobInput) { in.DependsOn = []types.JobDependency{{JobId: aws.String("nobody")}} }, "there is no such job"},
		{"array dependency", "a", func(in *sdk.SubmitJobInput) {
			in.DependsOn = []types.JobDependency{{Type: types.ArrayJobDependencySequential}}
		}, "array jobs"},
		{"B03", "a", overrides(types.ContainerOverrides{Command: []string{strings.Repeat("y", 31<<10)}}), "30 KiB"},
		{"B05 first character", "-a", nil, "valid pattern"},
		{"B05 length", strings.Repeat("a", 129), nil, "valid pattern"},
		{"B05 dots", "a.b", nil, "valid pattern"},
		{"B05 longest", strings.Repeat("a", 128), nil, ""},
		{"B05 one character", "a", nil, ""},
		{"B06 array", "a", func(in *sdk.SubmitJobInput) { in.ArrayProperties = &types.ArrayProperties{Size: aws.Int32(1)} }, "array size"},
		{"B06 tags", "a", func(in *sdk.SubmitJobInput) { in.Tags = manyTags(51) }, "51 tags"},
		{"B06 most tags", "a", func(in *sdk.SubmitJobInput) { in.Tags = manyTags(50) }, ""},
		{"B07", "a", func(in *sdk.SubmitJobInput) { in.JobDefinition = aws.String("d:2") }, "does not exist"},
		{"B09", "a", overrides(types.ContainerOverrides{Environment: []types.KeyValuePair{{Name: aws.String("AWS_BATCH_X"), Value: aws.String("1")}}}), "AWS_BATCH"},
		{"B11", "a", func(in *sdk.SubmitJobInput) { in.Timeout = &types.JobTimeout{AttemptDurationSeconds: aws.Int32(59)} }, "at least 60"},
		{"B11 least", "a", func(in *sdk.SubmitJobInput) { in.Timeout = &types.JobTimeout{AttemptDurationSeconds: aws.Int32(60)} }, ""},
		{"B12 none", "a", retry(types.RetryStrategy{Attempts: aws.Int32(0)}), "attempts"},
		{"B12 eleven", "a", retry(types.RetryStrategy{Attempts: aws.Int32(11)}), "attempts"},
		{"B12 rules without attempts", "a", retry(types.RetryStrategy{EvaluateOnExit: rules(1)}), "attempts must be given"},
		{"B12 six rules", "a", retry(types.RetryStrategy{Attempts: aws.Int32(2), EvaluateOnExit: rules(6)}), "up to 5"},
		{"B12 five rules", "a", retry(types.RetryStrategy{Attempts: aws.Int32(2), EvaluateOnExit: rules(5)}), ""},
		{"B12 asterisk", "a", retry(types.RetryStrategy{Attempts: aws.Int32(2), EvaluateOnExit: []types.EvaluateOnExit{
			{Action: types.RetryActionExit, OnReason: aws.String("a*b")}}}), "pattern"},
		{"B12 characters", "a", retry(types.RetryStrategy{Attempts: aws.Int32(2), EvaluateOnExit: []types.EvaluateOnExit{
			{Action: types.RetryActionExit, OnStatusReason: aws.String("Host (x)")}}}), "pattern"},
		{"B12 digits", "a", retry(types.RetryStrategy{Attempts: aws.Int32(2), EvaluateOnExit: []types.EvaluateOnExit{
			{Action: types.RetryActionExit, OnExitCode: aws.String("one")}}}), "pattern"},
		{"B12 length", "a", retry(types.RetryStrategy{Attempts: aws.Int32(2), EvaluateOnExit: []types.EvaluateOnExit{
			{Action: types.RetryActionExit, OnReason: aws.String(strings.Repeat("a", 513))}}}), "pattern"},
		{"B27", "a", overrides(types.ContainerOverrides{Command: []string{"echo", ""}}), "empty string"},
		{"memory", "a", overrides(types.ContainerOverrides{ResourceRequirements: requirements("1", "3")}), "at least 4 MiB"},
		{"whole vCPUs", "a", overrides(types.ContainerOverrides{ResourceRequirements: requirements("0.5", "512")}), "whole number"},
		{"disabled queue", "a", func(in *sdk.SubmitJobInput) { in.JobQueue = aws.String("off") }, "DISABLED"},
		{"unknown queue", "a", func(in *sdk.SubmitJobInput) { in.JobQueue = aws.String("nobody") }, "does not exist"},
		{"parameters", "a", func(in *sdk.SubmitJobInput) { in.Parameters = map[string]string{"x": "y"} }, "not offered"},
		{"share", "a", func(in *sdk.SubmitJobInput) { in.ShareIdentifier = aws.String("s") }, "shareIdentifier"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			_, err := w.SubmitJob(t.Context(), submission(tt.name, tt.change))
			wantRefusal(t, err, tt.want)
		})
	}
}

func manyTags(n int) map[string]string {
	tags := map[string]string{}
	for i := range n {
		tags[fmt.Sprint("k", i)] = "v"
	}
	return tags
}

func rules(n int) []types.EvaluateOnExit {
	list := make([]types.EvaluateOnExit, n)
	for i := range list {
		list[i] = types.EvaluateOnExit{Action: types.RetryActionRetry, OnExitCode: aws.String(fmt.Sprint(i + 1))}
	}
	return list
}

func TestRegisterJobDefinitionRefuses(t *testing.T) {
	w := newWorld(t, nil)
	container := func(change func(*types.ContainerProperties)) func(*sdk.RegisterJobDefinitionInput) {
		return func(in *sdk.RegisterJobDefinitionInput) { change(in.ContainerProperties) }
	}
	fargate := func(vcpus, memory string) func(*sdk.RegisterJobDefinitionInput) {
		return func(in *sdk.RegisterJobDefinitionInput) {
			in.PlatformCapabilities = []types.PlatformCapability{types.PlatformCapabilityFargate}
			in.ContainerProperties.ExecutionRoleArn = aws.String("arn:aws:iam::123456789012:role/execution")
			in.ContainerProperties.ResourceRequirements = requirements(vcpus, memory)
		}
	}
	tests := []struct {
		rule   string
		name   string
		change func(*sdk.RegisterJobDefinitionInput)
		want   string
	}{
		{"B03", "d", container(func(c *types.ContainerProperties) { c.Command = []string{strings.Repeat("x", 25<<10)} }), "24 KiB"},
		{"B05", "d.e", nil, "letters, digits"},
		{"B05 length", strings.Repeat("d", 129), nil, "letters, digits"},
		{"B06", "d", func(in *sdk.RegisterJobDefinitionInput) { in.Tags = manyTags(51) }, "51 tags"},
		{"B09", "d", container(func(c *types.ContainerProperties) {
			c.Environment = []types.KeyValuePair{{Name: aws.String("AWS_BATCH_JOB_ID"), Value: aws.String("1")}}
		}), "AWS_BATCH"},
		{"B10 size", "d", fargate("1", "4000"), "Fargate resource requirements (1.00 vCPU, 4000 MiB) not valid."},
		{"B10 valid size", "d", fargate("0.25", "512"), ""},
		{"B10 largest size", "d", fargate("16", "122880"), ""},
		{"B10 step of the size", "d", fargate("8", "17408"), "not valid"},
		{"B10 least disk", "d", func(in *sdk.RegisterJobDefinitionInput) {
			fargate("1", "2048")(in)
			in.ContainerProperties.EphemeralStorage = &types.EphemeralStorage{SizeInGiB: aws.Int32(20)}
		}, "ephemeralStorage: sizeInGiB must be from 21 to 200"},
		{"B10 most disk", "d", func(in *sdk.RegisterJobDefinitionInput) {
			fargate("1", "2048")(in)
			in.ContainerProperties.EphemeralStorage = &types.EphemeralStorage{SizeInGiB: aws.Int32(200)}
		}, ""},
		{"B10 vcpus", "d", func(in *sdk.RegisterJobDefinitionInput) {
			fargate("1", "2048")(in)
			in.ContainerProperties.Vcpus = aws.Int32(1)
		}, "vcpus is not applicable for Fargate. Use resource requirements instead."},
		{"B10 execution role", "d", func(in *sdk.RegisterJobDefinitionInput) {
			fargate("1", "2048")(in)
			in.ContainerProperties.ExecutionRoleArn = nil
		}, "executionRoleArn"},
		{"B11", "d", func(in *sdk.RegisterJobDefinitionInput) {
			in.Timeout = &types.JobTimeout{AttemptDurationSeconds: aws.Int32(1)}
		}, "at least 60"},
		{"B12", "d", func(in *sdk.RegisterJobDefinitionInput) {
			in.RetryStrategy = &types.RetryStrategy{Attempts: aws.Int32(11)}
		}, "attempts"},
		{"B27", "d", container(func(c *types.ContainerProperties) { c.Command = []string{""} }), "empty string"},
		{"no memory", "d", container(func(c *types.ContainerProperties) { c.ResourceRequirements = c.ResourceRequirements[:1] }), "MEMORY is missing"},
		{"image", "d", container(func(c *types.ContainerProperties) { c.Image = aws.String(strings.Repeat("i", 256)) }), "image"},
		{"image with blanks", "d", container(func(c *types.ContainerProperties) { c.Image = aws.String("a b") }), "image"},
		{"secrets", "d", container(func(c *types.ContainerProperties) {
			c.Secrets = []types.Secret{{Name: aws.String("A"), ValueFrom: aws.String("arn:x")}}
		}), "executionRoleArn"},
		{"no container", "d", func(in *sdk.RegisterJobDefinitionInput) { in.ContainerProperties = nil }, "containerProperties"},
		{"volumes", "d", container(func(c *types.ContainerProperties) { c.Volumes = []types.Volume{{Name: aws.String("v")}} }), "volumes is not offered"},
		{"shared memory", "d", container(func(c *types.ContainerProperties) {
			c.LinuxParameters = &types.LinuxParameters{SharedMemorySize: aws.Int32(0)}
		}), "sharedMemorySize must be at least 1"},
		{"B10 shared memory", "d", func(in *sdk.RegisterJobDefinitionInput) {
			fargate("0.25", "512")(in)
			in.ContainerProperties.LinuxParameters = &types.LinuxParameters{SharedMemorySize: aws.Int32(64)}
		}, "sharedMemorySize is not applicable"},
		{"swap", "d", container(func(c *types.ContainerProperties) { c.LinuxParameters = &types.LinuxParameters{MaxSwap: aws.Int32(1)} }), "maxSwap is not offered"},
		{"empty lists", "d", container(func(c *types.ContainerProperties) { c.Volumes, c.MountPoints = []types.Volume{}, []types.MountPoint{} }), ""},
		{"multi-node", "d", func(in *sdk.RegisterJobDefinitionInput) { in.Type = types.JobDefinitionTypeMultinode }, "offers container"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			_, err := w.RegisterJobDefinition(t.Context(), definitionInput(tt.name, tt.change))
			wantRefusal(t, err, tt.want)
		})
	}
}

func TestCreateComputeEnvironmentRefuses(t *testing.T) {
	w := newWorld(t, nil)
	w.environment("taken", nil)
	resources := func(change func(*types.ComputeResource)) *sdk.CreateComputeEnvironmentInput {
		in := environmentInput("e")
		change(in.ComputeResources)
		return in
	}
	onFargate := func(change func(*types.ComputeResource)) *sdk.CreateComputeEnvironmentInput {
		in := fargateInput("f")
		change(in.ComputeResources)
		return in
	}
	tests := map[string]struct {
		in   *sdk.CreateComputeEnvironmentInput
		want string
	}{
		"B05":                       {environmentInput("a b"), "letters, digits"},
		"taken":                     {environmentInput("taken"), "already exists"},
		"B10 minvCpus":              {onFargate(func(r *types.ComputeResource) { r.MinvCpus = aws.Int32(0) }), "minvCpus is not applicable"},
		"B10 desiredvCpus":          {onFargate(func(r *types.ComputeResource) { r.DesiredvCpus = aws.Int32(0) }), "desiredvCpus is not applicable"},
		"B10 instanceTypes":         {onFargate(func(r *types.ComputeResource) { r.InstanceTypes = []string{"m5"} }), "instanceTypes is not applicable"},
		"B10 instanceRole":          {onFargate(func(r *types.ComputeResource) { r.InstanceRole = aws.String("r") }), "instanceRole is not applicable"},
		"B10 allocation":            {onFargate(func(r *types.ComputeResource) { r.AllocationStrategy = types.CRAllocationStrategyBestFit }), "allocationStrategy"},
		"B10 subnets":               {onFargate(func(r *types.ComputeResource) { r.Subnets = make([]string, 17) }), "up to 16"},
		"B10 security group":        {onFargate(func(r *types.ComputeResource) { r.SecurityGroupIds = nil }), "security group"},
		"instance role":             {resources(func(r *types.ComputeResource) { r.InstanceRole = nil }), "instanceRole is required"},
		"Spot fleet role":           {resources(func(r *types.ComputeResource) { r.Type = types.CRTypeSpot }), "spotIamFleetRole"},
		"Spot strategy on EC2":      {resources(func(r *types.ComputeResource) { r.AllocationStrategy = types.CRAllocationStrategySpotCapacityOptimized }), "for SPOT"},
		"more desired than max":     {resources(func(r *types.ComputeResource) { r.DesiredvCpus = aws.Int32(17) }), "between"},
		"no resources, yet managed": {&sdk.CreateComputeEnvironmentInput{ComputeEnvironmentName: aws.String("m"), Type: types.CETypeManaged}, "must be provided"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := w.CreateComputeEnvironment(t.Context(), tt.in)
			wantRefusal(t, err, tt.want)
		})
	}
}

func TestLimitOfEnvironmentsAndQueues(t *testing.T) { // B06
	w := newWorld(t, nil)
	for i := range 50 {
		w.environment(fmt.Sprint("e", i), nil)
		w.queue(fmt.Sprint("q", i), "e0")
	}
	_, err := w.CreateComputeEnvironment(t.Context(), environmentInput("e50"))
	wantRefusal(t, err, "limit of 50")
	_, err = w.CreateJobQueue(t.Context(), queueInput("q50", "e0"))
	wantRefusal(t, err, "limit of 50")
}

func TestCreateJobQueueRefuses(t *testing.T) { // B05, B06, B20
	w := newWorld(t, func(o *batchOptions) { o.Roles = roles{"service": true, "profile": true} })
	for _, name := range []string{"a", "b", "c", "d"} {
		w.environment(name, nil)
	}
	w.environment("bad", func(in *sdk.CreateComputeEnvironmentInput) {
		in.ServiceRole = aws.String("arn:aws:iam::123456789012:role/nobody")
	})
	if _, err := w.CreateComputeEnvironment(t.Context(), fargateInput("fargate")); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		in   *sdk.CreateJobQueueInput
		want string
	}{
		"B05":         {queueInput("a.b", "a"), "letters, digits"},
		"B06":         {queueInput("r", "a", "b", "c", "d"), "1 to 3"},
		"B06 most":    {queueInput("q", "a", "b", "c"), ""},
		"B20 invalid": {queueInput("r", "bad"), "is not VALID but INVALID"},
		"B20 mixed":   {queueInput("r", "a", "fargate"), "mixed"},
		"unknown":     {queueInput("r", "nobody"), "does not exist"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := w.CreateJobQueue(t.Context(), tt.in)
			wantRefusal(t, err, tt.want)
		})
	}
}

func TestRequestsAreDecodedStrictly(t *testing.T) {
	w := newQueue(t, nil)
	for body, want := range map[string]int{
		`{"jobName":"a","jobQueue":"q","jobDefinition":"d"}`:                      200,
		`{"jobName":"a","jobQueue":"q","jobDefinition":"d","priority":1}`:         400,
		`{"jobName":"a","jobQueue":"q","jobDefinition":"d","dependsOn":["x"]}`:    400,
		`{"jobName":"a","jobQueue":"q"}`:                                          400,
		`{"jobName":"a","jobQueue":"q","jobDefinition":"d","timeout":{"s":"60"}}`: 400,
	} {
		if got := w.post("submitjob", body); got != want {
			t.Errorf("%s: answered %d, want %d", body, got, want)
		}
	}
	if got := w.post("createschedulingpolicy", "{}"); got != 404 {
		t.Errorf("an operation that is not offered: answered %d", got)
	}
}
