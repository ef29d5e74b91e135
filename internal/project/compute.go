package project

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Kinds of compute, the values of compute.type.
const (
	EC2         = "EC2"          // instances on demand
	Spot        = "SPOT"         // spot instances, and instances on demand where there are none
	Fargate     = "FARGATE"      // no instances of the account's own
	FargateSpot = "FARGATE_SPOT" // the same on spare capacity, which AWS may take back
)

// OnFargate says whether a kind of compute is Fargate's. The zero kind is EC2.
func OnFargate(kind string) bool { return kind == Fargate || kind == FargateSpot }

// fargateSizes are the only pairs of vCPUs and memory (MiB) that Fargate has, smaller vCPUs first: ResourceRequirement of the Batch API reference,
// https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html
var fargateSizes = []struct {
	vcpus  float64
	memory []int
}{
	{0.25, []int{512, 1024, 2048}},
	{0.5, steps(1024, 4096, 1024)},
	{1, steps(2048, 8192, 1024)},
	{2, steps(4096, 16384, 1024)},
	{4, steps(8192, 30720, 1024)},
	{8, steps(16384, 61440, 4096)},
	{16, steps(32768, 122880, 8192)},
}

func steps(from, to, step int) []int {
	var all []int
	for n := from; n <= to; n += step {
		all = append(all, n)
	}
	return all
}

// FargateSize is the smallest size of Fargate with at least so many vCPUs, and of these with at least so much memory (MiB). Where there is none it is
// Fargate's largest, and ok is false.
func FargateSize(vcpus float64, memory int) (largerVCPUs float64, largerMemory int, ok bool) {
	for _, size := range fargateSizes {
		largerVCPUs, largerMemory = size.vcpus, size.memory[len(size.memory)-1]
		if size.vcpus < vcpus {
			continue
		}
		if i := slices.IndexFunc(size.memory, func(m int) bool { return m >= memory }); i >= 0 {
			return size.vcpus, size.memory[i], true
		}
	}
	return largerVCPUs, largerMemory, false
}

// mostOnFargate is the memory (MiB) of the largest size of Fargate for a group within MemoryMax and compute.max_vcpus; of an existing queue the ceiling is
// not known. Where there is no such size it is MemoryMax.
func (s Settings) mostOnFargate(g GroupSettings) int {
	most, own := 0, s.Compute.Queue == "" && g.Queue == ""
	for _, size := range fargateSizes {
		if size.vcpus < g.VCPUs || own && size.vcpus > float64(s.Compute.MaxVCPUs) {
			continue
		}
		for _, m := range size.memory {
			if m <= g.MemoryMax {
				most = max(most, m)
			}
		}
	}
	return cmp.Or(most, g.MemoryMax)
}

// Limits of the disk of a job on Fargate, in GiB: EphemeralStorage of the Batch API reference. Without a word it has 20.
const minEphemeral, maxEphemeral = 21, 200

// checkKind checks what the kind of compute has for the jobs of a group.
func checkKind(kind string, g Group) (key, reason string) {
	if !OnFargate(kind) {
		switch {
		case g.VCPUs < 1 || g.VCPUs != float64(int(g.VCPUs)):
			return "vcpus", "must be a whole number of at least 1 on EC2"
		case g.EphemeralStorage != 0:
			return "ephemeral_storage", "is for Fargate: on EC2 jobs share the disk of their instance, which is compute.disk_size"
		}
		return "", ""
	}
	vcpus, memory, ok := FargateSize(g.VCPUs, g.Memory)
	switch {
	case g.GPUs > 0:
		return "gpus", kind + ` has no GPUs: set compute.type = "EC2"`
	case g.SharedMemory > 0:
		return "shared_memory", kind + ` has no setting for shared memory: set compute.type = "EC2"`
	case g.EphemeralStorage != 0 && (g.EphemeralStorage < minEphemeral || g.EphemeralStorage > maxEphemeral):
		return "ephemeral_storage", fmt.Sprintf("must be %d to %d (GiB)", minEphemeral, maxEphemeral)
	case ok && vcpus == g.VCPUs && memory == g.Memory:
		return "", ""
	case vcpus != g.VCPUs:
		key = "vcpus"
	default:
		key = "memory"
	}
	nearest := "the next larger one"
	if !ok {
		nearest = "the largest one"
	}
	return key, fmt.Sprintf("%s has no size of %s and %d MiB: %s has %s and %d MiB", kind, CountVCPUs(g.VCPUs), g.Memory, nearest, CountVCPUs(vcpus), memory)
}

// CountVCPUs writes a number of vCPUs, which may be a quarter or a half on Fargate.
func CountVCPUs(n float64) string {
	if n == 1 {
		return "1 vCPU"
	}
	return strconv.FormatFloat(n, 'g', -1, 64) + " vCPUs"
}

// Limits of a compute environment on Fargate: ComputeResource of the Batch API reference.
const maxFargateSubnets, maxFargateGroups = 16, 5

