# SPDX-License-Identifier: Apache-2.0
"""Does by hand in an emulated AWS account what nobody should, with AWS's own client.

meddle.py detach PREFIX         detaches all policies of the roles whose names begin so
meddle.py delete-group PREFIX   deletes security groups
meddle.py delete-profile PREFIX deletes instance profiles
meddle.py untag PREFIX          takes all tags off security groups and roles
meddle.py save PREFIX           prints security groups and roles with their tags, for restore
meddle.py restore               makes what save printed (standard input)
meddle.py orphan PLATFORM       makes a security group and a role with the tags of a tenant that never was
"""
import json
import sys

import boto3

KEYS = {"region_name": "us-west-2", "aws_access_key_id": "AKID", "aws_secret_access_key": "secret"}
ec2 = boto3.client("ec2", **KEYS)
iam = boto3.client("iam", **KEYS)
TRUST = '{"Version":"2012-10-17","Statement":[]}'


def groups(prefix):
    return [g for g in ec2.describe_security_groups()["SecurityGroups"] if g["GroupName"].startswith(prefix)]


def roles(prefix):
    return [r["RoleName"] for r in iam.list_roles()["Roles"] if r["RoleName"].startswith(prefix)]


def detach(prefix):
    for role in roles(prefix):
        for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])


def delete_group(prefix):
    for group in groups(prefix):
        ec2.delete_security_group(GroupId=group["GroupId"])


def delete_profile(prefix):
    for profile in iam.list_instance_profiles()["InstanceProfiles"]:
        name = profile["InstanceProfileName"]
        if name.startswith(prefix):
            for role in profile["Roles"]:
                iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role["RoleName"])
            iam.delete_instance_profile(InstanceProfileName=name)


def untag(prefix):
    for group in groups(prefix):
        ec2.delete_tags(Resources=[group["GroupId"]], Tags=[{"Key": tag["Key"]} for tag in group["Tags"]])
    for role in roles(prefix):
        keys = [tag["Key"] for tag in iam.list_role_tags(RoleName=role)["Tags"]]
        iam.untag_role(RoleName=role, TagKeys=keys)


def save(prefix):
    print(json.dumps({
        "groups": [[g["GroupName"], g["VpcId"], g["Tags"]] for g in groups(prefix)],
        "roles": [[name, iam.list_role_tags(RoleName=name)["Tags"]] for name in roles(prefix)]}))


def make(saved):
    for name, vpc, tags in saved["groups"]:
        ec2.create_security_group(GroupName=name, Description="x", VpcId=vpc, TagSpecifications=[
            {"ResourceType": "security-group", "Tags": tags}])
    for name, tags in saved["roles"]:
        iam.create_role(RoleName=name, Path="/duplofs/", AssumeRolePolicyDocument=TRUST, Tags=tags)


def restore():
    make(json.load(sys.stdin))


def orphan(platform):
    name = f"duplofs-{platform}-never-999999"
    values = {"duplo.platform": platform, "duplo.tenant": "never\nwas", "duplo.tenant-id": "999999"}
    tags = [{"Key": key, "Value": value} for key, value in values.items()]
    vpc = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.40.0.0/16"]}])["Vpcs"][0]["VpcId"]
    make({"groups": [[name, vpc, tags]], "roles": [[name, tags]]})


{"detach": detach, "delete-group": delete_group, "delete-profile": delete_profile, "untag": untag, "save": save,
 "restore": restore, "orphan": orphan}[sys.argv[1]](*sys.argv[2:])
