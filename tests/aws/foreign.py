# SPDX-License-Identifier: Apache-2.0
"""What look.py makes and sees in an emulated AWS account that is not the platform's.

make PLATFORM   makes a thing of each kind with a name as ours, and with the tags of another platform or none
list PREFIX     prints all whose names do not begin so: its kind, its name, its state, a line each
"""
import json

from account import instances
from botocore.exceptions import ClientError
from clients import client

TRUST = '{"Version":"2012-10-17","Statement":[]}'
TAGS = [{"Key": "duplo.platform", "Value": "another"}, {"Key": "duplo.tenant", "Value": "demo"}]


def subnets():
    """Of the network that account.py makes; not every emulator knows patterns in a filter."""
    return [subnet for subnet in client("ec2").describe_subnets()["Subnets"] if subnet["CidrBlock"].startswith("10.")]


def make_tenant(name):
    ec2, iam = client("ec2"), client("iam")
    subnet = subnets()[0]
    group = ec2.create_security_group(GroupName=name, Description="x", VpcId=subnet["VpcId"], TagSpecifications=[
        {"ResourceType": "security-group", "Tags": TAGS}])["GroupId"]
    ec2.create_key_pair(KeyName=name)
    iam.create_role(RoleName=name, Path="/duplofs/", AssumeRolePolicyDocument=TRUST, Tags=TAGS)
    iam.create_instance_profile(InstanceProfileName=name, Path="/duplofs/")
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, InstanceType="t3.micro", SubnetId=subnet["SubnetId"],
        SecurityGroupIds=[group], TagSpecifications=[
            {"ResourceType": "instance", "Tags": [*TAGS, {"Key": "Name", "Value": name}]}])


def make_resources(name):
    client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    client("s3").put_object(Bucket=name, Key="x", Body=b"x")
    client("sqs").create_queue(QueueName=name, tags={"duplo.platform": "another"})
    client("dynamodb").create_table(
        TableName=name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], Tags=TAGS)
    client("rds").create_db_instance(
        DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t3.micro", AllocatedStorage=20,
        MasterUsername="duplo", MasterUserPassword="notoursatall", Tags=TAGS)


def make_service(name):
    elb, route53 = client("elbv2"), client("route53")
    of_zone = {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in subnets()}
    elb.create_load_balancer(Name=name, Subnets=sorted(of_zone.values())[:2], Type="application", Tags=TAGS)
    elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=subnets()[0]["VpcId"], Tags=TAGS)
    for zone in route53.list_hosted_zones()["HostedZones"]:
        route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch={"Changes": [{
            "Action": "CREATE", "ResourceRecordSet": {
                "Name": f"mine.{zone['Name']}", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}}]})


def make(platform):
    """Names of load balancers have 32 characters at most."""
    for make_some, name in ((make_tenant, f"duplofs-{platform}a-demo-1"), (make_resources, f"duplofs-{platform}a-demo-db-1"),
                            (make_service, f"duplofs-{platform[:8]}a-1")):
        make_some(name)


def named(kind, found, key, *more):
    for one in found:
        yield " ".join([kind, one[key], *(json.dumps(one.get(name), default=str) for name in more)])


def domains():
    try:
        return client("swf").list_domains(registrationStatus="REGISTERED")["domainInfos"]
    except ClientError:  # ministack has no SWF
        return []


def everything():
    ec2, iam, elb, route53 = client("ec2"), client("iam"), client("elbv2"), client("route53")
    yield from named("security-group", ec2.describe_security_groups()["SecurityGroups"], "GroupName", "Tags", "IpPermissions")
    yield from named("key-pair", ec2.describe_key_pairs()["KeyPairs"], "KeyName")
    yield from named("instance", ({"Name": tags.get("Name", one["InstanceId"]), "State": one["State"]["Name"]}
                                  for one, tags in instances()), "Name", "State")
    yield from named("role", iam.list_roles()["Roles"], "RoleName", "Path")
    yield from named("instance-profile", iam.list_instance_profiles()["InstanceProfiles"], "InstanceProfileName", "Path")
    yield from named("balancer", elb.describe_load_balancers()["LoadBalancers"], "LoadBalancerName", "SecurityGroups")
    yield from named("target-group", elb.describe_target_groups()["TargetGroups"], "TargetGroupName")
    for zone in route53.list_hosted_zones()["HostedZones"]:
        records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
        yield from named("record", records, "Name", "Type")
    yield from named("s3", client("s3").list_buckets()["Buckets"], "Name")
    for url in client("sqs").list_queues().get("QueueUrls", []):
        yield f"sqs {url.rsplit('/', 1)[1]}"
    yield from (f"dynamodb {name}" for name in client("dynamodb").list_tables()["TableNames"])
    yield from named("rds", client("rds").describe_db_instances()["DBInstances"], "DBInstanceIdentifier", "DBInstanceStatus")
    yield from named("elasticache", client("elasticache").describe_cache_clusters()["CacheClusters"], "CacheClusterId")
    yield from named("swf", domains(), "name")


def others(prefix):
    """Records of services are told from others by their owner's, which things of services.py shows."""
    return sorted(line for line in everything() if not line.split(" ")[1].startswith(prefix))


COMMANDS = {"make": make, "list": others}
