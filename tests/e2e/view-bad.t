#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Values of any bytes, by the thousand, by many writers, read by who never lets go, and with memory full:
# a container sees each value whole, and in the end the last one.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/shell.sh
. "$lib/shell.sh"

succeeds "an image with a shell" shell_image
platform_start || bail "no platform"
mkdir "$DUPLO/demo"
CONFIG=$DUPLO/demo/config
SECRETS=$DUPLO/demo/secrets
echo first >"$CONFIG/WORD"
for name in one two three; do
	service demo "$name" "$(shell_spec)"
done
duplos=()
for name in one two three; do
	SERVICE=$DUPLO/demo/services/$name
	settles 60
	ok $? "$name settles"
	duplos+=("$(root_of "$(container_of 0)")/duplo")
done
container=$(container_of 0)
duplo=${duplos[2]}


# same FILE SEEN: byte for byte.
same() {
	[ -e "$2" ] && cmp -s "$1" "$2"
}

# ---- any bytes, and how many ----

for size in 0 1 4095 4096 4097 65535 65536; do
	head -c "$size" /dev/urandom >"$TEST_DIR/bytes"
	cat "$TEST_DIR/bytes" >"$SECRETS/S$size"
	becomes 10 "$size random bytes" same "$TEST_DIR/bytes" "$duplo/secrets/S$size"
done
printf '\0\0\n\0' >"$SECRETS/NULS"
becomes 10 "NUL bytes" same "$SECRETS/NULS" "$duplo/secrets/NULS"
fails_with "too large" "a byte more than 64 KiB is refused" dd if=/dev/zero of="$SECRETS/S65536" bs=65537 count=1
becomes 10 "and what was there is there" same "$TEST_DIR/bytes" "$duplo/secrets/S65536"
fails_with "too large" "also as a new value" dd if=/dev/zero of="$SECRETS/NEW" bs=65537 count=1
is "$(ls "$duplo/secrets/NEW" 2>/dev/null)" "" "of which the container sees nothing"
# The kernel tells of the last close after close has returned.
becomes 10 "and nothing is left" test ! -e "$SECRETS/NEW"

# ---- thousands of keys ----

keys() {
	find "$duplo/..data/config/" -type f | wc -l
}

test_keys() {
	[ "$(keys)" -eq "$1" ]
}

mkdir "$CONFIG.next"
for key in $(seq 3000); do
	echo "value $key" >"$CONFIG.next/KEY_$key"
done
echo first >"$CONFIG.next/WORD"
succeeds "3000 keys at once" mv -T "$CONFIG.next" "$CONFIG"
becomes 30 "are seen" test_keys 3001
is "$(cat "$duplo"/..data/config/KEY_* | sort | sha256sum)" "$(cat "$CONFIG"/KEY_* | sort | sha256sum)" "each with its value"
echo changed >"$CONFIG/KEY_1500"
becomes 10 "one of them changes" same "$CONFIG/KEY_1500" "$duplo/config/KEY_1500"
mkdir "$CONFIG.next" && echo first >"$CONFIG.next/WORD"
succeeds "all but one go at once" mv -T "$CONFIG.next" "$CONFIG"
becomes 30 "and are gone" test_keys 1

# ---- renames ----

echo here >"$CONFIG/A"
becomes 10 "a value" same "$CONFIG/A" "$duplo/config/A"
# Who changes things under a reader goes on until the reader has looked often: $TEST_DIR/looked.
read_beside() {
	rm -f "$TEST_DIR/looked"
	python3 "$TEST_DIR/$1" "$2" "$TEST_DIR/looked" >"$TEST_DIR/reader" &
	reader=$!
}
has_looked() {
	[ -e "$TEST_DIR/looked" ] || ! kill -0 "$reader"
}

cat >"$TEST_DIR/either.py" <<'PYTHON'
import os, sys
directory, looked = sys.argv[1:]
rounds, lost = 0, 0
while not os.path.exists(f"{directory}/END"):
    # One set, whatever is switched meanwhile.
    held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    names = os.listdir(held)
    lost += "A" not in names and "B" not in names
    rounds += 1
    os.close(held)
    if rounds == 50:
        open(looked, "w").close()
print("lost", lost)
PYTHON
read_beside either.py "$duplo/config"
round=0
until [ "$round" -ge 40 ] && has_looked; do
	mv "$CONFIG/A" "$CONFIG/B" && mv "$CONFIG/B" "$CONFIG/A"
	round=$((round + 1))
done
touch "$CONFIG/END"
wait "$reader"
is "$(cat "$TEST_DIR/reader")" "lost 0" "renames: its value is never without a name"

# ---- many writers ----

