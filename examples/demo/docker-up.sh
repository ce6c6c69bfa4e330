#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sees to it that a Docker Engine answers. One that this script starts is remembered in DIRECTORY, so
# that docker-down.sh stops that one and no other.
#   docker-up.sh DIRECTORY
set -euo pipefail

directory=${1?usage: docker-up.sh DIRECTORY}
url=${DOCKER_HOST:-unix:///var/run/docker.sock}
DEADLINE_S=60

answers() {
	case $url in
	unix://*) curl -fsS -m 5 --unix-socket "${url#unix://}" http://engine/_ping >/dev/null 2>&1 ;;
	*) curl -fsS -m 5 "http://${url#*://}/_ping" >/dev/null 2>&1 ;;
	esac
}

wait_until_it_answers() {
	local deadline=$((SECONDS + DEADLINE_S))
	until answers; do
		if [ $SECONDS -ge $deadline ]; then
			return 1
		fi
		if [ -n "${pid-}" ] && ! kill -0 "$pid" 2>/dev/null; then
			return 1
		fi
		sleep 0.1
	done
}

if answers; then
	exit 0
fi
if [ -n "${DOCKER_HOST-}" ]; then
	echo "No Docker Engine answers at DOCKER_HOST=$DOCKER_HOST." >&2
	exit 1
fi
if [ -d /run/systemd/system ] && systemctl start docker 2>/dev/null && wait_until_it_answers; then
	exit 0
fi
dockerd=$(PATH=$PATH:/usr/sbin:/sbin command -v dockerd) || {
	echo "No Docker Engine answers, and there is no dockerd to start. Package: docker.io" >&2
	exit 1
}
mkdir -p "$directory"
# A pid file that a killed engine left behind would keep the new one from starting.
if [ -f /var/run/docker.pid ] && ! kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null; then
	rm -f /var/run/docker.pid
fi
echo "Starting dockerd (log: $directory/log)"
setsid "$dockerd" >"$directory/log" 2>&1 </dev/null &
pid=$!
echo $pid >"$directory/pid"
if ! wait_until_it_answers; then
	echo "dockerd did not come up; the end of $directory/log:" >&2
	tail -n 20 "$directory/log" >&2
	kill $pid 2>/dev/null || true
	rm -f "$directory/pid"
	exit 1
fi
