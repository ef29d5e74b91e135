package provision

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/kedroctl/kedroctl/internal/batchjob"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// Codes of what Examine and ExamineDeployment find (docs/doctor.md).
const (
	CodeCredentials = "credentials"        // whose they are cannot be asked
	CodeUnreadable  = "cannot-look"        // a resource could not be read, or is not the stack's
	CodeMissing     = "not-provisioned"    // a resource is not there
	CodeDiffers     = "differs"            // a resource is not as the settings want it
	CodeInvalid     = "invalid"            // Batch cannot use an environment or queue
	CodeDisabled    = "disabled"           // a queue takes no jobs, or an environment starts none
	CodeChanging    = "changing"           // Batch is working on it
	CodeIdle        = "idle"               // vCPUs run without a job
	CodeLacks       = "role-lacks"         // a role that the settings name does not allow what jobs need
	CodeUnchecked   = "not-checked"        // what it allows could not be found out
	CodeNoRoute     = "no-public-address"  // instances in a subnet need another way out
	CodeNoImage     = "image-missing"      // the deployment's image is not in the registry
	CodeNoRevision  = "definition-missing" // the deployment's job definition was deregistered
)

const provisionFix = "kedroctl provision"

// Images is ECR, as far as ExamineDeployment uses it.
type Images interface {
	DescribeImages(context.Context, *ecr.DescribeImagesInput, ...func(*ecr.Options)) (*ecr.DescribeImagesOutput, error)
}

// exam collects findings about a stack.
type exam struct {
	Clients
	spec  Spec
	found []plan.Finding
}

// Examine looks at a stack, changes nothing and waits for nothing, and says what is wrong with it, in the order in which it is to be put right.
func Examine(ctx context.Context, c Clients, s Spec) []plan.Finding {
	e := &exam{Clients: c, spec: s}
	who, err := identify(ctx, c.STS)
	if err != nil {
		e.add(plan.Error, CodeCredentials, "AWS account", err.Error(), ui.Hint(err))
		return e.found
	}
	own := bucket{c, s, who}
	e.resource(ctx, own)
	e.resource(ctx, &repository{Clients: c, spec: s})
	e.resource(ctx, s.logs(c))
	withKey, err := own.withKey(ctx)
	if err != nil {
		withKey = s // the bucket has told
	}
	if s.Existing.JobRole == "" {
		e.resource(ctx, withKey.jobRole(c, who))
	} else {
		e.resource(ctx, withKey.existingJobRole(c, who))
	}
	switch {
	case s.Existing.ExecutionRole != "":
		e.resource(ctx, s.existingExecutionRole(c, who))
	case s.needsExecutionRole():
		e.resource(ctx, s.executionRole(c, who))
	}
	if !s.ownQueue() {
		e.queue(ctx, s.Compute.Queue, nil)
		return e.found
	}
	if name := e.spec.Compute.Environment; name != "" {
		arn := e.resource(ctx, &existingEnvironment{environment{Clients: c, spec: s, name: name}})
		e.queue(ctx, "", []string{arn})
		return e.found
	}
	e.compute(ctx, who)
	return e.found
}

func (e *exam) add(level, code, thing, reason, fix string) {
	e.found = append(e.found, plan.Finding{Code: code, Level: level, Thing: thing, Reason: reason, Fix: fix})
}

// resource compares one resource with its spec, as Apply would before it changes it, and gives its ARN where it is there.
func (e *exam) resource(ctx context.Context, r resource) (arn string) {
	is, changes, err := r.diff(ctx)
	switch {
	case noWay(err) != nil:
		e.add(plan.Error, CodeNoRoute, is.String(), err.Error(), ui.Hint(err))
	case isLack(err):
		e.add(plan.Error, CodeLacks, is.String(), err.Error(), ui.Hint(err))
	case err != nil:
		err = explain(is.String(), err)
		e.add(plan.Error, CodeUnreadable, is.String(), strings.TrimPrefix(err.Error(), is.String()+": "), ui.Hint(err))
	case slices.ContainsFunc(changes, func(c change) bool { return c.create }):
		e.add(plan.Error, CodeMissing, is.String(), "it does not exist", provisionFix)
	case len(changes) > 0:
		var what []string
		for _, c := range changes {
			what = append(what, c.what)
		}
		e.add(plan.Error, CodeDiffers, is.String(), "it is not what the settings want: "+strings.Join(what, ", "), provisionFix)
	}
	if is.Warning != "" {
		e.add(plan.Warning, CodeUnchecked, is.String(), is.Warning, "")
	}
	return is.ARN
}

