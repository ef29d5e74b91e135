package local

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/kedroctl/kedroctl/internal/local/account"
	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// subject is a member of a request that names what it is about, and how the ARN of that begins behind the account and ends behind the name.
type subject struct{ member, before, after string }

// about are those of the operations whose permissions are on resources; all others are on "*". Where there are several, each has to be allowed.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var about = map[string][]subject{
	"batch.SubmitJob":                {{"jobDefinition", "job-definition/", ""}, {"jobQueue", "job-queue/", ""}},
	"batch.CancelJob":                {{"jobId", "job/", ""}},
	"batch.TerminateJob":             {{"jobId", "job/", ""}},
	"batch.RegisterJobDefinition":    {{"jobDefinitionName", "job-definition/", ""}},
	"batch.DeregisterJobDefinition":  {{"jobDefinition", "job-definition/", ""}},
	"batch.CreateComputeEnvironment": {{"computeEnvironmentName", "compute-environment/", ""}},
	"batch.UpdateComputeEnvironment": {{"computeEnvironment", "compute-environment/", ""}},
	"batch.DeleteComputeEnvironment": {{"computeEnvironment", "compute-environment/", ""}},
	"batch.CreateJobQueue":           {{"jobQueueName", "job-queue/", ""}, {"computeEnvironment", "compute-environment/", ""}},
	"batch.UpdateJobQueue":           {{"jobQueue", "job-queue/", ""}, {"computeEnvironment", "compute-environment/", ""}},
	"batch.DeleteJobQueue":           {{"jobQueue", "job-queue/", ""}},

	"ecr.CreateRepository":              {{"repositoryName", "repository/", ""}},
	"ecr.DescribeRepositories":          {{"repositoryNames", "repository/", ""}},
	"ecr.DeleteRepository":              {{"repositoryName", "repository/", ""}},
	"ecr.PutImageScanningConfiguration": {{"repositoryName", "repository/", ""}},
	"ecr.PutLifecyclePolicy":            {{"repositoryName", "repository/", ""}},
	"ecr.GetLifecyclePolicy":            {{"repositoryName", "repository/", ""}},
	"ecr.DeleteLifecyclePolicy":         {{"repositoryName", "repository/", ""}},
	"ecr.ListTagsForResource":           {{"resourceArn", "", ""}},
	"ecr.TagResource":                   {{"resourceArn", "", ""}},
	"ecr.UntagResource":                 {{"resourceArn", "", ""}},
	"ecr.ListImages":                    {{"repositoryName", "repository/", ""}},
	"ecr.DescribeImages":                {{"repositoryName", "repository/", ""}},
	"ecr.BatchDeleteImage":              {{"repositoryName", "repository/", ""}},

	"logs.CreateLogGroup":      {{"logGroupName", "log-group:", ":log-stream:"}},
	"logs.DescribeLogGroups":   {{"", "log-group:", ":log-stream:"}},
	"logs.DeleteLogGroup":      {{"logGroupName", "log-group:", ":log-stream:"}},
	"logs.PutRetentionPolicy":  {{"logGroupName", "log-group:", ":log-stream:"}},
	"logs.DescribeLogStreams":  {{"logGroupName", "log-group:", ":log-stream:"}},
	"logs.FilterLogEvents":     {{"logGroupName", "log-group:", ":log-stream:"}},
	"logs.GetLogEvents":        {{"logGroupName", "log-group:", ":log-stream:"}},
	"logs.ListTagsForResource": {{"resourceArn", "", ""}},
	"logs.TagResource":         {{"resourceArn", "", ""}},
	"logs.UntagResource":       {{"resourceArn", "", ""}},
}

// needs are the permissions that a call of Batch, ECR or CloudWatch Logs takes.
func (s *Server) needs(r *http.Request, c *Call) []wire.Permission {
	if push, isPush := strings.CutPrefix(c.Operation, "registry:"); isPush {
		return s.registryNeeds(push, r.URL.Path)
	}
	action, whole := c.Service+":"+c.Operation, "*"
	if arn, ok := strings.CutPrefix(r.URL.Path, batch.TagsPath); ok && c.Service == "batch" {
		whole = arn
	}
	var body map[string]any
	text, err := io.ReadAll(r.Body) // which is in memory already
	r.Body = io.NopCloser(bytes.NewReader(text))
	if err != nil || json.Unmarshal(text, &body) != nil {
		return []wire.Permission{{Action: action, Resource: whole}} // the service says what is wrong with it
	}
	var all []wire.Permission
	for _, on := range about[c.Service+"."+c.Operation] {
		for _, name := range named(body, on.member) {
			all = append(all, wire.Permission{Action: action, Resource: s.arnOf(c.Service, on, name), Conditions: s.tagsOf(c.Service, on, name)})
		}
	}
	if all == nil {
		all = []wire.Permission{{Action: action, Resource: whole}}
	}
	all = append(all, s.tagging(c, all[0], body)...)
	if c.Service == "batch" {
		all = append(all, s.passing(c.Operation, body)...)
	}
	return all
}

