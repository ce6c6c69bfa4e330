# SPDX-License-Identifier: Apache-2.0
"""Our own: AWS as it is after a change, while not all of it knows. Stands before an emulator, which knows at once.

Late(seconds, stale)   what is made is not known for so many seconds: neither to who asks for it, nor in a list, nor to
                       another service that is told to use it; each refuses in its own words. What is removed is still
                       shown for so many (stale) as it was last seen, and so is what was changed in IAM: no answer is older than that.
  .answer(action, target, headers, body, send)   an answer, send's unless it is too early; and whether it was
  .report()              a line a thing: its kind, how often it was refused, seconds from being known to being used
Sources: the error pages of the services; terraform's waits; aws-load-balancer-controller #2371 for load balancers.
"""
import fnmatch
import json
import threading
import time
import xml.etree.ElementTree as ElementTree
from urllib.parse import parse_qsl, unquote, urlsplit

import faults

GROUP = "The security group '{}' does not exist"
ROLE = "The role with name {} cannot be found."
BALANCER = "One or more load balancers not found"
TARGETS = "One or more target groups not found"
FUNCTION = "Function not found: {}"

# kind: (made by, fields that name one in requests and answers, who refuses it meanwhile: action, code, message)
KINDS = {
    "security-group": ("CreateSecurityGroup", ["GroupId"], [
        ("DescribeSecurityGroups", "InvalidGroup.NotFound", GROUP),
        ("*SecurityGroup*gress", "InvalidGroup.NotFound", GROUP),
        ("RunInstances", "InvalidGroup.NotFound", GROUP),
        ("CreateLoadBalancer", "InvalidSecurityGroup", GROUP),
        ("CreateDBInstance", "InvalidParameterValue", "Invalid security group , groupId= {}, groupName=."),
        ("CreateCacheCluster", "InvalidParameterValue", "Some security groups are not known: {}"),
        ("CreateReplicationGroup", "InvalidParameterValue", "Some security groups are not known: {}"),
        ("CreateFunction", "InvalidParameterValueException", "Error occurred while DescribeSecurityGroups. EC2 Error "
         "Code: InvalidGroup.NotFound. EC2 Error Message: " + GROUP)]),
    "key-pair": ("ImportKeyPair", ["KeyName"], [
        ("DescribeKeyPairs", "InvalidKeyPair.NotFound", "The key pair '{}' does not exist"),
        ("RunInstances", "InvalidKeyPair.NotFound", "The key pair '{}' does not exist")]),
    "role": ("CreateRole", ["RoleName", "Role"], [
        ("CreateFunction", "InvalidParameterValueException",
         "The role defined for the function cannot be assumed by Lambda."),
        ("GetRole", "NoSuchEntity", ROLE), ("*RolePolic*", "NoSuchEntity", ROLE),
        ("AddRoleToInstanceProfile", "NoSuchEntity", ROLE)]),
    "instance-profile": ("CreateInstanceProfile", ["InstanceProfileName", "IamInstanceProfile.Name"], [
        ("RunInstances", "InvalidParameterValue", "Value ({}) for parameter iamInstanceProfile.name is invalid. Invalid "
         "IAM Instance Profile name"),
        ("GetInstanceProfile", "NoSuchEntity", "Instance Profile {} cannot be found."),
        ("AddRoleToInstanceProfile", "NoSuchEntity", "Instance Profile {} cannot be found.")]),
    "instance": ("RunInstances", ["InstanceId"], [
        ("TerminateInstances", "InvalidInstanceID.NotFound", "The instance ID '{}' does not exist")]),
    "target-group": ("CreateTargetGroup", ["TargetGroupArn", "Names.member.1", "ResourceArns"], [
        ("*TargetGroup*", "TargetGroupNotFound", TARGETS), ("*Target*", "TargetGroupNotFound", TARGETS),
        ("*Listener", "TargetGroupNotFound", TARGETS), ("DescribeTags", "TargetGroupNotFound", TARGETS)]),
    "load-balancer": ("CreateLoadBalancer", ["LoadBalancerArn", "Names.member.1", "ResourceArns"], [
        ("*LoadBalancer*", "LoadBalancerNotFound", BALANCER), ("*Listener*", "LoadBalancerNotFound", BALANCER),
        ("Set*", "LoadBalancerNotFound", BALANCER), ("DescribeTags", "LoadBalancerNotFound", BALANCER)]),
    "sqs": ("CreateQueue", ["QueueName", "QueueUrl", "EventSourceArn"], [
        ("CreateEventSourceMapping", "InvalidParameterValueException", "Error occurred while ReceiveMessage. SQS Error "
         "Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist."),
        ("*Queue*", "QueueDoesNotExist", "The specified queue does not exist.")]),
    "dynamodb": ("CreateTable", ["TableName", "ResourceArn"], [
        ("*Table", "ResourceNotFoundException", "Requested resource not found: Table: {} not found"),
        ("ListTagsOfResource", "ResourceNotFoundException", "Requested resource not found: Table: {} not found")]),
    "s3": ("CreateBucket", ["Bucket"], [("*", "NoSuchBucket", "The specified bucket does not exist")]),
    "rds": ("CreateDBInstance", ["DBInstanceIdentifier"], [
        ("*DBInstance*", "DBInstanceNotFound", "DBInstance {} not found.")]),
    "elasticache": ("CreateCacheCluster", ["CacheClusterId", "ResourceName"], [
        ("*CacheCluster*", "CacheClusterNotFound", "CacheCluster not found: {}"),
        ("ListTagsForResource", "CacheClusterNotFound", "{} is either not present or not available.")]),
    "lambda": ("CreateFunction", ["FunctionName"], [
        ("CreateEventSourceMapping", "ResourceNotFoundException", FUNCTION),
        ("*Function*", "ResourceNotFoundException", FUNCTION)]),
    "swf": ("RegisterDomain", ["Name", "ResourceArn"], [
        ("DescribeDomain", "UnknownResourceFault", "Unknown domain: {}"),
        ("ListTagsForResource", "UnknownResourceFault", "Unknown domain: {}")]),
    "log-group": ("CreateLogGroup", ["LogGroupName"], [
        ("PutRetentionPolicy", "ResourceNotFoundException", "The specified log group does not exist.")]),
}
READS = ("Describe", "Get", "List", "Head")
REMOVES = ("Delete", "Terminate", "Deprecate")
PATHS = {"s3": "Bucket", "lambda": "FunctionName"}


