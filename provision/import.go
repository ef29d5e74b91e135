package provision

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// Imports tells what of the stack's own stands in the account: the ids by which Terraform imports it, by the addresses that Terraform's configuration gives
// it. What is not tagged as the stack's is not among it, and nothing is changed.
func Imports(ctx context.Context, c Clients, s Spec) (map[string]string, error) {
	all, err := Inventory(ctx, c, s)
	if err != nil {
		return nil, err
	}
	i := imports{c, s, map[string]string{}}
	for _, l := range all {
		if l.Ours && l.State != Absent {
			if err := i.add(ctx, l); err != nil {
				return nil, explain(l.String(), err)
			}
		}
	}
	return i.ids, nil
}

type imports struct {
	Clients
	spec Spec
	ids  map[string]string
}

// add takes a resource that is named as the configuration names it, and what belongs to it.
func (i imports) add(ctx context.Context, l Listed) error {
	switch l.Kind {
	case KindBucket:
		i.ids["aws_s3_bucket.data"] = l.Name
		return i.rules(ctx)
	case KindRepository:
		i.ids["aws_ecr_repository.images"] = l.Name
		_, err := i.ECR.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: &l.Name})
		if err == nil {
			i.ids["aws_ecr_lifecycle_policy.images"] = l.Name
		}
		return ignoreAbsent(err)
	case KindLogGroup:
		i.ids["aws_cloudwatch_log_group.jobs"] = l.Name
	case KindRole:
		label, own := map[string]string{i.spec.JobRole: "job", i.spec.ExecutionRole: "execution", i.spec.InstanceRole: "instance"}[l.Name]
		if !own {
			return nil
		}
		i.ids["aws_iam_role."+label] = l.Name
		allowed, err := role{Clients: i.Clients, name: l.Name}.allowed(ctx)
		if allowed != "" {
			i.ids["aws_iam_role_policy."+label] = l.Name + ":" + policyName
		}
		return err
	case KindInstanceProfile:
		i.ids["aws_iam_instance_profile.instance"] = l.Name
	case KindLaunchTemplate:
		if l.Name == i.spec.templateName() {
			i.ids["aws_launch_template.disk"] = lastPart(l.ARN)
		}
	case KindEnvironment:
		for _, c := range i.spec.capacities() {
			if l.Name == i.spec.environmentName(c) {
				i.ids["aws_batch_compute_environment."+c.label()] = l.Name
			}
		}
	case KindQueue:
		if l.Name == i.spec.queueName() {
			i.ids["aws_batch_job_queue.jobs"] = l.ARN
		}
	}
	return nil
}

// rules are the configurations that the bucket has.
func (i imports) rules(ctx context.Context) error {
	kinds := map[string]string{"public_access_block": "public_access_block", "encryption": "server_side_encryption_configuration",
		"object_ownership": "ownership_controls", "lifecycle": "lifecycle_configuration", "policy": "policy"}
	for _, r := range (bucket{Clients: i.Clients, spec: i.spec}).rules() {
		is, err := r.is(ctx)
		if err != nil && !unset(err) {
			return err
		}
		if is != "" {
			i.ids["aws_s3_bucket_"+kinds[r.attribute]+".data"] = i.spec.Bucket
		}
	}
	return nil
}

// label is the name of an environment in Terraform's configuration.
func (c capacity) label() string {
	return strings.ToLower(strings.ReplaceAll(string(c.kind), "_", "-"))
}

// importing writes import blocks for those resources of the configuration that have an id.
func (t terraform) importing(ids map[string]string) {
	for _, b := range t.file.Body().Blocks() {
		address := strings.Join(b.Labels(), ".")
		if id := ids[address]; id != "" && b.Type() == "resource" {
			t.block("import", nil, argument{"to", expression(address)}, argument{"id", id})
		}
	}
}
