package provision

import (
	"regexp"
	"strings"
)

// tlsOnly is the bucket's policy: nobody reaches it over a connection that others can read.
func (s Spec) tlsOnly(a account) policy {
	return newPolicy(statement{
		Sid: "TLSOnly", Effect: "Deny", Principal: "*", Action: []string{"s3:*"},
		Resource:  []string{a.s3(s.Bucket), a.s3(s.Bucket + "/*")},
		Condition: map[string]map[string][]string{"Bool": {"aws:SecureTransport": {"false"}}},
	})
}

// trustTasks lets ECS give the role to tasks of this account and region alone.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
func (s Spec) trustTasks(a account) policy {
	return newPolicy(statement{
		Effect: "Allow", Principal: map[string]string{"Service": "ecs-tasks.amazonaws.com"}, Action: []string{"sts:AssumeRole"},
		Condition: map[string]map[string][]string{
			"StringEquals": {"aws:SourceAccount": {a.ID}},
			"ArnLike":      {"aws:SourceArn": {a.arn("ecs", s.Region, "*")}},
		},
	})
}

// trustInstances has no condition: EC2 gives none that could be compared.
func trustInstances() policy {
	return newPolicy(statement{Effect: "Allow", Principal: map[string]string{"Service": "ec2.amazonaws.com"}, Action: []string{"sts:AssumeRole"}})
}

// jobPolicy is what the project's code may do. Data in the own bucket is its own; of .kedroctl/ it may not write what the driver writes, nor read
// what no job needs (docs/container.md, Bucket). IAM has no pattern for "all but these", so those keys are denied.
func (s Spec) jobPolicy(a account) policy {
	state := a.s3(s.Bucket + "/.kedroctl/")
	deployments, code, starting, run := state+"deployment*", state+"code/*", state+"starting/*", state+"runs/*/"
	p := newPolicy(
		statement{Sid: "List", Effect: "Allow", Action: []string{"s3:ListBucket"}, Resource: []string{a.s3(s.Bucket)}},
		statement{Sid: "Data", Effect: "Allow", Action: append(readObjects(), writeObjects()...), Resource: []string{a.s3(s.Bucket + "/*")}},
		statement{Sid: "DriverWrites", Effect: "Deny", Action: writeObjects(),
			Resource: []string{deployments, code, starting, run + "plan.json", run + "jobs.json", run + "requests/*"}},
		statement{Sid: "DriverReads", Effect: "Deny", Action: readObjects(), Resource: []string{deployments, starting, run + "jobs.json"}},
		statement{Sid: "NoErasing", Effect: "Deny", Action: []string{"s3:DeleteObject"}, Resource: []string{run + "claims/*", run + "records/*"}},
	)
	readable := union(s.Access.Read, s.Access.Write)
	p.Statement = append(p.Statement, grants("Read", a, readable, readObjects())...)
	p.Statement = append(p.Statement, listing(a, readable)...) // what may be read may be listed
	p.Statement = append(p.Statement, grants("Write", a, s.Access.Write, writeObjects())...)
	return policy{p.Version, append(p.Statement, s.useKeys(a)...)}
}

// useKeys lets S3, and nothing else, use KMS keys for who reads and writes what they encrypt. Policies name keys by their ARN; one that is known by an
// alias alone is any key that has it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#require-sse-kms, https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
func (s Spec) useKeys(a account) []statement {
	var keys, aliases []string
	for _, arn := range s.Keys {
		if _, alias, ok := strings.Cut(arn, ":alias/"); ok {
			aliases = append(aliases, "alias/"+alias)
		} else {
			keys = append(keys, arn)
		}
	}
	use := func(sid string, resources []string) statement {
		return statement{Sid: sid, Effect: "Allow", Action: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resource: resources,
			Condition: map[string]map[string][]string{"StringLike": {"kms:ViaService": {"s3.*." + a.domain()}}}}
	}
	var all []statement
	if len(keys) > 0 {
		all = append(all, use("Keys", keys))
	}
	if len(aliases) > 0 {
		named := use("KeysByAlias", []string{"arn:" + a.Partition + ":kms:*:*:key/*"})
		named.Condition["ForAnyValue:StringEquals"] = map[string][]string{"kms:ResourceAliases": aliases}
		all = append(all, named)
	}
	return all
}

func readObjects() []string { return []string{"s3:GetObject", "s3:GetObjectVersion"} }

func writeObjects() []string {
	return []string{"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"}
}

