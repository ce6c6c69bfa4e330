# SPDX-License-Identifier: Apache-2.0
"""Clients of an emulated AWS account, as AWS makes them: one a service, AWS_ENDPOINT_URL says where."""
import functools

import boto3


@functools.cache
def client(name):
    return boto3.client(name, region_name="us-west-2", aws_access_key_id="AKID", aws_secret_access_key="secret")
