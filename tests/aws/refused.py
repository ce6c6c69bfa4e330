# SPDX-License-Identifier: Apache-2.0
"""Does in an account what AWS refuses, with AWS's own client, and prints what came of it, a line each: the strict
double must refuse all of it, and take it when it is right."""
import json
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

KEYS = {"region_name": "us-west-2", "aws_access_key_id": "AKID", "aws_secret_access_key": "secret",
        "config": Config(retries={"total_max_attempts": 1})}
ec2, iam, elb, route53 = (boto3.client(name, **KEYS) for name in ("ec2", "iam", "elbv2", "route53"))


def code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"


def eventually(call, **arguments):
    deadline = time.monotonic() + 20
    while (result := code(call, **arguments)) != "done" and time.monotonic() < deadline:
        time.sleep(0.05)
    return result


def group(name):
    made = ec2.create_security_group(GroupName=name, Description="x", VpcId=vpc)["GroupId"]
    print("a new group is shown:", len(ec2.describe_security_groups(
        Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]))
    eventually(ec2.describe_security_groups, GroupIds=[made])
    return made


vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
one, other = group("one"), group("other")
rule = {"GroupId": other, "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": one}]}]}
ec2.authorize_security_group_ingress(**rule)
print("a group that another refers to:", code(ec2.delete_security_group, GroupId=one))
ec2.revoke_security_group_ingress(**rule)

iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
print("a new role is shown:", code(iam.get_role, RoleName="r"), eventually(iam.get_role, RoleName="r"))
iam.create_instance_profile(InstanceProfileName="p")
iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
start = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "SecurityGroupIds": [one], "SubnetId": subnets[0],
         "IamInstanceProfile": {"Name": "p"}, "ClientToken": "t"}
print("a machine with a new profile:", code(ec2.run_instances, **start), eventually(ec2.run_instances, **start))
again = ec2.run_instances(**start)["Instances"][0]["InstanceId"]
print("the same token again:", len(ec2.describe_instances(InstanceIds=[again])["Reservations"]), "of",
      sum(len(r["Instances"]) for r in ec2.describe_instances()["Reservations"]))
print("with other parameters:", code(ec2.run_instances, **{**start, "InstanceType": "t3.large"}))
print("a group with a machine:", code(ec2.delete_security_group, GroupId=one))
ec2.terminate_instances(InstanceIds=[again])
print("a role in a profile:", code(iam.delete_role, RoleName="r"))
print("a profile with a role:", code(iam.delete_instance_profile, InstanceProfileName="p"))

balancer = elb.create_load_balancer(Name="b", Subnets=subnets, SecurityGroups=[other])["LoadBalancers"][0]
target = elb.create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]
listener = {"LoadBalancerArn": balancer["LoadBalancerArn"], "Protocol": "HTTP", "Port": 80,
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": target}]}
print("a listener:", code(elb.create_listener, **listener), code(elb.create_listener, **listener))
print("a group with a balancer:", code(ec2.delete_security_group, GroupId=other))
elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
print("when nothing uses them:", *[eventually(ec2.delete_security_group, GroupId=each) for each in (one, other)])

zone = route53.create_hosted_zone(Name="example.com", CallerReference="x")["HostedZone"]["Id"]


def record(action, value):
    return code(route53.change_resource_record_sets, HostedZoneId=zone, ChangeBatch={"Changes": [{
        "Action": action, "ResourceRecordSet": {
            "Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": value}]}}]})


print("a record that is there:", record("CREATE", "192.0.2.1"), record("CREATE", "192.0.2.2"))
print("the end of one that says something else:", record("DELETE", "192.0.2.2"), record("DELETE", "192.0.2.1"))
