#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is read is always one accepted content, and the newest; what programs keep beside our files
# behaves as on any file system (compared with one, by random operations).
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
service demo web '{"DockerImage":"example/web:1","Replicas":0}'

# A writer and readers of two contents, one of a few bytes, one of several pages.
is "$(python3 - "$SERVICE/spec.json" <<'PY'
import multiprocessing, sys, time
path = sys.argv[1]
contents = ['{"DockerImage":"a:1","Replicas":0}\n',
            '{"DockerImage":"b:1","Replicas":0,"Environment":{"A":"%s"}}\n' % ("x" * 9000)]

def read():
    with open(path) as f:
        return f.read()

def write(end, wrong):
    n = 0
    while time.monotonic() < end:
        with open(path, "w") as f:
            f.write(contents[n % 2])
        wrong.value += read() != contents[n % 2]
        n += 1

def watch(end, wrong):
    while time.monotonic() < end:
        wrong.value += read() not in contents

with open(path, "w") as f:
    f.write(contents[0])
end = time.monotonic() + 3
wrong = [multiprocessing.Value("i", 0) for _ in range(4)]
tasks = [multiprocessing.Process(target=write if i == 0 else watch, args=(end, wrong[i])) for i in range(4)]
for task in tasks:
    task.start()
for task in tasks:
    task.join()
print([w.value for w in wrong])
PY
)" "[0, 0, 0, 0]" "no reader sees half a content, the writer sees its own at once"

cat >"$TEST_DIR/random.py" <<'PY'
"""Does the same random operations in two directories until an answer differs."""
import errno, os, random, stat, sys
roots, rng = sys.argv[1:3], random.Random(int(sys.argv[3]))
directories, names, opened = [""], [f"f{i}" for i in range(12)] + [f"d{i}" for i in range(4)], []

def any_path():
    return os.path.join(rng.choice(directories), rng.choice(names))

def with_file(path, flags, act):
    fd = os.open(path, flags, 0o640)
    try:
        return act(fd)
    finally:
        os.close(fd)

def look(path):
    st = os.stat(path)
    regular = stat.S_ISREG(st.st_mode)
    return st.st_mode, regular and st.st_size, regular and st.st_nlink

def answers(act):
    def one(i):
        try:
            return act(i, roots[i])
        except OSError as error:
            return errno.errorcode[error.errno]
    return one(0), one(1)

for step in range(int(sys.argv[4])):
    p, q, kind = any_path(), any_path(), rng.randrange(13)
    data, at = bytes([rng.randrange(256)]) * rng.randrange(1, 5000), rng.randrange(20000)
    mode = rng.choice([0o600, 0o640, 0o755, 0o444])
    acts = [
        lambda i, r: with_file(f"{r}/{p}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, lambda fd: 0),
        lambda i, r: os.mkdir(f"{r}/{p}", 0o750),
        lambda i, r: os.rmdir(f"{r}/{p}"),
        lambda i, r: os.unlink(f"{r}/{p}"),
        lambda i, r: os.rename(f"{r}/{p}", f"{r}/{q}"),
        lambda i, r: with_file(f"{r}/{p}", os.O_RDWR, lambda fd: os.pwrite(fd, data, at)),
        lambda i, r: with_file(f"{r}/{p}", os.O_WRONLY | os.O_TRUNC, lambda fd: os.write(fd, data)),
        lambda i, r: os.truncate(f"{r}/{p}", at),
        lambda i, r: os.chmod(f"{r}/{p}", mode),
        lambda i, r: sorted(os.listdir(f"{r}/{p}")),
        lambda i, r: look(f"{r}/{p}"),
        lambda i, r: with_file(f"{r}/{p}", os.O_RDONLY, lambda fd: os.pread(fd, 100000, 0)),
        lambda i, r: opened and (os.write(opened[step % len(opened)][i], data),
                                 os.pread(opened[step % len(opened)][i], 100000, 0)),
    ]
    got = answers(acts[kind])
    if got[0] != got[1]:
        sys.exit(f"step {step}, operation {kind}, {p} {q}: {str(got[0])[:80]} and {str(got[1])[:80]}")
    if kind == 1 and got[0] is None and p.count("/") < 3 and p not in directories:
        directories.append(p)
    if kind == 0 and got[0] == 0 and len(opened) < 10:
        opened.append([os.open(f"{r}/{p}", os.O_RDWR | os.O_APPEND) for r in roots])
PY
mkdir "$DUPLO/demo/services/.git"
for seed in 1 2 3; do
	mkdir "$TEST_DIR/other" "$DUPLO/demo/services/.git/here"
	succeeds "3000 random operations, seed $seed" \
		python3 "$TEST_DIR/random.py" "$TEST_DIR/other" "$DUPLO/demo/services/.git/here" $seed 3000
	rm -r "$TEST_DIR/other" "$DUPLO/demo/services/.git/here"
done
rm -r "$DUPLO/demo"
platform_stop
tap_done
