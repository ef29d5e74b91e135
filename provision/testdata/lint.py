"""Prints what parliament and cfn-lint find in policies: lint.py DIRECTORY, with a JSON file for each."""

import json
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")  # parliament's own use of pkg_resources

import parliament
from cfnlint.api import lint_all

resources = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
    document = json.loads(path.read_text())
    name = path.stem.replace("-", "")
    if path.stem == "bucket":
        resources[name] = {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": "linted", "PolicyDocument": document}}
    elif path.stem.startswith("trust"):
        resources[name] = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}
    else:
        resources[name] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}
        for finding in parliament.analyze_policy_string(path.read_text(), path.name).findings:
            print("parliament", path.stem, finding.issue, json.dumps(finding.detail))
for match in lint_all(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})):
    if not match.rule.id.startswith("I"):  # no defects: what a template could have besides
        print("cfn-lint", match.path[1] if len(match.path) > 1 else "-", match.rule.id, match.message)
