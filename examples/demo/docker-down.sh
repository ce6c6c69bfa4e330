#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stops the Docker Engine that docker-up.sh started, if it did: docker-down.sh DIRECTORY
set -euo pipefail

directory=${1?usage: docker-down.sh DIRECTORY}
DEADLINE_S=60

[ -f "$directory/pid" ] || exit 0
pid=$(cat "$directory/pid")
rm -f "$directory/pid"
# The number may belong to somebody else by now.
[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || exit 0
kill "$pid"
deadline=$((SECONDS + DEADLINE_S))
while kill -0 "$pid" 2>/dev/null; do
	if [ $SECONDS -ge $deadline ]; then
		echo "dockerd ($pid) has not ended after $DEADLINE_S s" >&2
		exit 1
	fi
	sleep 0.1
done
