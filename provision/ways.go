package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// ways are how what starts in the subnets of a VPC reaches AWS's services.
type ways struct {
	vpc       string
	tables    []ec2types.RouteTable
	endpoints []ec2types.VpcEndpoint
}

// Services that jobs need before their code starts: what ECS pulls an image and writes a log with and, on instances, how these register.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html
var (
	taskServices     = []string{"ecr.api", "ecr.dkr", "logs", "s3"}
	instanceServices = []string{"ecs", "ecs-agent", "ecs-telemetry"}
)

// services are those that the stack's jobs need, with those that their secrets are in.
func (s Spec) services() []string {
	all := slices.Clone(taskServices)
	if !s.onFargate() {
		all = append(all, instanceServices...)
	}
	for _, arn := range s.Secrets {
		if strings.Contains(arn, ":ssm:") {
			all = append(all, "ssm")
		} else {
			all = append(all, "secretsmanager")
		}
	}
	return union(all, nil)
}

// findWays looks at the route tables and the endpoints of a VPC.
func (c Clients) findWays(ctx context.Context, vpc string) (ways, error) {
	w := ways{vpc: vpc}
	in := []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{vpc}}}
	tables := ec2.NewDescribeRouteTablesPaginator(c.EC2, &ec2.DescribeRouteTablesInput{Filters: in})
	for tables.HasMorePages() {
		page, err := tables.NextPage(ctx)
		if err != nil {
			return w, fmt.Errorf("find its routes: %w", err)
		}
		w.tables = append(w.tables, page.RouteTables...)
	}
	endpoints := ec2.NewDescribeVpcEndpointsPaginator(c.EC2, &ec2.DescribeVpcEndpointsInput{Filters: in})
	for endpoints.HasMorePages() {
		page, err := endpoints.NextPage(ctx)
		if err != nil {
			return w, fmt.Errorf("find its endpoints: %w", err)
		}
		w.endpoints = append(w.endpoints, page.VpcEndpoints...)
	}
	return w, nil
}

// table is the route table of a subnet: its own, else the main one of the VPC.
func (w ways) table(subnet string) ec2types.RouteTable {
	var main ec2types.RouteTable
	for _, t := range w.tables {
		for _, a := range t.Associations {
			if aws.ToString(a.SubnetId) == subnet {
				return t
			}
			if aws.ToBool(a.Main) {
				main = t
			}
		}
	}
	return main
}

// out says where a subnet's packets for the internet go: to an internet gateway, or another way that needs no public address. A route to what was
// removed leads nowhere.
func (w ways) out(subnet string) (gateway, other bool) {
	for _, r := range w.table(subnet).Routes {
		if aws.ToString(r.DestinationCidrBlock) != "0.0.0.0/0" || r.State == ec2types.RouteStateBlackhole {
			continue
		}
		if strings.HasPrefix(aws.ToString(r.GatewayId), "igw-") {
			return true, false
		}
		return false, true
	}
	return false, false
}

// public says whether one of the subnets is public: what starts there on Fargate needs a public IP, and can have one.
func (w ways) public(subnets []ec2types.Subnet) bool {
	return slices.ContainsFunc(subnets, func(s ec2types.Subnet) bool {
		gateway, _ := w.out(aws.ToString(s.SubnetId))
		return gateway || isPublic(s)
	})
}

// lacks are the services that have no endpoint which a subnet can use.
func (w ways) lacks(subnet, region string, services []string) []string {
	table := aws.ToString(w.table(subnet).RouteTableId)
	return slices.DeleteFunc(slices.Clone(services), func(service string) bool {
		return slices.ContainsFunc(w.endpoints, func(e ec2types.VpcEndpoint) bool {
			named := strings.HasSuffix(aws.ToString(e.ServiceName), "."+region+"."+service)
			usable := aws.ToBool(e.PrivateDnsEnabled)
			if e.VpcEndpointType == ec2types.VpcEndpointTypeGateway {
				usable = slices.Contains(e.RouteTableIds, table)
			}
			return named && usable && strings.EqualFold(string(e.State), string(ec2types.StateAvailable))
		})
	})
}

// noWayError is a network from which jobs would not reach what they need to start: they would stay RUNNABLE, or fail before their code runs.
type noWayError struct {
	vpc, region     string
	subnets, tables []string
	missing         []string // services without an endpoint
	why             string
}

func (e *noWayError) Error() string {
	return fmt.Sprintf("what starts in %s %s, and the VPC has no endpoints for %s", strings.Join(e.subnets, ", "), e.why, strings.Join(e.missing, ", "))
}

// Hint is the next step: a NAT gateway, or exactly these endpoints.
func (e *noWayError) Hint() string {
	lines := []string{"name other subnets in [tool.kedroctl.aws], give these a NAT gateway, or make the endpoints, whose security group takes port 443 from the jobs:"}
	for _, service := range e.missing {
		call := "aws ec2 create-vpc-endpoint --region " + e.region + " --vpc-id " + e.vpc + " --service-name com.amazonaws." + e.region + "." + service
		if service == "s3" {
			call += " --vpc-endpoint-type Gateway --route-table-ids " + strings.Join(e.tables, " ")
		} else {
			call += " --vpc-endpoint-type Interface --private-dns-enabled --subnet-ids " + strings.Join(e.subnets, " ")
		}
		lines = append(lines, "  "+call)
	}
	return strings.Join(lines, "\n")
}

// check looks whether what starts in named subnets reaches the services. Instances without a public address reach nothing through an internet gateway; tasks on
// Fargate get one where there is such a gateway.
func (w ways) check(subnets []ec2types.Subnet, s Spec) error {
	e := &noWayError{vpc: w.vpc, region: s.Region}
	for _, n := range subnets {
		id := aws.ToString(n.SubnetId)
		gateway, other := w.out(id)
		if other || gateway && (s.onFargate() || isPublic(n)) {
			continue
		}
		missing := w.lacks(id, s.Region, s.services())
		if len(missing) == 0 {
			continue
		}
		e.why = "has no route out"
		if gateway {
			e.why = "gets no public address, without which the internet gateway is of no use"
		}
		e.subnets, e.missing = append(e.subnets, id), union(e.missing, missing)
		e.tables = union(e.tables, []string{aws.ToString(w.table(id).RouteTableId)})
	}
	if e.subnets == nil {
		return nil
	}
	return e
}

func noWay(err error) *noWayError {
	e, _ := errors.AsType[*noWayError](err)
	return e
}
