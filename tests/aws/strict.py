# SPDX-License-Identifier: Apache-2.0
"""Our own: refuses what AWS refuses and emulators allow. Stands before an emulator, whose state it asks.

Strict(forward).answer(action, target, headers, body, send): the answer to a request: send's, or an error of AWS's.
forward(method, target, headers, body) -> (status, body, headers) asks the emulator what there is.

Sources: the error code pages of EC2 and ELBv2; "Ensuring idempotency" and "Eventual consistency" in EC2's API
reference; ChangeResourceRecordSets in Route 53's; terraform's waits for instance profiles and security groups.
"""
import threading
import time
import xml.etree.ElementTree as ElementTree
from urllib.parse import parse_qsl, urlencode

import faults

PROFILE_S = 3  # AWS: some ten seconds; here what a test can wait for
SHOWN_S = 0.4  # until what was made is seen everywhere
SIGNING = {"ec2": "2016-11-15", "iam": "2010-05-08", "elasticloadbalancing": "2015-12-01"}
# What shows a thing that was made, and under which name; and what it says as long as it does not.
MADE = {"CreateSecurityGroup": "GroupName", "CreateRole": "RoleName", "CreateInstanceProfile": "InstanceProfileName"}
SHOWN = {"GetRole": "RoleName", "GetInstanceProfile": "InstanceProfileName"}


def local(element):
    return element.tag.rpartition("}")[2]


def texts(root, name):
    return [element.text or "" for element in root.iter() if local(element) == name]


def values(record):
    """What a set of records says, but for its name and type."""
    return sorted((local(element), (element.text or "").strip().rstrip(".")) for element in record.iter()
                  if len(element) == 0 and local(element) not in ("Name", "Type"))


def records(root):
    """Sets of records by name and type, and before each the action of a change, if it is one."""
    action = ""
    for element in root.iter():
        if local(element) == "Action":
            action = element.text
        if local(element) == "ResourceRecordSet":
            yield action, (texts(element, "Name")[0].rstrip("."), texts(element, "Type")[0]), values(element)


def own_id(group):
    return next((child.text for child in group if local(child) == "groupId"), None)


