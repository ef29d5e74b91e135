package run

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// failureExamples are what AWS, Docker and Python say, word for word, by the cause that they are.
var failureExamples = []struct {
	cause, words string
	exit         int32 // -1: none
	raised       string
	text, fix    string // parts of what is told
}{
	{"overrides", "Container Overrides length must be at most 8192", -1, "", "8,192", "--params"},
	{"stopped", "kedroctl: group a failed\nEssential container in task exited", 143, "", "another group failed", ""},
	{"cancelled", "cancelled by ann@laptop", 143, "", "the run was cancelled by ann@laptop", ""},
	{"dependency", "Dependent Job failed", -1, "", "never started", "failed first"},
	{"dependency", "Dependent job failed", -1, "", "never started", ""},
	{"timeout", "Job attempt duration exceeded timeout", 137, "", "3600 seconds", `timeout = 7200 under [tool.kedroctl.job.groups."g"]`},
	{"spot", "Host EC2 (instance i-0123456789abcdef0) terminated.", -1, "", "i-0123456789abcdef0", "attempts"},
	{"fargate-spot", "Your Spot Task was interrupted.", -1, "", "Fargate Spot", "attempts"},
	{"memory", "OutOfMemoryError: Container killed due to memory usage", 137, "", "4096 MiB that it has (4000 MiB were used at most)", "memory = 8192"},
	{"memory", "Essential container in task exited", 1, "MemoryError: Unable to allocate 64.0 GiB for an array with shape (8589934592,) and data type float64", "4096 MiB", "memory = 8192"},
	{"memory", "Essential container in task exited", 137, "Died: the program ended before its run command did: SIGKILL", "killed", "memory = 8192"},
	{"memory", "Essential container in task exited", 1, "BrokenProcessPool: A process in the process pool was terminated abruptly while the future was running or pending.", "killed", "memory = 8192"},
	{"shared-memory", "Essential container in task exited", 1,
		"RuntimeError: DataLoader worker (pid 42) is killed by signal: Bus error. unable to open shared memory object </torch_42> in read-write mode", "/dev/shm", "shared_memory"},
	{"image-platform", "Task failed to start: CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/amd64'", -1, "", "processor", "platform"},
	{"image-platform", "CannotPullContainerError: Error response from daemon: no matching manifest for linux/arm64/v8 in the manifest list entries", -1, "", "processor", "platform"},
	{"image-denied", "Task failed to start: CannotPullContainerError: Error response from daemon: pull access denied for kedro, repository does not exist or may require 'docker login': denied: requested access to the resource is denied", -1, "", "may not fetch", "kedroctl provision"},
	{"image-denied", "CannotPullECRContainerError: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/r/i-1 is not authorized to perform: ecr:GetAuthorizationToken on resource: *", -1, "", "may not fetch", "kedroctl provision"},
	{"image-denied", "CannotPullContainerError: API error (500): Get https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/v2/kedro/manifests/latest: no basic auth credentials", -1, "", "may not fetch", ""},
	{"image-missing", "CannotPullContainerError: Error response from daemon: manifest for kedro:latest not found: manifest unknown: Requested image not found", -1, "", "not in the registry", "kedroctl deploy"},
	{"image-missing", "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref 123456789012.dkr.ecr.eu-west-1.amazonaws.com/kedro@sha256:00: not found", -1, "", "not in the registry", ""},
	{"image-missing", "CannotPullContainerError: API error (404): repository kedro not found: does not exist or no pull access", -1, "", "not in the registry", ""},
	{"image-limit", "CannotPullContainerError: ref pull has been retried 1 time(s): toomanyrequests: You have reached your pull rate limit.", -1, "", "no more requests", ""},
	{"disk", "Task failed to start: CannotPullContainerError: write /var/lib/docker/tmp/GetImageBlob887491687: no space left on device", -1, "", "disk is full", "smaller"},
	{"disk", "Task failed to start: CannotPullContainerError: write /var/lib/docker/tmp/GetImageBlob1: no space left on device", -1, "", "instance", "disk_size"},
	{"disk", "Essential container in task exited", 1, "DatasetError: Failed while saving data to dataset 'features'.\n[Errno 28] No space left on device: '/app/data/features.pq'", "room", "disk_size"},
	{"image-network", "CannotPullContainerError: Error response from daemon: Get https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/v2/: net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)", -1, "", "route", "doctor"},
	{"image-network", "CannotPullContainerError: context canceled", -1, "", "route", ""},
	{"image", "CannotPullContainerError: ref pull has been retried 1 time(s): failed to unpack image on snapshotter overlayfs: mismatched image rootfs and manifest layers", -1, "", "fetch the image", ""},
	{"log-group", "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist", -1, "", "log group", "kedroctl provision"},
	{"log-denied", "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: AccessDeniedException: User is not authorized to perform: logs:CreateLogStream", -1, "", "may not write", ""},
	{"secret", "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): AccessDeniedException: User: r", -1, "", "secret", "secrets"},
	{"secret", "Task failed to start: ResourceInitializationError: unable to pull secrets or registry auth: variable DB: ResourceNotFoundException: there is no arn:aws:secretsmanager:eu-west-1:123456789012:secret:db", -1, "", "secret", "secrets"},
	{"network", "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 5 time(s): failed to fetch secret arn:aws:secretsmanager:us-west-2:1:secret:p from secrets manager: RequestCanceled: request context canceled caused by: context deadline exceeded. Please check your task network configuration.", -1, "", "subnet", "NAT"},
	{"network", "Timeout waiting for network interface provisioning to complete.", -1, "", "subnet", ""},
	{"role", "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/job' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions.", -1, "", "arn:aws:iam::123456789012:role/job", "kedroctl provision"},
	{"no-program", `CannotStartContainerError: Error response from daemon: OCI runtime create failed: exec: "python": executable file not found in $PATH: unknown`, 127, "", "lacks the program", ""},
	{"host", "CannotInspectContainerError: Could not transition to inspecting; timed out after waiting 30s", -1, "", "instance", "resume"},
	{"host", "DockerTimeoutError: Could not transition to created; timed out after waiting 4m0s", -1, "", "instance", ""},
	{"host", "Task failed to start", -1, "", "instance", ""},
	{"twin", "Essential container in task exited", 75, "TwinError: group g: job x has this work already", "did nothing", ""},
	{"usage", "Essential container in task exited", 2, "", "options", "plan"},
	{"module", "Essential container in task exited", 1, "ModuleNotFoundError: No module named 'sklearn'", "No module named 'sklearn'", "dependencies"},
	{"pickle", "Essential container in task exited", 1, "UnpicklableError: node a: dataset b: generator cannot be pickled", "generator cannot be pickled", "one group"},
	{"denied", "Essential container in task exited", 1, "DatasetError: Failed while saving data to dataset x.\nAn error occurred (AccessDenied) when calling the PutObject operation: Access Denied", "may not", "access"},
	{"data-missing", "Essential container in task exited", 1, "DatasetError: companies: Failed while loading data from dataset CSVDataset(filepath=b/companies.csv).\nThe specified key does not exist.", "is not there", "kedroctl upload"},
	{"version-exists", "Essential container in task exited", 1, "DatasetError: Save path 's3://b/m' for CSVDataset(...) must not exist if versioning is enabled.", "exists already", ""},
	{"credentials", "Essential container in task exited", 1, "KeyError: \"Unable to find credentials 'lake': check your data catalog and credentials configuration.\"", "credentials lake", `lake = "arn`},
	{"variable", "Essential container in task exited", 1, "InterpolationResolutionError: KeyError raised while resolving interpolation: \"Environment variable 'DB_URL' not found\"", "variable DB_URL", "environment"},
	{"exception", "Essential container in task exited", 1, "KeyError: 'rating'\nmore", "the program failed: KeyError: 'rating'", "deploy"},
	{"docker", "Essential container in task exited", 125, "", "Docker", ""},
	{"no-program", "Essential container in task exited", 126, "", "executed", ""},
	{"no-program", "Essential container in task exited", 127, "", "executed", ""},
	{"instruction", "Essential container in task exited", 132, "", "SIGILL", ""},
	{"abort", "Essential container in task exited", 134, "", "SIGABRT", ""},
	{"shared-memory", "Essential container in task exited", 135, "", "SIGBUS", "shared_memory"},
	{"killed", "Essential container in task exited", 137, "", "SIGKILL", "memory = 8192"},
	{"crash", "Essential container in task exited", 139, "", "SIGSEGV", "PYTHONFAULTHANDLER"},
	{"ended", "Essential container in task exited", 143, "", "SIGTERM", "resume"},
	{"program", "Essential container in task exited", 1, "", "the program failed", "log"},
	{"exit", "Essential container in task exited", 3, "", "exit code", ""},
}

