package run

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// Explanation says in plain words why a job failed or waits, and what helps.
type Explanation struct {
	Cause string `json:"cause"` // a word for programs, one of the tables' codes
	Text  string `json:"text"`
	Fix   string `json:"fix,omitempty"`
}

// cause is one way in which a job fails or waits, told by one of words, exits and raised; texts have {group}, {memory}, {more}, {vcpus}, {timeout} and {peak}
// in them, and {1} for the first group of words or raised.
type cause struct {
	code   string
	words  *regexp.Regexp // in what Batch says of job and container
	exits  []int32        // exit codes of the container
	raised *regexp.Regexp // in "Type: message" of the error that the job recorded
	text   string
	fix    string
	source string // where AWS, a report of AWS's words, or the code that says them, has it
}

const (
	moreMemory = `give the group more: memory = {more} under [tool.kedroctl.job.groups."{group}"], or --memory {more} for one run`
	largerDisk = "set disk_size (GiB) under [tool.kedroctl.compute], on Fargate ephemeral_storage under [tool.kedroctl.job], then 'kedroctl deploy' and resume"
	deployNew  = "put it right, then 'kedroctl deploy'"
	batchGuide = "https://docs.aws.amazon.com/batch/latest/userguide/"
	ecsGuide   = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
)

// failures explain why an attempt failed, the most telling first.
var failures = []cause{
	// What ended it from outside.
	{code: "overrides", words: regexp.MustCompile(`Container Overrides length must be at most`),
		text:   "the job's command and variables are longer than the 8,192 characters that Batch takes",
		fix:    "give fewer or shorter --params, or put them into conf/<env>/parameters.yml and deploy",
		source: "https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html"},
	{code: "stopped", words: regexp.MustCompile(`(?m)^kedroctl: group .* failed`),
		text: "kedroctl ended the job because another group failed", source: "run/follow.go"},
	{code: "cancelled", words: regexp.MustCompile(`(?m)^(cancelled by .*)`),
		text: "the run was {1}", source: "cmd/status.go"},
	{code: "dependency", words: regexp.MustCompile(`(?im)^dependent job failed`),
		text: "a job that it waits for failed, so it never started", fix: "look at the group that failed first", source: batchGuide + "job_dependencies.html"},
	{code: "timeout", words: regexp.MustCompile(`Job attempt duration exceeded timeout`),
		text:   "it ran longer than its time limit of {timeout} seconds, and Batch ended it",
		fix:    `give the group more time: timeout = {longer} under [tool.kedroctl.job.groups."{group}"], or --timeout {longer} for one run`,
		source: batchGuide + "job_timeouts.html"},
	{code: "spot", words: regexp.MustCompile(`Host EC2 \(instance (i-[0-9a-f]+)\) terminated`),
		text:   "the instance {1} that it ran on went away: a Spot interruption, or the environment was scaled down or changed",
		fix:    "resume; more attempts under [tool.kedroctl.job] bear it by themselves",
		source: batchGuide + "best-practices.html"},
	{code: "fargate-spot", words: regexp.MustCompile(`Your Spot Task was interrupted`),
		text:   "Fargate Spot took its capacity back",
		fix:    "resume; more attempts under [tool.kedroctl.job] bear it by themselves",
		source: "nextflow-io/nextflow#5786"},

	// Memory.
	{code: "memory", words: regexp.MustCompile(`OutOfMemoryError`),
		text: "it needed more memory than the {memory} MiB that it has{peak}, and was killed", fix: moreMemory, source: "nextflow-io/nextflow#2005"},
	{code: "memory", raised: regexp.MustCompile(`^MemoryError\b`),
		text: "the program asked for more memory than there is: the job has {memory} MiB", fix: moreMemory, source: "https://docs.python.org/3/library/exceptions.html#MemoryError"},
	{code: "memory", raised: regexp.MustCompile(`SIGKILL|BrokenProcessPool`),
		text:   "a process of the job was killed, which is what becomes of one that wants more than the job's {memory} MiB",
		fix:    moreMemory,
		source: "templates/boot/kedroctl_boot/job.py; https://docs.python.org/3/library/concurrent.futures.html"},
	{code: "shared-memory", raised: regexp.MustCompile(`(?i)SIGBUS|unable to (open|write to|allocate) shared memory|No space left on device: .*/dev/shm`),
		text:   "it used up its shared memory, /dev/shm",
		fix:    `set shared_memory (MiB) under [tool.kedroctl.job.groups."{group}"], then 'kedroctl deploy'`,
		source: "https://docs.aws.amazon.com/batch/latest/APIReference/API_LinuxParameters.html"},

	{code: "disk", raised: regexp.MustCompile(`No space left on device`),
		text:   "the disk is full: it, or jobs beside it on the same instance, wrote more than there is room for",
		fix:    largerDisk,
		source: "https://docs.python.org/3/library/errno.html#errno.ENOSPC"},

	// The image.
	{code: "image-platform", words: regexp.MustCompile(`(?i)does not contain descriptor matching platform|no matching manifest for`),
		text:   "the image is for another processor than the instances have",
		fix:    "set platform under [tool.kedroctl.image] to that of the compute environment, then 'kedroctl deploy'",
		source: ecsGuide + "task_cannot_pull_image.html"},
	{code: "image-denied", words: regexp.MustCompile(`CannotPull.*(?i:unauthorized|AccessDenied|not authorized|no basic auth|pull access denied|authorization token)`),
		text:   "the instance may not fetch the image, or its repository is gone",
		fix:    "'kedroctl provision' makes repository and roles what they should be, 'kedroctl push' sends the image again",
		source: ecsGuide + "task_cannot_pull_image.html; nextflow-io/nextflow#5099"},
	{code: "image-missing", words: regexp.MustCompile(`CannotPull.*(?i:manifest unknown|not found|does not exist|API error \(404\))`),
		text:   "the image is not in the registry any more",
		fix:    "'kedroctl deploy' builds and sends it again; then start a new run",
		source: ecsGuide + "task_cannot_pull_image.html; aws-solutions-library-samples/aws-batch-arch-for-protein-folding#17"},
	{code: "image-limit", words: regexp.MustCompile(`CannotPull.*(?i:toomanyrequests|rate limit)`),
		text: "the registry of the image takes no more requests for now", fix: "resume in some minutes", source: ecsGuide + "task_cannot_pull_image.html"},
	{code: "disk", words: regexp.MustCompile(`(?i)no space left on device`),
		text:   "the instance's disk is full: large images, or many jobs side by side that leave files",
		fix:    largerDisk + "; or make the image smaller (exclude under [tool.kedroctl.image])",
		source: "nextflow-io/nextflow#5099"},
	{code: "image-network", words: regexp.MustCompile(`CannotPull.*(?i:timeout|timed out|context canceled|connection|no such host|i/o|awaiting headers)`),
		text:   "the instance could not reach the registry: once, bad luck; always, no route from its subnet to ECR and S3",
		fix:    "resume; if it comes again, 'kedroctl doctor' looks at the network",
		source: ecsGuide + "task_cannot_pull_image.html; aws-samples/aws-batch-with-ffmpeg#21"},
	{code: "image", words: regexp.MustCompile(`CannotPull`),
		text: "the instance could not fetch the image", fix: "resume; if it comes again, 'kedroctl push'", source: ecsGuide + "stopped-task-error-codes.html"},

	// What a container needs before it starts.
	{code: "log-group", words: regexp.MustCompile(`(?i)(logging driver|logger args).*(log group does not exist|ResourceNotFoundException)`),
		text: "its log group does not exist", fix: "'kedroctl provision' makes it again; then resume", source: "Rayraegah/terraform-aws-hasura#25"},
	{code: "log-denied", words: regexp.MustCompile(`(?i)(logging driver|logger args).*(AccessDenied|not authorized)`),
		text: "the instance may not write to the log group", fix: "'kedroctl provision' makes the roles what they should be; then resume", source: ecsGuide + "resource-initialization-error.html"},
	{code: "secret", words: regexp.MustCompile(`(?i)(?:retrieve secrets?|fetch secret).*(AccessDenied|not authorized|ResourceNotFound|can't find|invalid ssm parameters)|unable to pull secrets.*(AccessDenied|not authorized|ResourceNotFound)`),
		text:   "a secret that the job needs does not exist, or its role may not read it",
		fix:    "look at the ARNs under [tool.kedroctl.job] secrets and [tool.kedroctl.credentials]; 'kedroctl deploy' grants what they name",
		source: "aws/copilot-cli#3104; " + ecsGuide + "resource-initialization-error.html"},
	{code: "network", words: regexp.MustCompile(`ResourceInitializationError|(?i:network interface provisioning)`),
		text:   "the job could not get what it needs to start: from its subnet there is no way to ECR, Secrets Manager or CloudWatch Logs",
		fix:    "'kedroctl doctor' looks at the network: it takes a public address, a NAT gateway or endpoints",
		source: "Releem/releem-agent#195; " + ecsGuide + "resource-initialization-error.html"},
	{code: "role", words: regexp.MustCompile(`ECS was unable to assume the role '?([^' ]+)`),
		text:   "its role {1} does not exist, or jobs may not take it",
		fix:    "'kedroctl provision' makes it again; then resume",
		source: ecsGuide + "stopped-task-error-codes.html"},
	{code: "no-program", words: regexp.MustCompile(`(?i)executable file not found|no such file or directory.*exec|exec: "`),
		text:   "the image lacks the program that the job starts",
		fix:    "'kedroctl deploy' builds the image and tries it; look at base under [tool.kedroctl.image]",
		source: "https://docs.docker.com/engine/containers/run/#exit-status"},
	{code: "host", words: regexp.MustCompile(`CannotInspectContainer|DockerTimeoutError|ContainerRuntimeTimeoutError|CannotStartContainer|CannotCreateContainer|CannotCreateVolume|InternalError|Task failed to start`),
		text:   "the instance could not start the container, which is trouble of the instance's own",
		fix:    "resume; it may meet another instance",
		source: ecsGuide + "stopped-task-error-codes.html; aws/amazon-ecs-agent#1187"},

	// What the program said.
	{code: "twin", exits: []int32{75},
		text: "another job does this group's work, so this one did nothing", fix: "see the other with 'kedroctl status'", source: "docs/container.md"},
	{code: "usage", exits: []int32{2},
		text:   "the project's run command did not understand its options",
		fix:    "look at the log; 'kedroctl plan --format json' has the exact command",
		source: "https://click.palletsprojects.com/en/stable/api/#click.UsageError"},
	{code: "module", raised: regexp.MustCompile(`^(?:ModuleNotFoundError|ImportError): (.*)`),
		text:   "the image lacks a package: {1}",
		fix:    "add it to the project's dependencies (and take it out of exclude under [tool.kedroctl.image]), then 'kedroctl deploy'",
		source: "https://docs.python.org/3/library/exceptions.html#ModuleNotFoundError"},
	{code: "pickle", raised: regexp.MustCompile(`^UnpicklableError: (.*)`),
		text:   "data that other groups wait for cannot be kept: {1}",
		fix:    "put the nodes on both sides into one group, or give the dataset an entry in the catalog",
		source: "docs/container.md"},
	{code: "denied", raised: regexp.MustCompile(`(?s)(?:AccessDenied|Access Denied|Forbidden|PermissionError: )(.*)`),
		text:   "the job's role may not do that in S3",
		fix:    "name the bucket or prefix under [tool.kedroctl.access], then 'kedroctl provision'",
		source: "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"},
	{code: "data-missing", raised: regexp.MustCompile(`(?s)Failed while loading data from dataset.*(?:NoSuchKey|No such file|FileNotFoundError|does not exist|specified key)`),
		text:   "a dataset that it loads is not there",
		fix:    "'kedroctl upload' sends the local files that the pipeline starts from; what a group makes is there once it has succeeded",
		source: "https://docs.kedro.org/en/stable/api/io/kedro.io.DatasetError/"},
	{code: "version-exists", raised: regexp.MustCompile(`must not exist if versioning is enabled`),
		text: "it saved a version that exists already: two nodes save one dataset, or code saves it beside the catalog", source: "https://docs.kedro.org/en/stable/api/io/kedro.io.AbstractVersionedDataset/"},
	{code: "credentials", raised: regexp.MustCompile(`Unable to find credentials '([^']+)'`),
		text:   "the catalog wants credentials {1}, and the image has none",
		fix:    "name a secret that holds them: {1} = \"arn:…\" under [tool.kedroctl.credentials], then 'kedroctl deploy'",
		source: "https://docs.kedro.org/en/stable/configure/credentials/"},
	{code: "variable", raised: regexp.MustCompile(`Environment variable '([^']+)' not found`),
		text:   "the configuration wants the variable {1}, and the job has none",
		fix:    "set it under [tool.kedroctl.job] environment or secrets, then 'kedroctl deploy'",
		source: "https://omegaconf.readthedocs.io/en/latest/custom_resolvers.html#oc-env"},
	{code: "exception", raised: regexp.MustCompile(`^(.+)`),
		text: "the program failed: {1}", fix: deployNew, source: "docs/container.md"},

	// Exit codes alone.
	{code: "docker", exits: []int32{125},
		text: "Docker could not start the container", fix: "resume; it may meet another instance", source: "https://docs.docker.com/engine/containers/run/#exit-status"},
	{code: "no-program", exits: []int32{126, 127},
		text:   "the program that the job starts is not in the image, or cannot be executed",
		fix:    "'kedroctl deploy' builds the image and tries it; look at base under [tool.kedroctl.image]",
		source: "https://docs.docker.com/engine/containers/run/#exit-status"},
	{code: "instruction", exits: []int32{132},
		text:   "the program used an instruction that the instance's processor lacks (SIGILL): a package is built for newer processors, or another architecture",
		fix:    "choose other instance types under [tool.kedroctl.compute], or another build of the package",
		source: "https://man7.org/linux/man-pages/man7/signal.7.html"},
	{code: "abort", exits: []int32{134},
		text: "the program, or a library written in C, gave up (SIGABRT)", fix: "its last log lines say why", source: "https://man7.org/linux/man-pages/man7/signal.7.html"},
	{code: "shared-memory", exits: []int32{135},
		text:   "a process touched memory that is not there (SIGBUS), most often as /dev/shm was full",
		fix:    `set shared_memory (MiB) under [tool.kedroctl.job.groups."{group}"], then 'kedroctl deploy'`,
		source: "https://man7.org/linux/man-pages/man7/signal.7.html"},
	{code: "killed", exits: []int32{137},
		text:   "it was killed (SIGKILL): most often as it wanted more than its {memory} MiB{peak}, else as it did not end within 30 s when told to",
		fix:    moreMemory,
		source: batchGuide + "job_timeouts.html; nextflow-io/nextflow#2005"},
	{code: "crash", exits: []int32{139},
		text: "a library written in C crashed (SIGSEGV)", fix: "PYTHONFAULTHANDLER = \"1\" under [tool.kedroctl.job] environment makes the log say where", source: "https://docs.python.org/3/library/faulthandler.html"},
	{code: "ended", exits: []int32{143},
		text: "it was told to end (SIGTERM): cancelled, timed out, or its instance went away", fix: "resume", source: batchGuide + "job_timeouts.html"},
	{code: "program", exits: []int32{1},
		text: "the program failed", fix: "its last log lines say why; " + deployNew, source: "docs/container.md"},
	{code: "exit", words: regexp.MustCompile(`Essential container in task exited`),
		text: "the program ended with an exit code that is not 0", fix: "its last log lines say why", source: "nextflow-io/nextflow#2005"},
}

