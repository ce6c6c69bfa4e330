#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What rollout takes, also in an order that makes no sense; what starts a rollout, and what leaves alone what runs.
. "${0%/*}/lib/platform.sh"
. "${0%/*}/lib/shell.sh"

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

# A restart is waited for as a new generation is: also one that fails, or that is asked for in the middle of another.
restarted() {
	comm -12 <(echo "$1" | sort) <(labelled running | sort) | wc -l
}
before=$(labelled running)
tell restart >/dev/null
succeeds "wait, opened after a restart" settles 90
is "$(restarted "$before") $(status_field Healthy)" "0 3" "ends when all are new, and healthy"
tell restart >/dev/null
becomes 30 "a restart is under way" grep -qE '^1 .* (draining|stopping|creating|starting) ' "$SERVICE/rollout"
before=$(labelled running)
tell restart >/dev/null
succeeds "wait, opened after another one" settles 90
is "$(restarted "$before") $(status_field Healthy)" "0 3" "ends with the last"
shell_image || bail "no image with a shell"
echo good >"$DUPLO/demo/config/MODE"
WEB=$SERVICE
service demo fragile "$(shell_spec '"Replicas":1,"Command":["/bin/sh","-c","grep good /duplo/config/MODE && exec httpd -f -p 80 -h /www"]')"
succeeds "a service that depends on its configuration" settles 60
echo bad >"$DUPLO/demo/config/MODE"
tell restart >/dev/null
output=$(timeout 90 cat "$SERVICE/wait" 2>&1)
like "$? $output" "^1 .*Input/output error" "a restart that fails ends wait with an error"
like "$(cat "$SERVICE/last_error")" "does not stay up" "and tells why"
echo good >"$DUPLO/demo/config/MODE"
tell restart >/dev/null
succeeds "the next one is waited for anew" settles 60
is "$(status_field Phase) $(cat "$SERVICE/last_error")" "running " "and ends well"
rmdir "$SERVICE" && rm "$DUPLO/demo/config/MODE"
SERVICE=$WEB

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
