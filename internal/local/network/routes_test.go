package network_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/network"
	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

// routesOf are where the packets of a subnet go, by its own table or the main one.
func routesOf(t *testing.T, c *ec2.Client, filters []types.Filter) map[string]string {
	t.Helper()
	out, err := c.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{Filters: filters})
	if err != nil || len(out.RouteTables) != 1 {
		t.Fatalf("route tables: %v, %v", out, err)
	}
	routes := map[string]string{}
	for _, r := range out.RouteTables[0].Routes {
		to := aws.ToString(r.GatewayId) + aws.ToString(r.NatGatewayId)
		routes[*r.DestinationCidrBlock] = to[:min(4, len(to))]
	}
	return routes
}

func TestRoutesOfTheDefaultVPCLeadOut(t *testing.T) {
	c := serve(t, network.Options{})
	got := routesOf(t, c, filter("association.main", "true"))
	if diff := cmp.Diff(map[string]string{"172.31.0.0/16": "loca", "0.0.0.0/0": "igw-"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAPrivateVPC(t *testing.T) {
	for name, test := range map[string]struct {
		private network.Private
		routes  map[string]string
		types   map[string]types.VpcEndpointType
	}{
		"shut off":  {network.Private{}, map[string]string{"10.0.0.0/16": "loca"}, map[string]types.VpcEndpointType{}},
		"NAT":       {network.Private{NAT: true}, map[string]string{"10.0.0.0/16": "loca", "0.0.0.0/0": "nat-"}, map[string]types.VpcEndpointType{}},
		"endpoints": {network.Private{Endpoints: []string{"s3", "logs"}}, map[string]string{"10.0.0.0/16": "loca"}, map[string]types.VpcEndpointType{"com.amazonaws.eu-west-1.s3": "Gateway", "com.amazonaws.eu-west-1.logs": "Interface"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, network.Options{Private: &test.private})
			vpcs, err := c.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{Filters: filter("is-default", "false")})
			if err != nil || len(vpcs.Vpcs) != 1 {
				t.Fatalf("VPCs: %v, %v", vpcs, err)
			}
			in := filter("vpc-id", *vpcs.Vpcs[0].VpcId)
			subnets, err := c.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{Filters: in})
			if err != nil || len(subnets.Subnets) != 2 || *subnets.Subnets[0].MapPublicIpOnLaunch {
				t.Fatalf("subnets: %v, %v", subnets, err)
			}
			got := routesOf(t, c, append(in, filter("association.subnet-id", *subnets.Subnets[1].SubnetId)...))
			if diff := cmp.Diff(test.routes, got); diff != "" {
				t.Errorf("routes (-want +got):\n%s", diff)
			}
			out, err := c.DescribeVpcEndpoints(t.Context(), &ec2.DescribeVpcEndpointsInput{Filters: append(in, filter("vpc-endpoint-state", "available")...)})
			if err != nil {
				t.Fatal(err)
			}
			kinds := map[string]types.VpcEndpointType{}
			for _, e := range out.VpcEndpoints {
				kinds[*e.ServiceName] = e.VpcEndpointType
				if gateway := e.VpcEndpointType == types.VpcEndpointTypeGateway; gateway != (len(e.RouteTableIds) == 1) || gateway == aws.ToBool(e.PrivateDnsEnabled) {
					t.Errorf("endpoint %+v", e)
				}
			}
			if diff := cmp.Diff(test.types, kinds); diff != "" {
				t.Errorf("endpoints (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnknownTablesAndEndpoints(t *testing.T) {
	c := serve(t, network.Options{})
	_, table := c.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{RouteTableIds: []string{"rtb-1"}})
	_, endpoint := c.DescribeVpcEndpoints(t.Context(), &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{"vpce-1"}})
	_, filtered := c.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{Filters: filter("association.subnet", "x")})
	got := []string{wiretest.Code(t, table), wiretest.Code(t, endpoint), wiretest.Code(t, filtered)}
	if diff := cmp.Diff([]string{"InvalidRouteTableID.NotFound", "InvalidVpcEndpointId.NotFound", "InvalidParameterValue"}, got); diff != "" {
		t.Error(diff)
	}
}