class Strict:
    def __init__(self, forward):
        self.forward = forward
        self.lock = threading.RLock()
        self.tokens = {}  # of RunInstances: what was asked for, and what was answered
        self.made = {}  # (field, name): when
        self.hidden = {}  # id of a group: when it was made

    def ask(self, service, action, **form):
        """The emulator's own answer, as XML."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization":
                   f"AWS4-HMAC-SHA256 Credential=AKID/20260101/us-west-2/{service}/aws4_request, "
                   "SignedHeaders=host, Signature=0"}
        form = {"Action": action, "Version": SIGNING[service], **form}
        status, body, _ = self.forward("POST", "/", headers, urlencode(form).encode())
        return ElementTree.fromstring(body) if status == 200 else ElementTree.Element("nothing")

    # ---- what refuses: a code and a message, or None ----

    def refuse_DeleteSecurityGroup(self, form):
        group = form.get("GroupId", "")
        for other in self.groups():
            rules = [child for child in other if local(child) == "ipPermissions"]
            if own_id(other) != group and any(group in texts(rule, "groupId") for rule in rules):
                return "DependencyViolation", f"resource {group} has a dependent object"
        used = self.ask("ec2", "DescribeInstances", **{
            "Filter.1.Name": "instance.group-id", "Filter.1.Value.1": group, "Filter.2.Name": "instance-state-name",
            "Filter.2.Value.1": "running", "Filter.2.Value.2": "pending", "Filter.2.Value.3": "stopped"})
        balancers = self.ask("elasticloadbalancing", "DescribeLoadBalancers")
        in_balancer = any(group in texts(item, "member") for item in balancers.iter() if local(item) == "SecurityGroups")
        if texts(used, "instanceId") or in_balancer:
            return "DependencyViolation", f"resource {group} has a dependent object"
        return None

    def groups(self):
        infos = [e for e in self.ask("ec2", "DescribeSecurityGroups").iter() if local(e) == "securityGroupInfo"]
        return [item for info in infos for item in info]

    def refuse_CreateListener(self, form):
        there = self.ask("elasticloadbalancing", "DescribeListeners", LoadBalancerArn=form.get("LoadBalancerArn", ""))
        if form.get("Port") in texts(there, "Port"):
            return "DuplicateListener", "A listener already exists on this port for this load balancer"
        return None

    def refuse_DeleteRole(self, form):
        role = form.get("RoleName", "")
        attached = texts(self.ask("iam", "ListAttachedRolePolicies", RoleName=role), "PolicyArn")
        profiles = texts(self.ask("iam", "ListInstanceProfilesForRole", RoleName=role), "InstanceProfileName")
        if attached or profiles:
            return "DeleteConflict", "Cannot delete entity, must detach all policies and roles first."
        return None

    def refuse_DeleteInstanceProfile(self, form):
        profile = self.ask("iam", "GetInstanceProfile", InstanceProfileName=form.get("InstanceProfileName", ""))
        if texts(profile, "RoleName"):
            return "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first."
        return None

    def refuse_RunInstances(self, form):
        token = form.get("ClientToken")
        asked = self.tokens.get(token, (None, None))[0] if token else None
        if asked is not None and asked != form:
            return "IdempotentParameterMismatch", "The client token was used with other parameters"
        profile = form.get("IamInstanceProfile.Name")
        if not profile or asked is not None:
            return None
        there = self.ask("iam", "GetInstanceProfile", InstanceProfileName=profile)
        young = time.monotonic() - self.made.get(("InstanceProfileName", profile), 0) < PROFILE_S
        if young or not texts(there, "RoleName"):
            return "InvalidParameterValue", (f"Value ({profile}) for parameter iamInstanceProfile.name is invalid. "
                                             "Invalid IAM Instance Profile name")
        return None

    def refuse_records(self, target, headers, body):
        """What is there cannot be made, and what is not there just so cannot be removed."""
        read = {name: value for name, value in headers.items() if not name.lower().startswith("content")}
        there = {key: value for _, key, value in records(ElementTree.fromstring(
            self.forward("GET", target.rstrip("/"), read, b"")[1]))}
        for action, key, value in records(ElementTree.fromstring(body)):
            if (action == "CREATE" and key in there) or (action == "DELETE" and there.get(key) != value):
                return "InvalidChangeBatch", f"Tried to {action.lower()} resource record set {key}: it is not so"
        return None

    def refuse_young(self, action, form):
        """NotFound for a while after it was made."""
        field = SHOWN.get(action)
        if field and time.monotonic() - self.made.get((field, form.get(field)), 0) < SHOWN_S:
            return "NoSuchEntity", "not found yet"
        group = self.hidden.get(form.get("GroupId", form.get("GroupId.1")), 0)
        return ("InvalidGroup.NotFound", "not found yet") if time.monotonic() - group < SHOWN_S else None

    # ---- what is remembered, and what is hidden ----

    def note(self, action, form, result):
        status, body, _ = result
        if status != 200:
            return
        if action in MADE:
            self.made[MADE[action], form.get(MADE[action])] = time.monotonic()
        if action == "CreateSecurityGroup":
            for group in texts(ElementTree.fromstring(body), "groupId"):
                self.hidden[group] = time.monotonic()
        if action == "RunInstances" and form.get("ClientToken"):
            self.tokens[form["ClientToken"]] = form, result

    def hide(self, result):
        """Takes groups that were just made out of a list."""
        status, body, headers = result
        young = {group for group, when in self.hidden.items() if time.monotonic() - when < SHOWN_S}
        if status != 200 or not young:
            return result
        root = ElementTree.fromstring(body)
        for info in [element for element in root.iter() if local(element) == "securityGroupInfo"]:
            for item in list(info):
                if own_id(item) in young:
                    info.remove(item)
        return status, ElementTree.tostring(root), headers

    def answer(self, action, target, headers, body, send):
        form = dict(parse_qsl(body.decode(errors="replace")))
        with self.lock:
            refused = self.refuse_young(action, form)
            if action == "ChangeResourceRecordSets":
                refused = self.refuse_records(target, headers, body)
            if not refused and hasattr(self, f"refuse_{action}"):
                refused = getattr(self, f"refuse_{action}")(form)
            if refused:
                return faults.error(400, *refused, headers, body)
            if action == "RunInstances" and form.get("ClientToken") in self.tokens:
                return self.tokens[form["ClientToken"]][1]
            result = send()
            self.note(action, form, result)
        return self.hide(result) if action == "DescribeSecurityGroups" else result
