#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws: AWS knows for seconds nothing of what was just made, whoever asks, and whichever service is told to use it;
# and it goes on to show what was just removed, and what IAM was before a change (tests/aws/late.py). A tenant with
# everything in it (tests/aws/parts/) is made and removed all the same: nothing twice, nothing left, no
# failure in a status, and no long wait when AWS knows.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"
# shellcheck source=tests/e2e/lib/garbage.sh
. "$lib/garbage.sh"

LATE_S=4 # seconds until AWS knows
SOON_S=12 # from then until the platform goes on: it asks each second at first, and this machine may be busy
WAIT_S=120

part() {
	parts+=("$1")
}

# each_part WHAT: what the files of parts define for it; not each has all.
each_part() {
	local part
	for part in "${parts[@]}"; do
		! declare -F "${part}_$1" >/dev/null || "${part}_$1" || return
	done
}

made_kinds() {
	aws_late | cut -d' ' -f1 | sort | uniq -c | awk '{ print $1, $2 }' | xargs
}

warnings() {
	cat "$DUPLO"/demo/events "$DUPLO"/demo/*/*/events | grep ' warning '
}

suspended() {
	grep -q '^phase *ready' "$DUPLO/demo/resources/assets/status" && seen | grep -q '^s3 .* Suspended '
}

failed() {
	grep -l '^phase *failed' "$DUPLO"/demo/*/*/status
}

seen() {
	local prefix=duplofs-${platform_id[main]}-
	aws_things | grep -v '^record A mine\.'
	aws_account hosts "$prefix" | grep -v ' terminated '
	aws_resources list "$prefix"
}

is_nothing() {
	[ ! -e "$DUPLO/demo" ] && [ -z "$(seen)" ]
}

scenario() {
	local file wanted
	emulator=$1 parts=()
	for file in "$AWS_TOOLS"/parts/*.sh; do
		# shellcheck source=/dev/null
		. "$file"
	done
	aws_start "$emulator"
	POLICY=$(jq -sc 'add + {"images": ["debian-12=ami-12c6146b"]}' <<<"$POLICY$(aws_look domain)")
	each_part before || bail "$emulator: not ready"
	aws_late $LATE_S $LATE_S
	# A sweep comes to what was settled just before it: such a thing is not taken for lost.
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" host_grace=1 sweep=$((LATE_S + 1)) || bail "no platform"
	echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
	each_part make
	becomes $WAIT_S "$emulator: AWS knows late of what was made: all is made" each_part is_made
	wanted='1 dynamodb 2 instance 1 instance-profile 1 key-pair 1 lambda 1 load-balancer 1 log-group 1 rds 2 role 1 s3 3 security-group 1 sqs'
	[ "$emulator" = ministack ] && wanted=${wanted/dynamodb/dynamodb 1 elasticache} || wanted+=" 1 swf"
	is "$(made_kinds)" "$wanted 1 target-group" "$emulator: each of them once"
	is "$(aws_late | awk '$1 != "instance" && $2 == 0')" "" "$emulator: and AWS has refused each of them at first"
	is "$(aws_late | awk -v soon=$SOON_S '$3 + 0 > soon')" "" "$emulator: the platform goes on soon after AWS knows"
	is "$(warnings)" "" "$emulator: nothing is warned of"
	is "$(failed)" "" "$emulator: nothing has failed"

	# What holds data, and is not shown for a moment, is not called lost.
	aws_rules "$(rule HeadBucket NoSuchBucket 3)"
	echo '{"Type":"s3","EmptyOnRemoval":true}' >"$DUPLO/demo/resources/assets/spec.json"
	becomes 30 "$emulator: a bucket that is not shown just now: the status says so" \
		grep -q 'AWS does not show it just now' "$DUPLO/demo/resources/assets/events"
	becomes 30 "$emulator: then it is there, and as wanted" suspended
	is "$(warnings)" "" "$emulator: and was not called lost"

	aws_rules
	for ((i = ${#parts[@]} - 1; i >= 0; i--)); do
		"${parts[i]}_remove"
	done
	becomes $WAIT_S "$emulator: AWS still shows what was removed: all goes" is_nothing
	is "$(garbage STATE=left; garbage STATE=busy)" "" "$emulator: nothing is in doubt"
	ok $(($(aws_log | grep -c ' late$') < 10)) "$emulator: it was shown"
	aws_end
}

for emulator in ${AWS_EMULATORS:-moto ministack}; do
	scenario "$emulator"
done
tap_done
