#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tenant with everything in it is made in AWS and removed, and the platform is killed at one call of all that takes:
# before it is sent, or when it was executed and not yet answered; all its processes at once, and started again, or the
# worker alone. In the end everything is there once, then nothing is, and what is not the platform's is as it was.
# AWS_KILLS=all: at each call, with each emulator (make aws-kills); AWS_KILLS=PATTERN: at each whose step (see steps) it
# matches; else at some, with moto.
# What a tenant has is in tests/aws/parts/, a file each.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"

WAIT_S=90
SAMPLES=${SAMPLES:-4} # of making and of removing, unless AWS_KILLS

# part NAME: the file has defined NAME_make, NAME_is_made, NAME_remove; and NAME_before, if the account needs something
# before, or the policy must say so.
part() {
	parts+=("$1")
}

load_parts() {
	local file
	parts=()
	for file in "$AWS_TOOLS"/parts/*.sh; do
		# shellcheck source=/dev/null
		. "$file"
	done
}

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

before_all() {
	local part
	for part in "${parts[@]}"; do
		! declare -F "${part}_before" >/dev/null || "${part}_before" || bail "$emulator: not ready for $part"
	done
}

is_made() {
	local part
	for part in "${parts[@]}"; do
		"${part}_is_made" || return
	done
}

# All that the tenant has in the account, without what is another each time: numbers and addresses.
seen() {
	local prefix=duplofs-${platform_id[main]}-
	{
		aws_things | grep -v '^record A mine\.'
		aws_account hosts "$prefix" | grep -v ' terminated ' | cut -d ' ' -f 2-6
		aws_resources list "$prefix"
		aws_resources role "$prefix"
	} | sed -E 's/sg-[0-9a-f]+/GROUP/; s/-[0-9]+([ /]|$)/\1/g' | sort
}

# What is kept of what holds data: one of each that there was.
kept() {
	aws_resources snapshots "duplofs-${platform_id[main]}-" | wc -l
}

is_whole() {
	is_made && [ "$(seen)" = "$whole" ]
}

is_nothing() {
	[ ! -e "$DUPLO/demo" ] && [ -z "$(seen)" ]
}

# ended PID: a zombie has ended too.
ended() {
	local line
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
	[[ $line == *') Z '* ]]
}

# starts_again ROLES PID...: those were killed.
starts_again() {
	local roles=$1
	shift
	if [ "$roles" = worker ]; then
		eventually $WAIT_S replaced worker "$3"
	else
		platform_wait_killed main "$@"
		platform_start -c aws "${options[@]}"
	fi
}

# kill_in WHAT CONDITION ROLES WHEN ACTION N: does WHAT; the platform is killed at the Nth call of ACTION, and starts again;
# CONDITION holds in the end.
kill_in() {
	local what=$1 condition=$2 roles=$3 when=$4 action=$5 number=$6 list='"holder","supervisor","worker"' pids
	[ "$roles" = all ] || list='"worker"'
	mapfile -t pids < <(platform_pids)
	aws_rules '{"action":"'"$action"'","fault":"kill-'"$when"'","after":'$((number - 1))',"state":"'"${platform_state[main]}"'",
		"roles":['"$list"']}'
	"$what" >/dev/null 2>&1
	# In another order there may be fewer calls of that name.
	eventually $WAIT_S eval "ended ${pids[2]} || $condition"
	if aws_rules_and_log | grep -q ' kill-'; then
		starts_again "$roles" "${pids[@]}" || return
		kills=$((kills + 1))
	elif ended "${pids[2]}"; then
		diag "the worker ended, and was not killed"
		return 1
	else
		note "$emulator: $what: no call was $action $number"
	fi
	"$what" >/dev/null 2>&1
	eventually $WAIT_S "$condition" || {
		diag "there is, and is wanted:" "$(diff <(seen) - <<<"$whole")"
		return 1
	}
}

# steps FILE: where to kill, a line each: ROLES WHEN ACTION N. FILE has the calls of a time without a kill. What was only
# read is the same before and after. Whether all processes die or the worker alone takes turns.
steps() {
	awk '
		function step(when) { print (turn++ % 2 ? "worker" : "all"), when, $1, number }
		{ number = ++count[$1] }
		$1 ~ /^(Describe|Get|List|Head)/ { step("before"); next }
		{ step("before"); step("after"); turn += number }' "$1" >"$1.steps"
	if [ "${AWS_KILLS-}" = all ]; then
		cat "$1.steps"
	elif [ -n "${AWS_KILLS-}" ]; then
		grep -E "$AWS_KILLS" "$1.steps"
	else
		grep -Ev ' (Describe|Get|List|Head)' "$1.steps" |
			awk -v samples="$SAMPLES" '{ line[NR] = $0 } END { for (i = 0; i < samples; i++) print line[int(NR * (i + 0.5) / samples) + 1] }'
	fi
}

# As many steps of making and of removing, one of each at a time.
kill_everywhere() {
	local making removing i
	mapfile -t making < <(steps "$TEST_DIR/made")
	mapfile -t removing < <(steps "$TEST_DIR/removed")
	steps=$((${#making[@]} + ${#removing[@]}))
	note "$emulator: killed at ${#making[@]} steps of making and ${#removing[@]} of removing"
	for ((i = 0; i < ${#making[@]} || i < ${#removing[@]}; i++)); do
		cycle "${making[i]-}" "${removing[i]-}"
	done
}

# half WHAT CONDITION STEP DESCRIPTION: "": without a kill.
half() {
	local at
	if [ -z "$3" ]; then
		"$1" && eventually $WAIT_S "$2"
		return
	fi
	read -ra at <<<"$3"
	kill_in "$1" "$2" "${at[@]}"
	ok $? "$emulator: $4"
}

# cycle STEP STEP: of making and of removing.
cycle() {
	local before
	half make_all is_whole "$1" "making, killed $1: all is there once"
	before=$(kept)
	half remove_all is_nothing "$2" "removing, killed $2: nothing is left"
	[ $(($(kept) - before)) -eq "$final" ] ||
		ok 1 "$emulator: killed $2: snapshots are made once: $(($(kept) - before)), not $final"
}

# without_kill FILE WHAT CONDITION: FILE gets the calls that it takes.
without_kill() {
	local file=$1
	shift
	aws_rules
	"$1"
	becomes $WAIT_S "$emulator: without a kill, $1 is done" "$2"
	aws_log >"$file"
}

scenario() {
	emulator=$1 kills=0 steps=0
	load_parts
	aws_start "$emulator"
	POLICY=$(jq -sc 'add + {"images": ["debian-12=ami-12c6146b"]}' <<<"$POLICY$(aws_look domain)")
	platform_start -c aws "${options[@]}" || bail "no platform"
	before_all
	echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
	made=$(aws_ask foreign make "${platform_id[main]}") || bail "nothing foreign can be made: ${made##*$'\n'}"
	foreign=$(aws_ask foreign list "duplofs-${platform_id[main]}-")
	without_kill "$TEST_DIR/made" make_all is_made
	whole=$(seen)
	isnt "$whole" "" "$emulator: which is to be seen in the account"
	without_kill "$TEST_DIR/removed" remove_all is_nothing
	final=$(kept)
	kill_everywhere
	note "$emulator: killed $kills times"
	ok $((kills * 2 < steps)) "$emulator: killed often enough"
	is "$(aws_ask foreign list "duplofs-${platform_id[main]}-")" "$foreign" "$emulator: what is not the platform's is as it was"
	is "$(grep -c '^sweep.*left\|busy' "$DUPLO/.platform/garbage")" "0" "$emulator: and nothing is in doubt"
	aws_end
}

# Engines that never answer are given up at once: no host boots here.
options=("docker=unix://$TEST_DIR/no-engine" host_grace=1)
[ "${AWS_KILLS-}" != all ] || AWS_EMULATORS=${AWS_EMULATORS:-moto strict ministack}
for each in ${AWS_EMULATORS:-moto}; do
	scenario "$each"
done
tap_done
