package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/batchjob"
	"github.com/kedroctl/kedroctl/internal/project"
)

// tagContent holds the hash of all that a revision of the job definition was registered with.
const tagContent = "kedroctl:content"

// Definition is one revision of the job definition.
type Definition struct {
	Name     string `json:"name"`
	Revision int    `json:"revision"`
	ARN      string `json:"arn"`
	Reused   bool   `json:"reused"` // an equal active revision was there

	Groups map[string]Definition `json:"groups,omitempty"` // by the entry of job.groups: those whose container differs
}

// String names the revision as Batch does.
func (d Definition) String() string { return fmt.Sprintf("%s:%d", d.Name, d.Revision) }

// Names are those of all its revisions, with the entries of job.groups that they are for.
func (d Definition) Names() []string {
	names := []string{d.String()}
	for _, entry := range slices.Sorted(maps.Keys(d.Groups)) {
		names = append(names, fmt.Sprintf("%s for job.groups.%q", d.Groups[entry], entry))
	}
	return names
}

// GroupARNs are those of its revisions that are for entries of job.groups alone.
func (d Definition) GroupARNs() map[string]string {
	arns := map[string]string{}
	for entry, g := range d.Groups {
		arns[entry] = g.ARN
	}
	return arns
}

// AllReused says whether nothing was registered, for any group.
func (d Definition) AllReused() bool {
	for _, g := range d.Groups {
		if !g.Reused {
			return false
		}
	}
	return d.Reused
}

// Register registers a revision of the stack's job definition for an image (repository@sha256:…) and each different container of the spec, or finds the
// active one with the same content. The roles and the log group of res must stand. Command and resources of a group come with each job.
func Register(ctx context.Context, api Definitions, s Spec, res Resources, image string) (Definition, error) {
	active, err := definitions{api, s}.active(ctx)
	if err != nil {
		return Definition{}, explain("job definition "+s.Name, err)
	}
	known := map[string]Definition{} // by content
	for _, d := range active {
		if s.owns(d.Tags) {
			known[d.Tags[tagContent]] = revisionOf(d)
		}
	}
	groups := map[string]Definition{}
	for _, entry := range slices.Sorted(maps.Keys(s.Containers)) {
		in := s.definition(res, image, s.Containers[entry])
		if err := checkDefinition(entry, in); err != nil {
			return Definition{}, err
		}
		content := in.Tags[tagContent]
		if _, found := known[content]; !found {
			if known[content], err = s.register(ctx, api, in); err != nil {
				return Definition{}, err
			}
		}
		groups[entry] = known[content]
	}
	all := groups[""]
	if delete(groups, ""); len(groups) > 0 {
		all.Groups = groups
	}
	return all, nil
}

// revisionOf is a revision that is there.
func revisionOf(d batchtypes.JobDefinition) Definition {
	return Definition{Name: aws.ToString(d.JobDefinitionName), Revision: int(aws.ToInt32(d.Revision)), ARN: aws.ToString(d.JobDefinitionArn), Reused: true}
}

// Limits of a job definition, https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html, and of its image, ContainerProperties of the Batch
// API reference.
const (
	maxDefinition = 24 << 10 // bytes
	maxImage      = 255      // characters
)

// checkDefinition refuses what Batch would refuse, with the setting that it comes from.
func checkDefinition(entry string, in *batch.RegisterJobDefinitionInput) error {
	if image := aws.ToString(in.ContainerProperties.Image); len(image) > maxImage {
		return &project.SettingsError{Source: project.Pyproject, Key: "tool.kedroctl.image.repository",
			Reason: fmt.Sprintf("the image's reference has %d characters, and Batch takes %d: %s", len(image), maxImage, image), Next: "choose a shorter name"}
	}
	table := "tool.kedroctl.job"
	if entry != "" {
		table += fmt.Sprintf(".groups.%q", entry)
	}
	if n := len(compact(in)); n > maxDefinition {
		return &project.SettingsError{Source: project.Pyproject, Key: table + ".environment",
			Reason: fmt.Sprintf("with it and the secrets the job definition has %d bytes, and Batch takes %d", n, maxDefinition),
			Next:   "keep long values in the configuration, or in one secret"}
	}
	return nil
}

func (s Spec) register(ctx context.Context, api Definitions, in *batch.RegisterJobDefinitionInput) (Definition, error) {
	out, err := api.RegisterJobDefinition(ctx, in)
	if err != nil {
		return Definition{}, explain("job definition "+s.Name+": register", err)
	}
	return Definition{Name: s.Name, Revision: int(aws.ToInt32(out.Revision)), ARN: aws.ToString(out.JobDefinitionArn)}, nil
}

