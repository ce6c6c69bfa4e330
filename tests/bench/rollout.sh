#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A rollout of 20 replicas in 4 update domains against its bound: the engine's calls alone, drains, and the intervals
# of probes; and, for the same job under the same load on the same engine, swarm and docker-compose (behind a HAProxy
# as one would write it): time and requests that fail. rollout.sh [ROUNDS]
. "${0%/*}/../e2e/lib/platform.sh"
# shellcheck source=tests/e2e/lib/engines.sh
. "$lib/engines.sh"
rounds=${1:-3}
REPLICAS=20
DOMAINS=4
INTERVAL_S=1 # of probes; after the first domain a rollout watches for one
PROBES_S=0.05 # in each domain: two probes, 25 ms apart
SLOWEST_S=0.25 # request of the load: what a drain has to wait for

# A machine of its own: swarm must not meet the engine of others.
engines_begin 1
engine_start h1
DOCKER=${ENGINE_URL[h1]}
export DOCKER_HOST=$DOCKER
net=/run/netns/$engines_bridge-h1
there() {
	nsenter --net="$net" "$@"
}
printf '#!/bin/sh\nexec nsenter --net=%s %s "$@"\n' "$net" "$DUPLOFS" >"$TEST_DIR/duplofs"
chmod +x "$TEST_DIR/duplofs"
haproxy_pid=
test_clean() {
	[ -z "$haproxy_pid" ] || kill "$haproxy_pid" 2>/dev/null
	[ -z "${DUPLO-}" ] || umount "$DUPLO" 2>/dev/null
	eventually 15 no_processes main
	engines_clean
}

# under_load URL COMMAND...: the seconds that it takes; FAILED and ASKED of the requests meanwhile.
under_load() {
	local url=$1 pid begin_us
	shift
	there wrk -t 1 -c 8 -d 600 --timeout 10s -s "$lib/load.lua" "$url/" >"$TEST_DIR/load" 2>&1 &
	pid=$!
	sleep 0.5
	begin_us=${EPOCHREALTIME/./}
	"$@" >"$TEST_DIR/command.log" 2>&1 || diag "$* failed: $(tail -3 "$TEST_DIR/command.log")"
	TOOK_US=$((${EPOCHREALTIME/./} - begin_us))
	sleep 0.5
	kill -INT "$(pgrep -P $pid wrk || echo $pid)" 2>/dev/null
	wait $pid
	read -r ASKED FAILED < <(awk '/^load / { print $2, $4 + $6 + $8 + $10 + $12 }' "$TEST_DIR/load")
}

seconds() {
	jq -n "$1 / 10000 | round / 100"
}

median() {
	sort -n | sed -n "$(((rounds + 1) / 2))p"
}

row() {
	printf '| %s | %s | %s | %s |\n' "$@"
}

upgrade() {
	if [ "$(cat "$SERVICE/image")" = "$HELLO_IMAGE:1" ]; then
		echo "$HELLO_IMAGE:2" >"$SERVICE/image"
	else
		echo "$HELLO_IMAGE:1" >"$SERVICE/image"
	fi
	settles 300
}

DUPLOFS=$TEST_DIR/duplofs platform_start || exit 1
mkdir "$DUPLO/bench"
service bench web "$(hello_spec 1 "\"Replicas\":$REPLICAS,\"UpdateDomains\":$DOMAINS,\"ExternalLBPort\":80,
	\"HealthCheck\":{\"Path\":\"/healthz\",\"IntervalSeconds\":$INTERVAL_S}")"
settles 120 || exit 1
for ((round = 0; round < rounds; round++)); do
	python3 "${0%/*}/rollout.py" "${DOCKER#unix://}" "$(container_of 0)" $REPLICAS $DOMAINS \
		>>"$TEST_DIR/bare" || exit 1
	begin_us=${EPOCHREALTIME/./}
	upgrade || exit 1
	seconds $((${EPOCHREALTIME/./} - begin_us)) >>"$TEST_DIR/idle"
	under_load "$(url "$SERVICE")" upgrade
	seconds $TOOK_US >>"$TEST_DIR/loaded"
	echo "$FAILED $ASKED" >>"$TEST_DIR/failed"
done
bare=$(median <"$TEST_DIR/bare")
idle=$(median <"$TEST_DIR/idle")
loaded=$(median <"$TEST_DIR/loaded")
bound=$(jq -n "$bare + $DOMAINS * $PROBES_S + $INTERVAL_S")
failed=$(awk '{ f += $1; a += $2 } END { print f " of " a }' "$TEST_DIR/failed")

