# SPDX-License-Identifier: Apache-2.0
"""moto_server, quick enough for an account of thousands of things.

moto looks for a thing's tags among those of all things in the account, so that a list takes the square of their
number. Here it is given the tags of that one thing; what it does with them is its own code.
"""
import sys
from types import SimpleNamespace

from moto.ec2.models.tags import TagBackend
from moto.server import main

describe_tags = TagBackend.describe_tags


def describe_tags_of_one(self, filters=None):
    ids = (filters or {}).get("resource-id", [])
    if len(ids) != 1 or set(ids[0]) & set("*?"):
        return describe_tags(self, filters)
    there = {one: dict(self.tags[one]) for one in ids if one in self.tags}
    return describe_tags(SimpleNamespace(tags=there, VALID_TAG_FILTERS=self.VALID_TAG_FILTERS), filters)


TagBackend.describe_tags = describe_tags_of_one
sys.exit(main())
