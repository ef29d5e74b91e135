package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// network is where instances start: what the settings name, else the subnets and the security group of the default VPC. Nothing of it is made.
type network struct {
	Clients
	spec Spec

	subnets, groups []string // found
	public          bool     // whether tasks need a public IP, and get one
}

const networkHint = "set vpc, or subnets and security_groups, in [tool.kedroctl.aws], or make a default VPC: aws ec2 create-default-vpc"

func (n *network) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindNetwork, Name: cmp.Or(n.spec.Existing.VPC, strings.Join(n.spec.Existing.Subnets, ","), "of the default VPC"), State: Existing}
	vpc, err := n.findSubnets(ctx)
	if err != nil {
		return is, nil, err
	}
	is.Name = vpc
	return is, nil, n.findGroups(ctx, vpc)
}

// named says whether the settings name the network. In the default VPC there is a way out, as AWS makes it.
func (n *network) named() bool { return n.spec.Existing.VPC != "" || len(n.spec.Existing.Subnets) > 0 }

// findSubnets gives their VPC.
func (n *network) findSubnets(ctx context.Context) (vpc string, err error) {
	in := &ec2.DescribeSubnetsInput{SubnetIds: n.spec.Existing.Subnets}
	if len(in.SubnetIds) == 0 {
		if vpc, err = n.findVPC(ctx); err != nil {
			return "", err
		}
		in.Filters = []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{vpc}}}
	}
	out, err := n.EC2.DescribeSubnets(ctx, in)
	if hasCode(err, "InvalidSubnetID.NotFound", "InvalidSubnetID.Malformed", "InvalidSubnetId.Malformed") {
		return "", ui.WithHint(errors.New(message(err)), "correct subnets in [tool.kedroctl.aws]")
	}
	if err != nil {
		return "", fmt.Errorf("find subnets: %w", err)
	}
	if len(out.Subnets) == 0 {
		return "", ui.WithHint(fmt.Errorf("%s has no subnet", vpc), networkHint)
	}
	return n.takeSubnets(ctx, out.Subnets)
}

// takeSubnets leaves out subnets that people added to the default VPC, which may have no way out.
func (n *network) takeSubnets(ctx context.Context, subnets []ec2types.Subnet) (string, error) {
	vpc := cmp.Or(n.spec.Existing.VPC, aws.ToString(subnets[0].VpcId))
	isDefault := func(s ec2types.Subnet) bool { return aws.ToBool(s.DefaultForAz) }
	onlyDefault := !n.named() && slices.ContainsFunc(subnets, isDefault)
	for _, s := range subnets {
		if aws.ToString(s.VpcId) != vpc {
			return "", ui.WithHint(fmt.Errorf("subnets lie in two VPCs, %s and %s", vpc, aws.ToString(s.VpcId)), "name subnets of one VPC in [tool.kedroctl.aws]")
		}
		if !onlyDefault || isDefault(s) {
			n.subnets = append(n.subnets, aws.ToString(s.SubnetId))
		}
	}
	slices.Sort(n.subnets)
	if !n.named() && !n.spec.onFargate() {
		return vpc, nil
	}
	w, err := n.findWays(ctx, vpc)
	if err != nil {
		return "", err
	}
	n.public = w.public(subnets)
	if !n.named() {
		return vpc, nil
	}
	return vpc, w.check(subnets, n.spec)
}

// isPublic says whether a subnet gives its instances public IPs, as those of a default VPC do. Tasks on Fargate get one only where they ask for it, and
// reach no registry without in such a subnet: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
func isPublic(s ec2types.Subnet) bool { return aws.ToBool(s.MapPublicIpOnLaunch) }

// findVPC is that of the settings, else the default one.
func (n *network) findVPC(ctx context.Context) (string, error) {
	if id := n.spec.Existing.VPC; id != "" {
		_, err := n.EC2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{id}})
		if hasCode(err, "InvalidVpcID.NotFound", "InvalidVpcID.Malformed") {
			return "", ui.WithHint(errors.New(message(err)), "correct vpc in [tool.kedroctl.aws]")
		}
		if err != nil {
			return "", fmt.Errorf("find VPC: %w", err)
		}
		return id, nil
	}
	return n.defaultVPC(ctx)
}

func (n *network) defaultVPC(ctx context.Context) (string, error) {
	out, err := n.EC2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: []ec2types.Filter{{Name: aws.String("isDefault"), Values: []string{"true"}}}})
	if err != nil {
		return "", fmt.Errorf("find default VPC: %w", err)
	}
	if len(out.Vpcs) == 0 {
		return "", ui.WithHint(errors.New("the account has no default VPC in this region"), networkHint)
	}
	return aws.ToString(out.Vpcs[0].VpcId), nil
}

func (n *network) findGroups(ctx context.Context, vpc string) error {
	in := &ec2.DescribeSecurityGroupsInput{GroupIds: n.spec.Existing.SecurityGroups}
	if len(in.GroupIds) == 0 {
		in.Filters = []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{vpc}}, {Name: aws.String("group-name"), Values: []string{"default"}}}
	}
	out, err := n.EC2.DescribeSecurityGroups(ctx, in)
	if hasCode(err, "InvalidGroup.NotFound", "InvalidGroupId.Malformed", "InvalidGroupId.NotFound") {
		return ui.WithHint(errors.New(message(err)), "correct security_groups in [tool.kedroctl.aws]")
	}
	if err != nil {
		return fmt.Errorf("find security groups: %w", err)
	}
	for _, g := range out.SecurityGroups {
		if aws.ToString(g.VpcId) != vpc {
			return ui.WithHint(fmt.Errorf("security group %s lies in %s, and the subnets in %s", aws.ToString(g.GroupId), aws.ToString(g.VpcId), vpc), "correct security_groups in [tool.kedroctl.aws]")
		}
		n.groups = append(n.groups, aws.ToString(g.GroupId))
	}
	if len(n.groups) == 0 {
		return ui.WithHint(fmt.Errorf("%s has no security group named default", vpc), networkHint)
	}
	slices.Sort(n.groups)
	return nil
}
