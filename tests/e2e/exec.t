#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debugging without an administrator: commands in a container, what it uses, its processes, its output.
. "${0%/*}/lib/platform.sh"
. "${0%/*}/lib/shell.sh"

platform_start || bail "no platform"
shell_image || bail "no image with a shell"
mkdir "$DUPLO/demo"
service demo web "$(shell_spec '"Replicas":2')"
succeeds "a service settles" settles 60
cd "$SERVICE/instances/0" || bail "no instance"
exec=$PWD/exec

run() {
	echo "$1" >"$exec" && cat "$exec"
}
is "$(run 'echo hello; sleep 0.3; echo there >&2')" "$(printf 'hello\nthere\nexit 0')" "a command's output, errors and status"
is "$(run 'exit 7')" "exit 7" "a status alone"
is "$(run 'printf x')" "$(printf 'x\nexit 0')" "output without a newline"
is "$(run 'id -u; cat /duplo/self.json | grep -c Tenant')" "$(printf '12345\n1\nexit 0')" "it runs in the container, as its user"
# shellcheck disable=SC2016 # no shell is to see them
is "$(run '["printf","%s|","a b","$HOME"]')" "$(printf 'a b|$HOME|\nexit 0')" "an array of words meets no shell"
is "$(run '["/no/such/program"]' | tail -n 1 | sed s/126/127/)" "exit 127" "a program that is not there"
is "$(tail -n 1 "$exec" | sed s/126/127/)" "exit 127" "the file shows the last one"
is "$(stat -c %a exec stats top | paste -sd ' ')" "600 440 440" "modes"
# shellcheck disable=SC2016 # for the container's shell
is "$(run 'touch /tmp/$(echo mark)-"$((1+1))"; ls /tmp')" "$(printf 'mark-2\nexit 0')" "the shell is the container's"
is "$(ls /tmp/mark-2 2>&1 >/dev/null | wc -l)" "1" "and none of the host's"
fails_with "Invalid argument" "an empty command is refused" bash -c "echo >'$exec'"
fails_with "Invalid argument" "words that are none are refused" bash -c "echo '[1,2]' >'$exec'"
like "$(cat "$SERVICE/last_error")" "word 1 is no string" "and last_error says why"
fails_with "File too large" "one that is too long, too" bash -c "head -c 5000 /dev/zero | tr '\\0' x >'$exec'"
like "$(run 'head -c 1000000 /dev/zero' | tail -n 1)" "no exit status: the command wrote more than 262144 bytes" \
	"more output than fits is cut, and says so"
fails_with "Permission denied" "nobody else may" setpriv --reuid 65533 --regid 65533 --clear-groups bash -c "echo id >'$exec'"

# On one descriptor: what one has written, one reads; whatever others do meanwhile.
cat >"$TEST_DIR/ask.py" <<'EOF'
import os, sys, threading
path, failures = sys.argv[1], []
def ask(number):
    fd = os.open(path, os.O_RDWR)
    for turn in range(3):
        os.write(fd, f"sleep 0.{number}; echo {number} {turn}\n".encode())
        got = b""
        while piece := os.read(fd, 7):
            got += piece
        if got != f"{number} {turn}\nexit 0\n".encode():
            failures.append((number, turn, got))
    os.close(fd)
threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("failures", failures)
EOF
is "$(timeout 60 python3 "$TEST_DIR/ask.py" "$exec")" "failures []" "concurrent writers each get their own result"
for ((i = 0; i < 8; i++)); do
	echo 'sleep 3' >"$exec"
done
fails_with "Device or resource busy" "not more than eight at a time" bash -c "echo 'sleep 3' >'$exec'"
like "$(timeout 30 cat "$exec")" "exit 0" "they end"
echo 'sleep 5' >"$exec"
started=$EPOCHSECONDS
timeout -s INT 0.5 cat "$exec"
ok $((EPOCHSECONDS - started < 4 ? 0 : 1)) "a reader can be interrupted"
echo 'sleep 20' >"$exec"
mkdir "$TEST_DIR/copies"
for copy in "cp -r" "rsync -a" "grep -r nothing"; do
	started=$EPOCHSECONDS
	# shellcheck disable=SC2086
	timeout 60 $copy "$SERVICE/instances" "$TEST_DIR/copies/"
	is "$? $((EPOCHSECONDS - started < 15))" "$([[ $copy == grep* ]] && echo 1 || echo 0) 1" "$copy does not wait for it"
