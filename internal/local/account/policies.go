package account

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kedroctl/kedroctl/internal/local/policy"
)

// Default quotas, in characters without white space and in policies: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	trustLimit    = 2048
	inlineLimit   = 10240 // of all inline policies of a role together
	attachedLimit = 10
)

const startingTasks = `["ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:BatchGetImage",` +
	`"logs:CreateLogStream","logs:PutLogEvents"]`

// onInstances is what the ECS agent does besides; in AWS's policy ecs:TagResource has a condition.
const onInstances = `,"ec2:DescribeTags","ecs:DeregisterContainerInstance","ecs:DiscoverPollEndpoint","ecs:Poll","ecs:RegisterContainerInstance",` +
	`"ecs:StartTelemetrySession","ecs:UpdateContainerInstancesState","ecs:Submit*","ecs:TagResource"]`

// managedPolicies are those of AWS's own policies that a role of jobs, of their start or of instances may want, by ARN. They are shortened
// to what the embedded AWS offers: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
var managedPolicies = map[string]string{
	"arn:aws:iam::aws:policy/AdministratorAccess":                              allows(`"*"`),
	"arn:aws:iam::aws:policy/AmazonS3FullAccess":                               allows(`"s3:*"`),
	"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess":                           allows(`["s3:Get*","s3:List*"]`),
	"arn:aws:iam::aws:policy/CloudWatchLogsFullAccess":                         allows(`"logs:*"`),
	"arn:aws:iam::aws:policy/service-role/AWSBatchServiceRole":                 allows(`["ec2:Describe*","iam:Get*","ecs:*","logs:*"]`),
	"arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy":    allows(startingTasks),
	"arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role": allows(startingTasks[:len(startingTasks)-1] + onInstances),
}

