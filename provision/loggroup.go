package provision

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// logGroup is the project's own. The account-wide /aws/batch/job is never touched.
type logGroup struct {
	Clients
	spec Spec
}

func (l logGroup) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindLogGroup, Name: l.spec.LogGroup}
	found, err := l.find(ctx)
	if err != nil {
		return is, nil, err
	}
	var now *int32
	if found != nil {
		now = found.RetentionInDays
	}
	retain := change{what: "keep for the set number of days", do: l.retain,
		attributes: attribute("retention_in_days", number(now), number(aws.Int32(retention(l.spec.KeepDays))))}
	if found == nil {
		return is, []change{{what: "create", create: true, do: l.create}, retain}, nil
	}
	is.ARN = groupARN(*found)
	tags, err := l.tags(ctx, is.ARN)
	if err != nil {
		return is, nil, err
	}
	if !l.spec.owns(tags) {
		return is, nil, notOurs(is, l.spec)
	}
	changes := l.retag(is.ARN, tags)
	if retain.attributes != nil {
		changes = append(changes, retain)
	}
	return is, changes, nil
}

func (l logGroup) retag(arn string, is map[string]string) []change {
	return l.spec.retag(is).changes(func(ctx context.Context, tags map[string]string) error {
		_, err := l.Logs.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: &arn, Tags: tags})
		return err
	}, func(ctx context.Context, keys []string) error {
		_, err := l.Logs.UntagResource(ctx, &cloudwatchlogs.UntagResourceInput{ResourceArn: &arn, TagKeys: keys})
		return err
	})
}

// find goes through the groups whose names begin with ours.
func (l logGroup) find(ctx context.Context) (*logtypes.LogGroup, error) {
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(l.Logs, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &l.spec.LogGroup})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range page.LogGroups {
			if aws.ToString(g.LogGroupName) == l.spec.LogGroup {
				return &g, nil
			}
		}
	}
	return nil, nil
}

// groupARN is the one that tags go by, without the ":*" that permissions on streams have.
func groupARN(g logtypes.LogGroup) string {
	if arn := aws.ToString(g.LogGroupArn); arn != "" {
		return arn
	}
	return strings.TrimSuffix(aws.ToString(g.Arn), ":*")
}

func (l logGroup) tags(ctx context.Context, arn string) (map[string]string, error) {
	out, err := l.Logs.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil {
		return nil, err
	}
	return out.Tags, nil
}

func (l logGroup) create(ctx context.Context) error {
	_, err := l.Logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &l.spec.LogGroup, Tags: l.spec.resourceTags()})
	return err
}

func (l logGroup) retain(ctx context.Context) error {
	_, err := l.Logs.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &l.spec.LogGroup,
		RetentionInDays: aws.Int32(retention(l.spec.KeepDays))})
	return err
}

// retentions are the numbers of days that CloudWatch Logs knows,
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html.
var retentions = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// retention is the number of days that CloudWatch Logs knows and that is not shorter than asked.
func retention(days int) int32 {
	i, _ := slices.BinarySearchFunc(retentions, days, func(r int32, days int) int { return int(r) - days })
	return retentions[min(i, len(retentions)-1)]
}

func (l logGroup) removal(ctx context.Context) (Resource, func(context.Context) error, error) {
	is := Resource{Kind: KindLogGroup, Name: l.spec.LogGroup}
	found, err := l.find(ctx)
	if err != nil || found == nil {
		return is, nil, err
	}
	tags, err := l.tags(ctx, groupARN(*found))
	if err != nil {
		return is, nil, err
	}
	if !l.spec.owns(tags) {
		return foreign(is), nil, nil
	}
	return is, l.remove, nil
}

func (l logGroup) remove(ctx context.Context) error {
	_, err := l.Logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &l.spec.LogGroup})
	return ignoreAbsent(err)
}

// existingLogGroup is the one that the settings name.
type existingLogGroup struct{ logGroup }

func (e existingLogGroup) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindLogGroup, Name: e.spec.LogGroup, State: Existing}
	found, err := e.find(ctx)
	if err == nil && found == nil {
		err = noSuch("aws.log_group")
	}
	if err == nil {
		is.ARN = groupARN(*found)
	}
	return is, nil, err
}

// logs is where jobs write: the stack's own group, or the one that the settings name.
func (s Spec) logs(c Clients) resource {
	if s.Existing.LogGroup != "" {
		return existingLogGroup{logGroup{c, s}}
	}
	return logGroup{c, s}
}