done

# What it uses, and its processes.
stats=$(cat stats)
note "$stats"
like "$stats" "cpu_percent +[0-9.]+" "stats: processor"
like "$stats" "memory_bytes +[1-9][0-9]*" "memory"
like "$stats" "received_bytes +[0-9]+" "network"
like "$stats" "processes +[1-9]" "processes"
like "$(cat top)" "httpd -f -p 80" "top shows the program"
run 'timeout 8 sh -c "while :; do :; done"' >/dev/null &
busy=$!
uses() {
	awk '$1 == "cpu_percent" { exit !($2 > 5) }' stats
}
becomes 20 "a busy container uses more" uses
wait $busy

# While the worker is killed: no call fails, nothing is run twice.
marks() {
	run 'wc -l </tmp/marks' | head -n 1
}
failed=0
for ((i = 0; i < 8; i++)); do
	kill -KILL "$(worker_pid)"
	got=$(run "echo $i >>/tmp/marks; sleep 0.2; echo $i") || failed=$((failed + 1))
	case $got in
	"$i"*"exit 0" | *"no exit status: the platform was started anew"*) ;;
	*) diag "command $i: $got" && failed=$((failed + 1)) ;;
	esac
done
is $failed 0 "commands and kills of the worker: each got its output, or the reason why not"
is "$(run 'sort /tmp/marks | uniq -d | wc -l' | head -n 1)" "0" "none was run twice"
reading() {
	timeout 60 cat "$exec"
}
echo 'sleep 2; echo late' >"$exec"
reading >"$TEST_DIR/late" &
reader=$!
kill -KILL "$(worker_pid)"
wait $reader
ok $? "a read that waits outlives a worker"
like "$(cat "$TEST_DIR/late")" "late|platform was started anew" "and gets an answer"

# Output, and that of the container before.
follow() {
	grep -q "$1" "$TEST_DIR/tail"
}
# 3 MiB, which the engine keeps in one file of its own.
run "awk 'BEGIN { for (i = 10000; i < 30000; i++) printf \"%d %0150d\\n\", i, 0 }' >/proc/1/fd/1" >/dev/null
becomes 30 "much output is read to its end" grep -q '^29999 0' "$SERVICE/logs/0"
tail -f "$SERVICE/logs/0" >"$TEST_DIR/tail" 2>/dev/null &
tail=$!
test_clean() {
	kill $tail 2>/dev/null
}
run 'echo first words >/proc/1/fd/1' >/dev/null
becomes 10 "tail -f follows the output" follow "first words"
old=$(container_of 0)
echo restart >"$SERVICE/rollout"
replaced() {
	[ "$(container_of 0)" != "$old" ] && [ "$(status_field Healthy)" = 2 ]
}
becomes 60 "a restart replaces the container" replaced
like "$(run 'echo second words >/proc/1/fd/1')" "exit 0|no exit status" "the new one takes commands"
becomes 10 "tail -f goes on with the new one" follow "second words"
like "$(cat "$SERVICE/logs/0")" "first words" "what the one before said is kept"
kept=$(grep -c '^[12][0-9]* 0*$' "$SERVICE/logs/0")
is "$(grep '^[12][0-9]* 0*$' "$SERVICE/logs/0" | cut -d ' ' -f 1 | cksum)" "$(seq $((30000 - kept)) 29999 | cksum)" "line by line"
[ "$kept" -ge 6670 ]
ok $? "the last MiB of it at least ($kept lines)"
[ "$(stat -c %s "$SERVICE/logs/0")" -le 2097152 ]
ok $? "and no more than two"
kill $tail
is "$(jq -r .Ordinal status.json)$(cat host)" "0local" "status.json and host tell where it is"
like "$(cat address)" "^[0-9.]+:80$" "and address"

# Who looks may not hold up a stop.
echo 'sleep 30' >"$exec"
echo 0 >"$SERVICE/replicas"
succeeds "a service stops while a command runs" settles 60
cd /
succeeds "rmdir" rmdir "$SERVICE" "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
