# SPDX-License-Identifier: Apache-2.0
"""How few calls of AWS could make a tenant, against how many were made.

minimum.py HOSTS SERVICES RESOURCES RATIO <LOG   reads the proxy's log, prints a table by action, and fails when
                                                 all calls together are more than RATIO times the least
RESOURCES: types in a list, "s3,sqs".

The least is what AWS's interface allows for the things that a tenant has here, none of which is there before. Each
row says why. A call is a call: every look, every poll and every failure counts. A poll is needed once for each kind
of thing that AWS makes in its own time: one look can tell of all of a kind, wherever the interface allows that.
No look before something is made is in it, nor any that only protects what is there.

What a tenant has is the platform's choice, and part of the least:
  a security group for each load balancer, which opens its own listeners and no more: 3 calls a service that one
      group for all listeners would spare, as long as their ports and sources fit in one (60 rules, unless AWS
      allows more)
  what AWS opens outwards is closed (RevokeSecurityGroupEgress): a group would work without
  HTTPS beside HTTP, and DrainSeconds as the target group's delay: what a service's spec asks for
  a service counts as serving once AWS says that its targets are in traffic (DescribeTargetHealth)
"""
import sys
from collections import Counter


def tenant():
    return {
        "CreateSecurityGroup": (2, "hosts, and load balancers"),
        "AuthorizeSecurityGroupIngress": (1, "all rules of the hosts' group"),
        "AuthorizeSecurityGroupEgress": (1, "from all load balancers to hosts"),
        "RevokeSecurityGroupEgress": (1, "what AWS opens in the balancers' group"),
        "CreateRole": (1, "the tenant's"),
        "CreateInstanceProfile": (1, "the tenant's"),
        "AddRoleToInstanceProfile": (1, "the tenant's"),
        "ImportKeyPair": (1, "the tenant's"),
    }


def hosts(count):
    return {
        "DescribeImages": (1, "the name of the disk that they start from"),
        "RunInstances": (count, "one has its own user data and tags: no call makes two of them"),
        "DescribeInstances": (1, "whether they run: all in one"),
    }


def services(count):
    return {
        "DescribeVpcs": (1, "the network's addresses"),
        "DescribeSubnets": (1, "their zones"),
        "DescribeCertificate": (1, "the names it is for"),
        "CreateSecurityGroup": (count, "one each"),
        "AuthorizeSecurityGroupIngress": (count, "its listeners"),
        "RevokeSecurityGroupEgress": (count, "what AWS opens"),
        "CreateTargetGroup": (count, "one each"),
        "ModifyTargetGroupAttributes": (count, "the time to drain, which cannot be said at once"),
        "CreateLoadBalancer": (count, "one each"),
        "CreateListener": (2 * count, "HTTP and HTTPS"),
        "RegisterTargets": (count, "one each"),
        "DescribeTargetHealth": (count, "whether traffic follows: a call tells of one target group"),
        "DescribeLoadBalancers": (1, "whether they are active: a page has 400"),
        "ChangeResourceRecordSets": (1, "a call may have 1,000 changes, if all were wanted at one moment"),
    }


RESOURCE = {
    "s3": {"CreateBucket": (1, "public access is blocked unless asked for"), "PutBucketTagging": (1, "")},
    "sqs": {"CreateQueue": (1, "its ARN follows from its URL")},
    "dynamodb": {"CreateTable": (1, ""), "DescribeTable": (1, "whether it is active")},
    "rds": {"CreateDBInstance": (1, ""), "DescribeDBInstances": (1, "its endpoint")},
    "elasticache": {"CreateCacheCluster": (1, ""), "DescribeCacheClusters": (1, "its endpoint")},
    "swf": {"RegisterDomain": (1, "its ARN follows from its name")},
}


def least(host_count, service_count, types):
    rows = {}
    parts = [tenant(), hosts(host_count), services(service_count)] + [RESOURCE[one] for one in types]
    parts.append({"PutRolePolicy": (1, "what the role may do with resources: one document")})
    for part in parts:
        for action, (count, why) in part.items():
            before, reason = rows.get(action, (0, ""))
            rows[action] = before + count, reason or why
    return rows


def main():
    wanted = least(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(","))
    made = Counter(line.split()[0] for line in sys.stdin)
    print(f"{'action':32} {'calls':>5} {'least':>5}  why")
    for action in sorted(made | {action: 1 for action in wanted}, key=lambda name: (-wanted.get(name, (0,))[0], name)):
        count, why = wanted.get(action, (0, ""))
        print(f"{action:32} {made[action]:5} {count:5}  {why}".rstrip())
    total, floor = sum(made.values()), sum(count for count, _ in wanted.values())
    print(f"{'all':32} {total:5} {floor:5}  {total / floor:.2f} times the least")
    return total > floor * float(sys.argv[4])


sys.exit(main())
