package images

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

var repositoryPattern = regexp.MustCompile(`^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

const tagLimit = 50 // of a repository

// repository is one of images that share a name.
type repository struct {
	Name       string
	Created    time.Time
	Mutability types.ImageTagMutability
	Exclusions []types.ImageTagMutabilityExclusionFilter
	ScanOnPush bool
	Encryption types.EncryptionConfiguration
	Lifecycle  string // policy text, "" for none
	Tags       map[string]string
	Images     map[string]image // by digest
}

func (s *Service) find(name *string) (repository, error) {
	r, ok := s.state.Repositories[aws.ToString(name)]
	if !ok {
		return repository{}, wire.NewFault(http.StatusBadRequest, "RepositoryNotFoundException",
			"The repository with name '%s' does not exist in the registry with id '%s'", aws.ToString(name), s.opt.Account)
	}
	return r, nil
}

func invalid(text string, args ...any) error {
	return wire.NewFault(http.StatusBadRequest, "InvalidParameterException", text, args...)
}

func (s *Service) createRepository(in *ecr.CreateRepositoryInput) (*ecr.CreateRepositoryOutput, error) {
	name := aws.ToString(in.RepositoryName)
	if len(name) < 2 || len(name) > 256 || !repositoryPattern.MatchString(name) {
		return nil, invalid("Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '%s''", repositoryPattern)
	}
	if _, ok := s.state.Repositories[name]; ok {
		return nil, wire.NewFault(http.StatusBadRequest, "RepositoryAlreadyExistsException",
			"The repository with name '%s' already exists in the registry with id '%s'", name, s.opt.Account)
	}
	r := repository{Name: name, Created: s.opt.Now().UTC(), Mutability: cmp.Or(in.ImageTagMutability, types.ImageTagMutabilityMutable),
		Exclusions: in.ImageTagMutabilityExclusionFilters, Encryption: types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeAes256},
		Images: map[string]image{}}
	if in.ImageScanningConfiguration != nil {
		r.ScanOnPush = in.ImageScanningConfiguration.ScanOnPush
	}
	if in.EncryptionConfiguration != nil {
		r.Encryption = *in.EncryptionConfiguration
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	r.Tags = tags
	s.state.Repositories[name] = r
	return &ecr.CreateRepositoryOutput{Repository: s.describe(r)}, nil
}

func (s *Service) describe(r repository) *types.Repository {
	return &types.Repository{RepositoryName: &r.Name, RepositoryArn: aws.String(s.arn(r.Name)), RepositoryUri: aws.String(s.opt.Host + "/" + r.Name),
		RegistryId: &s.opt.Account, CreatedAt: &r.Created, ImageTagMutability: r.Mutability, ImageTagMutabilityExclusionFilters: r.Exclusions,
		ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: r.ScanOnPush}, EncryptionConfiguration: &r.Encryption}
}

func (s *Service) describeRepositories(in *ecr.DescribeRepositoriesInput) (*ecr.DescribeRepositoriesOutput, error) {
	names := in.RepositoryNames
	for _, n := range names {
		if _, err := s.find(&n); err != nil {
			return nil, err
		}
	}
	out := &ecr.DescribeRepositoriesOutput{Repositories: []types.Repository{}}
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(s.state.Repositories))
	}
	names, next, err := page(names, in.NextToken, in.MaxResults)
	for _, n := range names {
		out.Repositories = append(out.Repositories, *s.describe(s.state.Repositories[n]))
	}
	out.NextToken = next
	return out, err
}

func (s *Service) deleteRepository(in *ecr.DeleteRepositoryInput) (*ecr.DeleteRepositoryOutput, error) {
	r, err := s.find(in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if len(r.Images) > 0 && !in.Force {
		return nil, wire.NewFault(http.StatusBadRequest, "RepositoryNotEmptyException",
			"The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", r.Name, s.opt.Account)
	}
	delete(s.state.Repositories, r.Name)
	return &ecr.DeleteRepositoryOutput{Repository: s.describe(r)}, s.dropUnused(slices.Collect(maps.Values(r.Images)))
}

func (s *Service) putScanning(in *ecr.PutImageScanningConfigurationInput) (*ecr.PutImageScanningConfigurationOutput, error) {
	r, err := s.find(in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if in.ImageScanningConfiguration == nil {
		return nil, invalid("Invalid parameter at 'imageScanningConfiguration' failed to satisfy constraint: 'must not be null'")
	}
	r.ScanOnPush = in.ImageScanningConfiguration.ScanOnPush
	s.state.Repositories[r.Name] = r
	return &ecr.PutImageScanningConfigurationOutput{RegistryId: &s.opt.Account, RepositoryName: &r.Name, ImageScanningConfiguration: in.ImageScanningConfiguration}, nil
}

func (s *Service) putMutability(in *ecr.PutImageTagMutabilityInput) (*ecr.PutImageTagMutabilityOutput, error) {
	r, err := s.find(in.RepositoryName)
	if err != nil {
		return nil, err
	}
	r.Mutability, r.Exclusions = in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters
	s.state.Repositories[r.Name] = r
	return &ecr.PutImageTagMutabilityOutput{RegistryId: &s.opt.Account, RepositoryName: &r.Name, ImageTagMutability: r.Mutability,
		ImageTagMutabilityExclusionFilters: r.Exclusions}, nil
}

func (s *Service) putLifecycle(in *ecr.PutLifecyclePolicyInput) (*ecr.PutLifecyclePolicyOutput, error) {
	r, err := s.find(in.RepositoryName)
	if err != nil {
		return nil, err
	}
	text := aws.ToString(in.LifecyclePolicyText)
	if err := checkLifecycle(text); err != nil {
		return nil, err
	}
	r.Lifecycle = text
	s.state.Repositories[r.Name] = r
	return &ecr.PutLifecyclePolicyOutput{RegistryId: &s.opt.Account, RepositoryName: &r.Name, LifecyclePolicyText: &text}, nil
}

func (s *Service) withLifecycle(name *string) (repository, error) {
	r, err := s.find(name)
	if err == nil && r.Lifecycle == "" {
		err = wire.NewFault(http.StatusBadRequest, "LifecyclePolicyNotFoundException",
			"Lifecycle policy does not exist for the repository with name '%s' in the registry with id '%s'", r.Name, s.opt.Account)
	}
	return r, err
}

func (s *Service) getLifecycle(in *ecr.GetLifecyclePolicyInput) (*ecr.GetLifecyclePolicyOutput, error) {
	r, err := s.withLifecycle(in.RepositoryName)
	if err != nil {
		return nil, err
	}
	return &ecr.GetLifecyclePolicyOutput{RegistryId: &s.opt.Account, RepositoryName: &r.Name, LifecyclePolicyText: &r.Lifecycle}, nil
}

func (s *Service) deleteLifecycle(in *ecr.DeleteLifecyclePolicyInput) (*ecr.DeleteLifecyclePolicyOutput, error) {
	r, err := s.withLifecycle(in.RepositoryName)
	if err != nil {
		return nil, err
	}
	text := r.Lifecycle
	r.Lifecycle = ""
	s.state.Repositories[r.Name] = r
	return &ecr.DeleteLifecyclePolicyOutput{RegistryId: &s.opt.Account, RepositoryName: &r.Name, LifecyclePolicyText: &text}, nil
}

// lifecyclePolicy is the form of https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
type lifecyclePolicy struct {
	Rules []struct {
		RulePriority int
		Description  string
		Selection    struct {
			TagStatus      string
			TagPrefixList  []string
			TagPatternList []string
			CountType      string
			CountUnit      string
			CountNumber    int
		}
		Action struct{ Type string }
	}
}

// checkLifecycle takes the rules that kedroctl may come to use; nothing expires here.
func checkLifecycle(text string) error {
	failure := func(why string) error {
		return invalid("Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: %s'", why)
	}
	var p lifecyclePolicy
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return failure(err.Error())
	}
	if len(p.Rules) == 0 {
		return failure("no rules")
	}
	priorities := map[int]bool{}
	for _, r := range p.Rules {
		tagged := len(r.Selection.TagPrefixList)+len(r.Selection.TagPatternList) > 0
		byTime := r.Selection.CountType == "sinceImagePushed"
		switch {
		case r.RulePriority < 1 || priorities[r.RulePriority]:
			return failure("rulePriority must be a positive number of its own")
		case !slices.Contains([]string{"tagged", "untagged", "any"}, r.Selection.TagStatus):
			return failure("tagStatus must be tagged, untagged or any")
		case tagged != (r.Selection.TagStatus == "tagged"):
			return failure("tagPatternList or tagPrefixList belongs to tagStatus tagged")
		case !byTime && r.Selection.CountType != "imageCountMoreThan":
			return failure("countType must be imageCountMoreThan or sinceImagePushed")
		case byTime != (r.Selection.CountUnit == "days"):
			return failure("countUnit days belongs to countType sinceImagePushed")
		case r.Selection.CountNumber < 1:
			return failure("countNumber must be positive")
		case r.Action.Type != "expire":
			return failure("the action's type must be expire")
		}
		priorities[r.RulePriority] = true
	}
	return nil
}

func (s *Service) byARN(arn *string) (repository, error) {
	name, ok := strings.CutPrefix(aws.ToString(arn), s.arn(""))
	if !ok {
		return repository{}, invalid("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
	}
	return s.find(&name)
}

func (s *Service) tagResource(in *ecr.TagResourceInput) (*ecr.TagResourceOutput, error) {
	r, err := s.byARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if r.Tags, err = addTags(r.Tags, in.Tags); err != nil {
		return nil, err
	}
	s.state.Repositories[r.Name] = r
	return &ecr.TagResourceOutput{}, nil
}

func (s *Service) untagResource(in *ecr.UntagResourceInput) (*ecr.UntagResourceOutput, error) {
	r, err := s.byARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	for _, key := range in.TagKeys {
		delete(r.Tags, key)
	}
	return &ecr.UntagResourceOutput{}, nil
}

// tagList stands for ListTagsForResourceOutput: ECR's tags are the only structures whose members begin with capitals on the wire.
type tagList struct {
	Tags []map[string]string
}

func (s *Service) listTags(in *ecr.ListTagsForResourceInput) (*tagList, error) {
	r, err := s.byARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &tagList{Tags: []map[string]string{}}
	for _, key := range slices.Sorted(maps.Keys(r.Tags)) {
		out.Tags = append(out.Tags, map[string]string{"Key": key, "Value": r.Tags[key]})
	}
	return out, nil
}

// addTags is old with more in it.
func addTags(old map[string]string, more []types.Tag) (map[string]string, error) {
	tags := map[string]string{}
	maps.Copy(tags, old)
	for _, t := range more {
		key, value := aws.ToString(t.Key), aws.ToString(t.Value)
		if err := wire.CheckTag(key, value); err != nil {
			return nil, wire.NewFault(http.StatusBadRequest, "InvalidTagParameterException", "%v", err)
		}
		tags[key] = value
	}
	if len(tags) > tagLimit {
		return nil, wire.NewFault(http.StatusBadRequest, "TooManyTagsException", "A repository has at most %d tags", tagLimit)
	}
	return tags, nil
}

// page is at most max (100 by default) of the names after the token, and the token of the next page.
func page(names []string, after *string, max *int32) (part []string, next *string, err error) {
	size := 100
	if max != nil {
		size = int(*max)
	}
	if size < 1 || size > 1000 {
		return nil, nil, invalid("Invalid parameter at 'maxResults' failed to satisfy constraint: 'must be between 1 and 1000'")
	}
	if after != nil {
		at := slices.Index(names, *after)
		if at < 0 {
			return nil, nil, invalid("Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")
		}
		names = names[at+1:]
	}
	if len(names) <= size {
		return names, nil, nil
	}
	return names[:size], &names[size-1], nil
}