// compute looks at where jobs run.
func (e *exam) compute(ctx context.Context, who account) {
	net := &network{Clients: e.Clients, spec: e.spec}
	e.resource(ctx, net)
	if !net.named() {
		e.addresses(ctx, net.subnets)
	}
	service := ""
	if e.spec.Existing.ServiceRole != "" {
		service = e.resource(ctx, e.spec.existingServiceRole(e.Clients))
	} else {
		service = e.resource(ctx, serviceRole{e.Clients})
	}
	instances := e.profile(ctx, who)
	if e.spec.templateName() != "" {
		e.resource(ctx, e.spec.template(e.Clients, who))
	}
	var arns []string
	for _, c := range e.spec.capacities() {
		arn := e.environment(ctx, environment{Clients: e.Clients, spec: e.spec, capacity: c, serviceRole: service, instanceProfile: instances,
			subnets: net.subnets, groups: net.groups})
		if arn == "" {
			return
		}
		arns = append(arns, arn)
	}
	e.queue(ctx, "", arns)
}

// profile looks at what instances need, where there are any, and gives the profile's ARN.
func (e *exam) profile(ctx context.Context, who account) string {
	if e.spec.onFargate() {
		return ""
	}
	if e.spec.Existing.InstanceProfile != "" {
		return e.resource(ctx, e.spec.existingProfile(e.Clients, who))
	}
	e.resource(ctx, e.spec.instanceRole(e.Clients, who))
	return e.resource(ctx, profile{e.Clients, e.spec})
}

// addresses looks whether instances reach AWS's services, which takes a public address, a NAT gateway or endpoints.
func (e *exam) addresses(ctx context.Context, subnets []string) {
	if len(subnets) == 0 {
		return
	}
	out, err := e.EC2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: subnets})
	if err != nil {
		return // network has told
	}
	for _, s := range out.Subnets {
		if !isPublic(s) {
			e.add(plan.Warning, CodeNoRoute, "subnet "+aws.ToString(s.SubnetId),
				"what starts there gets no public address: without a NAT gateway, or endpoints for ecr.api, ecr.dkr, ecs, logs and s3, jobs stay RUNNABLE",
				"name other subnets in [tool.kedroctl.aws] subnets, then "+provisionFix)
		}
	}
}

// environment looks at a compute environment and gives its ARN, "" where there is none to be seen.
func (e *exam) environment(ctx context.Context, want environment) (arn string) {
	want.name = e.spec.environmentName(want.capacity)
	thing := KindEnvironment + " " + want.name
	is, err := want.current(ctx)
	if is != nil {
		want.name = aws.ToString(is.ComputeEnvironmentName)
		thing = KindEnvironment + " " + want.name
	}
	if is != nil && is.ComputeResources != nil && want.subnets == nil { // the network was not found, which is told already
		want.subnets, want.groups = is.ComputeResources.Subnets, is.ComputeResources.SecurityGroupIds
	}
	switch {
	case err != nil:
		err = explain(thing, err)
		e.add(plan.Error, CodeUnreadable, thing, strings.TrimPrefix(err.Error(), thing+": "), ui.Hint(err))
		return ""
	case is == nil:
		e.add(plan.Error, CodeMissing, thing, "it does not exist", provisionFix)
		return ""
	case !e.spec.owns(is.Tags):
		err := notOurs(&Resource{Kind: KindEnvironment, Name: want.name}, e.spec)
		e.add(plan.Error, CodeUnreadable, thing, err.Error(), ui.Hint(err))
	case is.Status == batchtypes.CEStatusInvalid:
		e.add(plan.Error, CodeInvalid, thing, "it is INVALID: "+aws.ToString(is.StatusReason), provisionFix)
	case is.Status != batchtypes.CEStatusValid:
		e.add(plan.Note, CodeChanging, thing, fmt.Sprintf("it is %s", is.Status), "wait a minute, and look again")
	case is.State != batchtypes.CEStateEnabled:
		e.add(plan.Error, CodeDisabled, thing, "it is DISABLED: it starts no instances", provisionFix)
	default:
		_, differ := want.differences(*is)
		if differ = append(differ, e.spec.retag(is.Tags).attributes()...); differ != nil {
			e.add(plan.Error, CodeDiffers, thing, "it is not what the settings want: "+attributeNames(differ), provisionFix)
		}
	}
	e.idle(ctx, thing, *is)
	return aws.ToString(is.ComputeEnvironmentArn)
}

