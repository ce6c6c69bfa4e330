#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=simulated: a first look without Docker, HAProxy or dnsmasq, and many services at once.
. "${0%/*}/lib/platform.sh"

# Nothing of the real parts is at hand.
platform_start -c simulated "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
like "$(cat "$DUPLO/.platform/status")" "simulated" "the status says so"
mkdir "$DUPLO/demo"
service demo web '{"DockerImage":"example/web:1","Replicas":"3","ExternalLBPort":"80","DNS":"web.demo.duplo.test"}'
succeeds "a service settles" settles 30
is "$(test_healthy 3; echo $?)" "0" "its replicas are said to be healthy"
echo 7 >"$SERVICE/replicas"
succeeds "it scales" settles 30
is "$(ls "$SERVICE/instances" | wc -l)" "7" "to seven"
echo example/web:2 >"$SERVICE/image"
succeeds "it is upgraded" settles 60
like "$(cat "$SERVICE/status")" "example/web:2" "the status names the new image"

# Many at once.
begin=$SECONDS
for number in {1..100}; do
	mkdir "$DUPLO/demo/services/s$number"
	echo '{"DockerImage":"example/web:1","Replicas":2}' >"$DUPLO/demo/services/s$number/spec.json"
done
note "100 services accepted within $((SECONDS - begin)) s"
failed=0
for number in {1..100}; do
	settles 60 "$DUPLO/demo/services/s$number" || failed=$((failed + 1))
done
is $failed 0 "a hundred services settle"
is "$(ls "$DUPLO/demo/services" | wc -l)" "101" "and are listed"
is "$(listeners)$(platform_processes | wc -l)" "3" "no load balancer, no name server: just the three processes"
succeeds "rm -r removes them all" rm -r "$DUPLO/demo"
is "$(ls "$DUPLO")" "README" "nothing is left"
platform_stop
tap_done
