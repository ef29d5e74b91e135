package logs

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

const (
	maxTags  = 50 // API: TagResource
	pageSize = 50 // API: DescribeLogGroups, DescribeLogStreams
)

var (
	groupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`) // API: CreateLogGroup
	// API: PutRetentionPolicy.
	retentions = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)

func (s *Service) createGroup(in *cloudwatchlogs.CreateLogGroupInput) (*cloudwatchlogs.CreateLogGroupOutput, error) {
	name := aws.ToString(in.LogGroupName)
	switch {
	case !groupName.MatchString(name):
		return nil, invalid("logGroupName %q must be 1 to 512 letters, digits and . - _ / #", name)
	case s.groups[name] != nil:
		return nil, refuse("ResourceAlreadyExistsException", "The specified log group already exists")
	case len(in.Tags) > maxTags:
		return nil, invalid("%d tags are more than %d", len(in.Tags), maxTags)
	}
	s.groups[name] = s.newGroup(name, in.Tags)
	return &cloudwatchlogs.CreateLogGroupOutput{}, s.save()
}

func (s *Service) newGroup(name string, tags map[string]string) *group {
	g := &group{Name: name, Created: s.millis(), Tags: map[string]string{}, streams: map[string]*stream{}}
	maps.Copy(g.Tags, tags)
	return g
}

func (s *Service) describeGroups(in *cloudwatchlogs.DescribeLogGroupsInput) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	if in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil {
		return nil, invalid("logGroupNamePrefix and logGroupNamePattern are mutually exclusive parameters.")
	}
	list := []types.LogGroup{}
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		pattern := strings.ToLower(aws.ToString(in.LogGroupNamePattern))
		if strings.HasPrefix(name, aws.ToString(in.LogGroupNamePrefix)) && strings.Contains(strings.ToLower(name), pattern) {
			list = append(list, s.described(s.groups[name]))
		}
	}
	list, next, err := page(list, in.NextToken, in.Limit)
	return &cloudwatchlogs.DescribeLogGroupsOutput{LogGroups: list, NextToken: next}, err
}

func (s *Service) described(g *group) types.LogGroup {
	var bytes int64
	for _, st := range g.streams {
		bytes += st.bytes
	}
	return types.LogGroup{
		LogGroupName:    &g.Name,
		Arn:             aws.String(s.arn(g.Name) + ":*"),
		LogGroupArn:     aws.String(s.arn(g.Name)),
		CreationTime:    &g.Created,
		RetentionInDays: g.Retention,
		StoredBytes:     &bytes,
		LogGroupClass:   types.LogGroupClassStandard,
	}
}

// page cuts one page out of a list; the token is the index of the next page's first element.
func page[T any](list []T, token *string, limit *int32) ([]T, *string, error) {
	from, err := strconv.Atoi(aws.ToString(token))
	if token != nil && (err != nil || from < 0 || from > len(list)) {
		return nil, nil, invalid("The specified nextToken is invalid.")
	}
	length := pageSize
	if l := int(aws.ToInt32(limit)); l > 0 && l < length {
		length = l
	}
	to := min(len(list), from+length)
	if to == len(list) {
		return list[from:], nil, nil
	}
	return list[from:to], aws.String(strconv.Itoa(to)), nil
}

func (s *Service) putRetention(in *cloudwatchlogs.PutRetentionPolicyInput) (*cloudwatchlogs.PutRetentionPolicyOutput, error) {
	g, err := s.group(aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	if !slices.Contains(retentions, aws.ToInt32(in.RetentionInDays)) {
		return nil, invalid("retentionInDays %d is none of %v", aws.ToInt32(in.RetentionInDays), retentions)
	}
	g.Retention = in.RetentionInDays
	return &cloudwatchlogs.PutRetentionPolicyOutput{}, s.save()
}

func (s *Service) deleteRetention(in *cloudwatchlogs.DeleteRetentionPolicyInput) (*cloudwatchlogs.DeleteRetentionPolicyOutput, error) {
	g, err := s.group(aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	g.Retention = nil
	return &cloudwatchlogs.DeleteRetentionPolicyOutput{}, s.save()
}

func (s *Service) deleteGroup(in *cloudwatchlogs.DeleteLogGroupInput) (*cloudwatchlogs.DeleteLogGroupOutput, error) {
	g, err := s.group(aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	delete(s.groups, g.Name)
	if s.Dir != "" {
		if err := os.RemoveAll(s.groupDir(g)); err != nil {
			return nil, err
		}
	}
	return &cloudwatchlogs.DeleteLogGroupOutput{}, s.save()
}
