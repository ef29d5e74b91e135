package batch

import (
	"net/http"
	"regexp"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Rule is the number of a rule that stands in AWS's prose and not in the service's model.
type Rule string

// Rules tells what each rule says and where AWS, or a report of AWS's answer, says it. API stands for the Batch API Reference, guide for the user guide
// (https://docs.aws.amazon.com/batch/latest/userguide/), limits for its page service_limits; owner/name#number is a GitHub issue.
var Rules = []struct {
	ID           Rule
	Text, Source string
}{
	{"B01", "a job depends on up to 20 others", "API: SubmitJob.dependsOn; limits; OpenNeuroOrg/openneuro#100"},
	{"B02", "DescribeJobs takes up to 100 ids", "API: DescribeJobs.jobs; pegasus-isi/pegasus#2086"},
	{"B03", "SubmitJob takes up to 30 KiB, RegisterJobDefinition up to 24 KiB", "limits"},
	{"B04", "calls beyond a rate are answered with 429: 50 SubmitJob a second, fewer of the others", "limits; nextflow-io/nextflow#710; ASFHyP3/hyp3#1676; Netflix/metaflow#138, #160"},
	{"B05", "names have up to 128 letters, digits, hyphens and underscores; a job's begins with a letter or digit", "API: names of SubmitJob, RegisterJobDefinition, CreateJobQueue, CreateComputeEnvironment"},
	{"B06", "50 compute environments, 50 queues, 3 environments of a queue, arrays of 2 to 10,000 jobs, 50 tags", "limits"},
	{"B07", "a job definition without revision is the latest ACTIVE one; an INACTIVE one starts no job", "API: SubmitJob.jobDefinition"},
	{"B08", "resource requirements of a definition give way to those of the overrides alone", "API: SubmitJob"},
	{"B09", "names of environment variables don't begin with AWS_BATCH", "API: ContainerProperties.environment, ContainerOverrides.environment"},
	{"B10", "Fargate: pairs of vCPUs and memory, requirements only, an execution role, and nothing that is for instances", "API: ResourceRequirement.value, ComputeResource; Netflix/metaflow#749; insitro/redun#95"},
	{"B11", "a timeout has 60 s or more; what timed out or was terminated is not retried", "API: JobTimeout; guide: job_timeouts, job_retries"},
	{"B12", "1 to 10 attempts and up to 5 rules, of which the first that matches decides; where none does, the job is retried", "API: RetryStrategy, EvaluateOnExit"},
	{"B13", "PENDING only with dependencies, RUNNABLE again before a retry, a log stream from RUNNING, forgotten 7 days after the end", "guide: job_states"},
	{"B14", "a job fails when one that it depends on does", "guide: job_dependencies"},
	{"B15", "CancelJob ends what has not started, PENDING jobs after their dependencies; STARTING and RUNNING ones go on", "API: CancelJob"},
	{"B16", "ListJobs: one queue, RUNNING by default, 1,000 a page; with a filter 100, of all states, newest first", "API: ListJobs"},
	{"B17", "the reasons with which jobs and containers end", "guide: best-practices; nextflow-io/nextflow#2005, #5099; aws/amazon-ecs-agent#1187"},
	{"B18", "no exit code where no container ran", "nextflow-io/nextflow#4096"},
	{"B19", "an environment whose roles are absent or too young turns INVALID", "guide: troubleshooting; hashicorp/terraform-provider-aws#37945, #8550"},
	{"B20", "a queue takes VALID environments, not Fargate and EC2 together", "API: CreateJobQueue.computeEnvironmentOrder"},
	{"B21", "queues and environments are DISABLED before they are deleted, and an environment has left every queue for a while", "API: DeleteJobQueue, DeleteComputeEnvironment; hashicorp/terraform-provider-aws#2044, #46925"},
	{"B22", "an infrastructure update needs the service-linked role and another strategy than BEST_FIT; on Fargate only subnets, security groups and maxvCpus change", "guide: updating-compute-environments"},
	{"B23", "a log stream is named by the first 200 characters of the definition's name and the ECS task, never by the job", "guide: job_states"},
	{"B24", "an environment without a service role gets the service-linked one", "API: CreateComputeEnvironment.serviceRole"},
	{"B25", "a job that can't be placed tells why and stays in RUNNABLE", "API: JobDetail.statusReason"},
	{"B26", "overrides of more than 8,192 characters are accepted, and the job fails", "limits"},
	{"B27", "no word of a command is empty", "API: ContainerOverrides.command"},
	{"B28", "the instance types of an environment, and the environments of a queue, have one architecture", "API: ComputeResource.instanceTypes, CreateJobQueue.computeEnvironmentOrder"},
	{"B29", "an environment on Fargate that is deleted while jobs run on it turns INVALID", "API: DeleteComputeEnvironment"},
	{"B30", "a job with GPUs starts where there are instance types with GPUs", "guide: gpu-jobs"},
	{"B31", "an environment whose launch template is absent turns INVALID", "guide: launch-templates, invalid_compute_environment"},
	{"B32", "a job that has more than 50 tags together with those of its definition, where they propagate, is accepted and fails", "API: SubmitJob.propagateTags"},
}

// verdict is a condition under which a request is refused.
type verdict struct {
	rule   Rule // plain where the API's reference has no prose about it
	broken bool
	format string
	args   []any
}

const plain Rule = ""

func when(rule Rule, broken bool, format string, args ...any) verdict {
	return verdict{rule, broken, format, args}
}

// judge refuses a request for the first rule that it breaks.
func (s *Service) judge(verdicts ...verdict) error {
	for _, v := range verdicts {
		if v.broken && !s.off[v.rule] {
			return refuse(v.format, v.args...)
		}
	}
	return nil
}

// refuse is Batch's answer to a request that can't be carried out.
func refuse(format string, args ...any) error {
	return wire.NewFault(http.StatusBadRequest, "ClientException", format, args...)
}

// resourceName is the form of all names but those of jobs.
var resourceName = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)

// newcomer has what holds for the name and the tags of every resource.
func newcomer(what, name string, tags map[string]string) []verdict {
	return append(tagRules(tags), when("B05", !resourceName.MatchString(name), "%s %q must be 1 to 128 letters, digits, hyphens and underscores", what, name))
}

func tagRules(tags map[string]string) []verdict {
	flaw := wire.Tags(tags).Flaw()
	return []verdict{
		when("B06", len(tags) > wire.MaxTags, "%d tags are more than the %d that a resource can have", len(tags), wire.MaxTags),
		when(plain, flaw != "", "%s", flaw),
	}
}
