#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Unmounts the platform of run.sh, then stops the Docker Engine if run.sh has started it.
#   stop.sh [purge]      purge: undeploys the tenant `demo` first
# Without purge the demo's containers go on (but not longer than their Docker Engine).
set -euo pipefail
cd "$(dirname "$0")/../.."

DUPLO=${DUPLO:-/duplo}
STATE=${STATE:-/var/lib/duplofs}
STOP_S=60

wait_until_gone() {
	local deadline=$((SECONDS + STOP_S)) pid
	# The last of its processes.
	pid=$(cat "$STATE/holder.pid" 2>/dev/null) || return 0
	while [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = duplofs-holder ]; do
		if [ $SECONDS -ge $deadline ]; then
			echo "duplofs ($pid) has not ended after $STOP_S s" >&2
			exit 1
		fi
		sleep 0.1
	done
}

# The directory vanishes at once; the platform is given the time to take down what stood behind it.
purge() {
	local deadline=$((SECONDS + STOP_S)) platform
	platform=$(jq -r .Platform "$DUPLO/.platform/status.json")
	echo "\$ rm -r $DUPLO/demo"
	rm -r "$DUPLO/demo"
	while curl -fsS --unix-socket /var/run/docker.sock "http://engine/v1.41/containers/json?all=1" |
		jq -e --arg platform "$platform" \
			'any(.Labels["duplo.platform"] == $platform and .Labels["duplo.tenant"] == "demo")' >/dev/null; do
		if [ $SECONDS -ge $deadline ]; then
			echo "containers of the demo are still there after $STOP_S s" >&2
			exit 1
		fi
		sleep 0.1
	done
}

if mountpoint -q "$DUPLO"; then
	if [ "${1-}" = purge ] && [ -d "$DUPLO/demo" ]; then
		purge
	fi
	echo "\$ umount $DUPLO"
	umount "$DUPLO"
	wait_until_gone
else
	echo "Nothing is mounted at $DUPLO."
fi
examples/demo/docker-down.sh build/docker
