#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Programs that do not do: a missing image, one that exits, crashes, never listens, never gets healthy
# or does not end. A clear status, retries with backoff, and nothing lost or leaked.
. "${0%/*}/lib/platform.sh"

platform_start || bail "no platform"
mkdir "$DUPLO/demo"
QUICK='"IntervalSeconds":1,"StartPeriodSeconds":2,"UnhealthyThreshold":2}'
TCP='"HealthCheck":{'$QUICK
HTTP='"HealthCheck":{"Path":"/healthz",'$QUICK

status_says() {
	grep -qiE "$1" "$SERVICE/status"
}

# wait_fails SENTENCE NAME: `wait` ends with EIO, and last_error or status says why.
wait_fails() {
	local output status
	output=$(timeout 90 cat "$SERVICE/wait" 2>&1)
	status=$?
	is $status 1 "$2: wait ends with an error"
	like "$output" "Input/output error" "$2: it is EIO"
	like "$(cat "$SERVICE/status" "$SERVICE/last_error")" "$1" "$2: the reason is told"
}

service demo missing '{"DockerImage":"127.0.0.1:1/nobody/nothing:1","Replicas":"1"}'
becomes 30 "an image that cannot be pulled: the status says so" status_says "127.0.0.1:1/nobody/nothing:1"
wait_fails "127.0.0.1:1/nobody/nothing:1" "an image that cannot be pulled"
echo "$HELLO_IMAGE:1" >"$SERVICE/image"
succeeds "with an image that is there, it comes up" settles 60

service demo exits "$(hello_spec exit '"Replicas":"1","ExternalLBPort":"80"')"
becomes 30 "a program that exits at once: the status tells its exit status" status_says "exit[a-z]* .*3|status 3|code 3"
wait_fails "3" "a program that exits at once"
becomes 5 "its last words are in the log" grep -q "told to fail: HELLO_FAULT=exit" "$SERVICE/logs/0"
first=$(status_field Restarts "$SERVICE/instances/0/status.json")
like "$first" "^[0-9]+$" "restarts are counted"
[ "$first" -lt 30 ]
ok $? "with backoff: not dozens of them"

service demo deaf "$(hello_spec deaf "$TCP")"
wait_fails . "a program that never listens"
service demo sick "$(hello_spec sick "$HTTP")"
wait_fails "503" "a program that says it is ill"
is "$(cat "$DUPLO/demo/neighbors/sick" 2>/dev/null)" "" "what is not healthy is no neighbor"

# An upgrade to a bad version goes back by itself, and the service answers all the while.
service demo web "$(hello_spec 1 '"Replicas":"2","ExternalLBPort":"80","DrainSeconds":1,'"$HTTP")"
succeeds "a good version" settles 60
url=$(url)
echo "$HELLO_IMAGE:sick" >"$SERVICE/image"
timeout 90 cat "$SERVICE/wait" >/dev/null 2>&1
isnt $? 0 "an upgrade to a version that never gets healthy fails"
is "$(curl -fsS -m 5 "$url/version")" "1" "the old version still answers"
becomes 60 "and is whole again" test_healthy 2

service demo stubborn "$(hello_spec stubborn '"Replicas":"1","DrainSeconds":0')"
succeeds "a program that ignores SIGTERM starts" settles 60

for name in missing exits deaf sick web stubborn; do
	succeeds "rmdir $name" rmdir "$DUPLO/demo/services/$name"
done
succeeds "rmdir of the tenant" rmdir "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
