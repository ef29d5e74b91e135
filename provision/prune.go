package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// RunUse is a run that is recorded, and what it was made with.
type RunUse struct {
	Run         string // id
	Created     time.Time
	Succeeded   bool
	Deployments []string // ids
	Definitions []string // ARNs of job definitions
}

// Rubbish is what nothing needs any more: neither the latest deployment, nor a deployment or a run of the last keep_days.
type Rubbish struct {
	Definitions []OldDefinition `json:"job_definitions"`
	Images      []OldImage      `json:"images"`
	Outputs     []OldOutputs    `json:"outputs"`
	Retired     []Resource      `json:"retired"` // environments and queues that are empty, launch templates that no environment has
	Bytes       int64           `json:"bytes"`   // of images and outputs
}

// OldDefinition is a revision of the stack's job definition.
type OldDefinition struct {
	Name string `json:"name"` // name:revision
	ARN  string `json:"arn"`
}

// OldImage is one in the stack's own repository.
type OldImage struct {
	Digest string    `json:"digest"`
	Tags   []string  `json:"tags,omitempty"`
	Pushed time.Time `json:"pushed"`
	Bytes  int64     `json:"bytes"`
}

// OldOutputs are what one run left under outputs/ in the stack's own bucket.
type OldOutputs struct {
	Run     string `json:"run"`
	Objects int    `json:"objects"`
	Bytes   int64  `json:"bytes"`

	keys []string
}

// Empty says whether there is nothing to remove.
func (r Rubbish) Empty() bool {
	return len(r.Definitions)+len(r.Images)+len(r.Outputs)+len(r.Retired) == 0
}

// pruning looks for rubbish of one stack.
type pruning struct {
	Clients
	spec    Spec
	account account
	runs    []RunUse
	now     time.Time

	needed map[string]bool // ARNs of job definitions, and images as job definitions name them
}

// FindRubbish lists what prune would remove, and changes nothing. runs are all that the bucket records; now is the time at which they are judged.
func FindRubbish(ctx context.Context, c Clients, s Spec, runs []RunUse, now time.Time) (Rubbish, error) {
	acc, err := identify(ctx, c.STS)
	if err != nil {
		return Rubbish{}, err
	}
	p := &pruning{Clients: c, spec: s, account: acc, runs: runs, now: now, needed: map[string]bool{}}
	if err := p.findNeeded(ctx); err != nil {
		return Rubbish{}, err
	}
	var r Rubbish
	if r.Definitions, err = p.oldDefinitions(ctx); err != nil {
		return r, explain(KindDefinition+" "+s.Name, err)
	}
	if r.Images, err = p.oldImages(ctx); err != nil {
		return r, explain(KindRepository+" "+s.Repository, err)
	}
	if r.Outputs, err = p.oldOutputs(ctx); err != nil {
		return r, explain(KindBucket+" "+s.Bucket, err)
	}
	if r.Retired, err = findRetired(ctx, c, s, acc); err != nil {
		return r, err
	}
	for _, i := range r.Images {
		r.Bytes += i.Bytes
	}
	for _, o := range r.Outputs {
		r.Bytes += o.Bytes
	}
	return r, nil
}

// recent says whether something is of the last keep_days.
func (p *pruning) recent(t time.Time) bool {
	return t.After(p.now.AddDate(0, 0, -max(p.spec.KeepDays, 1)))
}

