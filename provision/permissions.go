package provision

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Audiences of printed policies.
const (
	Deployer = "deployer" // provision, upload, push, register, deploy, prune, destroy
	Runner   = "runner"   // run, attach, resume, cancel, status, logs, runs, verify, get
	Auditor  = "auditor"  // status, logs, runs, resources, doctor, provision --dry-run: reads, and no data
)

// Audiences are all of them, in the order of what they may do.
var Audiences = []string{Deployer, Runner, Auditor}

// permission is a statement of printed policies: calls that this program makes, and what they are made on.
type permission struct {
	sid   string
	who   string   // the first letters of its audiences
	calls []string // as the SDK names them, behind the prefix of their actions
	also  []string // actions that these calls need besides, or that others make for this program: Docker pushes
	on    []string // resources; none: the statement is left out
	when  map[string]map[string][]string
}

// MaxManagedPolicy is how many characters a managed policy has at most, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
const MaxManagedPolicy = 6144

// PrintPolicy is the smallest identity policy, as JSON, for what an audience does with the stack of s in the caller's account.
func PrintPolicy(ctx context.Context, c Clients, s Spec, audience string) (string, error) {
	if !slices.Contains(Audiences, audience) {
		return "", fmt.Errorf("%q is not one of %s", audience, strings.Join(Audiences, ", "))
	}
	acc, err := identify(ctx, c.STS)
	if err != nil {
		return "", err
	}
	t := table{Spec: s, account: acc}
	if name := s.Existing.InstanceProfile; name != "" && s.ownEnvironments() {
		found, err := findProfile(ctx, c.IAM, lastPart(name))
		if err == nil && found == nil {
			err = noSuch("aws.instance_profile")
		}
		if err != nil {
			return "", explain(KindInstanceProfile+" "+lastPart(name), err)
		}
		for _, r := range found.Roles {
			t.instances = append(t.instances, aws.ToString(r.Arn))
		}
	}
	return t.policyFor(audience).String(), nil
}

// table has what this program calls on a stack in an account.
type table struct {
	Spec
	account
	instances []string // ARNs of the roles in an instance profile that the settings name
}

func (t table) policyFor(audience string) policy {
	var statements []statement
	for _, p := range t.permissions() {
		if strings.Contains(p.who, audience[:1]) && len(p.on) > 0 {
			statements = together(statements, statement{Sid: p.sid, Effect: "Allow", Action: p.actions(), Resource: p.on, Condition: p.when})
		}
	}
	if audience == Auditor {
		return newPolicy(statements...)
	}
	elsewhere := union(t.Access.Read, t.Access.Write)
	statements = append(statements, grants("Elsewhere", t.account, elsewhere, []string{"s3:GetObject"})...)
	statements = append(statements, listing(t.account, elsewhere)...)
	statements = append(statements, t.useKeys(t.account)...)
	if p := newPolicy(statements...); len(p.String()) <= MaxManagedPolicy {
		return p
	}
	return newPolicy(packed(statements)...)
}

// packed joins statements under the same condition that are about different services: it means the same, as no action of one service is on a resource of
// another, and is shorter.
func packed(statements []statement) (all []statement) {
	for _, s := range statements {
		i := slices.IndexFunc(all, func(o statement) bool {
			return !slices.Contains(slices.Concat(s.Resource, o.Resource), "*") && reflect.DeepEqual(s.Condition, o.Condition) &&
				!slices.ContainsFunc(s.Action, func(a string) bool {
					return slices.ContainsFunc(o.Action, func(b string) bool { return service(a) == service(b) })
				})
		})
		if i < 0 {
			all = append(all, s)
			continue
		}
		all[i].Sid = "" // which would be of a part
		all[i].Action, all[i].Resource = union(all[i].Action, s.Action), slices.Concat(all[i].Resource, s.Resource)
	}
	return all
}

// service is the prefix of an action.
func service(action string) string {
	name, _, _ := strings.Cut(action, ":")
	return name
}

// together adds a statement, to one about the same resources if there is such a one: managed policies have 6,144 characters at most.
func together(all []statement, s statement) []statement {
	for i := range all {
		if slices.Equal(all[i].Resource, s.Resource) && reflect.DeepEqual(all[i].Condition, s.Condition) {
			all[i].Action = union(all[i].Action, s.Action)
			return all
		}
	}
	return append(all, s)
}

// actions are those of the calls and the others.
func (p permission) actions() []string {
	all := slices.Clone(p.also)
	for _, call := range p.calls {
		service, name, _ := strings.Cut(call, ":")
		if renamed, ok := actionNames[call]; ok {
			name = renamed
		}
		all = append(all, service+":"+name)
	}
	return union(all, nil)
}

