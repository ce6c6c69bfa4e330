#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A version that is no good stops at its first update domain and goes back by itself, with its last words in the
# events and in last_error; without AutoRollback it stays and says so.
. "${0%/*}/lib/platform.sh"

platform_start || bail "no platform"
mkdir "$DUPLO/demo"
HEALTH='"HealthCheck":{"Path":"/healthz","IntervalSeconds":1,"StartPeriodSeconds":2,"UnhealthyThreshold":2}'

# web IMAGE-TAG [MEMBERS]
web() {
	service demo web "$(hello_spec "$1" '"Replicas":"3","ExternalLBPort":"80","DrainSeconds":1'"${2:+,$2}")"
}

version() {
	curl -fsS -m 5 "$(url)/version"
}

# Which containers there are, but for that of the first replica.
others() {
	container_of 1
	container_of 2
}

web 1 "$HEALTH"
succeeds "a good version" settles 60

# goes_back NAME SENTENCE [SENTENCE]: the spec that was just written fails and the one before comes back.
goes_back() {
	local name=$1 output sentence generation
	shift
	generation=$(status_field Generation)
	output=$(timeout 120 cat "$SERVICE/wait" 2>&1)
	is $? 1 "$name: wait ends with an error"
	like "$output" "Input/output error" "$name: it is EIO"
	for sentence; do
		like "$(grep -h "failed: " "$SERVICE/last_error")" "$sentence" "$name: last_error says \"$sentence\""
		like "$(grep -h "failed: " "$SERVICE/events" | tail -n 1)" "$sentence" "$name: the events say so"
	done
	becomes 60 "$name: all are healthy again" back_again "$generation"
	like "$(tail -n 8 "$SERVICE/events")" "rolled back to the spec of generation" "$name: the events tell of the way back"
	is "$(version)" "1" "$name: the old version answers"
	is "$(others)" "$OTHERS" "$name: the other update domains were not touched"
}
back_again() {
	[ "$(cat "$SERVICE/image")" = "$HELLO_IMAGE:1" ] && test_healthy 3 && [ "$(status_field Phase)" = running ]
}

OTHERS=$(others)
echo "$HELLO_IMAGE:sick" >"$SERVICE/image"
goes_back "never healthy" "GET /healthz answered 503" "last output: hello: version 1"
echo "$HELLO_IMAGE:exit" >"$SERVICE/image"
goes_back "exits at once" "exited with code 3; last output: hello: told to fail: HELLO_FAULT=exit"
echo "127.0.0.1:1/nobody/nothing:1" >"$SERVICE/image"
goes_back "cannot be pulled" "127.0.0.1:1/nobody/nothing:1" "does not answer"

# One that crashes after three seconds is seen through by the interval of five that is the default.
web 1 '"HealthCheck":{"Path":"/healthz"}'
succeeds "another interval" settles 60
is "$(others)" "$OTHERS" "how health is asked starts no rollout"
web crash '"HealthCheck":{"Path":"/healthz"}'
goes_back "crashes after seconds" "does not stay up" "last output: .*HELLO_FAULT=crash"

# Without AutoRollback it stays, says so, and the rest answers; the next good spec goes on.
web 1 "$HEALTH,\"AutoRollback\":false"
settles 60
web exit "$HEALTH,\"AutoRollback\":false"
timeout 90 cat "$SERVICE/wait" >/dev/null 2>&1
is $? 1 "without AutoRollback: wait ends with an error"
like "$(cat "$SERVICE/rollout")" "AutoRollback is false: it stays as it is" "rollout says that it stays"
is "$(status_field Phase) $(cat "$SERVICE/image")" "failed $HELLO_IMAGE:exit" "and it does"
is "$(others)" "$OTHERS" "the other update domains were not touched"
is "$(version)" "1" "they answer"
echo rollback >"$SERVICE/rollout"
succeeds "rollback goes back on demand" settles 60
is "$(cat "$SERVICE/image")" "$HELLO_IMAGE:1" "to the version before"

succeeds "rmdir" rmdir "$SERVICE" "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
