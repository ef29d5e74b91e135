package batch

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// imageName. API: ContainerProperties.image; the digest form is what ECR itself names an image by.
var imageName = regexp.MustCompile(`^[0-9A-Za-z_:./#@-]{1,255}$`)

// B12: letters, digits, dots, colons and white space, and an asterisk at the end; exit codes are digits.
var (
	reasonPattern = regexp.MustCompile(`^[A-Za-z0-9.:\s]*\*?$`)
	codePattern   = regexp.MustCompile(`^[0-9]*\*?$`)
)

// attemptRules are those of retry strategies and timeouts, in definitions and in submissions. B11, B12.
func attemptRules(r *types.RetryStrategy, t *types.JobTimeout) []verdict {
	verdicts := []verdict{when("B11", t != nil && aws.ToInt32(t.AttemptDurationSeconds) < 60, "timeout: attemptDurationSeconds must be at least 60")}
	if r == nil {
		return verdicts
	}
	verdicts = append(verdicts,
		when("B12", r.Attempts != nil && (*r.Attempts < 1 || *r.Attempts > 10), "retryStrategy: attempts must be from 1 to 10"),
		when("B12", len(r.EvaluateOnExit) > 5, "retryStrategy: evaluateOnExit has up to 5 entries"),
		when("B12", len(r.EvaluateOnExit) > 0 && r.Attempts == nil, "retryStrategy: attempts must be given with evaluateOnExit"))
	for _, exit := range r.EvaluateOnExit {
		code, reason, status := aws.ToString(exit.OnExitCode), aws.ToString(exit.OnReason), aws.ToString(exit.OnStatusReason)
		verdicts = append(verdicts,
			when(plain, exit.Action == "", "retryStrategy: an entry of evaluateOnExit has no action"),
			when("B12", code+reason+status == "", "retryStrategy: an entry of evaluateOnExit has no condition"),
			when("B12", max(len(code), len(reason), len(status)) > 512, "retryStrategy: a pattern of evaluateOnExit has up to 512 characters"),
			when("B12", !codePattern.MatchString(code) || !reasonPattern.MatchString(reason) || !reasonPattern.MatchString(status),
				"retryStrategy: a pattern of evaluateOnExit has other characters than it takes, in %q, %q or %q", code, reason, status))
	}
	return verdicts
}

// containerRules are those of a definition's container.
func containerRules(c *types.ContainerProperties, fargate bool) []verdict {
	image, noRole := aws.ToString(c.Image), aws.ToString(c.ExecutionRoleArn) == ""
	forInstances, forFargate := given(c, "Privileged", "Ulimits", "InstanceType"), given(c, "NetworkConfiguration", "FargatePlatformConfiguration", "EphemeralStorage")
	foreign := given(c, "Privileged", "Ulimits", "InstanceType", "MountPoints", "Volumes", "User", "ReadonlyRootFilesystem", "RepositoryCredentials")
	verdicts := []verdict{
		when(plain, !imageName.MatchString(image), "image %q must be 1 to 255 letters, digits and - _ : . / # @", image),
		when(plain, len(c.Secrets) > 0 && noRole, "executionRoleArn is required for secrets"),
		when("B10", fargate && noRole, "executionRoleArn is required for Fargate"),
		when("B10", fargate && forInstances != "", "%s is not applicable for Fargate", forInstances),
		when("B10", c.EphemeralStorage != nil && (aws.ToInt32(c.EphemeralStorage.SizeInGiB) < 21 || *c.EphemeralStorage.SizeInGiB > 200),
			"ephemeralStorage: sizeInGiB must be from 21 to 200"),
		when(plain, !fargate && forFargate != "", "%s is for Fargate", forFargate),
		when(plain, foreign != "", "%s is not offered by the embedded Batch", foreign),
	}
	if l := c.LinuxParameters; l != nil {
		foreign := given(l, "Devices", "InitProcessEnabled", "MaxSwap", "Swappiness", "Tmpfs")
		verdicts = append(verdicts,
			when("B10", fargate && l.SharedMemorySize != nil, "sharedMemorySize is not applicable for Fargate"),
			when(plain, l.SharedMemorySize != nil && *l.SharedMemorySize < 1, "sharedMemorySize must be at least 1"),
			when(plain, foreign != "", "linuxParameters: %s is not offered by the embedded Batch", foreign))
	}
	verdicts = append(verdicts, contentRules(c.Command, c.Environment, c.ResourceRequirements, c.Vcpus, c.Memory, fargate)...)
	return append(verdicts, sizeRules(sizeOf(c.ResourceRequirements, c.Vcpus, c.Memory), fargate)...)
}