// permissions are all that this program calls, and on what. What each action takes for a resource:
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func (t table) permissions() []permission {
	return slices.Concat(t.onBucket(), t.onImages(), t.onLogs(), t.onRoles(), t.onBatch())
}

func (t table) onBucket() []permission {
	own, state := []string{t.s3(t.Bucket)}, t.s3(t.Bucket+"/.kedroctl/")
	return []permission{
		{sid: "Bucket", who: "dra", on: own, calls: []string{"s3:HeadBucket", "s3:ListObjectsV2"}},
		{sid: "Bucket", who: "da", on: own, calls: []string{"s3:GetBucketTagging", "s3:GetPublicAccessBlock", "s3:GetBucketPolicy", "s3:GetBucketEncryption",
			"s3:GetBucketOwnershipControls", "s3:GetBucketLifecycleConfiguration"}},
		{sid: "Bucket", who: "d", on: own, also: []string{"s3:TagResource"}, calls: []string{"s3:CreateBucket", "s3:PutBucketTagging",
			"s3:PutPublicAccessBlock", "s3:PutBucketPolicy", "s3:PutBucketEncryption", "s3:PutBucketOwnershipControls",
			"s3:PutBucketLifecycleConfiguration", "s3:ListObjectVersions", "s3:ListMultipartUploads", "s3:DeleteBucket"}},
		{sid: "Data", who: "d", on: []string{t.s3(t.Bucket + "/*")}, also: []string{"s3:AbortMultipartUpload", "s3:DeleteObjectVersion"},
			calls: []string{"s3:GetObject", "s3:HeadObject", "s3:PutObject", "s3:ListParts", "s3:DeleteObjects"}},
		{sid: "ReadData", who: "r", on: []string{t.s3(t.Bucket + "/*")}, calls: []string{"s3:GetObject", "s3:HeadObject"}},
		{sid: "Code", who: "r", on: []string{state + "code/*"}, calls: []string{"s3:PutObject"}},
		{sid: "Runs", who: "r", on: []string{state + "runs/*", state + "starting/*", state + "code/*"}, calls: []string{"s3:PutObject", "s3:DeleteObject"}},
		{sid: "Records", who: "a", on: []string{state + "*"}, calls: []string{"s3:GetObject"}},
	}
}

// onImages has Docker's push too: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
func (t table) onImages() []permission {
	own := []string{t.arn("ecr", t.Region, "repository/"+t.Repository)}
	return []permission{
		{sid: "Anything", who: "d", on: []string{"*"}, calls: []string{"ecr:GetAuthorizationToken"}},
		{sid: "Repository", who: "da", on: own, calls: []string{"ecr:DescribeRepositories", "ecr:ListTagsForResource", "ecr:GetLifecyclePolicy", "ecr:DescribeImages"}},
		{sid: "Repository", who: "d", on: own, calls: []string{"ecr:CreateRepository", "ecr:BatchDeleteImage", "ecr:PutImageScanningConfiguration", "ecr:PutLifecyclePolicy", "ecr:DeleteRepository", "ecr:TagResource", "ecr:UntagResource"},
			also: []string{"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer",
				"ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"}},
		{sid: "UsedImage", who: "d", on: t.repositoryARNs(t.account)[1:], also: []string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}},
	}
}

// onLogs names the group with its streams: IAM compares most actions with that, and those on tags with the group alone.
func (t table) onLogs() []permission {
	group := t.arn("logs", t.Region, "log-group:"+t.LogGroup)
	made := []string{group, group + ":*"}
	if t.Existing.LogGroup != "" {
		made = nil
	}
	return []permission{
		{sid: "Anything", who: "da", on: []string{"*"}, calls: []string{"logs:DescribeLogGroups"}},
		{sid: "Logs", who: "ra", on: []string{group + ":*"}, calls: []string{"logs:GetLogEvents", "logs:FilterLogEvents"}},
		{sid: "LogGroup", who: "da", on: []string{group, group + ":*"}, calls: []string{"logs:ListTagsForResource"}},
		{sid: "LogGroup", who: "d", on: made,
			calls: []string{"logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:DeleteLogGroup", "logs:TagResource", "logs:UntagResource"}},
	}
}

