#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws: what a tenant has in the AWS account, made, repaired and removed, whatever AWS answers meanwhile.
# The same scenario against two emulators that we did not write; looked at with AWS's own client.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"

# ministack keeps no tags of keys that are imported.
whole() {
	local owner=$1
	[ "$emulator" != ministack ] || owner=None
	printf 'balancer-group %s out 20000-29999:10.40.0.0/16\nsecurity-group %s -1:10.0.0.0/8 -1:admin -1:self 20000-29999:lb\n' "$1" "$1"
	printf 'key-pair %s ed25519\nrole %s tenants\ninstance-profile same-role\n' "$owner" "$1"
}

is_whole() {
	[ "$(aws_things)" = "$(whole "$1")" ]
}

is_nothing() {
	[ -z "$(aws_things)" ]
}

status_says() {
	grep -q "^cloud .*$2" "$DUPLO/$1/status"
}

scenario() {
	aws_start "$1"
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
	mkdir "$DUPLO/demo"
	becomes 30 "$1: without a policy the status says what to do" status_says demo 'infrastructure.json'
	is "$(aws_things)" "" "$1: and nothing is made"
	echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
	becomes 60 "$1: with one, group, role and profile are made" is_whole demo
	becomes 30 "$1: and the status says so" status_says demo 'are there'

	is "$(ssh-keygen -y -f "$DUPLO/demo/keys/ssh")" "$(cat "$DUPLO/demo/keys/ssh.pub")" "$1: the tenant has the key pair"
	is "$(stat -c %a "$DUPLO/demo/keys" "$DUPLO/demo/keys/ssh" | tr '\n' ' ')" "700 400 " "$1: which others cannot read"
	echo all >"$DUPLO/.platform/keys/rotate"
	like "$(ssh-keygen -l -f "$DUPLO/demo/keys/ssh")" "demo@duplofs .ED25519" "$1: also while keys are rotated"

	# Somebody opens a port by hand: closed at the next look, which a new policy brings.
	aws_account open "duplofs-${platform_id[main]}-demo"
	echo "$POLICY " >"$DUPLO/.platform/policy/infrastructure.json"
	becomes 60 "$1: what others opened is closed" is_whole demo

	rmdir "$DUPLO/demo"
	becomes 60 "$1: all goes with the tenant" is_nothing

	# Everything that can go wrong, while it is made and removed.
	aws_rules "$(rule CreateSecurityGroup reset)" "$(rule AuthorizeSecurityGroupIngress throttle 2)" \
		"$(rule DescribeSecurityGroups html500)" "$(rule CreateRole cut)" "$(rule GetRole html500 2)" \
		"$(rule CreateInstanceProfile html500)" "$(rule AddRoleToInstanceProfile reset)"
	mkdir "$DUPLO/odd"
	becomes 90 "$1: resets, half answers, HTML and throttling: all is made once" is_whole odd
	becomes 60 "$1: and the platform has seen it" status_says odd 'are there'
	# Where it is shown only later it is asked for again, and refused: is_whole has seen that there is one.
	[ "$1" = strict ] ||
		is "$(aws_log | grep -c "^CreateSecurityGroup")" "2" "$1: what was executed without an answer is not asked for twice"
	aws_rules "$(rule DeleteSecurityGroup DependencyViolation 3)" "$(rule DeleteRole reset)" \
		"$(rule DeleteInstanceProfile throttle)"
	rmdir "$DUPLO/odd"
	becomes 90 "$1: and all goes, although the group is in use for a while" is_nothing
	is "$(aws_log | grep -c '^DeleteSecurityGroup DependencyViolation')" "3" "$1: it was asked again until it went"

	# What was just made, and what is just gone, is not known everywhere.
	aws_rules "$(rule AuthorizeSecurityGroupIngress InvalidGroup.NotFound)" "$(rule AttachRolePolicy NoSuchEntity)" \
		"$(rule AddRoleToInstanceProfile NoSuchEntity)" "$(rule DescribeKeyPairs InvalidKeyPair.NotFound)"
	mkdir "$DUPLO/late"
	becomes 90 "$1: what is not shown when it was made: all is made once" is_whole late
	becomes 60 "$1: and the platform has seen it" status_says late 'are there'
	aws_rules "$(rule DeleteSecurityGroup InvalidGroup.InUse 2)" "$(rule DeleteRole DeleteConflict 2)" \
		"$(rule DeleteInstanceProfile DeleteConflict)"
	rmdir "$DUPLO/late"
	becomes 90 "$1: and all goes, although others still show it" is_nothing
	is "$(aws_log | grep -cE ' (InvalidGroup.InUse|DeleteConflict)$')" "5" "$1: it was asked again until they went"
	aws_rules

	aws_end
}

for emulator in ${AWS_EMULATORS:-moto ministack}; do
	scenario "$emulator"
done
tap_done
