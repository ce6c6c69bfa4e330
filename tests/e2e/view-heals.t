#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Containers keep what they see while the platform is away, and see what is new when it is back.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/shell.sh
. "$lib/shell.sh"

succeeds "an image with a shell" shell_image
platform_start || bail "no platform"
mkdir "$DUPLO/demo"
echo first >"$DUPLO/demo/config/WORD"
printf first >"$DUPLO/demo/secrets/SECRET"
service demo db "$(shell_spec)"
DB=$SERVICE
service demo web "$(shell_spec '"Replicas":4,"UpdateDomains":2,"ExternalLBPort":80')"
for directory in "$DB" "$SERVICE"; do
	settles 60 "$directory"
	ok $? "${directory##*/} settles"
done

web_containers() {
	local ordinal
	for ordinal in 0 1 2 3; do
		container_of "$ordinal"
	done
}
before=$(web_containers)
root=$(root_of "$(container_of 0)")

sees() {
	[ "$(cat "$root/duplo/$1")" = "$2" ]
}
becomes 10 "a container sees the first word" sees config/WORD first

# ---- umount, and a start ----

gone_peer=$(SERVICE=$DB container_of 0)
lines=$(cat "$root/duplo/neighbors/db")
platform_stop
is "$(cat "$root/duplo/config/WORD" "$root/duplo/secrets/SECRET")" "$(printf 'first\nfirst')" "while it is stopped: the last values"
engine "/containers/$gone_peer?force=1" -X DELETE
is "$(cat "$root/duplo/neighbors/db")" "$lines" "and the last neighbors, though one has gone"
platform_start || bail "no platform"
SERVICE=$DUPLO/demo/services/web DB=$DUPLO/demo/services/db
echo second >"$DUPLO/demo/config/WORD"
becomes 10 "after its start: what is new" sees config/WORD second
new_peer() {
	local line
	line=$(cat "$root/duplo/neighbors/db")
	[ -n "$line" ] && [ "${line%:*}" = "$(engine "/containers/$(SERVICE=$DB container_of 0)/json" | jq -r '.NetworkSettings.Networks[].IPAddress')" ]
}
becomes 30 "and the neighbor that came in the other's place" new_peer
is "$(web_containers)" "$before" "no container was touched"

# ---- both processes killed, while values change ----

for round in 1 2 3; do
	echo "before $round" >"$DUPLO/demo/config/WORD"
	platform_kill
	platform_start || bail "no platform"
	becomes 10 "kill $round: what was accepted before it" sees config/WORD "before $round"
	echo "after $round" >"$DUPLO/demo/config/WORD"
	becomes 10 "kill $round: what came after it" sees config/WORD "after $round"
done
is "$(web_containers)" "$before" "no container was touched"

# ---- the memory behind the views is lost ----

lose_memory() {
	umount -l "$(runtime_directory)"
}
platform_kill
succeeds "the memory is unmounted" lose_memory
sees config/WORD "after 3"
ok $? "who looks at it keeps the last values"
platform_start || bail "no platform"
echo third >"$DUPLO/demo/config/WORD"
fewest=4
all_new() {
	local healthy
	healthy=$(status_field Healthy)
	[ "$healthy" -ge "$fewest" ] || fewest=$healthy
	[ "$(web_containers | grep -cvxF "$before")" -eq 4 ] && [ "$(status_field Phase)" = running ] && [ "$healthy" = 4 ]
}
# becomes runs its condition in this shell: it counts.
eventually 90 all_new
ok $? "containers that looked at it are replaced"
[ "$fewest" -ge 2 ]
ok $? "by update domains: at least half of them were healthy all the while ($fewest)"
like "$(cat "$SERVICE/events")" "/duplo was lost: restarting by domains" "an event says why"
root=$(root_of "$(container_of 0)")
becomes 10 "the new ones see what is new" sees config/WORD third
answering() {
	grep -q "^dns *dnsmasq, process" "$DUPLO/.platform/status" && test_processes 6
}
becomes 20 "load balancer and name server are one each" answering
is "$(grep -c 'was lost' "$SERVICE/events")" "1" "once"

# ---- as after a loss of power: no process, no container, no memory ----

before=$(web_containers)
platform_kill
for container in $(labelled running); do
	engine "/containers/$container/kill" -X POST
done
for process in $(platform_processes); do
	kill -KILL "$process"
done
succeeds "the memory is gone" lose_memory
platform_start || bail "no platform"
all_run() {
	[ "$(status_field Healthy)" = 4 ] && test_running 5
}
becomes 90 "all containers run again" all_run
root=$(root_of "$(container_of 0)")
becomes 10 "and see what they saw" sees config/WORD third
sees secrets/SECRET first
ok $? "secrets too"
echo fourth >"$DUPLO/demo/config/WORD"
becomes 10 "and what is new" sees config/WORD fourth

rm "$DUPLO"/demo/{secrets,config}/*
succeeds "rmdir" rmdir "$SERVICE" "$DB" "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
