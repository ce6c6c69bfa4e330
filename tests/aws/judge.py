# SPDX-License-Identifier: Apache-2.0
"""Judges requests to AWS by botocore, which AWS's own clients are made of: each must be what botocore
would send for the same call, and carry the signature that botocore computes for it.

judge.py: listens on a free port of 127.0.0.1, prints it, and expects the calls of CASES in turn. An
equal request is answered 200, another one 400 with what differs.
"""
import hashlib
import http.server
import json
import sys
from urllib.parse import parse_qsl, unquote, urlsplit

import botocore.auth
import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

REGION = "us-west-2"
KEYS = Credentials("AKID", "verysecret", "to/k+en==")
TAGS = [{"Key": "duplo.tenant", "Value": "a b+c/é"}]
CASES = [
    ("ec2", "create_security_group", {
        "GroupName": "g", "Description": "a & b = é", "VpcId": "vpc-1",
        "TagSpecifications": [{"ResourceType": "security-group", "Tags": TAGS}]}),
    ("ec2", "authorize_security_group_ingress", {
        "GroupId": "sg-1", "IpPermissions": [{
            "IpProtocol": "tcp", "FromPort": 80, "ToPort": 81,
            "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "x"}],
            "UserIdGroupPairs": [{"GroupId": "sg-2"}]}]}),
    ("ec2", "describe_security_groups", {
        "Filters": [{"Name": "tag:duplo.tenant", "Values": ["a", "b*"]}]}),
    ("iam", "create_role", {
        "RoleName": "r", "Path": "/duplofs/", "AssumeRolePolicyDocument": '{"Version":"2012-10-17"}',
        "Tags": TAGS}),
    ("sts", "get_caller_identity", {}),
    ("elbv2", "create_target_group", {
        "Name": "t", "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1", "Tags": TAGS}),
    ("route53", "list_resource_record_sets", {
        "HostedZoneId": "Z1", "StartRecordName": "*.a b.example", "StartRecordType": "A"}),
    ("s3", "get_bucket_tagging", {"Bucket": "my.bucket"}),
    ("s3", "list_objects_v2", {"Bucket": "my.bucket", "Prefix": "a b/ü+~*'()"}),
    ("s3", "delete_bucket", {"Bucket": "my.bucket"}),
    ("sqs", "create_queue", {"QueueName": "q", "tags": {"duplo.tenant": "é"}}),
    ("dynamodb", "describe_table", {"TableName": "my-table"}),
    ("elasticache", "create_replication_group", {
        "ReplicationGroupId": "c", "ReplicationGroupDescription": "c", "Engine": "redis", "CacheNodeType": "cache.t3.micro",
        "SecurityGroupIds": ["sg-1"], "Tags": TAGS, "NumCacheClusters": 2, "AutomaticFailoverEnabled": True,
        "TransitEncryptionEnabled": True, "AuthToken": "x"}),
    ("elasticache", "decrease_replica_count", {
        "ReplicationGroupId": "c", "NewReplicaCount": 0, "ApplyImmediately": True}),
    ("lambda", "get_function", {"FunctionName": "arn:aws:lambda:us-west-2:123456789012:function:f"}),
    ("lambda", "create_function", {
        "FunctionName": "f", "PackageType": "Zip", "Runtime": "python3.12", "Handler": "main.handler",
        "Code": {"S3Bucket": "code", "S3Key": "v1/a'(b).zip"}, "Role": "arn:aws:iam::1:role/duplofs/functions/f",
        "Timeout": 3, "MemorySize": 128, "Environment": {"Variables": {"GREETING": "a \"fine\" day é"}},
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}, "Tags": {"duplo.tenant": "é"}}),
    ("lambda", "update_function_code", {"FunctionName": "f", "ImageUri": "1.dkr.ecr.us-west-2.amazonaws.com/a:2"}),
    ("lambda", "update_function_configuration", {"FunctionName": "f", "Timeout": 9}),
    ("lambda", "tag_resource", {
        "Resource": "arn:aws:lambda:us-west-2:123456789012:function:f", "Tags": {"duplo.code": "0a"}}),
    ("lambda", "create_event_source_mapping", {
        "FunctionName": "f", "EventSourceArn": "arn:aws:sqs:us-west-2:1:q.fifo", "BatchSize": 10}),
    ("lambda", "list_event_source_mappings", {"FunctionName": "f"}),
    ("lambda", "update_event_source_mapping", {
        "UUID": "14e0db71-5d35-4eb5-b481-8945cf9d10c2", "BatchSize": 1, "Enabled": True}),
    ("lambda", "delete_event_source_mapping", {"UUID": "14e0db71-5d35-4eb5-b481-8945cf9d10c2"}),
    ("lambda", "delete_function", {"FunctionName": "f"}),
    ("logs", "create_log_group", {"logGroupName": "/aws/lambda/f", "tags": {"duplo.tenant": "é"}}),
    ("logs", "put_retention_policy", {"logGroupName": "/aws/lambda/f", "retentionInDays": 30}),
    ("ce", "get_cost_and_usage", {
        "TimePeriod": {"Start": "2026-10-01", "End": "2026-11-01"}, "Granularity": "DAILY",
        "Metrics": ["UnblendedCost"], "GroupBy": [{"Type": "TAG", "Key": "duplo.tenant-id"}]}),
]


