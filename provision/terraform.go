package provision

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// TerraformOptions say how Terraform writes a stack.
type TerraformOptions struct {
	Provider int               // major version of the provider hashicorp/aws, one of Providers
	Imports  map[string]string // ids of what is there already, as Imports gives them
}

// Providers are the major versions of the provider hashicorp/aws that a configuration can be written for.
var Providers = []int{6, 5}

// provider is what differs between them.
type provider struct {
	version         string // constraint
	environmentName string // argument of aws_batch_compute_environment
}

// Version 6.0 gave compute environments' name another name; the last 5.x is the one that was tried.
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/version-6-upgrade
var providers = map[int]provider{
	6: {"~> 6.0", "name"},
	5: {"~> 5.100", "compute_environment_name"},
}

// Terraform writes the stack as a configuration for Terraform's provider hashicorp/aws: the same resources under the same names, without the tags that
// mark what is kedroctl's own, so that kedroctl takes them as existing ones. Instances and their disks alone have those: Batch would replace them to take them away. The
// comment at its beginning has the settings for that. What the settings name already is left out, and looked up where something refers to it. AWS is asked
// for nothing: the account's number is the provider's affair.
func Terraform(s Spec, o TerraformOptions) []byte {
	t := terraform{spec: s, provider: providers[o.Provider], account: account{ID: accountNumber, Partition: partition(s.Region)}, file: hclwrite.NewEmptyFile()}
	t.head()
	t.bucket()
	t.repository()
	t.logGroup()
	if s.Existing.JobRole == "" {
		t.role("job", s.jobRole(Clients{}, t.account))
	}
	if s.Existing.ExecutionRole == "" && s.needsExecutionRole() {
		t.role("execution", s.executionRole(Clients{}, t.account))
	}
	if s.ownQueue() {
		t.queue()
	}
	t.importing(o.Imports)
	return append([]byte(t.takeover()), hclwrite.Format(t.file.Bytes())...)
}

// accountNumber stands for the number of the account in names and policies.
const accountNumber = "${data.aws_caller_identity.current.account_id}"

// partition is that of a region, by the prefixes in
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html and AWS's list of partitions in the SDKs.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

type terraform struct {
	spec     Spec
	provider provider
	account  account
	file     *hclwrite.File
}

// takeover is the comment that says how kedroctl takes over what Terraform makes.
func (t terraform) takeover() string {
	s := t.spec
	lines := []string{
		fmt.Sprintf("Stack of the Kedro project %s, environment %s, written by 'kedroctl export terraform'.", s.Project, s.Env),
		"After 'terraform apply', these settings in pyproject.toml have kedroctl use the resources, and never change or remove them:",
		"",
		"  [tool.kedroctl.compute]",
		fmt.Sprintf("  type = %q", s.kind()),
		fmt.Sprintf("  queue = %q", cmp.Or(s.Compute.Queue, s.queueName())),
	}
	if s.templateName() != "" {
		lines = append(lines, "  disk_size = 0 # it is in Terraform's launch template")
	}
	lines = append(lines, "", "  [tool.kedroctl.aws]", fmt.Sprintf("  log_group = %q", s.LogGroup), fmt.Sprintf("  job_role = %q", cmp.Or(s.Existing.JobRole, s.JobRole)))
	if s.needsExecutionRole() {
		lines = append(lines, fmt.Sprintf("  execution_role = %q", cmp.Or(s.Existing.ExecutionRole, s.ExecutionRole)))
	}
	var out strings.Builder
	for _, line := range lines {
		out.WriteString(strings.TrimSuffix("# "+line, " ") + "\n")
	}
	return out.String() + "\n"
}

// block adds a block with its arguments, and a line before it.
func (t terraform) block(kind string, labels []string, arguments ...argument) *hclwrite.Body {
	if len(t.file.Body().Blocks()) > 0 {
		t.file.Body().AppendNewline()
	}
	body := t.file.Body().AppendNewBlock(kind, labels).Body()
	put(body, arguments...)
	return body
}

func (t terraform) resource(kind, name string, arguments ...argument) *hclwrite.Body {
	return t.block("resource", []string{kind, name}, arguments...)
}

// nested adds a block inside another.
func nested(body *hclwrite.Body, kind string, arguments ...argument) *hclwrite.Body {
	if len(body.Attributes())+len(body.Blocks()) > 0 {
		body.AppendNewline()
	}
	inner := body.AppendNewBlock(kind, nil).Body()
	put(inner, arguments...)
	return inner
}

// head names the provider.
func (t terraform) head() {
	versions := nested(t.block("terraform", nil, argument{"required_version", ">= 1.5"}), "required_providers")
	put(versions, argument{"aws", map[string]any{"source": "hashicorp/aws", "version": t.provider.version}})
	p := t.block("provider", []string{"aws"}, argument{"region", t.spec.Region})
	if len(t.spec.OwnTags) > 0 {
		nested(p, "default_tags", argument{"tags", values(t.spec.OwnTags)})
	}
	t.block("data", []string{"aws_caller_identity", "current"})
}