def plain(name):
    """A field as KINDS writes it: GroupId of GroupId.1, and of groupId."""
    name = name.removesuffix(".1")
    return name[:1].upper() + name[1:]


def leaves(value, name=""):
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves(child, key)
    elif isinstance(value, list):
        for child in value:
            yield from leaves(child, name)
    elif isinstance(value, str):
        yield plain(name), value


def named_in(target, headers, body):
    """What a request says: fields and values. Of REST what the path names, too."""
    scope = headers.get("Authorization", "")
    for service, field in PATHS.items():
        if f"/{service}/aws4_request" in scope:
            parts = [unquote(part) for part in urlsplit(target).path.split("/") if part]
            yield from ((field, part) for part in parts)
    text = body.decode(errors="replace")
    if text.startswith("{"):
        yield from leaves(json.loads(text))
    else:
        for key, value in parse_qsl(text):
            yield plain(key), value
            # Lists within: IpPermissions.1.Groups.1.GroupId, SecurityGroups.member.2, ResourceArns.member.1
            yield plain(key.rpartition(".")[2]), value
            yield from ((word, value) for word in ("GroupId", "ResourceArns") if value.startswith(("sg-", "arn:")))


class Thing:
    def __init__(self, kind, values):
        self.kind, self.values = kind, values
        self.made = time.monotonic()
        self.refused, self.used = 0, None

    def is_named(self, field, value):
        fields = KINDS[self.kind][1]
        return field in fields and any(value == own or value.endswith(("/" + own, ":" + own)) for own in self.values)


def local(element):
    return element.tag.rpartition("}")[2]


def without(result, things):
    """Takes things out of a list."""
    status, body, headers = result
    if body.lstrip()[:1] == b"{":
        return status, json.dumps(pruned(json.loads(body), things)).encode(), headers
    root = ElementTree.fromstring(body)
    for parent in list(root.iter()):
        for item in list(parent):
            own = [(plain(local(child)), child.text or "") for child in item]
            if local(parent) not in ("groups", "groupSet", "SecurityGroups") and any(
                    thing.is_named(*pair) or (pair[0] == "Name" and pair[1] in thing.values)
                    for thing in things for pair in own):
                parent.remove(item)
    return status, ElementTree.tostring(root), headers