// onRoles lets roles be made under the stack's names alone and, where there is a boundary, within it; and handed to nothing but what runs jobs.
func (t table) onRoles() []permission {
	ownInstance, profile := t.role(t.InstanceRole), t.arn("iam", "", "instance-profile"+t.rolePath()+t.InstanceProfile)
	made, jobs := t.jobRoles()
	instances, profiles := t.instances, []string(nil)
	if t.ownEnvironments() && !t.onFargate() && t.Existing.InstanceProfile == "" {
		made, instances, profiles = append(made, ownInstance), []string{ownInstance}, []string{profile}
	}
	bounded, boundary := []string(nil), map[string]map[string][]string(nil)
	if b := t.boundary(); b != nil {
		bounded, boundary = made, equals("iam:PermissionsBoundary", *b)
	}
	var linked, batchRole, theirs []string
	switch {
	case t.ownEnvironments() && t.Existing.ServiceRole == "":
		linked = []string{t.arn("iam", "", "role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch")}
		batchRole = linked
	case t.ownEnvironments():
		batchRole = t.named("role/", t.Existing.ServiceRole)
		theirs = batchRole
	}
	return []permission{
		{sid: "LookAtRoles", who: "da", on: slices.Concat(t.ownRoles(), t.named("role/", t.Existing.JobRole), t.named("role/", t.Existing.ExecutionRole), theirs),
			calls: []string{"iam:GetRole", "iam:GetRolePolicy"}},
		{sid: "CheckRoles", who: "da", on: slices.Concat(t.named("role/", t.Existing.JobRole), t.named("role/", t.Existing.ExecutionRole), t.instances),
			calls: []string{"iam:SimulatePrincipalPolicy"}},
		{sid: "LookAtProfile", who: "da", on: union([]string{profile, t.arn("iam", "", "instance-profile/"+t.InstanceProfile)}, t.named("instance-profile/", t.Existing.InstanceProfile)), calls: []string{"iam:GetInstanceProfile"}},
		{sid: "MakeRoles", who: "d", on: made, calls: []string{"iam:CreateRole", "iam:PutRolePolicy"}, when: boundary},
		{sid: "Roles", who: "d", on: made, calls: []string{"iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:ListRolePolicies",
			"iam:DeleteRolePolicy", "iam:ListAttachedRolePolicies", "iam:DetachRolePolicy", "iam:DeleteRole"}},
		{sid: "Boundary", who: "d", on: bounded, calls: []string{"iam:PutRolePermissionsBoundary"}, when: boundary},
		{sid: "Profile", who: "d", on: profiles, calls: []string{"iam:TagInstanceProfile", "iam:UntagInstanceProfile", "iam:CreateInstanceProfile",
			"iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile"}},
		{sid: "Anything", who: "da", on: anything(linked), calls: []string{"iam:ListRoles"}},
		{sid: "ServiceRole", who: "d", on: linked, calls: []string{"iam:CreateServiceLinkedRole"}, when: equals("iam:AWSServiceName", "batch.amazonaws.com")},
		{sid: "PassToJobs", who: "d", on: jobs, also: []string{passRole}, when: equals("iam:PassedToService", "ecs-tasks.amazonaws.com")},
		{sid: "PassToInstances", who: "d", on: instances, also: []string{passRole}, when: equals("iam:PassedToService", "ec2."+t.domain())},
		{sid: "PassToBatch", who: "d", on: batchRole, also: []string{passRole}, when: equals("iam:PassedToService", "batch.amazonaws.com")},
	}
}

const passRole = "iam:PassRole"

func equals(key, value string) map[string]map[string][]string {
	return map[string]map[string][]string{"StringEquals": {key: {value}}}
}

// anything is the resource of actions that take no other, where there is something to do at all.
func anything(there []string) []string {
	if len(there) == 0 {
		return nil
	}
	return []string{"*"}
}

// ownRoles are those that the stack may have made, where it can be by one pattern: their hash is of no other stack. One that is not there has no path
// for IAM.
func (t table) ownRoles() (arns []string) {
	names := []string{t.JobRole, t.ExecutionRole, t.InstanceRole}
	kinds := []string{"-job-", "-exec-", "-instance-"}
	pattern := strings.Replace(t.JobRole, kinds[0], "-*-", 1)
	if !slices.ContainsFunc([]int{0, 1, 2}, func(i int) bool { return strings.Replace(names[i], kinds[i], "-*-", 1) != pattern }) {
		names = []string{pattern}
	}
	for _, name := range names {
		arns = append(arns, t.role(name), t.arn("iam", "", "role/"+name))
	}
	return union(arns, nil)
}

// role is the ARN of one that the stack makes.
func (t table) role(name string) string { return t.arn("iam", "", "role"+t.rolePath()+name) }

// jobRoles are those that are made for jobs, and all that jobs get.
func (t table) jobRoles() (made, all []string) {
	for _, r := range []struct{ existing, own string }{{t.Existing.JobRole, t.JobRole}, {t.Existing.ExecutionRole, t.ExecutionRole}} {
		all = append(all, t.named("role/", r.existing)...)
		if r.existing == "" {
			made = append(made, t.role(r.own))
		}
	}
	return made, slices.Concat(all, made)
}

