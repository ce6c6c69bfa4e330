#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Names of odd bytes, paths of any length, writes in any order: the errno that is promised, sentences
# that a terminal can show, nothing half-applied.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
service demo web '{"DockerImage":"example/web:1","Replicas":2}'
settles 60

cat >"$TEST_DIR/names.py" <<'PY'
"""Makes files, directories and renames of odd names everywhere; prints every answer that is not one of
those that are promised, and every sentence that a terminal should not be shown."""
import errno, os, sys
root = os.fsencode(sys.argv[1])
service = root + b"/demo/services/web"
odd = [b"a\nb", b"\n", b"\x01", b"\x1b[31mred", b"\x7f", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf",
       "\u202egnirts".encode(), "\u200b".encode(), b" ", b"  a", b"a ", b"*", b"?", b"[a]", b"~", b"-rf", b"--help",
       b"...", b"a\\b", b"a'b", b'a"b', b"a;b", b"$(id)", b"`id`", b"%s%n", b"{tenant}", b"spec.json/", b"A" * 64,
       b"a" * 128, b"a" * 129, b"a" * 255, b"\xff" * 255, b".\n", b"..\x01", b".a\nb", b".\xff\xfe"]
long = [b"a" * 256, b"\xff" * 256, b"a" * 4095, (b"a" * 200 + b"/") * 40]
refusals = {errno.EINVAL, errno.EPERM, errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
directories = [root, root + b"/demo", root + b"/demo/services", service, root + b"/demo/secrets", root + b"/demo/config",
               service + b"/config", service + b"/instances", service + b"/history", root + b"/.platform"]
wrong = []

def attempt(what, path, act):
    try:
        act()
        return True
    except OSError as error:
        if error.errno not in refusals or path in long and error.errno not in (errno.ENAMETOOLONG, errno.ENOENT):
            wrong.append((what, path, errno.errorcode[error.errno]))
        return False

def check_sentences():
    for name in (root + b"/demo/last_error", service + b"/last_error", service + b"/events", root + b"/.platform/events",
                 root + b"/demo/events"):
        with open(name, "rb") as f:
            text = f.read()
        try:
            shown = text.decode()
        except UnicodeDecodeError:
            wrong.append((name, text))
            continue
        if any(ord(c) < 32 and c != "\n" or ord(c) in (127, 0x202e) for c in shown) or \
                name.endswith(b"last_error") and shown.count("\n") > 1:
            wrong.append((name, text))

for directory in directories:
    before = sorted(os.listdir(directory))
    for name in odd + long:
        path = directory + b"/" + name
        attempt("stat", path, lambda: os.stat(path))
        if attempt("mkdir", path, lambda: os.mkdir(path)):
            attempt("rmdir", path, lambda: os.rmdir(path))
        if attempt("create", path, lambda: os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))):
            attempt("rename", path, lambda: os.rename(path, path + b"~"))
            attempt("rename", path, lambda: os.rename(path + b"~", path))
            attempt("unlink", path, lambda: os.unlink(path))
        attempt("rename spec", path, lambda: os.rename(service + b"/spec.json", path))
        attempt("unlink", path, lambda: os.unlink(path))
        check_sentences()
    left = [name for name in sorted(os.listdir(directory)) if name not in before]
    if left:
        wrong.append(("left", directory, left))
for line in wrong[:20]:
    print(line)
print(len(wrong))
PY
is "$(python3 "$TEST_DIR/names.py" "$DUPLO")" "0" "odd names, everywhere, are taken or refused as promised"
is "$(cat "$SERVICE/spec.json")" '{"DockerImage":"example/web:1","Replicas":2}' "the spec is as it was"
is "$(ls "$DUPLO" | tr '\n' ' ')" "README demo " "nothing came of it"

cat >"$TEST_DIR/writes.py" <<'PY'
"""Writes values in pieces of any size, in any order, with holes, over each other, by several handles; and
compares what is read after close with what a file of another file system holds."""
import errno, os, random, sys
path, other = sys.argv[1:3]
rng = random.Random(int(sys.argv[3]))

def one(name, steps):
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o640)
    for step, at, data in steps:
        if step == "write":
            os.pwrite(fd, data, at)
        elif step == "truncate":
            os.ftruncate(fd, at)
        elif step == "append":
            os.lseek(fd, 0, os.SEEK_END)
            os.write(fd, data)
        else:
            os.fsync(fd)
    seen = os.pread(fd, 100000, 0)
    os.close(fd)
    with open(name, "rb") as f:
        return seen, f.read(), os.stat(name).st_size

wrong = 0
for round in range(150):
    steps = [(rng.choice(["write", "write", "write", "append", "truncate", "sync"]), rng.randrange(30000),
              rng.randbytes(rng.randrange(1, 4000))) for _ in range(rng.randrange(1, 12))]
    # Truncating to nothing and no write after it is no change here.
    steps.append(("write", rng.randrange(30000), b"end"))
    ours, theirs = one(path, steps), one(other, steps)
    if ours != theirs:
        wrong += 1
        print(round, [(s, a, len(d)) for s, a, d in steps], [len(x) for x in ours[:2]], [len(x) for x in theirs[:2]])
print(wrong)
PY
for seed in 1 2; do
	is "$(python3 "$TEST_DIR/writes.py" "$DUPLO/demo/config/VALUE" "$TEST_DIR/value" $seed)" "0" \
		"writes in any order, with holes, as on another file system (seed $seed)"
done

# Documents in pieces of any order: accepted whole or refused whole.
is "$(python3 - "$SERVICE" <<'PY'
import errno, os, random, sys
service, rng = sys.argv[1], random.Random(7)
answers, wrong = {}, []
good = open(f"{service}/spec.json").read()
for round in range(120):
    text = '{"DockerImage":"example/web:%d","Replicas":%d}\n' % (round, round % 5)
    cuts = sorted(rng.sample(range(1, len(text)), rng.randrange(0, 5)))
    pieces = [(a, text[a:b]) for a, b in zip([0] + cuts, cuts + [len(text)])]
    if round % 2:
        rng.shuffle(pieces)
    fd = os.open(f"{service}/spec.json", os.O_WRONLY | os.O_TRUNC)
    answer = "ok"
    try:
        for at, piece in pieces:
            os.pwrite(fd, piece.encode(), at)
    except OSError as error:
        answer = errno.errorcode[error.errno]
    try:
        os.close(fd)
    except OSError as error:
        answer = errno.errorcode[error.errno]
    now = open(f"{service}/spec.json").read()
    answers[answer] = answers.get(answer, 0) + 1
    if now != (text if answer == "ok" else good) or answer not in ("ok", "EINVAL") or answer != "ok" and not round % 2:
        wrong.append((round, pieces, answer, now))
    good = now
print(len(wrong), wrong[:2])
PY
)" "0 []" "a document in pieces is accepted whole, or refused whole"

rm -r "$DUPLO/demo"
platform_stop
tap_done
