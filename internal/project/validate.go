package project

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	// bucketName: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	regionName = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	// repositoryName: CreateRepository of the ECR API reference.
	repositoryName = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*$`)
	// imageDigest: https://github.com/distribution/reference, a repository with or without its registry, and a digest.
	imageDigest  = regexp.MustCompile(`^([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*@sha256:[0-9a-f]{64}$`)
	envName      = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	runnerName   = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$`)
	// secretARN: what ECS takes of Secrets Manager, with a key, a version stage and a version id or without, and of Parameter Store,
	// https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data.html
	secretARN     = regexp.MustCompile(`^arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:\d{12}:secret:[^:\s]+(:[^:\s]*:[^:\s]*:[^:\s]*)?|ssm:[a-z0-9-]+:\d{12}:parameter/\S+)$`)
	pythonVersion = regexp.MustCompile(`^3\.\d+(\.\d+)?$`)
	// roleName: CreateRole of the IAM API reference.
	roleName = regexp.MustCompile(`^(arn:aws[a-z-]*:iam::\d{12}:role/(\S+/)?)?[\w+=,.@-]{1,64}$`)
	// rolePath: CreateRole of the IAM API reference, without characters that a name has not.
	rolePath = regexp.MustCompile(`^/([\w+=,.@-]+/)*$`)
	// policyARN: AttachedPermissionsBoundary of the IAM API reference.
	policyARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}|aws):policy/(\S+/)?[\w+=,.@-]{1,128}$`)
	// keyARN: KMS's of a key, or of an alias.
	keyARN = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[A-Za-z0-9/_-]+$`)
	// queueName: CreateJobQueue of the Batch API reference.
	queueName = regexp.MustCompile(`^(arn:aws[a-z-]*:batch:[a-z0-9-]+:\d{12}:job-queue/)?[A-Za-z0-9_-]{1,128}$`)
	// logGroupName: CreateLogGroup of the CloudWatch Logs API reference.
	logGroupName = regexp.MustCompile(`^(arn:aws[a-z-]*:logs:[a-z0-9-]+:\d{12}:log-group:)?[\w/.#-]{1,512}(:\*)?$`)
	// prefixName fits each of the names that it begins: the shortest are those of buckets, and of roles, which end in a hash.
	prefixName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,15}$`)
	vpcID      = regexp.MustCompile(`^vpc-[0-9a-z]+$`)
	// environmentName: CreateComputeEnvironment of the Batch API reference.
	environmentName = regexp.MustCompile(`^(arn:aws[a-z-]*:batch:[a-z0-9-]+:\d{12}:compute-environment/)?[A-Za-z0-9_-]{1,128}$`)
)

// retentions are the only numbers of days that CloudWatch Logs takes (PutRetentionPolicy of its API reference).
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// minMemory is the least memory, in MiB, that Batch gives a container (ResourceRequirement of its API reference).
const minMemory = 4

// validate looks at the values themselves, after all sources are applied.
func (r *resolver) validate(p Project) error {
	if !envName.MatchString(p.Env) {
		reason := fmt.Sprintf("%q is not the name of an environment: letters, digits, _ and - only", p.Env)
		return &SettingsError{Source: "--env", Reason: reason}
	}
	for _, check := range []func(Settings) (key, reason string){
		checkNames, checkChoices, checkNumbers, checkCompute, checkPaths, checkJob, checkGroups, checkHandGroups, checkExisting, checkTags, checkCredentials,
	} {
		if key, reason := check(r.settings); key != "" {
			set := r.settings.Origins[key]
			return settingError(firstOf(set.Source, Pyproject), set.Prefix+key, reason, "")
		}
	}
	return nil
}

func checkNames(s Settings) (key, reason string) {
	switch {
	case s.Region != "" && !regionName.MatchString(s.Region):
		return "region", fmt.Sprintf("%q is not the name of an AWS region, such as eu-west-1", s.Region)
	case s.Bucket != "" && !validBucket(s.Bucket):
		return "bucket", fmt.Sprintf("%q cannot be the name of a bucket: 3 to 63 of a-z, 0-9, hyphen and dot, a letter or digit at both ends", s.Bucket)
	case len(s.Image.Repository) < 2 || len(s.Image.Repository) > 256 || !repositoryName.MatchString(s.Image.Repository):
		return "image.repository", fmt.Sprintf("%q cannot be the name of an ECR repository: a-z, 0-9 and single . _ - / between them", s.Image.Repository)
	case s.Image.Base == "":
		return "image.base", "must name an image"
	case s.Image.Use != "" && !imageDigest.MatchString(s.Image.Use):
		return "image.use", fmt.Sprintf("%q does not name an image by its digest, such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/image@sha256:…: a tag may be another image tomorrow", s.Image.Use)
	case s.Image.Use != "" && s.Image.Dockerfile != "":
		return "image.use", "cannot stand beside dockerfile: one says that the image is built here, the other that others built it"
	case s.Image.Python != "" && !pythonVersion.MatchString(s.Image.Python):
		return "image.python", fmt.Sprintf("%q is not a version of Python, such as 3.12", s.Image.Python)
	}
	return "", ""
}

func validBucket(name string) bool {
	_, err := netip.ParseAddr(name)
	return err != nil && bucketName.MatchString(name) && !strings.Contains(name, "..") &&
		!strings.HasPrefix(name, "xn--") && !strings.HasPrefix(name, "sthree-") && !strings.HasPrefix(name, "amzn-s3-demo-") &&
		!strings.HasSuffix(name, "-s3alias") && !strings.HasSuffix(name, "--ol-s3")
}

func checkChoices(s Settings) (key, reason string) {
	for _, choice := range []struct {
		key, value string
		allowed    []string
	}{
		{"group_by", s.GroupBy, []string{"auto", "namespace", "pipeline", "tag", "memory", "node", "one"}},
		{"crossing", s.Crossing, []string{"persist", "error"}},
		{"mlflow", s.MLflow, []string{MLflowOff, MLflowOne, MLflowPerJob}},
		{"engine", s.Engine, []string{EngineAuto, EngineNone}},
		{"image.platform", s.Image.Platform, []string{"linux/amd64", "linux/arm64"}},
		{"image.logging", s.Image.Logging, []string{"plain", "project"}},
		{"compute.type", s.Compute.Type, []string{EC2, Spot, Fargate, FargateSpot}},
		{"compute.allocation_strategy", s.Compute.Strategy, []string{"", "BEST_FIT", "BEST_FIT_PROGRESSIVE", "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED"}},
	} {
		if !slices.Contains(choice.allowed, choice.value) {
			return choice.key, fmt.Sprintf("%q is not one of %s", choice.value, strings.Join(choice.allowed, ", "))
		}
	}
	return "", ""
}

func checkNumbers(s Settings) (key, reason string) {
	if !slices.Contains(retentions, s.KeepDays) {
		return "keep_days", fmt.Sprintf("%d is not a retention that CloudWatch Logs takes: %s", s.KeepDays, strings.Trim(fmt.Sprint(retentions), "[]"))
	}
	if s.Compute.MaxVCPUs < 1 {
		return "compute.max_vcpus", "must be at least 1"
	}
	return "", ""
}

// checkJob checks what every group gets.
func checkJob(s Settings) (key, reason string) {
	return checkGroup(s, Group{GroupSettings: GroupSettings{Resources: s.Job.Resources, Container: s.Job.Container, Runner: s.Job.Runner}}, "job")
}

// checkGroups checks what the groups of each entry get: the name of an entry is that of a group which it matches.
func checkGroups(s Settings) (key, reason string) {
	for _, name := range slices.Sorted(maps.Keys(s.Job.Groups)) {
		table := "job.groups." + name
		if _, err := path.Match(name, ""); err != nil {
			return table, "is not a valid glob"
		}
		if key, reason := checkGroup(s, s.Group(name), table); key != "" {
			return key, reason
		}
	}
	return "", ""
}

// checkGroup checks the settings of one table for jobs; what it leaves open is filled in. The bounds are those of ResourceRequirement, JobTimeout and
// RetryStrategy in the Batch API reference.
func checkGroup(s Settings, g Group, table string) (key, reason string) {
	switch key, reason = checkKind(s.Compute.Type, g); {
	case key != "":
	case g.VCPUs > float64(s.Compute.MaxVCPUs) && s.Compute.Queue == "" && g.Queue == "":
		key, reason = "vcpus", fmt.Sprintf("%v are more than compute.max_vcpus, %d: the job would wait for ever", g.VCPUs, s.Compute.MaxVCPUs)
	case g.Memory < minMemory:
		key, reason = "memory", fmt.Sprintf("must be at least %d (MiB)", minMemory)
	case g.MemoryMax < minMemory:
		key, reason = "memory_max", fmt.Sprintf("must be at least %d (MiB)", minMemory)
	case g.Timeout < 60:
		key, reason = "timeout", "must be at least 60 (seconds)"
	case g.Attempts < 1 || g.Attempts > 10:
		key, reason = "attempts", "must be 1 to 10"
	case g.GPUs < 0:
		key, reason = "gpus", "must not be negative"
	case g.GPUs > 0 && s.ownInstances() && g.Queue == "" && !slices.ContainsFunc(s.Compute.InstanceTypes, hasGPUs):
		key, reason = "gpus", "none of compute.instance_types has GPUs, such as g5.xlarge: the job would wait for ever"
	case g.SharedMemory < 0 || g.SharedMemory > g.Memory:
		key, reason = "shared_memory", fmt.Sprintf("must be 0 (Docker's default) to the memory of the job, %d (MiB), which it is a part of", g.Memory)
	case g.Runner != "" && !runnerName.MatchString(g.Runner):
		key, reason = "runner", fmt.Sprintf("%q is not the name of a runner, such as ThreadRunner or package.module.Runner", g.Runner)
	case g.Queue != "" && !queueName.MatchString(g.Queue):
		key, reason = "queue", fmt.Sprintf("%q is neither the name nor the ARN of a job queue", g.Queue)
	default:
		key, reason = checkVariables(g.Container)
	}
	if key == "" {
		return "", ""
	}
	return table + "." + key, reason
}

func checkPaths(s Settings) (key, reason string) {
	for _, file := range []struct{ key, path string }{{"raw_data", s.RawData}, {"image.lock", s.Image.Lock}, {"image.dockerfile", s.Image.Dockerfile}} {
		if file.path != "" && !filepath.IsLocal(file.path) {
			return file.key, fmt.Sprintf("%q is not a path inside the project", file.path)
		}
	}
	for key, prefixes := range map[string][]string{"access.read": s.Access.Read, "access.write": s.Access.Write} {
		for _, prefix := range prefixes {
			bucket, _, _ := strings.Cut(prefix, "/")
			if !validBucket(bucket) {
				return key, fmt.Sprintf("%q does not begin with the name of a bucket: write bucket/prefix/, without s3://", prefix)
			}
		}
	}
	return "", ""
}

func checkVariables(c Container) (key, reason string) {
	for table, variables := range map[string]map[string]string{"environment": c.Environment, "secrets": c.Secrets} {
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			if !variableName.MatchString(name) {
				return table + "." + name, "is not the name of a variable"
			}
			if strings.HasPrefix(name, "AWS_BATCH") {
				return table + "." + name, "is reserved: AWS Batch itself sets variables that begin with AWS_BATCH"
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		if !secretARN.MatchString(c.Secrets[name]) {
			return "secrets." + name, "must be the ARN of a secret in Secrets Manager or of a parameter in Parameter Store, never the secret itself"
		}
		if _, both := c.Environment[name]; both {
			return "secrets." + name, "is a variable of the environment too: a job gets one of them"
		}
	}
	return "", ""
}

// checkExisting checks the names of what is there already.
func checkExisting(s Settings) (key, reason string) {
	for key, role := range map[string]string{
		"aws.job_role": s.AWS.JobRole, "aws.execution_role": s.AWS.ExecutionRole, "aws.service_role": s.AWS.ServiceRole,
	} {
		if role != "" && !roleName.MatchString(role) {
			return key, fmt.Sprintf("%q is neither the name nor the ARN of a role", role)
		}
	}
	switch {
	case s.AWS.RolePath != "" && (len(s.AWS.RolePath) > 512 || !rolePath.MatchString(s.AWS.RolePath)):
		return "aws.role_path", fmt.Sprintf("%q is not the path of a role: it begins and ends with a slash, as /teams/data/ does", s.AWS.RolePath)
	case s.AWS.PermissionsBoundary != "" && !policyARN.MatchString(s.AWS.PermissionsBoundary):
		return "aws.permissions_boundary", fmt.Sprintf("%q is not the ARN of a managed policy", s.AWS.PermissionsBoundary)
	case slices.ContainsFunc(s.Access.Keys, func(key string) bool { return !keyARN.MatchString(key) }):
		return "access.keys", "must be ARNs of KMS keys or of aliases of such keys"
	case s.AWS.LogGroup != "" && !logGroupName.MatchString(s.AWS.LogGroup):
		return "aws.log_group", fmt.Sprintf("%q is neither the name nor the ARN of a log group", s.AWS.LogGroup)
	case s.AWS.Prefix != "" && !prefixName.MatchString(s.AWS.Prefix):
		return "aws.prefix", fmt.Sprintf("%q cannot begin all names: up to 16 of a-z, 0-9 and hyphen, a letter first", s.AWS.Prefix)
	case s.AWS.VPC != "" && !vpcID.MatchString(s.AWS.VPC):
		return "aws.vpc", fmt.Sprintf("%q is not the id of a VPC, such as vpc-0123456789abcdef0", s.AWS.VPC)
	case s.Compute.Environment != "" && !environmentName.MatchString(s.Compute.Environment):
		return "compute.environment", fmt.Sprintf("%q is neither the name nor the ARN of a compute environment", s.Compute.Environment)
	case s.Compute.Environment != "" && s.Compute.Queue != "":
		return "compute.environment", "is for a queue of kedroctl's own, and compute.queue names another one: remove one of the two"
	case s.Compute.Environment != "" && len(s.Compute.InstanceTypes) > 0:
		return "compute.instance_types", "are those of compute.environment, which is never changed"
	case s.Compute.Queue != "" && !queueName.MatchString(s.Compute.Queue):
		return "compute.queue", fmt.Sprintf("%q is neither the name nor the ARN of a job queue", s.Compute.Queue)
	}
	return "", ""
}

func checkCredentials(s Settings) (key, reason string) {
	for _, entry := range slices.Sorted(maps.Keys(s.Credentials)) {
		switch {
		case entry == "" || escapedByte.MatchString(entry):
			return "credentials." + entry, "cannot be the name of an entry"
		case !secretARN.MatchString(s.Credentials[entry]):
			return "credentials." + entry, "must be the ARN of a secret in Secrets Manager or of a parameter in Parameter Store, never the credentials themselves"
		}
	}
	return "", ""
}

// checkHandGroups checks the groups by hand; that each node is in at most one of them, only a plan can tell.
func checkHandGroups(s Settings) (key, reason string) {
	for _, name := range slices.Sorted(maps.Keys(s.Groups)) {
		if name == "" || len(s.Groups[name]) == 0 {
			return "groups." + name, "must have a name and a list of globs over nodes, namespaces and tags"
		}
		for _, glob := range s.Groups[name] {
			if _, err := path.Match(glob, ""); err != nil {
				return "groups." + name, fmt.Sprintf("%q is not a valid glob", glob)
			}
		}
	}
	return "", ""
}
