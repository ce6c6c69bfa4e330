#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Files that programs keep beside ours while they save: in memory, bounded for each user, and gone in
# the end. And writes that are far too large, and handles by the thousand.
. "${0%/*}/lib/platform.sh"

chmod 711 "$TEST_DIR" # for other users
platform_start -c simulated || bail "no platform"
as() {
	setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"
}
for tenant in demo other; do
	mkdir "$DUPLO/$tenant"
	service $tenant web '{"DockerImage":"example/web:1","Replicas":2}'
	settles 60
done
chown 1234:1234 "$DUPLO/demo"
chown 4321:4321 "$DUPLO/other"
SERVICE=$DUPLO/demo/services/web
generation=$(status_field Generation)
size() {
	du -s --apparent-size "$(runtime_directory)/scratch" | cut -f 1
}
worker_kib() {
	awk '/^VmRSS/ { print $2 }' "/proc/$(worker_pid)/status"
}

# Far too much, of anything: refused early, at no cost.
memory=$(worker_kib)
for name in spec.json replicas ../../secrets/BIG ../../config/BIG .big.tmp status events; do
	began=$EPOCHSECONDS
	fails_with "File too large|Invalid argument" "10 GB into $name are refused" \
		bash -c "head -c 10G /dev/zero | cat >'$SERVICE/$name'"
	ok $((EPOCHSECONDS - began > 20)) "soon"
done
becomes 10 "and no value is made of it" test ! -e "$DUPLO/demo/config/BIG" -a ! -e "$DUPLO/demo/secrets/BIG"
for name in spec.json ../../config/BIG .big.tmp; do
	fails_with "File too large" "a size of 10 GB is refused: $name" truncate -s 10G "$SERVICE/$name"
	fails_with "File too large" "and a byte that far away: $name" \
		bash -c "printf x | dd of='$SERVICE/$name' bs=1 seek=10G conv=notrunc status=none"
done
ok $(($(worker_kib) - memory > 65536)) "without the memory for it"
rm -f "$SERVICE/.big.tmp"
is "$(cat "$SERVICE/spec.json")" '{"DockerImage":"example/web:1","Replicas":2}' "the spec is as it was"

