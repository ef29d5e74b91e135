package images

import (
	"cmp"
	"maps"
	"os"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

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
	list, next, err := page(list, in.NextToken, in.MaxResults)
	return &ecr.DescribeImagesOutput{ImageDetails: list, NextToken: next}, err
}

func (s *Service) listImages(r *repository, in *ecr.ListImagesInput) (*ecr.ListImagesOutput, error) {
	list := []types.ImageIdentifier{}
	for _, i := range r.withStatus(cmp.Or(in.Filter, &types.ListImagesFilter{}).TagStatus) {
		list = append(list, i.identifiers()...)
	}
	list, next, err := page(list, in.NextToken, in.MaxResults)
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

func (s *Service) batchGetImage(r *repository, in *ecr.BatchGetImageInput) (*ecr.BatchGetImageOutput, error) {
	out := &ecr.BatchGetImageOutput{Images: []types.Image{}, Failures: []types.ImageFailure{}}
	for _, id := range in.ImageIds {
		i := r.image(id)
		if i == nil {
			out.Failures = append(out.Failures, notFound(id))
			continue
		}
		manifest, err := os.ReadFile(s.path(*i.Shown.ImageDigest))
		if err != nil {
			return nil, err
		}
		out.Images = append(out.Images, types.Image{RegistryId: &s.opt.Account, RepositoryName: in.RepositoryName, ImageManifest: aws.String(string(manifest)),
			ImageManifestMediaType: i.Shown.ImageManifestMediaType, ImageId: &types.ImageIdentifier{ImageDigest: i.Shown.ImageDigest, ImageTag: id.ImageTag}})
	}
	return out, nil
}

func notFound(id types.ImageIdentifier) types.ImageFailure {
	return types.ImageFailure{ImageId: &id, FailureCode: types.ImageFailureCodeImageNotFound, FailureReason: aws.String("Requested image not found")}
}

// batchDeleteImage takes a tag off an image, which goes with its last one; a digest removes the image with all its tags.
func (s *Service) batchDeleteImage(r *repository, in *ecr.BatchDeleteImageInput) (*ecr.BatchDeleteImageOutput, error) {
	if len(in.ImageIds) == 0 || len(in.ImageIds) > 100 {
		return nil, refuse(invalid, "Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length between 1 and 100'")
	}
	out := &ecr.BatchDeleteImageOutput{ImageIds: []types.ImageIdentifier{}, Failures: []types.ImageFailure{}}
	var gone []*image
	for _, id := range in.ImageIds {
		i := r.image(id)
		switch {
		case i == nil:
			out.Failures = append(out.Failures, notFound(id))
		case id.ImageTag != nil && len(i.Shown.ImageTags) > 1:
			i.untag(*id.ImageTag)
			out.ImageIds = append(out.ImageIds, types.ImageIdentifier{ImageDigest: i.Shown.ImageDigest, ImageTag: id.ImageTag})
		default:
			delete(r.Images, *i.Shown.ImageDigest)
			gone = append(gone, i)
			out.ImageIds = append(out.ImageIds, i.identifiers()...)
		}
	}
	return out, s.saveWithout(gone...)
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
