package network

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// template is a launch template. It has one version: nothing that is offered makes another.
type template struct {
	types.LaunchTemplate
	Version types.LaunchTemplateVersion
	Request string // that made it, as JSON: the same client token with another one is refused
	Token   string
}

// templateName is LaunchTemplateName of CreateLaunchTemplate.
var templateName = regexp.MustCompile(`^[a-zA-Z0-9().\-/_]{3,128}$`)

// launched are what a template can have tags for: LaunchTemplateTagSpecificationRequest.
var launched = []types.ResourceType{types.ResourceTypeInstance, types.ResourceTypeVolume, types.ResourceTypeNetworkInterface, types.ResourceTypeSpotInstancesRequest}

// Refusals by https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
var (
	missing     = wire.Refusal(http.StatusBadRequest, "MissingParameter")
	invalid     = wire.Refusal(http.StatusBadRequest, "InvalidParameterValue")
	combination = wire.Refusal(http.StatusBadRequest, "InvalidParameterCombination")

	errDryRun = wire.NewFault(http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
)

func (s *Service) createTemplate(ctx context.Context, in *ec2.CreateLaunchTemplateInput) (*ec2.CreateLaunchTemplateOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	request, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	name, token := aws.ToString(in.LaunchTemplateName), aws.ToString(in.ClientToken)
	if i := slices.IndexFunc(s.templates, func(t template) bool { return token != "" && t.Token == token }); i >= 0 {
		if s.templates[i].Request != string(request) {
			return nil, wire.NewFault(http.StatusBadRequest, "IdempotentParameterMismatch", "Client token already used before with different parameters.")
		}
		return &ec2.CreateLaunchTemplateOutput{LaunchTemplate: &s.templates[i].LaunchTemplate}, nil
	}
	if err := s.checkTemplate(name, in); err != nil {
		return nil, err
	}
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	id := make([]byte, 8)
	_, _ = rand.Read(id) // which never fails
	t := template{Request: string(request), Token: token}
	t.LaunchTemplate = types.LaunchTemplate{LaunchTemplateId: aws.String("lt-0" + hex.EncodeToString(id)), LaunchTemplateName: &name, CreateTime: aws.Time(s.opt.Now()),
		CreatedBy: aws.String(wire.CallerOf(ctx).ARN), DefaultVersionNumber: aws.Int64(1), LatestVersionNumber: aws.Int64(1)}
	for _, spec := range in.TagSpecifications {
		t.Tags = append(t.Tags, spec.Tags...)
	}
	t.Version = types.LaunchTemplateVersion{LaunchTemplateId: t.LaunchTemplateId, LaunchTemplateName: &name, CreateTime: t.CreateTime, CreatedBy: t.CreatedBy,
		VersionNumber: aws.Int64(1), DefaultVersion: aws.Bool(true), VersionDescription: in.VersionDescription}
	data, err := json.Marshal(in.LaunchTemplateData) // what is told has the members of what was asked for
	if err == nil {
		err = json.Unmarshal(data, &t.Version.LaunchTemplateData)
	}
	if err != nil {
		return nil, err
	}
	s.templates = append(s.templates, t)
	return &ec2.CreateLaunchTemplateOutput{LaunchTemplate: &t.LaunchTemplate}, s.save()
}

func (s *Service) checkTemplate(name string, in *ec2.CreateLaunchTemplateInput) error {
	switch {
	case name == "":
		return missing("The request must contain the parameter LaunchTemplateName")
	case in.LaunchTemplateData == nil:
		return missing("The request must contain the parameter LaunchTemplateData")
	case !templateName.MatchString(name):
		return wire.NewFault(http.StatusBadRequest, "InvalidLaunchTemplateName.MalformedException", "The launch template name %s is not valid.", name)
	case slices.ContainsFunc(s.templates, func(t template) bool { return *t.LaunchTemplateName == name }):
		return wire.NewFault(http.StatusBadRequest, "InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
	}
	for _, spec := range in.TagSpecifications {
		if spec.ResourceType != types.ResourceTypeLaunchTemplate {
			return invalid("'%s' is not a valid taggable resource type for this operation.", spec.ResourceType)
		}
		pair := func(t types.Tag) (key, value *string) { return t.Key, t.Value }
		if err := wire.TagsOf(spec.Tags, pair).Check("InvalidParameterValue", wire.NewFault(http.StatusBadRequest, "TagLimitExceeded", "The maximum number of tags is %d", wire.MaxTags)); err != nil {
			return err
		}
	}
	for _, spec := range in.LaunchTemplateData.TagSpecifications {
		if !slices.Contains(launched, spec.ResourceType) {
			return invalid("'%s' is not a valid taggable resource type for this operation.", spec.ResourceType)
		}
	}
	return nil
}

func (s *Service) deleteTemplate(_ context.Context, in *ec2.DeleteLaunchTemplateInput) (*ec2.DeleteLaunchTemplateOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.template(in.LaunchTemplateId, in.LaunchTemplateName)
	if err != nil {
		return nil, err
	}
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	s.templates = slices.DeleteFunc(s.templates, func(o template) bool { return *o.LaunchTemplateId == *t.LaunchTemplateId })
	return &ec2.DeleteLaunchTemplateOutput{LaunchTemplate: &t.LaunchTemplate}, s.save()
}

func (s *Service) describeTemplates(_ context.Context, in *ec2.DescribeLaunchTemplatesInput) (*ec2.DescribeLaunchTemplatesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range in.LaunchTemplateNames {
		if _, err := s.template(nil, &name); err != nil {
			return nil, err
		}
	}
	var all []types.LaunchTemplate
	for _, t := range s.templates {
		if len(in.LaunchTemplateNames) == 0 || slices.Contains(in.LaunchTemplateNames, *t.LaunchTemplateName) {
			all = append(all, t.LaunchTemplate)
		}
	}
	found, err := pick(all, "LaunchTemplateId", "InvalidLaunchTemplateId", "launch template ID", in.LaunchTemplateIds, in.Filters)
	if err != nil {
		return nil, err
	}
	page, next, err := wire.Page(found, in.NextToken, in.MaxResults, 200, "InvalidParameterValue")
	return &ec2.DescribeLaunchTemplatesOutput{LaunchTemplates: page, NextToken: next}, err
}

// untagInput is DeleteTagsInput under the names that it has on the wire.
type untagInput struct {
	ResourceIds []string
	Tags        []types.Tag
	DryRun      *bool
}

// deleteTags takes tags from launch templates, which alone have any here. A tag that is named with a value goes only where it has that value, and one
// that is not there is none to object to. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html
func (s *Service) deleteTags(_ context.Context, in *untagInput) (*ec2.DeleteTagsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range in.ResourceIds {
		if _, err := s.template(&id, nil); err != nil {
			return nil, err
		}
	}
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	for i, t := range s.templates {
		if !slices.Contains(in.ResourceIds, *t.LaunchTemplateId) {
			continue
		}
		s.templates[i].Tags = slices.DeleteFunc(slices.Clone(t.Tags), func(has types.Tag) bool {
			return len(in.Tags) == 0 || slices.ContainsFunc(in.Tags, func(named types.Tag) bool {
				return *named.Key == *has.Key && (named.Value == nil || *named.Value == aws.ToString(has.Value))
			})
		})
	}
	return &ec2.DeleteTagsOutput{}, s.save()
}

// versionsInput has the versions under the name that they have on the wire, of which the SDK knows.
type versionsInput struct {
	ec2.DescribeLaunchTemplateVersionsInput
	LaunchTemplateVersions []string
}

func (s *Service) describeVersions(_ context.Context, in *versionsInput) (*ec2.DescribeLaunchTemplateVersionsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.template(in.LaunchTemplateId, in.LaunchTemplateName)
	if err != nil {
		return nil, err
	}
	for _, v := range in.LaunchTemplateVersions {
		if !isFirst(v) {
			return nil, wire.NewFault(http.StatusBadRequest, "InvalidLaunchTemplateId.VersionNotFound", "Could not find the specified version %s for the launch template with ID %s.", v, *t.LaunchTemplateId)
		}
	}
	return &ec2.DescribeLaunchTemplateVersionsOutput{LaunchTemplateVersions: []types.LaunchTemplateVersion{t.Version}}, nil
}

// isFirst says whether a version is that which a template has.
func isFirst(version string) bool {
	return version == "1" || version == "$Latest" || version == "$Default"
}

// template finds one by its id or its name.
func (s *Service) template(id, name *string) (template, error) {
	byID, byName := aws.ToString(id), aws.ToString(name)
	switch {
	case byID == "" && byName == "":
		return template{}, missing("The request must contain the parameter launch template ID or launch template name")
	case byID != "" && byName != "":
		return template{}, combination("The parameters launch template ID and launch template name cannot be used together")
	}
	for _, t := range s.templates {
		if *t.LaunchTemplateId == byID || *t.LaunchTemplateName == byName {
			return t, nil
		}
	}
	if byName != "" {
		return template{}, wire.NewFault(http.StatusBadRequest, "InvalidLaunchTemplateName.NotFoundException", "At least one of the launch templates specified in the request does not exist.")
	}
	return template{}, wire.NewFault(http.StatusBadRequest, "InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID %s, does not exist.", byID)
}

// LaunchTemplate says whether there is a launch template with an id or a name, and such a version; "" is its default one.
func (s *Service) LaunchTemplate(id, name, version string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.template(&id, &name)
	return err == nil && (version == "" || isFirst(version))
}

func (s *Service) save() error {
	if err := disk.WriteJSON(s.file, s.templates); err != nil {
		return fmt.Errorf("keep launch templates: %w", err)
	}
	return nil
}

// needs are the permissions that a query takes. What makes a template with tags needs one for these too.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/permissions-for-launch-templates.html
func (s *Service) needs(q wire.Query) []wire.Permission {
	first, arn := wire.Permission{Action: "ec2:" + q.Action, Resource: "*"}, "arn:aws:ec2:"+s.opt.Region+":"+s.opt.Account+":launch-template/"
	switch q.Action {
	case "CreateLaunchTemplate":
		first.Resource, first.Conditions = arn+"new", map[string]string{}
		for i := 1; q.Get(fmt.Sprintf("TagSpecification.%d.ResourceType", i)) != ""; i++ {
			for k := 1; ; k++ {
				at := fmt.Sprintf("TagSpecification.%d.Tag.%d.", i, k)
				if q.Get(at+"Key") == "" {
					break
				}
				first.Conditions["aws:requesttag/"+strings.ToLower(q.Get(at+"Key"))] = q.Get(at + "Value")
			}
		}
		tag := wire.Permission{Action: "ec2:CreateTags", Resource: first.Resource, Conditions: map[string]string{"ec2:createaction": q.Action}}
		for key, value := range first.Conditions {
			tag.Conditions[key] = value
		}
		if len(first.Conditions) > 0 {
			return []wire.Permission{first, tag}
		}
	case "DeleteTags":
		first.Resource = arn + q.Get("ResourceId.1")
	case "DeleteLaunchTemplate":
		s.mu.Lock()
		defer s.mu.Unlock()
		t, err := s.template(aws.String(q.Get("LaunchTemplateId")), aws.String(q.Get("LaunchTemplateName")))
		if err != nil {
			return nil // the service says what is wrong
		}
		first.Resource, first.Conditions = arn+*t.LaunchTemplateId, map[string]string{}
		for _, tag := range t.Tags {
			first.Conditions["aws:resourcetag/"+strings.ToLower(aws.ToString(tag.Key))] = aws.ToString(tag.Value)
		}
	}
	return []wire.Permission{first}
}