echo "A rollout of $REPLICAS replicas in $DOMAINS update domains, median of $rounds:"
echo
echo "| | seconds | against the bound |"
echo "| --- | --- | --- |"
printf '| engine calls alone | %.2f | |\n' "$bare"
printf '| the bound: with probes and the watch of %d s after the first domain | %.2f | 1 |\n' $INTERVAL_S "$bound"
printf '| duplofs | %.2f | %.2f |\n' "$idle" "$(jq -n "$idle / $bound")"
printf '| duplofs under load (requests of up to %s s to drain in each domain) | %.2f | %.2f |\n' $SLOWEST_S "$loaded" \
	"$(jq -n "$loaded / ($bound + $DOMAINS * $SLOWEST_S)")"
echo
rmdir "$SERVICE"
eventually 60 rmdir "$DUPLO/bench"

echo "| the same job under load | seconds | failed requests | of |"
echo "| --- | --- | --- | --- |"
row "duplofs" "$loaded" "${failed%% *}" "${failed##* }"

# docker-compose: all are made anew, with no order; a HAProxy with health checks stands before them.
compose() {
	{
		echo 'version: "3"'
		echo 'services:'
		echo '  web:'
		echo "    image: $HELLO_IMAGE:$1"
		echo "    ports: ['32000-$((32000 + REPLICAS - 1)):80']"
	} >"$TEST_DIR/docker-compose.yml"
	docker-compose -p bench -f "$TEST_DIR/docker-compose.yml" up -d --scale "web=$REPLICAS"
}
compose 1 >"$TEST_DIR/compose.log" 2>&1 || cat "$TEST_DIR/compose.log" >&2
{
	printf 'defaults\n\tmode http\n\ttimeout connect 3s\n\ttimeout client 1m\n'
	printf '\ttimeout server 1m\n\toption redispatch\n'
	printf 'listen web\n\tbind 127.0.0.1:8081\n\toption httpchk GET /healthz\n'
	for ((i = 0; i < REPLICAS; i++)); do
		echo "	server s$i 127.0.0.1:$((32000 + i)) check inter 1s"
	done
} >"$TEST_DIR/haproxy.cfg"
there haproxy -db -f "$TEST_DIR/haproxy.cfg" >/dev/null 2>&1 &
haproxy_pid=$!
eventually 20 there curl -fsS -m 2 http://127.0.0.1:8081/version
under_load http://127.0.0.1:8081 compose 2
row "docker-compose up, behind HAProxy" "$(seconds $TOOK_US)" "$FAILED" "$ASKED"
docker-compose -p bench -f "$TEST_DIR/docker-compose.yml" down >/dev/null 2>&1

# swarm: the same number at a time, old ones first, its own load balancer.
swarm_url=http://${ENGINE_ADDRESS[h1]}:8090
create_swarm() {
	timeout 60 docker service create -q --no-resolve-image --name web --replicas $REPLICAS "$@" \
		--update-parallelism $((REPLICAS / DOMAINS)) --update-monitor ${INTERVAL_S}s \
		"$HELLO_IMAGE:1" >/dev/null
}
update_swarm() {
	timeout 240 docker service update -q --no-resolve-image --image "$HELLO_IMAGE:2" web >/dev/null
}
# Else it asks a registry for each container, and waits for a name server that cannot be reached.
ip -n "$engines_bridge-h1" route delete default
docker swarm init --advertise-addr "${ENGINE_ADDRESS[h1]}" >/dev/null || exit 1
if create_swarm --publish 8090:80 && eventually 30 there curl -fsS -m 2 "$swarm_url/version"; then
	under_load "$swarm_url" update_swarm
	row "docker service update (swarm)" "$(seconds $TOOK_US)" "$FAILED" "$ASKED"
else
	# Its load balancer wants modules of the kernel that not every machine has.
	docker service rm web >/dev/null
	begin_us=${EPOCHREALTIME/./}
	create_swarm && begin_us=${EPOCHREALTIME/./} && update_swarm
	row "docker service update (swarm; its load balancer does not work here)" \
		"$(seconds $((${EPOCHREALTIME/./} - begin_us)))" "-" "-"
fi
docker service rm web >/dev/null
docker swarm leave --force >/dev/null
