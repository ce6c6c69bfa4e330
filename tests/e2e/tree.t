#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tree as a file system: names, odd writes, waiting, polling, tenants by Unix means, many entries.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
service demo web '{"DockerImage":"example/web:1","Replicas":2}'
settles 60
chmod 711 "$TEST_DIR" # for other users
fails() {
	fails_with "" "$@"
}
as() {
	setpriv --reuid="$1" --regid="$2" --clear-groups "${@:3}"
}

# Names.
for name in Bad a_b -a a- a..b "a b" $'a\nb' $'a\001' $'a\377' .hidden 1a; do
	fails "mkdir $(printf %q "$name") is refused" mkdir -- "$DUPLO/demo/services/$name"
	fails "and as a tenant" mkdir -- "$DUPLO/$name"
done
long=$(printf 'x%.0s' {1..64})
like "$(mkdir "$DUPLO/$long" 2>&1)" "too long" "64 bytes are too long"
succeeds "63 are not" mkdir "$DUPLO/${long:1}"
rmdir "$DUPLO/${long:1}"
like "$(mkdir "$DUPLO/$long$long$long$long" 2>&1)" "too long" "256 bytes are too long for any file"
fails "a misspelt file is refused" touch "$SERVICE/replica"
like "$(cat "$SERVICE/last_error")" 'did you mean "replicas"' "with the right name"
for what in "$SERVICE" "$DUPLO/demo" "$DUPLO/demo/services"; do
	like "$(mv "$what" "$what-2" 2>&1)" "not permitted" "${what##*/} cannot be renamed"
done
like "$(ln "$SERVICE/spec.json" "$SERVICE/x" 2>&1)" "not permitted" "no hard links"

# Writes that are no plain ones.
fails "two lines are no value" dash -c "printf '3\\n4\\n' >'$SERVICE/replicas'"
(echo 4 >>"$SERVICE/replicas") 2>/dev/null
isnt $? 0 "nor is one appended: bash sees it"
is "$(cat "$SERVICE/replicas")" "2" "the value before stays"
# bash writes line by line, and goes on after one that was refused.
printf '{"DockerImage":"example/web:9"\n,"Replicas":oops\n}\n' >"$SERVICE/spec.json" 2>/dev/null
isnt $? 0 "a wrong line in the middle: bash sees it"
like "$(cat "$SERVICE/last_error")" "line 2" "last_error tells of that line"
is "$(cat "$SERVICE/image")" "example/web:1" "the lines around it are not taken without it"
exec 3>"$SERVICE/replicas"
echo many >&3 2>/dev/null
echo 3 >&3
exec 3>&-
is "$(cat "$SERVICE/replicas")" "3" "who keeps the file open may try again"
echo 2 >"$SERVICE/replicas"
printf 3 >"$SERVICE/replicas"
is "$(cat "$SERVICE/replicas")" "3" "a value without a newline counts at close"
for size in 64K 65K 10G; do
	dd if=/dev/zero of="$DUPLO/demo/config/AT" bs=1 count=1 seek=$size conv=notrunc 2>"$TEST_DIR/dd"
	like "$(cat "$TEST_DIR/dd")" "too large" "a byte at $size is too far"
