# SPDX-License-Identifier: Apache-2.0
"""Code and tags of functions and queues in an emulated AWS account.

sum NAME        the checksum of the code that a function has
whole NAME      all that AWS tells of a function
delete BUCKET KEY   takes an object away, in all its versions
strip TYPE NAME     takes all tags off a queue (sqs) or a function (lambda)
"""
import json

from clients import client


def code_sum(name):
    return [client("lambda").get_function_configuration(FunctionName=name)["CodeSha256"]]


def whole(name):
    awslambda = client("lambda")
    return [json.dumps([awslambda.get_function(FunctionName=name),
                        awslambda.get_function_configuration(FunctionName=name)], default=str)]


def delete(bucket, key):
    s3 = client("s3")
    for version in s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions", []):
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])


def strip(kind, name):
    if kind == "sqs":
        sqs = client("sqs")
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        sqs.untag_queue(QueueUrl=url, TagKeys=list(sqs.list_queue_tags(QueueUrl=url)["Tags"]))
    else:
        awslambda = client("lambda")
        found = awslambda.get_function(FunctionName=name)
        awslambda.untag_resource(Resource=found["Configuration"]["FunctionArn"], TagKeys=list(found["Tags"]))


COMMANDS = {"sum": code_sum, "whole": whole, "delete": delete, "strip": strip}
