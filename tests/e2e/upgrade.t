#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A new program takes the place of the one that runs, and no call fails; one that cannot is refused.
original=${DUPLOFS:-$(cd "$(dirname "$0")/../.." && pwd)/build/duplofs}
. "${0%/*}/lib/platform.sh"

mkdir "$TEST_DIR/bin"
DUPLOFS=$TEST_DIR/bin/duplofs
cp "$original" "$DUPLOFS"
version=$("$original" --version)
next=$(tr 0-8 1-9 <<<"$version")

# install_program FILE: into the place of the program, as a package would: by rename.
install_program() {
	cp "$1" "$DUPLOFS.new" && mv "$DUPLOFS.new" "$DUPLOFS"
}
# The same program with another version in it, of the same length.
LC_ALL=C sed "s/$version/$next/g" "$original" >"$TEST_DIR/next"
chmod 0755 "$TEST_DIR/next"
is "$("$TEST_DIR/next" --version)" "$next" "there is another version"

platform_start -c simulated || bail "no platform"
is "$(cat "$DUPLO/.platform/version")" "$version" "the first one runs"
mkdir "$DUPLO/demo"
service demo web "$(hello_spec 1 '"Replicas":2')"
settles 30
cat >"$TEST_DIR/caller.py" <<'EOF'
import json, os, select, sys
base, number, stop, calls = sys.argv[1], sys.argv[2], sys.argv[3], 0
held = os.open(f"{base}/README", os.O_RDONLY)
draft = os.open(f"{base}/demo/config/HELD{number}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
os.write(draft, b"begun, ")
poller = select.poll()
poller.register(os.open(f"{base}/demo/services/web/status", os.O_RDONLY), select.POLLIN)
while not os.path.exists(stop):
    path, wanted = f"{base}/demo/config/KEY{number}", f"value {calls}\n"
    with open(path, "w") as file:
        file.write(wanted)
    with open(path) as file:
        got = file.read()
    if got != wanted:
        print(f"wrote {wanted!r}, read {got!r}")
    json.load(open(f"{base}/demo/services/web/status.json"))
    os.listdir(f"{base}/demo/services")
    assert os.pread(held, 64, 0)
    poller.poll(1)
    calls += 1
os.write(draft, b"and done")
os.close(draft)
assert open(f"{base}/demo/config/HELD{number}").read() == "begun, and done"
print("calls", calls)
EOF
callers=()
for number in 1 2; do
	python3 "$TEST_DIR/caller.py" "$DUPLO" $number "$TEST_DIR/stop" >"$TEST_DIR/caller.$number" 2>&1 &
	callers+=($!)
done
test_clean() {
	kill -KILL "${callers[@]}" 2>/dev/null
}
upgrade() {
	timeout 100 "$DUPLOFS" upgrade "$DUPLO"
}
supervisor=$(supervisor_pid)
worker=$(worker_pid)
holder=$(holder_pid)
install_program "$TEST_DIR/next"
succeeds "upgrade" upgrade
is "$(cat "$DUPLO/.platform/version")" "$next" "the new version serves"
is "$(supervisor_pid)" "$supervisor" "the supervisor has become it"
isnt "$(worker_pid)" "$worker" "and has a worker of its own"
is "$(readlink "/proc/$(worker_pid)/exe")$(readlink "/proc/$supervisor/exe")" "$DUPLOFS$DUPLOFS" "both run the file that is there"
holder_is_new() {
	[ "$(readlink "/proc/$holder/exe")" = "$DUPLOFS" ]
}
becomes 10 "so does the holder" holder_is_new
is "$(holder_pid)" "$holder" "which is the same process"

# refused SENTENCE DESCRIPTION
refused() {
	local worker
	worker=$(worker_pid)
	fails_with "not upgraded: .*$1" "$2" timeout 100 "$TEST_DIR/next" upgrade "$DUPLO"
	is "$(cat "$DUPLO/.platform/version")$(worker_pid)" "$next$worker" "and the old one serves on"
}
printf '#!/bin/sh\nexit 3\n' >"$TEST_DIR/bad" && chmod 0755 "$TEST_DIR/bad"
install_program "$TEST_DIR/bad"
refused "does not run \\(it ended with status 3\\)" "a program that fails is refused"
head -c 20000 "$original" >"$TEST_DIR/bad"
install_program "$TEST_DIR/bad"
refused "." "half a file is refused"
rm "$DUPLOFS"
refused "cannot start" "no file is refused"
install_program "$original"
schema() {
	python3 -c 'import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=30)
database.execute(sys.argv[2])
database.commit()' "${platform_state[main]}/duplofs.db" "$1"
}
schema "INSERT INTO schema_step VALUES (9999, 0)"
refused "written by a newer duplofs" "a program that is older than the database is refused"
schema "DELETE FROM schema_step WHERE step = 9999"
fails_with "no platform is mounted" "a place without a platform" "$TEST_DIR/next" upgrade /tmp
fails_with "only root" "who is not root" setpriv --reuid 65533 --regid 65533 --clear-groups "$TEST_DIR/next" upgrade "$DUPLO"
fails_with "which platform" "without a place" "$TEST_DIR/next" upgrade
for round in 1 2 3 4; do
	install_program "$([ $((round % 2)) = 1 ] && echo "$original" || echo "$TEST_DIR/next")"
	upgrade || ok 1 "upgrade $round"
done
is "$(cat "$DUPLO/.platform/version")" "$next" "back and forth"
kill -USR2 "$(supervisor_pid)"
worker=$(worker_pid)
worker_is_new() {
	[ "$(worker_pid)" != "$worker" ]
}
becomes 30 "SIGUSR2 does the same" worker_is_new
touch "$TEST_DIR/stop"
for number in 1 2; do
	eventually 30 grep -q "^calls" "$TEST_DIR/caller.$number"
	like "$(cat "$TEST_DIR/caller.$number")" "^calls [1-9][0-9]*$" "caller $number: no failed call, no wrong byte"
	note "$(cat "$TEST_DIR/caller.$number")"
done
is "$(platform_processes | wc -l)" "3" "one holder, one supervisor, one worker"
platform_stop
tap_done
