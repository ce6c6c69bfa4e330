#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Not one request fails while a service is upgraded, scaled, restarted, loses a container, while its load
# balancer is loaded anew, and while duplofs itself is killed in the middle of it.
. "${0%/*}/lib/platform.sh"
. "${0%/*}/lib/load.sh"

test_clean() {
	[ ${#load_pids[@]} -eq 0 ] || kill -KILL "${load_pids[@]}" 2>/dev/null
}

platform_start || bail "no platform"
mkdir "$DUPLO/demo"
service demo web "$(hello_spec 1 '"Replicas":"4","ExternalLBPort":"80","UpdateDomains":2,"DrainSeconds":60,
	"HealthCheck":{"Path":"/healthz","IntervalSeconds":1}')"
succeeds "a service" settles 60
URL=$(url)

version() {
	curl -fsS -m 5 "$URL/version"
}

upgrade() {
	echo "$HELLO_IMAGE:$1" >"$SERVICE/image" && settles 120 && [ "$(version)" = "$1" ]
}
begin=$SECONDS
under_load "an upgrade" upgrade 2
[ $((SECONDS - begin)) -lt 50 ]
ok $? "no drain lasts longer than its requests"

scale() {
	echo "$1" >"$SERVICE/replicas" && settles 60 && [ "$(count containers)" -eq "$1" ]
}
under_load "scaling up" scale 6
under_load "scaling down" scale 3

kill_container() {
	local victim
	victim=$(container_of 1)
	engine "/containers/$victim/kill" -X POST && eventually 30 came_back
}
came_back() {
	[ "$(status_field Restarts "$SERVICE/instances/1/status.json")" -ge 1 ] && test_healthy 3
}
under_load "a container that is killed" kill_container

# Another listener, or one less, makes HAProxy load its configuration anew.
reload() {
	local web=$SERVICE status
	service demo "$1" "$(hello_spec 1 '"ExternalLBPort":"8080","ContainerPort":80')" && settles 60 &&
		rmdir "$SERVICE"
	status=$?
	eventually 30 no_service "$1"
	SERVICE=$web
	return $status
}
no_service() {
	! listeners | grep -q ":8080$"
}
under_load "a load balancer that is loaded anew" reload other

# The worker dies in the middle of an upgrade; the next one goes on from where it stood.
upgrade_killed() {
	local worker
	worker=$(worker_pid)
	echo "$HELLO_IMAGE:1" >"$SERVICE/image"
	eventually 30 upgrade_is_under_way && kill -KILL "$worker" && eventually 30 gone "$worker" &&
		settles 120 && [ "$(version)" = 1 ]
}
upgrade_is_under_way() {
	grep -qE '^1 .* (draining|stopping|creating|starting) ' "$SERVICE/rollout"
}
under_load "an upgrade during which the worker is killed" upgrade_killed
is "$(count containers)" "3" "there are three containers, as before"

restart() {
	echo restart >"$SERVICE/rollout" && eventually 60 all_restarted
}
all_restarted() {
	[ -z "$(comm -12 <(echo "$BEFORE") <(labelled running | sort))" ] && test_healthy 3
}
BEFORE=$(labelled running | sort)
under_load "a restart" restart

succeeds "rmdir" rmdir "$SERVICE" "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
