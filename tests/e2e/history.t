#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# history: each accepted spec with who wrote it and when; copying one back is a change like any other.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
chmod 711 "$TEST_DIR" # for other users
mkdir -p "$DUPLO/demo/services/web"
SERVICE=$DUPLO/demo/services/web
as() {
	setpriv --reuid="$1" --regid="$2" --clear-groups "${@:3}"
}
# The time of a file in ns, its owner, its mode.
when() {
	date -d "$(stat -c %y "$1")" +%s%N
}

first='{"DockerImage":"example/web:1","Replicas":1}'
before=$(date +%s%N)
echo "$first" >"$SERVICE/spec.json"
after=$(date +%s%N)
chown 1234:1235 "$DUPLO/demo"
chmod 770 "$DUPLO/demo"
as 1234 1236 sh -c "echo 2 >'$SERVICE/replicas'"
as 1234 1235 sh -c "echo 3 >'$SERVICE/replicas'"
echo "3" >"$SERVICE/replicas"
is "$(ls "$SERVICE/history" | tr '\n' ' ')" "1 2 3 " "a generation for each accepted change"
is "$(stat -c '%u %g' "$SERVICE"/history/* | xargs)" "0 0 1234 1236 1234 1235" "each belongs to who wrote it"
is "$(stat -c '%a' "$SERVICE"/history/* | xargs)" "444 444 440" "writes by nobody; the tenant reads what others wrote, too"
[ "$before" -le "$(when "$SERVICE/history/1")" ] && [ "$(when "$SERVICE/history/1")" -le "$after" ]
ok $? "its time is when it was written"
is "$(cat "$SERVICE/history/1")" "$first" "its content is what was written"
is "$(jq -r .Replicas "$SERVICE/history/3")" "3" "also of what a view wrote"
succeeds "the owner reads what root wrote" as 1234 1235 cat "$SERVICE/history/1"
succeeds "so does the group" as 4444 1235 cat "$SERVICE/history/2"
fails_with "Permission denied" "others do not, though a mode bit says so" as 5555 5555 cat "$SERVICE/history/1"
chmod 700 "$DUPLO/demo"
fails_with "Permission denied" "nor who wrote it, once shut out" as 4444 1236 cat "$SERVICE/history/2"
succeeds "chmod and chown of it" chown 0:0 "$SERVICE/history/2"
is "$(stat -c '%u %g' "$SERVICE/history/2")" "1234 1236" "do not rewrite history"

# Back.
succeeds "the owner goes back" as 1234 1235 cp "$SERVICE/history/1" "$SERVICE/spec.json"
is "$(cat "$SERVICE/spec.json")" "$first" "to what was"
is "$(stat -c '%u' "$SERVICE/history/4")" "1234" "as a generation of its own"
succeeds "to the one in force" cp "$SERVICE/history/4" "$SERVICE/spec.json"
is "$(ls "$SERVICE/history" | wc -l)" "4" "is no change"
platform_kill
platform_start -c simulated || bail "no platform"
is "$(stat -c '%u %g' "$SERVICE"/history/* | xargs)" "0 0 1234 1236 1234 1235 1234 1235" "all of it survives a crash"
is "$(cat "$SERVICE/history/1")" "$first" "byte for byte"
succeeds "tar copies it" tar -cf "$TEST_DIR/tar" -C "$DUPLO" demo/services/web/history
succeeds "rm -r" rm -r "$DUPLO/demo"
platform_stop
tap_done