// findNeeded notes what the latest deployment, and deployments and runs of the last keep_days, are made of. A run's deployment may be older.
func (p *pruning) findNeeded(ctx context.Context) error {
	wanted := map[string]bool{}
	for _, r := range p.runs {
		if !p.recent(r.Created) {
			continue
		}
		for _, arn := range r.Definitions {
			p.needed[arn] = true
		}
		for _, id := range r.Deployments {
			wanted[id] = true
		}
	}
	latest, err := LatestDeployment(ctx, p.S3, p.spec.Bucket)
	if err != nil && !errors.Is(err, ErrNotDeployed) {
		return err
	}
	p.need(latest)
	pages := s3.NewListObjectsV2Paginator(p.S3, &s3.ListObjectsV2Input{Bucket: &p.spec.Bucket, Prefix: aws.String(deploymentPrefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if absent(err) {
			return nil
		}
		if err != nil {
			return explain("list deployments", err)
		}
		for _, o := range page.Contents {
			id := strings.TrimSuffix(strings.TrimPrefix(aws.ToString(o.Key), deploymentPrefix), ".json")
			if !wanted[id] && !p.recent(aws.ToTime(o.LastModified)) {
				continue
			}
			d, err := readDeployment(ctx, p.S3, p.spec.Bucket, aws.ToString(o.Key))
			if err != nil {
				return err
			}
			p.need(d)
		}
	}
	return nil
}

func (p *pruning) need(d Deployment) {
	p.needed[d.JobDefinition], p.needed[d.Image] = true, true
	for _, arn := range d.Definitions {
		p.needed[arn] = true
	}
}

// oldDefinitions are the stack's revisions that are not needed. The images of the others are.
func (p *pruning) oldDefinitions(ctx context.Context) ([]OldDefinition, error) {
	active, err := definitions{p.Batch, p.spec}.active(ctx)
	if err != nil {
		return nil, err
	}
	newest := slices.MaxFunc(append(active, batchtypes.JobDefinition{}), func(a, b batchtypes.JobDefinition) int {
		return cmp.Compare(aws.ToInt32(a.Revision), aws.ToInt32(b.Revision))
	})
	var old []OldDefinition
	for _, d := range active {
		arn := aws.ToString(d.JobDefinitionArn)
		// The newest may be of a deployment that is being made.
		if p.needed[arn] || arn == aws.ToString(newest.JobDefinitionArn) || !p.spec.owns(d.Tags) {
			if d.ContainerProperties != nil {
				p.needed[aws.ToString(d.ContainerProperties.Image)] = true
			}
			continue
		}
		old = append(old, OldDefinition{Name: fmt.Sprintf("%s:%d", aws.ToString(d.JobDefinitionName), aws.ToInt32(d.Revision)), ARN: arn})
	}
	slices.SortFunc(old, func(a, b OldDefinition) int { return cmp.Compare(a.ARN, b.ARN) })
	return old, nil
}

// untaggedFor is how long an image without a tag is left alone: it may be on its way to get one.
const untaggedFor = 24 * time.Hour

// oldImages are those of the own repository that nothing needed names: without a tag, or pushed before the last keep_days.
func (p *pruning) oldImages(ctx context.Context) ([]OldImage, error) {
	r := &repository{Clients: p.Clients, spec: p.spec}
	found, err := r.find(ctx)
	if err != nil || found == nil {
		return nil, err
	}
	r.take(*found)
	if tags, err := r.tags(ctx); err != nil || !p.spec.owns(tags) {
		return nil, err
	}
	var old []OldImage
	pages := ecr.NewDescribeImagesPaginator(p.ECR, &ecr.DescribeImagesInput{RepositoryName: &p.spec.Repository})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, i := range page.ImageDetails {
			pushed := aws.ToTime(i.ImagePushedAt)
			unused := len(i.ImageTags) == 0 && pushed.Before(p.now.Add(-untaggedFor)) || !p.recent(pushed)
			if digest := aws.ToString(i.ImageDigest); unused && !p.needed[r.got.URI+"@"+digest] {
				old = append(old, OldImage{Digest: digest, Tags: i.ImageTags, Pushed: pushed.UTC(), Bytes: aws.ToInt64(i.ImageSizeInBytes)})
			}
		}
	}
	slices.SortFunc(old, func(a, b OldImage) int { return cmp.Or(a.Pushed.Compare(b.Pushed), cmp.Compare(a.Digest, b.Digest)) })
	return old, nil
}

const outputsPrefix = "outputs/"

// oldOutputs are those of runs before the last keep_days, but for the latest that succeeded. Records of older runs have expired: where no run is
// known to have succeeded, the newest outputs stay.
func (p *pruning) oldOutputs(ctx context.Context) ([]OldOutputs, error) {
	b := bucket{p.Clients, p.spec, p.account}
	if tags, err := b.tags(ctx); err != nil || !p.spec.owns(tags) {
		return nil, ignoreAbsent(err)
	}
	byRun := map[string]*OldOutputs{}
	pages := s3.NewListObjectsV2Paginator(p.S3, &s3.ListObjectsV2Input{Bucket: &p.spec.Bucket, Prefix: aws.String(outputsPrefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			run, _, ok := strings.Cut(strings.TrimPrefix(aws.ToString(o.Key), outputsPrefix), "/")
			if _, isRun := startOf(run); !ok || !isRun {
				continue // nothing that a run of kedroctl made
			}
			if byRun[run] == nil {
				byRun[run] = &OldOutputs{Run: run}
			}
			byRun[run].Objects++
			byRun[run].Bytes += aws.ToInt64(o.Size)
			byRun[run].keys = append(byRun[run].keys, aws.ToString(o.Key))
		}
	}
	stays := p.latestWith(byRun)
	var old []OldOutputs
	for run, o := range byRun {
		if at, _ := startOf(run); run != stays && !p.recent(at) {
			old = append(old, *o)
		}
	}
	slices.SortFunc(old, func(a, b OldOutputs) int { return cmp.Compare(a.Run, b.Run) })
	return old, nil
}

// latestWith is the latest run that succeeded among those that left outputs, else the latest of all.
func (p *pruning) latestWith(outputs map[string]*OldOutputs) string {
	succeeded := map[string]bool{}
	for _, r := range p.runs {
		succeeded[r.Run] = r.Succeeded
	}
	latest, latestSucceeded := "", ""
	for run := range outputs {
		latest = max(latest, run)
		if succeeded[run] {
			latestSucceeded = max(latestSucceeded, run)
		}
	}
	return cmp.Or(latestSucceeded, latest)
}

// startOf is when a run with an id was started.
func startOf(run string) (time.Time, bool) {
	t, err := time.Parse("2006-01-02T15.04.05.000Z", run)
	return t, err == nil
}

// Prune removes rubbish that FindRubbish found. What cannot be removed does not keep the rest from being removed; the errors come joined.
func Prune(ctx context.Context, c Clients, s Spec, r Rubbish, report Reporter) error {
	var errs []error
	did := func(kind, name string, err error) {
		if err != nil {
			errs = append(errs, explain(kind+" "+name+": remove", err))
			return
		}
		report.Step(Resource{Kind: kind, Name: name, State: Removed})
	}
	for _, d := range r.Definitions {
		did(KindDefinition, d.Name, definitions{c.Batch, s}.deregisterOne(ctx, d.ARN))
	}
	for batch := range slices.Chunk(r.Images, imagesAtATime) {
		errs = append(errs, removeImages(ctx, c, s, batch, did))
	}
	for _, o := range r.Outputs {
		did("outputs of run", o.Run, removeObjects(ctx, c, s, o.keys))
	}
	if len(r.Retired) > 0 {
		errs = append(errs, removeRetired(ctx, c, s, r.Retired, report))
	}
	return errors.Join(errs...)
}

// imagesAtATime is how many BatchDeleteImage takes, https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
const imagesAtATime = 100

func removeImages(ctx context.Context, c Clients, s Spec, images []OldImage, did func(kind, name string, err error)) error {
	in := &ecr.BatchDeleteImageInput{RepositoryName: &s.Repository}
	for _, i := range images {
		in.ImageIds = append(in.ImageIds, ecrtypes.ImageIdentifier{ImageDigest: &i.Digest})
	}
	out, err := c.ECR.BatchDeleteImage(ctx, in)
	if err != nil {
		return explain(KindRepository+" "+s.Repository+": remove images", err)
	}
	failed := map[string]error{}
	for _, f := range out.Failures {
		if f.ImageId != nil && f.FailureCode != ecrtypes.ImageFailureCodeImageNotFound {
			failed[aws.ToString(f.ImageId.ImageDigest)] = fmt.Errorf("%s: %s", f.FailureCode, aws.ToString(f.FailureReason))
		}
	}
	for _, i := range images {
		did("image", i.Digest, failed[i.Digest])
	}
	return nil
}

// removeObjects removes 1,000 at a time, as many as DeleteObjects takes.
func removeObjects(ctx context.Context, c Clients, s Spec, keys []string) error {
	for some := range slices.Chunk(keys, 1000) {
		page := &s3.ListObjectVersionsOutput{}
		for _, key := range some {
			page.Versions = append(page.Versions, s3types.ObjectVersion{Key: &key})
		}
		if err := (bucket{Clients: c, spec: s}).deleteAll(ctx, page); err != nil {
			return err
		}
	}
	return nil
}
