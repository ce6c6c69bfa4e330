#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws: the account is looked over now and then, in as many calls as it has pages. What others took away or changed
# comes back within one sweep; what is nobody's is shown in .platform/garbage, and goes when tag and journal claim it.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"
# shellcheck source=tests/e2e/lib/garbage.sh
. "$lib/garbage.sh"

TENANTS=6
SWEEP='DescribeCacheClusters
DescribeDBInstances
DescribeInstances
DescribeKeyPairs
DescribeLoadBalancers
DescribeReplicationGroups
DescribeSecurityGroups
DescribeSecurityGroups
DescribeTargetGroups
GetAccountAuthorizationDetails
ListBuckets
ListDomains
ListFunctions
ListInstanceProfiles
ListQueues
ListTables'

# names TENANT: what the names of its things begin with.
names() {
	echo "duplofs-${platform_id[main]}-$1-"
}

whole() {
	printf 'balancer-group %s out 20000-29999:10.40.0.0/16\nsecurity-group %s -1:10.0.0.0/8 -1:admin -1:self 20000-29999:lb\n' "$1" "$1"
	printf 'key-pair %s ed25519\nrole %s tenants\ninstance-profile same-role\n' "$1" "$1"
}

is_whole() {
	[ "$(aws_account things "$(names "$1")")" = "$(whole "$1")" ]
}

has_nothing() {
	[ -z "$(aws_account things "$(names "$1")")" ]
}

all_ready() {
	[ "$(cat "$DUPLO"/t*/status | grep -c '^cloud .*are there')" -eq "$TENANTS" ]
}

# Since the log was cleared; the last one may be under way.
sweeps() {
	[ "$(aws_log | grep -c '^ListInstanceProfiles')" -ge "$1" ]
}

asked_twice() {
	[ "$(aws_log | wc -l)" -ge 32 ]
}

scenario() {
	emulator=$1
	aws_start "$emulator"
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" sweep=1 || bail "no platform"
	echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
	for ((i = 1; i <= TENANTS; i++)); do
		mkdir "$DUPLO/t$i"
	done
	becomes 90 "$emulator: $TENANTS tenants are made" all_ready
	becomes 30 "$emulator: the status says what is there" status_says "$((5 * TENANTS)) things in the account, 0 repaired"
	aws_rules
	becomes 30 "$emulator: sweeps" asked_twice
	is "$(aws_log | head -n 32 | sort -u)" "$(sort -u <<<"$SWEEP")" "$emulator: a sweep asks of no tenant"
	is "$(aws_log | head -n 32 | sort)" "$(sort <<<"$SWEEP"$'\n'"$SWEEP")" "$emulator: its calls do not grow with them"
	is "$(cat "$DUPLO/.platform/garbage")" "" "$emulator: there is no garbage"

	aws_meddle detach "$(names t1)"
	aws_meddle delete-profile "$(names t1)"
	aws_meddle delete-group "$(names t2)"
	aws_account open "$(names t3)"
	ok "$(aws_meddle shut "$(names t3)" >&2; echo $?)" "$emulator: somebody shuts a port"
	becomes 30 "$emulator: a policy is attached again, a profile made again" is_whole t1
	becomes 30 "$emulator: a security group is made again" is_whole t2
	becomes 30 "$emulator: a port that was opened is closed, one that was closed open" is_whole t3
	# Where it is shown only later it is asked for again, and refused.
	[ "$emulator" = strict ] ||
		is "$(aws_log | grep -c '^CreateInstanceProfile')$(aws_log | grep -c '^CreateSecurityGroup')" "12" "$emulator: each once"

	# Turned up again after its tenant has gone: tag and journal claim it.
	aws_meddle save "$(names t4)" >"$TEST_DIR/saved"
	rmdir "$DUPLO/t4"
	becomes 30 "$emulator: a tenant goes" has_nothing t4
	aws_meddle restore "$(cat "$TEST_DIR/saved")"
	becomes 30 "$emulator: what turns up again is removed" shows 3 STATE=removed CLAIMS=tag+journal
	is "$(aws_account things "$(names t4)")" "" "$emulator: for good"
	like "$(garbage TYPE=role)" "^tag.journal removed role $(names t4)[0-9]+ t4/[0-9]+ its tenant is gone$" "$emulator: and that is told"

	# Claimed by tags alone: left alone.
	aws_meddle orphan "${platform_id[main]}"
	becomes 30 "$emulator: what the journal does not know is shown" shows 2 STATE=left CLAIMS=tag
	like "$(garbage STATE=left TYPE=role)" "role $(names never)999999 never.012was/999999 there is no such tenant" "$emulator: on one line each"
	aws_rules
	becomes 30 "$emulator: sweeps go on" sweeps 2
	is "$(aws_account things "$(names never)" | grep -c '^security-group\|^role')" "2" "$emulator: and left alone"
	is "$(grep -c 'garbage: role .*never' "$DUPLO/.platform/events")" "1" "$emulator: one event tells of it"
	aws_meddle delete-group "$(names never)"
	becomes 30 "$emulator: what is taken away is not shown any more" shows 1 STATE=left

	# Claimed by the journal alone: left alone, also when its tenant goes.
	aws_meddle untag "$(names t5)"
	becomes 30 "$emulator: what has lost its tags is shown" shows 3 STATE=left CLAIMS=name+journal
	rmdir "$DUPLO/t5"
	aws_rules
	becomes 30 "$emulator: and sweeps go on" sweeps 2
	is "$(aws_account things "$(names t5)" | awk '{ print $1 }' | xargs)" "balancer-group security-group role" "$emulator: what has lost its tags is left alone"
	is "$(garbage CLAIMS=name+journal | wc -l)" 3 "$emulator: and shown"

	# After a start all is looked over in one sweep, too.
	platform_stop
	aws_rules
	aws_meddle detach "$(names t6)"
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" sweep=1000 || bail "no platform"
	becomes 30 "$emulator: what changed meanwhile is repaired" is_whole t6
	is "$(aws_log | sort | uniq -c | awk '{ print $1, $2 }' | grep -v 'Get\|Describe\|ListBuckets\|ListDomains\|ListFunctions\|ListQueues\|ListTables')" "1 AttachRolePolicy
1 ListAttachedRolePolicies
1 ListInstanceProfiles" "$emulator: and nothing else was asked"
	rmdir "$DUPLO"/t*
	aws_end
}

# Not ministack: it knows no names with a "*" and keeps no tags of keys, so that all of these would seem to be lost.
for emulator in ${AWS_EMULATORS:-strict}; do
	scenario "$emulator"
done
tap_done
