#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Any two of the three processes may be killed at any time, and at once: who is left starts the others again, and no
# caller notices.
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
def unchanged(path):
    # What did not change while it was read is whole; the simulated cloud starts from nothing with each worker.
    while True:
        with open(path, "rb") as f:
            before, text, after = os.fstat(f.fileno()), f.read(), os.fstat(f.fileno())
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            return text
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
    json.loads(unchanged(f"{service}/status.json"))
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

# kills TIMES ROLE...: these at once; each time waits until there are new ones.
kills() {
	local times=$1 round failed=0
	shift
	for ((round = 0; round < times; round++)); do
		kill_roles "$@" || failed=$((failed + 1))
	done
	is $failed 0 "$*: killed $times times, $times times there again"
}
kills 20 worker
kills 5 supervisor
kills 5 holder
kills 10 supervisor worker
kills 5 holder worker
kills 5 holder supervisor
kills 5 worker
# Who was started anew is as well guarded, and what it starts is not. Without CAP_SYS_RESOURCE nobody can be.
scores() {
	local pid
	for pid; do
		cat "/proc/$pid/oom_score_adj"
	done | tr '\n' ' '
}
guarded=$(bash -c 'echo -1000 >/proc/self/oom_score_adj; cat /proc/self/oom_score_adj' 2>/dev/null)
is "$(scores "$(holder_pid)" "$(supervisor_pid)" "$(worker_pid)")" "$guarded $(scores self self)" \
	"memory that runs out does not end the holder"
touch "$TEST_DIR/stop"
for number in 1 2 3; do
	eventually 30 grep -q "^calls" "$TEST_DIR/caller.$number"
	like "$(cat "$TEST_DIR/caller.$number")" "^calls [1-9][0-9]*$" "caller $number: no failed call, no wrong byte"
	note "$(cat "$TEST_DIR/caller.$number")"
done
like "$(cat "$DUPLO/.platform/status")" "simulated" "the platform answers"
is "$(ls "$DUPLO/demo/services")" "web" "what the callers made they have removed"
is "$(platform_processes | wc -l)" "3" "one holder, one supervisor, one worker"
holder=$(holder_pid) && kill -KILL "$holder" && eventually 10 replaced holder "$holder"
ok $? "the holder alone"
succeeds "rmdir" rmdir "$DUPLO/demo/services/web" "$DUPLO/demo"
platform_stop
tap_done
