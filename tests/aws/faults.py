# SPDX-License-Identifier: Apache-2.0
"""Errors as AWS words them, in the envelope of the protocol that was spoken.

Sources: the error code pages of EC2 and IAM; captures in pingedbrain/microburst.
"""
import json
from datetime import datetime, timezone
from email.utils import formatdate
from time import time
from uuid import uuid4

# name: (HTTP status, code, message, by how many seconds AWS's clock is ahead)
FAULTS = {
    "throttle": (503, "RequestLimitExceeded", "Request limit exceeded.", 0),
    "profile-not-ready": (400, "InvalidParameterValue",
                          "Value (duplofs) for parameter iamInstanceProfile.name is invalid. "
                          "Invalid IAM Instance Profile name", 0),
    "profile-without-role": (400, "InvalidParameterValue",
                             "IAM Instance Profile \"duplofs\" has no associated IAM Roles", 0),
    "expired": (400, "RequestExpired", "Request has expired.", 0),
    "expired-token": (403, "ExpiredToken", "The security token included in the request is expired", 0),
    "wrong-region": (401, "AuthFailure", "AWS was not able to validate the provided access credentials", 0),
    "no-permission": (403, "UnauthorizedOperation", "You are not authorized to perform this operation.", 0),
    "NoSuchBucket": (404, "NoSuchBucket", "The specified bucket does not exist", 0),
    "quota": (400, "SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.", 0),
    "role-not-ready": (400, "InvalidParameterValueException",
                       "The role defined for the function cannot be assumed by Lambda.", 0),
    "queue-not-allowed": (400, "InvalidParameterValueException",
                          "The function execution role does not have permissions to call ReceiveMessage on SQS", 0),
    "being-updated": (409, "ResourceConflictException",
                      "The operation cannot be performed at this time. An update is in progress for resource", 0),
    "quota-iam": (409, "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000.", 0),
}
EC2 = b"Version=2016-11-15"


def is_rest_json(headers):
    return "/lambda/aws4_request" in headers.get("Authorization", "")


def envelope(code, message, headers, body):
    if is_rest_json(headers):
        return json.dumps({"Type": "User", "message": message})
    if headers.get("X-Amz-Target"):
        return json.dumps({"__type": code, "message": message})
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    if EC2 in body:
        return f"<Response><Errors>{error}</Errors><RequestID>{uuid4()}</RequestID></Response>"
    return f"<ErrorResponse>{error}<RequestId>{uuid4()}</RequestId></ErrorResponse>"


def answer(fault, headers, body, message=None):
    """message: other words than the table's."""
    status, code, words, ahead = FAULTS.get(fault, (400, fault, "injected", 0))
    return error(status, code, message or words, headers, body, ahead)


def skewed(ahead, headers, body):
    """What is signed for a time that is 15 minutes from AWS's own is refused; else None."""
    signed = datetime.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
    if abs(signed - time() - ahead) < 900:
        return None
    code = "RequestExpired" if EC2 in body else "SignatureDoesNotMatch"
    return error(403, code, "Signature expired: it is now another time", headers, body, ahead)


def error(status, code, message, headers, body, ahead=0):
    text = envelope(code, message, headers, body)
    kept = [("Date", formatdate(time() + ahead, usegmt=True))]
    return status, text.encode(), kept + ([("x-amzn-ErrorType", code)] if is_rest_json(headers) else [])
