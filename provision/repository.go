package provision

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// Repository is where images are pushed to.
type Repository struct {
	Name string `json:"name"`
	URI  string `json:"uri"` // as ECR gives it: never put together from its parts
	ARN  string `json:"arn"`
}

// repository is that of the settings. One that exists without our tags is used as it is.
type repository struct {
	Clients
	spec Spec
	got  Repository
}

func (r *repository) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindRepository, Name: r.spec.Repository}
	found, err := r.find(ctx)
	if err != nil {
		return is, nil, err
	}
	if found == nil {
		return is, []change{
			{what: "create", create: true, do: func(ctx context.Context) error { return r.create(ctx, is) }},
			r.expire(""),
		}, nil
	}
	r.take(*found)
	is.ARN = r.got.ARN
	tags, err := r.tags(ctx)
	if err != nil || !r.spec.owns(tags) {
		is.State = Existing
		return is, nil, err
	}
	changes, err := r.drift(ctx, *found)
	return is, append(r.spec.retag(tags).changes(r.tag, r.untag), changes...), err
}

func (r *repository) drift(ctx context.Context, found ecrtypes.Repository) ([]change, error) {
	var changes []change
	if scan := found.ImageScanningConfiguration; scan == nil || !scan.ScanOnPush {
		changes = append(changes, change{what: "scan on push", attributes: attribute("scan_on_push", "false", "true"), do: r.putScan})
	}
	out, err := r.ECR.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: &r.spec.Repository})
	if err != nil && !absent(err) {
		return nil, err
	}
	is := ""
	if out != nil {
		is = aws.ToString(out.LifecyclePolicyText)
	}
	if !sameDocument(is, r.lifecycle()) {
		changes = append(changes, r.expire(is))
	}
	return changes, nil
}

func (r *repository) expire(is string) change {
	return change{what: "expire untagged images", attributes: documents("lifecycle_policy", is, r.lifecycle()), do: r.putLifecycle}
}

func (r *repository) find(ctx context.Context) (*ecrtypes.Repository, error) {
	out, err := r.ECR.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{r.spec.Repository}})
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(out.Repositories) == 0 {
		return nil, nil
	}
	return &out.Repositories[0], nil
}

func (r *repository) take(found ecrtypes.Repository) {
	r.got = Repository{Name: r.spec.Repository, URI: aws.ToString(found.RepositoryUri), ARN: aws.ToString(found.RepositoryArn)}
}

func (r *repository) tags(ctx context.Context) (map[string]string, error) {
	out, err := r.ECR.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: &r.got.ARN})
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, t := range out.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

func ecrTags(tags map[string]string) []ecrtypes.Tag {
	var list []ecrtypes.Tag
	for _, t := range sorted(tags) {
		list = append(list, ecrtypes.Tag{Key: &t.key, Value: &t.value})
	}
	return list
}

func (r *repository) tag(ctx context.Context, tags map[string]string) error {
	_, err := r.ECR.TagResource(ctx, &ecr.TagResourceInput{ResourceArn: &r.got.ARN, Tags: ecrTags(tags)})
	return err
}

func (r *repository) untag(ctx context.Context, keys []string) error {
	_, err := r.ECR.UntagResource(ctx, &ecr.UntagResourceInput{ResourceArn: &r.got.ARN, TagKeys: keys})
	return err
}

func (r *repository) create(ctx context.Context, is *Resource) error {
	out, err := r.ECR.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &r.spec.Repository, Tags: ecrTags(r.spec.resourceTags()),
		ImageScanningConfiguration: &ecrtypes.ImageScanningConfiguration{ScanOnPush: true}})
	if err != nil {
		return err
	}
	r.take(*out.Repository)
	is.ARN = r.got.ARN
	return nil
}

func (r *repository) putScan(ctx context.Context) error {
	_, err := r.ECR.PutImageScanningConfiguration(ctx, &ecr.PutImageScanningConfigurationInput{RepositoryName: &r.spec.Repository,
		ImageScanningConfiguration: &ecrtypes.ImageScanningConfiguration{ScanOnPush: true}})
	return err
}

func (r *repository) putLifecycle(ctx context.Context) error {
	_, err := r.ECR.PutLifecyclePolicy(ctx, &ecr.PutLifecyclePolicyInput{RepositoryName: &r.spec.Repository, LifecyclePolicyText: aws.String(r.lifecycle())})
	return err
}

// lifecycle expires images that no tag names any more. Those that deployments use keep their tag, the input key.
func (r *repository) lifecycle() string {
	return fmt.Sprintf(`{"rules":[{"rulePriority":1,"description":"kedroctl: untagged images","selection":{"tagStatus":"untagged",`+
		`"countType":"sinceImagePushed","countUnit":"days","countNumber":%d},"action":{"type":"expire"}}]}`, max(r.spec.KeepDays, 1))
}

func (r *repository) removal(ctx context.Context) (Resource, func(context.Context) error, error) {
	is := Resource{Kind: KindRepository, Name: r.spec.Repository}
	found, err := r.find(ctx)
	if err != nil || found == nil {
		return is, nil, err
	}
	r.take(*found)
	tags, err := r.tags(ctx)
	if err != nil {
		return is, nil, err
	}
	if !r.spec.owns(tags) {
		return foreign(is), nil, nil
	}
	return is, r.remove, nil
}

// remove deletes the repository with its images.
func (r *repository) remove(ctx context.Context) error {
	_, err := r.ECR.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: &r.spec.Repository, Force: true})
	return ignoreAbsent(err)
}
