"""Follows boto3's paginators over several pages each, waits with its waiters, and moves an object of many parts with its transfer manager.

usage: pages.py OPERATION...       those that are offered, as batch.ListJobs
"""

import json
import os
import sys
import tempfile
import threading
import time

import boto3
from botocore import xform_name

import steps

N = 5
CLIENTS = {"servicequotas": "service-quotas"}  # of services that boto3 calls by another name than signatures have
s3, iam, ecr, batch, logs = (boto3.client(name) for name in ("s3", "iam", "ecr", "batch", "logs"))


def make_buckets():
    for i in range(N):
        s3.create_bucket(Bucket=f"bucket{i}")
        s3.put_object(Bucket="bucket0", Key=f"key{i}", Body=b"x")


def make_uploads():
    """Unfinished uploads, and parts of the last one, which is given."""
    for i in range(N):
        upload = s3.create_multipart_upload(Bucket="bucket0", Key="parts")["UploadId"]
    for i in range(N):
        s3.upload_part(Bucket="bucket0", Key="parts", UploadId=upload, PartNumber=i + 1, Body=b"x")
    return upload


def make_roles():
    for i in range(N):
        iam.create_role(RoleName=f"role{i}", AssumeRolePolicyDocument=steps.TRUST, Tags=[{"Key": f"key{k}", "Value": "v"} for k in range(N)])
        iam.create_instance_profile(InstanceProfileName=f"profile{i}")
        iam.add_role_to_instance_profile(InstanceProfileName=f"profile{i}", RoleName="role0")
        iam.put_role_policy(RoleName="role0", PolicyName=f"policy{i}", PolicyDocument=steps.GRANT)
    for name in ("AmazonS3ReadOnlyAccess", "AmazonS3FullAccess", "CloudWatchLogsFullAccess", "AdministratorAccess", "service-role/AWSBatchServiceRole"):
        iam.attach_role_policy(RoleName="role0", PolicyArn=f"arn:aws:iam::aws:policy/{name}")