// grants allow actions on prefixes (bucket/prefix). A prefix that ends in a slash, or a whole bucket, means all below it; any other means that
// object, and what lies below it as versions do.
func grants(sid string, a account, prefixes []string, actions []string) []statement {
	var objects []string
	for _, prefix := range prefixes {
		bucket, keys := keysUnder(prefix)
		for _, k := range keys {
			objects = append(objects, a.s3(bucket+"/"+k))
		}
	}
	if objects == nil {
		return nil
	}
	return []statement{{Sid: sid, Effect: "Allow", Action: actions, Resource: objects}}
}

func listing(a account, prefixes []string) (all []statement) {
	for _, prefix := range prefixes {
		bucket, keys := keysUnder(prefix)
		all = append(all, statement{Effect: "Allow", Action: []string{"s3:ListBucket"}, Resource: []string{a.s3(bucket)},
			Condition: map[string]map[string][]string{"StringLike": {"s3:prefix": keys}}})
	}
	return all
}

func keysUnder(prefix string) (bucket string, keys []string) {
	bucket, key, _ := strings.Cut(prefix, "/")
	if key != "" && !strings.HasSuffix(key, "/") {
		return bucket, []string{key, key + "/*"}
	}
	return bucket, []string{key + "*"}
}

// instancePolicy is what ECS on the instances does: register with the cluster that Batch makes, pull the project's image, write its log.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/instance_IAM_role.html; what each action is on:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
func (s Spec) instancePolicy(a account) policy {
	cluster, instance := a.arn("ecs", s.Region, "cluster/*"), a.arn("ecs", s.Region, "container-instance/*")
	return newPolicy(append([]statement{
		{Sid: "Discover", Effect: "Allow", Action: []string{"ec2:DescribeTags", "ecs:DiscoverPollEndpoint"}, Resource: []string{"*"}},
		{Sid: "Register", Effect: "Allow", Resource: []string{cluster},
			Action: []string{"ecs:DeregisterContainerInstance", "ecs:RegisterContainerInstance", "ecs:SubmitAttachmentStateChanges",
				"ecs:SubmitContainerStateChange", "ecs:SubmitTaskStateChange"}},
		{Sid: "Instance", Effect: "Allow", Action: []string{"ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState"}, Resource: []string{instance}},
		{Sid: "Tag", Effect: "Allow", Action: []string{"ecs:TagResource"}, Resource: []string{cluster, instance},
			Condition: equals("ecs:CreateAction", "RegisterContainerInstance")},
	}, s.pullAndLog(a)...)...)
}

// executionPolicy is what ECS does for jobs that have secrets or run on Fargate, before their code starts: it reads those secrets and no others. To decrypt what is encrypted
// with a key of the customer's own takes a role of their own, aws.execution_role.
func (s Spec) executionPolicy(a account) policy {
	var secrets, parameters []string
	for _, arn := range s.Secrets {
		if strings.Contains(arn, ":ssm:") {
			parameters = append(parameters, arn)
		} else {
			secrets = append(secrets, secretARN(arn))
		}
	}
	statements := s.pullAndLog(a)
	if len(secrets) > 0 {
		statements = append(statements, statement{Sid: "Secrets", Effect: "Allow", Action: []string{"secretsmanager:GetSecretValue"}, Resource: union(secrets, nil)})
	}
	if len(parameters) > 0 {
		statements = append(statements, statement{Sid: "Parameters", Effect: "Allow", Action: []string{"ssm:GetParameters"}, Resource: union(parameters, nil)})
	}
	return newPolicy(statements...)
}

// secretARN leaves out the key, version stage and version id that a job's secret may name behind the ARN's seven parts.
func secretARN(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 7 {
		return strings.Join(parts[:7], ":")
	}
	return arn
}

func (s Spec) pullAndLog(a account) []statement {
	return []statement{
		{Sid: "Login", Effect: "Allow", Action: []string{"ecr:GetAuthorizationToken"}, Resource: []string{"*"}},
		{Sid: "Pull", Effect: "Allow", Action: []string{"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"},
			Resource: s.repositoryARNs(a)},
		{Sid: "Log", Effect: "Allow", Action: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			Resource: []string{a.arn("logs", s.Region, "log-group:"+s.LogGroup+":*")}},
	}
}

// usedRepository: https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html; that of another account has to allow the pull too.
var usedRepository = regexp.MustCompile(`^(\d{12})\.dkr[.-]ecr\.([a-z0-9-]+)\.[^/]+/([^@]+)@`)

// repositoryARNs are the repositories that images are pulled from: the own one, and that of an image that others built.
func (s Spec) repositoryARNs(a account) []string {
	arns := []string{a.arn("ecr", s.Region, "repository/"+s.Repository)}
	if m := usedRepository.FindStringSubmatch(s.Used); m != nil {
		arns = append(arns, account{m[1], a.Partition}.arn("ecr", m[2], "repository/"+m[3]))
	}
	return arns
}
