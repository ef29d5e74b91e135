package logs

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

const pageSize = 50 // API: DescribeLogGroups, DescribeLogStreams

var (
	groupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`) // API: CreateLogGroup
	// API: PutRetentionPolicy.
	retentions = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)

// group is a log group.
type group struct {
	log     *disk.Log[record]
	about   about
	streams map[string]*stream
}

// about is what is said of a group.
type about struct {
	Shown types.LogGroup
	Tags  wire.Tags
}

// record is a change of a group. The first of a stream makes it, the others are lines of the stream.
type record struct {
	About  *about `json:",omitempty"`
	Stream string `json:"s,omitempty"`
	Lines  int    `json:"n,omitempty"` // that a new stream had already, and which are not kept
	event
}

// change changes a group once it is kept that it does.
func (g *group) change(r record) error {
	if err := g.log.Append(r); err != nil {
		return err
	}
	g.apply(r)
	return nil
}

func (g *group) apply(r record) {
	switch st := g.streams[r.Stream]; {
	case r.About != nil:
		g.about = *r.About
	case st == nil:
		g.streams[r.Stream] = &stream{name: r.Stream, created: r.At, lines: r.Lines}
	default:
		st.add(r.event)
	}
}

// records are the changes that lead to the group as it is.
func (g *group) records() []record {
	all := []record{{About: &g.about}}
	for _, st := range g.streams {
		all = append(all, record{Stream: st.name, Lines: st.lines - len(st.events), event: event{At: st.created}})
		for _, e := range st.events {
			all = append(all, record{Stream: st.name, event: e})
		}
	}
	return all
}

// expire drops the lines of streams that had none within the group's retention, and tells whether there were any.
func (g *group) expire(now int64) (some bool) {
	retention := time.Duration(aws.ToInt32(g.about.Shown.RetentionInDays)) * 24 * time.Hour
	for _, st := range g.streams {
		if n := len(st.events); retention > 0 && n > 0 && st.events[n-1].In < now-retention.Milliseconds() {
			st.events, some = nil, true
		}
	}
	return some
}

// open reads a group from its file, without lines that have expired; "" is one that is kept in memory only.
func (s *Service) open(file string) (*group, error) {
	log, records, err := disk.OpenLog[record](file)
	g := &group{log: log, streams: map[string]*stream{}}
	for _, r := range records {
		g.apply(r)
		s.latest = max(s.latest, r.At)
	}
	if err == nil && g.expire(s.now()) {
		err = log.Rewrite(g.records())
	}
	return g, err
}

// file is one of the directory of groups.
func (s *Service) file(name string) string { return disk.Path(s.Dir, "log-groups", name) }

func (s *Service) load() error {
	files, err := os.ReadDir(s.file(""))
	if s.Dir == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range files {
		if filepath.Ext(f.Name()) != ".jsonl" {
			continue
		}
		g, err := s.open(s.file(f.Name()))
		if err != nil {
			return err
		}
		if name := g.about.Shown.LogGroupName; name != nil { // else it was not made to its end
			s.groups[*name] = g
		}
	}
	return err
}

func (s *Service) createGroup(in *cloudwatchlogs.CreateLogGroupInput) (*cloudwatchlogs.CreateLogGroupOutput, error) {
	name := aws.ToString(in.LogGroupName)
	switch {
	case !groupName.MatchString(name):
		return nil, refuse(invalid, "logGroupName %q must be 1 to 512 letters, digits and . - _ / #", name)
	case s.groups[name] != nil:
		return nil, refuse("ResourceAlreadyExistsException", "The specified log group already exists")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return &cloudwatchlogs.CreateLogGroupOutput{}, s.addGroup(name, in.Tags)
}

// addGroup makes a group. What its file is called any file system takes: "..", and 512 characters, are names of groups.
func (s *Service) addGroup(name string, tags wire.Tags) error {
	g, err := s.open(s.file(fmt.Sprintf("%x.jsonl", sha256.Sum256([]byte(name)))))
	if err != nil {
		return err
	}
	err = g.change(record{About: &about{Tags: tags, Shown: types.LogGroup{
		LogGroupName:      &name,
		LogGroupArn:       aws.String(s.arn(name)),
		Arn:               aws.String(s.arn(name) + ":*"),
		CreationTime:      aws.Int64(s.now()),
		LogGroupClass:     types.LogGroupClassStandard,
		MetricFilterCount: aws.Int32(0),
		StoredBytes:       aws.Int64(0), // AWS counts them within a day
	}}})
	if err == nil {
		s.groups[name] = g
	}
	return err
}

func (s *Service) describeGroups(in *cloudwatchlogs.DescribeLogGroupsInput) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	if in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil {
		return nil, refuse(invalid, "logGroupNamePrefix and logGroupNamePattern are mutually exclusive parameters.")
	}
	pattern := strings.ToLower(aws.ToString(in.LogGroupNamePattern))
	list := []types.LogGroup{}
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		if strings.HasPrefix(name, aws.ToString(in.LogGroupNamePrefix)) && strings.Contains(strings.ToLower(name), pattern) {
			list = append(list, s.groups[name].about.Shown)
		}
	}
	list, next, err := wire.Page(list, in.NextToken, in.Limit, pageSize, invalid)
	return &cloudwatchlogs.DescribeLogGroupsOutput{LogGroups: list, NextToken: next}, err
}

func (s *Service) putRetention(in *cloudwatchlogs.PutRetentionPolicyInput) (*cloudwatchlogs.PutRetentionPolicyOutput, error) {
	g, err := s.group(in.LogGroupName, nil)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(retentions, aws.ToInt32(in.RetentionInDays)) {
		return nil, refuse(invalid, "retentionInDays %d is none of %v", aws.ToInt32(in.RetentionInDays), retentions)
	}
	changed := g.about
	changed.Shown.RetentionInDays = in.RetentionInDays
	return &cloudwatchlogs.PutRetentionPolicyOutput{}, g.change(record{About: &changed})
}

func (s *Service) deleteGroup(in *cloudwatchlogs.DeleteLogGroupInput) (*cloudwatchlogs.DeleteLogGroupOutput, error) {
	g, err := s.group(in.LogGroupName, nil)
	if err != nil {
		return nil, err
	}
	if err := g.log.Remove(); err != nil {
		return nil, err
	}
	delete(s.groups, *in.LogGroupName)
	return &cloudwatchlogs.DeleteLogGroupOutput{}, nil
}

func (s *Service) listTags(in *cloudwatchlogs.ListTagsForResourceInput) (*cloudwatchlogs.ListTagsForResourceOutput, error) {
	g, err := s.group(in.ResourceArn, nil)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.ListTagsForResourceOutput{Tags: g.about.Tags}, nil
}

func (s *Service) tag(in *cloudwatchlogs.TagResourceInput) (*cloudwatchlogs.TagResourceOutput, error) {
	return &cloudwatchlogs.TagResourceOutput{}, s.retag(in.ResourceArn, in.Tags)
}

func (s *Service) untag(in *cloudwatchlogs.UntagResourceInput) (*cloudwatchlogs.UntagResourceOutput, error) {
	return &cloudwatchlogs.UntagResourceOutput{}, s.retag(in.ResourceArn, nil, in.TagKeys...)
}

// retag takes the ARN without an asterisk at its end: TagResource of the CloudWatch Logs API reference.
func (s *Service) retag(arn *string, more wire.Tags, without ...string) error {
	if strings.HasSuffix(aws.ToString(arn), ":*") {
		return refuse(invalid, "resourceArn %s is not the ARN of a log group", *arn)
	}
	g, err := s.group(arn, nil)
	if err != nil {
		return err
	}
	changed := g.about
	changed.Tags = changed.Tags.With(more, without...)
	if err := checkTags(changed.Tags); err != nil {
		return err
	}
	return g.change(record{About: &changed})
}

func checkTags(tags wire.Tags) error {
	return tags.Check(invalid, refuse(invalid, "a log group has at most 50 tags"))
}