func (s Spec) definition(res Resources, image string, c project.Container) *batch.RegisterJobDefinitionInput {
	in := &batch.RegisterJobDefinitionInput{
		JobDefinitionName: &s.Name, Type: batchtypes.JobDefinitionTypeContainer,
		PlatformCapabilities: []batchtypes.PlatformCapability{batchtypes.PlatformCapabilityEc2},
		PropagateTags:        aws.Bool(true),
		Timeout:              &batchtypes.JobTimeout{AttemptDurationSeconds: aws.Int32(int32(s.Job.Timeout))},
		RetryStrategy:        batchjob.Retries(s.Job.Attempts),
		ContainerProperties: &batchtypes.ContainerProperties{
			Image: &image, Command: []string{}, JobRoleArn: &res.JobRole,
			ResourceRequirements: batchjob.Requirements(s.Job), Environment: s.variables(c), Secrets: secrets(c.Secrets),
			LogConfiguration: &batchtypes.LogConfiguration{LogDriver: batchtypes.LogDriverAwslogs, Options: map[string]string{
				"awslogs-group": s.LogGroup, "awslogs-region": s.Region, "awslogs-stream-prefix": s.Name,
			}},
		},
	}
	if c.SharedMemory > 0 {
		in.ContainerProperties.LinuxParameters = &batchtypes.LinuxParameters{SharedMemorySize: aws.Int32(int32(c.SharedMemory))}
	}
	if s.onFargate() {
		s.forFargate(in, res, c)
	}
	if s.onFargate() || len(c.Secrets) > 0 || s.Existing.ExecutionRole != "" {
		in.ContainerProperties.ExecutionRoleArn = &res.ExecutionRole
	}
	in.Tags = s.marks()
	content := contentHash(in) // without tags that change in place
	in.Tags = s.resourceTags()
	in.Tags[tagContent] = content
	return in
}

// forFargate adds what a task has to say where no instance says it: ContainerProperties of the Batch API reference.
func (s Spec) forFargate(in *batch.RegisterJobDefinitionInput, res Resources, c project.Container) {
	architecture, ip := "X86_64", batchtypes.AssignPublicIpDisabled
	if s.Platform == "linux/arm64" {
		architecture = "ARM64"
	}
	if res.PublicIP {
		ip = batchtypes.AssignPublicIpEnabled
	}
	in.PlatformCapabilities = []batchtypes.PlatformCapability{batchtypes.PlatformCapabilityFargate}
	p := in.ContainerProperties
	p.RuntimePlatform = &batchtypes.RuntimePlatform{OperatingSystemFamily: aws.String("LINUX"), CpuArchitecture: &architecture}
	p.NetworkConfiguration = &batchtypes.NetworkConfiguration{AssignPublicIp: ip}
	if c.EphemeralStorage > 0 {
		p.EphemeralStorage = &batchtypes.EphemeralStorage{SizeInGiB: aws.Int32(int32(c.EphemeralStorage))}
	}
}

// contentHash leaves out what is not set, so that fields which a later SDK adds do not change it.
func contentHash(in *batch.RegisterJobDefinitionInput) string {
	sum := sha256.Sum256(compact(in))
	return hex.EncodeToString(sum[:])
}

// compact is v as JSON without nulls. Its only use is for structs of the SDK, which always marshal.
func compact(v any) []byte {
	var tree any
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &tree)
	}
	if err == nil {
		text, err = json.Marshal(withoutNulls(tree))
	}
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if inner == nil {
				delete(v, key)
			} else {
				v[key] = withoutNulls(inner)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}

// variables are those of the settings, which may also set the region that jobs see, and which of the job's variables are secrets: records leave out
// what those hold.
func (s Spec) variables(c project.Container) []batchtypes.KeyValuePair {
	vars := map[string]string{"AWS_REGION": s.Region, "AWS_DEFAULT_REGION": s.Region}
	maps.Copy(vars, c.Environment)
	if len(c.Secrets) > 0 {
		vars["KEDROCTL_SECRETS"] = strings.Join(slices.Sorted(maps.Keys(c.Secrets)), ",")
	}
	var list []batchtypes.KeyValuePair
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		list = append(list, batchtypes.KeyValuePair{Name: &name, Value: aws.String(vars[name])})
	}
	return list
}

func secrets(arns map[string]string) []batchtypes.Secret {
	var list []batchtypes.Secret
	for _, name := range slices.Sorted(maps.Keys(arns)) {
		list = append(list, batchtypes.Secret{Name: &name, ValueFrom: aws.String(arns[name])})
	}
	return list
}

// definitions are the revisions of the stack's job definition.
type definitions struct {
	api  Definitions
	spec Spec
}

func (d definitions) active(ctx context.Context) ([]batchtypes.JobDefinition, error) {
	var all []batchtypes.JobDefinition
	pages := batch.NewDescribeJobDefinitionsPaginator(d.api, &batch.DescribeJobDefinitionsInput{JobDefinitionName: &d.spec.Name, Status: aws.String("ACTIVE")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.JobDefinitions...)
	}
	return all, nil
}

func (d definitions) removal(ctx context.Context) (Resource, func(context.Context) error, error) {
	is := Resource{Kind: KindDefinition, Name: d.spec.Name}
	active, err := d.active(ctx)
	if err != nil || len(active) == 0 {
		return is, nil, err
	}
	ours := slices.DeleteFunc(active, func(j batchtypes.JobDefinition) bool { return !d.spec.owns(j.Tags) })
	if len(ours) == 0 {
		return foreign(is), nil, nil
	}
	return is, func(ctx context.Context) error { return d.deregister(ctx, ours) }, nil
}

// deregister makes revisions INACTIVE. AWS forgets them after 180 days.
func (d definitions) deregister(ctx context.Context, revisions []batchtypes.JobDefinition) error {
	for _, r := range revisions {
		if err := d.deregisterOne(ctx, aws.ToString(r.JobDefinitionArn)); err != nil {
			return fmt.Errorf("revision %d: %w", aws.ToInt32(r.Revision), err)
		}
	}
	return nil
}

func (d definitions) deregisterOne(ctx context.Context, arn string) error {
	_, err := d.api.DeregisterJobDefinition(ctx, &batch.DeregisterJobDefinitionInput{JobDefinition: &arn})
	return err
}
