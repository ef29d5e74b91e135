package provision

import (
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestDefinitionIsRegisteredAsSpecified(t *testing.T) {
	a := embedded(t)
	s := testSpec(t, func(p *project.Project) {
		p.Settings.Job.Secrets = map[string]string{"TOKEN": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:token-AbCdEf"}
	})
	res := mustApply(t, a, s)
	d := mustRegister(t, a, s, res, testImage)
	if d.String() != s.Name+":1" || d.Reused {
		t.Errorf("definition %+v", d)
	}
	got := must(t, a.batch.DescribeJobDefinitions, &batch.DescribeJobDefinitionsInput{JobDefinitions: []string{d.ARN}}).JobDefinitions[0]
	golden(t, "definition.json", asJSON(t, got))
}

func TestEqualDefinitionIsReused(t *testing.T) {
	a := embedded(t)
	s := testSpec(t)
	res := mustApply(t, a, s)
	first := mustRegister(t, a, s, res, testImage)
	if again := mustRegister(t, a, s, res, testImage); !again.Reused || again.ARN != first.ARN {
		t.Errorf("second registration: %+v, want %+v reused", again, first)
	}
	other := mustRegister(t, a, s, res, strings.Replace(testImage, "3f9c", "0000", 1))
	if other.Reused || other.Revision != 2 {
		t.Errorf("another image: %+v, want revision 2", other)
	}
	if back := mustRegister(t, a, s, res, testImage); !back.Reused || back.Revision != 1 {
		t.Errorf("the first image again: %+v, want revision 1", back)
	}
	must(t, a.batch.DeregisterJobDefinition, &batch.DeregisterJobDefinitionInput{JobDefinition: &first.ARN})
	if d := mustRegister(t, a, s, res, testImage); d.Reused || d.Revision != 3 {
		t.Errorf("after revision 1 was deregistered: %+v, want revision 3", d)
	}
}

// TestGroupsShareDefinitions has a revision for each different container, whatever else the groups have of their own.
func TestGroupsShareDefinitions(t *testing.T) {
	a := embedded(t)
	token := map[string]string{"TOKEN": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:token-AbCdEf"}
	s := testSpec(t, func(p *project.Project) {
		p.Settings.Job.Groups = map[string]project.GroupSettings{
			"big":    {Resources: project.Resources{Memory: 9000}},
			"load":   {Container: project.Container{Secrets: token}, Runner: "ThreadRunner"},
			"export": {Container: project.Container{Secrets: token}},
			"train":  {Container: project.Container{SharedMemory: 512, Environment: map[string]string{"LOG_LEVEL": "debug"}}},
		}
	})
	res := mustApply(t, a, s)
	d := mustRegister(t, a, s, res, testImage)
	want := []string{s.Name + ":1", s.Name + ":2 for job.groups.\"export\"", s.Name + ":2 for job.groups.\"load\"", s.Name + ":3 for job.groups.\"train\""}
	if diff := cmp.Diff(want, d.Names()); diff != "" || d.AllReused() {
		t.Errorf("definitions %s", diff)
	}
	got := must(t, a.batch.DescribeJobDefinitions, &batch.DescribeJobDefinitionsInput{JobDefinitions: []string{d.Groups["train"].ARN}}).JobDefinitions[0]
	if size := got.ContainerProperties.LinuxParameters.SharedMemorySize; aws.ToInt32(size) != 512 || len(got.ContainerProperties.Secrets) > 0 {
		t.Errorf("container of train: %+v", got.ContainerProperties)
	}
	if again := mustRegister(t, a, s, res, testImage); !again.AllReused() || !maps.Equal(again.GroupARNs(), d.GroupARNs()) {
		t.Errorf("second registration: %v", again.Names())
	}
}

func TestEachSettingOfJobsMakesARevision(t *testing.T) {
	content := func(s Spec) string {
		return s.definition(Resources{JobRole: "arn:role"}, testImage, s.Containers[""]).Tags[tagContent]
	}
	base := content(testSpec(t))
	for name, change := range map[string]func(*project.JobSettings){
		"memory":      func(j *project.JobSettings) { j.Memory = 8192 },
		"vcpus":       func(j *project.JobSettings) { j.VCPUs = 4 },
		"gpus":        func(j *project.JobSettings) { j.GPUs = 1 },
		"timeout":     func(j *project.JobSettings) { j.Timeout = 60 },
		"attempts":    func(j *project.JobSettings) { j.Attempts = 1 },
		"environment": func(j *project.JobSettings) { j.Environment["LOG_LEVEL"] = "debug" },
		"secrets":     func(j *project.JobSettings) { j.Secrets = map[string]string{"A": "arn:b"} },
		"shared":      func(j *project.JobSettings) { j.SharedMemory = 64 },
	} {
		s := testSpec(t, func(p *project.Project) { change(&p.Settings.Job) })
		if content(s) == base {
			t.Errorf("%s: same content", name)
		}
	}
}

func TestSettingsMaySetTheRegionOfJobs(t *testing.T) {
	for _, v := range testSpec(t).variables(project.Container{Environment: map[string]string{"AWS_REGION": "eu-central-1"}}) {
		if aws.ToString(v.Name) == "AWS_REGION" && aws.ToString(v.Value) != "eu-central-1" {
			t.Errorf("AWS_REGION is %s", aws.ToString(v.Value))
		}
	}
}

func TestDefinitionThatBatchWouldNotTake(t *testing.T) {
	a := embedded(t)
	long := map[string]string{"TABLE": strings.Repeat("x", maxDefinition)}
	for want, s := range map[string]Spec{
		"tool.kedroctl.job.environment: ": testSpec(t, func(p *project.Project) { p.Settings.Job.Environment = long }),
		`tool.kedroctl.job.groups."train".environment: `: testSpec(t, func(p *project.Project) {
			p.Settings.Job.Groups = map[string]project.GroupSettings{"train": {Container: project.Container{Environment: long}}}
		}),
	} {
		_, err := Register(t.Context(), a.batch, s, mustApply(t, a, s), testImage)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s…", err, want)
		}
	}
	s := testSpec(t)
	_, err := Register(t.Context(), a.batch, s, mustApply(t, a, s), "host/"+strings.Repeat("r", 180)+"@sha256:"+strings.Repeat("0", 64))
	if err == nil || !strings.Contains(err.Error(), "tool.kedroctl.image.repository: the image's reference has 257 characters") {
		t.Errorf("error %v", err)
	}
}