def pruned(value, things):
    def is_one(child):
        texts = list(leaves(child)) if isinstance(child, (dict, str)) else []
        return any(text == own or text.endswith("/" + own) for _, text in texts for thing in things for own in thing.values)

    if isinstance(value, list):
        return [pruned(child, things) for child in value if not is_one(child)]
    if isinstance(value, dict):
        return {key: pruned(child, things) for key, child in value.items()}
    return value


class Late:
    def __init__(self, seconds, stale=0):
        self.seconds, self.stale = seconds, stale
        self.lock = threading.Lock()
        self.things, self.seen, self.changed = [], {}, {}

    def is_hidden(self, thing):
        return time.monotonic() - thing.made < self.seconds

    def note_made(self, action, pairs, result):
        for kind, (maker, fields, _) in KINDS.items():
            if maker != action:
                continue
            values = {value for field, value in pairs if field in fields or field == "Name"}
            if kind in ("security-group", "instance"):
                values = set()
            body = result[1]
            if body.lstrip()[:1] == b"<":
                values |= {e.text for e in ElementTree.fromstring(body).iter() if e.text and (
                    plain(local(e)) in fields[:1])}
            known = {value for thing in self.things for value in thing.values if thing.kind == kind}
            if values and not values & known:
                self.things.append(Thing(kind, values))

    def named(self, pairs):
        return [thing for thing in self.things if any(thing.is_named(*pair) for pair in pairs)]

    def refusal(self, action, things):
        """An error for who names what is not known yet."""
        for thing in things:
            maker, _, refusals = KINDS[thing.kind]
            row = next((row for row in refusals if fnmatch.fnmatch(action, row[0])), None)
            if not row or action == maker:
                continue
            if self.is_hidden(thing):
                thing.refused += 1
                return row[1], row[2].format(sorted(thing.values)[0])
            if thing.used is None:
                thing.used = time.monotonic()
        return None

    def old_answer(self, key, things):
        """As it was before something that it is about was removed or changed."""
        when, result = self.seen.get(key, (0, None))
        for thing, changed in self.changed.items():
            about = result and (thing in things or any(value.encode() in result[1] for value in thing.values))
            if about and when < changed and time.monotonic() - when < self.stale:
                return result
        return None

    def listed(self, result):
        present = [thing for thing in self.things if any(value.encode() in result[1] for value in thing.values)]
        hidden = [thing for thing in present if self.is_hidden(thing)]
        for thing in present:
            if thing not in hidden and thing.used is None:
                thing.used = time.monotonic()
        return without(result, hidden) if hidden else result

    def read(self, key, things, send):
        with self.lock:
            old = self.old_answer(key, things)
        if old:
            return old, True
        result = send()
        with self.lock:
            if result[0] == 200 and result[1]:
                self.seen[key] = time.monotonic(), result
                return self.listed(result), False
        return result, False

    def write(self, action, headers, pairs, things, send):
        result = send()
        removes = action.startswith(REMOVES)
        with self.lock:
            if result[0] < 300:
                self.note_made(action, pairs, result)
                if removes or "/iam/" in headers.get("Authorization", ""):
                    self.changed.update({thing: time.monotonic() for thing in things})
                if removes:
                    self.things = [thing for thing in self.things if thing not in things or thing.kind == "instance"]
        return result, False

    def answer(self, action, target, headers, body, send):
        pairs = list(named_in(target, headers, body))
        with self.lock:
            things = self.named(pairs)
            refused = self.refusal(action, things)
        if refused:
            return faults.error(404 if refused[0].startswith("NoSuch") else 400, *refused, headers, body), True
        if action.startswith(READS):
            return self.read((action, target, body), things, send)
        return self.write(action, headers, pairs, things, send)

    def report(self):
        with self.lock:
            for thing in self.things:
                used = "-" if thing.used is None else f"{max(0, thing.used - thing.made - self.seconds):.1f}"
                yield f"{thing.kind} {thing.refused} {used}"
