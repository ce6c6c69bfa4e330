#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws with ever more tenants (aws-tenants.sh [NUMBER...]), each with security groups, key pair, role and instance
# profile in an account of moto: what the worker's memory holds at rest after two whole sweeps, what a minute without a
# sweep asks and takes, and what a sweep does.
# Memory is what is not backed by a file; pages that were freed and are kept for reuse count.
. "${0%/*}/../e2e/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "$lib/aws.sh"

SWEEP_S=80 # between two sweeps: longer than a quiet minute
THINGS=5 # in the account, for each tenant
[ $# -gt 0 ] || set -- 10 100 1000

start() {
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" sweep=$SWEEP_S || exit 1
}

# all_ready NUMBER
all_ready() {
	[ "$(cat "$DUPLO"/t*/status | grep -c '^cloud .*are there')" -eq "$1" ]
}

# When the last sweep began that is over, and how many things it saw.
sweep_of() {
	jq -r .Sweep "$DUPLO/.platform/status.json"
}

# swept_since TIME THINGS: another sweep than that of TIME is over, and it saw them all.
swept_since() {
	local words
	words=$(sweep_of)
	[[ "$words" == *": $2 things in the account, 0 repaired, 0 removed, 0 busy, 0 left alone" ]] &&
		[ "${words%%: *}" != "$1" ]
}

# memory FIELD: of the worker's /proc/PID/status, in KiB.
memory() {
	awk -v field="$1:" '$1 == field { print $2 }' "/proc/$(worker_pid)/status"
}

# Processor time of all of the platform's processes, in clock ticks.
ticks() {
	local pid
	for pid in $(platform_pids); do
		cat "/proc/$pid/stat"
	done | awk '{ sum += $14 + $15 } END { print sum }'
}

# seconds TICKS
seconds() {
	awk -v ticks="$1" -v rate="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f", ticks / rate }'
}

# since TIME: wall seconds.
since() {
	awk -v before="$1" -v now="$EPOCHREALTIME" 'BEGIN { printf "%.1f", now - before }'
}

# One line of the table, of so many tenants.
measure() {
	local number=$1 last before_ticks idle_calls idle_ticks sweep_calls sweep_ticks began
	start
	eventually 600 swept_since "" $((number * THINGS)) || return 1
	last=$(sweep_of)
	last=${last%%: *}
	# A minute between two sweeps.
	aws_rules
	before_ticks=$(ticks)
	read -rt 60 <> <(:)
	idle_ticks=$(($(ticks) - before_ticks))
	idle_calls=$(aws_log | wc -l)
	[ "$(sweep_of | cut -d ' ' -f 1)" = "$last:" ] || return 1
	# And one sweep.
	aws_rules
	before_ticks=$(ticks)
	eventually 600 swept_since "$last" $((number * THINGS)) || return 1
	sweep_ticks=$(($(ticks) - before_ticks))
	sweep_calls=$(aws_log | wc -l)
	aws_log | sort | uniq -c | sort -rn >"$TEST_DIR/calls.$number"
	rests=$(memory RssAnon)
	printf '| %d | %d | %s | %d | %d | %s | %d | %s |\n' "$number" "$rests" \
		"${before:+$(((rests - before) * 1024 / (number - made)))}" "$(memory VmHWM)" \
		"$idle_calls" "$(seconds $idle_ticks)" "$sweep_calls" "$(seconds $sweep_ticks)"
}

"$top/tests/aws/setup.sh" "$top/build/test-aws" && aws_start quick
start
echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json" || exit 1

printf '| tenants | memory at rest, KiB | a tenant more, bytes | most resident, with files, KiB | calls of an idle minute '
printf '| its processor seconds | calls of a sweep | its processor seconds |\n'
printf '| --- | --- | --- | --- | --- | --- | --- | --- |\n'
made=0 before='' rests=0 times=()
for number; do
	began=$EPOCHREALTIME
	for ((i = made + 1; i <= number; i++)); do
		mkdir "$DUPLO/t$i" || exit 1
	done
	eventually 900 all_ready "$number" || exit 1
	times+=("$((number - made)) in $(since "$began") s")
	platform_stop >/dev/null
	measure "$number" || exit 1
	made=$number before=$rests
done
printf '\nCalls of a sweep with %d tenants:\n\n%s\n' "$made" "$(sed 's/^/    /' "$TEST_DIR/calls.$made")"
printf '\nTenants made: %s.\n' "$(IFS=,; echo "${times[*]}")"
rmdir "$DUPLO"/t* 2>/dev/null
platform_stop >/dev/null
aws_stop
