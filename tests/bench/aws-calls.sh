#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How many calls of AWS a tenant takes, against the least that could make it, by action: what tests/e2e/aws-calls.t
# prints, on both emulators. HOSTS, SERVICES, AWS_EMULATORS: other numbers of them.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

result=$(mktemp)
trap 'rm -f "$result"' EXIT
tests/aws/setup.sh build/test-aws
export AWS_EMULATORS=${AWS_EMULATORS:-moto ministack}
tests/e2e/aws-calls.t >"$result" 2>&1
status=$?
grep -E '^not ok' "$result"
echo '```'
sed -n 's/^# //; /^action /,/^on /p' "$result"
echo '```'
exit $status
