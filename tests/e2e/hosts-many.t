#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Many hosts, simulated: machines come at a wish, instances are spread over them, leave those that are
# drained or removed, and a worker that dies in the midst of it changes nothing.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
mkdir "$DUPLO/demo"

# host NAME [MEMBERS]
host() {
	mkdir -p "$DUPLO/demo/hosts/$1"
	echo '{"OS":"debian-12","CPU":2,"MemoryGiB":4,"Region":"us-west-2"'"${2:+,$2}"'}' >"$DUPLO/demo/hosts/$1/spec.json"
}

# on NAME: instances there.
on() {
	jq .Instances "$DUPLO/demo/hosts/$1/status.json"
}

all_on() {
	local name
	for name in "${@:2}"; do
		[ "$(on "$name")" = "$1" ] || return 1
	done
}

another_worker() {
	[ "$(worker_pid)" != "$1" ] && platform_answers main
}

no_host_is_listed() {
	! grep -q "removed" "$DUPLO/demo/status"
}

names=()
for number in {1..20}; do
	names+=("h$number")
	host "h$number"
done
failed=0
for name in "${names[@]}"; do
	settles 30 "$DUPLO/demo/hosts/$name" || failed=$((failed + 1))
done
is $failed 0 "twenty hosts are made"
is "$(cat "$DUPLO"/demo/hosts/*/address | sort -u | wc -l)" 20 "with an address each"
service demo web '{"DockerImage":"example/web:1","Replicas":"100","CPU":0.1}'
succeeds "a hundred replicas settle" settles 90
becomes 10 "five on each host" all_on 5 "${names[@]}"
like "$(cat "$DUPLO/demo/hosts/h1/status")" "reserved +CPU 0.500" "status tells what is reserved"

host h1 '"Drain":true'
host h2 '"Schedulable":false'
becomes 60 "a host is drained by a field" all_on 0 h1
settles 60
is "$(on h2)" 5 "one that takes nothing new keeps what it has"
is "$(jq -r .Phase "$DUPLO/demo/hosts/h1/status.json")" drained "status tells that it is done"

pid=$(worker_pid)
succeeds "ten are removed at once" rmdir "$DUPLO"/demo/hosts/h1?
kill -KILL "$pid"
becomes 30 "a worker that is killed then is replaced" another_worker "$pid"
becomes 90 "all ten have gone" no_host_is_listed
is "$(ls "$DUPLO/demo/hosts" | wc -l)" 10 "ten are left"
succeeds "the service is as wanted" settles 60
becomes 20 "all its replicas are healthy" test_healthy 100
is "$(cat "$SERVICE"/instances/*/host | sort | uniq -c | awk '{ print $1 }' | sort -n | tail -1)" \
	"$(cat "$SERVICE"/instances/*/host | sort | uniq -c | awk '$2 != "h2" { print $1 }' | sort -n | tail -1)" \
	"the one that takes nothing new has got nothing"
is "$(cat "$SERVICE"/instances/*/host | sort -u | grep -cE '^h(1.?|local)$')" 0 "and none of those that went has anything"

echo '{"DockerImage":"example/web:1","Replicas":"200","CPU":0.1}' >"$SERVICE/spec.json"
becomes 30 "what does not fit is said" grep -qE "[0-9]+ of 200 replicas do not fit: each needs CPU 0.1" "$SERVICE/status"
succeeds "rm -r removes them all" rm -r "$DUPLO/demo"
is "$(ls "$DUPLO")" "README" "nothing is left"
platform_stop
tap_done
