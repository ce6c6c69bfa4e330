# SPDX-License-Identifier: Apache-2.0
"""What look.py sees and does of networks, tenants and hosts in an emulated AWS account.

base [NET]      makes a network and prints a policy for it; NET: 10.A.B, hosts are in NET.0/24
things PREFIX   prints what there is with names that begin so, a line a thing
open GROUP      adds a rule to a security group that nobody asked for
taken NAME      makes a role of that name that is not ours
hosts PREFIX    prints instances of tenants whose names begin so, a line each
script ID       prints what an instance is to run at its first boot
change ID WHAT  terminates or stops one by hand
images          makes two images where it says when one was made; prints an owner, a pattern of
                names, and the newest image that it stands for
parameter NAME VALUE   makes a parameter of SSM
queue           makes a queue for EventBridge and prints its URL
event URL WHAT ID   puts there what EventBridge would: recall, or the name of a state
"""
import base64
import json

from clients import client

ec2, iam, sqs = client("ec2"), client("iam"), client("sqs")
TRUST = '{"Version":"2012-10-17","Statement":[]}'


def base(net="10.40.0"):
    first, second, third = net.split(".")
    vpc = ec2.create_vpc(CidrBlock=f"{first}.{second}.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"{first}.{second}.{(int(third) + n) % 256}.0/24",
                                 AvailabilityZone=f"us-west-2{zone}")["Subnet"]["SubnetId"]
               for n, zone in enumerate("aab")]
    admin = ec2.create_security_group(GroupName="admin", Description="x", VpcId=vpc)["GroupId"]
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}'
    policy = iam.create_policy(PolicyName="tenants", PolicyDocument=document)["Policy"]["Arn"]
    print(json.dumps({
        "region": "us-west-2", "vpc_id": vpc, "private_subnet_ids": subnets[:1],
        "public_subnet_ids": subnets[1:], "admin_security_group_ids": [admin],
        "ingress_cidrs": ["10.0.0.0/8"], "tenant_policy_arns": [policy]}))


def who(group_id, group):
    """The group in words: itself, the administrator's, or the end of its name."""
    if group_id == group["GroupId"]:
        return "self"
    name = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]["GroupName"]
    return name.rsplit("-", 1)[-1]


def peers(group, side):
    found = []
    for rule in group[side]:
        ports = f"{rule['FromPort']}-{rule['ToPort']}" if rule.get("FromPort", -1) >= 0 else rule["IpProtocol"]
        found += [f"{ports}:{s['CidrIp']}" for s in rule["IpRanges"]]
        found += [f"{ports}:{who(s['GroupId'], group)}" for s in rule["UserIdGroupPairs"]]
    return sorted(found)


def groups(prefix):
    for group in ec2.describe_security_groups()["SecurityGroups"]:
        if not group["GroupName"].startswith(prefix):
            continue
        sources = peers(group, "IpPermissions")
        tenant = {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])}.get("duplo.tenant")
        if group["GroupName"].endswith("-lb"):
            print("balancer-group", tenant, *sources, "out", *peers(group, "IpPermissionsEgress"))
        else:
            print("security-group", tenant, *sources)


def things(prefix):
    groups(prefix)
    for pair in ec2.describe_key_pairs()["KeyPairs"]:
        if pair["KeyName"].startswith(prefix):
            tenant = {tag["Key"]: tag["Value"] for tag in pair.get("Tags", [])}.get("duplo.tenant")
            print("key-pair", tenant, pair.get("KeyType", "ed25519"))
    for role in iam.list_roles()["Roles"]:
        if role["RoleName"].startswith(prefix):
            attached = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
            tags = iam.list_role_tags(RoleName=role["RoleName"])["Tags"]
            tenant = {tag["Key"]: tag["Value"] for tag in tags}.get("duplo.tenant")
            print("role", tenant, *[policy["PolicyName"] for policy in attached])
    for profile in iam.list_instance_profiles()["InstanceProfiles"]:
        if profile["InstanceProfileName"].startswith(prefix):
            same = [role["RoleName"] == profile["InstanceProfileName"] for role in profile["Roles"]]
            print("instance-profile", *["same-role" if yes else "other-role" for yes in same])


def open_port(prefix):
    for group in ec2.describe_security_groups()["SecurityGroups"]:
        if group["GroupName"].startswith(prefix):
            ec2.authorize_security_group_ingress(
                GroupId=group["GroupId"], IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")


def taken(name):
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)


def instances():
    """With their tags; those that were terminated are shown for long."""
    for page in ec2.get_paginator("describe_instances").paginate():
        for reservation in page["Reservations"]:
            for one in reservation["Instances"]:
                yield one, {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}


def hosts(prefix):
    for one, tags in instances():
        if not tags.get("Name", "").startswith(prefix):
            continue
        profile = one.get("IamInstanceProfile", {}).get("Arn", "").rsplit("/", 1)[-1]
        print(one["InstanceId"], tags["duplo.host"], one["State"]["Name"], one["InstanceType"], one["ImageId"],
              one.get("InstanceLifecycle", "on-demand"), one.get("PrivateIpAddress"),
              "groups:", *[group["GroupName"] for group in one["SecurityGroups"]],
              "key:", one.get("KeyName"), "profile:", profile)


def script(instance):
    data = ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")["UserData"]
    print(base64.b64decode(data.get("Value", "")).decode(), end="")


def change(instance, what):
    {"terminate": ec2.terminate_instances, "stop": ec2.stop_instances}[what](InstanceIds=[instance])


def register(number):
    image = ec2.register_image(Name=f"duplo-test-{number}", Architecture="x86_64", RootDeviceName="/dev/sda1")["ImageId"]
    return ec2.describe_images(ImageIds=[image])["Images"][0]


def images():
    newest = register(0)
    old = register(1) if "CreationDate" in newest else {}
    while old and newest["CreationDate"] <= old["CreationDate"]:
        ec2.deregister_image(ImageId=newest["ImageId"])
        newest = register(0)
    print(newest["OwnerId"], "duplo-test-*", newest["ImageId"])


def parameter(name, value):
    client("ssm").put_parameter(Name=name, Value=value, Type="String")


def queue():
    print(sqs.create_queue(QueueName="host-events")["QueueUrl"])


def event(url, what, instance):
    if what == "recall":
        body = {"detail-type": "EC2 Spot Instance Interruption Warning", "source": "aws.ec2",
                "detail": {"instance-id": instance, "instance-action": "terminate"}}
    else:
        body = {"detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
                "detail": {"instance-id": instance, "state": what}}
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))


COMMANDS = {"base": base, "hosts": hosts, "script": script, "change": change, "queue": queue, "event": event,
            "images": images, "parameter": parameter, "things": things, "open": open_port, "taken": taken}
