"""Lists what of a kedroctl stack is left in an account, and what became of the log group that is not ours.

usage: leftovers.py ENDPOINT REGION
Prints JSON: {"left": [...], "job_log_group": {"retention": DAYS, "tags": {...}}}.
"""

import json
import sys

import boto3

endpoint, region = sys.argv[1:]


def client(service):
    return boto3.client(service, endpoint_url=endpoint, region_name=region, aws_access_key_id="test", aws_secret_access_key="test")


def left():
    yield from (f"bucket {b['Name']}" for b in client("s3").list_buckets()["Buckets"])
    yield from (f"repository {r['repositoryName']}" for r in client("ecr").describe_repositories()["repositories"])
    iam = client("iam")
    yield from (f"role {r['RoleName']}" for r in iam.list_roles()["Roles"] if not r["Path"].startswith("/aws-service-role/"))
    yield from (f"instance profile {p['InstanceProfileName']}" for p in iam.list_instance_profiles()["InstanceProfiles"])
    batch = client("batch")
    yield from (f"queue {q['jobQueueName']}" for q in batch.describe_job_queues()["jobQueues"])
    yield from (f"environment {e['computeEnvironmentName']}" for e in batch.describe_compute_environments()["computeEnvironments"])
    for definition in batch.describe_job_definitions()["jobDefinitions"]:
        if definition["status"] != "INACTIVE":
            yield f"definition {definition['jobDefinitionName']}:{definition['revision']} {definition['status']}"
    yield from (f"log group {g['logGroupName']}" for g in groups() if g["logGroupName"] != "/aws/batch/job")


def groups():
    return client("logs").describe_log_groups()["logGroups"]


def job_log_group():
    for group in groups():
        if group["logGroupName"] == "/aws/batch/job":
            tags = client("logs").list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
            return {"retention": group.get("retentionInDays"), "tags": tags}
    return None


print(json.dumps({"left": list(left()), "job_log_group": job_log_group()}))
