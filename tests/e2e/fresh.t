#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is written is read at once; what the platform changes is there at the next open, stat and ls.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
service demo web '{"DockerImage":"example/web:1","Replicas":1}'
settles 60

# One's own writes, through every view on them, by other processes and other mounts too.
cat >"$TEST_DIR/own.py" <<'PY'
import json, multiprocessing, os, sys
service, n = sys.argv[1], 300
wrong = []

def read(name):
    with open(f"{service}/{name}") as f:
        return f.read()

def other(connection):
    while (name := connection.recv()) is not None:
        connection.send((read(name), os.stat(f"{service}/{name}").st_size))

ours, theirs = multiprocessing.Pipe()
reader = multiprocessing.Process(target=other, args=(theirs,))
reader.start()
held = os.open(f"{service}/replicas", os.O_RDONLY)
for i in range(n):
    # Lengths differ, so that a stale size shows.
    replicas, image = str(i % 13), "example/web:" + "9" * (i % 7 + 1)
    with open(f"{service}/replicas", "w") as f:
        f.write(replicas + "\n")
    with open(f"{service}/image", "w") as f:
        f.write(image + "\n")
    spec = json.loads(read("spec.json"))
    ours.send("replicas")
    got = [read("replicas"), read("image"), str(spec["Replicas"]), spec["DockerImage"], *map(str, ours.recv()),
           os.pread(held, 100, 0).decode(), str(os.stat(f"{service}/image").st_size)]
    want = [replicas + "\n", image + "\n", replicas, image, replicas + "\n", str(len(replicas) + 1),
            replicas + "\n", str(len(image) + 1)]
    if got != want:
        wrong.append((got, want))
ours.send(None)
reader.join()
print(len(wrong), wrong[:1])
PY
is "$(python3 "$TEST_DIR/own.py" "$SERVICE")" "0 []" "what is written is read at once, by everybody, in every view"
mkdir "$TEST_DIR/bound"
mount --bind "$DUPLO/demo" "$TEST_DIR/bound"
test_clean() {
	umount -l "$TEST_DIR/bound" 2>/dev/null
}
echo 7 >"$TEST_DIR/bound/services/web/replicas"
is "$(cat "$SERVICE/replicas")" "7" "through another mount as well"
echo 2 >"$SERVICE/replicas"
is "$(cat "$TEST_DIR/bound/services/web/replicas")" "2" "and back"
is "$(mountpoint "$TEST_DIR/bound" >/dev/null && echo mounted)" "mounted" "which stays"

# Names: made and removed by others, listed, looked up, and looked up before they were there.
cat >"$TEST_DIR/names.py" <<'PY'
import os, subprocess, sys
config, wrong = sys.argv[1], 0
shell = subprocess.Popen(["bash", "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

def do(command):
    shell.stdin.write(f"{command}; echo done\n")
    shell.stdout.readline()

for i in range(200):
    path = f"{config}/K{i % 5}"
    wrong += os.path.exists(path) or f"K{i % 5}" in os.listdir(config)
    do(f"echo {i} >{path}")
    wrong += not os.path.exists(path) or f"K{i % 5}" not in os.listdir(config) or open(path).read() != f"{i}\n"
    do(f"rm {path}")
shell.stdin.close()
print(wrong)
PY
is "$(python3 "$TEST_DIR/names.py" "$DUPLO/demo/config")" "0" "names come and go for everybody at once"

# The platform's own changes. Each way to look has a process of its own that is always looking; what it
# sees late is measured against the time stamp of the change.
cat >"$TEST_DIR/platform.py" <<'PY'
import multiprocessing, os, sys, time
service, rounds = sys.argv[1], int(sys.argv[2])

def names(n):
    return [str(i) for i in range(n)]

def by_ls(n):
    return sorted(os.listdir(f"{service}/instances"), key=int) == names(n)

def by_stat(n):
    return os.path.exists(f"{service}/instances/{n - 1}") and not os.path.exists(f"{service}/instances/{n}")

def by_open(n):
    with open(f"{service}/status") as f:
        return f"{n}/{n} healthy" in f.read()

def by_held(n, fd=[]):
    if not fd:
        fd.append(os.open(f"{service}/status.json", os.O_RDONLY))
    size = os.fstat(fd[0]).st_size
    return f'"Healthy": {n},'.encode() in os.pread(fd[0], size, 0)

def look(seen, connection):
    while (n := connection.recv()) is not None:
        deadline = time.monotonic() + 20
        while not seen(n) and time.monotonic() < deadline:
            time.sleep(0.0005)
        connection.send(time.time())

lookers = []
for seen in (by_ls, by_stat, by_open, by_held):
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.Process(target=look, args=(seen, theirs), daemon=True).start()
    lookers.append(ours)
late = [[] for _ in lookers]
n = 2
for i in range(rounds):
    n = 1 + (n + 1 + i % 3) % 8
    for looker in lookers:
        looker.send(n)
    with open(f"{service}/replicas", "w") as f:
        f.write(f"{n}\n")
    times = [looker.recv() for looker in lookers]
    # A directory's time and a status's time are those of their last change.
    changed = [os.stat(f"{service}/instances").st_mtime] * 2 + [os.stat(f"{service}/status").st_mtime] * 2
    for j in range(len(lookers)):
        late[j].append(max(0, times[j] - changed[j]) * 1000)
for looker in lookers:
    looker.send(None)
good = True
for name, ms in zip(("ls", "stat and absence", "open", "fstat of an open file"), late):
    ms.sort()
    p99 = ms[len(ms) * 99 // 100]
    good &= p99 < 100
    print("# %-22s median %5.1f ms, 99 %% within %5.1f ms, worst %5.1f ms of the change"
          % (name, ms[len(ms) // 2], p99, ms[-1]))
print(good)
PY
python3 "$TEST_DIR/platform.py" "$SERVICE" 200 >"$TEST_DIR/platform"
grep '^#' "$TEST_DIR/platform"
is "$(grep -v '^#' "$TEST_DIR/platform")" "True" "the platform's changes are seen within 100 ms, 99 times of 100"

rm -r "$DUPLO/demo" 2>/dev/null
umount "$TEST_DIR/bound"
rm -rf "$DUPLO/demo"
platform_stop
tap_done