func (t terraform) bucket() {
	b := t.resource("aws_s3_bucket", "data", argument{"bucket", t.spec.Bucket})
	nested(b, "lifecycle", argument{"prevent_destroy", true})
	name := argument{"bucket", expression("aws_s3_bucket.data.id")}
	t.resource("aws_s3_bucket_public_access_block", "data", name, argument{"block_public_acls", true}, argument{"block_public_policy", true},
		argument{"ignore_public_acls", true}, argument{"restrict_public_buckets", true})
	nested(nested(t.resource("aws_s3_bucket_server_side_encryption_configuration", "data", name), "rule"),
		"apply_server_side_encryption_by_default", argument{"sse_algorithm", string(s3types.ServerSideEncryptionAes256)})
	nested(t.resource("aws_s3_bucket_ownership_controls", "data", name), "rule",
		argument{"object_ownership", string(s3types.ObjectOwnershipBucketOwnerEnforced)})
	t.lifecycle(t.resource("aws_s3_bucket_lifecycle_configuration", "data", name))
	t.resource("aws_s3_bucket_policy", "data", name, argument{"policy", jsonDocument(t.spec.tlsOnly(t.account).String())})
}

func (t terraform) lifecycle(b *hclwrite.Body) {
	for _, r := range t.spec.lifecycle() {
		rule := nested(b, "rule", argument{"id", *r.ID}, argument{"status", string(r.Status)})
		nested(rule, "filter", argument{"prefix", *r.Filter.Prefix})
		if r.Expiration != nil {
			nested(rule, "expiration", argument{"days", count(r.Expiration.Days)})
		}
		if r.NoncurrentVersionExpiration != nil {
			nested(rule, "noncurrent_version_expiration", argument{"noncurrent_days", count(r.NoncurrentVersionExpiration.NoncurrentDays)})
		}
		if r.AbortIncompleteMultipartUpload != nil {
			nested(rule, "abort_incomplete_multipart_upload", argument{"days_after_initiation", count(r.AbortIncompleteMultipartUpload.DaysAfterInitiation)})
		}
	}
}

func (t terraform) repository() {
	r := t.resource("aws_ecr_repository", "images", argument{"name", t.spec.Repository}, argument{"image_tag_mutability", string(types.ImageTagMutabilityMutable)})
	nested(r, "image_scanning_configuration", argument{"scan_on_push", true})
	t.resource("aws_ecr_lifecycle_policy", "images", argument{"repository", expression("aws_ecr_repository.images.name")},
		argument{"policy", jsonDocument((&repository{spec: t.spec}).lifecycle())})
}

func (t terraform) logGroup() {
	if t.spec.Existing.LogGroup != "" {
		return
	}
	t.resource("aws_cloudwatch_log_group", "jobs", argument{"name", t.spec.LogGroup}, argument{"retention_in_days", retention(t.spec.KeepDays)})
}

func (t terraform) role(name string, r role) {
	t.resource("aws_iam_role", name, argument{"name", r.name}, argument{"description", r.description()}, argument{"path", t.spec.Existing.RolePath},
		argument{"permissions_boundary", aws.ToString(t.spec.boundary())}, argument{"assume_role_policy", jsonDocument(r.trust.String())})
	t.resource("aws_iam_role_policy", name, argument{"name", policyName}, argument{"role", expression("aws_iam_role." + name + ".id")},
		argument{"policy", jsonDocument(r.policy.String())})
}

// profile gives an expression for the ARN of the instance profile.
func (t terraform) profile() expression {
	if existing := t.spec.Existing.InstanceProfile; existing != "" {
		t.block("data", []string{"aws_iam_instance_profile", "instance"}, argument{"name", lastPart(existing)})
		return "data.aws_iam_instance_profile.instance.arn"
	}
	t.role("instance", t.spec.instanceRole(Clients{}, t.account))
	t.resource("aws_iam_instance_profile", "instance", argument{"name", t.spec.InstanceProfile}, argument{"path", t.spec.Existing.RolePath},
		argument{"role", expression("aws_iam_role.instance.name")})
	return "aws_iam_instance_profile.instance.arn"
}

