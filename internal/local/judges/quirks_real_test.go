//go:build real

package judges

// reason says why lines of differences, in which * stands for anything, are as they are.
type reason struct{ lines, why string }

// quirks are differences in which moto 5.2.1 is not as AWS is.
var quirks = []reason{
	// Batch: requests that AWS refuses
	{"batch.* error: none in moto, ClientException here", "moto checks few requests: names, limits, states and references of the API reference are not enforced"},
	{"batch.Create* error: ClientException in moto, none here", "moto wants serviceRole and a queue's state; both are optional (API: CreateComputeEnvironment, CreateJobQueue)"},
	{"batch.CreateComputeEnvironment error: InvalidParameterValue in moto, ClientException here", "Batch has no such code (API: CreateComputeEnvironment, Errors)"},
	{"batch.UpdateJobQueue error: ClientException in moto, none here", "the queue that moto refused to make"},
	{"batch.UpdateComputeEnvironment error: ClientException in moto, none here", "the environment that moto let go while a queue had it"},
	// Batch: what moto keeps and says
	{"batch.DescribeComputeEnvironments computeEnvironments.*.computeResources.maxvCpus: *", "moto ignores computeResources of UpdateComputeEnvironment"},
	{"batch.DescribeComputeEnvironments computeEnvironments.*: absent in moto, *", "moto leaves out fields of ComputeEnvironmentDetail"},
	{"batch.DescribeComputeEnvironments computeEnvironments.*.statusReason: *", "moto's own words"},
	{"batch.DescribeJobQueues jobQueues.*: absent in moto, *", "moto leaves out fields of JobQueueDetail"},
	{"batch.DescribeJobQueues jobQueues.*.computeEnvironmentOrder.*.computeEnvironment: *", "moto repeats the name that was given; AWS tells the ARN"},
	{"batch.DescribeJobDefinitions jobDefinitions.#: 0 in moto, 1 here", "moto does not find name:revision"},
	{"batch.DescribeJobDefinitions jobDefinitions.*: absent in moto, *", "moto does not find name:revision, and leaves out fields of JobDefinition"},
	{"batch.DescribeJobDefinitions jobDefinitions.*.revision: 2 in moto, 1 here", "moto lists the oldest revision first"},
	{"batch.DescribeJobs jobs.*.jobDefinition: *", "moto takes the highest revision, even an INACTIVE one"},
	{"batch.DescribeJobs jobs.*: absent in moto, *", "moto has no exit codes, no reasons, no retry strategy, and leaves out fields of JobDetail and ContainerDetail"},
	{"batch.DescribeJobs jobs.*.attempts.#: 1 in moto, 0 here", "moto tells one attempt of every job, also of those that never started"},
	{"batch.DescribeJobs jobs.*.container.environment.*", "moto adds AWS_BATCH_JOB_ID to the environment that was given"},
	{"batch.DescribeJobs jobs.*.container.memory: 512 in moto, absent here", "moto turns resourceRequirements into the older members"},
	{"batch.DescribeJobs jobs.*.container.vcpus: 1 in moto, absent here", "moto turns resourceRequirements into the older members"},
	{"batch.DescribeJobs jobs.*.container.privileged: false in moto, absent here", "AWS tells what the definition has"},
	{"batch.DescribeJobs jobs.*.container.readonlyRootFilesystem: false in moto, absent here", "AWS tells what the definition has"},
	{"batch.DescribeJobs jobs.*.status: \"SUCCEEDED\" in moto, \"FAILED\" here", "moto without Docker lets every job succeed"},
	{"batch.DescribeJobs jobs.*.statusReason: *", "moto without Docker knows no failed dependency"},
	{"batch.ListJobs jobSummaryList.*", "moto lists jobs of all states where RUNNING is the default, ignores the filter, and submits what is to be refused"},

	{"ec2.*LaunchTemplate* *CreatedBy: *", "moto's caller is the account's root"},
	{"ec2.DeleteLaunchTemplate LaunchTemplate.*: absent in moto, *", "moto leaves out fields of LaunchTemplate"},
	{"ec2.DeleteTags error: none in moto, InvalidLaunchTemplateId.NotFound here", "moto takes tags from templates that are not there"},
	{"ec2.DeleteLaunchTemplate error: MissingParameter in moto, InvalidLaunchTemplateName.NotFoundException here", "moto takes an unknown name for none"},
	{"ec2.DescribeLaunchTemplateVersions *.TagSpecifications.*", "moto adds the template's own tags to those of what it launches"},
	{"ec2.DescribeRouteTables RouteTables.*.Routes.*", "moto's default VPC has no internet gateway (User Guide: default VPC components), and so the local route alone"},
	{"ec2.DescribeSecurityGroups SecurityGroups.*.IpPermissions.*", "moto's default group lets its members not reach each other"},
	{"ec2.DescribeSubnets Subnets.#: 6 in moto, 3 here", "as many zones as moto knows"},
	{"ec2.DescribeSubnets Subnets.*.AvailabilityZone: *", "as many zones as moto knows"},
	{"ec2.DescribeSubnets Subnets.*.CidrBlock: *", "as many zones as moto knows"},

	{"ecr.DescribeImages imageDetails.*.artifactMediaType: absent in moto, *", "moto does not read the manifest"},

	{"iam.CreateRole error: none in moto, MalformedPolicyDocument here", "moto does not read trust policies"},
	{"iam.PutRolePermissionsBoundary error: none in moto, NoSuchEntity here", "moto takes any ARN for a boundary"},
	{"iam.ListRoles Roles.*", "the role that moto should have refused"},
	{"iam.ListRoles error: ResponseParserError in moto, *", "moto fails over an unknown marker"},
	{"iam.SimulatePrincipalPolicy error: ResponseParserError in moto, *", "moto has no simulator"},
	{"iam.ListInstanceProfiles error: none in moto, *", "moto has no pages of instance profiles"},
	{"iam.ListInstanceProfiles* IsTruncated: absent in moto, false here", "moto has no pages of instance profiles"},
	{"iam.ListInstanceProfilesForRole error: none in moto, NoSuchEntity here", "moto lists nothing for a role that there is not"},
	{"iam.CreateServiceLinkedRole Role.AssumeRolePolicyDocument.Statement.*", "two spellings of one document"},
	{"iam.CreateServiceLinkedRole Role.RoleName: *", "AWS's name is AWSServiceRoleForBatch"},
	{"iam.CreateServiceLinkedRole error: EntityAlreadyExists in moto, InvalidInput here", "AWS says that the name has been taken, as InvalidInput"},

	{"logs.*agResource error: none in moto, ResourceNotFoundException here", "moto takes tags of groups that are not there (API: TagResource, UntagResource, Errors)"},
	{"logs.DescribeLogGroups error: none in moto, InvalidParameterException here", "moto takes any token for the first page"},
	{"logs.DescribeLogGroups logGroups.*.logGroupClass: absent in moto, *", "moto is older than the field"},
	{"logs.*Log* error: ResourceNotFoundException in moto, none here", "moto without Docker writes no logs"},
	{"logs.ListTagsForResource error: none in moto, ResourceNotFoundException here", "moto knows no missing resource"},
	{"logs.PutRetentionPolicy error: none in moto, InvalidParameterException here", "moto takes any number of days"},
	{"logs.DescribeLogGroups logGroups.*.retentionInDays: 31 in moto, 30 here", "moto takes any number of days"},

	{"service-quotas.GetServiceQuota error: NoSuchResourceException in moto, none here", "moto knows fewer quotas"},

	{"* error: none in moto, SignatureDoesNotMatch here", "moto checks no signature"},
	{"* error: none in moto, InvalidSignatureException here", "moto checks no signature"},

	{"s3.* Checksum*: absent in moto, *", "moto computes only the checksums that a request names"},
	{"s3.* *.Checksum*: absent in moto, *", "moto computes only the checksums that a request names"},
	{"s3.* ServerSideEncryption: absent in moto, \"AES256\" here", "since 2023 every object is encrypted"},
	{"s3.CompleteMultipartUpload VersionId: … in moto, absent here", "an unversioned bucket has no such header"},
	{"s3.CreateBucket error: none in moto, InvalidBucketName here", "moto takes capitals in names"},
	{"s3.ListBuckets Buckets.*", "the bucket that moto should have refused"},
	{"s3.DeleteObjectTagging error: 500 in moto, NoSuchKey here", "moto fails over a missing object"},
	{"s3.UploadPart* error: 500 in moto, NoSuchUpload here", "moto fails over a missing upload"},
	{"s3.* *Owner.DisplayName: … in moto, absent here", "AWS stopped telling display names in 2025"},
	{"s3.PutBucketPolicy error: none in moto, MalformedPolicy here", "moto does not read policies of buckets"},
	{"s3.GetBucketPolicy Policy: *", "moto does not read policies of buckets"},
	{"s3.ListMultipartUploads Prefix: *", "moto leaves out the prefix that was asked for"},
	{"s3.List* *Initiator.DisplayName: … in moto, absent here", "AWS stopped telling display names in 2025"},
	{"s3.ListParts NextPartNumberMarker: *", "moto tells where to go on although it was the last page"},
	{"s3.PutBucketLifecycleConfiguration error: none in moto, MalformedXML here", "moto does not check a rule's status"},
	{"s3.PutBucketLifecycleConfiguration TransitionDefaultMinimumObjectSize: absent in moto, *", "moto tells it of the GET alone (API: PutBucketLifecycleConfiguration)"},
	{"s3.GetBucketLifecycleConfiguration Rules.*.Status: *", "the rule that moto should have refused"},
	{"s3.ListObject* *: absent in moto, *", "moto leaves out what is empty, and fields that repeat the request"},
}

// leftOut are fields that AWS and moto tell, and the embedded AWS does not: no client that it is for reads them.
var leftOut = []reason{
	{"ec2.Describe* *: * in moto, absent here", "look-ups tell what a compute environment needs"},
	{"ecr.*LifecyclePolicy lastEvaluatedAt: … in moto, absent here", "lifecycle policies are kept and never carried out"},
	{"s3.GetBucketEncryption ServerSideEncryptionConfiguration.Rules.*.BucketKeyEnabled: false in moto, absent here", "there are no keys; a configuration comes back as it was put"},
}
