#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The double of AWS that is ours (tests/aws/strict.py) refuses what AWS refuses and emulators allow: asked by AWS's own
# client. Other tests of AWS run against it, too.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"

aws_start strict
is "$("$AWS_VENV/bin/python" "$AWS_TOOLS/refused.py" 2>&1)" "a new group is shown: 0
a new group is shown: 0
a group that another refers to: DependencyViolation
a new role is shown: NoSuchEntity done
a machine with a new profile: InvalidParameterValue done
the same token again: 1 of 1
with other parameters: IdempotentParameterMismatch
a group with a machine: DependencyViolation
a role in a profile: DeleteConflict
a profile with a role: DeleteConflict
a listener: done DuplicateListener
a group with a balancer: DependencyViolation
when nothing uses them: done done
a record that is there: done InvalidChangeBatch
the end of one that says something else: InvalidChangeBatch done" "what AWS refuses is refused, and no more"
aws_stop
tap_done
