#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No Docker Engine when the spec is written: the status says so; all comes up when it appears, and an
# engine that goes away and comes back is survived.
. "${0%/*}/lib/platform.sh"

private=$TEST_DIR/docker
socket=$private/docker.sock
DOCKER=unix://$socket
mkdir -p "$private"
engine_pid=

# With a bridge of its own ("none" would take docker0 away from the machine's engine), and hands off
# the packet filter, which the two would fight over.
bridge=dt$$
ip link add "$bridge" type bridge
ip addr add "10.$((100 + $$ / 250 % 150)).$(($$ % 250)).1/24" dev "$bridge"
ip link set "$bridge" up

engine_up() {
	setsid dockerd --host "$DOCKER" --data-root "$private/data" --exec-root "$private/run" \
		--pidfile "$private/pid" --bridge "$bridge" --iptables=false --ip-masq=false \
		--config-file "$private/config.json" >>"$private/log" 2>&1 </dev/null &
	engine_pid=$!
	eventually 60 engine_at "$DOCKER" /_ping -f || bail "the private engine does not start: $(tail -5 "$private/log")"
}

engine_down() {
	[ -n "$engine_pid" ] || return 0
	kill "$engine_pid" 2>/dev/null
	eventually 30 gone "$engine_pid"
	wait "$engine_pid" 2>/dev/null
	engine_pid=
	rm -f "$socket"
	# A container that was started while the engine was on its way out leaves its mount behind; the
	# engine cannot remove that container ever after.
	umount -l "$private"/data/overlay2/*/merged 2>/dev/null
	true
}

test_clean() {
	local id
	if [ -n "$engine_pid" ]; then
		for id in $(engine "/containers/json?all=1" | jq -r '.[].Id'); do
			engine "/containers/$id?force=1" -X DELETE >/dev/null
		done
	fi
	engine_down
	ip link delete "$bridge" 2>/dev/null
	umount -l "$private"/run/netns/* 2>/dev/null
	true
}
echo '{}' >"$private/config.json"

status_says() {
	grep -qiE "$1" "${2:-$SERVICE}/status"
}

platform_start || bail "a platform starts without Docker"
mkdir "$DUPLO/demo"
# Internal: this engine makes no networks that reach the host.
is "$(service demo web "$(hello_spec 1 '"Replicas":"2"')"; echo $?)" "0" \
	"a spec is accepted without Docker"
SERVICE=$DUPLO/demo/services/web
becomes 10 "the status of the service says that Docker does not answer" status_says "docker"
becomes 10 "so does the platform's" status_says "docker|engine" "$DUPLO/.platform"
timeout 2 cat "$SERVICE/wait" >/dev/null 2>&1
isnt $? 0 "wait does not claim that it runs"
is "$(cat "$SERVICE/replicas")" "2" "reading and writing go on"
echo 1 >"$SERVICE/replicas"
is "$(cat "$SERVICE/replicas")" "1" "and are kept"

engine_up
DOCKER_HOST=$DOCKER "$top/examples/hello/image.sh" -r "$HELLO_IMAGE" "$top/build/hello" 1 >/dev/null
ok $? "an engine appears, with the image"
becomes 60 "the container is made without being asked again" test_running 1


engine_down
becomes 20 "the status says that Docker has gone" status_says "docker"
[ -d "$SERVICE" ] && is "$(cat "$SERVICE/replicas")" "1" "files are served all the while"
engine_up
becomes 60 "the container is back when Docker is" test_running 1

succeeds "rmdir" rmdir "$SERVICE" "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