class Captured(Exception):
    """Carries a request out of botocore before it is sent."""


def capture(request, **_):
    raise Captured(request)


def wanted(endpoint, service, operation, arguments):
    client = SESSION.create_client(
        service, REGION, endpoint_url=endpoint, aws_access_key_id=KEYS.access_key,
        aws_secret_access_key=KEYS.secret_key, aws_session_token=KEYS.token,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}))
    client.meta.events.register("before-send", capture)
    try:
        getattr(client, operation)(**arguments)
    except Captured as captured:
        return captured.args[0]
    raise RuntimeError("nothing was sent")


def text_of(value):
    return value.decode() if isinstance(value, bytes) else value or ""


def form(headers, body):
    kind = text_of(headers.get("Content-Type"))
    if "urlencoded" in kind:
        return sorted(parse_qsl(body, keep_blank_values=True))
    return json.loads(body) if "json" in kind and body else body


def differences(mine, request):
    """mine: (method, path, query, headers, body) as received; request: botocore's."""
    method, path, query, headers, body = mine
    url = urlsplit(request.url)
    target = text_of(request.headers.get("X-Amz-Target"))
    # An empty JSON object in a request without a body says the same as none.
    pairs = [
        ("method", method, request.method),
        ("path", unquote(path).rstrip("/"), unquote(url.path).rstrip("/")),
        ("query", sorted(parse_qsl(query, keep_blank_values=True)),
         sorted(parse_qsl(url.query, keep_blank_values=True))),
        ("target", headers.get("X-Amz-Target", ""), target),
        ("body", form(headers, body) if body else "",
         form(request.headers, text_of(request.body)) if request.body else ""),
    ]
    return [f"{name}: {got!r} is not {want!r}" for name, got, want in pairs if got != want]


def signature_trouble(mine, service):
    method, path, query, headers, body = mine
    given = headers.get("Authorization", "")
    if "SignedHeaders=" not in given:
        return "not signed"
    names = given.split("SignedHeaders=")[1].split(",")[0].split(";")
    url = f"http://{headers['Host']}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method, url, {name: headers[name] for name in names}, body.encode())
    request.context["timestamp"] = headers["X-Amz-Date"]
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    scope = given.split("Credential=")[1].split(",")[0].split("/")
    signer = kind(KEYS, scope[3], scope[2])
    hashed = headers.get("X-Amz-Content-SHA256")
    if hashed and hashed != hashlib.sha256(body.encode()).hexdigest():
        return "the hash of the body is wrong"
    # S3's signer reads no query out of a URL with parameters of its own: that is what we want, too.
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    return "" if given.endswith(f"Signature={signature}") else f"signature; canonical:\n{canonical}"


class Handler(http.server.BaseHTTPRequestHandler):
    def judge(self):
        size = int(self.headers.get("Content-Length") or 0)
        path, _, query = self.path.partition("?")
        mine = (self.command, path, query, self.headers, self.rfile.read(size).decode())
        service, operation, arguments = CASES[self.server.count]
        self.server.count += 1
        request = wanted(self.server.endpoint, service, operation, arguments)
        wrong = differences(mine, request)
        trouble = signature_trouble(mine, service)
        wrong += [trouble] if trouble else []
        for line in wrong:
            print(f"# {operation}: {line}", file=sys.stderr, flush=True)
        is_json = service in ("sqs", "dynamodb", "lambda", "logs", "ce")
        body = b"{}" if is_json else b"<Answer/>"
        self.send_response(400 if wrong else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = judge

    def log_message(self, *_):
        pass


SESSION = botocore.session.Session()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
server.count = 0
server.endpoint = f"http://127.0.0.1:{server.server_port}"
print(server.server_port, flush=True)
server.serve_forever()
