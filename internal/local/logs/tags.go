package logs

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

func (s *Service) tagResource(in *cloudwatchlogs.TagResourceInput) (*cloudwatchlogs.TagResourceOutput, error) {
	return &cloudwatchlogs.TagResourceOutput{}, s.tag(aws.ToString(in.ResourceArn), in.Tags)
}

func (s *Service) tagGroup(in *cloudwatchlogs.TagLogGroupInput) (*cloudwatchlogs.TagLogGroupOutput, error) {
	return &cloudwatchlogs.TagLogGroupOutput{}, s.tag(aws.ToString(in.LogGroupName), in.Tags)
}

func (s *Service) untagResource(in *cloudwatchlogs.UntagResourceInput) (*cloudwatchlogs.UntagResourceOutput, error) {
	return &cloudwatchlogs.UntagResourceOutput{}, s.untag(aws.ToString(in.ResourceArn), in.TagKeys)
}

func (s *Service) untagGroup(in *cloudwatchlogs.UntagLogGroupInput) (*cloudwatchlogs.UntagLogGroupOutput, error) {
	return &cloudwatchlogs.UntagLogGroupOutput{}, s.untag(aws.ToString(in.LogGroupName), in.Tags)
}

func (s *Service) listTags(in *cloudwatchlogs.ListTagsForResourceInput) (*cloudwatchlogs.ListTagsForResourceOutput, error) {
	g, err := s.group(aws.ToString(in.ResourceArn))
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.ListTagsForResourceOutput{Tags: maps.Clone(g.Tags)}, nil
}

func (s *Service) listGroupTags(in *cloudwatchlogs.ListTagsLogGroupInput) (*cloudwatchlogs.ListTagsLogGroupOutput, error) {
	g, err := s.group(aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.ListTagsLogGroupOutput{Tags: maps.Clone(g.Tags)}, nil
}

func (s *Service) tag(ref string, tags map[string]string) error {
	g, err := s.group(ref)
	if err != nil {
		return err
	}
	all := maps.Clone(g.Tags)
	maps.Copy(all, tags)
	if len(all) > maxTags {
		return refuse("TooManyTagsException", "%d tags are more than %d", len(all), maxTags)
	}
	g.Tags = all
	return s.save()
}

func (s *Service) untag(ref string, keys []string) error {
	g, err := s.group(ref)
	if err != nil {
		return err
	}
	for _, k := range keys {
		delete(g.Tags, k)
	}
	return s.save()
}
