# SPDX-License-Identifier: Apache-2.0
"""Does by hand in an emulated AWS account what nobody should, with AWS's own client.

detach PREFIX         detaches all policies of the roles whose names begin so
delete-group PREFIX   deletes security groups
delete-profile PREFIX deletes instance profiles
shut PREFIX           lets load balancers of tenants reach no host
untag PREFIX          takes all tags off security groups and roles
save PREFIX           prints security groups and roles with their tags, for restore
restore SAVED         makes what save printed
orphan PLATFORM       makes a security group and a role with the tags of a tenant that never was
delete-listener NAME PORT   of the load balancer of that name
delete-balancer NAME  and its listeners
open NAME             a port of the security group of that name
add-target NAME       one that nobody asked for
delete-record NAME    the address of a DNS name
lead-record NAME      leads it to another load balancer
delete NAME           deletes a queue or a table
make-table NAME PLATFORM TENANT-ID   makes it as from a backup
shrink NAME CLASS     another class for a database
instance PLATFORM TENANT-ID HOST-ID TOKEN   runs one with these tags, prints its id
tags ID               prints an instance's tenant, host and token
state ID              prints the state of an instance
"""
import json

import boto3

KEYS = {"region_name": "us-west-2", "aws_access_key_id": "AKID", "aws_secret_access_key": "secret"}
ec2 = boto3.client("ec2", **KEYS)
iam = boto3.client("iam", **KEYS)
elb = boto3.client("elbv2", **KEYS)
route53 = boto3.client("route53", **KEYS)
sqs = boto3.client("sqs", **KEYS)
dynamodb = boto3.client("dynamodb", **KEYS)
rds = boto3.client("rds", **KEYS)
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


def shut(prefix):
    for group in groups(prefix):
        if group["GroupName"].endswith("-lb"):
            ec2.revoke_security_group_egress(
                GroupId=group["GroupId"],
                IpPermissions=[{"IpProtocol": "tcp", "FromPort": rule["FromPort"], "ToPort": rule["ToPort"],
                                "IpRanges": [{"CidrIp": one["CidrIp"]} for one in rule["IpRanges"]]}
                               for rule in group["IpPermissionsEgress"]])


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


def restore(saved):
    make(json.loads(saved))


def orphan(platform):
    name = f"duplofs-{platform}-never-999999"
    values = {"duplo.platform": platform, "duplo.tenant": "never\nwas", "duplo.tenant-id": "999999"}
    tags = [{"Key": key, "Value": value} for key, value in values.items()]
    vpc = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.40.0.0/16"]}])["Vpcs"][0]["VpcId"]
    make({"groups": [[name, vpc, tags]], "roles": [[name, tags]]})


def balancer(name):
    return elb.describe_load_balancers(Names=[name])["LoadBalancers"][0]


def delete_listener(name, port):
    for one in elb.describe_listeners(LoadBalancerArn=balancer(name)["LoadBalancerArn"])["Listeners"]:
        if one["Port"] == int(port):
            elb.delete_listener(ListenerArn=one["ListenerArn"])


def delete_balancer(name):
    arn = balancer(name)["LoadBalancerArn"]
    for one in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
        elb.delete_listener(ListenerArn=one["ListenerArn"])
    elb.delete_load_balancer(LoadBalancerArn=arn)


def open_port(name):
    for group in groups(name):
        if group["GroupName"] == name:
            ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpProtocol="tcp", FromPort=22, ToPort=22,
                                                 CidrIp="0.0.0.0/0")


def add_target(name):
    arn = elb.describe_target_groups(Names=[name])["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "10.40.200.9", "Port": 20000}])


def change_record(name, change):
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    for one in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]:
        if one["Name"].rstrip(".") == name and one["Type"] == "A":
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change(one)]})


def delete_record(name):
    change_record(name, lambda one: {"Action": "DELETE", "ResourceRecordSet": one})


def lead_record(name):
    def change(one):
        one["AliasTarget"]["DNSName"] = "other-1.us-west-2.elb.amazonaws.com."
        return {"Action": "UPSERT", "ResourceRecordSet": one}
    change_record(name, change)


def delete(name):
    if name in dynamodb.list_tables()["TableNames"]:
        dynamodb.delete_table(TableName=name)
    else:
        sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])


def make_table(name, platform, tenant):
    dynamodb.create_table(
        TableName=name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "duplo.platform", "Value": platform}, {"Key": "duplo.tenant-id", "Value": tenant}])


def shrink(name, new_class):
    rds.modify_db_instance(DBInstanceIdentifier=name, DBInstanceClass=new_class, ApplyImmediately=True)


def instance(platform, tenant, host, token):
    values = {"duplo.platform": platform, "duplo.tenant-id": tenant, "duplo.host-id": host, "duplo.token": token}
    run = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, TagSpecifications=[
        {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in values.items()]}])
    print(run["Instances"][0]["InstanceId"])


def one_instance(instance_id):
    return ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]


def tags(instance_id):
    values = {tag["Key"]: tag["Value"] for tag in one_instance(instance_id)["Tags"]}
    print(values["duplo.tenant-id"], values["duplo.host-id"], values["duplo.token"])


def state(instance_id):
    print(one_instance(instance_id)["State"]["Name"])


COMMANDS = {"detach": detach, "delete-group": delete_group, "delete-profile": delete_profile, "shut": shut,
            "untag": untag, "save": save,
            "restore": restore, "orphan": orphan, "delete-listener": delete_listener,
            "delete-balancer": delete_balancer, "open": open_port, "add-target": add_target,
            "delete-record": delete_record, "lead-record": lead_record, "delete": delete, "make-table": make_table,
            "shrink": shrink, "instance": instance, "state": state, "tags": tags}