// contentRules are those of what a definition's container and its overrides have in common.
func contentRules(command []string, env []types.KeyValuePair, requirements []types.ResourceRequirement, vcpus, memory *int32, fargate bool) []verdict {
	verdicts := []verdict{
		when("B27", slices.Contains(command, ""), "command must not contain an empty string"),
		when("B10", fargate && vcpus != nil, "vcpus is not applicable for Fargate. Use resource requirements instead."),
		when("B10", fargate && memory != nil, "memory is not applicable for Fargate. Use resource requirements instead."),
	}
	for _, kv := range env {
		verdicts = append(verdicts, when("B09", strings.HasPrefix(aws.ToString(kv.Name), "AWS_BATCH"),
			"environment variable %s: names must not start with AWS_BATCH, which is for variables of Batch", aws.ToString(kv.Name)))
	}
	seen := map[types.ResourceType]bool{}
	for _, r := range requirements {
		text := aws.ToString(r.Value)
		value, err := strconv.ParseFloat(text, 64)
		verdicts = append(verdicts,
			when(plain, r.Type == "" || err != nil || value <= 0, "resource requirement %s: %q is not a number above 0", r.Type, text),
			when(plain, seen[r.Type], "resource requirement %s is given twice", r.Type),
			when("B10", fargate && r.Type == types.ResourceTypeGpu, "GPU is not applicable for Fargate"),
			when(plain, (r.Type != types.ResourceTypeVcpu || !fargate) && value != float64(int64(value)), "resource requirement %s: %q must be a whole number", r.Type, text),
			when(plain, r.Type == types.ResourceTypeMemory && value < 4, "resource requirement MEMORY must be at least 4 MiB"))
		seen[r.Type] = true
	}
	return verdicts
}

// size is what a job asks for; zero where it is not said.
type size struct {
	vcpus  float64
	memory int64 // MiB
	gpus   int
}

// sizeOf reads requirements, and the older members where these don't say.
func sizeOf(list []types.ResourceRequirement, vcpus, memory *int32) size {
	z := size{vcpus: float64(aws.ToInt32(vcpus)), memory: int64(aws.ToInt32(memory))}
	for _, r := range list {
		value, _ := strconv.ParseFloat(aws.ToString(r.Value), 64) // was checked
		switch r.Type {
		case types.ResourceTypeVcpu:
			z.vcpus = value
		case types.ResourceTypeMemory:
			z.memory = int64(value)
		case types.ResourceTypeGpu:
			z.gpus = int(value)
		}
	}
	return z
}

func sizeRules(z size, fargate bool) []verdict {
	m, known := fargateMemory[z.vcpus]
	// 1536 is the one step that Fargate leaves out.
	fits := known && z.memory >= m.from && z.memory <= m.to && (z.memory-m.from)%m.step == 0 && z.memory != 1536
	return []verdict{
		when(plain, z.vcpus == 0, "resource requirement VCPU is missing"),
		when(plain, z.memory == 0, "resource requirement MEMORY is missing"),
		when("B10", fargate && !fits, "Fargate resource requirements (%.2f vCPU, %d MiB) not valid.", z.vcpus, z.memory),
	}
}

// fargateMemory is what Fargate has for a number of vCPUs, in MiB. B10.
var fargateMemory = map[float64]struct{ from, to, step int64 }{
	0.25: {512, 2048, 512},
	0.5:  {1024, 4096, 1024},
	1:    {2048, 8192, 1024},
	2:    {4096, 16384, 1024},
	4:    {8192, 30720, 1024},
	8:    {16384, 61440, 4096},
	16:   {32768, 122880, 8192},
}

// container is what a job's container gets: the definition, and the overrides over it.
func (s *Service) container(p *types.ContainerProperties, o *types.ContainerOverrides) *types.ContainerDetail {
	c, base := &types.ContainerDetail{}, p.ResourceRequirements
	assign(c, p)
	if o.Command != nil {
		c.Command = o.Command
	}
	c.Environment = overlay(p.Environment, o.Environment, func(kv types.KeyValuePair) string { return aws.ToString(kv.Name) })
	if s.off["B08"] && o.Vcpus != nil { // B08: the older members don't count against requirements
		base, c.Vcpus, c.Memory = nil, o.Vcpus, o.Memory
	}
	c.ResourceRequirements = overlay(base, o.ResourceRequirements, func(r types.ResourceRequirement) string { return string(r.Type) })
	fill(c)
	return c
}

// logDestination is the group that the definition names and the stream of the attempt. B23: clients read the stream's name, they can't build it.
func (s *Service) logDestination(j *job) (group, stream string) {
	task := lastStep(aws.ToString(j.Container.TaskArn))
	if s.off["B23"] {
		task = j.id()
	}
	group = "/aws/batch/job"
	prefix, _, _ := strings.Cut(lastStep(*j.JobDefinition), ":")
	if l := j.Container.LogConfiguration; l != nil && l.LogDriver == types.LogDriverAwslogs {
		group = cmp.Or(l.Options["awslogs-group"], group)
		prefix = cmp.Or(l.Options["awslogs-stream-prefix"], prefix)
	}
	return group, prefix[:min(len(prefix), 200)] + "/default/" + task
}
