#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How soon a running container reads a change. The bound is for a busy machine; tests/bench/live.sh has the figures.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/shell.sh
. "$lib/shell.sh"
P99_MS=1000

succeeds "an image with a shell" shell_image
platform_start || bail "no platform"
mkdir "$DUPLO/demo" "$DUPLO/other"
echo 0 >"$DUPLO/demo/config/WORD"
service other api "$(shell_spec)"
API=$SERVICE
service demo web "$(shell_spec '"Neighbors":["other/api"]')"
for directory in "$API" "$SERVICE"; do
	settles 60 "$directory"
	ok $? "${directory##*/} settles"
done
container=$(container_of 0)
duplo=$(root_of "$container")/duplo

live() {
	local what=$1 answer
	shift
	answer=$(/usr/bin/python3 -I -S "$lib/live.py" "$@") || diag "$answer"
	note "$what: rounds, median, p99, longest (ms): $answer"
	awk -v bound=$P99_MS 'NF != 4 || $3 >= bound { exit 1 }' <<<"${answer:-none}"
	ok $? "$what is read by the container at its next open"
}

live "a config value" value "$DUPLO/demo/config/WORD" "$duplo/config/WORD" 200
live "a secret" value "$DUPLO/demo/secrets/TOKEN" "$duplo/secrets/TOKEN" 200
live "a value of the service" value "$SERVICE/config/OWN" "$duplo/config/OWN" 200
live "a hundred values at once" staged "$SERVICE/config" "$duplo/config" 100 30
live "a thousand values at once" staged "$SERVICE/config" "$duplo/config" 1000 1
live "one value beside a thousand" value "$DUPLO/demo/config/WORD" "$duplo/config/WORD" 100
is "$(ls "$duplo/config" | wc -l) $(cat "$duplo/config/KEY0" "$duplo/config/KEY999" | wc -w)" "1001 1" "which are all there still"
live "a granted neighbor" grant "$API/grants" demo "$duplo/neighbors/api.other" 40
is "$(container_of 0)" "$container" "without a restart"

rm "$DUPLO"/demo/{config,secrets}/*
succeeds "rmdir" rmdir "$API" "$SERVICE" "$DUPLO/demo" "$DUPLO/other"
nothing_leaked
platform_stop
tap_done
