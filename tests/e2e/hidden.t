#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where a secret is not: on disk, in what Docker knows, in logs, in what others see, in dumps, and in the memory of our
# processes once nobody uses it.
. "${0%/*}/lib/platform.sh"

ulimit -c unlimited
platform_start || bail "no platform"
planted=$TEST_DIR/planted # the test's own; everything else of the test's directory is searched
head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$planted"
PLANTED=$(cat "$planted")
mkdir "$DUPLO/demo" "$DUPLO/other"
cat "$planted" >"$DUPLO/demo/secrets/PASSWORD"
{ cat "$planted"; head -c 60000 /dev/zero | tr '\0' x; cat "$planted"; } |
	dd bs=1000 of="$DUPLO/demo/secrets/LONG" status=none
service other web "$(hello_spec 1 '"Replicas":"1"')"
service demo web "$(hello_spec 1 '"Replicas":"1","ExternalLBPort":"80","Secrets":["PASSWORD","LONG"]')"
succeeds "a service settles" settles 60
container=$(container_of 0)
pid=$(engine "/containers/$container/json" | jq -r .State.Pid)
is "$(cat "/proc/$pid/root/duplo/secrets/PASSWORD")" "$PLANTED" "the container reads it"
like "$(cat "$DUPLO/.platform/audit")" "operation=give path=demo/secrets/PASSWORD generation=1 service=web outcome=accepted" \
	"the audit tells which service was given it"
unlike "$(grep operation=give "$DUPLO/.platform/audit")" "path=other" "and the other one was given nothing"
# Everything that people do with a value.
is "$(cat "$DUPLO/demo/secrets/PASSWORD" "$SERVICE/runtime/secrets/PASSWORD")" "$PLANTED$PLANTED" "so do people"
is "$(dd if="$DUPLO/demo/secrets/LONG" bs=777 status=none | wc -c)" "$((60000 + 2 * ${#PLANTED}))" "in pieces, too"
python3 - "$DUPLO/demo/secrets/PASSWORD" <<'EOF'
import sys
with open(sys.argv[1], "r+b") as file:
    value = file.read()
    file.seek(0)
    file.write(value[::-1])
    file.seek(0)
    file.write(value)
EOF
cp "$DUPLO/demo/secrets/PASSWORD" "$DUPLO/demo/secrets/COPY"
mv "$DUPLO/demo/secrets/COPY" "$DUPLO/demo/secrets/MOVED" 2>/dev/null
echo all >"$DUPLO/.platform/keys/rotate"
rotated() {
	grep -q "^rotation *finished" "$DUPLO/.platform/keys/rotate"
}
becomes 20 "the keys are replaced meanwhile" rotated

found() {
	grep -rlaF "$PLANTED" "$@" 2>/dev/null
}
# What a running platform holds, outside of the two places that are for it.
is "$(found "${platform_state[main]}")" "" "the state directory does not hold it"
is "$(found "$TEST_DIR/main.log" /var/log)" "" "no log does"
is "$(found "$(engine /info | jq -r .DockerRootDir)")" "" "Docker's data directory does not"
is "$(engine "/containers/$container/json" | grep -cF "$PLANTED")" "0" "docker inspect does not show it"
is "$(tr '\0' '\n' <"/proc/$pid/environ" | grep -cF "$PLANTED")" "0" "it is in no environment"
is "$(cat /proc/[0-9]*/cmdline 2>/dev/null | grep -caF -f "$planted")" "0" "and on no command line"
is "$(found "$DUPLO/.platform" "$DUPLO/other" "$SERVICE/"{events,status,status.json,logs,instances,history,spec.json} \
	"$DUPLO/demo/"{events,status,status.json,last_error})" "" "no status, event, log, history or other tenant shows it"
other=$(engine "/containers/$(container_of 0 "$DUPLO/other/services/web")/json" | jq -r .State.Pid)
is "$(find "/proc/$other/root/duplo/secrets" -type f)" "" "another tenant's container has no secrets"

# The scan finds what is there.
python3 -c 'import sys, time; value = open(sys.argv[1], "rb").read(); print(flush=True); time.sleep(60)' "$planted" >"$TEST_DIR/up" &
holder=$!
test_clean() {
	kill "$holder" 2>/dev/null
}
eventually 10 test -s "$TEST_DIR/up"
like "$(python3 "$lib/scan.py" "$planted" $holder)" "process $holder" "a scan of memory finds a value that is in use"
kill $holder

# Replaced in one file and removed in all others, it is in nobody's memory.
echo harmless >"$DUPLO/demo/secrets/PASSWORD"
rm "$DUPLO/demo/secrets/LONG" "$DUPLO/demo/secrets/"{COPY,MOVED} 2>/dev/null
view_forgot() {
	! grep -rqaF "$PLANTED" "/proc/$pid/root/duplo/"
}
becomes 10 "the container does not see it any more" view_forgot
scan() {
	python3 "$lib/scan.py" "$planted" "$(worker_pid)" "$(supervisor_pid)" "$(holder_pid)"
}
is "$(scan)" "" "it is nowhere in the memory of worker, supervisor and holder"
is "$(found "$(runtime_directory)")" "" "nor in the directory in memory"
fails_with "." "nobody dumps the worker's memory but root" \
	setpriv --reuid 65533 --regid 65533 --clear-groups cat "/proc/$(worker_pid)/mem"

# No core dump, not even with a limit that allows it.
worker=$(worker_pid)
kill -ABRT "$worker"
worker_is_new() {
	[ "$(worker_pid)" != "$worker" ] && platform_answers main
}
becomes 20 "an aborted worker is replaced" worker_is_new
like "$(cat "$TEST_DIR/main.log")" "process $worker\\) was ended by signal 6" "the log tells how it ended"
unlike "$(cat "$TEST_DIR/main.log")" "core dumped" "and that no core was dumped"
is "$(cat "$DUPLO/demo/secrets/PASSWORD")" "harmless" "the value is there"

rm "$DUPLO/demo/secrets/PASSWORD"
succeeds "rmdir" rmdir "$DUPLO/demo/services/web" "$DUPLO/other/services/web" "$DUPLO/demo" "$DUPLO/other"
nothing_leaked
platform_stop
tap_done
