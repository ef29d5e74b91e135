package provision

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// Spec is what a stack is to be: derived names, and the settings that its resources follow. The zero Spec is of no use; New makes one.
type Spec struct {
	Project string // slug of the project's name
	Env     string // slug of the configuration environment
	Region  string
	Name    string // of the job definition, and the beginning of those of compute environments and queues: kedro-<project>-<env>

	Bucket     string
	Repository string // name in ECR
	Used       string // repository@sha256:… of an image that others built; "": the own repository's
	Platform   string // of the image: linux/amd64 or linux/arm64
	LogGroup   string // /kedroctl/<project>/<env>

	JobRole         string
	ExecutionRole   string // made only where jobs have secrets, or run on Fargate
	InstanceRole    string
	InstanceProfile string

	OwnTags  map[string]string // of the settings, besides those that make a resource the stack's
	Access   plan.Grants       // S3 prefixes outside the own bucket
	Keys     []string          // ARNs of KMS keys, or of their aliases, that encrypt what jobs read and write
	KeepDays int
	Compute  project.ComputeSettings
	Queues   []string // names or ARNs of those that the settings name, for all groups or for some
	Existing project.AWSSettings
	Job      project.Resources // of job definitions; each job has those of its group

	Containers map[string]project.Container // by the entry of job.groups, "" for all other groups: a job definition each
	Secrets    []string                     // ARNs of all that jobs get
}

// maxIAMName is the length of a role's name, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
const maxIAMName = 64

// New derives the stack of a project in its environment. The grants are those of the plan; Destroy needs none. Settings that no stack can be made
// from give a *project.SettingsError.
func New(p project.Project, grants plan.Grants) (Spec, error) {
	s := Spec{
		Project: projectSlug(p), Env: project.Slug(p.Env), Region: p.Settings.Region,
		Bucket: p.Settings.Bucket, Repository: p.Settings.Image.Repository, Used: p.Settings.Image.Use, Platform: p.Settings.Image.Platform, KeepDays: p.Settings.KeepDays,
		Compute: p.Settings.Compute, Existing: p.Settings.AWS, Job: p.Settings.Job.Resources,
		Containers: p.Settings.Containers(), Secrets: p.Settings.SecretARNs(), Keys: p.Settings.Access.Keys, OwnTags: p.Settings.AWS.Tags,
		Access: plan.Grants{
			Read:  union(grants.Read, p.Settings.Access.Read),
			Write: union(grants.Write, p.Settings.Access.Write),
		},
	}
	s.Queues = namedQueues(p.Settings)
	s.Name = StackName(p)
	s.LogGroup = cmp.Or(s.Existing.Prefix, "/") + "kedroctl/" + s.Project + "/" + s.Env
	if arnOrName := s.Existing.LogGroup; arnOrName != "" {
		_, name, isARN := strings.Cut(strings.TrimSuffix(arnOrName, ":*"), ":log-group:")
		s.LogGroup = arnOrName
		if isARN {
			s.LogGroup = name
		}
	}
	s.JobRole, s.ExecutionRole = s.iamName("job"), s.iamName("exec")
	s.InstanceRole, s.InstanceProfile = s.iamName("instance"), s.iamName("instance")
	if s.Repository == "" {
		s.Repository = s.Project + "-batch"
	}
	return s, s.check()
}

// namedQueues are the queues that the settings name.
func namedQueues(s project.Settings) []string {
	names := []string{s.Compute.Queue}
	for _, g := range s.Job.Groups {
		names = append(names, g.Queue)
	}
	return slices.DeleteFunc(union(names, nil), func(name string) bool { return name == "" })
}

// StackName is the name of the stack's job definition, with which those of its queue and environments begin.
func StackName(p project.Project) string {
	return p.Settings.AWS.Prefix + "kedro-" + projectSlug(p) + "-" + project.Slug(p.Env)
}

func projectSlug(p project.Project) string {
	if p.Name == "" {
		return project.Slug(p.Package)
	}
	return project.Slug(p.Name)
}

func (s Spec) check() error {
	switch {
	case s.Region == "":
		return &project.SettingsError{Source: project.Pyproject, Key: "tool.kedroctl.region", Reason: "no AWS region",
			Next: "set region in [tool.kedroctl], AWS_REGION, or --region"}
	case s.Bucket == "":
		return &project.SettingsError{Source: project.Pyproject, Key: "tool.kedroctl.bucket", Reason: "no bucket is named", Next: "run 'kedroctl init' first"}
	}
	return nil
}

// iamName carries region and a hash, since IAM's names are shared by the regions of an account.
func (s Spec) iamName(kind string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{s.Project, s.Env, s.Region}, "\x00")))
	tail := "-" + s.Region + "-" + kind + "-" + hex.EncodeToString(sum[:4])
	return strings.TrimRight(s.Name[:min(len(s.Name), maxIAMName-len(tail))], "-") + tail
}

// ownQueue says whether the stack has its own queue and compute environment, and with them roles and network.
func (s Spec) ownQueue() bool { return s.Compute.Queue == "" }

// ownEnvironments says whether the stack has its own compute environments, and with them what these need.
func (s Spec) ownEnvironments() bool { return s.ownQueue() && s.Compute.Environment == "" }

// onFargate says whether jobs run on Fargate: then there are no instances, and no role or profile for them.
func (s Spec) onFargate() bool { return project.OnFargate(s.Compute.Type) }

// needsExecutionRole says whether ECS needs a role to start jobs: to read their secrets or, where no instance has one, for anything at all.
func (s Spec) needsExecutionRole() bool { return len(s.Secrets) > 0 || s.onFargate() }

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
