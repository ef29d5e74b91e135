package network

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Private is a VPC that a test or a fault script lays out besides the default one: two private subnets, the first in zone a.
type Private struct {
	NAT       bool     // their route table leads out through a NAT gateway
	Endpoints []string // services that have an endpoint, such as ecr.api; s3 has one of kind Gateway, in their route table
}

// addRoutes gives the default VPC its way out: an internet gateway in its main route table.
// https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
func (s *Service) addRoutes() {
	vpc := s.vpcs[0].VpcId
	s.tables = []types.RouteTable{{RouteTableId: s.id("rtb", ""), VpcId: vpc, OwnerId: &s.opt.Account,
		Associations: []types.RouteTableAssociation{{Main: aws.Bool(true), RouteTableAssociationId: s.id("rtbassoc", ""), RouteTableId: s.id("rtb", "")}},
		Routes:       []types.Route{s.within("172.31.0.0/16"), {DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: s.id("igw", ""), State: types.RouteStateActive, Origin: types.RouteOriginCreateRoute}}}}
}

func (s *Service) within(cidr string) types.Route {
	return types.Route{DestinationCidrBlock: &cidr, GatewayId: aws.String("local"), State: types.RouteStateActive, Origin: types.RouteOriginCreateRouteTable}
}

// addPrivate lays out the private VPC.
func (s *Service) addPrivate(p Private) {
	owner, vpc, table, group := &s.opt.Account, s.id("vpc", "private"), s.id("rtb", "private"), s.id("sg", "private")
	s.vpcs = append(s.vpcs, types.Vpc{VpcId: vpc, OwnerId: owner, State: types.VpcStateAvailable, CidrBlock: aws.String("10.0.0.0/16"),
		InstanceTenancy: types.TenancyDefault, IsDefault: aws.Bool(false)})
	var associations []types.RouteTableAssociation
	var ids []string
	for _, zone := range []string{"a", "b"} {
		subnet := s.id("subnet", "private"+zone)
		ids = append(ids, *subnet)
		s.subnets = append(s.subnets, types.Subnet{SubnetId: subnet, VpcId: vpc, OwnerId: owner, State: types.SubnetStateAvailable,
			CidrBlock: aws.String("10.0." + map[string]string{"a": "0", "b": "16"}[zone] + ".0/20"), AvailableIpAddressCount: aws.Int32(4091),
			AvailabilityZone: aws.String(s.opt.Region + zone), DefaultForAz: aws.Bool(false), MapPublicIpOnLaunch: aws.Bool(false)})
		associations = append(associations, types.RouteTableAssociation{Main: aws.Bool(false), RouteTableAssociationId: s.id("rtbassoc", zone), RouteTableId: table, SubnetId: subnet})
	}
	routes := []types.Route{s.within("10.0.0.0/16")}
	if p.NAT {
		routes = append(routes, types.Route{DestinationCidrBlock: aws.String("0.0.0.0/0"), NatGatewayId: s.id("nat", ""), State: types.RouteStateActive, Origin: types.RouteOriginCreateRoute})
	}
	s.tables = append(s.tables, types.RouteTable{RouteTableId: table, VpcId: vpc, OwnerId: owner, Associations: associations, Routes: routes})
	s.groups = append(s.groups, types.SecurityGroup{GroupId: group, GroupName: aws.String("default"), Description: aws.String("default VPC security group"), VpcId: vpc, OwnerId: owner,
		IpPermissionsEgress: []types.IpPermission{{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}}})
	for _, name := range p.Endpoints {
		e := types.VpcEndpoint{VpcEndpointId: s.id("vpce", name), VpcId: vpc, OwnerId: owner, State: "available",
			ServiceName: aws.String("com.amazonaws." + s.opt.Region + "." + name), VpcEndpointType: types.VpcEndpointTypeInterface, SubnetIds: ids, PrivateDnsEnabled: aws.Bool(true)}
		if name == "s3" {
			e.VpcEndpointType, e.RouteTableIds, e.SubnetIds, e.PrivateDnsEnabled = types.VpcEndpointTypeGateway, []string{*table}, nil, aws.Bool(false)
		}
		s.endpoints = append(s.endpoints, e)
	}
}

// inTable are the filters on the associations of a route table, which are members of a list.
var inTable = map[string]func(types.RouteTableAssociation) string{
	"association.subnet-id": func(a types.RouteTableAssociation) string { return aws.ToString(a.SubnetId) },
	"association.main": func(a types.RouteTableAssociation) string {
		return map[bool]string{true: "true", false: "false"}[aws.ToBool(a.Main)]
	},
}

func (s *Service) describeRouteTables(_ context.Context, in *ec2.DescribeRouteTablesInput) (*ec2.DescribeRouteTablesOutput, error) {
	var plain, members []types.Filter
	for _, f := range in.Filters {
		if inTable[aws.ToString(f.Name)] != nil {
			members = append(members, f)
		} else {
			plain = append(plain, f)
		}
	}
	found, err := look(s, s.tables, "RouteTableId", "InvalidRouteTableID", "routeTable ID", in.RouteTableIds, plain)
	for _, f := range members {
		found = slices.DeleteFunc(found, func(t types.RouteTable) bool {
			return !slices.ContainsFunc(t.Associations, func(a types.RouteTableAssociation) bool { return slices.Contains(f.Values, inTable[*f.Name](a)) })
		})
	}
	return &ec2.DescribeRouteTablesOutput{RouteTables: found}, err
}

func (s *Service) describeEndpoints(_ context.Context, in *ec2.DescribeVpcEndpointsInput) (*ec2.DescribeVpcEndpointsOutput, error) {
	filters := slices.Clone(in.Filters)
	for i, f := range filters {
		if aws.ToString(f.Name) == "vpc-endpoint-state" {
			filters[i].Name = aws.String("state")
		}
	}
	found, err := look(s, s.endpoints, "VpcEndpointId", "InvalidVpcEndpointId", "Vpc Endpoint Id", in.VpcEndpointIds, filters)
	return &ec2.DescribeVpcEndpointsOutput{VpcEndpoints: found}, err
}
