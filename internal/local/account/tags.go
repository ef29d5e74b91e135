package account

import (
	"context"
	"crypto/rand"
	"maps"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

const tagLimit = 50

func (s *Service) tagRole(_ context.Context, in *iam.TagRoleInput) (*iam.TagRoleOutput, error) {
	r, err := s.ownRole(in.RoleName)
	if err != nil {
		return nil, err
	}
	if r.Tags, err = addTags(r.Tags, in.Tags); err != nil {
		return nil, err
	}
	s.state.Roles[r.Name] = r
	return &iam.TagRoleOutput{}, nil
}

func (s *Service) untagRole(_ context.Context, in *iam.UntagRoleInput) (*iam.UntagRoleOutput, error) {
	r, err := s.ownRole(in.RoleName)
	if err != nil {
		return nil, err
	}
	r.Tags = without(r.Tags, in.TagKeys...)
	s.state.Roles[r.Name] = r
	return &iam.UntagRoleOutput{}, nil
}

func (s *Service) listRoleTags(_ context.Context, in *iam.ListRoleTagsInput) (*iam.ListRoleTagsOutput, error) {
	r, err := s.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	return &iam.ListRoleTagsOutput{Tags: listTags(r.Tags)}, nil
}

func (s *Service) tagProfile(_ context.Context, in *iam.TagInstanceProfileInput) (*iam.TagInstanceProfileOutput, error) {
	p, err := s.profile(in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	if p.Tags, err = addTags(p.Tags, in.Tags); err != nil {
		return nil, err
	}
	s.state.Profiles[p.Name] = p
	return &iam.TagInstanceProfileOutput{}, nil
}

func (s *Service) untagProfile(_ context.Context, in *iam.UntagInstanceProfileInput) (*iam.UntagInstanceProfileOutput, error) {
	p, err := s.profile(in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	p.Tags = without(p.Tags, in.TagKeys...)
	s.state.Profiles[p.Name] = p
	return &iam.UntagInstanceProfileOutput{}, nil
}

func (s *Service) listProfileTags(_ context.Context, in *iam.ListInstanceProfileTagsInput) (*iam.ListInstanceProfileTagsOutput, error) {
	p, err := s.profile(in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	return &iam.ListInstanceProfileTagsOutput{Tags: listTags(p.Tags)}, nil
}

// addTags is old with more in it.
func addTags(old map[string]string, more []types.Tag) (map[string]string, error) {
	tags := map[string]string{}
	maps.Copy(tags, old)
	for _, t := range more {
		key, value := aws.ToString(t.Key), aws.ToString(t.Value)
		if err := wire.CheckTag(key, value); err != nil {
			return nil, invalid("%v", err)
		}
		tags[key] = value
	}
	if len(tags) > tagLimit {
		return nil, limitExceeded("TagsPerResource", tagLimit)
	}
	return tags, nil
}

// without is a copy: a Role or InstanceProfile handed out keeps its maps as they were.
func without(m map[string]string, keys ...string) map[string]string {
	m = maps.Clone(m)
	for _, k := range keys {
		delete(m, k)
	}
	return m
}

func listTags(tags map[string]string) []types.Tag {
	list := []types.Tag{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: &k, Value: aws.String(tags[k])})
	}
	return list
}

// page is at most max (100 by default) of the names after marker, the next marker, and whether more follow.
func page(names []string, marker *string, max *int32) (part []string, next *string, more bool) {
	size := 100
	if max != nil {
		size = min(int(*max), 1000)
	}
	if marker != nil {
		names = names[slices.Index(names, *marker)+1:]
	}
	if len(names) <= size || size < 1 {
		return slices.Concat([]string{}, names), nil, false
	}
	return names[:size], &names[size-1], true
}

func checkName(member, name, path string, pattern *regexp.Regexp) error {
	if !pattern.MatchString(name) {
		return invalid("The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", member)
	}
	if !pathPattern.MatchString(path) {
		return invalid("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return nil
}

func cmpOr(s *string, other string) string {
	if s == nil {
		return other
	}
	return *s
}

// newID is a unique id in AWS's form: a prefix that tells the kind, then 17 characters.
func newID(prefix string) string { return prefix + rand.Text()[:17] }