cat >"$TEST_DIR/torn.py" <<'PYTHON'
import os, sys
path, looked = sys.argv[1:]
rounds, torn = 0, 0
while not os.path.exists(os.path.dirname(path) + "/END2"):
    with open(path) as file:
        text = file.read()
    torn += len(text) != 5000 or len(set(text)) != 1
    rounds += 1
    if rounds == 50:
        open(looked, "w").close()
print("torn", torn)
PYTHON
printf '%5000s' '' | tr ' ' z >"$CONFIG/SHARED"
becomes 10 "a value for all" same "$CONFIG/SHARED" "$duplo/config/SHARED"
read_beside torn.py "$duplo/config/SHARED"
writers=()
for letter in a b c d e f g h; do
	printf '%5000s' '' | tr ' ' "$letter" >"$TEST_DIR/$letter"
	round=0
	until [ "$round" -ge 25 ] && has_looked; do
		round=$((round + 1))
		cat "$TEST_DIR/$letter" >"$CONFIG/SHARED" && echo "$round" >"$CONFIG/OWN_$letter" &&
			echo "$round" >"$TEST_DIR/wrote_$letter"
	done &
	writers+=($!)
done
wait "${writers[@]}"
touch "$CONFIG/END2"
wait "$reader"
is "$(cat "$TEST_DIR/reader")" "torn 0" "eight writers: no reader sees a torn value"
all_same() {
	local key
	for key in "$CONFIG"/*; do
		same "$key" "$1/config/${key##*/}" || return 1
	done
}
for number in 0 1 2; do
	becomes 20 "container $number has what was written last" all_same "${duplos[number]}"
done
is "$(cat "$CONFIG"/OWN_?)" "$(cat "$TEST_DIR"/wrote_?)" "and no write was lost"

# ---- who never lets go ----

echo held >"$CONFIG/HELD"
becomes 10 "a value to hold" same "$CONFIG/HELD" "$duplo/config/HELD"
# shellcheck disable=SC2016 # for the container's shell
inside "$container" 12345 'cd /duplo/config; exec 3<HELD; echo >/tmp/holds
while [ "$(cat /duplo/config/HELD)" != end ]; do sleep 0.1; done
sleep 11
cat <&3; ls | wc -l; cat /duplo/config/HELD' >"$TEST_DIR/holder" &
holder=$!
becomes 10 "a container holds a file and a directory" test -e "$(root_of "$container")/tmp/holds"
for round in $(seq 50) end; do
	echo "$round" >"$CONFIG/HELD"
done
rm "$CONFIG"/OWN_?
sets() {
	find "$duplo" -maxdepth 1 -name '..*-*' | wc -l
}
wait "$holder"
is "$(head -n 1 "$TEST_DIR/holder")" "held" "the open file is as it was"
is "$(tail -n 1 "$TEST_DIR/holder")" "end" "what is opened anew is new"
one_set() {
	[ "$(sets)" -eq 1 ]
}
becomes 20 "nothing that was replaced is kept for ever" one_set

# ---- memory is full ----

memory=$(runtime_directory)
full_kib=$(($(df -k --output=used "$memory" | tail -n 1) + 150))
succeeds "150 KiB are left" mount -o "remount,size=${full_kib}k" "$memory"
head -c 61440 /dev/urandom >"$TEST_DIR/big"
succeeds "a value of 60 KiB for three containers" dd if="$TEST_DIR/big" of="$SECRETS/BIG" bs=61440 count=1
told() {
	cat "$DUPLO"/demo/services/*/events | grep -q "/duplo stays as it was: .*No space"
}
becomes 30 "an event says who does not see it, and why" told
whole=0 old=0
for number in 0 1 2; do
	if same "$TEST_DIR/big" "${duplos[number]}/secrets/BIG"; then
		whole=$((whole + 1))
	elif [ ! -e "${duplos[number]}/secrets/BIG" ]; then
		old=$((old + 1))
	fi
	same "$TEST_DIR/bytes" "${duplos[number]}/secrets/S65536"
	ok $? "container $number has all that it had"
done
is "$((whole + old))" "3" "each sees all of it or nothing"
[ "$old" -gt 0 ]
ok $? "$old of them nothing"
succeeds "there is room again" mount -o remount,size=50% "$memory"
echo last >"$CONFIG/WORD"
for number in 0 1 2; do
	becomes 90 "container $number gets it" same "$TEST_DIR/big" "${duplos[number]}/secrets/BIG"
	becomes 10 "and what came later" same "$CONFIG/WORD" "${duplos[number]}/config/WORD"
done
is "$(container_of 0)" "$container" "no container was restarted"

rm "$SECRETS"/* "$CONFIG"/*
succeeds "rmdir" rmdir "$DUPLO"/demo/services/* "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