// network gives what names the subnets and the security groups: the settings, else the default VPC.
func (t terraform) network() (subnets, groups any) {
	subnets, groups = t.spec.Existing.Subnets, t.spec.Existing.SecurityGroups
	vpc := expression("data.aws_vpc.default.id")
	if len(t.spec.Existing.Subnets) > 0 && len(t.spec.Existing.SecurityGroups) == 0 {
		t.block("data", []string{"aws_subnet", "first"}, argument{"id", t.spec.Existing.Subnets[0]})
		vpc = "data.aws_subnet.first.vpc_id"
	}
	if id := t.spec.Existing.VPC; id != "" && len(t.spec.Existing.Subnets) == 0 {
		vpc = expression(strconv.Quote(id))
		nested(t.block("data", []string{"aws_subnets", "named"}), "filter", argument{"name", "vpc-id"}, argument{"values", []any{vpc}})
		subnets = expression("data.aws_subnets.named.ids")
	} else if len(t.spec.Existing.Subnets) == 0 {
		t.block("data", []string{"aws_vpc", "default"}, argument{"default", true})
		found := t.block("data", []string{"aws_subnets", "default"})
		nested(found, "filter", argument{"name", "vpc-id"}, argument{"values", []any{vpc}})
		nested(found, "filter", argument{"name", "default-for-az"}, argument{"values", []string{"true"}})
		subnets = expression("data.aws_subnets.default.ids")
	}
	if len(t.spec.Existing.SecurityGroups) == 0 {
		t.block("data", []string{"aws_security_group", "default"}, argument{"vpc_id", vpc}, argument{"name", "default"})
		groups = []any{expression("data.aws_security_group.default.id")}
	}
	return subnets, groups
}

// queue is the job queue over its compute environments, in the order in which they are tried.
func (t terraform) queue() {
	order := []expression{"data.aws_batch_compute_environment.theirs.arn"}
	if name := t.spec.Compute.Environment; name != "" {
		t.block("data", []string{"aws_batch_compute_environment", "theirs"}, argument{t.provider.environmentName, lastPart(name)})
	} else {
		order = t.environments()
	}
	q := t.resource("aws_batch_job_queue", "jobs", argument{"name", t.spec.queueName()}, argument{"state", "ENABLED"}, argument{"priority", 1})
	for i, arn := range order {
		nested(q, "compute_environment_order", argument{"order", i + 1}, argument{"compute_environment", arn})
	}
}

// environments gives expressions for the ARNs of the compute environments.
func (t terraform) environments() (order []expression) {
	var profile expression
	if !t.spec.onFargate() {
		profile = t.profile()
	}
	subnets, groups := t.network()
	role := t.serviceRole()
	t.template()
	for _, c := range t.spec.capacities() {
		name := c.label()
		r := environment{spec: t.spec, capacity: c}.resources()
		e := t.resource("aws_batch_compute_environment", name, argument{t.provider.environmentName, t.spec.environmentName(c)}, argument{"type", "MANAGED"}, argument{"state", "ENABLED"},
			argument{"service_role", role})
		resources := nested(e, "compute_resources", argument{"type", string(r.Type)}, argument{"allocation_strategy", string(r.AllocationStrategy)},
			argument{"instance_type", r.InstanceTypes}, argument{"instance_role", profile}, argument{"min_vcpus", count(r.MinvCpus)},
			argument{"max_vcpus", count(r.MaxvCpus)}, argument{"subnets", subnets}, argument{"security_group_ids", groups},
			argument{"tags", values(r.Tags)})
		if r.LaunchTemplate != nil {
			nested(resources, "launch_template", argument{"launch_template_name", expression("aws_launch_template.disk.name")},
				argument{"version", expression("aws_launch_template.disk.latest_version")})
		}
		order = append(order, expression("aws_batch_compute_environment."+name+".arn"))
	}
	return order
}

// template is the launch template of the instances, where the settings ask for another disk than the AMI's.
func (t terraform) template() {
	name := t.spec.templateName()
	if name == "" {
		return
	}
	ebs := t.spec.disk()
	template := t.resource("aws_launch_template", "disk", argument{"name", name})
	device := nested(template, "block_device_mappings", argument{"device_name", rootDevice})
	nested(device, "ebs", argument{"volume_size", count(ebs.VolumeSize)}, argument{"volume_type", string(ebs.VolumeType)}, argument{"encrypted", *ebs.Encrypted},
		argument{"delete_on_termination", *ebs.DeleteOnTermination})
	nested(template, "tag_specifications", argument{"resource_type", string(ec2types.ResourceTypeVolume)}, argument{"tags", values(t.spec.Tags())})
}

// serviceRole gives an expression for the role that the settings name, none for Batch's own, which it then uses by itself.
func (t terraform) serviceRole() expression {
	name := t.spec.Existing.ServiceRole
	if name == "" {
		return ""
	}
	t.block("data", []string{"aws_iam_role", "batch"}, argument{"name", lastPart(name)})
	return "data.aws_iam_role.batch.arn"
}

// values are tags; nil without any.
func values(tags map[string]string) any {
	if len(tags) == 0 {
		return nil
	}
	all := map[string]any{}
	for key, value := range tags {
		all[key] = value
	}
	return all
}

func count(n *int32) any {
	if n == nil {
		return nil
	}
	return *n
}
