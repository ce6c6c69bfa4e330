#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Three machines with an engine each: instances are spread, reach their callers through ports of their
# hosts, are replaced when a machine dies, cleaned up when it is back, and leave one that is removed.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/engines.sh
. "$lib/engines.sh"

test_clean() {
	engines_clean 2>/dev/null
}

engines_begin 3 || bail "no network namespaces can be made"
engine_start h1 h2 h3
chmod 711 "$TEST_DIR" # for other users
platform_start host_grace=3 || bail "a platform starts"
mkdir "$DUPLO/demo"

page() {
	curl -fsS -m 5 "$@"
}

# The replicas that answer, by asking until all have been heard or the time is over.
replicas_heard() {
	local wanted=$1 url=$2 i
	for ((i = 0; i < 60; i++)); do
		page "$url/replica"
	done 2>/dev/null | sort -un | tr '\n' ' ' | grep -qxF "$wanted "
}

all_say() {
	local i
	for ((i = 0; i < 12; i++)); do
		[ "$(page "$(url)/version")" = "$1" ] || return 1
	done
}

test_none_on() {
	[ -z "$(containers_on "$1")" ]
}

test_on_both() {
	[ $(($(containers_on h1 running | wc -l) + $(containers_on h2 running | wc -l))) -eq "$1" ]
}

no_network_on() {
	[ -z "$(containers_on "$1" networks)" ]
}

settles_aloud() {
	timeout 30 cat "$1/wait"
}

attach() {
	mkdir -p "$DUPLO/demo/hosts/$1"
	echo '{"Engine":"'"${ENGINE_URL[$1]}"'","Address":"'"${ENGINE_ADDRESS[$1]}"'","CPU":1,"MemoryGiB":1'"${2-}"'}' \
		>"$DUPLO/demo/hosts/$1/spec.json"
}

succeeds "the administrator attaches three engines" eval "attach h1 && attach h2 && attach h3"
for name in h1 h2 h3; do
	succeeds "$name is ready" settles 30 "$DUPLO/demo/hosts/$name"
done
is "$(cat "$DUPLO/demo/hosts/h2/address")" "${ENGINE_ADDRESS[h2]}" "address tells where it is"
like "$(cat "$DUPLO/demo/hosts/h1/status")" "ready.*docker .*CPU 1" "status tells phase, engine and capacity"
is "$(jq -r .Phase "$DUPLO/demo/hosts/h1/status.json")" "ready" "status.json too"

# The local cloud makes none.
mkdir "$DUPLO/demo/hosts/wish"
echo '{"OS":"debian-12","CPU":2,"MemoryGiB":4}' >"$DUPLO/demo/hosts/wish/spec.json"
fails_with "Input/output error" "a machine that the cloud does not make fails" settles_aloud "$DUPLO/demo/hosts/wish"
like "$(cat "$DUPLO/demo/hosts/wish/last_error")" "ask the administrator to set Engine" "last_error says what helps"
fails_with "Invalid argument" "the platform's own machine needs no directory" mkdir "$DUPLO/demo/hosts/local"
rmdir "$DUPLO/demo/hosts/wish"

# An engine is all power over its machine.
chown nobody "$DUPLO/demo"
like "$(setpriv --reuid=nobody --clear-groups bash -c "echo '{\"Engine\":\"unix:///var/run/docker.sock\"}' >'$DUPLO/demo/hosts/h1/spec.json'" 2>&1)" \
	"Operation not permitted" "a tenant may not name an engine"
like "$(cat "$DUPLO/demo/hosts/h1/last_error")" "administrator" "last_error says who may"
succeeds "what is the tenant's it may change" setpriv --reuid=nobody --clear-groups \
	bash -c "sed -i 's/\"CPU\":1/\"CPU\":1,\"Tags\":[\"x\"]/' '$DUPLO/demo/hosts/h1/spec.json'"
chown root "$DUPLO/demo"

# Spread over the hosts, answering through the load balancer, each with its view.
echo hidden >"$DUPLO/demo/secrets/KEY"
service demo web "$(hello_spec 1 '"Replicas":"6","ExternalLBPort":"80","HealthCheck":{"Path":"/healthz","IntervalSeconds":1}')"
succeeds "six replicas run" settles 90
for name in h1 h2 h3; do
	is "$(containers_on $name running | wc -l)" 2 "two of them on $name"
