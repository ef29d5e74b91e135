package provision

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local"
	localnetwork "github.com/kedroctl/kedroctl/internal/local/network"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// vpcs are the ids of the default VPC and of the private one.
func vpcs(t *testing.T, a *testAWS) (theDefault, private string) {
	t.Helper()
	for _, v := range must(t, a.EC2.DescribeVpcs, &ec2.DescribeVpcsInput{}).Vpcs {
		if aws.ToBool(v.IsDefault) {
			theDefault = *v.VpcId
		} else {
			private = *v.VpcId
		}
	}
	return theDefault, private
}

func TestPrivateSubnetsAreChecked(t *testing.T) {
	tasks := []string{"ecr.api", "ecr.dkr", "logs", "s3"}
	instances := append([]string{"ecs", "ecs-agent", "ecs-telemetry"}, tasks...)
	for name, test := range map[string]struct {
		private localnetwork.Private
		kind    string
		secret  string
		missing []string // services; nil: jobs reach all that they need
	}{
		"NAT":                            {private: localnetwork.Private{NAT: true}, kind: project.EC2},
		"NAT, Fargate":                   {private: localnetwork.Private{NAT: true}, kind: project.Fargate},
		"endpoints for instances":        {private: localnetwork.Private{Endpoints: instances}, kind: project.Spot},
		"endpoints for tasks":            {private: localnetwork.Private{Endpoints: tasks}, kind: project.FargateSpot},
		"shut off":                       {kind: project.EC2, missing: []string{"ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs", "s3"}},
		"those of tasks for instances":   {private: localnetwork.Private{Endpoints: tasks}, kind: project.EC2, missing: []string{"ecs", "ecs-agent", "ecs-telemetry"}},
		"no S3":                          {private: localnetwork.Private{Endpoints: tasks[:3]}, kind: project.Fargate, missing: []string{"s3"}},
		"a secret needs another":         {private: localnetwork.Private{Endpoints: tasks}, kind: project.Fargate, secret: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-AbCdEf", missing: []string{"secretsmanager"}},
		"and a parameter another of its": {private: localnetwork.Private{Endpoints: tasks}, kind: project.Fargate, secret: "arn:aws:ssm:eu-west-1:123456789012:parameter/x", missing: []string{"ssm"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := embedded(t, func(o *local.Options) { o.Network = &test.private })
			_, vpc := vpcs(t, a)
			s := testSpec(t, func(p *project.Project) {
				p.Settings.Compute.Type, p.Settings.AWS.VPC = test.kind, vpc
				if test.secret != "" {
					p.Settings.Job.Secrets = map[string]string{"X": test.secret}
				}
			})
			res, err := Apply(t.Context(), a.Clients, s, &steps{})
			if test.missing == nil {
				if err != nil || res.PublicIP {
					t.Errorf("public IP %v, %v", res.PublicIP, err)
				}
				return
			}
			e, ok := errors.AsType[*noWayError](err)
			if !ok {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.missing, e.missing); diff != "" || len(e.subnets) != 2 {
				t.Errorf("subnets %v, missing (-want +got):\n%s", e.subnets, diff)
			}
			for _, service := range test.missing {
				want := " --vpc-id " + vpc + " --service-name com.amazonaws.eu-west-1." + service + " --vpc-endpoint-type "
				if !strings.Contains(ui.Hint(err), want) {
					t.Errorf("hint %q has no %q", ui.Hint(err), want)
				}
			}
			if strings.Count(ui.Hint(err), "create-vpc-endpoint") != len(test.missing) {
				t.Errorf("hint %q", ui.Hint(err))
			}
			found := Examine(t.Context(), a.Clients, s)
			if !hasFinding(found, CodeNoRoute) {
				t.Errorf("findings %+v", found)
			}
		})
	}
}

func hasFinding(all []plan.Finding, code string) bool {
	for _, f := range all {
		if f.Code == code {
			return true
		}
	}
	return false
}

func TestNamedNetworks(t *testing.T) {
	a := embedded(t, func(o *local.Options) { o.Network = &localnetwork.Private{NAT: true} })
	theDefault, private := vpcs(t, a)
	in := func(vpc string) (subnets, groups []string) {
		filter := []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{vpc}}}
		for _, n := range must(t, a.EC2.DescribeSubnets, &ec2.DescribeSubnetsInput{Filters: filter}).Subnets {
			subnets = append(subnets, *n.SubnetId)
		}
		for _, g := range must(t, a.EC2.DescribeSecurityGroups, &ec2.DescribeSecurityGroupsInput{Filters: filter}).SecurityGroups {
			groups = append(groups, *g.GroupId)
		}
		return subnets, groups
	}
	open, openGroups := in(theDefault)
	shut, shutGroups := in(private)
	for name, test := range map[string]struct {
		aws    project.AWSSettings
		want   string // of the error
		public bool
	}{
		"public subnets":             {aws: project.AWSSettings{Subnets: open[:2], SecurityGroups: openGroups}, public: true},
		"private subnets":            {aws: project.AWSSettings{Subnets: shut, SecurityGroups: shutGroups}},
		"a VPC":                      {aws: project.AWSSettings{VPC: private}},
		"a VPC, and subnets in it":   {aws: project.AWSSettings{VPC: private, Subnets: shut[:1]}},
		"no such VPC":                {aws: project.AWSSettings{VPC: "vpc-0123456789abcdef0"}, want: "vpc-0123456789abcdef0"},
		"subnets of another VPC":     {aws: project.AWSSettings{VPC: private, Subnets: open}, want: "subnets lie in two VPCs"},
		"a group of another VPC":     {aws: project.AWSSettings{Subnets: shut, SecurityGroups: openGroups}, want: "security group " + openGroups[0] + " lies in " + theDefault},
		"subnets of two VPCs":        {aws: project.AWSSettings{Subnets: []string{shut[0], open[0]}}, want: "subnets lie in two VPCs"},
		"a subnet that is not there": {aws: project.AWSSettings{Subnets: []string{"subnet-0"}}, want: "subnet-0"},
	} {
		t.Run(name, func(t *testing.T) {
			s := testSpec(t, func(p *project.Project) { p.Settings.AWS, p.Settings.Compute.Type = test.aws, project.Fargate })
			res, err := Apply(t.Context(), a.Clients, s, &steps{})
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || ui.Hint(err) == "" {
					t.Errorf("error %v, hint %q", err, ui.Hint(err))
				}
				return
			}
			if err != nil || res.PublicIP != test.public {
				t.Errorf("public IP %v, %v", res.PublicIP, err)
			}
			if found, err := FindDefinition(t.Context(), a.Clients, s); err != nil || found.PublicIP != test.public {
				t.Errorf("found: public IP %v, %v", found.PublicIP, err)
			}
		})
	}
}
