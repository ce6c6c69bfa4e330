#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The worker, and all but one of the platform's processes, are killed again and again while programs and containers read,
# write, wait and poll: no call fails, nothing that was written is lost, what waited is answered. KILLS=200 for a longer
# one (make kills).
. "${0%/*}/lib/platform.sh"
. "${0%/*}/lib/shell.sh"

kills=${KILLS:-30}
platform_start || bail "no platform"
shell_image || bail "no image with a shell"
mkdir "$DUPLO/demo"
echo "turn 0" >"$DUPLO/demo/config/SHOWN"
echo "hidden" >"$DUPLO/demo/secrets/SHOWN"
# In the container: each file is read to its end, whole, for ever.
cat >"$TEST_DIR/reader.sh" <<'EOF'
n=0; bad=0
while :; do
	what=$(cat /duplo/config/SHOWN 2>&1)
	case $what in "turn "[0-9]*) ;; *) bad=$((bad + 1)) && echo "config: $what" ;; esac
	what=$(cat /duplo/secrets/SHOWN 2>&1)
	[ "$what" = hidden ] || { bad=$((bad + 1)) && echo "secret: $what"; }
	what=$(grep Tenant /duplo/self.json 2>&1) || { bad=$((bad + 1)) && echo "self: $what"; }
	# Some come and go meanwhile.
	case $(echo /duplo/neighbors/*) in *web*) ;; *) bad=$((bad + 1)) && echo "neighbors: no list" ;; esac
	n=$((n + 1))
	[ $((n % 50)) != 0 ] || echo "reads $n bad $bad"
done
EOF
command=$(jq -cn --rawfile script "$TEST_DIR/reader.sh" '["/bin/sh", "-c", ("httpd -p 80 -h /www; " + $script)]')
service demo web "$(shell_spec '"Replicas":2,"Command":'"$command")"
succeeds "a service settles" settles 60
first=$(container_of 0)

cat >"$TEST_DIR/caller.py" <<'EOF'
import errno, json, os, select, sys, time
base, role, stop = sys.argv[1], sys.argv[2], sys.argv[3]
service, calls, failed = f"{base}/demo/services/web", 0, []
def call(what, fn, *args):
    global calls
    calls += 1
    try:
        return fn(*args)
    except OSError as error:
        failed.append(f"{what}: {error}")
def read(path):
    fd = call(f"open {path}", os.open, path, os.O_RDONLY)
    text = b""
    while piece := call(f"read {path}", os.read, fd, 65536):
        text += piece
    call("close", os.close, fd)
    return text
def write(path, text):
    fd = call(f"open {path}", os.open, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    call(f"write {path}", os.write, fd, text)
    call(f"close {path}", os.close, fd)
def reader():
    # What did not change while it was read is whole.
    while True:
        fd = call("open", os.open, f"{service}/status.json", os.O_RDONLY)
        before = call("fstat", os.fstat, fd)
        text = call("read", os.read, fd, 65536)
        after = call("fstat", os.fstat, fd)
        call("close", os.close, fd)
        if before.st_mtime_ns == after.st_mtime_ns and before.st_size == after.st_size:
            break
    json.loads(text)
    for name in call("list", os.listdir, f"{service}/instances"):
        call("stat", os.stat, f"{service}/instances/{name}/status.json")
    assert read(f"{base}/README").startswith(b"Write what you want")
    read(f"{service}/events"), read(f"{base}/.platform/status")
turn = 0
def writer():
    global turn
    turn += 1
    wanted = b"turn %d\n" % turn
    for path in (f"{base}/demo/config/SHOWN", f"{base}/demo/secrets/TURN", f"{service}/config/TURN"):
        write(path, wanted)
        got = read(path)
        if got != wanted:
            failed.append(f"{path}: {wanted} written, {got} read")
    call("mkdir", os.mkdir, f"{base}/demo/services/x{turn}")
    call("rmdir", os.rmdir, f"{base}/demo/services/x{turn}")
    call("unlink", os.unlink, f"{base}/demo/secrets/TURN")
def waiter():
    write(f"{base}/demo/services/other/replicas", b"%d\n" % (calls % 3))
    read(f"{base}/demo/services/other/wait")
def poller():
    poll = select.poll()
    fd = call("open", os.open, f"{service}/events", os.O_RDONLY)
    poll.register(fd, select.POLLIN | select.POLLPRI)
    call("poll", poll.poll, 20)
    call("pread", os.pread, fd, 4096, 0)
    call("close", os.close, fd)
act = {"reader": reader, "writer": writer, "waiter": waiter, "poller": poller}[role]
longest = 0
while not os.path.exists(stop):
    began = time.monotonic()
    act()
    longest = max(longest, time.monotonic() - began)
for line in failed[:5]:
    print(line)
print(f"failed {len(failed)} calls {calls} longest turn {longest:.2f} s")
EOF
service demo other "$(hello_spec 1 '"Replicas":1')"
settles 60
callers=()
roles=(reader reader writer waiter poller)
for number in "${!roles[@]}"; do
	python3 "$TEST_DIR/caller.py" "$DUPLO" "${roles[number]}" "$TEST_DIR/stop" >"$TEST_DIR/caller.$number" 2>&1 &
	callers+=($!)
done
test_clean() {
	kill -KILL "${callers[@]}" 2>/dev/null
}
exec 7<"$DUPLO/README"
# Every other time more than the worker.
victims=("supervisor worker" supervisor "holder worker" "supervisor worker" holder "holder supervisor")
missing=0
for ((round = 0; round < kills; round++)); do
	victim=worker
	[ $((round % 2)) = 0 ] || victim=${victims[round / 2 % ${#victims[@]}]}
	# shellcheck disable=SC2086 # several words
	kill_roles $victim || missing=$((missing + 1))
	# Sooner or later after it has begun to serve.
	[ $((round % 3)) = 0 ] || timeout 5 ls "$DUPLO/demo" >/dev/null
	[ $((round % 3)) != 2 ] || sleep 0.$((round % 10))
done
is $missing 0 "killed $kills times, $kills times there again"
touch "$TEST_DIR/stop"
for number in "${!roles[@]}"; do
	eventually 90 grep -q "^failed" "$TEST_DIR/caller.$number"
	like "$(cat "$TEST_DIR/caller.$number")" "^failed 0 calls [1-9][0-9]* [^
]*$" "${roles[number]}: no failed call, nothing lost"
	note "$(tail -n 1 "$TEST_DIR/caller.$number")"
done
is "$(head -n 1 <&7 | cut -c 1-5)" "Write" "what was open before the first kill is read after the last"
exec 7<&-
succeeds "the mount answers" test -s "$DUPLO/.platform/status"
reads() {
	tail -n 1 "$DUPLO/demo/services/web/logs/0" | grep -q "^reads [0-9]* bad"
}
becomes 30 "the container tells how often it has read" reads
like "$(tail -n 1 "$DUPLO/demo/services/web/logs/0")" "^reads [1-9][0-9]+ bad 0$" "no read in the container failed or was half"
note "$(tail -n 1 "$DUPLO/demo/services/web/logs/0")" "$(grep -a -v ^reads "$DUPLO/demo/services/web/logs/0" | head -n 5)"
SERVICE=$DUPLO/demo/services/web
is "$(container_of 0)" "$first" "it is the same container"
turn=$(cat "$DUPLO/demo/config/SHOWN")
pid=$(engine "/containers/$first/json" | jq -r .State.Pid)
shown() {
	[ "$(cat "/proc/$pid/root/duplo/config/SHOWN")" = "$turn" ]
}
becomes 10 "and sees the last value" shown
# The ledger, over all of that: nothing twice, and the machine, which never stopped, without a gap.
ledger=$(python3 - "${platform_state[main]}/duplofs.db" <<'PY'
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
pieces = {}
for subject, kind, start, end in database.execute(
        "SELECT subject, kind, start_ns, end_ns FROM usage JOIN usage_subject ON id = subject"
        " UNION ALL SELECT subject, kind, start_ns, 1 << 62 FROM usage_open JOIN usage_subject ON id = subject ORDER BY 3"):
    pieces.setdefault((subject, kind), []).append((start, end))
overlaps = sum(a[1] > b[0] for rows in pieces.values() for a, b in zip(rows, rows[1:]))
gaps = sum(a[1] < b[0] for (_, kind), rows in pieces.items() if kind == 1 for a, b in zip(rows, rows[1:]))
running = sum(rows[-1][1] == 1 << 62 for (_, kind), rows in pieces.items() if kind == 1)
print(overlaps, gaps, running, len(pieces) > 2)
PY
)
is "$ledger" "0 0 1 True" "the usage ledger has no overlap, no gap, and goes on"
succeeds "rmdir" rmdir "$DUPLO/demo/services/"{web,other}
rm "$DUPLO/demo/config/SHOWN" "$DUPLO/demo/secrets/SHOWN"
succeeds "rmdir" rmdir "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
