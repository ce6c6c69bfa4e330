#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Either process may be killed at any time: the other starts it again and no caller notices.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
service demo web "$(hello_spec 1 '"Replicas":"2"')"
settles 30

# Reads, writes, makes and removes until the file `stop` appears; every failed call is told.
cat >"$TEST_DIR/caller.py" <<'END'
import os, sys, json
base, number, stop = sys.argv[1], sys.argv[2], sys.argv[3]
service = f"{base}/demo/services/s{number}"
calls = 0
held = os.open(f"{base}/README", os.O_RDONLY)
os.mkdir(service)
with open(f"{service}/spec.json", "w") as f:
    f.write('{"DockerImage":"example/web:1","Replicas":1}')
while not os.path.exists(stop):
    wanted = str(calls % 7 + 1)
    fd = os.open(f"{service}/replicas", os.O_WRONLY | os.O_TRUNC)
    os.write(fd, wanted.encode() + b"\n")
    os.close(fd)
    with open(f"{service}/replicas") as f:
        got = f.read().strip()
    if got != wanted:
        print(f"wrote {wanted}, read {got}")
    json.load(open(f"{service}/status.json"))
    os.mkdir(f"{service}x")
    os.listdir(f"{base}/demo/services")
    os.rmdir(f"{service}x")
    if not os.pread(held, 64, 0):
        print("an open file lost its content")
    calls += 1
os.rmdir(service)
print(f"calls {calls}")
END
callers=()
for number in 1 2 3; do
	python3 "$TEST_DIR/caller.py" "$DUPLO" $number "$TEST_DIR/stop" >"$TEST_DIR/caller.$number" 2>&1 &
	callers+=($!)
done
test_clean() {
	kill -KILL "${callers[@]}" 2>/dev/null
}
other_pid() {
	local now
	now=$(cat "${platform_state[main]}/$1.pid" 2>/dev/null) && [ -n "$now" ] && [ "$now" != "$2" ] && ! gone "$now"
}

# kills ROLE TIMES: each time waits until there is a new one.
kills() {
	local role=$1 times=$2 round old failed=0
	for ((round = 0; round < times; round++)); do
		old=$(cat "${platform_state[main]}/$role.pid")
		kill -KILL "$old"
		eventually 10 other_pid "$role" "$old" || failed=$((failed + 1))
	done
	is $failed 0 "$role: killed $times times, $times times there again"
}
kills worker 20
kills supervisor 5
kills worker 5
touch "$TEST_DIR/stop"
for number in 1 2 3; do
	eventually 30 grep -q "^calls" "$TEST_DIR/caller.$number"
	like "$(cat "$TEST_DIR/caller.$number")" "^calls [1-9][0-9]*$" "caller $number: no failed call, no wrong byte"
	note "$(cat "$TEST_DIR/caller.$number")"
done
like "$(cat "$DUPLO/.platform/status")" "simulated" "the platform answers"
is "$(ls "$DUPLO/demo/services")" "web" "what the callers made they have removed"
is "$(platform_processes | wc -l)" "2" "one supervisor and one worker"
succeeds "rmdir" rmdir "$DUPLO/demo/services/web" "$DUPLO/demo"
platform_stop
tap_done
