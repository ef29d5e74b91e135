package batch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

func checkDefinition(in *batch.RegisterJobDefinitionInput) error {
	switch {
	case in.Type != types.JobDefinitionTypeContainer:
		return refuse("type %q: the embedded Batch offers container", in.Type)
	case in.EcsProperties != nil || in.EksProperties != nil || in.NodeProperties != nil:
		return refuse("ecsProperties, eksProperties and nodeProperties are not offered by the embedded Batch")
	case in.ContainerProperties == nil:
		return refuse("containerProperties must be provided for a container job definition")
	}
	if p := aws.ToInt32(in.SchedulingPriority); p < 0 || p > maxSchedulingPriority {
		return refuse("schedulingPriority must be from 0 to %d", maxSchedulingPriority)
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	if err := checkRetry(in.RetryStrategy); err != nil {
		return err
	}
	if err := checkTimeout(in.Timeout); err != nil {
		return err
	}
	return checkContainer(in.ContainerProperties, slices.Contains(in.PlatformCapabilities, types.PlatformCapabilityFargate))
}

func checkContainer(c *types.ContainerProperties, fargate bool) error {
	image := aws.ToString(c.Image)
	switch {
	case image == "" || len(image) > maxImage || !imageName.MatchString(image):
		return refuse("image %q must be 1 to %d letters, digits and - _ : . / # @", image, maxImage)
	case len(c.Secrets) > 0 && aws.ToString(c.ExecutionRoleArn) == "":
		return refuse("executionRoleArn is required for secrets")
	case fargate && aws.ToString(c.ExecutionRoleArn) == "": // B10
		return refuse("executionRoleArn is required for Fargate")
	case fargate && c.Vcpus != nil: // B10 (Netflix/metaflow#749, insitro/redun#95)
		return refuse("vcpus is not applicable for Fargate. Use resource requirements instead.")
	case fargate && c.Memory != nil:
		return refuse("memory is not applicable for Fargate. Use resource requirements instead.")
	case fargate && (aws.ToBool(c.Privileged) || c.Ulimits != nil || c.InstanceType != nil):
		return refuse("privileged, ulimits and instanceType are not applicable for Fargate")
	case !fargate && (c.NetworkConfiguration != nil || c.FargatePlatformConfiguration != nil || c.EphemeralStorage != nil):
		return refuse("networkConfiguration, fargatePlatformConfiguration and ephemeralStorage are for Fargate")
	}
	if err := checkCommand(c.Command); err != nil {
		return err
	}
	if err := checkEnvironmentNames(c.Environment); err != nil {
		return err
	}
	if err := checkRequirements(c.ResourceRequirements, fargate); err != nil {
		return err
	}
	return checkSize(sizeOf(c.ResourceRequirements, c.Vcpus, c.Memory), fargate)
}

// checkCommand. B27 (API: ContainerOverrides.command).
func checkCommand(command []string) error {
	if slices.Contains(command, "") {
		return refuse("command must not contain an empty string")
	}
	return nil
}

// checkEnvironmentNames. B09 (API: ContainerProperties.environment).
func checkEnvironmentNames(env []types.KeyValuePair) error {
	for _, kv := range env {
		if strings.HasPrefix(aws.ToString(kv.Name), "AWS_BATCH") {
			return refuse("environment variable %s: names must not start with AWS_BATCH, which is for variables of Batch", aws.ToString(kv.Name))
		}
	}
	return nil
}

func checkRequirements(list []types.ResourceRequirement, fargate bool) error {
	seen := map[types.ResourceType]bool{}
	for _, r := range list {
		value, err := strconv.ParseFloat(aws.ToString(r.Value), 64)
		switch {
		case r.Type == "" || err != nil || value <= 0:
			return refuse("resource requirement %s: %q is not a number above 0", r.Type, aws.ToString(r.Value))
		case seen[r.Type]:
			return refuse("resource requirement %s is given twice", r.Type)
		case fargate && r.Type == types.ResourceTypeGpu:
			return refuse("GPU is not applicable for Fargate")
		case (r.Type != types.ResourceTypeVcpu || !fargate) && value != float64(int64(value)):
			return refuse("resource requirement %s: %q must be a whole number", r.Type, aws.ToString(r.Value))
		case r.Type == types.ResourceTypeMemory && value < minMemory:
			return refuse("resource requirement MEMORY must be at least %d MiB", minMemory)
		}
		seen[r.Type] = true
	}
	return nil
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

func checkSize(z size, fargate bool) error {
	switch {
	case z.vcpus == 0:
		return refuse("resource requirement VCPU is missing")
	case z.memory == 0:
		return refuse("resource requirement MEMORY is missing")
	case fargate && !fargateSize(z):
		return refuse("Fargate resource requirements (%s vCPU, %d MiB) not valid.", fmt.Sprintf("%.2f", z.vcpus), z.memory)
	}
	return nil
}

// fargateSize tells the pairs that Fargate has. B10 (API: ResourceRequirement.value).
func fargateSize(z size) bool {
	steps := func(from, to, step int64) bool {
		return z.memory >= from && z.memory <= to && (z.memory-from)%step == 0
	}
	switch z.vcpus {
	case 0.25:
		return z.memory == 512 || z.memory == 1024 || z.memory == 2048
	case 0.5:
		return steps(1024, 4096, 1024)
	case 1:
		return steps(2048, 8192, 1024)
	case 2:
		return steps(4096, 16384, 1024)
	case 4:
		return steps(8192, 30720, 1024)
	case 8:
		return steps(16384, 61440, 4096)
	case 16:
		return steps(32768, 122880, 8192)
	}
	return false
}

// checkTimeout. B11 (API: JobTimeout).
func checkTimeout(t *types.JobTimeout) error {
	if t != nil && aws.ToInt32(t.AttemptDurationSeconds) < minTimeout {
		return refuse("timeout: attemptDurationSeconds must be at least %d", minTimeout)
	}
	return nil
}

func nameRevision(name string, revision int32) string { return fmt.Sprintf("%s:%d", name, revision) }