// checkCompute checks the settings of the compute environment against its kind.
func checkCompute(s Settings) (key, reason string) {
	if !OnFargate(s.Compute.Type) {
		return checkInstances(s)
	}
	switch {
	case s.Compute.Strategy != "":
		return "compute.allocation_strategy", s.Compute.Type + " has no instances to choose"
	case len(s.Compute.InstanceTypes) > 0:
		return "compute.instance_types", s.Compute.Type + " has no instances to choose"
	case s.Compute.DiskSize != 0:
		return "compute.disk_size", s.Compute.Type + " has no instances: the disk of a job is its ephemeral_storage, under [tool.kedroctl.job] or that of a group"
	case s.AWS.InstanceProfile != "":
		return "aws.instance_profile", s.Compute.Type + " has no instances that would need one"
	case len(s.AWS.Subnets) > maxFargateSubnets:
		return "aws.subnets", fmt.Sprintf("%s takes up to %d", s.Compute.Type, maxFargateSubnets)
	case len(s.AWS.SecurityGroups) > maxFargateGroups:
		return "aws.security_groups", fmt.Sprintf("%s takes up to %d", s.Compute.Type, maxFargateGroups)
	}
	return "", ""
}

// Limits of the disk of an instance, in GiB. The least is that of the AMIs which Batch chooses, the most that of volumes of the type gp3.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-optimized_AMI.html,
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateEbsBlockDeviceRequest.html
const minDisk, maxDisk = 30, 65536

// checkInstances checks which instances are to be started, and that jobs find there what they ask for.
func checkInstances(s Settings) (key, reason string) {
	types := s.Compute.InstanceTypes
	i := slices.IndexFunc(types, IsARM)
	j := slices.IndexFunc(types, func(t string) bool { return !IsARM(t) })
	switch {
	case s.Compute.Strategy == "BEST_FIT":
		return "compute.allocation_strategy", "with BEST_FIT AWS Batch changes no instances later, and needs a fleet role for spot: choose another"
	case s.Compute.Strategy != "" && s.Compute.Type != Spot:
		return "compute.allocation_strategy", "is for SPOT: instances on demand are chosen by BEST_FIT_PROGRESSIVE"
	case s.Compute.DiskSize != 0 && s.Compute.Queue != "":
		return "compute.disk_size", "is for instances of kedroctl's own, and compute.queue names another queue: remove one of the two"
	case s.Compute.DiskSize != 0 && s.Compute.Environment != "":
		return "compute.disk_size", "is for instances of kedroctl's own, and compute.environment is never changed: remove one of the two"
	case s.Compute.DiskSize != 0 && (s.Compute.DiskSize < minDisk || s.Compute.DiskSize > maxDisk):
		return "compute.disk_size", fmt.Sprintf("must be %d to %d (GiB)", minDisk, maxDisk)
	case i >= 0 && j >= 0:
		return "compute.instance_types", fmt.Sprintf("%s is arm64 and %s is x86-64: one environment has one architecture", types[i], types[j])
	case i >= 0 && s.Image.Platform != ARM64:
		return "image.platform", fmt.Sprintf("an image for %s does not run on %s, which is arm64", s.Image.Platform, types[i])
	case j >= 0 && s.Image.Platform == ARM64:
		return "image.platform", fmt.Sprintf("an image for %s does not run on %s, which is x86-64", s.Image.Platform, types[j])
	}
	return "", ""
}

// nvidia are the families of instances with GPUs that AWS Batch gives to jobs; those of g4ad are AMD's.
// https://docs.aws.amazon.com/batch/latest/userguide/gpu-jobs.html
var nvidia = regexp.MustCompile(`^(g|gr|p)\d+[a-z]*(\.|$)`)

// hasGPUs says whether instances of a type or family have GPUs. Those that Batch chooses by itself have none.
func hasGPUs(instanceType string) bool {
	return nvidia.MatchString(instanceType) && !strings.HasPrefix(instanceType, "g4ad")
}

// followInstances has the image built for the instances, where the settings do not say for what.
func (r *resolver) followInstances() {
	_, set := r.settings.Origins["image.platform"]
	types := r.settings.Compute.InstanceTypes
	if !set && len(types) > 0 && !slices.ContainsFunc(types, func(t string) bool { return !IsARM(t) }) {
		r.settings.Image.Platform = ARM64
	}
}

// Platforms of images, the values of image.platform.
const (
	AMD64 = "linux/amd64"
	ARM64 = "linux/arm64"
)

// graviton are the families of instances with AWS's own processors: a letter g stands behind their generation.
// https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
var graviton = regexp.MustCompile(`^(a1|[a-z]+\d+g[a-z]*)(\.|$)`)

// IsARM says whether instances of a type or family are arm64.
func IsARM(instanceType string) bool {
	return instanceType == "default_arm64" || graviton.MatchString(instanceType)
}

// ownInstances says whether the stack starts instances of its own choice.
func (s Settings) ownInstances() bool { return s.Compute.Queue == "" && s.Compute.Environment == "" }