// named are the ARNs that a name may mean, which says nothing of the path; an ARN is itself.
func (t table) named(kind, nameOrARN string) []string {
	switch {
	case nameOrARN == "":
		return nil
	case strings.HasPrefix(nameOrARN, "arn:"):
		return []string{nameOrARN}
	}
	return []string{t.arn("iam", "", kind+nameOrARN), t.arn("iam", "", kind+"*/"+nameOrARN)}
}

func (t table) onBatch() []permission {
	arn := func(rest string) string { return t.arn("batch", t.Region, rest) }
	definition := []string{arn("job-definition/" + t.Name), arn("job-definition/" + t.Name + ":*")}
	var queues, environments []string // the names of ours may end in what tells them apart
	if t.ownQueue() {
		queues = []string{arn("job-queue/" + t.Name), arn("job-queue/" + t.Name + "-*")}
		environments = []string{arn("compute-environment/" + t.Name), arn("compute-environment/" + t.Name + "-*")}
	}
	var theirs []string
	if name := t.Compute.Environment; name != "" {
		environments, theirs = nil, []string{arn("compute-environment/" + lastPart(name))}
	}
	made := slices.Concat(queues, environments)
	for _, q := range t.Queues {
		if !strings.HasPrefix(q, "arn:") {
			q = arn("job-queue/" + q)
		}
		queues = append(queues, q)
	}
	var templates []string // whose ARNs have ids, and no names that a policy could know
	if t.templateName() != "" {
		templates = []string{t.arn("ec2", t.Region, "launch-template/*")}
	}
	network := made
	if t.onFargate() {
		network = queues
	}
	return []permission{
		{sid: "Anything", who: "da", on: anything(network), calls: []string{"ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups",
			"ec2:DescribeRouteTables", "ec2:DescribeVpcEndpoints"}},
		{sid: "Anything", who: "dra", on: []string{"*"}, calls: []string{"batch:DescribeComputeEnvironments", "batch:DescribeJobQueues",
			"batch:DescribeJobDefinitions", "batch:DescribeJobs", "batch:ListJobs"}},
		{sid: "Anything", who: "da", on: anything(made), calls: []string{"servicequotas:GetServiceQuota"}},
		{sid: "Anything", who: "da", on: []string{"*"}, calls: []string{"ec2:DescribeLaunchTemplates"}},
		{sid: "LaunchTemplate", who: "d", on: templates, calls: []string{"ec2:CreateLaunchTemplate"}, when: t.tagged("aws:RequestTag")},
		{sid: "TagLaunchTemplate", who: "d", on: templates, also: []string{"ec2:CreateTags"}, when: equals("ec2:CreateAction", "CreateLaunchTemplate")},
		{sid: "DropLaunchTemplate", who: "d", on: templates, calls: []string{"ec2:DeleteLaunchTemplate"}, when: t.tagged("aws:ResourceTag")},
		{sid: "Compute", who: "d", on: made, calls: []string{"batch:CreateComputeEnvironment", "batch:UpdateComputeEnvironment", "batch:DeleteComputeEnvironment",
			"batch:CreateJobQueue", "batch:UpdateJobQueue", "batch:DeleteJobQueue", "batch:TagResource", "batch:UntagResource"}},
		{sid: "Their", who: "d", on: theirs, calls: []string{"batch:CreateJobQueue", "batch:UpdateJobQueue"}},
		{sid: "Definition", who: "d", on: definition, calls: []string{"batch:RegisterJobDefinition", "batch:DeregisterJobDefinition", "batch:TagResource", "batch:UntagResource"}},
		{sid: "Submit", who: "r", on: slices.Concat([]string{arn("job/*")}, definition, queues), calls: []string{"batch:SubmitJob"}},
		{sid: "TagJobs", who: "r", on: []string{arn("job/*")}, also: []string{"batch:TagResource"}, when: t.tagged("aws:RequestTag")},
		{sid: "EndJobs", who: "dr", on: []string{arn("job/*")}, calls: []string{"batch:CancelJob", "batch:TerminateJob"}, when: t.tagged("aws:ResourceTag")},
	}
}

// tagged are the stack's tags as a condition: jobs have them, and no names that a policy could know.
func (t table) tagged(key string) map[string]map[string][]string {
	return map[string]map[string][]string{"StringEquals": {key + "/" + tagProject: {t.Project}, key + "/" + tagEnv: {t.Env}}}
}
