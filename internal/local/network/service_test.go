package network_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/network"
	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

func serve(t *testing.T, opt network.Options) *ec2.Client {
	t.Helper()
	opt.Account, opt.Region = "123456789012", "eu-west-1"
	service, err := network.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return ec2.NewFromConfig(aws.Config{Region: opt.Region, BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
}

func filter(name string, values ...string) []types.Filter {
	return []types.Filter{{Name: &name, Values: values}}
}

func TestTheDefaultVPCIsFoundWithItsParts(t *testing.T) {
	c := serve(t, network.Options{})
	vpcs, err := c.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{Filters: filter("isDefault", "true")})
	if err != nil || len(vpcs.Vpcs) != 1 || !*vpcs.Vpcs[0].IsDefault {
		t.Fatalf("VPCs: %v, %v", vpcs, err)
	}
	id := *vpcs.Vpcs[0].VpcId
	subnets, err := c.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{Filters: filter("vpc-id", id)})
	if err != nil {
		t.Fatal(err)
	}
	var zones []string
	for _, n := range subnets.Subnets {
		zones = append(zones, *n.AvailabilityZone)
	}
	if diff := cmp.Diff([]string{"eu-west-1a", "eu-west-1b", "eu-west-1c"}, zones); diff != "" {
		t.Error(diff)
	}
	groups, err := c.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{Filters: append(filter("vpc-id", id), filter("group-name", "default")...)})
	if err != nil || len(groups.SecurityGroups) != 1 {
		t.Fatalf("groups: %v, %v", groups, err)
	}
	g := groups.SecurityGroups[0]
	if *g.IpPermissions[0].UserIdGroupPairs[0].GroupId != *g.GroupId || *g.IpPermissionsEgress[0].IpRanges[0].CidrIp != "0.0.0.0/0" {
		t.Errorf("rules of the default group: %+v", g)
	}
}

func TestAttributesOfVPCs(t *testing.T) {
	c := serve(t, network.Options{Private: &network.Private{}})
	vpcs, err := c.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	if err != nil {
		t.Fatal(err)
	}
	is := func(id *string, name types.VpcAttributeName) (string, *ec2.DescribeVpcAttributeOutput) {
		out, err := c.DescribeVpcAttribute(t.Context(), &ec2.DescribeVpcAttributeInput{VpcId: id, Attribute: name})
		return wiretest.Code(t, err), out
	}
	for _, vpc := range vpcs.Vpcs {
		_, support := is(vpc.VpcId, types.VpcAttributeNameEnableDnsSupport)
		_, names := is(vpc.VpcId, types.VpcAttributeNameEnableDnsHostnames)
		_, usage := is(vpc.VpcId, types.VpcAttributeNameEnableNetworkAddressUsageMetrics)
		got := []bool{*support.EnableDnsSupport.Value, *names.EnableDnsHostnames.Value, *usage.EnableNetworkAddressUsageMetrics.Value}
		if diff := cmp.Diff([]bool{true, *vpc.IsDefault, false}, got); diff != "" {
			t.Errorf("%s: %s", *vpc.VpcId, diff)
		}
	}
	if code, _ := is(aws.String("vpc-1"), types.VpcAttributeNameEnableDnsSupport); code != "InvalidVpcID.NotFound" {
		t.Errorf("an absent VPC: %q", code)
	}
}

func TestAnAccountWithoutDefaultVPC(t *testing.T) {
	c := serve(t, network.Options{NoDefaultVPC: func() bool { return true }})
	got, err := c.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{Filters: filter("is-default", "true")})
	if err != nil || len(got.Vpcs) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = c.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{Filters: filter("isDefalt", "true")})
	if wiretest.Code(t, err) != "InvalidParameterValue" {
		t.Errorf("an unknown filter: %v", err)
	}
}

func TestWhatDoesNotExistIsNamed(t *testing.T) {
	c := serve(t, network.Options{})
	_, vpc := c.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-1"}})
	_, subnet := c.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{"subnet-1"}})
	_, group := c.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{"sg-1"}})
	_, create := c.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	got := []string{wiretest.Code(t, vpc), wiretest.Code(t, subnet), wiretest.Code(t, group), wiretest.Code(t, create)}
	if diff := cmp.Diff([]string{"InvalidVpcID.NotFound", "InvalidSubnetID.NotFound", "InvalidGroup.NotFound", "InvalidAction"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFiltersTakeWildcards(t *testing.T) {
	c := serve(t, network.Options{})
	subnets, err := c.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{Filters: filter("availability-zone", "*b", "*c")})
	if err != nil || len(subnets.Subnets) != 2 {
		t.Errorf("subnets: %v, %v", subnets, err)
	}
}

func TestDeniedLookUps(t *testing.T) {
	c := serve(t, network.Options{Denied: func(_ context.Context, action, _ string, _ map[string]string) bool {
		return action == "ec2:DescribeVpcs"
	}})
	_, err := c.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	if wiretest.Code(t, err) != "UnauthorizedOperation" {
		t.Errorf("got %v", err)
	}
}

func TestOperationNamesTheAction(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("Action=DescribeVpcs&Version=2016-11-15"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	service, err := network.New(network.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if name, mutating := service.Operation(r); name != "DescribeVpcs" || mutating {
		t.Errorf("got %s, %v", name, mutating)
	}
}
