#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws: what somebody does by hand to what services, hosts and resources have is put right within one sweep; what
# lost its owner goes, and is told; what held data is not made anew in silence. A sweep that finds nothing to do changes
# nothing, and asks as much of 19 services as of 2 (but for targets, which AWS tells one group at a time).
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "$lib/aws.sh"
# shellcheck source=tests/e2e/lib/balancers.sh
. "$lib/balancers.sh"
# shellcheck source=tests/e2e/lib/garbage.sh
. "$lib/garbage.sh"

SERVICES=19

# The id of a service, of what its load balancer is called.
service_id() {
	echo $((36#${1##*-}))
}

running() {
	[ "$(cat "$DUPLO"/demo/services/*/status | grep -c '^phase  *running')" -eq "$1" ]
}

# What one sweep asks, from one list of tables to the next; targets left out.
a_sweep() {
	aws_log | awk '/^ListTables/ { n++ } n == 1' | grep -v '^DescribeTargetHealth' | sort
}

swept() {
	[ "$(aws_log | grep -c '^ListTables')" -ge "$1" ]
}

changes() {
	aws_log | grep -Ev '^(Describe|List|Get|Head)'
}

resource() {
	RESOURCE=$DUPLO/demo/resources/$1
	mkdir -p "$RESOURCE" && echo "$2" >"$RESOURCE/spec.json"
}

resource_says() {
	grep -q "$2" "$DUPLO/demo/resources/$1/status"
}

lacks() {
	! aws_log | grep -q "^$1"
}

asked() {
	[ "$(aws_log | grep -c "^$1")" -ge "$2" ]
}

machine_is() {
	local id
	id=$(grep -o 'i-[0-9a-f]*' "$DUPLO/demo/hosts/h1/status" | head -1)
	[ -n "$id" ] && [ "$id" != "${1-}" ]
}

state_is() {
	[ "$(aws_meddle state "$1")" = "$2" ]
}

services() {
	local name i before
	service demo web "$(spec 80 $NAME)"
	becomes 60 "$1: a load balancer and a name" is_whole web 80 $NAME HTTPS:443+certificate
	becomes 20 "$1: the service runs" running 1
	name=$(aws_look names)
	aws_meddle delete-listener "$name" 443
	becomes 10 "$1: one listener of two is made again" is_whole web 80 $NAME HTTPS:443+certificate
	becomes 10 "$1: the events say so" grep -q 'AWS has something else for it' "$SERVICE/events"
	aws_meddle open "$name"
	becomes 10 "$1: a port that was opened is closed" is_whole web 80 $NAME HTTPS:443+certificate
	aws_meddle add-target "$name"
	becomes 10 "$1: a target that nobody asked for goes" is_whole web 80 $NAME HTTPS:443+certificate
	aws_meddle delete-record $NAME
	becomes 10 "$1: a record is made again" is_whole web 80 $NAME HTTPS:443+certificate
	aws_meddle lead-record $NAME
	becomes 10 "$1: a name that was led elsewhere leads back" is_whole web 80 $NAME HTTPS:443+certificate
	aws_meddle delete-balancer "$name"
	becomes 20 "$1: a load balancer is made again, and the name leads there" is_whole web 80 $NAME HTTPS:443+certificate

	service demo s2 "$(spec 80)"
	becomes 60 "$1: two services" running 2
	aws_rules
	becomes 20 "$1: sweeps of two" swept 3
	before=$(a_sweep)
	for ((i = 3; i <= SERVICES; i++)); do
		service demo "s$i" "$(spec 80)"
	done
	becomes 90 "$1: $SERVICES services" running $SERVICES
	aws_rules
	becomes 20 "$1: sweeps of them" swept 3
	is "$(a_sweep)" "$before" "$1: as many calls"
	ok $(($(aws_log | awk '/^ListTables/ { n++ } n == 1' | grep -c '^DescribeTargetHealth') > 10)) "$1: of targets, ten at most"
	is "$(changes)" "" "$1: none of which changes anything"
}

# A load balancer that turns up again, and one that never was ours.
lost_balancers() {
	local id name platform=${platform_id[main]}
	name=$(aws_look named s2)
	id=$(service_id "$name")
	rm -r "$DUPLO"/demo/services/s* 2>/dev/null
	becomes 60 "$1: services go" is_whole web 80 $NAME HTTPS:443+certificate
	aws_rules '{"action":"DeleteLoadBalancer","fault":"ResourceInUse","times":2}'
	aws_look balancer "$name" "duplo.platform=$platform" "duplo.service-id=$id"
	aws_look balancer "duplofs-$platform-zz" "duplo.platform=$platform" "duplo.service-id=1295"
	becomes 20 "$1: what turns up again is removed" shows 1 STATE=removed TYPE=load-balancer
	like "$(garbage STATE=removed TYPE=load-balancer)" "tag.journal removed load-balancer $name service/$id its service is gone" \
		"$1: and that is told"
	is "$(aws_log | grep -c '^DeleteLoadBalancer ResourceInUse')" 2 "$1: although it was in use for a while"
	aws_rules
	becomes 20 "$1: what the journal does not know is left" shows 1 STATE=left TYPE=load-balancer
	is "$(aws_look names | grep -c "$name\|-zz$")" 1 "$1: the one, not the other"
}

resources() {
	local queue table base=$DUPLO/demo/resources
	resource jobs '{"Type":"sqs"}'
	resource items '{"Type":"dynamodb","HashKey":"id"}'
	resource db '{"Type":"rds","Engine":"mysql","SizeGiB":20,"InstanceClass":"db.t3.small"}'
	succeeds "$1: a queue" settles 30 "$base/jobs"
	succeeds "$1: a table" settles 30 "$base/items"
	succeeds "$1: a database" settles 30 "$base/db"
	queue=$(cat "$base/jobs/name")
	table=$(cat "$base/items/name")

	aws_rules
	aws_meddle shrink "$(cat "$base/db/name")" db.t3.large
	becomes 20 "$1: another class of a database is changed back" asked ModifyDBInstance 1
	aws_meddle delete "$queue"
	becomes 20 "$1: a queue that is gone is made again" asked CreateQueue 1
	becomes 20 "$1: and serves" resource_says jobs '^phase  *ready'
	aws_rules
	aws_meddle delete "$table"
	becomes 20 "$1: a table that is gone: the status says so" resource_says items 'it is gone: somebody removed dynamodb'
	becomes 20 "$1: sweeps go on" swept 3
	ok "$(lacks CreateTable && echo 0 || echo 1)" "$1: and none is made in its place"
	aws_meddle make-table "$table" "${platform_id[main]}" "$tenant_id"
	becomes 20 "$1: restored it serves again" resource_says items '^phase  *ready'
	echo on >"$base/jobs/protect"
	aws_meddle delete "$queue"
	becomes 20 "$1: nor is a protected queue made anew" resource_says jobs 'it is gone: somebody removed sqs'
	echo off >"$base/jobs/protect"
	becomes 20 "$1: until that is allowed" resource_says jobs '^phase  *ready'
	echo off >"$base/items/protect"
	echo off >"$base/db/protect"
	rmdir "$base"/*
}

hosts() {
	local id host token
	mkdir -p "$DUPLO/demo/hosts/h1"
	host=$DUPLO/demo/hosts/h1
	echo '{"CPU":2,"MemoryGiB":4}' >"$host/spec.json"
	becomes 60 "$1: a machine is made" machine_is
	id=$(grep -o 'i-[0-9a-f]*' "$host/status" | head -1)
	becomes 30 "$1: and runs" state_is "$id" running
	aws_account change "$id" terminate
	becomes 20 "$1: terminated by hand: another one takes its place" machine_is "$id"
	echo '{"CPU":4,"MemoryGiB":4}' >"$host/spec.json"
	read -r tenant_id id token < <(aws_meddle tags "$(grep -o 'i-[0-9a-f]*' "$host/status" | head -1)")
	rmdir "$host"
	becomes 60 "$1: the host goes" grep -q 'host h1 is removed' "$DUPLO/demo/events"
	aws_rules '{"action":"TerminateInstances","fault":"InvalidInstanceID.NotFound"}'
	id=$(aws_meddle instance "${platform_id[main]}" "$tenant_id" "$id" "$token")
	becomes 20 "$1: an instance of a host that is gone is terminated" state_is "$id" terminated
	is "$(aws_log | grep '^TerminateInstances' | sort | xargs)" "TerminateInstances TerminateInstances InvalidInstanceID.NotFound" \
		"$1: although AWS did not know it at first"
	becomes 20 "$1: and that is told" shows 1 STATE=removed TYPE=instance "NAME=$id"
}

# But the load balancer that the journal does not know.
nothing_left() {
	! aws_things | grep -qv '^balancer None'
}

scenario() {
	aws_start "$1"
	POLICY=$(aws_look base 10.40 | jq -c '. + {"images":["debian-12=ami-12c6146b"]}')
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" sweep=1 host_grace=1 || bail "no platform"
	echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json" || bail "a policy is refused"
	mkdir "$DUPLO/demo"
	services "$1"
	lost_balancers "$1"
	hosts "$1"
	resources "$1"
	rm -r "$DUPLO/demo" 2>/dev/null
	becomes 60 "$1: all goes" nothing_left
	aws_end
}

for emulator in ${AWS_EMULATORS:-moto ministack}; do
	scenario "$emulator"
done
tap_done