// waits explain why a job stays RUNNABLE. https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html
var waits = []cause{
	{code: "capacity", words: regexp.MustCompile(`CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY`),
		text:   "AWS has no instance of these types to give at the moment",
		fix:    "wait, or allow more instance types or on-demand instances under [tool.kedroctl.compute], then 'kedroctl provision'",
		source: batchGuide + "job_stuck_in_runnable.html"},
	{code: "too-big", words: regexp.MustCompile(`COMPUTE_ENVIRONMENT_MAX_RESOURCE`),
		text:   "the job asks for {vcpus} vCPUs, more than the compute environment may ever have",
		fix:    "raise max_vcpus under [tool.kedroctl.compute], then 'kedroctl provision'; or ask for fewer, with vcpus under [tool.kedroctl.job.groups.\"{group}\"], and run again",
		source: batchGuide + "job_stuck_in_runnable.html"},
	{code: "no-instance", words: regexp.MustCompile(`JOB_RESOURCE_REQUIREMENT`),
		text:   "no instance type of the compute environment has the {vcpus} vCPUs and {memory} MiB that the job asks for; a part of each instance's memory is not for jobs",
		fix:    "ask for less under [tool.kedroctl.job.groups.\"{group}\"] and run again, or allow larger instance types",
		source: batchGuide + "job_stuck_in_runnable.html"},
	{code: "instance-configuration", words: regexp.MustCompile(`EC2_INSTANCE_CONFIGURATION_UNSUPPORTED`),
		text: "EC2 cannot start instances in the way that the compute environment says", fix: "'kedroctl provision' brings it to what it should be", source: batchGuide + "job_stuck_in_runnable.html"},
	{code: "service-role", words: regexp.MustCompile(`SERVICE_ROLE_PERMISSIONS`),
		text:   "Batch's own role lacks permissions",
		fix:    "let an administrator look at the role AWSServiceRoleForBatch, or at the one that the compute environment names",
		source: batchGuide + "job_stuck_in_runnable.html"},
	{code: "action", words: regexp.MustCompile(`ACTION_REQUIRED`),
		text: "Batch wants something to be done about the compute environment", fix: "'kedroctl doctor' looks at it", source: batchGuide + "job_stuck_in_runnable.html"},
	{code: "undetermined", words: regexp.MustCompile(`UNDETERMINED`),
		text: "Batch does not know why", fix: "'kedroctl doctor' looks at environment, queue, quotas and network", source: batchGuide + "job_stuck_in_runnable.html"},
}

