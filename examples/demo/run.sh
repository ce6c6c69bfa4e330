#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job, in front of you: a spec goes in, a running service comes out. Every command is shown
# before it runs. Leaves the platform mounted and running; run it again as often as you like.
#   DUPLO=/duplo and STATE=/var/lib/duplofs may be set to run it elsewhere.
set -euo pipefail
cd "$(dirname "$0")/../.."

DUPLO=${DUPLO:-/duplo}
STATE=${STATE:-/var/lib/duplofs}
OPTIONS=state=$STATE${DEMO_OPTIONS:+,$DEMO_OPTIONS}
IMAGE=duplofs/hello
NAME=website.demo.duplo.test
SERVICE=$DUPLO/demo/services/website
WAIT_S=300

if [ -t 1 ]; then
	bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
else
	bold='' dim='' plain=''
fi

say() {
	printf '\n%s# %s%s\n' "$dim" "$*" "$plain"
}

# Shows a command as one would type it, then runs it.
run() {
	printf '%s$ %s%s\n' "$bold" "$1" "$plain"
	eval "$1"
}

# Reads `wait` to its end and tells meanwhile whenever the summary of the status changes.
run_wait() {
	local waiter line last='' deadline=$((SECONDS + WAIT_S))
	printf '%s$ cat %s/wait%s\n' "$bold" "$SERVICE" "$plain"
	cat "$SERVICE/wait" &
	waiter=$!
	while kill -0 "$waiter" 2>/dev/null; do
		line=$(awk '/^(phase|replicas|message) / { $1 = ""; line = line separator $0; separator = "," }
			END { print line }' "$SERVICE/status")
		if [ "$line" != "$last" ]; then
			printf '%s %s%s\n' "$dim" "$line" "$plain"
			last=$line
		fi
		if [ $SECONDS -ge $deadline ]; then
			kill "$waiter"
			echo "The service has not settled within $WAIT_S s:" >&2
			cat "$SERVICE/status" >&2
			exit 1
		fi
		sleep 0.1
	done
	if ! wait "$waiter"; then
		echo "The service could not be brought there:" >&2
		cat "$SERVICE/status" "$SERVICE/last_error" >&2
		exit 1
	fi
}

address() {
	sed -n 's|^http://\([0-9.]*\)[:/].*|\1|p' "$SERVICE/url"
}

if [ "$(id -u)" -ne 0 ]; then
	echo "Mounting for all users and talking to Docker take root: sudo make run" >&2
	exit 1
fi
examples/demo/docker-up.sh build/docker
examples/hello/image.sh -r "$IMAGE" build/hello 1 2

if mountpoint -q "$DUPLO"; then
	say "The platform is mounted already."
else
	say "Start the platform. All it knows is in $STATE; all you do happens in $DUPLO."
	mkdir -p "$DUPLO"
	run "build/duplofs -o $OPTIONS $DUPLO"
fi

say "A tenant is a directory. So is a service."
run "mkdir -p $SERVICE"

say "Some configuration and a secret for all services of the tenant."
run "echo 'a fine day' > $DUPLO/demo/config/GREETING"
run "echo 'correct horse battery staple' > $DUPLO/demo/secrets/DB_PASSWORD"

say "The spec says what is wanted. Writing it is all there is to a deployment."
run "echo '{\"Name\":\"Website\",\"DockerImage\":\"$IMAGE:1\",\"Replicas\":\"3\",\"ExternalLBPort\":\"80\",\"DNS\":\"$NAME\"}' > $SERVICE/spec.json"
run_wait
run "cat $SERVICE/url"

say "Through the load balancer, by its address."
run "curl -s http://$(address)/"

say "By its name. (Your machine does not ask this name server unless you tell it to.)"
run "dig +short @127.88.0.1 $NAME"
run "curl -s --resolve $NAME:80:$(address) http://$NAME/version"
run "curl -s --cacert $STATE/certs/ca.pem --resolve $NAME:443:$(address) https://$NAME/version"

say "How it is."
run "cat $SERVICE/status"
run "cat $DUPLO/.platform/status"

say "More of it: one value, one file."
run "echo 5 > $SERVICE/replicas"
run_wait
run "cat $SERVICE/rollout"

say "A mistake is refused, with a reason; what runs goes on."
run "echo many > $SERVICE/replicas || cat $SERVICE/last_error"

say "A new version replaces one update domain after the other; the service answers all the while."
run "echo $IMAGE:2 > $SERVICE/image"
run_wait
run "cat $SERVICE/rollout"
run "curl -s http://$(address)/"
run "tail -n 12 $SERVICE/events"

say "The platform stays mounted at $DUPLO: have a look around, start with $DUPLO/README."
echo "To stop: make stop          (containers go on; make stop PURGE=1 removes the demo first)"
