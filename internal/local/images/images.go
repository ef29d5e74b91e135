package images

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// image is a manifest that was pushed, under any number of tags.
type image struct {
	Digest    string
	MediaType string
	Config    string // media type of its configuration, "" for an index
	Size      int64  // bytes of the configuration and layers
	Pushed    time.Time
	Tags      []string
	Blobs     []string // digests of what it consists of, its manifest included
}

// lookUp finds an image by its digest, by a tag, or by both.
func (r repository) lookUp(id types.ImageIdentifier) (image, bool) {
	digest, tag := aws.ToString(id.ImageDigest), aws.ToString(id.ImageTag)
	for _, i := range r.Images {
		if (digest == "" || digest == i.Digest) && (tag == "" || slices.Contains(i.Tags, tag)) && digest+tag != "" {
			return i, true
		}
	}
	return image{}, false
}

// ordered are the images by time of push, the newest first.
func (r repository) ordered() []image {
	return slices.SortedFunc(maps.Values(r.Images), func(a, b image) int {
		return cmp.Or(b.Pushed.Compare(a.Pushed), strings.Compare(a.Digest, b.Digest))
	})
}

func (s *Service) describeImages(in *ecr.DescribeImagesInput) (*ecr.DescribeImagesOutput, error) {
	r, err := s.find(in.RepositoryName)
	if err != nil {
		return nil, err
	}
	found := r.ordered()
	if len(in.ImageIds) > 0 {
		if found, err = s.named(r, in.ImageIds); err != nil {
			return nil, err
		}
	}
	if in.Filter != nil {
		found = withStatus(found, in.Filter.TagStatus)
	}
	digests, next, err := page(digestsOf(found), in.NextToken, in.MaxResults)
	out := &ecr.DescribeImagesOutput{ImageDetails: []types.ImageDetail{}, NextToken: next}
	for _, d := range digests {
		out.ImageDetails = append(out.ImageDetails, s.detail(r, r.Images[d]))
	}
	return out, err
}

// named are the images of ids; one that is not there is an error of the whole call.
func (s *Service) named(r repository, ids []types.ImageIdentifier) ([]image, error) {
	var found []image
	for _, id := range ids {
		i, ok := r.lookUp(id)
		if !ok {
			return nil, wire.NewFault(http.StatusBadRequest, "ImageNotFoundException",
				"The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'",
				cmp.Or(aws.ToString(id.ImageDigest), "null"), cmp.Or(aws.ToString(id.ImageTag), "null"), r.Name, s.opt.Account)
		}
		if !slices.ContainsFunc(found, func(f image) bool { return f.Digest == i.Digest }) {
			found = append(found, i)
		}
	}
	return found, nil
}

func withStatus(images []image, status types.TagStatus) []image {
	return slices.DeleteFunc(images, func(i image) bool {
		return status == types.TagStatusTagged && len(i.Tags) == 0 || status == types.TagStatusUntagged && len(i.Tags) > 0
	})
}

func digestsOf(images []image) []string {
	digests := make([]string, len(images))
	for n, i := range images {
		digests[n] = i.Digest
	}
	return digests
}

func (s *Service) detail(r repository, i image) types.ImageDetail {
	d := types.ImageDetail{RegistryId: &s.opt.Account, RepositoryName: &r.Name, ImageDigest: &i.Digest, ImageSizeInBytes: &i.Size,
		ImagePushedAt: &i.Pushed, ImageManifestMediaType: &i.MediaType}
	if i.Config != "" {
		d.ArtifactMediaType = &i.Config
	}
	if len(i.Tags) > 0 {
		d.ImageTags = i.Tags
	}
	return d
}

