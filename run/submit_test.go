package run

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

func TestJobsAskFargateForASizeThatItHas(t *testing.T) {
	for _, test := range []struct {
		vcpus                 float64
		memory                int
		fargate               bool
		wantVCPUs, wantMemory string
	}{
		{2, 16384, true, "2", "16384"},
		{2, 32768, true, "8", "32768"}, // twice as much as 2 vCPUs can have
		{0.25, 4096, true, "0.5", "4096"},
		{8, 34000, true, "8", "36864"},
		{2, 32768, false, "2", "32768"},
	} {
		r := Run{ID: "2026-11-23T09.55.12.345Z", Plan: plan.Plan{Fargate: test.fargate}}
		g := plan.Group{Name: "train", Key: "train", Resources: project.Resources{VCPUs: test.vcpus, Memory: test.memory}}
		all := jobInput(r, g, Submission{Key: g.Key, Try: 2}, nil, "{}").ContainerOverrides.ResourceRequirements
		if vcpus, memory := aws.ToString(all[0].Value), aws.ToString(all[1].Value); vcpus != test.wantVCPUs || memory != test.wantMemory {
			t.Errorf("%+v: %s vCPUs and %s MiB", test, vcpus, memory)
		}
	}
}
