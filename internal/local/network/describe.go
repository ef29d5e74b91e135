package network

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

func (s *Service) describeVPCs(_ context.Context, in *ec2.DescribeVpcsInput) (*vpcsAnswer, error) {
	found, err := look(s.vpcs, in.VpcIds, in.Filters, "InvalidVpcID.NotFound", "The vpc ID '%s' does not exist")
	return &vpcsAnswer{VPCs: found}, err
}

func (s *Service) describeSubnets(_ context.Context, in *ec2.DescribeSubnetsInput) (*subnetsAnswer, error) {
	found, err := look(s.subnets, in.SubnetIds, in.Filters, "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist")
	return &subnetsAnswer{Subnets: found}, err
}

func (s *Service) describeGroups(_ context.Context, in *ec2.DescribeSecurityGroupsInput) (*groupsAnswer, error) {
	filters := in.Filters
	if len(in.GroupNames) > 0 {
		filters = append(filters, types.Filter{Name: aws.String("group-name"), Values: in.GroupNames})
	}
	found, err := look(s.groups, in.GroupIds, filters, "InvalidGroup.NotFound", "The security group '%s' does not exist")
	return &groupsAnswer{Groups: found}, err
}

// describeOfferings offers whatever type is asked for, as there is no machine of any type here.
func (s *Service) describeOfferings(_ context.Context, in *ec2.DescribeInstanceTypeOfferingsInput) (*offeringsAnswer, error) {
	out := &offeringsAnswer{}
	for _, f := range in.Filters {
		if aws.ToString(f.Name) != "instance-type" {
			return nil, invalidFilter(f)
		}
		for _, t := range f.Values {
			out.Offerings = append(out.Offerings, offering{t, "region", s.opt.Region})
		}
	}
	return out, nil
}

// thing is a resource with an id and the attributes by which it can be filtered.
type thing interface {
	id() string
	attributes() map[string]string
}

// look is what has one of the ids (any where none is named) and matches all filters.
func look[T thing](all []T, ids []string, filters []types.Filter, code, text string) ([]T, error) {
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(t T) bool { return t.id() == id }) {
			return nil, wire.NewFault(http.StatusBadRequest, code, text, id)
		}
	}
	var none T
	for _, f := range filters {
		if _, known := none.attributes()[aws.ToString(f.Name)]; !known {
			return nil, invalidFilter(f)
		}
	}
	var found []T
	for _, t := range all {
		if matches(t.attributes(), filters) && (len(ids) == 0 || slices.Contains(ids, t.id())) {
			found = append(found, t)
		}
	}
	return found, nil
}

// matches tells whether one value of every filter fits, with the wildcards * and ?.
func matches(attributes map[string]string, filters []types.Filter) bool {
	for _, f := range filters {
		have := attributes[*f.Name]
		if !slices.ContainsFunc(f.Values, func(want string) bool {
			ok, err := path.Match(want, have)
			return want == have || ok && err == nil
		}) {
			return false
		}
	}
	return true
}

func invalidFilter(f types.Filter) error {
	return wire.NewFault(http.StatusBadRequest, "InvalidParameterValue", "The filter '%s' is invalid", aws.ToString(f.Name))
}

func (v vpc) id() string    { return v.VPCID }
func (n subnet) id() string { return n.SubnetID }
func (g group) id() string  { return g.GroupID }

func (v vpc) attributes() map[string]string {
	return map[string]string{"vpc-id": v.VPCID, "is-default": strconv.FormatBool(v.Default), "isDefault": strconv.FormatBool(v.Default),
		"state": v.State, "cidr": v.CIDR, "owner-id": v.Owner}
}

func (n subnet) attributes() map[string]string {
	return map[string]string{"subnet-id": n.SubnetID, "vpc-id": n.VPCID, "default-for-az": strconv.FormatBool(n.DefaultForZone),
		"availability-zone": n.Zone, "state": n.State, "owner-id": n.Owner}
}

func (g group) attributes() map[string]string {
	return map[string]string{"group-id": g.GroupID, "group-name": g.Name, "vpc-id": g.VPCID, "owner-id": g.Owner}
}