func (s *Service) listImages(in *ecr.ListImagesInput) (*ecr.ListImagesOutput, error) {
	r, err := s.find(in.RepositoryName)
	if err != nil {
		return nil, err
	}
	found := r.ordered()
	if in.Filter != nil {
		found = withStatus(found, in.Filter.TagStatus)
	}
	digests, next, err := page(digestsOf(found), in.NextToken, in.MaxResults)
	out := &ecr.ListImagesOutput{ImageIds: []types.ImageIdentifier{}, NextToken: next}
	for _, d := range digests {
		out.ImageIds = append(out.ImageIds, identifiers(r.Images[d])...)
	}
	return out, err
}

// identifiers are one per tag, or the digest alone.
func identifiers(i image) []types.ImageIdentifier {
	if len(i.Tags) == 0 {
		return []types.ImageIdentifier{{ImageDigest: &i.Digest}}
	}
	ids := make([]types.ImageIdentifier, len(i.Tags))
	for n, tag := range i.Tags {
		ids[n] = types.ImageIdentifier{ImageDigest: &i.Digest, ImageTag: &tag}
	}
	return ids
}

func (s *Service) batchGetImage(in *ecr.BatchGetImageInput) (*ecr.BatchGetImageOutput, error) {
	r, err := s.find(in.RepositoryName)
	if err != nil {
		return nil, err
	}
	out := &ecr.BatchGetImageOutput{Images: []types.Image{}, Failures: []types.ImageFailure{}}
	for _, id := range in.ImageIds {
		i, ok := r.lookUp(id)
		if !ok {
			out.Failures = append(out.Failures, notFound(id))
			continue
		}
		manifest, err := os.ReadFile(s.blobs.path(i.Digest))
		if err != nil {
			return nil, err
		}
		out.Images = append(out.Images, types.Image{RegistryId: &s.opt.Account, RepositoryName: &r.Name, ImageManifest: aws.String(string(manifest)),
			ImageManifestMediaType: &i.MediaType, ImageId: &types.ImageIdentifier{ImageDigest: &i.Digest, ImageTag: id.ImageTag}})
	}
	return out, nil
}

func notFound(id types.ImageIdentifier) types.ImageFailure {
	return types.ImageFailure{ImageId: &id, FailureCode: types.ImageFailureCodeImageNotFound, FailureReason: aws.String("Requested image not found")}
}

// batchDeleteImage takes a tag off an image, which goes with its last one; a digest removes the image with all its tags.
func (s *Service) batchDeleteImage(in *ecr.BatchDeleteImageInput) (*ecr.BatchDeleteImageOutput, error) {
	r, err := s.find(in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if len(in.ImageIds) == 0 || len(in.ImageIds) > 100 {
		return nil, invalid("Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length between 1 and 100'")
	}
	out := &ecr.BatchDeleteImageOutput{ImageIds: []types.ImageIdentifier{}, Failures: []types.ImageFailure{}}
	var gone []image
	for _, id := range in.ImageIds {
		i, ok := r.lookUp(id)
		switch {
		case !ok:
			out.Failures = append(out.Failures, notFound(id))
		case id.ImageTag != nil && len(i.Tags) > 1:
			i.Tags = slices.DeleteFunc(slices.Clone(i.Tags), func(t string) bool { return t == *id.ImageTag })
			r.Images[i.Digest] = i
			out.ImageIds = append(out.ImageIds, types.ImageIdentifier{ImageDigest: &i.Digest, ImageTag: id.ImageTag})
		default:
			delete(r.Images, i.Digest)
			gone = append(gone, i)
			out.ImageIds = append(out.ImageIds, identifiers(i)...)
		}
	}
	return out, s.dropUnused(gone)
}

// dropUnused removes the blobs of images that are gone, but those that another image has too.
func (s *Service) dropUnused(gone []image) error {
	used := map[string]bool{}
	for _, r := range s.state.Repositories {
		for _, i := range r.Images {
			for _, b := range i.Blobs {
				used[b] = true
			}
		}
	}
	for _, i := range gone {
		for _, b := range i.Blobs {
			if used[b] {
				continue
			}
			if err := os.Remove(s.blobs.path(b)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