// ExplainWait says in plain words why Batch has no instance for a job of a group, by the reason that it gives; one that is unknown stays as it is.
func ExplainWait(g plan.Group, reason string) string {
	if e := explain(waits, g, reason, nil, nil, 0); e != nil {
		return e.Text
	}
	return reason
}

// explain finds the row of the table that fits an attempt of a group; nil where none does.
func explain(table []cause, g plan.Group, reason string, exit *int32, e *ProgramError, peak int) *Explanation {
	raised := ""
	if e != nil {
		raised = strings.TrimSuffix(e.Type+": "+e.Message, ": ")
	}
	for _, c := range table {
		if words, ok := c.fits(reason, exit, raised); ok {
			fill := filler(g, words, peak)
			return &Explanation{Cause: c.code, Text: fill.Replace(c.text), Fix: fill.Replace(c.fix)}
		}
	}
	return nil
}

// fits gives the words that a pattern has found.
func (c cause) fits(reason string, exit *int32, raised string) (words string, ok bool) {
	if len(c.exits) > 0 && (exit == nil || !slices.Contains(c.exits, *exit)) {
		return "", false
	}
	pattern, text := c.words, reason
	if c.raised != nil {
		pattern, text = c.raised, raised
	}
	if pattern == nil {
		return "", true
	}
	m := pattern.FindStringSubmatch(text)
	if len(m) > 1 {
		words = m[1]
	}
	return words, m != nil
}

// filler puts what is known of the group into a text.
func filler(g plan.Group, words string, peak int) *strings.Replacer {
	first, _, _ := strings.Cut(words, "\n")
	used := ""
	if peak > 0 {
		used = fmt.Sprintf(" (%d MiB were used at most)", peak)
	}
	return strings.NewReplacer("{1}", first, "{group}", g.Name, "{peak}", used,
		"{memory}", strconv.Itoa(g.Resources.Memory), "{more}", strconv.Itoa(2*g.Resources.Memory),
		"{vcpus}", strconv.FormatFloat(g.Resources.VCPUs, 'f', -1, 64),
		"{timeout}", strconv.Itoa(g.Resources.Timeout), "{longer}", strconv.Itoa(2*g.Resources.Timeout))
}
