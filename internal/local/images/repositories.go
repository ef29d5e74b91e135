package images

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

var repositoryPattern = regexp.MustCompile(`^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

// repository is one of images that share a name.
type repository struct {
	Shown     types.Repository // as it is described
	Lifecycle *string          // policy text
	Tags      wire.Tags
	Images    map[string]*image // by digest
}

func (s *Service) find(name *string) (*repository, error) {
	r, ok := s.state.Repositories[aws.ToString(name)]
	if !ok {
		return nil, refuse("RepositoryNotFoundException", "The repository with name '%s' does not exist in the registry with id '%s'",
			aws.ToString(name), s.opt.Account)
	}
	return r, nil
}

func (s *Service) createRepository(in *ecr.CreateRepositoryInput) (*ecr.CreateRepositoryOutput, error) {
	name := aws.ToString(in.RepositoryName)
	switch {
	case len(name) < 2 || len(name) > 256 || !repositoryPattern.MatchString(name):
		return nil, refuse(invalid, "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '%s''", repositoryPattern)
	case in.ImageTagMutabilityExclusionFilters != nil:
		return nil, refuse(invalid, "the embedded ECR knows no exclusions from the mutability of tags")
	case s.state.Repositories[name] != nil:
		return nil, refuse("RepositoryAlreadyExistsException", "The repository with name '%s' already exists in the registry with id '%s'", name, s.opt.Account)
	}
	tags := wire.TagsOf(in.Tags, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
	if err := tags.Check("InvalidTagParameterException", refuse("TooManyTagsException", "A repository has at most 50 tags")); err != nil {
		return nil, err
	}
	r := &repository{Tags: tags, Images: map[string]*image{}, Shown: types.Repository{
		RepositoryName:             &name,
		RepositoryArn:              aws.String(s.arn(name)),
		RegistryId:                 &s.opt.Account,
		CreatedAt:                  aws.Time(s.opt.Now()),
		ImageTagMutability:         cmp.Or(in.ImageTagMutability, types.ImageTagMutabilityMutable),
		ImageScanningConfiguration: cmp.Or(in.ImageScanningConfiguration, &types.ImageScanningConfiguration{}),
		EncryptionConfiguration:    cmp.Or(in.EncryptionConfiguration, &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeAes256}),
	}}
	s.state.Repositories[name] = r
	return &ecr.CreateRepositoryOutput{Repository: s.describe(r)}, s.save()
}

// describe adds what is not kept, as it changes with the server's port.
func (s *Service) describe(r *repository) *types.Repository {
	d := r.Shown
	d.RepositoryUri = aws.String(s.opt.Host + "/" + *d.RepositoryName)
	return &d
}

func (s *Service) describeRepositories(in *ecr.DescribeRepositoriesInput) (*ecr.DescribeRepositoriesOutput, error) {
	names := in.RepositoryNames
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(s.state.Repositories))
	}
	list := []types.Repository{}
	for _, name := range names {
		r, err := s.find(&name)
		if err != nil {
			return nil, err
		}
		list = append(list, *s.describe(r))
	}
	list, next, err := page(list, in.NextToken, in.MaxResults)
	return &ecr.DescribeRepositoriesOutput{Repositories: list, NextToken: next}, err
}

// page is one of a list; API: DescribeRepositories, DescribeImages, ListImages.
func page[T any](list []T, token *string, size *int32) ([]T, *string, error) {
	if size == nil {
		size = aws.Int32(100)
	}
	return wire.Page(list, token, size, 1000, invalid)
}

func (s *Service) deleteRepository(r *repository, in *ecr.DeleteRepositoryInput) (*ecr.DeleteRepositoryOutput, error) {
	if len(r.Images) > 0 && !in.Force {
		return nil, refuse("RepositoryNotEmptyException",
			"The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", *in.RepositoryName, s.opt.Account)
	}
	delete(s.state.Repositories, *in.RepositoryName)
	return &ecr.DeleteRepositoryOutput{Repository: s.describe(r)}, s.saveWithout(slices.Collect(maps.Values(r.Images))...)
}

func (s *Service) putScanning(r *repository, in *ecr.PutImageScanningConfigurationInput) (*ecr.PutImageScanningConfigurationOutput, error) {
	if in.ImageScanningConfiguration == nil {
		return nil, refuse(invalid, "Invalid parameter at 'imageScanningConfiguration' failed to satisfy constraint: 'must not be null'")
	}
	r.Shown.ImageScanningConfiguration = in.ImageScanningConfiguration
	return &ecr.PutImageScanningConfigurationOutput{RegistryId: &s.opt.Account, RepositoryName: in.RepositoryName,
		ImageScanningConfiguration: in.ImageScanningConfiguration}, s.save()
}

func (s *Service) putLifecycle(r *repository, in *ecr.PutLifecyclePolicyInput) (*ecr.PutLifecyclePolicyOutput, error) {
	if err := checkLifecycle(aws.ToString(in.LifecyclePolicyText)); err != nil {
		return nil, refuse(invalid, "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: %v'", err)
	}
	r.Lifecycle = in.LifecyclePolicyText
	return &ecr.PutLifecyclePolicyOutput{RegistryId: &s.opt.Account, RepositoryName: in.RepositoryName, LifecyclePolicyText: r.Lifecycle}, s.save()
}

func (s *Service) getLifecycle(r *repository, in *ecr.GetLifecyclePolicyInput) (*ecr.GetLifecyclePolicyOutput, error) {
	if r.Lifecycle == nil {
		return nil, refuse("LifecyclePolicyNotFoundException",
			"Lifecycle policy does not exist for the repository with name '%s' in the registry with id '%s'", *in.RepositoryName, s.opt.Account)
	}
	return &ecr.GetLifecyclePolicyOutput{RegistryId: &s.opt.Account, RepositoryName: in.RepositoryName, LifecyclePolicyText: r.Lifecycle}, nil
}

// lifecyclePolicy is described at https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
type lifecyclePolicy struct {
	Rules []struct {
		RulePriority int
		Description  string
		Selection    struct {
			TagStatus, CountType, CountUnit string
			TagPrefixList, TagPatternList   []string
			CountNumber                     int
		}
		Action struct{ Type string }
	}
}

// checkLifecycle takes the rules that kedroctl may come to use; nothing expires here.
func checkLifecycle(text string) error {
	var policy lifecyclePolicy
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&policy); err != nil {
		return err
	}
	priorities := map[int]bool{0: true}
	for _, r := range policy.Rules {
		sel, tagged := r.Selection, len(r.Selection.TagPrefixList)+len(r.Selection.TagPatternList) > 0
		counts := sel.CountType == "imageCountMoreThan" && sel.CountUnit == "" || sel.CountType == "sinceImagePushed" && sel.CountUnit == "days"
		selects := tagged && sel.TagStatus == "tagged" || !tagged && (sel.TagStatus == "untagged" || sel.TagStatus == "any")
		if priorities[r.RulePriority] || !counts || sel.CountNumber < 1 || !selects || r.Action.Type != "expire" {
			return fmt.Errorf("rule %d lacks a member or has one that does not fit the others", r.RulePriority)
		}
		priorities[r.RulePriority] = true
	}
	return nil
}

// tagList stands for ListTagsForResourceOutput: ECR's tags are the only structures whose members begin with capitals on the wire.
type tagList struct {
	Tags []map[string]string
}

func (s *Service) listTags(in *ecr.ListTagsForResourceInput) (*tagList, error) {
	name, ok := strings.CutPrefix(aws.ToString(in.ResourceArn), s.arn(""))
	if !ok {
		return nil, refuse(invalid, "Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
	}
	r, err := s.find(&name)
	if err != nil {
		return nil, err
	}
	return &tagList{wire.TagList(r.Tags, func(key, value *string) map[string]string { return map[string]string{"Key": *key, "Value": *value} })}, nil
}
