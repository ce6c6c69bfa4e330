#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who reads a file piece by piece while it changes sees one version of it, whole, also while workers die.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
service demo web "$(hello_spec 1 '"Replicas":"1"')"
settles 30

# Each version is as long as it says itself, so that pieces of two never make one.
cat >"$TEST_DIR/spec.py" <<'PY'
import json
def spec(number):
    length = number * 397 % 3000
    return json.dumps({"DockerImage": "example/web:1", "Replicas": number % 3 + 1,
        "Environment": {"LENGTH": str(length), "NUMBER": str(number),
            "PAD": chr(ord("a") + number % 26) * length}}) + "\n"
def is_whole(text):
    seen = json.loads(text)
    number = int(seen["Environment"]["NUMBER"])
    return {**seen, "Name": 0} == {**json.loads(spec(number)), "Name": 0}
PY
cat >"$TEST_DIR/writer.py" <<'PY'
import os, sys
sys.path.insert(0, sys.argv[1])
from spec import spec
service, stop = sys.argv[2:]
number = 0
while not os.path.exists(stop):
    number += 1
    target = f"{service}/spec.json" if number % 2 else f"{service}/spec.new"
    with open(target, "w") as f:
        f.write(spec(number))
    if number % 2 == 0:
        os.rename(target, f"{service}/spec.json")
print("written", number)
PY
cat >"$TEST_DIR/reader.py" <<'PY'
import json, os, sys
sys.path.insert(0, sys.argv[1])
from spec import is_whole
service, stop, piece = sys.argv[2], sys.argv[3], int(sys.argv[4])
versions, broken, count = set(), 0, 0
def pieces(path):
    fd = os.open(path, os.O_RDONLY)
    data, offset = b"", 0
    while part := os.pread(fd, piece, offset):
        data += part
        offset += len(part)
    os.close(fd)
    return data.decode()
while not os.path.exists(stop):
    for name in ("spec.json", "status.json", "replicas"):
        text = pieces(f"{service}/{name}")
        count += 1
        try:
            good = text.strip() in "123" if name == "replicas" else \
                is_whole(text) if name == "spec.json" else "Phase" in json.loads(text)
        except ValueError:
            good = False
        versions.add(hash(text))
        if not good:
            broken += 1
            print("broken", name, repr(text[:60]), repr(text[-60:]))
print("reads", count, "versions", len(versions), "broken", broken)
PY
python3 "$TEST_DIR/writer.py" "$TEST_DIR" "$SERVICE" "$TEST_DIR/stop" >"$TEST_DIR/writer" 2>&1 &
programs=($!)
eventually 10 grep -q NUMBER "$SERVICE/spec.json"
for piece in 16 16 1000; do
	python3 "$TEST_DIR/reader.py" "$TEST_DIR" "$SERVICE" "$TEST_DIR/stop" $piece \
		>"$TEST_DIR/reader.${#programs[@]}" 2>&1 &
	programs+=($!)
done
test_clean() {
	kill -KILL "${programs[@]}" 2>/dev/null
}

generation() {
	jq .Generation "$SERVICE/status.json"
}
has_generation() {
	[ "$(generation)" -ge "$1" ]
}
for _ in {1..5}; do
	killed=$(worker_pid)
	kill -KILL "$killed"
	eventually 10 gone "$killed"
	eventually 20 has_generation $(($(generation) + 20))
done
touch "$TEST_DIR/stop"
for reader in 1 2 3; do
	eventually 30 grep -q "^reads" "$TEST_DIR/reader.$reader"
	like "$(cat "$TEST_DIR/reader.$reader")" "^reads [0-9]+ versions [0-9]{2,} broken 0$" \
		"reader $reader saw only whole versions"
	note "$(tail -n 1 "$TEST_DIR/reader.$reader")"
done
eventually 10 grep -q "^written" "$TEST_DIR/writer"
like "$(cat "$TEST_DIR/writer")" "^written [0-9]+$" "the writer was never refused"
note "$(cat "$TEST_DIR/writer")"
rm -r "$DUPLO/demo"
platform_stop
tap_done
