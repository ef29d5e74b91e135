package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkbatch "github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/provision"
)

// cmdPlant breaks one thing of the stack of the project in DIR, as people do in the console: plant DIR FAULT.
func cmdPlant(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || faultsOfStacks[args[1]] == nil {
		ts.Fatalf("usage: plant DIR FAULT")
	}
	p, err := project.Load(ts.MkAbs(args[0]), project.LoadOptions{Set: map[string]string{"region": worldOf(ts).server.Info().Region}})
	ts.Check(err)
	spec, err := provision.New(p, plan.Grants{})
	ts.Check(err)
	ts.Check(faultsOfStacks[args[1]](context.Background(), worldOf(ts).aws(), spec))
}

// updateEnvironment changes the only compute environment that there is.
func updateEnvironment(ctx context.Context, cfg aws.Config, in sdkbatch.UpdateComputeEnvironmentInput) error {
	c := sdkbatch.NewFromConfig(cfg)
	all, err := c.DescribeComputeEnvironments(ctx, &sdkbatch.DescribeComputeEnvironmentsInput{})
	if err != nil {
		return err
	}
	in.ComputeEnvironment = all.ComputeEnvironments[0].ComputeEnvironmentArn
	_, err = c.UpdateComputeEnvironment(ctx, &in)
	return err
}

type stackFault func(context.Context, aws.Config, provision.Spec) error

var faultsOfStacks = map[string]stackFault{
	"open-bucket": func(ctx context.Context, cfg aws.Config, s provision.Spec) error {
		_, err := newS3(cfg).DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: &s.Bucket})
		return err
	},
	"company-roles": func(ctx context.Context, cfg aws.Config, _ provision.Spec) error {
		c, name := iam.NewFromConfig(cfg), aws.String("acme-hosts")
		for role, has := range map[string]struct{ service, policy string }{
			"acme-jobs":  {"ecs-tasks", "AmazonS3ReadOnlyAccess"},
			"acme-hosts": {"ec2", "service-role/AmazonEC2ContainerServiceforEC2Role"},
		} {
			trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + has.service + `.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
			if _, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &role, AssumeRolePolicyDocument: &trust}); err != nil {
				return err
			}
			if err := attachPolicy(ctx, c, role, has.policy); err != nil {
				return err
			}
		}
		if _, err := c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: name}); err != nil {
			return err
		}
		_, err := c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: name, RoleName: name})
		return err
	},
	"company-roles-mended": func(ctx context.Context, cfg aws.Config, _ provision.Spec) error {
		return attachPolicy(ctx, iam.NewFromConfig(cfg), "acme-jobs", "AmazonS3FullAccess")
	},
	"no-log-group": func(ctx context.Context, cfg aws.Config, s provision.Spec) error {
		_, err := cloudwatchlogs.NewFromConfig(cfg).DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &s.LogGroup})
		return err
	},
	"short-retention": func(ctx context.Context, cfg aws.Config, s provision.Spec) error {
		_, err := cloudwatchlogs.NewFromConfig(cfg).PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &s.LogGroup, RetentionInDays: aws.Int32(1)})
		return err
	},
	"no-permissions": func(ctx context.Context, cfg aws.Config, s provision.Spec) error {
		return deletePolicies(ctx, iam.NewFromConfig(cfg), s.JobRole)
	},
	"no-job-role": func(ctx context.Context, cfg aws.Config, s provision.Spec) error {
		c := iam.NewFromConfig(cfg)
		if err := deletePolicies(ctx, c, s.JobRole); err != nil {
			return err
		}
		_, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &s.JobRole})
		return err
	},
	"empty-profile": func(ctx context.Context, cfg aws.Config, s provision.Spec) error {
		_, err := iam.NewFromConfig(cfg).RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: &s.InstanceProfile, RoleName: &s.InstanceRole})
		return err
	},
	"disabled-queue": func(ctx context.Context, cfg aws.Config, _ provision.Spec) error {
		c := sdkbatch.NewFromConfig(cfg)
		all, err := c.DescribeJobQueues(ctx, &sdkbatch.DescribeJobQueuesInput{})
		if err != nil {
			return err
		}
		_, err = c.UpdateJobQueue(ctx, &sdkbatch.UpdateJobQueueInput{JobQueue: all.JobQueues[0].JobQueueArn, State: batchtypes.JQStateDisabled})
		return err
	},
	"disabled-environment": func(ctx context.Context, cfg aws.Config, _ provision.Spec) error {
		return updateEnvironment(ctx, cfg, sdkbatch.UpdateComputeEnvironmentInput{State: batchtypes.CEStateDisabled})
	},
	"small-environment": func(ctx context.Context, cfg aws.Config, _ provision.Spec) error {
		return updateEnvironment(ctx, cfg, sdkbatch.UpdateComputeEnvironmentInput{ComputeResources: &batchtypes.ComputeResourceUpdate{MaxvCpus: aws.Int32(1)}})
	},
	"no-revision": func(ctx context.Context, cfg aws.Config, s provision.Spec) error {
		c := sdkbatch.NewFromConfig(cfg)
		out, err := c.DescribeJobDefinitions(ctx, &sdkbatch.DescribeJobDefinitionsInput{JobDefinitionName: &s.Name, Status: aws.String("ACTIVE")})
		if err != nil {
			return err
		}
		for _, j := range out.JobDefinitions {
			if _, err := c.DeregisterJobDefinition(ctx, &sdkbatch.DeregisterJobDefinitionInput{JobDefinition: j.JobDefinitionArn}); err != nil {
				return err
			}
		}
		return nil
	},
	"no-image": func(ctx context.Context, cfg aws.Config, s provision.Spec) error {
		c := ecr.NewFromConfig(cfg)
		out, err := c.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: &s.Repository})
		if err != nil {
			return err
		}
		for _, i := range out.ImageDetails {
			_, err := c.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: &s.Repository, ImageIds: []ecrtypes.ImageIdentifier{{ImageDigest: i.ImageDigest}}})
			if err != nil {
				return err
			}
		}
		return nil
	},
}

func attachPolicy(ctx context.Context, c *iam.Client, role, name string) error {
	_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: aws.String("arn:aws:iam::aws:policy/" + name)})
	return err
}

func deletePolicies(ctx context.Context, c *iam.Client, role string) error {
	out, err := c.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &role})
	if err != nil {
		return err
	}
	for _, name := range out.PolicyNames {
		if _, err := c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: &name}); err != nil {
			return fmt.Errorf("policy %s: %w", name, err)
		}
	}
	return nil
}