done
becomes 10 "and makes no file" test ! -e "$DUPLO/demo/config/AT"
head -c 65536 /dev/urandom >"$TEST_DIR/random"
cp "$TEST_DIR/random" "$DUPLO/demo/secrets/RANDOM"
succeeds "64 KiB of any bytes come back" cmp "$TEST_DIR/random" "$DUPLO/demo/secrets/RANDOM"
: >"$SERVICE/spec.json"
truncate -s 0 "$SERVICE/spec.json"
is "$(jq -r .DockerImage "$SERVICE/spec.json")" "example/web:1" "truncating alone changes nothing"
{ printf a; printf b | cat; printf c; } >"$DUPLO/demo/config/PARTS"
is "$(cat "$DUPLO/demo/config/PARTS")" "abc" "one value by several processes"
touch "$DUPLO/demo/config/EMPTY"
eventually 5 test -e "$DUPLO/demo/config/EMPTY"
is "$(stat -c %s "$DUPLO/demo/config/EMPTY")" "0" "touch makes an empty value"
value=$DUPLO/demo/config/APPENDED
echo a >"$value"
echo b >>"$value"
is "$(tr '\n' ' ' <"$value")" "a b " "what is appended comes behind what is there"
: >"$value"
is "$(tr '\n' ' ' <"$value")" "a b " "emptying it alone changes nothing"
echo c >>"$value"
is "$(tr '\n' ' ' <"$value")" "c " "but what is appended then is all"
truncate -s 0 "$value"
(echo too-long >"$SERVICE/replicas") 2>/dev/null
head -c 65536 /dev/zero 2>/dev/null | cat >"$value" && printf x | try append "$value" >"$TEST_DIR/append"
like "$(cat "$TEST_DIR/append")" "^EFBIG" "who appends too much is told"
(echo d >>"$value") 2>/dev/null
isnt $? 0 "and so is the next, who has emptied nothing"
rm "$value"
mv "$DUPLO/demo/config/PARTS" "$DUPLO/demo/config/WHOLE"
is "$(cat "$DUPLO/demo/config/WHOLE")$(ls "$DUPLO/demo/config" | tr '\n' ' ')" "abcEMPTY WHOLE " "a value can be renamed"
is "$(python3 - "$SERVICE" <<'PY'
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (6000, 6000))
service = sys.argv[1]
held = [os.open(f"{service}/replicas", os.O_WRONLY | os.O_TRUNC) for _ in range(3000)]
os.write(held[1234], b"1\n")
print(open(f"{service}/replicas").read().strip(), end=" ")
for fd in held:
    os.close(fd)
print(open(f"{service}/replicas").read().strip(), end=" ")
fd = os.open(f"{service}/tmp.x", os.O_RDWR | os.O_CREAT | os.O_EXCL)
os.write(fd, b"still here")
os.unlink(f"{service}/tmp.x")
print(os.pread(fd, 100, 0).decode(), os.fstat(fd).st_nlink)
PY
)" "3 1 still here 0" "3000 open writers, one of which writes; an unlinked file that is open"

# History.
succeeds "history has what was accepted" test "$(ls "$SERVICE/history" | wc -l)" -ge 3
cp "$SERVICE/history/1" "$SERVICE/spec.json"
is "$(cat "$SERVICE/replicas")" "2" "a copy of it goes back"
succeeds "rollout takes a command" sh -c "echo restart >'$SERVICE/rollout'"
(echo restrat >"$SERVICE/rollout") 2>/dev/null
isnt $? 0 "and refuses what is none"
like "$(cat "$SERVICE/last_error")" 'did you mean "restart"' "with the nearest"
echo restart >"$SERVICE/rollout"
is "$(cat "$SERVICE/last_error")" "" "last_error is empty after an accepted write"

# Waiting and polling. An image that no one has does not settle well.
service demo bad '{"DockerImage":"example/no-such-image-pull-fails:1"}'
is "$(python3 - "$DUPLO/demo" <<'PY'
import os, select, signal, subprocess, sys, time
demo = sys.argv[1]
os.mkdir(f"{demo}/services/late")
# Nothing is wanted yet, so there is nothing to wait for.
print(len(open(f"{demo}/services/late/wait").read()), end=" ")
# What changes is told to who polls.
status = os.open(f"{demo}/services/late/status", os.O_RDONLY)
poll = select.poll()
poll.register(status, select.POLLPRI)
print(len(poll.poll(0)), end=" ")
with open(f"{demo}/services/late/spec.json", "w") as f:
    f.write('{"DockerImage":"example/web:1"}')
