# SPDX-License-Identifier: Apache-2.0
"""Machines and their disks in an emulated AWS account, and what somebody may do to them by hand.

disk ID         prints of an instance's root disk: GiB, type, encrypted, gone with it, its platform's tag
resize ID GIB   gives it another size
strip ID [KEY]  takes all tags, or that one, off an instance and its disk
tag ID KEY      prints a tag's value
"""
from clients import client

ec2 = client("ec2")


def instance(instance_id):
    return ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]


def root(instance_id):
    one = instance(instance_id)
    return next(disk["Ebs"] for disk in one["BlockDeviceMappings"] if disk["DeviceName"] == one["RootDeviceName"])


def disk(instance_id):
    mapped = root(instance_id)
    volume = ec2.describe_volumes(VolumeIds=[mapped["VolumeId"]])["Volumes"][0]
    tags = {tag["Key"]: tag["Value"] for tag in volume.get("Tags", [])}
    yield (f"{volume['Size']} {volume['VolumeType']} {volume['Encrypted']} {mapped['DeleteOnTermination']} "
           f"{tags.get('duplo.platform')}")


def resize(instance_id, gib):
    ec2.modify_volume(VolumeId=root(instance_id)["VolumeId"], Size=int(gib))


def strip(instance_id, key=None):
    keys = [key] if key else [tag["Key"] for tag in instance(instance_id)["Tags"]]
    ec2.delete_tags(Resources=[instance_id, root(instance_id)["VolumeId"]], Tags=[{"Key": name} for name in keys])


def tag(instance_id, key):
    yield {one["Key"]: one["Value"] for one in instance(instance_id).get("Tags", [])}.get(key, "")


COMMANDS = {"disk": disk, "resize": resize, "strip": strip, "tag": tag}