done
is "$(count containers)" 0 "none on the platform's own machine"
becomes 15 "all of them answer" replicas_heard "0 1 2 3 4 5" "$(url)"
like "$(page "$(url)/")" "KEY \(7 bytes\)" "containers on the hosts see their secrets"
neighbor=$(head -1 "$DUPLO/demo/neighbors/web")
like "$neighbor" "^${engines_net//./\\.}\.1[1-3]:2[0-9]+$" "neighbors names a port of a host"
like "$(page "http://$neighbor/version")" "^1$" "which answers"
echo "$HELLO_IMAGE:2" >"$SERVICE/image"
succeeds "an upgrade" settles 120
becomes 10 "reaches every host" all_say 2

# Reservations.
service demo big "$(hello_spec 1 '"Replicas":"4","CPU":"0.6","HealthCheck":{"IntervalSeconds":1}')"
becomes 30 "what does not fit is said in words" grep -q \
	"1 of 4 replicas do not fit: each needs CPU 0.6, the largest free is 0.4 on h" "$SERVICE/status"
echo 3 >"$SERVICE/replicas"
succeeds "three of them do" settles 60
host=$(cat "$SERVICE/instances/0/host")
is "$(engine_at "${ENGINE_URL[$host]}" "/containers/$(container_of 0)/json" | jq .HostConfig.NanoCpus)" 600000000 \
	"what is reserved is the limit in the engine"
rmdir "$SERVICE"

# A machine dies.
SERVICE=$DUPLO/demo/services/web
engine_kill h3
becomes 20 "its host is away" grep -q "^phase *away" "$DUPLO/demo/hosts/h3/status"
becomes 40 "its instances are replaced on the other hosts" test_on_both 6
becomes 30 "the service is as wanted again" test_healthy 6
becomes 15 "and answers" replicas_heard "0 1 2 3 4 5" "$(url)"
engine_start h3
becomes 40 "what was left on it is cleaned up when it is back" test_none_on h3
becomes 20 "it is ready again" grep -q "^phase *ready" "$DUPLO/demo/hosts/h3/status"
is "$(status_field Healthy)" 6 "nothing else has changed"

# One is drained and removed while the service answers.
echo on >"$DUPLO/demo/hosts/h1/protect"
fails_with "busy" "a protected host cannot be removed" rmdir "$DUPLO/demo/hosts/h1"
like "$(cat "$DUPLO/demo/hosts/h1/last_error")" "protected" "last_error says why"
echo off >"$DUPLO/demo/hosts/h1/protect"
lost=$TEST_DIR/lost
( while [ ! -e "$TEST_DIR/enough" ]; do
	[ "$(curl -s -m 5 -o /dev/null -w '%{http_code}' "$(url)/")" = 200 ] || echo lost >>"$lost"
done ) &
load=$!
pid=$(worker_pid)
succeeds "rmdir removes a host" rmdir "$DUPLO/demo/hosts/h1"
kill -KILL "$pid" # and the next worker goes on
becomes 60 "what ran there runs elsewhere" test_none_on h1
becomes 30 "six are healthy" test_healthy 6
touch "$TEST_DIR/enough"
wait $load
is "$(cat "$lost" 2>/dev/null)" "" "no request was lost meanwhile"
becomes 20 "the tenant's events tell" grep -q "host h1 is removed" "$DUPLO/demo/events"
is "$(containers_on h1 networks)" "" "nothing of the tenant is left on it"

# The same machine, over its network.
mkdir "$DUPLO/demo/hosts/far"
echo '{"Engine":"tcp://'"${ENGINE_ADDRESS[h1]}"':2375"}' >"$DUPLO/demo/hosts/far/spec.json"
succeeds "an engine is attached by its address" settles 30 "$DUPLO/demo/hosts/far"
is "$(cat "$DUPLO/demo/hosts/far/address")" "${ENGINE_ADDRESS[h1]}" "which is where its ports are, too"
service demo far "$(hello_spec 1 '"ExternalLBPort":"80","Hosts":["far"],"HealthCheck":{"Path":"/healthz","IntervalSeconds":1}')"
succeeds "a service that prefers it settles" settles 60
is "$(cat "$SERVICE/instances/0/host")" far "there"
like "$(page "$(url)/")" "hello, version 1" "and answers"
rmdir "$SERVICE"
succeeds "it goes" rmdir "$DUPLO/demo/hosts/far"

rm -r "$DUPLO/demo/services/web"
for name in h2 h3; do
	becomes 60 "nothing runs on $name" test_none_on $name
done
succeeds "the other hosts go" rmdir "$DUPLO/demo/hosts/h2" "$DUPLO/demo/hosts/h3"
rm -f "$DUPLO/demo/secrets/KEY"
succeeds "and the tenant" rmdir "$DUPLO/demo"
for name in h1 h2 h3; do
	becomes 30 "no network is left on $name" no_network_on $name
done
nothing_leaked
platform_stop
tap_done
