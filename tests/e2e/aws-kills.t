#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tenant with everything in it is made in AWS and removed, and the platform is killed at one call of all that takes:
# before it is sent, or when it was executed and not yet answered. Then it is started again. In the end everything is
# there once, and then nothing is. AWS_KILLS=all: at each call (make aws-kills); else at some.
# What a tenant has is in tests/aws/parts/, a file each.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"

WAIT_S=60
SAMPLES=3 # of each kind, unless all
parts=()

# part NAME: the file has defined NAME_make, NAME_is_made, NAME_remove.
part() {
	parts+=("$1")
}
for file in "$AWS_TOOLS"/parts/*.sh; do
	# shellcheck source=/dev/null
	. "$file"
done

# A kill may come between two of them: each can be done again.
make_all() {
	local part
	for part in "${parts[@]}"; do
		"${part}_make" || return
	done
}

remove_all() {
	local i
	for ((i = ${#parts[@]} - 1; i >= 0; i--)); do
		"${parts[i]}_remove"
	done
}

is_made() {
	local part
	for part in "${parts[@]}"; do
		"${part}_is_made" || return
	done
}

# Counts nothing of what somebody does now and then.
is_whole() {
	is_made && [ "$(aws_things | sort)" = "$whole" ]
}

is_nothing() {
	[ ! -e "$DUPLO/demo" ] && [ -z "$(aws_things)" ]
}

calls() {
	aws_log | wc -l
}

was_killed() {
	aws_log | grep -q ' kill-'
}

# kill_in WHAT KIND CALL CONDITION: does WHAT, is killed at that call, is started again; CONDITION holds in the end.
kill_in() {
	local what=$1 kind=$2 call=$3 condition=$4 pids
	mapfile -t pids < <(platform_pids)
	aws_rules '{"action":"*","fault":"kill-'"$kind"'","after":'$((call - 1))',"state":"'"${platform_state[main]}"'"}'
	"$what" >/dev/null 2>&1
	# Another order of calls may need fewer of them.
	if eventually $WAIT_S eval "was_killed || $condition" && was_killed; then
		killed_at=$(aws_log | grep ' kill-')
		platform_wait_killed main "${pids[@]}"
		platform_start -c aws "${options[@]}" || return
		kills=$((kills + 1))
	else
		killed_at="none, there were fewer calls"
	fi
	aws_rules
	"$what" >/dev/null 2>&1
	eventually $WAIT_S "$condition" || {
		diag "killed at call $call: $killed_at" "there is:" "$(aws_things)" "wanted:" "$whole"
		return 1
	}
}

# steps N: the numbers of the calls at which it is killed.
steps() {
	local stride=1
	[ "${AWS_KILLS-}" = all ] || stride=$((($1 + SAMPLES - 1) / SAMPLES))
	seq 1 "$stride" "$1"
}

# At the same call of making and of removing, as far as there are so many.
kill_everywhere() {
	local kind=$1 call most=$made
	[ "$removed" -le "$made" ] || most=$removed
	for call in $(steps "$most"); do
		if [ "$call" -le "$made" ]; then
			kill_in make_all "$kind" "$call" is_whole
			ok $? "$kind call $call of $made of making ($killed_at): all is there once"
		else
			make_all && eventually $WAIT_S is_whole
		fi
		if [ "$call" -le "$removed" ]; then
			kill_in remove_all "$kind" "$call" is_nothing
			ok $? "$kind call $call of $removed of removing ($killed_at): nothing is left"
		else
			remove_all && eventually $WAIT_S is_nothing
		fi
	done
}

aws_start "${AWS_EMULATOR:-moto}"
options=("docker=unix://$TEST_DIR/no-engine")
platform_start -c aws "${options[@]}" || bail "no platform"
echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
aws_rules
make_all
becomes $WAIT_S "without a kill all is made" is_made
made=$(calls)
whole=$(aws_things | sort)
isnt "$whole" "" "which is to be seen in the account"
aws_rules
remove_all
becomes $WAIT_S "and all is removed" is_nothing
removed=$(calls)
note "$made calls to make it, $removed to remove it"
kills=0
kill_everywhere before
kill_everywhere after
note "killed $kills times"
ok $((kills < 2 * SAMPLES)) "killed often enough"
platform_stop
aws_stop
tap_done
