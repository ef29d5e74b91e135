package provision

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/internal/project"
)

// What resources cost while no job runs.
const (
	IdleNothing = "nothing"
	IdleStorage = "storage"   // by the GB and month of what is in it
	IdleCompute = "instances" // they run although no job does
)

// States of resources that are only looked at; compute environments and queues have Batch's own.
const (
	Present = "present"
	Absent  = "absent"
)

// Listed is a resource as it stands.
type Listed struct {
	Resource
	Tags map[string]string `json:"tags,omitempty"`
	Ours bool              `json:"ours"` // it carries the stack's tags
	Idle string            `json:"idle"` // what it costs while no job runs
}

// Inventory lists the resources of a stack with their state, and changes nothing. Those that are not there are listed as absent.
func Inventory(ctx context.Context, c Clients, s Spec) ([]Listed, error) {
	acc, err := identify(ctx, c.STS)
	if err != nil {
		return nil, err
	}
	i := inventory{c, s, acc}
	looks := []func(context.Context) (Listed, error){i.bucket, i.repository, i.logGroup}
	for _, name := range i.roles() {
		looks = append(looks, func(ctx context.Context) (Listed, error) { return i.role(ctx, name) })
	}
	if s.ownEnvironments() && !s.onFargate() {
		looks = append(looks, i.profile)
	}
	if s.templateName() != "" {
		looks = append(looks, i.template)
	}
	if s.ownEnvironments() {
		for _, e := range s.capacities() {
			looks = append(looks, func(ctx context.Context) (Listed, error) { return i.environment(ctx, e) })
		}
	}
	looks = append(looks, i.queue, i.definitions)
	all := make([]Listed, len(looks))
	work, together := errgroup.WithContext(ctx)
	work.SetLimit(looksAtOnce)
	for n, look := range looks {
		work.Go(func() (err error) {
			if all[n], err = look(together); err != nil {
				return explain(all[n].String(), err)
			}
			all[n].Ours = all[n].Tags != nil && s.owns(all[n].Tags)
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return all, err
	}
	retired, err := i.retired(ctx)
	return append(all, retired...), err
}

// inventory looks at the resources of a stack.
type inventory struct {
	Clients
	spec    Spec
	account account
}

func listed(kind, name, idle string) Listed {
	return Listed{Resource: Resource{Kind: kind, Name: name, State: Absent}, Idle: idle}
}

func (i inventory) bucket(ctx context.Context) (Listed, error) {
	l, b := listed(KindBucket, i.spec.Bucket, IdleStorage), bucket{i.Clients, i.spec, i.account}
	there, err := b.exists(ctx)
	if err != nil || !there {
		return l, err
	}
	l.State, l.ARN = Present, i.account.s3(i.spec.Bucket)
	l.Tags, err = b.tags(ctx)
	return l, err
}

func (i inventory) repository(ctx context.Context) (Listed, error) {
	l, r := listed(KindRepository, i.spec.Repository, IdleStorage), &repository{Clients: i.Clients, spec: i.spec}
	found, err := r.find(ctx)
	if err != nil || found == nil {
		return l, err
	}
	r.take(*found)
	l.State, l.ARN = Present, r.got.ARN
	l.Tags, err = r.tags(ctx)
	return l, err
}

func (i inventory) logGroup(ctx context.Context) (Listed, error) {
	l := listed(KindLogGroup, i.spec.LogGroup, IdleStorage)
	found, err := logGroup{i.Clients, i.spec}.find(ctx)
	if err != nil || found == nil {
		return l, err
	}
	l.State, l.ARN = Present, groupARN(*found)
	if days := aws.ToInt32(found.RetentionInDays); days > 0 {
		l.Detail = fmt.Sprintf("keeps %d days", days)
	}
	l.Tags, err = logGroup{i.Clients, i.spec}.tags(ctx, l.ARN)
	return l, err
}

// roles are those that jobs, their start and instances use.
func (i inventory) roles() []string {
	names := []string{cmp.Or(lastPart(i.spec.Existing.JobRole), i.spec.JobRole)}
	if i.spec.needsExecutionRole() || i.spec.Existing.ExecutionRole != "" {
		names = append(names, cmp.Or(lastPart(i.spec.Existing.ExecutionRole), i.spec.ExecutionRole))
	}
	if i.spec.ownEnvironments() && !i.spec.onFargate() && i.spec.Existing.InstanceProfile == "" {
		names = append(names, i.spec.InstanceRole)
	}
	return names
}

func (i inventory) role(ctx context.Context, name string) (Listed, error) {
	l := listed(KindRole, name, IdleNothing)
	found, err := findRole(ctx, i.IAM, name)
	if err != nil || found == nil {
		return l, err
	}
	l.State, l.ARN, l.Tags = Present, aws.ToString(found.Arn), iamTags(found.Tags)
	if b := boundaryOf(*found); b != "" {
		l.Detail = "within " + b
	}
	return l, nil
}

func (i inventory) profile(ctx context.Context) (Listed, error) {
	l := listed(KindInstanceProfile, cmp.Or(lastPart(i.spec.Existing.InstanceProfile), i.spec.InstanceProfile), IdleNothing)
	found, err := findProfile(ctx, i.IAM, l.Name)
	if err != nil || found == nil {
		return l, err
	}
	l.State, l.ARN, l.Tags = Present, aws.ToString(found.Arn), iamTags(found.Tags)
	return l, nil
}

func (i inventory) environment(ctx context.Context, c capacity) (Listed, error) {
	l := listed(KindEnvironment, i.spec.environmentName(c), IdleNothing)
	found, err := environment{Clients: i.Clients, spec: i.spec, capacity: c}.current(ctx)
	if err != nil || found == nil {
		return l, err
	}
	return i.listedEnvironment(*found), nil
}

func (i inventory) template(ctx context.Context) (Listed, error) {
	t := i.spec.template(i.Clients, i.account)
	found, err := t.find(ctx)
	if err != nil || found == nil {
		return listed(KindLaunchTemplate, t.name, IdleNothing), err
	}
	l := i.listedTemplate(*found)
	l.Detail = fmt.Sprintf("disks of %d GiB", i.spec.Compute.DiskSize)
	return l, nil
}

func (i inventory) listedTemplate(found ec2types.LaunchTemplate) Listed {
	l := listed(KindLaunchTemplate, aws.ToString(found.LaunchTemplateName), IdleNothing)
	l.State, l.ARN, l.Tags = Present, launchTemplate{spec: i.spec, account: i.account}.arnOf(found), ec2Tags(found.Tags)
	return l
}

// retired are the launch templates, environments and queues that others have taken the place of, and that are not empty yet.
func (i inventory) retired(ctx context.Context) (all []Listed, err error) {
	templates, err := i.spec.templates(ctx, i.EC2)
	if err != nil {
		return nil, err
	}
	for _, t := range templates {
		if aws.ToString(t.LaunchTemplateName) != i.spec.templateName() {
			l := i.listedTemplate(t)
			l.Ours, l.Detail = true, "retired"
			all = append(all, l)
		}
	}
	f, err := i.spec.fleet(ctx, i.Batch)
	if err != nil {
		return nil, err
	}
	for _, e := range f.environments {
		if isRetired(e.Tags) {
			l := i.listedEnvironment(e)
			l.Ours, l.Detail = true, l.Detail+", retired"
			all = append(all, l)
		}
	}
	for _, q := range f.queues {
		if isRetired(q.Tags) {
			l := listed(KindQueue, aws.ToString(q.JobQueueName), IdleNothing)
			l.ARN, l.Tags, l.State = aws.ToString(q.JobQueueArn), q.Tags, strings.ToLower(string(q.Status)+", "+string(q.State))
			l.Ours, l.Detail = true, "retired"
			all = append(all, l)
		}
	}
	return all, nil
}

func (i inventory) listedEnvironment(found batchtypes.ComputeEnvironmentDetail) Listed {
	l := listed(KindEnvironment, aws.ToString(found.ComputeEnvironmentName), IdleNothing)
	l.ARN, l.Tags, l.State = aws.ToString(found.ComputeEnvironmentArn), found.Tags, strings.ToLower(string(found.Status)+", "+string(found.State))
	if r := found.ComputeResources; r != nil {
		l.Detail = fmt.Sprintf("%s, up to %s", r.Type, project.CountVCPUs(float64(aws.ToInt32(r.MaxvCpus))))
		if aws.ToInt32(r.MinvCpus) > 0 {
			l.Idle = IdleCompute
		}
		if n := aws.ToInt32(r.DesiredvCpus); n > 0 {
			l.Detail += fmt.Sprintf(", %d now", n)
		}
	}
	return l
}

func (i inventory) queue(ctx context.Context) (Listed, error) {
	q := queue{Clients: i.Clients, spec: i.spec}
	look := q.current
	name := i.spec.queueName()
	if !i.spec.ownQueue() {
		name = i.spec.Compute.Queue
		look = func(ctx context.Context) (*batchtypes.JobQueueDetail, error) { return q.find(ctx, name) }
	}
	l := listed(KindQueue, lastPart(name), IdleNothing)
	found, err := look(ctx)
	if err != nil || found == nil {
		return l, err
	}
	l.Name = aws.ToString(found.JobQueueName)
	l.ARN, l.Tags, l.State = aws.ToString(found.JobQueueArn), found.Tags, strings.ToLower(string(found.Status)+", "+string(found.State))
	return l, nil
}

func (i inventory) definitions(ctx context.Context) (Listed, error) {
	l := listed(KindDefinition, i.spec.Name, IdleNothing)
	active, err := definitions{i.Batch, i.spec}.active(ctx)
	if err != nil || len(active) == 0 {
		return l, err
	}
	l.State, l.Detail, l.Tags = Present, fmt.Sprintf("active revisions: %d", len(active)), active[0].Tags
	return l, nil
}
