package provision

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"

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

func TestEachSettingOfJobsMakesARevision(t *testing.T) {
	base := testSpec(t).definition(Resources{JobRole: "arn:role"}, testImage).Tags[tagContent]
	for name, change := range map[string]func(*project.JobSettings){
		"memory":      func(j *project.JobSettings) { j.Memory = 8192 },
		"vcpus":       func(j *project.JobSettings) { j.VCPUs = 4 },
		"gpus":        func(j *project.JobSettings) { j.GPUs = 1 },
		"timeout":     func(j *project.JobSettings) { j.Timeout = 60 },
		"attempts":    func(j *project.JobSettings) { j.Attempts = 1 },
		"environment": func(j *project.JobSettings) { j.Environment["LOG_LEVEL"] = "debug" },
		"secrets":     func(j *project.JobSettings) { j.Secrets = map[string]string{"A": "arn:b"} },
	} {
		s := testSpec(t, func(p *project.Project) { change(&p.Settings.Job) })
		if got := s.definition(Resources{JobRole: "arn:role"}, testImage).Tags[tagContent]; got == base {
			t.Errorf("%s: same content", name)
		}
	}
}

func TestSettingsMaySetTheRegionOfJobs(t *testing.T) {
	s := testSpec(t, func(p *project.Project) { p.Settings.Job.Environment = map[string]string{"AWS_REGION": "eu-central-1"} })
	for _, v := range s.variables() {
		if aws.ToString(v.Name) == "AWS_REGION" && aws.ToString(v.Value) != "eu-central-1" {
			t.Errorf("AWS_REGION is %s", aws.ToString(v.Value))
		}
	}
}