# A share for each user.
succeeds "a user keeps 60 MB" as 1234 sh -c "head -c 60M /dev/zero >'$SERVICE/.one.tmp'"
succeeds "and 60 more" as 1234 sh -c "head -c 60M /dev/zero >'$SERVICE/.two.tmp'"
fails_with "quota" "but not 180" as 1234 sh -c "head -c 60M /dev/zero >'$SERVICE/.three.tmp'"
fails_with "quota" "in no other directory" as 1234 sh -c "head -c 60M /dev/zero >'$DUPLO/demo/config/.x.tmp'"
succeeds "another user has a share of its own" as 4321 sh -c "head -c 60M /dev/zero >'$DUPLO/other/.one.tmp'"
ok $(($(size) < 170000)) "all that is in memory"
rm "$SERVICE"/.{one,two,three}.tmp "$DUPLO/demo/config/.x.tmp"
succeeds "what is removed makes room" as 1234 sh -c "head -c 60M /dev/zero >'$SERVICE/.one.tmp'"
rm "$SERVICE/.one.tmp" "$DUPLO/other/.one.tmp"
ok $(($(size) > 1000)) "and gives the memory back"
cat >"$TEST_DIR/count.py" <<'PY'
import errno, os, sys
directory, made = sys.argv[1], 0
try:
    while made < 20000:
        os.close(os.open(f"{directory}/.f{made}.tmp", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        made += 1
except OSError as error:
    print(made, errno.errorcode[error.errno])
PY
chmod 644 "$TEST_DIR/count.py"
is "$(as 1234 /usr/bin/python3 -I "$TEST_DIR/count.py" "$DUPLO/demo")" "8192 EDQUOT" "a user has at most 8192 files"
is "$(find "$DUPLO/demo" -maxdepth 1 -name '.f*' | wc -l)" "8192" "which are listed"
succeeds "another user makes one" as 4321 touch "$DUPLO/other/.x.tmp"
succeeds "who has too many saves all the same" as 1234 sh -c "echo 3 >'$SERVICE/replicas'"
find "$DUPLO/demo" -maxdepth 1 -name '.f*' -delete
succeeds "without them there is room" as 1234 touch "$DUPLO/demo/.x.tmp"

# They are nobody's wish, and go.
echo '{"DockerImage":"example/web:9"}' >"$SERVICE/spec.json.tmp"
cp "$SERVICE/spec.json.tmp" "$SERVICE/spec.json~"
cp "$SERVICE/spec.json.tmp" "$SERVICE/.spec.json.swp"
cp "$SERVICE/spec.json.tmp" "$SERVICE/#spec.json#"
is "$(status_field Generation)" "$((generation + 1))" "what lies beside the spec is never taken for it"
is "$(cat "$SERVICE/image")" "example/web:1" "nor its image"
cat >"$TEST_DIR/open.py" <<'PY'
import os, signal, sys
path, worker = sys.argv[1], int(sys.argv[2])
fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
os.write(fd, b"x" * 1000000)
os.unlink(path)
os.kill(worker, signal.SIGKILL)
os.write(fd, b"y")
print(os.path.exists(path), os.fstat(fd).st_size, os.fstat(fd).st_nlink, os.pread(fd, 2, 999999))
PY
is "$(python3 "$TEST_DIR/open.py" "$SERVICE/.open.tmp" "$(worker_pid)")" "False 1000001 0 b'xy'" \
	"one that has lost its name is there for who has it open, through another worker too"
is "$(cat "$SERVICE/spec.json.tmp")" '{"DockerImage":"example/web:9"}' "those with a name are there as well"
becomes 20 "closed, it is gone" test "$(size)" -lt 1000
mkdir "$DUPLO/demo/services/gone"
touch "$DUPLO/demo/services/gone/.x.tmp"
succeeds "rmdir of a service with such files" rmdir "$DUPLO/demo/services/gone"
mkdir "$DUPLO/demo/services/gone"
fails_with "No such file" "a new one of that name has none" stat "$DUPLO/demo/services/gone/.x.tmp"
platform_stop
platform_start -c simulated || bail "no platform"
is "$(find "$DUPLO" -name '*tmp' -o -name '*~' -o -name '*swp' -o -name '#*')" "" "with the mount they are gone"

# Memory is full: writing says so and leaves nothing half done, reading goes on.
service demo web '{"DockerImage":"example/web:1","Replicas":3}'
SERVICE=$DUPLO/demo/services/web
echo old >"$DUPLO/demo/secrets/OLD"
head -c 50000 /dev/zero | tr '\0' x >"$DUPLO/demo/config/LONG"
# Takes what is left; what drafts that go just now give back, at the next call.
takes_nothing() {
	[ "$(dd if=/dev/zero of="$(runtime_directory)/filler" bs=4096 oflag=append conv=notrunc 2>&1 | sed -n 's/+.*out$//p')" -eq 0 ]
}
succeeds "300 KiB are left" mount -o "remount,size=$(($(df -k --output=used "$(runtime_directory)" | tail -n 1) + 300))k" \
	"$(runtime_directory)"
becomes 10 "and taken" takes_nothing
for path in services/web/spec.json services/web/replicas secrets/OLD secrets/NEW config/NEW .x.tmp; do
	fails_with "No space left" "writing $path says so" bash -c "echo '{\"DockerImage\":\"example/web:9\"}' >'$DUPLO/demo/$path'"
done
is "$(find "$DUPLO/demo/secrets" "$DUPLO/demo/config" -name NEW)" "" "nothing came of it"
is "$(cat "$SERVICE/spec.json" "$SERVICE/replicas" "$DUPLO/demo/secrets/OLD")" \
	"$(printf '{"DockerImage":"example/web:1","Replicas":3}\n3\nold')" "what was there is read, just written to as it is"
is "$(tr -d x <"$DUPLO/demo/config/LONG" | wc -c) $(wc -c <"$DUPLO/demo/config/LONG")" "0 50000" "what is long, too"
rm "$(runtime_directory)/filler"
succeeds "there is room again" mount -o remount,size=50% "$(runtime_directory)"
succeeds "a secret is made" bash -c "echo new >'$DUPLO/demo/secrets/NEW'"
is "$(cat "$DUPLO/demo/secrets/NEW")" "new" "and read"
rm "$DUPLO/demo/secrets/"{NEW,OLD} "$DUPLO/demo/config/LONG"

# Handles.
is "$(python3 - "$SERVICE" "$DUPLO/demo" <<'PY'
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (19000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
service, tenant = sys.argv[1:]
held = [os.open(f"{service}/{('status', 'spec.json', 'wait', 'events')[i % 4]}", os.O_RDONLY) for i in range(9000)]
held += [os.open(f"{service}/replicas", os.O_WRONLY | os.O_TRUNC) for i in range(4000)]
held += [os.open(service, os.O_RDONLY | os.O_DIRECTORY) for i in range(2000)]
scratch = [os.open(f"{tenant}/.h{i}.tmp", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600) for i in range(2000)]
for i, fd in enumerate(scratch):
    os.write(fd, b"%d" % i)
good = all(os.pread(fd, 10, 0) == b"%d" % i for i, fd in enumerate(scratch))
good &= all(len(os.pread(fd, 100000, 0)) > 0 for fd in held[:4000:4])
os.write(held[11000], b"1\n")
print(good, open(f"{service}/replicas").read().strip(), end=" ")
for fd in held + scratch:
    os.close(fd)
print(open(f"{service}/replicas").read().strip(), len(os.listdir(service)) > 15)
PY
)" "True 3 1 True" "17000 open handles"

rm -r "$DUPLO/demo" "$DUPLO/other"
platform_stop
tap_done
