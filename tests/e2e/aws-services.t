#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws: instances on attached hosts behind a load balancer of AWS: targets are what runs, through a rollout, a
# change of replicas and the end. ministack's load balancer carries real requests; none may be lost.
# Neither emulator can tell two targets of one address from each other: one replica a host.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"
# shellcheck source=tests/e2e/lib/engines.sh
. "$lib/engines.sh"

test_clean() {
	aws_stop
	engines_clean 2>/dev/null
}

# What AWS sends requests to is what runs, at the ports where it is published.
targets_are_instances() {
	local wanted
	wanted=$(sort "$DUPLO/demo/neighbors/web" | xargs)
	[ "$(wc -w <<<"$wanted")" -eq "$1" ] && [ "$(targets)" = "$wanted" ]
}

targets() {
	aws_services | sed -n 's/^target-group web .*targets: *//p' | xargs
}

AWS_CALLER="Authorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/us-west-2/elasticloadbalancing/aws4_request"

# Through ministack's load balancer, which knows its names by the Host header, each in its region.
ask() {
	curl -fsS -m 10 -H "Host: $balancer" -H "$AWS_CALLER" "$aws_direct/$1"
}

replicas_heard() {
	local i
	for ((i = 0; i < 12; i++)); do
		ask replica
	done 2>/dev/null | sort -un | xargs | grep -qxF "$1"
}

load_begin() {
	rm -f "$TEST_DIR/enough" "$TEST_DIR/lost" "$TEST_DIR/count"
	while [ ! -e "$TEST_DIR/enough" ]; do
		ask version >/dev/null 2>>"$TEST_DIR/lost"
		echo >>"$TEST_DIR/count"
	done &
	load=$!
}

load_end() {
	touch "$TEST_DIR/enough"
	wait "$load"
	ok $(($(wc -l <"$TEST_DIR/count") < 10)) "$1: requests were made meanwhile"
	is "$(cat "$TEST_DIR/lost")" "" "$1: and none was lost"
}

no_services() {
	[ -z "$(aws_services)" ]
}

no_things() {
	[ -z "$(aws_things)" ]
}

attach() {
	mkdir -p "$DUPLO/demo/hosts/$1"
	echo '{"Engine":"'"${ENGINE_URL[$1]}"'","Address":"'"${ENGINE_ADDRESS[$1]}"'"}' >"$DUPLO/demo/hosts/$1/spec.json"
}

spec() {
	hello_spec "$1" '"Replicas":'"$2"',"ExternalLBPort":80,"DrainSeconds":3,
		"HealthCheck":{"Path":"/healthz","IntervalSeconds":1}'
}

scenario() {
	aws_start "$1"
	POLICY=$(aws_look base "${engines_net%.*}")
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
	echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json" || bail "a policy is refused"
	mkdir "$DUPLO/demo"
	attach h1
	attach h2
	succeeds "$1: a host" settles 30 "$DUPLO/demo/hosts/h1"
	succeeds "$1: and another" settles 30 "$DUPLO/demo/hosts/h2"
	service demo web "$(spec 1 2)"
	succeeds "$1: two replicas run behind a load balancer" settles 90
	becomes 20 "$1: its targets are the instances' addresses and ports" targets_are_instances 2
	like "$(aws_services)" "target-group web ip /healthz 3 " "$1: with the service's own path and time to drain"
	balancer=$(aws_look address "duplofs-${platform_id[main]}-")
	is "$(cat "$SERVICE/url")" "http://$balancer/" "$1: url says where"
	if [ "$1" = ministack ]; then
		becomes 20 "$1: both answer through it" replicas_heard "0 1"
		load_begin
	fi
	spec 2 2 >"$SERVICE/spec.json"
	succeeds "$1: a rollout" settles 120
	becomes 20 "$1: its targets are the new ones" targets_are_instances 2
	spec 2 1 >"$SERVICE/spec.json"
	succeeds "$1: one replica fewer" settles 60
	becomes 20 "$1: one target" targets_are_instances 1
	if [ "$1" = ministack ]; then
		is "$(ask version)" 2 "$1: the new version answers"
		load_end "$1"
	fi
	rmdir "$SERVICE"
	becomes 60 "$1: all goes with the service" no_services
	rmdir "$DUPLO"/demo/hosts/* "$DUPLO/demo"
	becomes 60 "$1: and with the tenant" no_things
	aws_end
}

engines_begin 2 || bail "no network namespaces can be made"
engine_start h1 h2
for emulator in ${AWS_EMULATORS:-moto ministack}; do
	scenario "$emulator"
done
tap_done