// queue looks at the queue of the settings that jobs go to, by name or ARN, or at the stack's own over its environments.
func (e *exam) queue(ctx context.Context, name string, environments []string) {
	own := queue{Clients: e.Clients, spec: e.spec, environments: environments}
	look := func() (*batchtypes.JobQueueDetail, error) { return own.find(ctx, name) }
	if e.spec.ownQueue() {
		name = e.spec.queueName()
		look = func() (*batchtypes.JobQueueDetail, error) { return own.current(ctx) }
	}
	is, err := look()
	if is != nil {
		name = aws.ToString(is.JobQueueName)
	}
	thing := KindQueue + " " + lastPart(name)
	fix := provisionFix
	if !e.spec.ownQueue() {
		fix = "aws batch update-job-queue --job-queue " + lastPart(name) + " --state ENABLED"
	}
	switch {
	case err != nil:
		err = explain(thing, err)
		e.add(plan.Error, CodeUnreadable, thing, strings.TrimPrefix(err.Error(), thing+": "), ui.Hint(err))
	case is == nil && e.spec.ownQueue():
		e.add(plan.Error, CodeMissing, thing, "it does not exist", provisionFix)
	case is == nil:
		e.add(plan.Error, CodeMissing, thing, "it does not exist, but the settings name it", "correct queue in [tool.kedroctl.compute], or remove it to have one made")
	case is.Status == batchtypes.JQStatusInvalid:
		e.add(plan.Error, CodeInvalid, thing, "it is INVALID: "+aws.ToString(is.StatusReason), provisionFix)
	case is.Status != batchtypes.JQStatusValid:
		e.add(plan.Note, CodeChanging, thing, fmt.Sprintf("it is %s", is.Status), "wait a minute, and look again")
	case is.State != batchtypes.JQStateEnabled:
		e.add(plan.Error, CodeDisabled, thing, "it is DISABLED: it takes no jobs", fix)
	case e.spec.ownQueue() && (!own.same(*is) || e.spec.retag(is.Tags).attributes() != nil):
		e.add(plan.Error, CodeDiffers, thing, "it is not what the settings want", provisionFix)
	}
}

// idle tells of instances that cost money though no job waits or runs.
func (e *exam) idle(ctx context.Context, thing string, is batchtypes.ComputeEnvironmentDetail) {
	if is.ComputeResources == nil || aws.ToInt32(is.ComputeResources.DesiredvCpus) == 0 && aws.ToInt32(is.ComputeResources.MinvCpus) == 0 {
		return
	}
	q, err := (queue{Clients: e.Clients, spec: e.spec}).current(ctx)
	if err != nil || q == nil {
		return // queue tells
	}
	jobs, err := batchjob.Unfinished(ctx, e.Batch, aws.ToString(q.JobQueueArn))
	if err == nil && len(jobs) == 0 {
		e.add(plan.Warning, CodeIdle, thing, fmt.Sprintf("%d vCPUs are wanted, and there is no job", max(aws.ToInt32(is.ComputeResources.DesiredvCpus), aws.ToInt32(is.ComputeResources.MinvCpus))),
			"Batch stops them within minutes; if not: aws batch update-compute-environment --compute-environment "+aws.ToString(is.ComputeEnvironmentName)+" --compute-resources minvCpus=0,desiredvCpus=0")
	}
}

// ExamineDeployment looks whether what jobs of a deployment start from is still there: image and job definitions.
func ExamineDeployment(ctx context.Context, c Clients, images Images, d Deployment) []plan.Finding {
	e := &exam{Clients: c}
	e.image(ctx, images, d.Image)
	revisions := []string{d.JobDefinition}
	for _, arn := range d.Definitions {
		revisions = append(revisions, arn)
	}
	out, err := c.Batch.DescribeJobDefinitions(ctx, &batch.DescribeJobDefinitionsInput{JobDefinitions: revisions})
	if err != nil {
		err = explain(KindDefinition, err)
		e.add(plan.Error, CodeUnreadable, KindDefinition+" "+lastPart(d.JobDefinition), err.Error(), ui.Hint(err))
		return e.found
	}
	for _, arn := range revisions {
		active := slices.ContainsFunc(out.JobDefinitions, func(j batchtypes.JobDefinition) bool {
			return aws.ToString(j.JobDefinitionArn) == arn && aws.ToString(j.Status) == "ACTIVE"
		})
		if !active {
			e.add(plan.Error, CodeNoRevision, KindDefinition+" "+lastPart(arn), "it was deregistered: Batch starts no job of it", "kedroctl deploy")
		}
	}
	return e.found
}

func (e *exam) image(ctx context.Context, images Images, ref string) {
	name, digest, ok := strings.Cut(ref, "@")
	if !ok {
		return
	}
	_, path, _ := strings.Cut(name, "/")
	_, err := images.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: &path, ImageIds: []ecrtypes.ImageIdentifier{{ImageDigest: &digest}}})
	switch {
	case hasCode(err, "ImageNotFoundException", "RepositoryNotFoundException"):
		e.add(plan.Error, CodeNoImage, "image "+ref, "it is not in the registry any more", "kedroctl deploy")
	case err != nil:
		err = explain("image "+ref, err)
		e.add(plan.Error, CodeUnreadable, "image "+ref, err.Error(), ui.Hint(err))
	}
}
