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

const pageSize = 1000 // at most; API: DescribeRepositories, DescribeImages, ListImages

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
	tags := tagsOf(in.Tags)
	if err := checkTags(tags); err != nil {
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
	list, next, err := wire.Page(list, in.NextToken, in.MaxResults, pageSize, invalid)
	return &ecr.DescribeRepositoriesOutput{Repositories: list, NextToken: next}, err
}

func (s *Service) deleteRepository(r *repository, in *ecr.DeleteRepositoryInput) (*ecr.DeleteRepositoryOutput, error) {
	if len(r.Images) > 0 && !in.Force {
		return nil, refuse("RepositoryNotEmptyException",
			"The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", *in.RepositoryName, s.opt.Account)
	}
	delete(s.state.Repositories, *in.RepositoryName)
	return &ecr.DeleteRepositoryOutput{Repository: s.describe(r)}, s.sweep()
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

func (s *Service) deleteLifecycle(r *repository, in *ecr.DeleteLifecyclePolicyInput) (*ecr.DeleteLifecyclePolicyOutput, error) {
	was, err := s.getLifecycle(r, &ecr.GetLifecyclePolicyInput{RepositoryName: in.RepositoryName})
	if err != nil {
		return nil, err
	}
	r.Lifecycle = nil
	return &ecr.DeleteLifecyclePolicyOutput{RegistryId: was.RegistryId, RepositoryName: was.RepositoryName, LifecyclePolicyText: was.LifecyclePolicyText}, s.save()
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

// byARN is the repository with an ARN, which operations on tags go by.
func (s *Service) byARN(arn *string) (*repository, error) {
	name, ok := strings.CutPrefix(aws.ToString(arn), s.arn(""))
	if !ok {
		return nil, refuse(invalid, "Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
	}
	return s.find(&name)
}

func (s *Service) listTags(in *ecr.ListTagsForResourceInput) (*tagList, error) {
	r, err := s.byARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &tagList{wire.TagList(r.Tags, func(key, value *string) map[string]string { return map[string]string{"Key": *key, "Value": *value} })}, nil
}

func (s *Service) tag(in *ecr.TagResourceInput) (*ecr.TagResourceOutput, error) {
	r, err := s.byARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	changed := r.Tags.With(tagsOf(in.Tags))
	if err := checkTags(changed); err != nil {
		return nil, err
	}
	r.Tags = changed
	return &ecr.TagResourceOutput{}, s.save()
}

func (s *Service) untag(in *ecr.UntagResourceInput) (*ecr.UntagResourceOutput, error) {
	r, err := s.byARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	r.Tags = r.Tags.With(nil, in.TagKeys...)
	return &ecr.UntagResourceOutput{}, s.save()
}

func tagsOf(list []types.Tag) wire.Tags {
	return wire.TagsOf(list, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
}

func checkTags(tags wire.Tags) error {
	return tags.Check("InvalidTagParameterException", refuse("TooManyTagsException", "A repository has at most 50 tags"))
}

// image is a manifest that was pushed, under any number of tags.
type image struct {
	Shown types.ImageDetail // as it is described
	Parts []string          // digests of its configuration and layers, or of an index's manifests
}

// image finds an image by its digest, by a tag, or by both; nil where there is none.
func (r *repository) image(id types.ImageIdentifier) *image {
	for digest, i := range r.Images {
		byDigest := id.ImageDigest == nil || *id.ImageDigest == digest
		byTag := id.ImageTag == nil || slices.Contains(i.Shown.ImageTags, *id.ImageTag)
		if byDigest && byTag && id != (types.ImageIdentifier{}) {
			return i
		}
	}
	return nil
}

// withStatus are the images by time of push, the newest first.
func (r *repository) withStatus(status types.TagStatus) []*image {
	all := slices.SortedFunc(maps.Values(r.Images), func(a, b *image) int {
		return cmp.Or(b.Shown.ImagePushedAt.Compare(*a.Shown.ImagePushedAt), cmp.Compare(*a.Shown.ImageDigest, *b.Shown.ImageDigest))
	})
	return slices.DeleteFunc(all, func(i *image) bool {
		tagged := len(i.Shown.ImageTags) > 0
		return status == types.TagStatusTagged && !tagged || status == types.TagStatusUntagged && tagged
	})
}

// describeImages gives all images, or those that are asked for: one that is not there is an error of the whole call.
func (s *Service) describeImages(r *repository, in *ecr.DescribeImagesInput) (*ecr.DescribeImagesOutput, error) {
	found := r.withStatus(cmp.Or(in.Filter, &types.DescribeImagesFilter{}).TagStatus)
	if len(in.ImageIds) > 0 {
		found = nil
	}
	for _, id := range in.ImageIds {
		i := r.image(id)
		if i == nil {
			return nil, refuse("ImageNotFoundException",
				"The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'",
				cmp.Or(aws.ToString(id.ImageDigest), "null"), cmp.Or(aws.ToString(id.ImageTag), "null"), *in.RepositoryName, s.opt.Account)
		}
		if !slices.Contains(found, i) {
			found = append(found, i)
		}
	}
	list := []types.ImageDetail{}
	for _, i := range found {
		list = append(list, i.Shown)
	}
	list, next, err := wire.Page(list, in.NextToken, in.MaxResults, pageSize, invalid)
	return &ecr.DescribeImagesOutput{ImageDetails: list, NextToken: next}, err
}

func (s *Service) listImages(r *repository, in *ecr.ListImagesInput) (*ecr.ListImagesOutput, error) {
	list := []types.ImageIdentifier{}
	for _, i := range r.withStatus(cmp.Or(in.Filter, &types.ListImagesFilter{}).TagStatus) {
		list = append(list, i.identifiers()...)
	}
	list, next, err := wire.Page(list, in.NextToken, in.MaxResults, pageSize, invalid)
	return &ecr.ListImagesOutput{ImageIds: list, NextToken: next}, err
}

// identifiers are one per tag, or the digest alone.
func (i *image) identifiers() []types.ImageIdentifier {
	if len(i.Shown.ImageTags) == 0 {
		return []types.ImageIdentifier{{ImageDigest: i.Shown.ImageDigest}}
	}
	var ids []types.ImageIdentifier
	for _, tag := range i.Shown.ImageTags {
		ids = append(ids, types.ImageIdentifier{ImageDigest: i.Shown.ImageDigest, ImageTag: &tag})
	}
	return ids
}

// batchDeleteImage takes a tag off an image, which goes with its last one; a digest removes the image with all its tags.
func (s *Service) batchDeleteImage(r *repository, in *ecr.BatchDeleteImageInput) (*ecr.BatchDeleteImageOutput, error) {
	if len(in.ImageIds) == 0 || len(in.ImageIds) > 100 {
		return nil, refuse(invalid, "Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length between 1 and 100'")
	}
	out := &ecr.BatchDeleteImageOutput{ImageIds: []types.ImageIdentifier{}, Failures: []types.ImageFailure{}}
	for _, id := range in.ImageIds {
		i := r.image(id)
		switch {
		case i == nil:
			out.Failures = append(out.Failures, types.ImageFailure{ImageId: &id, FailureCode: types.ImageFailureCodeImageNotFound,
				FailureReason: aws.String("Requested image not found")})
		case id.ImageTag != nil && len(i.Shown.ImageTags) > 1:
			i.untag(*id.ImageTag)
			out.ImageIds = append(out.ImageIds, types.ImageIdentifier{ImageDigest: i.Shown.ImageDigest, ImageTag: id.ImageTag})
		default:
			delete(r.Images, *i.Shown.ImageDigest)
			out.ImageIds = append(out.ImageIds, i.identifiers()...)
		}
	}
	return out, s.sweep()
}

// untag makes a new list: answers may still have the old one.
func (i *image) untag(tag string) {
	old := i.Shown.ImageTags
	i.Shown.ImageTags = nil // as an image without tags is described
	for _, t := range old {
		if t != tag {
			i.Shown.ImageTags = append(i.Shown.ImageTags, t)
		}
	}
}