var exampleGroup = plan.Group{Name: "g", Resources: project.Resources{VCPUs: 2, Memory: 4096, Timeout: 3600, Attempts: 2}}

func TestFailuresAreExplained(t *testing.T) {
	seen := map[string]bool{}
	for _, tt := range failureExamples {
		var exit *int32
		if tt.exit >= 0 {
			exit = aws.Int32(tt.exit)
		}
		var raised *ProgramError
		if name, message, ok := strings.Cut(tt.raised, ": "); ok {
			raised = &ProgramError{Type: name, Message: message}
		}
		got := explain(failures, exampleGroup, tt.words, exit, raised, 4000)
		if got == nil || got.Cause != tt.cause || !strings.Contains(got.Text, tt.text) || !strings.Contains(got.Fix, tt.fix) {
			t.Errorf("%q, exit %d, %q:\n got %+v\nwant cause %s with %q and %q", tt.words, tt.exit, tt.raised, got, tt.cause, tt.text, tt.fix)
			continue
		}
		if strings.Contains(got.Text+got.Fix, "{") {
			t.Errorf("%s: a place is left open: %+v", tt.cause, got)
		}
		seen[got.Cause] = true
	}
	for _, c := range failures {
		if !seen[c.code] {
			t.Errorf("cause %s has no example", c.code)
		}
	}
}

