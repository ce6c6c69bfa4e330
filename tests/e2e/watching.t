#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# inotify tells of what the platform changes, as it does of what is written through the mount.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
service demo web '{"DockerImage":"example/web:1","Replicas":2}'
settles 60
SEEN=$TEST_DIR/seen
watchers=()

# watch NAME PATH...: a line "path events" each event, in $SEEN.NAME.
watch() {
	local name=$1
	shift
	inotifywait -m --format '%w%f %e' "$@" >"$SEEN.$name" 2>"$SEEN.$name.log" </dev/null &
	watchers+=($!)
	eventually 20 grep -q established "$SEEN.$name.log"
}

test_clean() {
	[ ${#watchers[@]} -eq 0 ] || kill "${watchers[@]}" 2>/dev/null
}

saw() {
	grep -qxF "$2" "$SEEN.$1"
}

saw_after() {
	tail -n +$(($3 + 1)) "$SEEN.$1" | grep -qxF "$2"
}

lines() {
	wc -l <"$SEEN.$1"
}

# The process that tells watchers.
crier() {
	grep -lx duplofs-crier /proc/[0-9]*/comm 2>/dev/null | cut -d / -f 3 | while read -r pid; do
		grep -qs "^PPid:[[:space:]]$(worker_pid)\$" "/proc/$pid/status" && echo "$pid"
	done
}

is "$(crier)" "" "while nobody watches there is no process for it"
watch directory "$SERVICE"
watch file "$SERVICE/status"
watch instances "$SERVICE/instances"
watch instance "$SERVICE/instances/0"
watch tenant "$DUPLO/demo"
watch config "$DUPLO/demo/config"
echo 3 >"$SERVICE/replicas"
becomes 20 "who watches a file is told" saw file "$SERVICE/status MODIFY"
becomes 20 "who watches its directory is told, with the name" saw directory "$SERVICE/status MODIFY"
becomes 20 "the status of the tenant has changed with it" saw tenant "$DUPLO/demo/status MODIFY"
becomes 20 "a directory in which the platform makes something changes" saw instances \
	"$SERVICE/instances/ ATTRIB,ISDIR"
becomes 20 "events too" saw directory "$SERVICE/events MODIFY"
settles 60
is "$(lines config)" "0" "who watches what has not changed is told of nothing"
is "$(ls "$SERVICE/history" | wc -l)" "2" "nothing is written for that: two specs were accepted"
is "$(cat "$SERVICE/last_error")" "" "and no error stands anywhere"
isnt "$(crier)" "" "one process does it"

# Doing what it does changes nothing.
before=$(stat -c '%s %Y %Z %y' "$SERVICE/status" "$SERVICE/spec.json" "$SERVICE/instances")
content=$(cat "$SERVICE/status")
truncate -s 0 "$SERVICE/status" "$SERVICE/spec.json" && touch "$SERVICE/instances"
ok $? "cutting a file and setting times is no error"
is "$(stat -c '%s %Y %Z %y' "$SERVICE/status" "$SERVICE/spec.json" "$SERVICE/instances")" "$before" \
	"size and times stay"
is "$(cat "$SERVICE/status")" "$content" "and the content"

# The processes that do it may die.
seen=$(lines file)
kill -KILL "$(crier)"
echo 2 >"$SERVICE/replicas"
becomes 20 "told by another process, when that one was killed" saw_after file "$SERVICE/status MODIFY" "$seen"
seen=$(lines file)
killed=$(worker_pid)
kill -KILL "$killed"
eventually 20 gone "$killed"
echo 3 >"$SERVICE/replicas"
becomes 20 "and by another worker" saw_after file "$SERVICE/status MODIFY" "$seen"
settles 60

# Many changes: the last one is told, whatever comes together before.
for ((i = 0; i < 300; i++)); do
	echo $((i % 3 + 1)) >"$SERVICE/replicas"
done
settles 60
seen=$(lines file)
echo 5 >"$SERVICE/replicas"
becomes 20 "the last of many changes is told" saw_after file "$SERVICE/status MODIFY" "$seen"
settles 60
is "$(status_field Healthy)" "5" "and was made"

# ticks PID...: processor time that they have used, in hundredths of a second.
ticks() {
	local pid total=0 fields
	for pid; do
		read -ra fields <<<"$(sed 's/.*) //' "/proc/$pid/stat")"
		total=$((total + fields[11] + fields[12]))
	done
	echo $total
}
quiet() {
	local before
	before=$(ticks "$@")
	sleep 2
	[ $(($(ticks "$@") - before)) -le 1 ]
}
# shellcheck disable=SC2046
becomes 60 "while nothing changes, watching costs no time of a processor" quiet $(worker_pid) $(crier)

rm -r "$DUPLO/demo"
becomes 20 "the kernel tells of what is removed" saw tenant "$DUPLO/demo/ DELETE_SELF"
watch root "$DUPLO"
mkdir "$DUPLO/other"
becomes 20 "and of what is made" saw root "$DUPLO/other CREATE,ISDIR"
platform_stop
tap_done
