package network

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Options say whose network it is.
type Options struct {
	Account      string // 12 digits
	Region       string
	Dir          string           // directory of the launch templates' file; "" keeps them in memory
	Now          func() time.Time // nil: time.Now
	Private      *Private         // a VPC without public addresses, besides the default one; nil: none
	NoDefaultVPC func() bool      // whether the default VPC was removed: there is none at all then; nil: it is there
	Denied       wire.Denied      // what the caller may not do, by ec2: actions
}

// Service answers EC2's look-ups, and keeps launch templates.
type Service struct {
	wire.Queries
	opt       Options
	vpcs      []types.Vpc
	subnets   []types.Subnet
	groups    []types.SecurityGroup
	tables    []types.RouteTable
	endpoints []types.VpcEndpoint

	file      string
	mu        sync.Mutex // guards the templates
	templates []template // oldest first
}

// New is the region's network, with the launch templates that its file has.
func New(opt Options) (*Service, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Service{opt: opt}
	if opt.Dir != "" {
		s.file = filepath.Join(opt.Dir, "launch-templates.json")
	}
	if err := disk.ReadJSON(s.file, &s.templates); err != nil {
		return nil, fmt.Errorf("read launch templates: %w", err)
	}
	s.Queries = wire.Queries{Dialect: wire.EC2, Denied: opt.Denied, Needs: s.needs, Actions: map[string]wire.Action{
		"DescribeVpcs":           wire.QueryFunc(s.describeVPCs),
		"DescribeVpcAttribute":   wire.QueryFunc(s.describeVPCAttribute),
		"DescribeSubnets":        wire.QueryFunc(s.describeSubnets),
		"DescribeSecurityGroups": wire.QueryFunc(s.describeGroups),
		"DescribeRouteTables":    wire.QueryFunc(s.describeRouteTables),
		"DescribeVpcEndpoints":   wire.QueryFunc(s.describeEndpoints),

		"CreateLaunchTemplate":           wire.QueryFunc(s.createTemplate),
		"DescribeLaunchTemplates":        wire.QueryFunc(s.describeTemplates),
		"DescribeLaunchTemplateVersions": wire.QueryFunc(s.describeVersions),
		"DeleteLaunchTemplate":           wire.QueryFunc(s.deleteTemplate),
		"DeleteTags":                     wire.QueryFunc(s.deleteTags),
	}}
	s.addDefaultVPC()
	s.addRoutes()
	if opt.Private != nil {
		s.addPrivate(*opt.Private)
	}
	return s, nil
}

// addDefaultVPC is laid out as AWS does: 172.31.0.0/16, a /20 per availability zone, a group that lets its members reach each other.
// https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
func (s *Service) addDefaultVPC() {
	owner, vpc, group := &s.opt.Account, s.id("vpc", ""), s.id("sg", "")
	s.vpcs = []types.Vpc{{VpcId: vpc, OwnerId: owner, State: types.VpcStateAvailable, CidrBlock: aws.String("172.31.0.0/16"),
		InstanceTenancy: types.TenancyDefault, IsDefault: aws.Bool(true)}}
	for i, zone := range []string{"a", "b", "c"} {
		s.subnets = append(s.subnets, types.Subnet{SubnetId: s.id("subnet", zone), VpcId: vpc, OwnerId: owner, State: types.SubnetStateAvailable,
			CidrBlock: aws.String(fmt.Sprintf("172.31.%d.0/20", 16*i)), AvailableIpAddressCount: aws.Int32(4091),
			AvailabilityZone: aws.String(s.opt.Region + zone), DefaultForAz: aws.Bool(true), MapPublicIpOnLaunch: aws.Bool(true)})
	}
	s.groups = []types.SecurityGroup{{GroupId: group, GroupName: aws.String("default"), Description: aws.String("default VPC security group"),
		VpcId: vpc, OwnerId: owner,
		IpPermissions:       []types.IpPermission{{IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{UserId: owner, GroupId: group}}}},
		IpPermissionsEgress: []types.IpPermission{{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}}}}
}

// id is the same in each process: a prefix and 17 hexadecimal digits.
func (s *Service) id(kind, name string) *string {
	sum := sha256.Sum256([]byte(s.opt.Account + s.opt.Region + kind + name))
	return aws.String(kind + "-0" + hex.EncodeToString(sum[:8]))
}

func (s *Service) describeVPCs(_ context.Context, in *ec2.DescribeVpcsInput) (*ec2.DescribeVpcsOutput, error) {
	found, err := look(s, s.vpcs, "VpcId", "InvalidVpcID", "vpc ID", in.VpcIds, in.Filters)
	return &ec2.DescribeVpcsOutput{Vpcs: found}, err
}