func TestWaitsAreExplained(t *testing.T) {
	for cause, words := range map[string]string{
		"capacity":               "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested for instance type [m5.large]",
		"too-big":                "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue cannot meet the CPU requirement of the job.",
		"no-instance":            "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is higher than that can be met by the CE(s) attached to the job queue.",
		"instance-configuration": "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED - The instance configuration is not supported",
		"service-role":           "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS - Batch service role has a permission issue.",
		"action":                 "ACTION_REQUIRED - CE(s) associated with the job queue are invalid.",
		"undetermined":           "UNDETERMINED - Batch job is blocked, root cause is undetermined",
	} {
		if got := explain(waits, exampleGroup, words, nil, nil, 0); got == nil || got.Cause != cause || got.Fix == "" {
			t.Errorf("%s: %+v", words, got)
		}
	}
	if got := explain(waits, exampleGroup, "", nil, nil, 0); got != nil {
		t.Errorf("without a reason: %+v", got)
	}
}

func TestCausesHaveSources(t *testing.T) {
	for _, c := range append(append([]cause{}, failures...), waits...) {
		told := 0
		for _, one := range []bool{c.words != nil, len(c.exits) > 0, c.raised != nil} {
			if one {
				told++
			}
		}
		if c.source == "" || c.text == "" || told != 1 {
			t.Errorf("cause %s: source %q, text %q, told by %d", c.code, c.source, c.text, told)
		}
	}
}
