#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What rollout takes, also in an order that makes no sense; what starts a rollout, and what leaves alone what runs.
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

tell() {
	try write "$SERVICE/rollout" "$1"
}

# Commands that contradict each other, or make no sense.
web 1 "$HEALTH"
succeeds "a service" settles 60
is "$(tell pause) $(tell pause)" "ok ok" "pause, and again"
echo "$HELLO_IMAGE:2" >"$SERVICE/image"
becomes 20 "a paused service begins nothing" grep -q "paused before update domain 1 of 3" "$SERVICE/rollout"
is "$(tell restart)" "ok" "restart while it is paused"
is "$(version)" "1" "waits"
like "$(tell $'pause\nresume\n')" "^EINVAL" "two commands at once are refused"
like "$(cat "$SERVICE/last_error")" "is none of pause, resume, rollback, restart" "in words"
like "$(tell rolback)" "^EINVAL" "a misspelt one too"
like "$(cat "$SERVICE/last_error")" "did you mean .rollback." "which is told"
is "$(tell rollback)" "ok" "rollback while it is paused"
succeeds "goes back and ends the pause" settles 60
is "$(version) $(status_field Paused)" "1 false" "the old version runs"
is "$(tell resume)" "ok" "resume of what is not paused is no error"

# A new word in the middle of a rollout redirects it.
echo "$HELLO_IMAGE:sick" >"$SERVICE/image"
becomes 30 "a rollout is under way" grep -qE '^1 .* (draining|stopping|creating|starting) ' "$SERVICE/rollout"
is "$(tell pause) $(tell resume) $(tell restart) $(tell pause)" "ok ok ok ok" "commands fly"
echo "$HELLO_IMAGE:2" >"$SERVICE/image"
is "$(tell resume)" "ok" "the last word"
succeeds "a new spec redirects it" settles 90
is "$(version)" "2" "to the newest"

# What starts a rollout, and what does not.
ids() {
	for ordinal in 0 1; do
		container_of $ordinal
	done
}
change() {
	local wanted=$1 name=$2 before after
	before=$(ids)
	service demo web "$(hello_spec 1 '"Replicas":"'"${4-2}"'","ExternalLBPort":"80","DrainSeconds":0,"UpdateDomains":50,'"$HEALTH,$3")"
	settles 90
	after=$(comm -12 <(echo "$before" | sort) <(ids | sort) | wc -l)
	is "$after" "$([ "$wanted" = new ] && echo 0 || echo 2)" "$name: $wanted containers"
}
change new "more update domains than replicas" '"DNS":""'
change same "another name" '"DNS":"other.demo.duplo.test"'
change same "one replica more" '"DNS":"other.demo.duplo.test"' 3
change new "a variable" '"Environment":{"A":"b"}'
change new "a command" '"Environment":{"A":"b"},"Command":["80"]'
change new "a port" '"Environment":{"A":"b"},"Command":["81"],"ContainerPort":81'
change new "a limit" '"Environment":{"A":"b"},"Command":["81"],"ContainerPort":81,"CPU":0.5'
change new "memory" '"Environment":{"A":"b"},"Command":["81"],"ContainerPort":81,"MemoryMiB":64'

service demo fresh "$(hello_spec 1)"
settles 60
like "$(tell rollback)" "^EINVAL" "there is nothing to go back to"
like "$(cat "$SERVICE/last_error")" "no earlier generation" "in words"

succeeds "rmdir" rmdir "$SERVICE" "$DUPLO/demo/services/web" "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
