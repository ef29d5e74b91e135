"""The calls of the walk, by service and in order.

A step is (operation, parameters, expected) or (operation, parameters, expected, kept). Expected is the code of an error, or what the answer has at
least: dictionaries may have more, ANY is anything, a compiled pattern is searched. Kept names values of the answer; "$name" stands for them in the
parameters and expectations of later steps. WRONG_KEY in place of an operation's error signs with another secret.
"""

import json
import re

ANY = ...
WRONG_KEY = {"WRONG_KEY": True}

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
GRANT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::judged/*"}]})
READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
TAGS = [{"Key": "owner", "Value": "judge"}]

STS = [
    ("GetCallerIdentity", {}, {"Account": "123456789012", "Arn": re.compile("^arn:aws:"), "UserId": ANY}),
    ("GetCallerIdentity", WRONG_KEY, "SignatureDoesNotMatch"),
]

EC2 = [
    ("DescribeVpcs", {"Filters": [{"Name": "is-default", "Values": ["true"]}]}, {"Vpcs": [{"IsDefault": True, "State": "available"}]}, {"vpc": "Vpcs.0.VpcId"}),
    ("DescribeVpcs", {"VpcIds": ["vpc-0123456789abcdef0"]}, "InvalidVpcID.NotFound"),
    ("DescribeSubnets", {"Filters": [{"Name": "vpc-id", "Values": ["$vpc"]}, {"Name": "default-for-az", "Values": ["true"]}]}, {"Subnets": ANY}, {"subnet": "Subnets.0.SubnetId"}),
    ("DescribeSubnets", {"SubnetIds": ["$subnet"]}, {"Subnets": [{"VpcId": "$vpc", "MapPublicIpOnLaunch": True}]}),
    ("DescribeSubnets", {"SubnetIds": ["subnet-0123456789abcdef0"]}, "InvalidSubnetID.NotFound"),
    ("DescribeSecurityGroups", {"Filters": [{"Name": "vpc-id", "Values": ["$vpc"]}, {"Name": "group-name", "Values": ["default"]}]},
     {"SecurityGroups": [{"GroupName": "default", "VpcId": "$vpc"}]}, {"group": "SecurityGroups.0.GroupId"}),
    ("DescribeSecurityGroups", {"GroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
]

IAM = [
    ("CreateRole", {"RoleName": "host", "AssumeRolePolicyDocument": TRUST, "Tags": TAGS}, {"Role": {"RoleName": "host", "Path": "/", "Arn": "arn:aws:iam::123456789012:role/host"}}),
    ("CreateRole", {"RoleName": "host", "AssumeRolePolicyDocument": TRUST}, "EntityAlreadyExists"),
    ("CreateRole", {"RoleName": "broken", "AssumeRolePolicyDocument": "{"}, "MalformedPolicyDocument"),
    ("GetRole", {"RoleName": "host"}, {"Role": {"MaxSessionDuration": 3600, "Tags": TAGS, "AssumeRolePolicyDocument": {"Statement": ANY}}}),
    ("GetRole", {"RoleName": "nobody"}, "NoSuchEntity"),
    ("UpdateAssumeRolePolicy", {"RoleName": "host", "PolicyDocument": TRUST}, {}),
    ("UpdateAssumeRolePolicy", {"RoleName": "host", "PolicyDocument": "{"}, "MalformedPolicyDocument"),
    ("ListRoles", {}, {"Roles": ANY, "IsTruncated": False}),
    ("ListRoles", {"Marker": "none"}, "ValidationError"),
    ("ListRoleTags", {"RoleName": "host"}, {"Tags": ANY, "IsTruncated": False}),
    ("ListRoleTags", {"RoleName": "nobody"}, "NoSuchEntity"),
    ("PutRolePolicy", {"RoleName": "host", "PolicyName": "grant", "PolicyDocument": GRANT}, {}),
    ("PutRolePolicy", {"RoleName": "host", "PolicyName": "broken", "PolicyDocument": "{"}, "MalformedPolicyDocument"),
    ("GetRolePolicy", {"RoleName": "host", "PolicyName": "grant"}, {"RoleName": "host", "PolicyName": "grant", "PolicyDocument": {"Version": "2012-10-17"}}),
    ("GetRolePolicy", {"RoleName": "host", "PolicyName": "none"}, "NoSuchEntity"),
    ("ListRolePolicies", {"RoleName": "host"}, {"PolicyNames": ["grant"], "IsTruncated": False}),
    ("ListRolePolicies", {"RoleName": "nobody"}, "NoSuchEntity"),
    ("AttachRolePolicy", {"RoleName": "host", "PolicyArn": READ_ONLY}, {}),
    ("AttachRolePolicy", {"RoleName": "host", "PolicyArn": "arn:aws:iam::123456789012:policy/none"}, "NoSuchEntity"),
    ("ListAttachedRolePolicies", {"RoleName": "host"}, {"AttachedPolicies": [{"PolicyName": "AmazonS3ReadOnlyAccess", "PolicyArn": READ_ONLY}]}),
    ("ListAttachedRolePolicies", {"RoleName": "nobody"}, "NoSuchEntity"),
    ("CreateInstanceProfile", {"InstanceProfileName": "host"}, {"InstanceProfile": {"Roles": [], "Arn": "arn:aws:iam::123456789012:instance-profile/host"}}, {"profile": "InstanceProfile.Arn"}),
    ("CreateInstanceProfile", {"InstanceProfileName": "host"}, "EntityAlreadyExists"),
    ("AddRoleToInstanceProfile", {"InstanceProfileName": "host", "RoleName": "host"}, {}),
    ("AddRoleToInstanceProfile", {"InstanceProfileName": "host", "RoleName": "host"}, "LimitExceeded"),
    ("GetInstanceProfile", {"InstanceProfileName": "host"}, {"InstanceProfile": {"InstanceProfileName": "host", "Roles": [{"RoleName": "host"}]}}),
    ("GetInstanceProfile", {"InstanceProfileName": "nobody"}, "NoSuchEntity"),
    ("ListInstanceProfiles", {}, {"InstanceProfiles": [{"InstanceProfileName": "host"}], "IsTruncated": False}),
    ("ListInstanceProfiles", {"Marker": "none"}, "ValidationError"),
    ("ListInstanceProfilesForRole", {"RoleName": "host"}, {"InstanceProfiles": [{"InstanceProfileName": "host"}]}),
    ("ListInstanceProfilesForRole", {"RoleName": "nobody"}, "NoSuchEntity"),
    ("CreateServiceLinkedRole", {"AWSServiceName": "batch.amazonaws.com"}, {"Role": {"Path": "/aws-service-role/batch.amazonaws.com/"}}, {"service": "Role.Arn"}),
    ("CreateServiceLinkedRole", {"AWSServiceName": "batch.amazonaws.com"}, "InvalidInput"),
    # what is in use stays
    ("DeleteRole", {"RoleName": "host"}, "DeleteConflict"),
    ("DeleteInstanceProfile", {"InstanceProfileName": "host"}, "DeleteConflict"),
    ("RemoveRoleFromInstanceProfile", {"InstanceProfileName": "host", "RoleName": "nobody"}, "NoSuchEntity"),
    ("DetachRolePolicy", {"RoleName": "host", "PolicyArn": READ_ONLY}, {}),
    ("DetachRolePolicy", {"RoleName": "host", "PolicyArn": READ_ONLY}, "NoSuchEntity"),
    ("DeleteRolePolicy", {"RoleName": "host", "PolicyName": "grant"}, {}),
    ("DeleteRolePolicy", {"RoleName": "host", "PolicyName": "grant"}, "NoSuchEntity"),
]

IAM_END = [
    ("RemoveRoleFromInstanceProfile", {"InstanceProfileName": "host", "RoleName": "host"}, {}),
    ("DeleteInstanceProfile", {"InstanceProfileName": "host"}, {}),
    ("DeleteInstanceProfile", {"InstanceProfileName": "host"}, "NoSuchEntity"),
    ("DeleteRole", {"RoleName": "host"}, {}),
    ("DeleteRole", {"RoleName": "host"}, "NoSuchEntity"),
]

S3 = [
    ("CreateBucket", {"Bucket": "judged"}, {"Location": "/judged"}),
    ("CreateBucket", {"Bucket": "No_Name"}, "InvalidBucketName"),
    ("HeadBucket", {"Bucket": "judged"}, {}),
    ("HeadBucket", {"Bucket": "nobodys"}, "404"),
    ("ListBuckets", {}, {"Buckets": [{"Name": "judged", "CreationDate": ANY}]}),
    ("ListBuckets", WRONG_KEY, "SignatureDoesNotMatch"),
    ("GetBucketLocation", {"Bucket": "judged"}, {}),
    ("GetBucketLocation", {"Bucket": "nobodys"}, "NoSuchBucket"),

    # configuration
    ("PutPublicAccessBlock", {"Bucket": "judged", "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}}, {}),
    ("PutPublicAccessBlock", {"Bucket": "nobodys", "PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}, "NoSuchBucket"),
    ("GetPublicAccessBlock", {"Bucket": "judged"}, {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "RestrictPublicBuckets": True}}),
    ("DeletePublicAccessBlock", {"Bucket": "judged"}, {}),
    ("DeletePublicAccessBlock", {"Bucket": "nobodys"}, "NoSuchBucket"),
    ("GetPublicAccessBlock", {"Bucket": "judged"}, "NoSuchPublicAccessBlockConfiguration"),
    ("PutBucketEncryption", {"Bucket": "judged", "ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}}, {}),
    ("PutBucketEncryption", {"Bucket": "nobodys", "ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}}, "NoSuchBucket"),
    ("GetBucketEncryption", {"Bucket": "judged"}, {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}}),
    ("GetBucketEncryption", {"Bucket": "nobodys"}, "NoSuchBucket"),
    ("DeleteBucketEncryption", {"Bucket": "judged"}, {}),
    ("DeleteBucketEncryption", {"Bucket": "nobodys"}, "NoSuchBucket"),
    ("PutBucketOwnershipControls", {"Bucket": "judged", "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}, {}),
    ("PutBucketOwnershipControls", {"Bucket": "nobodys", "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}, "NoSuchBucket"),
    ("GetBucketOwnershipControls", {"Bucket": "judged"}, {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}),
    ("DeleteBucketOwnershipControls", {"Bucket": "judged"}, {}),
    ("DeleteBucketOwnershipControls", {"Bucket": "nobodys"}, "NoSuchBucket"),
    ("GetBucketOwnershipControls", {"Bucket": "judged"}, "OwnershipControlsNotFoundError"),
    ("PutBucketTagging", {"Bucket": "judged", "Tagging": {"TagSet": TAGS}}, {}),
    ("PutBucketTagging", {"Bucket": "nobodys", "Tagging": {"TagSet": TAGS}}, "NoSuchBucket"),
    ("GetBucketTagging", {"Bucket": "judged"}, {"TagSet": TAGS}),
    ("DeleteBucketTagging", {"Bucket": "judged"}, {}),
    ("DeleteBucketTagging", {"Bucket": "nobodys"}, "NoSuchBucket"),
    ("GetBucketTagging", {"Bucket": "judged"}, "NoSuchTagSet"),
    ("GetBucketPolicy", {"Bucket": "judged"}, "NoSuchBucketPolicy"),
    ("PutBucketPolicy", {"Bucket": "judged", "Policy": json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": "arn:aws:s3:::judged/*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]})}, {}),
    ("PutBucketPolicy", {"Bucket": "judged", "Policy": "{"}, "MalformedPolicy"),
    ("GetBucketPolicy", {"Bucket": "judged"}, {"Policy": re.compile("SecureTransport")}),
    ("DeleteBucketPolicy", {"Bucket": "judged"}, {}),
    ("DeleteBucketPolicy", {"Bucket": "nobodys"}, "NoSuchBucket"),
    ("GetBucketVersioning", {"Bucket": "judged"}, {}),
    ("GetBucketVersioning", {"Bucket": "nobodys"}, "NoSuchBucket"),

    # objects
    ("PutObject", {"Bucket": "judged", "Key": "01_raw/a b+ü.csv", "Body": "a,b\n1,2\n", "ContentType": "text/csv", "Metadata": {"made": "by-judge"}, "Tagging": "owner=judge"}, {"ETag": '"e5ebd4c02cefbe7955977c67ada242b7"'}),
    ("PutObject", {"Bucket": "judged", "Key": "01_raw/a b+ü.csv", "Body": "twice", "IfNoneMatch": "*"}, "PreconditionFailed"),
    ("PutObject", {"Bucket": "nobodys", "Key": "k", "Body": "b"}, "NoSuchBucket"),
    ("GetObject", {"Bucket": "judged", "Key": "01_raw/a b+ü.csv"}, {"Body": "a,b\n1,2\n", "ContentLength": 8, "ContentType": "text/csv", "Metadata": {"made": "by-judge"}}),
    ("GetObject", {"Bucket": "judged", "Key": "01_raw/a b+ü.csv", "Range": "bytes=-4"}, {"Body": "1,2\n", "ContentRange": "bytes 4-7/8"}),
    ("GetObject", {"Bucket": "judged", "Key": "01_raw/a b+ü.csv", "Range": "bytes=8-"}, "InvalidRange"),
    ("GetObject", {"Bucket": "judged", "Key": "none"}, "NoSuchKey"),
    ("HeadObject", {"Bucket": "judged", "Key": "01_raw/a b+ü.csv"}, {"ContentLength": 8, "LastModified": ANY, "Metadata": {"made": "by-judge"}}),
    ("HeadObject", {"Bucket": "judged", "Key": "none"}, "404"),
    ("GetObjectTagging", {"Bucket": "judged", "Key": "01_raw/a b+ü.csv"}, {"TagSet": TAGS}),
    ("GetObjectTagging", {"Bucket": "judged", "Key": "none"}, "NoSuchKey"),
    ("PutObjectTagging", {"Bucket": "judged", "Key": "01_raw/a b+ü.csv", "Tagging": {"TagSet": TAGS}}, {}),
    ("PutObjectTagging", {"Bucket": "judged", "Key": "none", "Tagging": {"TagSet": TAGS}}, "NoSuchKey"),
    ("DeleteObjectTagging", {"Bucket": "judged", "Key": "01_raw/a b+ü.csv"}, {}),
    ("DeleteObjectTagging", {"Bucket": "judged", "Key": "none"}, "NoSuchKey"),
    ("CopyObject", {"Bucket": "judged", "Key": "02/copy", "CopySource": "judged/01_raw/a b+ü.csv"}, {"CopyObjectResult": {"ETag": ANY, "LastModified": ANY}}),
    ("CopyObject", {"Bucket": "judged", "Key": "02/copy", "CopySource": "judged/none"}, "NoSuchKey"),
    ("ListObjects", {"Bucket": "judged", "Delimiter": "/"}, {"CommonPrefixes": [{"Prefix": "01_raw/"}, {"Prefix": "02/"}], "IsTruncated": False, "MaxKeys": 1000}),
    ("ListObjects", {"Bucket": "nobodys"}, "NoSuchBucket"),
    ("ListObjectsV2", {"Bucket": "judged", "Prefix": "01_raw/"}, {"Contents": [{"Key": "01_raw/a b+ü.csv", "Size": 8, "StorageClass": "STANDARD"}], "KeyCount": 1, "IsTruncated": False}),
    ("ListObjectsV2", {"Bucket": "judged", "MaxKeys": 1}, {"KeyCount": 1, "IsTruncated": True, "NextContinuationToken": ANY}, {"next": "NextContinuationToken"}),
    ("ListObjectsV2", {"Bucket": "judged", "MaxKeys": 1, "ContinuationToken": "$next"}, {"Contents": [{"Key": "02/copy"}], "IsTruncated": False}),
    ("ListObjectsV2", {"Bucket": "nobodys"}, "NoSuchBucket"),
    ("ListObjectVersions", {"Bucket": "judged", "Prefix": "02/"}, {"Versions": [{"Key": "02/copy", "IsLatest": True, "VersionId": "null"}]}),
    ("ListObjectVersions", {"Bucket": "nobodys"}, "NoSuchBucket"),

    # an object in parts
    ("CreateMultipartUpload", {"Bucket": "judged", "Key": "big"}, {"Bucket": "judged", "Key": "big", "UploadId": ANY}, {"upload": "UploadId"}),
    ("CreateMultipartUpload", {"Bucket": "nobodys", "Key": "big"}, "NoSuchBucket"),
    ("UploadPart", {"Bucket": "judged", "Key": "big", "UploadId": "$upload", "PartNumber": 1, "Body": "x" * (5 << 20)}, {"ETag": ANY}, {"first": "ETag"}),
    ("UploadPart", {"Bucket": "judged", "Key": "big", "UploadId": "none", "PartNumber": 1, "Body": "x"}, "NoSuchUpload"),
    ("UploadPartCopy", {"Bucket": "judged", "Key": "big", "UploadId": "$upload", "PartNumber": 2, "CopySource": "judged/02/copy"}, {"CopyPartResult": {"ETag": ANY}}, {"second": "CopyPartResult.ETag"}),
    ("UploadPartCopy", {"Bucket": "judged", "Key": "big", "UploadId": "none", "PartNumber": 2, "CopySource": "judged/02/copy"}, "NoSuchUpload"),
    ("ListParts", {"Bucket": "judged", "Key": "big", "UploadId": "$upload"}, {"Parts": [{"PartNumber": 1, "Size": 5 << 20}, {"PartNumber": 2, "Size": 8}], "IsTruncated": False}),
    ("ListParts", {"Bucket": "judged", "Key": "big", "UploadId": "none"}, "NoSuchUpload"),
    ("ListMultipartUploads", {"Bucket": "judged"}, {"Uploads": [{"Key": "big", "UploadId": "$upload"}], "IsTruncated": False}),
    ("ListMultipartUploads", {"Bucket": "nobodys"}, "NoSuchBucket"),
    ("CompleteMultipartUpload", {"Bucket": "judged", "Key": "big", "UploadId": "$upload", "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": '"00000000000000000000000000000000"'}]}}, "InvalidPart"),
    ("CompleteMultipartUpload", {"Bucket": "judged", "Key": "big", "UploadId": "$upload", "MultipartUpload": {"Parts": [
        {"PartNumber": 1, "ETag": "$first"}, {"PartNumber": 2, "ETag": "$second"}]}}, {"Bucket": "judged", "Key": "big", "ETag": re.compile('-2"$')}),
    ("HeadObject", {"Bucket": "judged", "Key": "big"}, {"ContentLength": (5 << 20) + 8}),
    ("CreateMultipartUpload", {"Bucket": "judged", "Key": "given up"}, {}, {"upload": "UploadId"}),
    ("AbortMultipartUpload", {"Bucket": "judged", "Key": "given up", "UploadId": "$upload"}, {}),
    ("AbortMultipartUpload", {"Bucket": "judged", "Key": "given up", "UploadId": "none"}, "NoSuchUpload"),

    ("DeleteBucket", {"Bucket": "judged"}, "BucketNotEmpty"),
    ("DeleteObject", {"Bucket": "judged", "Key": "big"}, {}),
    ("DeleteObject", {"Bucket": "nobodys", "Key": "big"}, "NoSuchBucket"),
    ("DeleteObjects", {"Bucket": "judged", "Delete": {"Objects": [{"Key": "01_raw/a b+ü.csv"}, {"Key": "02/copy"}, {"Key": "none"}]}}, {"Deleted": [{"Key": "01_raw/a b+ü.csv"}, {"Key": "02/copy"}, {"Key": "none"}]}),
    ("DeleteObjects", {"Bucket": "nobodys", "Delete": {"Objects": [{"Key": "k"}]}}, "NoSuchBucket"),
    ("DeleteBucket", {"Bucket": "judged"}, {}),
]

# "stocked" is made, with an image, before the walk.
ECR = [
    ("GetAuthorizationToken", {}, {"authorizationData": [{"authorizationToken": ANY, "expiresAt": ANY, "proxyEndpoint": re.compile("^http")}]}),
    ("GetAuthorizationToken", WRONG_KEY, re.compile("Signature")),
    ("CreateRepository", {"repositoryName": "judged", "imageTagMutability": "MUTABLE", "tags": TAGS}, {"repository": {"repositoryName": "judged", "repositoryUri": re.compile("/judged$"), "repositoryArn": "arn:aws:ecr:us-east-1:123456789012:repository/judged"}}, {"repository": "repository.repositoryArn"}),
    ("CreateRepository", {"repositoryName": "judged"}, "RepositoryAlreadyExistsException"),
    ("DescribeRepositories", {"repositoryNames": ["judged"]}, {"repositories": [{"repositoryName": "judged", "imageTagMutability": "MUTABLE", "imageScanningConfiguration": {"scanOnPush": False}, "encryptionConfiguration": {"encryptionType": "AES256"}}]}),
    ("DescribeRepositories", {"repositoryNames": ["none"]}, "RepositoryNotFoundException"),
    ("PutImageScanningConfiguration", {"repositoryName": "judged", "imageScanningConfiguration": {"scanOnPush": True}}, {"imageScanningConfiguration": {"scanOnPush": True}}),
    ("PutImageScanningConfiguration", {"repositoryName": "none", "imageScanningConfiguration": {"scanOnPush": True}}, "RepositoryNotFoundException"),
    ("GetLifecyclePolicy", {"repositoryName": "judged"}, "LifecyclePolicyNotFoundException"),
    ("PutLifecyclePolicy", {"repositoryName": "judged", "lifecyclePolicyText": json.dumps({"rules": [{"rulePriority": 1, "selection": {
        "tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}, "action": {"type": "expire"}}]})}, {"repositoryName": "judged", "lifecyclePolicyText": ANY}),
    ("PutLifecyclePolicy", {"repositoryName": "judged", "lifecyclePolicyText": json.dumps({"rules": [{"rulePriority": 1, "selection": {"tagStatus": "never", "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}]})}, "InvalidParameterException"),
    ("GetLifecyclePolicy", {"repositoryName": "judged"}, {"lifecyclePolicyText": re.compile("sinceImagePushed")}),
    ("ListTagsForResource", {"resourceArn": "$repository"}, {"tags": ANY}),
    ("ListTagsForResource", {"resourceArn": "arn:aws:ecr:us-east-1:123456789012:repository/none"}, "RepositoryNotFoundException"),
    ("ListImages", {"repositoryName": "stocked"}, {"imageIds": [{"imageTag": "v1", "imageDigest": ANY}]}, {"digest": "imageIds.0.imageDigest"}),
    ("ListImages", {"repositoryName": "none"}, "RepositoryNotFoundException"),
    ("DescribeImages", {"repositoryName": "stocked", "imageIds": [{"imageTag": "v1"}]}, {"imageDetails": [{"imageDigest": "$digest", "imageTags": ["v1"], "imagePushedAt": ANY, "imageSizeInBytes": ANY, "imageManifestMediaType": ANY}]}),
    ("DescribeImages", {"repositoryName": "stocked", "imageIds": [{"imageTag": "v2"}]}, "ImageNotFoundException"),
    ("BatchGetImage", {"repositoryName": "stocked", "imageIds": [{"imageDigest": "$digest"}, {"imageTag": "v2"}]}, {"images": [{"imageId": {"imageDigest": "$digest"}, "imageManifest": ANY}], "failures": [{"failureCode": "ImageNotFound", "imageId": {"imageTag": "v2"}}]}),
    ("BatchGetImage", {"repositoryName": "none", "imageIds": [{"imageTag": "v1"}]}, "RepositoryNotFoundException"),
    ("DeleteRepository", {"repositoryName": "stocked"}, "RepositoryNotEmptyException"),
    ("BatchDeleteImage", {"repositoryName": "stocked", "imageIds": [{"imageDigest": "$digest"}]}, {"imageIds": [{"imageDigest": "$digest", "imageTag": "v1"}], "failures": []}),
    ("BatchDeleteImage", {"repositoryName": "none", "imageIds": [{"imageTag": "v1"}]}, "RepositoryNotFoundException"),
    ("DeleteRepository", {"repositoryName": "judged"}, {"repository": {"repositoryName": "judged"}}),
    ("DeleteRepository", {"repositoryName": "judged"}, "RepositoryNotFoundException"),
]

HOSTS = {"type": "EC2", "maxvCpus": 16, "minvCpus": 0, "instanceTypes": ["m5.large"], "instanceRole": "$profile", "subnets": ["$subnet"],
         "securityGroupIds": ["$group"], "allocationStrategy": "BEST_FIT_PROGRESSIVE"}
CONTAINER = {"image": "public.ecr.aws/docker/library/busybox", "command": ["true"],
             "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]}

BATCH = [
    ("CreateComputeEnvironment", {"computeEnvironmentName": "judged", "type": "MANAGED", "state": "ENABLED", "serviceRole": "$service", "computeResources": HOSTS, "tags": {"owner": "judge"}}, {"computeEnvironmentName": "judged", "computeEnvironmentArn": ANY}, {"environment": "computeEnvironmentArn"}),
    ("CreateComputeEnvironment", {"computeEnvironmentName": "judged", "type": "MANAGED", "serviceRole": "$service", "computeResources": HOSTS}, "ClientException"),
    ("CreateComputeEnvironment", {"computeEnvironmentName": "lean", "type": "MANAGED", "computeResources": HOSTS}, {"computeEnvironmentName": "lean"}),
    ("DescribeComputeEnvironments", {"computeEnvironments": ["judged"]}, {"computeEnvironments": [{"status": "VALID", "state": "ENABLED", "type": "MANAGED", "ecsClusterArn": ANY, "serviceRole": ANY, "containerOrchestrationType": "ECS"}]}),
    ("DescribeComputeEnvironments", {"nextToken": "none"}, "ClientException"),
    ("UpdateComputeEnvironment", {"computeEnvironment": "judged", "computeResources": {"maxvCpus": 32}}, {"computeEnvironmentName": "judged"}),
    ("UpdateComputeEnvironment", {"computeEnvironment": "none", "state": "DISABLED"}, "ClientException"),
    ("DescribeComputeEnvironments", {"computeEnvironments": ["judged"]}, {"computeEnvironments": [{"computeResources": {"maxvCpus": 32}}]}),
    ("CreateJobQueue", {"jobQueueName": "lean", "priority": 1, "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "judged"}]}, {"jobQueueName": "lean"}),
    ("CreateJobQueue", {"jobQueueName": "judged", "state": "ENABLED", "priority": 1, "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "judged"}], "tags": {"owner": "judge"}}, {"jobQueueName": "judged", "jobQueueArn": ANY}, {"queue": "jobQueueArn"}),
    ("CreateJobQueue", {"jobQueueName": "other", "state": "ENABLED", "priority": 1, "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "none"}]}, "ClientException"),
    ("DescribeJobQueues", {"jobQueues": ["judged"]}, {"jobQueues": [{"status": "VALID", "state": "ENABLED", "priority": 1, "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "$environment"}], "tags": {"owner": "judge"}}]}),
    ("DescribeJobQueues", {"nextToken": "none"}, "ClientException"),
    ("UpdateJobQueue", {"jobQueue": "judged", "priority": 2}, {"jobQueueName": "judged"}),
    ("UpdateJobQueue", {"jobQueue": "none", "priority": 2}, "ClientException"),

    ("RegisterJobDefinition", {"jobDefinitionName": "judged", "type": "container", "containerProperties": CONTAINER, "retryStrategy": {"attempts": 2}}, {"jobDefinitionName": "judged", "revision": 1, "jobDefinitionArn": ANY}),
    ("RegisterJobDefinition", {"jobDefinitionName": "judged", "type": "container", "containerProperties": CONTAINER}, {"revision": 2}),
    ("RegisterJobDefinition", {"jobDefinitionName": "no name", "type": "container", "containerProperties": CONTAINER}, "ClientException"),
    ("DescribeJobDefinitions", {"jobDefinitionName": "judged", "status": "ACTIVE"}, {"jobDefinitions": ANY}),
    ("DescribeJobDefinitions", {"jobDefinitions": ["judged:2"]}, {"jobDefinitions": [{"revision": 2, "status": "ACTIVE", "platformCapabilities": ["EC2"]}]}),
    ("DescribeJobDefinitions", {"nextToken": "none"}, "ClientException"),
    ("DeregisterJobDefinition", {"jobDefinition": "judged:2"}, {}),
    ("DeregisterJobDefinition", {"jobDefinition": "none:1"}, "ClientException"),

    ("SubmitJob", {"jobName": "quick", "jobQueue": "judged", "jobDefinition": "judged"}, {"jobName": "quick", "jobId": ANY, "jobArn": ANY}, {"quick": "jobId"}),
    ("SubmitJob", {"jobName": "two words", "jobQueue": "judged", "jobDefinition": "judged"}, "ClientException"),
    ("SubmitJob", {"jobName": "j", "jobQueue": "none", "jobDefinition": "judged"}, "ClientException"),
    ("SubmitJob", {"jobName": "orphan", "jobQueue": "judged", "jobDefinition": "judged", "dependsOn": [{"jobId": "00000000-0000-0000-0000-000000000000"}]}, "ClientException"),
    ("SubmitJob", {"jobName": "many", "jobQueue": "judged", "jobDefinition": "judged", "dependsOn": [{"jobId": "$quick"}] * 21}, "ClientException"),
    ("SubmitJob", {"jobName": "hasty", "jobQueue": "judged", "jobDefinition": "judged", "timeout": {"attemptDurationSeconds": 5}}, "ClientException"),
    ("SubmitJob", {"jobName": "stubborn", "jobQueue": "judged", "jobDefinition": "judged", "retryStrategy": {"attempts": 99}}, "ClientException"),
    ("SubmitJob", {"jobName": "posing", "jobQueue": "judged", "jobDefinition": "judged", "containerOverrides": {"environment": [{"name": "AWS_BATCH_JOB_ID", "value": "1"}]}}, "ClientException"),
    ("SubmitJob", {"jobName": "silent", "jobQueue": "judged", "jobDefinition": "judged", "containerOverrides": {"command": [""]}}, "ClientException"),
    ("SubmitJob", {"jobName": "fails", "jobQueue": "judged", "jobDefinition": "judged", "retryStrategy": {"attempts": 2}, "timeout": {"attemptDurationSeconds": 60}}, {}, {"fails": "jobId"}),
    ("SubmitJob", {"jobName": "child", "jobQueue": "judged", "jobDefinition": "judged", "dependsOn": [{"jobId": "$fails"}]}, {}, {"child": "jobId"}),
    ("DescribeJobs", {"jobs": ["$quick"]}, {"jobs": [{"jobName": "quick", "status": "SUCCEEDED", "container": {"exitCode": 0, "logStreamName": re.compile("^judged/default/")}, "attempts": [{"container": {"exitCode": 0}, "startedAt": ANY, "stoppedAt": ANY}], "createdAt": ANY}]}, {"stream": "jobs.0.container.logStreamName"}),
    ("DescribeJobs", {"jobs": ["$fails", "$child"]}, {"jobs": [{"status": "FAILED", "statusReason": "Essential container in task exited", "attempts": [{"container": {"exitCode": 1}}, {"container": {"exitCode": 1}}], "retryStrategy": {"attempts": 2}}, {"status": "FAILED", "statusReason": "Dependent Job failed"}]}),
    ("DescribeJobs", {"jobs": ["00000000-0000-0000-0000-%012d" % i for i in range(101)]}, "ClientException"),
    ("DescribeJobs", {"jobs": ["00000000-0000-0000-0000-000000000000"]}, {"jobs": []}),
    ("ListJobs", {"jobQueue": "judged"}, {"jobSummaryList": []}),
    ("ListJobs", {"jobQueue": "judged", "jobStatus": "SUCCEEDED"}, {"jobSummaryList": [{"jobName": "quick", "jobId": "$quick", "status": "SUCCEEDED", "container": {"exitCode": 0}}]}),
    ("ListJobs", {"jobQueue": "judged", "filters": [{"name": "JOB_NAME", "values": ["QUI*"]}]}, {"jobSummaryList": [{"jobName": "quick"}]}),
    ("ListJobs", {}, "ClientException"),
    ("SubmitJob", {"jobName": "slow", "jobQueue": "judged", "jobDefinition": "judged"}, {}, {"slow": "jobId"}),
    ("SubmitJob", {"jobName": "waits", "jobQueue": "judged", "jobDefinition": "judged", "dependsOn": [{"jobId": "$slow"}]}, {}, {"waits": "jobId"}),
    ("CancelJob", {"jobId": "$waits", "reason": "not wanted"}, {}),
    ("CancelJob", {"jobId": "$waits", "reason": "r" * 1025}, "ClientException"),
    ("TerminateJob", {"jobId": "$slow", "reason": "seen enough"}, {}),
    ("TerminateJob", {"jobId": "$slow", "reason": "r" * 1025}, "ClientException"),
    ("DescribeJobs", {"jobs": ["$slow", "$waits"]}, {"jobs": [{"status": "FAILED", "statusReason": "seen enough"}, {"status": "FAILED", "statusReason": ANY}]}),

    # the order in which things go
    ("DeleteJobQueue", {"jobQueue": "judged"}, "ClientException"),
    ("DeleteComputeEnvironment", {"computeEnvironment": "judged"}, "ClientException"),
    ("UpdateJobQueue", {"jobQueue": "judged", "state": "DISABLED"}, {}),
    ("DeleteJobQueue", {"jobQueue": "judged"}, {}),
    ("DescribeJobQueues", {"jobQueues": ["judged"]}, {"jobQueues": []}),
    ("UpdateComputeEnvironment", {"computeEnvironment": "judged", "state": "DISABLED"}, {}),
    ("UpdateJobQueue", {"jobQueue": "lean", "state": "DISABLED", "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "lean"}]}, {}),
    ("DeleteComputeEnvironment", {"computeEnvironment": "judged"}, {}),
    ("DescribeComputeEnvironments", {"computeEnvironments": ["judged"]}, {"computeEnvironments": []}),
]

GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:"

LOGS = [
    ("CreateLogGroup", {"logGroupName": "/judged", "tags": {"owner": "judge"}}, {}),
    ("CreateLogGroup", {"logGroupName": "/judged"}, "ResourceAlreadyExistsException"),
    ("PutRetentionPolicy", {"logGroupName": "/judged", "retentionInDays": 30}, {}),
    ("PutRetentionPolicy", {"logGroupName": "/judged", "retentionInDays": 31}, "InvalidParameterException"),
    ("DescribeLogGroups", {"logGroupNamePrefix": "/judged"}, {"logGroups": [{"logGroupName": "/judged", "retentionInDays": 30, "arn": GROUP + "/judged:*", "creationTime": ANY}]}),
    ("DescribeLogGroups", {"nextToken": "none"}, "InvalidParameterException"),
    ("ListTagsForResource", {"resourceArn": GROUP + "/judged"}, {"tags": {"owner": "judge"}}),
    ("ListTagsForResource", {"resourceArn": GROUP + "/none"}, "ResourceNotFoundException"),
    # what the jobs said
    ("DescribeLogStreams", {"logGroupName": "/aws/batch/job", "logStreamNamePrefix": "judged/"}, {"logStreams": ANY}),
    ("DescribeLogStreams", {"logGroupName": "/none"}, "ResourceNotFoundException"),
    ("GetLogEvents", {"logGroupName": "/aws/batch/job", "logStreamName": "$stream", "startFromHead": True}, {"events": [{"message": "hello", "timestamp": ANY, "ingestionTime": ANY}], "nextForwardToken": ANY, "nextBackwardToken": ANY}, {"token": "nextForwardToken"}),
    ("GetLogEvents", {"logGroupName": "/aws/batch/job", "logStreamName": "$stream", "startFromHead": True, "nextToken": "$token"}, {"events": [], "nextForwardToken": "$token"}),
    ("GetLogEvents", {"logGroupName": "/aws/batch/job", "logStreamName": "none"}, "ResourceNotFoundException"),
    ("FilterLogEvents", {"logGroupName": "/aws/batch/job", "logStreamNames": ["$stream"], "filterPattern": "hello"}, {"events": [{"message": "hello", "logStreamName": "$stream", "eventId": ANY}]}),
    ("FilterLogEvents", {"logGroupName": "/none"}, "ResourceNotFoundException"),
    ("DeleteLogGroup", {"logGroupName": "/judged"}, {}),
    ("DeleteLogGroup", {"logGroupName": "/judged"}, "ResourceNotFoundException"),
]

STEPS = [("sts", STS), ("ec2", EC2), ("iam", IAM), ("s3", S3), ("ecr", ECR), ("batch", BATCH), ("logs", LOGS), ("iam", IAM_END)]
