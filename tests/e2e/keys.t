#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# New keys while everything goes on: whoever is killed, whatever is written meanwhile, and on a full disk.
. "${0%/*}/lib/platform.sh"

# A small disk of its own, to fill.
state=$TEST_DIR/main.state
mkdir "$state"
mount -t tmpfs -o size=48m,mode=0700 duplofs-test "$state" || bail "no small disk"
test_clean() {
	kill -KILL "${writers[@]}" 2>/dev/null
	umount -l "$state"
}
writers=()
platform_start -c simulated || bail "no platform"
rotate=$DUPLO/.platform/keys/rotate
mkdir "$DUPLO"/t{1,2,3}
like "$(cat "$rotate")" "rotation +never" "nothing was ever rotated"
fails_with "Invalid argument" "another word is refused" bash -c "echo everything >'$rotate'"
fails_with "Permission denied" "only root asks for it" \
	setpriv --reuid 65533 --regid 65533 --clear-groups bash -c "echo all >'$rotate'"

# Thousands of values, with any bytes in them, of any size.
cat >"$TEST_DIR/values.py" <<'END_OF_PROGRAM'
import hashlib, os, sys
directory, action, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
def value(number):
    seed = hashlib.sha256(f"{directory} {number}".encode()).digest()
    return (seed + b"\0\n\xff") * (number * 7 % 40 + 1) if number else (seed * 2048)[:65536]
bad = 0
for number in range(count):
    path = f"{directory}/KEY{number}"
    if action == "fill":
        # Until one finds no room: it has the value that it had.
        before = open(path, "rb").read()
        try:
            with open(path, "wb") as file:
                file.write(os.urandom(60000))
        except OSError as error:
            print(error.strerror, open(path, "rb").read() == before)
            break
    elif action == "write":
        with open(path, "wb") as file:
            file.write(value(number))
    else:
        got = open(path, "rb").read()
        if got != value(number):
            print(f"{path}: {len(value(number))} bytes were written, {len(got)} others are there", file=sys.stderr)
            bad += 1
print("bad", bad)
END_OF_PROGRAM
values() {
	python3 "$TEST_DIR/values.py" "$DUPLO/$1/secrets" "$2" "$3"
}
is "$(values t1 write 2000)" "bad 0" "2000 secrets are written, one of them of 64 KiB"
is "$(values t2 write 50)" "bad 0" "50 of another tenant"
is "$(values t3 write 1)" "bad 0" "and one of a third"
is "$(values t1 read 2000)" "bad 0" "they are read"
fails_with "File too large" "a longer one is refused" \
	bash -c "head -c 65537 /dev/zero >'$DUPLO/t1/secrets/KEY1'"
is "$(values t1 read 2)" "bad 0" "and leaves the old one in force"

# Writers and readers until `stop` appears: what was written is read, whatever happens to the worker.
cat >"$TEST_DIR/writer.py" <<'END_OF_PROGRAM'
import os, sys
path, stop, turns = sys.argv[1], sys.argv[2], 0
while not os.path.exists(stop):
    wanted = f"turn {turns} of {path} ".encode() * (turns % 50 + 1)
    with open(path, "wb") as file:
        file.write(wanted)
    got = open(path, "rb").read()
    if got != wanted:
        print(f"turn {turns}: {len(wanted)} bytes written, {len(got)} others read")
    turns += 1
print("turns", turns)
END_OF_PROGRAM
for number in 1 2 3; do
	python3 "$TEST_DIR/writer.py" "$DUPLO/t$number/secrets/LIVE" "$TEST_DIR/stop" >"$TEST_DIR/writer.$number" 2>&1 &
	writers+=($!)
done
finished() {
	grep -q "^rotation *finished" "$rotate"
}
is "$(grep -c '^1 ' "$state/master.key")" "1" "the master key has version 1"
worker_is_new() {
	[ "$(worker_pid)" != "$old" ] && ! gone "$(worker_pid)" && [ -s "$rotate" ]
}
rotations=0
for ((kill = 0; kill < 15; kill++)); do
	if ! grep -q "^finished" "$rotate"; then
		note "under way: $(head -n 1 "$rotate")"
	fi
	{ echo all >"$rotate"; } 2>/dev/null && rotations=$((rotations + 1))
	# Nobody knows how far it is by now.
	old=$(worker_pid)
	kill -KILL "$old"
	eventually 20 worker_is_new || bail "no new worker"
done
note "$rotations rotations, the worker was killed $kill times"
becomes 60 "it ends, although the worker was killed again and again" finished
like "$(cat "$rotate")" "what +all" "it can be watched"
version=$(awk '$1 == "master" { print $3 }' "$rotate")
is "$version" "$((rotations + 1))" "each rotation made one master key"
is "$(grep -c '^[0-9]' "$state/master.key")" "1" "and the old one is gone"
like "$(tail -n 1 "$DUPLO/.platform/events")" "keys were rotated \\(all\\)" "an event tells of it"
is "$(values t1 read 2000)$(values t2 read 50)" "bad 0bad 0" "every secret has its value"
touch "$TEST_DIR/stop"
for number in 1 2 3; do
	eventually 30 grep -q "^turns" "$TEST_DIR/writer.$number"
	like "$(cat "$TEST_DIR/writer.$number")" "^turns [0-9]+$" "writer $number read what it wrote"
	note "$(cat "$TEST_DIR/writer.$number")"
done
python3 - "$state/duplofs.db" <<'EOF' >"$TEST_DIR/versions"
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
print(*database.execute("SELECT count(*), min(version), min(master_version) FROM tenant_key").fetchone())
print(*database.execute("SELECT count(*) FROM value WHERE key_version = 1").fetchone())
EOF
is "$(paste -sd ' ' "$TEST_DIR/versions")" "3 $version $version 0" "nothing is sealed under an old key"

# On a full disk it waits; nothing is half done, and reads go on.
head -c 48m /dev/zero >"$state/ballast" 2>/dev/null
is "$(values t2 read 50)" "bad 0" "every secret is read on a full disk"
like "$(values t2 fill 50)" "^Read-only file system True" "a write that finds no room fails and changes nothing"
becomes 5 "a rotation that finds no room cannot begin, or waits" bash -c \
	"! { echo all >'$rotate'; } 2>/dev/null || ! grep -q '^rotation *finished' '$rotate'"
is "$(values t1 read 2000)" "bad 0" "all others are what they were"
rm -f "$state/ballast"
more() {
	finished || return 1
	[ "$(awk '$1 == "master" { print $3 }' "$rotate")" -gt "$version" ] && return 0
	{ echo all >"$rotate"; } 2>/dev/null
	return 1
}
becomes 90 "with room again it comes to its end" more
is "$(values t2 write 50)" "bad 0" "and writes succeed"
is "$(values t1 read 2000)$(values t2 read 50)" "bad 0bad 0" "every secret has its value"
platform_kill
platform_start -c simulated || bail "no platform"
is "$(values t1 read 2000)$(values t2 read 50)" "bad 0bad 0" "after a power cut, too"
like "$(cat "$rotate")" "rotation +finished" "what became of the rotation is kept"
platform_stop
tap_done
