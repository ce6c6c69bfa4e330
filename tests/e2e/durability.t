#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What was acknowledged survives: everything of the platform is killed right after close has returned.
. "${0%/*}/lib/platform.sh"

platform_start || bail "no platform"
mkdir "$DUPLO/demo"
service demo web "$(hello_spec 1 '"Replicas":"2","ExternalLBPort":"80"')"
settles 60
before=$(labelled running | sort)
is "$(wc -l <<<"$before")" "2" "two containers run"

killed_after_writing() {
	local pids got
	mapfile -t pids < <(platform_pids)
	got=$(try last-words "$1" "$2" "${pids[@]}")
	platform_wait_killed main "${pids[@]}"
	[ "$got" = ok ]
}

for round in 1 2 3; do
	killed_after_writing "$SERVICE/protect" "on"
	ok $? "round $round: a view was accepted and everything killed"
	is "$(labelled running | sort)" "$before" "round $round: containers go on without the platform"
	platform_start || bail "no platform"
	is "$(cat "$SERVICE/protect")" "on" "round $round: the value is there at the next start"

	spec=$(hello_spec 1 '"Replicas":"2","ExternalLBPort":"80","DrainSeconds":'$round)
	killed_after_writing "$SERVICE/spec.json" "$spec"
	ok $? "round $round: a spec was accepted and everything killed"
	platform_start || bail "no platform"
	is "$(cat "$SERVICE/spec.json")" "$spec" "round $round: the spec is there at the next start"

	touch "$DUPLO/demo/secrets/KEY"
	killed_after_writing "$DUPLO/demo/secrets/KEY" "value $round"
	ok $? "round $round: a secret was accepted and everything killed"
	platform_start || bail "no platform"
	is "$(cat "$DUPLO/demo/secrets/KEY")" "value $round" "round $round: the secret is there at the next start"
	echo off >"$SERVICE/protect"
done

# A directory made just before.
mapfile -t pids < <(platform_pids)
mkdir "$DUPLO/demo/services/late" && kill -STOP "${pids[@]}" && kill -KILL "${pids[@]}"
platform_wait_killed main "${pids[@]}"
platform_start || bail "no platform"
[ -d "$DUPLO/demo/services/late" ]
ok $? "a service made just before is there"

# Killed in the middle of a deployment, it is finished after the start, with nothing made twice.
echo 6 >"$SERVICE/replicas"
eventually 10 more_than 2
platform_kill
platform_start || bail "no platform"
settles 60
is "$(count containers)" "6" "a deployment that was cut short is finished, nothing is there twice"
is "$(comm -23 <(echo "$before") <(labelled running | sort))" "" "the first two still run, untouched"
url=$(url)
like "$(curl -fsS -m 5 "$url/")" "hello, version 1" "the load balancer answers"
becomes 20 "holder, supervisor, worker, load balancer (of two processes), name server: one each" test_processes 6

# Killed in the middle of a removal.
rmdir "$DUPLO/demo/services/late" "$SERVICE"
platform_kill
platform_start || bail "no platform"
rm "$DUPLO/demo/secrets/KEY"
succeeds "rmdir of the tenant" rmdir "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
