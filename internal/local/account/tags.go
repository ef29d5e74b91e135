package account

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// checkTags gives the tags of a new entity in order.
func checkTags(list []types.Tag) ([]types.Tag, error) {
	tags := wire.TagsOf(list, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
	return wire.TagList(tags, func(key, value *string) types.Tag { return types.Tag{Key: key, Value: value} }),
		tags.Check("ValidationError", overQuota("TagsPerResource", 50))
}

// retagged are the tags of an entity after more were put on it. A key takes the place of one that differs in case alone.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules_creating
func retagged(tags, more []types.Tag) ([]types.Tag, error) {
	var keys []string
	for _, t := range more {
		keys = append(keys, aws.ToString(t.Key))
	}
	return checkTags(slices.Concat(untagged(tags, keys), more))
}

// untagged are the tags of an entity without some keys, whatever their case.
func untagged(tags []types.Tag, keys []string) []types.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t types.Tag) bool {
		return slices.ContainsFunc(keys, func(key string) bool { return strings.EqualFold(key, aws.ToString(t.Key)) })
	})
}
