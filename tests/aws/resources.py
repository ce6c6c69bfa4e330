# SPDX-License-Identifier: Apache-2.0
"""What look.py sees and does of tenants' resources in an emulated AWS account.

list PREFIX         what there is with names that begin so, a line a thing, as it is
snapshots PREFIX    what was kept of those that are gone
put BUCKET KEY      an object
empty BUCKET        takes out all that is in it
tags TYPE NAME      the tenant that it is tagged with
taken NAME          makes a queue of that name that is not ours
lose NAME           removes a queue behind the platform's back
group NAME          the id of the security group of that name
role PREFIX         what the policies inside roles allow: an action and a resource a line
"""
import json

from botocore.exceptions import ClientError
from clients import client


def buckets(prefix):
    s3 = client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        if name.startswith(prefix):
            versioning = s3.get_bucket_versioning(Bucket=name).get("Status", "-")
            block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
            yield "s3", name, versioning, "private" if all(block.values()) else "public"


def queues(prefix):
    sqs = client("sqs")
    for url in sqs.list_queues(QueueNamePrefix=prefix).get("QueueUrls", []):
        values = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        yield ("sqs", url.rsplit("/", 1)[1], values["VisibilityTimeout"], values["MessageRetentionPeriod"],
               values["DelaySeconds"])


def tables(prefix):
    dynamodb = client("dynamodb")
    for name in dynamodb.list_tables()["TableNames"]:
        if name.startswith(prefix):
            table = dynamodb.describe_table(TableName=name)["Table"]
            units = table.get("ProvisionedThroughput", {})
            keys = ",".join(f"{key['AttributeName']}:{key['KeyType']}" for key in table["KeySchema"])
            yield ("dynamodb", name, keys, str(units.get("ReadCapacityUnits", 0)),
                   str(units.get("WriteCapacityUnits", 0)))


def databases(prefix):
    for found in client("rds").describe_db_instances()["DBInstances"]:
        name = found["DBInstanceIdentifier"]
        if name.startswith(prefix):
            yield ("rds", name, found["Engine"], found["DBInstanceClass"], str(found["AllocatedStorage"]),
                   "multi-az" if found["MultiAZ"] else "single", str(found["BackupRetentionPeriod"]),
                   "encrypted" if found["StorageEncrypted"] else "plain",
                   "public" if found["PubliclyAccessible"] else "private",
                   ",".join(group["VpcSecurityGroupId"] for group in found["VpcSecurityGroups"]))


def caches(prefix):
    for found in client("elasticache").describe_cache_clusters()["CacheClusters"]:
        if found["CacheClusterId"].startswith(prefix):
            yield ("elasticache", found["CacheClusterId"], found["Engine"], found["CacheNodeType"],
                   str(found["NumCacheNodes"]))


def domains(prefix):
    try:
        found = client("swf").list_domains(registrationStatus="REGISTERED")["domainInfos"]
    except ClientError:  # ministack has no SWF
        found = []
    for domain in found:
        if domain["name"].startswith(prefix):
            yield "swf", domain["name"]


def group(name):
    for found in client("ec2").describe_security_groups()["SecurityGroups"]:
        if found["GroupName"] == name:
            yield found["GroupId"]


def things(prefix):
    for make in (buckets, queues, tables, databases, caches, domains):
        for thing in make(prefix):
            yield " ".join(thing)


def snapshots(prefix):
    for backup in client("dynamodb").list_backups()["BackupSummaries"]:
        if backup["BackupName"].startswith(prefix):
            yield f"dynamodb {backup['BackupName']}"
    for snapshot in client("rds").describe_db_snapshots()["DBSnapshots"]:
        if snapshot["DBSnapshotIdentifier"].startswith(prefix):
            yield f"rds {snapshot['DBSnapshotIdentifier']}"


def put(bucket, key):
    client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")


def empty(bucket):
    s3 = client("s3")
    versions = s3.list_object_versions(Bucket=bucket)
    for version in versions.get("Versions", []) + versions.get("DeleteMarkers", []):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def tags(kind, name):
    if kind == "s3":
        found = {tag["Key"]: tag["Value"] for tag in client("s3").get_bucket_tagging(Bucket=name)["TagSet"]}
    elif kind == "sqs":
        sqs = client("sqs")
        found = sqs.list_queue_tags(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])["Tags"]
    else:
        dynamodb = client("dynamodb")
        arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
        found = {tag["Key"]: tag["Value"] for tag in dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]}
    return [found.get("duplo.tenant")]


def taken(name):
    client("sqs").create_queue(QueueName=name, tags={"owner": "somebody"})


def lose(name):
    sqs = client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])


def role(prefix):
    iam = client("iam")
    for found in iam.list_roles()["Roles"]:
        if not found["RoleName"].startswith(prefix):
            continue
        for policy in iam.list_role_policies(RoleName=found["RoleName"])["PolicyNames"]:
            document = iam.get_role_policy(RoleName=found["RoleName"], PolicyName=policy)["PolicyDocument"]
            if isinstance(document, str):
                document = json.loads(document)
            for statement in document["Statement"]:
                for action in statement["Action"]:
                    for resource in statement["Resource"]:
                        yield f"{action} {resource}"


COMMANDS = {"list": things, "snapshots": snapshots, "put": put, "empty": empty, "tags": tags, "taken": taken,
            "lose": lose, "role": role, "group": group}