print(len(poll.poll(10000)), end=" ")
# Each waits for what is wanted when it opens.
waiting = [subprocess.Popen(["cat", f"{demo}/services/late/wait"]) for _ in range(50)]
begin = time.monotonic()
open(f"{demo}/services/late/replicas").read()
quick = time.monotonic() - begin < 5
print(quick, sorted({w.wait(60) for w in waiting}))
PY
)" "0 0 1 True [0]" "wait, poll, and readers beside them"
service demo slow '{"DockerImage":"example/web:1"}'
python3 - "$SERVICE/wait" <<'PY' >"$TEST_DIR/interrupted"
import os, signal, sys
class Stop(Exception): pass
def stop(*_): raise Stop
fd = os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK)
try:
    print(os.read(fd, 10))
except BlockingIOError:
    print("would block")
PY
like "$(cat "$TEST_DIR/interrupted")" "^(would block|b'')$" "a read that may not block says so"

# Tenants by Unix means.
chown 1234:1235 "$DUPLO/demo"
SERVICE=$DUPLO/demo/services/web
is "$(stat -c %u:%g "$SERVICE/spec.json")" "1234:1235" "what is below belongs to the tenant's owner"
succeeds "the owner writes" as 1234 1234 sh -c "echo 4 >'$SERVICE/replicas'"
succeeds "its group reads" as 4444 1235 cat "$SERVICE/spec.json"
fails "and does not write" as 4444 1235 sh -c "echo 5 >'$SERVICE/replicas'"
fails "nor read secrets" as 4444 1235 cat "$DUPLO/demo/secrets/RANDOM"
fails "others read nothing" as 5555 5555 ls "$DUPLO/demo"
fails "tenants are made by root" as 1234 1234 mkdir "$DUPLO/other"
fails "and nobody else sees the administrator's room" as 1234 1234 cat "$DUPLO/.platform/status"
chmod 700 "$DUPLO/demo"
fails "chmod of the directory shuts the group out" as 4444 1235 cat "$SERVICE/spec.json"
chmod 777 "$DUPLO/demo"
fails "not even its owner opens it to all" as 5555 5555 ls "$DUPLO/demo"
succeeds "the owner's editor" as 1234 1235 sed -i s/4/6/ "$SERVICE/replicas"
is "$(cat "$SERVICE/replicas")" "6" "saves"

# Many entries.
mkdir "$DUPLO/many"
python3 - "$DUPLO/many/config" <<'PY'
import sys
for i in range(2000):
    with open(f"{sys.argv[1]}/K{i:05}", "w") as f:
        f.write(str(i))
PY
is "$(ls "$DUPLO/many/config" | sort -u | wc -l)" "2000" "2000 entries are listed once each"
is "$(find "$DUPLO/many/config" -type f -size -4c | wc -l)" "1000" "with their sizes"
# Logs of all services: listed in pieces, in the middle of one that goes meanwhile, too.
service many left '{"DockerImage":"example/web:1","Replicas":1000}'
settles 60
service many right '{"DockerImage":"example/web:1","Replicas":1000}'
settles 60
is "$(ls "$DUPLO/many/logs" | sort -u | wc -l) $(ls "$DUPLO/many/logs" | wc -l)" "2000 2000" \
	"2000 logs of two services are listed once each"
is "$(find "$DUPLO/many/logs" -type f -regextype posix-extended -regex '.*/(left|right)\.(0|[1-9][0-9]{0,2})' | wc -l)" "2000" "by service and ordinal"
for name in left left. .0 left.1000 left.00 left.0.0 other.0 "$long.0"; do
	fails "there is no logs/${name:0:12}" cat "$DUPLO/many/logs/$name"
done
is "$(python3 - "$DUPLO/many" <<'PY'
import os, sys
names = []
with os.scandir(sys.argv[1] + "/logs") as entries:
    for entry in entries:
        names.append(entry.name)
        if len(names) == 10:
            os.rmdir(sys.argv[1] + "/services/" + entry.name.split(".")[0])
print(len(names) == len(set(names)), len([name for name in names if name.startswith("right.")]))
PY
)" "True 1000" "of a service that stays each is listed, whatever goes"
succeeds "rm -r" rm -r "$DUPLO/many"
succeeds "rm -r of all" rm -r "$DUPLO/demo"
is "$(ls "$DUPLO")" "README" "nothing is left"
platform_stop
tap_done