def make_jobs():
    ec2 = boto3.client("ec2")
    subnet, group = ec2.describe_subnets()["Subnets"][0]["SubnetId"], ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    hosts = {**steps.HOSTS, "instanceRole": "profile0", "subnets": [subnet], "securityGroupIds": [group]}
    for i in range(N):
        batch.create_compute_environment(computeEnvironmentName=f"hosts{i}", type="MANAGED", computeResources=hosts)
        batch.create_job_queue(jobQueueName=f"queue{i}", priority=1, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": f"hosts{i}"}])
        batch.register_job_definition(jobDefinitionName="definition", type="container", containerProperties=steps.CONTAINER)
    for i in range(N):
        batch.submit_job(jobName=f"job{i}", jobQueue="queue0", jobDefinition="definition")
    while len(batch.list_jobs(jobQueue="queue0", jobStatus="SUCCEEDED")["jobSummaryList"]) < N:
        time.sleep(0.05)


def make_templates():
    for i in range(N):
        boto3.client("ec2").create_launch_template(LaunchTemplateName=f"template{i}", LaunchTemplateData=steps.DISK)


def make_repositories():
    for i in range(N):
        ecr.create_repository(repositoryName=f"repository{i}")
        logs.create_log_group(logGroupName=f"/group{i}")


def pages(upload):
    """By operation: parameters, the list in the answers, what it holds at least; a page size where the operation has a lower bound for it."""
    role, bucket, stocked = {"RoleName": "role0"}, {"Bucket": "bucket0"}, {"repositoryName": "stocked"}
    return {
        "s3.ListBuckets": ({}, "Buckets", N),
        "s3.ListObjects": (bucket, "Contents", N),
        "s3.ListObjectsV2": (bucket, "Contents", N),
        "s3.ListObjectVersions": (bucket, "Versions", N),
        "s3.ListMultipartUploads": (bucket, "Uploads", N),
        "s3.ListParts": ({**bucket, "Key": "parts", "UploadId": upload}, "Parts", N),
        "iam.ListRoles": ({}, "Roles", N),
        "iam.ListRoleTags": (role, "Tags", N),
        "iam.ListRolePolicies": (role, "PolicyNames", N),
        "iam.ListAttachedRolePolicies": (role, "AttachedPolicies", N),
        "iam.SimulatePrincipalPolicy": (
            {"PolicySourceArn": "arn:aws:iam::123456789012:role/role0", "ActionNames": [f"s3:Action{i}" for i in range(N)]}, "EvaluationResults", N),
        "iam.ListInstanceProfiles": ({}, "InstanceProfiles", N),
        "iam.ListInstanceProfilesForRole": (role, "InstanceProfiles", N),
        "batch.DescribeComputeEnvironments": ({}, "computeEnvironments", N),
        "batch.DescribeJobQueues": ({}, "jobQueues", N),
        "batch.DescribeJobDefinitions": ({"jobDefinitionName": "definition"}, "jobDefinitions", N),
        "batch.ListJobs": ({"jobQueue": "queue0", "jobStatus": "SUCCEEDED"}, "jobSummaryList", N),
        "ecr.DescribeRepositories": ({}, "repositories", N),
        "ecr.ListImages": (stocked, "imageIds", 1),
        "ecr.DescribeImages": (stocked, "imageDetails", 1),
        "logs.DescribeLogGroups": ({"logGroupNamePrefix": "/group"}, "logGroups", N),
        "logs.DescribeLogStreams": ({"logGroupName": "/aws/batch/job"}, "logStreams", N),
        "logs.FilterLogEvents": ({"logGroupName": "/aws/batch/job"}, "events", N),
        "ec2.DescribeVpcs": ({}, "Vpcs", 1, 5),
        "ec2.DescribeSubnets": ({}, "Subnets", 3, 5),
        "ec2.DescribeSecurityGroups": ({}, "SecurityGroups", 1, 5),
        "ec2.DescribeRouteTables": ({}, "RouteTables", 1, 5),
        "ec2.DescribeVpcEndpoints": ({}, "VpcEndpoints", 0, 5),
        "ec2.DescribeLaunchTemplates": ({}, "LaunchTemplates", N),
        "ec2.DescribeLaunchTemplateVersions": ({"LaunchTemplateName": "template0"}, "LaunchTemplateVersions", 1),
    }


def follow(name, parameters, field, least, size=2):
    service, operation = name.split(".")
    client = boto3.client(service)
    found = []
    answers = list(client.get_paginator(xform_name(operation)).paginate(**parameters, PaginationConfig={"PageSize": size}))
    for answer in answers:
        page = answer.get(field, [])
        assert len(page) <= size, f"{name}: {len(page)} on a page of {size}"
        found += [json.dumps(item, default=str, sort_keys=True) for item in page]
    assert len(found) >= least and len(set(found)) == len(found), f"{name}: {len(found)} in {len(answers)} pages: {found}"


def wait(client, waiter, make, **parameters):
    """Something is made while the waiter waits for it."""
    threading.Timer(0.5, make).start()
    client.get_waiter(waiter).wait(**parameters, WaiterConfig={"Delay": 1, "MaxAttempts": 10})


def transfer():
    """An object of 40 MB goes up and comes down in parts, several at a time."""
    data = os.urandom(40 << 20)
    with tempfile.TemporaryDirectory() as tmp:
        with open(f"{tmp}/up", "wb") as f:
            f.write(data)
        s3.upload_file(f"{tmp}/up", "bucket0", "big")
        s3.download_file("bucket0", "big", f"{tmp}/down")
        with open(f"{tmp}/down", "rb") as f:
            assert f.read() == data, "an object of 40 MB came back changed"
    etag = s3.head_object(Bucket="bucket0", Key="big")["ETag"]
    assert etag.endswith('-5"'), f"40 MB in parts of 8 MB are {etag}"


def main():
    make_buckets()
    make_roles()
    make_jobs()
    make_templates()
    make_repositories()
    table = pages(make_uploads())
    offered = [name for name in sys.argv[1:] if boto3.client(CLIENTS.get(name.split(".")[0], name.split(".")[0])).can_paginate(xform_name(name.split(".")[1]))]
    assert sorted(table) == sorted(offered), f"operations with pages here and there: {set(table) ^ set(offered)}"
    failures = []
    for name, row in table.items():
        try:
            follow(name, *row)
        except Exception as e:
            failures.append(f"{name}: {type(e).__name__}: {e}"[:500])
    assert not failures, "\n".join(failures)

    wait(s3, "bucket_exists", lambda: s3.create_bucket(Bucket="late"), Bucket="late")
    wait(s3, "object_exists", lambda: s3.put_object(Bucket="late", Key="k", Body=b"x"), Bucket="late", Key="k")
    wait(s3, "object_not_exists", lambda: s3.delete_object(Bucket="late", Key="k"), Bucket="late", Key="k")
    wait(s3, "bucket_not_exists", lambda: s3.delete_bucket(Bucket="late"), Bucket="late")
    wait(iam, "role_exists", lambda: iam.create_role(RoleName="late", AssumeRolePolicyDocument=steps.TRUST), RoleName="late")
    wait(iam, "instance_profile_exists", lambda: iam.create_instance_profile(InstanceProfileName="late"), InstanceProfileName="late")
    transfer()


if __name__ == "__main__":
    main()
