#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws with ever more tenants (aws-tenants.sh [NUMBER...]), each with security groups, key pair, role and instance
# profile in an emulated account: what the worker holds in memory at rest, just after a start, and what a sweep asks.
. "${0%/*}/../e2e/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "$lib/aws.sh"

SWEEP_S=5
[ $# -gt 0 ] || set -- 10 100 1000

start() {
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" sweep=$SWEEP_S || exit 1
}

# all_ready NUMBER
all_ready() {
	[ "$(cat "$DUPLO"/t*/status | grep -c '^cloud .*are there')" -eq "$1" ]
}

# Since the log was cleared: each sweep lists instance profiles, on one page or more.
pages() {
	aws_log | grep -c '^ListInstanceProfiles'
}

# swept NUMBER: as many pages as that.
swept() {
	[ "$(pages)" -ge "$1" ]
}

resident() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$(cat "${platform_state[main]}/worker.pid")/status"
}


"$top/tests/aws/setup.sh" "$top/build/test-aws" && aws_start moto
start
echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json" || exit 1

printf '| tenants | resident after a start, KiB | a tenant more, bytes | calls of a sweep | seconds to make those that are new |\n'
printf '| --- | --- | --- | --- | --- |\n'
made=0 before=
for number; do
	began=$SECONDS
	for ((i = made + 1; i <= number; i++)); do
		mkdir "$DUPLO/t$i" || exit 1
	done
	eventually 900 all_ready "$number" || exit 1
	took=$((SECONDS - began))
	platform_stop >/dev/null
	start
	eventually 120 all_ready "$number" || exit 1
	aws_rules
	calls="longer than a minute: moto's lists" # of 1000 key pairs take it 20 s
	if eventually 60 swept 1; then
		read -rt $((SWEEP_S / 2)) <> <(:) # the rest of its calls
		calls=$(aws_log | wc -l)
	fi
	now=$(resident)
	printf '| %d | %d | %s | %s | %d |\n' "$number" "$now" \
		"${before:+$(((now - before) * 1024 / (number - made)))}" "$calls" "$took"
	made=$number before=$now
done
rmdir "$DUPLO"/t* 2>/dev/null
platform_stop >/dev/null
aws_stop
