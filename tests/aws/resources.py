# SPDX-License-Identifier: Apache-2.0
"""What look.py sees and does of tenants' resources in an emulated AWS account.

list PREFIX         what there is with names that begin so, a line a thing, as it is
snapshots PREFIX    what was kept of those that are gone
put BUCKET KEY      an object
empty BUCKET        takes out all that is in it
tags TYPE NAME      the tenant that it is tagged with
code BUCKET KEY VERSION   a zip file of a function that answers with VERSION and what it was given
call NAME EVENT     the function's answer
runs NAME           its role and network in words, and what its own role allows
send QUEUE TEXT     a message
bucket NAME         makes one
forget NAME WHAT    removes a function, its mapping or role, or changes it, behind the platform's back
taken NAME          makes a queue of that name that is not ours
lose NAME           removes a queue behind the platform's back
group NAME          the id of the security group of that name
role PREFIX         what the policies inside tenants' roles allow: an action and a resource a line
"""
import io
import json
import zipfile

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
        if found["CacheClusterId"].startswith(prefix) and not found.get("ReplicationGroupId"):
            yield ("elasticache", found["CacheClusterId"], found["Engine"], found["CacheNodeType"],
                   str(found["NumCacheNodes"]))


def cache_groups(prefix):
    for found in client("elasticache").describe_replication_groups()["ReplicationGroups"]:
        if found["ReplicationGroupId"].startswith(prefix):
            yield ("cache-group", found["ReplicationGroupId"], found["CacheNodeType"],
                   str(len(found["NodeGroups"][0]["NodeGroupMembers"])), f"failover-{found['AutomaticFailover']}",
                   "password" if found["AuthTokenEnabled"] else "open",
                   "tls" if found["TransitEncryptionEnabled"] else "plain",
                   "encrypted" if found["AtRestEncryptionEnabled"] else "legible")


def domains(prefix):
    try:
        found = client("swf").list_domains(registrationStatus="REGISTERED")["domainInfos"]
    except ClientError:  # ministack has no SWF
        found = []
    for domain in found:
        if domain["name"].startswith(prefix):
            yield "swf", domain["name"]


def functions(prefix):
    for found in client("lambda").list_functions()["Functions"]:
        if found["FunctionName"].startswith(prefix):
            yield ("lambda", found["FunctionName"], found.get("Runtime") or "image", found.get("Handler") or "-",
                   str(found["MemorySize"]), str(found["Timeout"]),
                   ",".join(f"{key}={value}" for key, value in
                            sorted(found.get("Environment", {}).get("Variables", {}).items())) or "-")
    for mapping in client("lambda").list_event_source_mappings()["EventSourceMappings"]:
        queue = mapping["EventSourceArn"].rsplit(":", 1)[1]
        if queue.startswith(prefix):
            yield "mapping", queue, mapping["FunctionArn"].rsplit(":", 1)[1], str(mapping["BatchSize"]), mapping["State"]


def function_parts(prefix):
    """What a function has beside it."""
    for found in client("iam").list_roles(PathPrefix="/duplofs/functions/")["Roles"]:
        if found["RoleName"].startswith(prefix):
            yield "function-role", found["RoleName"]
    for log in client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{prefix}")["logGroups"]:
        yield "log-group", log["logGroupName"], str(log.get("retentionInDays", "for-ever"))


CODE = """
import json, os


def handler(event, context):
    heard = os.environ.get("HEARD")
    if "Records" in event and heard:
        with open(heard, "a") as file:
            file.writelines(record["body"] + "\\n" for record in event["Records"])
    return {"version": "%s", "greeting": os.environ.get("GREETING"), "event": event}
"""


def code(bucket, key, version):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("main.py", CODE % version)
    client("s3").put_object(Bucket=bucket, Key=key, Body=archive.getvalue())


def call(name, event):
    answer = client("lambda").invoke(FunctionName=name, Payload=event.encode())
    return [json.dumps(json.loads(answer["Payload"].read()), sort_keys=True)]


def statements(role_name, policy):
    document = client("iam").get_role_policy(RoleName=role_name, PolicyName=policy)["PolicyDocument"]
    for statement in (json.loads(document) if isinstance(document, str) else document)["Statement"]:
        for action in statement["Action"]:
            for resource in statement["Resource"]:
                yield f"{statement['Effect']} {action} {resource}"


def runs(name):
    found = client("lambda").get_function(FunctionName=name)
    configuration, network = found["Configuration"], found["Configuration"]["VpcConfig"]
    yield f"tenant {found['Tags'].get('duplo.tenant')}"
    yield f"role {configuration['Role'].split(':', 5)[5]}"
    yield f"network {','.join(network['SubnetIds'])} {','.join(network['SecurityGroupIds'])}"
    trust = client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    yield f"taken by {trust['Statement'][0]['Principal']['Service']}"
    for policy in client("iam").list_role_policies(RoleName=name)["PolicyNames"]:
        for line in statements(name, policy):
            yield f"{policy}: {line}"


def send(queue, text):
    sqs = client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"], MessageBody=text)


def bucket(name):
    client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})


def forget(name, what):
    lamb = client("lambda")
    if what == "mapping":
        for mapping in lamb.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]:
            lamb.delete_event_source_mapping(UUID=mapping["UUID"])
    elif what == "role":
        iam = client("iam")
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)
    elif what == "environment":
        lamb.update_function_configuration(FunctionName=name, Environment={"Variables": {"X": "other"}})
    else:
        lamb.delete_function(FunctionName=name)


def group(name):
    for found in client("ec2").describe_security_groups()["SecurityGroups"]:
        if found["GroupName"] == name:
            yield found["GroupId"]


def things(prefix):
    for make in (buckets, queues, tables, databases, caches, cache_groups, domains, functions, function_parts):
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
        if not found["RoleName"].startswith(prefix) or found["Path"] == "/duplofs/functions/":
            continue
        for policy in iam.list_role_policies(RoleName=found["RoleName"])["PolicyNames"]:
            for statement in statements(found["RoleName"], policy):
                yield statement.partition(" ")[2]


COMMANDS = {"list": things, "snapshots": snapshots, "put": put, "empty": empty, "tags": tags, "taken": taken,
            "lose": lose, "role": role, "group": group, "code": code, "call": call, "runs": runs, "send": send,
            "bucket": bucket, "forget": forget}