// allows is a policy that allows actions, a string or list of JSON, on everything.
func allows(actions string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}]}`
}

func putRolePolicy(r *role, in *iam.PutRolePolicyInput) error {
	name, document := aws.ToString(in.PolicyName), aws.ToString(in.PolicyDocument)
	if err := checkName("policyName", name, 128, "/"); err != nil {
		return err
	}
	if err := checkPolicy(document, checkInline); err != nil {
		return err
	}
	r.Inline[name] = document
	total := 0
	for _, d := range r.Inline {
		total += length(d)
	}
	if total > inlineLimit {
		return limitExceeded("Maximum policy size of %d bytes exceeded for role %s", inlineLimit, *r.RoleName)
	}
	return nil
}

func getRolePolicy(r role, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
	document, ok := r.Inline[aws.ToString(in.PolicyName)]
	if !ok {
		return nil, noSuch("The role policy with name %s cannot be found.", aws.ToString(in.PolicyName))
	}
	return &iam.GetRolePolicyOutput{RoleName: r.RoleName, PolicyName: in.PolicyName, PolicyDocument: urlEncoded(document)}, nil
}

func deleteRolePolicy(r *role, in *iam.DeleteRolePolicyInput) error {
	_, err := getRolePolicy(*r, &iam.GetRolePolicyInput{PolicyName: in.PolicyName})
	delete(r.Inline, aws.ToString(in.PolicyName))
	return err
}

func listRolePolicies(r role, _ *iam.ListRolePoliciesInput) ([]string, error) {
	return append([]string{}, slices.Sorted(maps.Keys(r.Inline))...), nil
}

func attachRolePolicy(r *role, in *iam.AttachRolePolicyInput) error {
	arn := aws.ToString(in.PolicyArn)
	switch {
	case !strings.HasPrefix(arn, "arn:aws:iam::") || !strings.Contains(arn, ":policy/"):
		return invalid("ARN %s is not valid.", arn)
	case managedPolicies[arn] == "":
		return noSuch("Policy %s does not exist or is not attachable.", arn)
	case slices.Contains(r.Attached, arn):
		return nil
	case len(r.Attached) == attachedLimit:
		return overQuota("PoliciesPerRole", attachedLimit)
	}
	r.Attached = append(r.Attached, arn)
	return nil
}

func detachRolePolicy(r *role, in *iam.DetachRolePolicyInput) error {
	i := slices.Index(r.Attached, aws.ToString(in.PolicyArn))
	if i < 0 {
		return noSuch("Policy %s was not found.", aws.ToString(in.PolicyArn))
	}
	r.Attached = slices.Delete(r.Attached, i, i+1)
	return nil
}

// boundary is the managed policy that bounds what the policies of a role allow, nil where none is named.
func boundary(arn *string) (*types.AttachedPermissionsBoundary, error) {
	switch {
	case arn == nil:
		return nil, nil
	case !strings.HasPrefix(*arn, "arn:aws:iam::") || !strings.Contains(*arn, ":policy/"):
		return nil, invalid("ARN %s is not valid.", *arn)
	case managedPolicies[*arn] == "":
		return nil, noSuch("Scope ARN: %s does not exist or is not attachable.", *arn)
	}
	return &types.AttachedPermissionsBoundary{PermissionsBoundaryArn: arn, PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy}, nil
}

func putRoleBoundary(r *role, in *iam.PutRolePermissionsBoundaryInput) (err error) {
	r.PermissionsBoundary, err = boundary(in.PermissionsBoundary)
	return err
}

func deleteRoleBoundary(r *role, _ *iam.DeleteRolePermissionsBoundaryInput) error {
	r.PermissionsBoundary = nil
	return nil
}

func listAttachedRolePolicies(r role, _ *iam.ListAttachedRolePoliciesInput) ([]types.AttachedPolicy, error) {
	list := []types.AttachedPolicy{}
	for _, arn := range r.Attached {
		list = append(list, types.AttachedPolicy{PolicyArn: &arn, PolicyName: aws.String(lastStep(arn))})
	}
	return list, nil
}

// checkTrust is for the policy that says who may assume a role.
func checkTrust(document string) error {
	if length(document) > trustLimit {
		return overQuota("ACLSizePerRole", trustLimit)
	}
	return checkPolicy(document, func(s policy.Statement) string {
		switch {
		case !s.NamesPrincipals():
			return "Missing required field Principal"
		case s.NamesResources():
			return "Has prohibited field Resource"
		case slices.ContainsFunc(s.Action, func(a string) bool { return !strings.HasPrefix(strings.ToLower(a), "sts:") }):
			return "AssumeRole policy may only specify STS AssumeRole actions."
		}
		return ""
	})
}

var (
	actionPattern   = regexp.MustCompile(`^(\*|[\w-]+:.+)$`)
	resourcePattern = regexp.MustCompile(`^(\*|arn(:[^:]*){4}:.+)$`)
	sidPattern      = regexp.MustCompile(`^[0-9A-Za-z]*$`)
)

// checkInline says what is wrong with a statement of a role's own policy.
func checkInline(s policy.Statement) string {
	for _, action := range slices.Concat(s.Action, s.NotAction) {
		if !actionPattern.MatchString(action) {
			return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
		}
	}
	for _, resource := range slices.Concat(s.Resource, s.NotResource) {
		if !resourcePattern.MatchString(resource) {
			return "Resource " + resource + ` must be in ARN format or "*".`
		}
	}
	switch {
	case s.NamesPrincipals():
		return "Policy document should not specify a principal."
	case !s.NamesResources():
		return "Policy statement must contain resources."
	}
	return ""
}

// checkPolicy takes the rules of all policies, and those of wrong, which says what is wrong with a statement.
func checkPolicy(document string, wrong func(policy.Statement) string) error {
	if strings.TrimLeftFunc(document, unicode.IsSpace) != document {
		return malformedPolicy("JSON strings must not have leading spaces")
	}
	statements, err := policy.Parse([]byte(document))
	if err != nil {
		return malformedPolicy("Syntax errors in policy: %v", err)
	}
	ids := map[string]bool{}
	for _, s := range statements {
		text := wrong(s)
		switch {
		case text != "":
			return malformedPolicy("%s", text)
		case !sidPattern.MatchString(s.Sid):
			return malformedPolicy("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
		case ids[s.Sid]:
			return malformedPolicy("Statement IDs (SID) in a single policy must be unique.")
		}
		ids[s.Sid] = s.Sid != ""
	}
	return nil
}

// length is that of a document without white space, as quotas count it.
func length(document string) (n int) {
	for _, c := range document {
		if !unicode.IsSpace(c) {
			n++
		}
	}
	return n
}