// describeVPCAttribute gives what VPCs here are never changed from: the default one has names for its hosts.
// https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
func (s *Service) describeVPCAttribute(_ context.Context, in *ec2.DescribeVpcAttributeInput) (*ec2.DescribeVpcAttributeOutput, error) {
	found, err := look(s, s.vpcs, "VpcId", "InvalidVpcID", "vpc ID", []string{aws.ToString(in.VpcId)}, nil)
	if err != nil {
		return nil, err
	}
	is := func(b bool) *types.AttributeBooleanValue { return &types.AttributeBooleanValue{Value: &b} }
	out := &ec2.DescribeVpcAttributeOutput{VpcId: in.VpcId}
	switch in.Attribute {
	case types.VpcAttributeNameEnableDnsSupport:
		out.EnableDnsSupport = is(true)
	case types.VpcAttributeNameEnableDnsHostnames:
		out.EnableDnsHostnames = is(aws.ToBool(found[0].IsDefault))
	case types.VpcAttributeNameEnableNetworkAddressUsageMetrics:
		out.EnableNetworkAddressUsageMetrics = is(false)
	}
	return out, nil
}

func (s *Service) describeSubnets(_ context.Context, in *ec2.DescribeSubnetsInput) (*ec2.DescribeSubnetsOutput, error) {
	found, err := look(s, s.subnets, "SubnetId", "InvalidSubnetID", "subnet ID", in.SubnetIds, in.Filters)
	return &ec2.DescribeSubnetsOutput{Subnets: found}, err
}

func (s *Service) describeGroups(_ context.Context, in *ec2.DescribeSecurityGroupsInput) (*ec2.DescribeSecurityGroupsOutput, error) {
	filters := in.Filters
	if len(in.GroupNames) > 0 {
		filters = append(filters, types.Filter{Name: aws.String("group-name"), Values: in.GroupNames})
	}
	found, err := look(s, s.groups, "GroupId", "InvalidGroup", "security group", in.GroupIds, filters)
	return &ec2.DescribeSecurityGroupsOutput{SecurityGroups: found}, err
}

// look picks from what the network has: nothing where the default VPC was removed.
func look[T any](s *Service, all []T, id, code, noun string, ids []string, filters []types.Filter) ([]T, error) {
	if s.opt.NoDefaultVPC != nil && s.opt.NoDefaultVPC() {
		all = nil
	}
	return pick(all, id, code, noun, ids, filters)
}

// pick is what has one of the ids (any where none is named) in its field id, and matches all filters. code and noun are for ids of nothing.
func pick[T any](all []T, id, code, noun string, ids []string, filters []types.Filter) ([]T, error) {
	for _, want := range ids {
		if !slices.ContainsFunc(all, func(t T) bool { have, _ := attribute(t, id); return have == want }) {
			return nil, wire.NewFault(http.StatusBadRequest, code+".NotFound", "The %s '%s' does not exist", noun, want)
		}
	}
	found := []T{}
	var none T
	for _, f := range filters {
		if _, known := attribute(none, aws.ToString(f.Name)); !known {
			return nil, wire.NewFault(http.StatusBadRequest, "InvalidParameterValue", "The filter '%s' is invalid", aws.ToString(f.Name))
		}
	}
	for _, t := range all {
		if have, _ := attribute(t, id); matches(t, filters) && (len(ids) == 0 || slices.Contains(ids, have)) {
			found = append(found, t)
		}
	}
	return found, nil
}

// matches tells whether one value of every filter fits, with the wildcards * and ?.
func matches(t any, filters []types.Filter) bool {
	return !slices.ContainsFunc(filters, func(f types.Filter) bool {
		have, _ := attribute(t, *f.Name)
		return !slices.ContainsFunc(f.Values, func(want string) bool {
			ok, err := path.Match(want, have)
			return want == have || ok && err == nil
		})
	})
}

// attribute is what a filter looks at: the field OwnerId for owner-id, IsDefault for is-default and isDefault.
func attribute(t any, filter string) (value string, ok bool) {
	if key, isTag := strings.CutPrefix(filter, "tag:"); isTag {
		if l, ok := t.(types.LaunchTemplate); ok { // nothing else here has tags
			for _, tag := range l.Tags {
				if aws.ToString(tag.Key) == key {
					return aws.ToString(tag.Value), true
				}
			}
		}
		return "", true
	}
	var field strings.Builder
	for word := range strings.SplitSeq(filter, "-") {
		if word != "" {
			field.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	f := reflect.ValueOf(t).FieldByName(field.String())
	switch {
	case !f.IsValid() || f.Kind() == reflect.Slice || f.Kind() == reflect.Struct:
		return "", false
	case f.Kind() == reflect.Pointer && f.IsNil():
		return "", true
	}
	return fmt.Sprint(reflect.Indirect(f).Interface()), true
}
