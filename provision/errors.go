package provision

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// CallError is AWS's refusal of a call, in words for people. The SDK's error is inside.
type CallError struct {
	Thing   string // what the call was about: "bucket kedro-x: create"
	Action  string // as policies name it: "s3:CreateBucket"
	Code    string // AWS's: "AccessDenied"
	Message string
	Err     error
}

func (e *CallError) Error() string {
	if e.denied() {
		return strings.TrimRight(fmt.Sprintf("%s: %s is not allowed: %s", e.Thing, e.Action, e.Message), ": ")
	}
	return strings.TrimRight(fmt.Sprintf("%s: %s: %s: %s", e.Thing, e.Action, e.Code, e.Message), ": ")
}

func (e *CallError) Unwrap() error { return e.Err }

// hint is the next step where one is known, else "".
func (e *CallError) hint() string {
	switch {
	case e.Code == "BucketAlreadyExists":
		return bucketHint
	case e.Code == "NoSuchBucket":
		return "run 'kedroctl provision' first"
	case !e.denied():
		return ""
	case slices.Contains(roleActions, e.Action):
		return "ask for iam:CreateRole, iam:PutRolePolicy, iam:CreateInstanceProfile, iam:AddRoleToInstanceProfile, iam:PassRole and iam:CreateServiceLinkedRole; " +
			"or have an administrator make the roles and name them: job_role, instance_profile and service_role in [tool.kedroctl.aws]"
	}
	return fmt.Sprintf("ask for %s, or name another profile with --profile", e.Action)
}

const bucketHint = "bucket names are shared by all of AWS: set another bucket in [tool.kedroctl] and in globals.yml of the environment"

func (e *CallError) denied() bool {
	return slices.Contains(deniedCodes, e.Code) || strings.Contains(e.Message, "is not authorized to perform")
}

// deniedCodes are what the services call a missing permission. HEAD answers have no body, so theirs is the status.
var deniedCodes = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden"}

// roleActions are those that companies often keep to administrators.
var roleActions = []string{
	"iam:CreateRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:TagRole", "iam:CreateInstanceProfile",
	"iam:AddRoleToInstanceProfile", "iam:TagInstanceProfile", "iam:PassRole", "iam:CreateServiceLinkedRole",
	"iam:PutRolePermissionsBoundary",
}

// explain says what an AWS call was about. Errors that are no answers of AWS, or have their next step already, only get the thing in front.
func explain(thing string, err error) error {
	op, isCall := errors.AsType[*smithy.OperationError](err)
	api, isAnswer := errors.AsType[smithy.APIError](err)
	if !isCall || !isAnswer || ui.Hint(err) != "" {
		return fmt.Errorf("%s: %w", thing, err)
	}
	call := &CallError{Thing: thing, Action: action(op, api), Code: api.ErrorCode(), Message: api.ErrorMessage(), Err: err}
	if hint := call.hint(); hint != "" {
		return ui.WithHint(call, hint)
	}
	return call
}

// ignoreDenied drops the error of what the caller may not see.
func ignoreDenied(err error) error {
	if hasStatus(err, http.StatusForbidden) || hasCode(err, deniedCodes...) {
		return nil
	}
	return err
}

// message is what AWS says, without the SDK's words around it.
func message(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorMessage()
	}
	return err.Error()
}

// action names a call as policies do. Batch and EC2 pass roles on the caller's behalf, so the refused action may be iam:PassRole.
func action(op *smithy.OperationError, api smithy.APIError) string {
	if strings.Contains(api.ErrorMessage(), "iam:PassRole") {
		return "iam:PassRole"
	}
	service := servicePrefixes[op.Service()]
	if service == "" {
		service = strings.ToLower(op.Service())
	}
	name := op.Operation()
	if renamed, ok := actionNames[service+":"+name]; ok {
		name = renamed
	}
	return service + ":" + name
}

var servicePrefixes = map[string]string{"CloudWatch Logs": "logs"}

// actionNames are the calls that policies know by another name,
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html.
var actionNames = map[string]string{
	"s3:HeadBucket":                      "ListBucket",
	"s3:ListObjectsV2":                   "ListBucket",
	"s3:ListObjectVersions":              "ListBucketVersions",
	"s3:HeadObject":                      "GetObject",
	"s3:DeleteObjects":                   "DeleteObject",
	"s3:CreateMultipartUpload":           "PutObject",
	"s3:UploadPart":                      "PutObject",
	"s3:CompleteMultipartUpload":         "PutObject",
	"s3:ListParts":                       "ListMultipartUploadParts",
	"s3:ListMultipartUploads":            "ListBucketMultipartUploads",
	"s3:GetPublicAccessBlock":            "GetBucketPublicAccessBlock",
	"s3:PutPublicAccessBlock":            "PutBucketPublicAccessBlock",
	"s3:GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
	"s3:PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
	"s3:GetBucketEncryption":             "GetEncryptionConfiguration",
	"s3:PutBucketEncryption":             "PutEncryptionConfiguration",
}

// hasCode says whether AWS answered with one of these codes.
func hasCode(err error, codes ...string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(codes, api.ErrorCode())
}

// hasStatus says whether AWS answered with one of these statuses.
func hasStatus(err error, statuses ...int) bool {
	answer, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && slices.Contains(statuses, answer.HTTPStatusCode())
}

// absent says whether AWS answered that the thing is not there.
func absent(err error) bool {
	return hasStatus(err, http.StatusNotFound) || hasCode(err, "NoSuchEntity", "NoSuchEntityException", "RepositoryNotFoundException",
		"LifecyclePolicyNotFoundException", "ResourceNotFoundException", "InvalidLaunchTemplateName.NotFoundException")
}
