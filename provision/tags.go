package provision

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// Keys of the tags that mark a resource as ours.
const (
	tagProject = "kedroctl:project"
	tagEnv     = "kedroctl:env"
	tagRegion  = "kedroctl:region"
)

// tagList holds which of a resource's tags are there by the settings. What these name no more is taken away by it, and tags of others stay.
const tagList = "kedroctl:tags"

// marks make a resource the stack's: kedroctl:project, kedroctl:env and kedroctl:region.
func (s Spec) marks() map[string]string {
	return map[string]string{tagProject: s.Project, tagEnv: s.Env, tagRegion: s.Region}
}

// owns says whether a resource with these tags belongs to the stack.
func (s Spec) owns(tags map[string]string) bool {
	for key, value := range s.marks() {
		if tags[key] != value {
			return false
		}
	}
	return true
}

// Tags are those of each resource and job of the stack: kedroctl:project, kedroctl:env and kedroctl:region, and those of the settings.
func (s Spec) Tags() map[string]string {
	tags := s.marks()
	maps.Copy(tags, s.OwnTags)
	return tags
}

// resourceTags are those that a resource is made with: Tags, and the list of those of the settings.
func (s Spec) resourceTags() map[string]string {
	tags := s.Tags()
	if len(s.OwnTags) > 0 {
		list := ""
		for _, key := range slices.Sorted(maps.Keys(s.OwnTags)) {
			list += short(key)
		}
		tags[tagList] = list
	}
	return tags
}

// shortLength leaves room for the keys of all tags that settings may have in the 256 characters of a tag's value.
const shortLength = 5

// short stands for the key of a tag in tagList: keys have up to 128 characters.
func short(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:shortLength]
}

// lists says whether a key is in a tagList.
func lists(list, key string) bool {
	for one := range slices.Chunk([]byte(list), shortLength) {
		if string(one) == short(key) {
			return true
		}
	}
	return false
}

// tag is one of the stack's.
type tag struct{ key, value string }

// isMissing says whether the tag is not among some, or has another value there.
func (t tag) isMissing(among map[string]string) bool {
	value, there := among[t.key]
	return !there || value != t.value
}

// sorted are tags in an order that is always the same.
func sorted(tags map[string]string) []tag {
	var all []tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, tag{key, tags[key]})
	}
	return all
}

// retagging is what brings the tags of a resource to the spec. What others have put there is not in it.
type retagging struct {
	remove        []string
	put           map[string]string
	removed, puts []Attribute
}

// retag compares the tags that a resource of the stack has with those that it is to have.
func (s Spec) retag(is map[string]string) retagging {
	r, want := retagging{put: map[string]string{}}, s.resourceTags()
	for _, t := range sorted(is) {
		if _, wanted := want[t.key]; !wanted && (t.key == tagList || lists(is[tagList], t.key)) {
			r.remove = append(r.remove, t.key)
			r.removed = append(r.removed, Attribute{Name: "tags." + t.key, Is: t.value})
		}
	}
	for _, t := range sorted(want) {
		if t.isMissing(is) {
			r.put[t.key] = t.value
			r.puts = append(r.puts, Attribute{Name: "tags." + t.key, Is: is[t.key], Want: t.value})
		}
	}
	return r
}

// attributes are those that differ; none where nothing does.
func (r retagging) attributes() []Attribute { return slices.Concat(r.removed, r.puts) }

// apply gives tags that were changed so.
func (r retagging) apply(is map[string]string) map[string]string {
	tags := map[string]string{}
	maps.Copy(tags, is)
	for _, key := range r.remove {
		delete(tags, key)
	}
	maps.Copy(tags, r.put)
	return tags
}

const putTags, removeTags = "put tags", "remove tags"

// changes take tags away before they put others: for IAM keys that differ in case alone are one, and after an interrupt the list still has what is left.
func (r retagging) changes(put func(context.Context, map[string]string) error, remove func(context.Context, []string) error) []change {
	var all []change
	if len(r.remove) > 0 {
		all = append(all, change{what: removeTags, attributes: r.removed, do: func(ctx context.Context) error { return remove(ctx, r.remove) }})
	}
	if len(r.put) > 0 {
		all = append(all, change{what: putTags, attributes: r.puts, do: func(ctx context.Context) error { return put(ctx, r.put) }})
	}
	return all
}

// retag brings the tags of a resource in Batch to the spec.
func (c Clients) retag(s Spec, arn string, is map[string]string) []change {
	return s.retag(is).changes(func(ctx context.Context, tags map[string]string) error {
		_, err := c.Batch.TagResource(ctx, &batch.TagResourceInput{ResourceArn: &arn, Tags: tags})
		return err
	}, func(ctx context.Context, keys []string) error {
		_, err := c.Batch.UntagResource(ctx, &batch.UntagResourceInput{ResourceArn: &arn, TagKeys: keys})
		return err
	})
}

// revision is one of the job definition, which keeps all but its tags.
type revision struct {
	Clients
	spec  Spec
	found batchtypes.JobDefinition
}

func (r revision) diff(context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindDefinition, Name: revisionOf(r.found).String(), ARN: aws.ToString(r.found.JobDefinitionArn)}
	return is, r.retag(r.spec, is.ARN, r.found.Tags), nil
}

// tagDefinitions brings the tags of the active revisions to the spec: jobs pass those of their definition on to their tasks. Only what differs is told.
func (a *Applying) tagDefinitions(ctx context.Context) error {
	active, err := definitions{a.clients.Batch, a.spec}.active(ctx)
	if err != nil {
		return explain("job definition "+a.spec.Name, err)
	}
	for _, d := range active {
		if !a.spec.owns(d.Tags) || a.spec.retag(d.Tags).attributes() == nil {
			continue
		}
		if err := a.one(ctx, revision{a.clients, a.spec, d}, nil); err != nil {
			return err
		}
	}
	return nil
}
