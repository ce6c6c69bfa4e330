# SPDX-License-Identifier: Apache-2.0
"""What look.py sees and does of load balancers and names in an emulated AWS account.

base 10.A            makes a network 10.A.0.0/16, a zone and a certificate, and prints a policy
domain               makes a zone and a certificate, and prints what a policy says of them
things PREFIX        prints load balancers, target groups, security groups of services and
                                 records of names, a line a thing; those whose names begin so
names                prints what load balancers are called
named SERVICE        prints what the load balancer of a service is called
address PREFIX       prints the name of the first load balancer
break PREFIX         takes its listeners away and opens a port of its security group
balancer NAME [TAG=VALUE...]   makes one that is not ours, or was
record NAME          makes a record that is not ours
unrecord NAME        takes it away
"""
import json

from clients import client

ec2, elb, route53, acm = client("ec2"), client("elbv2"), client("route53"), client("acm")
DOMAIN = "apps.example.com"


def subnet(vpc, net, number, zone):
    return ec2.create_subnet(VpcId=vpc, CidrBlock=f"{net}.{200 + number}.0/24",
                             AvailabilityZone=zone)["Subnet"]["SubnetId"]


def hosted_zone():
    """Ids of AWS begin with a Z, moto's with anything: as many as it takes."""
    for number in range(1000):
        zone = route53.create_hosted_zone(Name=DOMAIN, CallerReference=str(number))["HostedZone"]["Id"]
        if zone.startswith("/hostedzone/Z"):
            return zone.rsplit("/", 1)[-1]
        route53.delete_hosted_zone(Id=zone)
    raise RuntimeError("no zone whose id begins with a Z")


def names_of_services():
    certificate = acm.request_certificate(DomainName=f"*.{DOMAIN}")["CertificateArn"]
    return {"hosted_zone_id": hosted_zone(), "domain": DOMAIN, "certificate_arn": certificate}


def domain():
    print(json.dumps(names_of_services()))


def base(net):
    vpc = ec2.create_vpc(CidrBlock=f"{net}.0.0/16")["Vpc"]["VpcId"]
    print(json.dumps({
        "region": "us-west-2", "vpc_id": vpc, "private_subnet_ids": [subnet(vpc, net, 0, "us-west-2a")],
        "public_subnet_ids": [subnet(vpc, net, 1, "us-west-2a"), subnet(vpc, net, 2, "us-west-2b"),
                              subnet(vpc, net, 3, "us-west-2b")],
        **names_of_services()}))


def balancers(prefix):
    return [one for one in elb.describe_load_balancers()["LoadBalancers"]
            if one["LoadBalancerName"].startswith(prefix)]


def tags_of(arn):
    return {tag["Key"]: tag["Value"]
            for tag in elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]}


def group_name(group):
    name = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["GroupName"]
    return "tenant's" if name.endswith("-lb") else "own"


def listeners(arn):
    for one in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
        certificate = "+certificate" if one.get("Certificates") else ""
        yield f"{one['Protocol']}:{one['Port']}{certificate}"


def print_balancers(prefix):
    for one in balancers(prefix):
        print("balancer", tags_of(one["LoadBalancerArn"]).get("duplo.service"), one["Scheme"],
              *sorted(listeners(one["LoadBalancerArn"])),
              "groups:", *sorted(group_name(group) for group in one["SecurityGroups"]),
              "zones:", len(one["AvailabilityZones"]))


def print_target_groups(prefix):
    for one in elb.describe_target_groups()["TargetGroups"]:
        if not one["TargetGroupName"].startswith(prefix):
            continue
        arn = one["TargetGroupArn"]
        attributes = elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
        delay = {item["Key"]: item["Value"] for item in attributes}["deregistration_delay.timeout_seconds"]
        health = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        print("target-group", tags_of(arn).get("duplo.service"), one["TargetType"], one["HealthCheckPath"], delay,
              "targets:", *sorted(f"{item['Target']['Id']}:{item['Target']['Port']}" for item in health))


def rules(permissions):
    for rule in permissions:
        ports = rule["IpProtocol"] if rule.get("FromPort", -1) < 0 else f"{rule['FromPort']}-{rule['ToPort']}"
        yield from (f"{ports}:{item['CidrIp']}" for item in rule["IpRanges"])
        yield from (f"{ports}:group" for item in rule["UserIdGroupPairs"])


def groups(prefix):
    for one in ec2.describe_security_groups()["SecurityGroups"]:
        tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}
        if one["GroupName"].startswith(prefix) and "duplo.service" in tags:
            yield one, tags


def records():
    for zone in route53.list_hosted_zones()["HostedZones"]:
        for one in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
            if one["Type"] not in ("NS", "SOA"):
                yield zone, one


def things(prefix):
    print_balancers(prefix)
    print_target_groups(prefix)
    for one, tags in groups(prefix):
        print("security-group", tags["duplo.service"], "in:", *sorted(rules(one["IpPermissions"])),
              "out:", *sorted(rules(one["IpPermissionsEgress"])))
    names = {one["DNSName"]: tags_of(one["LoadBalancerArn"]).get("duplo.service") for one in balancers(prefix)}
    for _, one in records():
        target = one.get("AliasTarget", {}).get("DNSName", "").rstrip(".")
        print("record", one["Type"], one["Name"].rstrip("."), names.get(target, target or "text"))


def address(prefix):
    print(balancers(prefix)[0]["DNSName"])


def named(service):
    for one in balancers("duplofs-"):
        if tags_of(one["LoadBalancerArn"]).get("duplo.service") == service:
            print(one["LoadBalancerName"])


def names():
    print(*(one["LoadBalancerName"] for one in balancers("")), sep="\n")


def break_it(prefix):
    for one in elb.describe_listeners(LoadBalancerArn=balancers(prefix)[0]["LoadBalancerArn"])["Listeners"]:
        elb.delete_listener(ListenerArn=one["ListenerArn"])
    for one, _ in groups(prefix):
        ec2.authorize_security_group_ingress(
            GroupId=one["GroupId"], IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")


def balancer(name, *tags):
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"] if ".20" in one["CidrBlock"]]
    extra = {"Tags": [dict(zip(("Key", "Value"), tag.split("="))) for tag in tags]} if tags else {}
    elb.create_load_balancer(Name=name, Subnets=subnets[:2], Scheme="internet-facing", Type="application", **extra)


def change(action, name):
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{
        "Action": action, "ResourceRecordSet": {
            "Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}}]})


COMMANDS = {"base": base, "domain": domain, "things": things, "address": address, "names": names, "named": named,
            "break": break_it, "balancer": balancer, "record": lambda name: change("CREATE", name),
            "unrecord": lambda name: change("DELETE", name)}