// named are the names that a member has: one, a list, or, of a queue's environments, one in each place of their order.
func named(body map[string]any, member string) (names []string) {
	if member == "" {
		return []string{""}
	}
	values := []any{body[member]}
	if many, ok := body[member].([]any); ok {
		values = many
	}
	if order, ok := body["computeEnvironmentOrder"].([]any); ok && member == "computeEnvironment" {
		for _, o := range order {
			place, _ := o.(map[string]any)
			values = append(values, place[member])
		}
	}
	for _, v := range values {
		if name, ok := v.(string); ok {
			names = append(names, name)
		}
	}
	return names
}

func (s *Server) arnOf(service string, on subject, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return "arn:aws:" + service + ":" + s.opt.Region + ":" + s.opt.Account + ":" + on.before + name + on.after
}

// tagsOf are the tags of a job, as condition keys.
func (s *Server) tagsOf(service string, on subject, name string) map[string]string {
	if service != "batch" || on.member != "jobId" {
		return nil
	}
	return tagKeys("aws:resourcetag/", s.batch.JobTags(name))
}

func tagKeys[V any](prefix string, tags map[string]V) map[string]string {
	conditions := map[string]string{}
	for key, value := range tags {
		if text, ok := any(value).(string); ok {
			conditions[strings.ToLower(prefix+key)] = text
		}
	}
	return conditions
}

// tagging is what it takes to make something with tags.
func (s *Server) tagging(c *Call, made wire.Permission, body map[string]any) []wire.Permission {
	conditions := map[string]string{}
	switch tags := body["tags"].(type) {
	case map[string]any:
		conditions = tagKeys("aws:requesttag/", tags)
	case []any:
		for _, t := range tags {
			tag, _ := t.(map[string]any)
			key, _ := tag["Key"].(string)
			conditions[strings.ToLower("aws:requesttag/"+key)], _ = tag["Value"].(string)
		}
	}
	if len(conditions) == 0 {
		return nil
	}
	on := made.Resource
	if c.Operation == "SubmitJob" {
		on = s.arnOf("batch", subject{before: "job/"}, "new")
	}
	return []wire.Permission{{Action: c.Service + ":TagResource", Resource: on, Conditions: conditions}}
}

// passing is what it takes to hand roles to Batch: those of jobs go to ECS, that of instances to EC2.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
func (s *Server) passing(operation string, body map[string]any) (all []wire.Permission) {
	pass := func(members any, member, service string) {
		in, _ := members.(map[string]any)
		role, _ := in[member].(string)
		if member == "instanceRole" && role != "" {
			role = s.account.ProfileRole(role)
		}
		if role != "" {
			all = append(all, account.Pass(role, service))
		}
	}
	switch operation {
	case "RegisterJobDefinition":
		pass(body["containerProperties"], "jobRoleArn", "ecs-tasks.amazonaws.com")
		pass(body["containerProperties"], "executionRoleArn", "ecs-tasks.amazonaws.com")
	case "CreateComputeEnvironment", "UpdateComputeEnvironment":
		pass(body, "serviceRole", "batch.amazonaws.com")
		pass(body["computeResources"], "instanceRole", "ec2.amazonaws.com")
	}
	return all
}

// registryNeeds are the permissions that ECR asks for where Docker's protocol pulls and pushes, none for a look whether it is there.
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
func (s *Server) registryNeeds(method, path string) []wire.Permission {
	repository, rest, _ := strings.Cut(strings.TrimPrefix(path, "/v2/"), "/manifests/")
	manifest := rest != ""
	repository, _, blob := strings.Cut(repository, "/blobs/")
	if !manifest && !blob {
		return nil
	}
	action := map[string]string{
		"GET": "GetDownloadUrlForLayer", "HEAD": "BatchCheckLayerAvailability", "POST": "InitiateLayerUpload", "PATCH": "UploadLayerPart",
		"PUT": "CompleteLayerUpload",
	}[method]
	switch {
	case manifest && method == http.MethodPut:
		action = "PutImage"
	case manifest:
		action = "BatchGetImage"
	}
	return []wire.Permission{{Action: "ecr:" + action, Resource: s.arnOf("ecr", subject{before: "repository/"}, repository)}}
}
