#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ports that somebody else has: of the load balancer and of the host. Told in words, and cured by itself.
. "${0%/*}/lib/platform.sh"

platform_start || bail "no platform"
mkdir "$DUPLO/demo"
thieves=()

# thief ADDRESS PORT: listens there, until the test ends or let_go.
thief() {
	python3 -c '
import socket, sys, signal
s = socket.socket()
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen()
signal.pause()' "$1" "$2" &
	thieves+=($!)
}

let_go() {
	local pid
	for pid in "${thieves[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	thieves=()
}

test_clean() {
	let_go
}

status_says() {
	grep -qiE "$1" "$SERVICE/status"
}

answers() {
	curl -fsS -m 2 "$(url)/version"
}

# Every address of the range: whichever the load balancer gets, its port is taken.
thief 0.0.0.0 8123
eventually 5 bash -c 'ss -Hltn | grep -qF 0.0.0.0:8123'
service demo web "$(hello_spec 1 '"ExternalLBPort":"8123","ContainerPort":"80"')"
becomes 30 "the status says that the load balancer's port is taken" status_says "8123"
becomes 10 "and that it is in use" status_says "in use|taken|occupied"
let_go
succeeds "once it is free the service comes up" settles 90
becomes 20 "and answers" answers

# Two services with the same container port, and the same port at their load balancers.
FIRST=$SERVICE
service demo twin "$(hello_spec 1 '"Replicas":"2","ExternalLBPort":"8123","ContainerPort":"80"')"
succeeds "the same port twice is no conflict" settles 60
becomes 10 "the second answers" answers
isnt "$(cat "$FIRST/url")" "$(cat "$SERVICE/url")" "each has an address of its own"

# The host port of a replica is taken while its container is gone.
host_port() {
	engine "/containers/$(container_of 0)/json" |
		jq -r '[.HostConfig.PortBindings[][].HostPort] | first'
}
port=$(host_port)
like "$port" "^[0-9]+$" "a replica has a port on the host"
echo 0 >"$SERVICE/replicas"
settles 60
thief 127.0.0.1 "$port"
eventually 5 bash -c "ss -Hltn | grep -qF 127.0.0.1:$port"
echo 2 >"$SERVICE/replicas"
succeeds "a taken host port is passed by" settles 60
isnt "$(host_port)" "$port" "another one was given"
becomes 10 "the service answers" answers
let_go

# Ports stay with their replicas while the platform is away, and while a container is.
host_ports() {
	cat "$FIRST/status" "$SERVICE/status" | grep -oE 'local:[0-9]+$' | cut -d: -f2
}
PORTS=$(host_ports)
is "$(grep -cE '^2[0-9]{4}$' <<<"$PORTS") $(sort -u <<<"$PORTS" | wc -l)" "3 3" "each replica tells its port, no two the same"
platform_stop
platform_start || bail "it does not start again"
is "$(host_ports)" "$PORTS" "a stop and a start leave each its port"
container=$(container_of 0)
engine "/containers/$container/kill" -X POST
revived() {
	[ "$(status_field Restarts "$SERVICE/instances/0/status.json")" -ge 1 ] && test_healthy 2
}
becomes 60 "a killed container is back" revived
is "$(host_ports)" "$PORTS" "at the same port"
becomes 10 "which answers" answers

# What a replica had is free once it has gone: for others, and for the next one.
free_port() {
	! ss -Hltn | awk '{ print $4 }' | grep -q ":$1$"
}
gone_port=$(tail -n 1 <<<"$PORTS")
kept_port=$(host_port)
echo 1 >"$SERVICE/replicas"
settles 60
becomes 10 "scaling down leaves the port free" free_port "$gone_port"
succeeds "rmdir" rmdir "$FIRST" "$SERVICE"
becomes 60 "all are free" free_port "$kept_port"
succeeds "the tenant goes" rmdir "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
