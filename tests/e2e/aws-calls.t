#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws: a tenant with 10 hosts, 20 services with load balancers and names, and 5 resources is made in few more
# calls than the interface of AWS asks for; tests/aws/minimum.py says how few that could be.
# The instances that hosts stand for boot nowhere: services run on one more host, which is attached.
# HOSTS, SERVICES, AWS_EMULATORS: other numbers of them.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"
# shellcheck source=tests/e2e/lib/engines.sh
. "$lib/engines.sh"

RATIO=1.15 # 1.3 is promised
HOSTS=${HOSTS:-10}
SERVICES=${SERVICES:-20}
declare -A RESOURCES=([s3]='{"Type":"s3"}' [sqs]='{"Type":"sqs"}' [dynamodb]='{"Type":"dynamodb","HashKey":"id"}'
	[rds]='{"Type":"rds","Engine":"postgres","SizeGiB":20}' [elasticache]='{"Type":"elasticache","Engine":"redis"}')

test_clean() {
	aws_stop
	engines_clean 2>/dev/null
}

is_ready() {
	grep -q "^cloud .*are there" "$DUPLO/demo/status"
}

# say DIRECTORY PATTERN COUNT: so many objects there say so.
say() {
	[ "$(cat "$DUPLO/demo/$1"/*/status | grep -Ec "$2")" -eq "$3" ]
}

all_is_made() {
	is_ready && say hosts '^machine .*, runs$' "$HOSTS" && say resources '^phase *ready' ${#RESOURCES[@]} &&
		say services '^phase *running' "$SERVICES"
}

names_are_there() {
	[ "$(aws_services | grep -c '^record A ')" -eq "$SERVICES" ]
}

# The sweep that a policy brings is over, and nothing is asked for any more.
quiet() {
	local before after
	jq -r .Sweep "$DUPLO/.platform/status.json" | grep -q ' 0 things in the account' || return 1
	before=$(aws_log | wc -l)
	read -rt 2 <> <(:)
	after=$(aws_log | wc -l)
	[ "$before" -eq "$after" ]
}

host() {
	mkdir -p "$DUPLO/demo/hosts/$1" && echo "$2" >"$DUPLO/demo/hosts/$1/spec.json"
}

make_all() {
	local i name
	mkdir "$DUPLO/demo"
	host engine '{"Engine":"'"${ENGINE_URL[h1]}"'","Address":"'"${ENGINE_ADDRESS[h1]}"'"}'
	for ((i = 0; i < HOSTS; i++)); do
		host "h$i" '{"CPU":1,"MemoryGiB":1,"Schedulable":false}'
	done
	for name in "${!RESOURCES[@]}"; do
		mkdir -p "$DUPLO/demo/resources/$name" && echo "${RESOURCES[$name]}" >"$DUPLO/demo/resources/$name/spec.json"
	done
	for ((i = 0; i < SERVICES; i++)); do
		service demo "s$i" "$(hello_spec 1 '"ExternalLBPort":80,"DNS":"s'"$i"'.apps.example.com",
			"HealthCheck":{"IntervalSeconds":1}')"
	done
}

scenario() {
	local types table began made IFS=' '
	aws_start "$1"
	POLICY=$(aws_look base "${engines_net%.*}")
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
	jq -c '. + {"images":["debian-12=ami-12c6146b"]}' <<<"$POLICY" \
		>"$DUPLO/.platform/policy/infrastructure.json" || bail "a policy is refused"
	becomes 20 "$1: a platform without tenants asks for nothing" quiet
	aws_rules
	began=$EPOCHREALTIME
	make_all
	becomes 120 "$1: $HOSTS hosts, $SERVICES services, ${#RESOURCES[@]} resources are made" all_is_made
	made=$EPOCHREALTIME
	ok "$(names_are_there; echo $?)" "$1: with all their names"
	types=$(IFS=,; echo "${!RESOURCES[*]}")
	table=$(aws_log | "$AWS_VENV/bin/python" "$AWS_TOOLS/minimum.py" "$HOSTS" "$SERVICES" "$types" $RATIO)
	ok $? "$1: by no more than $RATIO times the calls that it takes at least"
	note "$table"
	note "on $1, in $(awk -v from="$began" -v to="$made" 'BEGIN { printf "%.1f", to - from }') s"
	aws_end
}

engines_begin 1 || bail "no network namespaces can be made"
engine_start h1
for emulator in ${AWS_EMULATORS:-moto}; do
	scenario "$emulator"
done
tap_done
