#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Reading `wait`, poll(2) and `tail -f`: who waits is told in time, and holds up nobody.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
NEVER='{"DockerImage":"simulated/unhealthy:1","HealthCheck":{"StartPeriodSeconds":600,"UnhealthyThreshold":100}}'
GOOD='{"DockerImage":"example/web:1"}'

# What has settled, and what cannot.
service demo web "$GOOD"
is "$(timeout 60 cat "$SERVICE/wait"; echo $?)" "0" "cat wait ends well, and shows nothing"
service demo bad '{"DockerImage":"simulated/exits:1"}'
output=$(timeout 120 cat "$SERVICE/wait" 2>&1)
is $? 1 "what failed ends it with a status"
like "$output" "Input/output error" "and an error"
like "$(cat "$SERVICE/last_error")" "." "last_error has the reason"
timeout 120 sh -c "cat '$SERVICE/wait' && echo deployed" >"$TEST_DIR/output" 2>/dev/null
is "$(cat "$TEST_DIR/output")" "" "a script can depend on it"

# What has not settled yet.
service demo slow "$NEVER"
timeout 1 cat "$SERVICE/wait"
is $? 124 "timeout ends it"
is "$(python3 - "$SERVICE/wait" <<'PY'
import os, signal, subprocess, sys, time
wait = sys.argv[1]
signal.signal(signal.SIGINT, signal.SIG_DFL) # a test in the background is born deaf to it
for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
    reader = subprocess.Popen(["cat", wait], stdout=subprocess.DEVNULL)
    while open(f"/proc/{reader.pid}/syscall").read().split()[0] != "0" or \
            open(f"/proc/{reader.pid}/stat").read().split()[2] != "S":
        time.sleep(0.01)
    reader.send_signal(wanted)
    print(reader.wait(10) == -wanted, end=" ")
fd = os.open(wait, os.O_RDONLY | os.O_NONBLOCK)
try:
    print(os.read(fd, 10))
except BlockingIOError:
    print("EAGAIN")
PY
)" "True True True EAGAIN" "signals end it at once; who may not block is told so"

# It is the generation at the time of open that counts.
is "$(python3 - "$DUPLO/demo/services" "$NEVER" "$GOOD" <<'PY'
import os, select, sys, threading
services, never, good = sys.argv[1:]

def write(text):
    with open(f"{services}/web/spec.json", "w") as f:
        f.write(text)

early = os.open(f"{services}/web/wait", os.O_RDONLY)
write(never)
print(os.read(early, 10), end=" ")
late = os.open(f"{services}/web/wait", os.O_RDONLY)
poll = select.poll()
poll.register(late, select.POLLIN)
print(poll.poll(300), end=" ")
answers = []
reader = threading.Thread(target=lambda: answers.append(os.read(late, 10)))
reader.start()
write(good)
reader.join(60)
print(answers, [event for _, event in poll.poll(60000)] == [select.POLLIN], end=" ")
bad = os.open(f"{services}/bad/wait", os.O_RDONLY)
poll = select.poll()
poll.register(bad, select.POLLIN)
print([event for _, event in poll.poll(60000)] == [select.POLLIN | select.POLLERR])
PY
)" "b'' [] [b''] True True" "who opened before a change does not wait for it; poll tells the same"

# A thousand who wait.
cat >"$TEST_DIR/thousand.py" <<'PY'
import os, sys, threading, time
slow, good = sys.argv[1:]
threading.stack_size(256 * 1024)

def percentiles():
    times = []
    for i in range(600):
        begin = time.perf_counter()
        with open(f"{slow}/{('replicas', 'status', 'spec.json')[i % 3]}") as f:
            f.read()
        os.stat(f"{slow}/../web/events")
        times.append((time.perf_counter() - begin) * 1e6)
    times.sort()
    return times[len(times) // 2], times[len(times) * 99 // 100]

percentiles()
alone = percentiles()
answers, blocked = [], threading.Semaphore(0)

def wait():
    fd = os.open(f"{slow}/wait", os.O_RDONLY)
    blocked.release()
    answers.append(os.read(fd, 10))
    os.close(fd)

threads = [threading.Thread(target=wait) for _ in range(1000)]
for thread in threads:
    thread.start()
for _ in threads:
    blocked.acquire()
beside = percentiles()
print("# a reader's open, read, close, stat: median %d us, 99 %% within %d us" % alone)
print("# beside 1000 waiting readers:        median %d us, 99 %% within %d us" % beside)
begin = time.monotonic()
waiting = len(answers)
with open(f"{slow}/spec.json", "w") as f:
    f.write(good)
for thread in threads:
    thread.join(60)
print("# all of them woken in %d ms" % ((time.monotonic() - begin) * 1000))
print(waiting, len(answers), set(answers), beside[0] < 3 * alone[0] + 300, beside[1] < 3 * alone[1] + 20000)
PY
python3 "$TEST_DIR/thousand.py" "$SERVICE" "$GOOD" >"$TEST_DIR/thousand"
grep '^#' "$TEST_DIR/thousand"
is "$(grep -v '^#' "$TEST_DIR/thousand")" "0 1000 {b''} True True" \
	"a thousand waiting readers hold up nobody, and all are woken"

# Those who wait outlive the worker.
echo "$NEVER" >"$SERVICE/spec.json"
waiting=()
for _ in {1..20}; do
	cat "$SERVICE/wait" &
	waiting+=($!)
done
killed=$(worker_pid)
kill -KILL "$killed"
eventually 20 gone "$killed"
echo "$GOOD" >"$SERVICE/spec.json"
failed=0
for pid in "${waiting[@]}"; do
	wait "$pid" || failed=$((failed + 1))
done
is "$failed" "0" "who waits is served by the next worker"

# poll and epoll of what the platform changes.
cat >"$TEST_DIR/poll.py" <<'PY'
import os, select, sys
service = sys.argv[1]
names = ("status", "status.json", "events", "rollout")
files = {os.open(f"{service}/{name}", os.O_RDONLY): name for name in names}
epoll = select.epoll()
for fd in files:
    epoll.register(fd, select.EPOLLPRI | select.EPOLLET)
for replicas in (3, 2, 4):
    epoll.poll(0)
    with open(f"{service}/replicas", "w") as f:
        f.write(f"{replicas}\n")
    seen = set()
    while len(seen) < len(files):
        events = epoll.poll(20)
        if not events:
            break
        seen |= {files[fd] for fd, _ in events}
        for fd, _ in events:
            os.pread(fd, 100000, 0)
    print(sorted(set(names) - seen), end=" ")
PY
is "$(python3 "$TEST_DIR/poll.py" "$SERVICE")" "[] [] [] " "each change wakes who polls status, events and rollout"

# tail -f
settles 60
tail -n 0 -f "$SERVICE/events" >"$TEST_DIR/followed" &
tail_pid=$!
eventually 10 test -e "/proc/$tail_pid/fd/3"
echo 6 >"$SERVICE/replicas"
becomes 20 "tail -f follows events" grep -q "6 of 6 replicas healthy" "$TEST_DIR/followed"
echo 5 >"$SERVICE/replicas"
becomes 20 "and goes on" grep -q "5 of 5 replicas healthy" "$TEST_DIR/followed"
kill $tail_pid
is "$(sort "$TEST_DIR/followed" | uniq -d)" "" "each line once"

rm -r "$DUPLO/demo"
platform_stop
tap_done
