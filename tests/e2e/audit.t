#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The audit: a line for each operation of a user's, accepted or refused, that survives what its change does.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
chmod 711 "$TEST_DIR" # for other users
as() {
	setpriv --reuid="$1" --regid="$2" --clear-groups "${@:3}"
}
audit() {
	tail -n "${1:-1}" "$DUPLO/.platform/audit" | head -n 1
}
# said OPERATION PATH REST NAME: the last line tells that.
said() {
	like "$(audit)" \
		"^20[0-9-]{8}T[0-9:]{8}\.[0-9]{6}Z uid=[0-9]+ gid=[0-9]+ pid=[0-9]+ program=[^ ]+ operation=$1 path=$2 $3\$" "$4"
}
lines() {
	wc -l <"$DUPLO/.platform/audit"
}

is "$(stat -c '%U %a' "$DUPLO/.platform/audit")" "root 400" "root's alone"
fails_with "Permission denied" "nobody else reads it" as 1234 1234 cat "$DUPLO/.platform/audit"
fails_with "" "not even root writes it" bash -c "echo x >'$DUPLO/.platform/audit' && grep -q '^x' '$DUPLO/.platform/audit'"
mkdir "$DUPLO/demo"
said mkdir demo "generation=- outcome=accepted" "mkdir"
like "$(audit)" " uid=0 gid=0 pid=[1-9][0-9]* program=mkdir " "with who and by which program"
chown 1234:1235 "$DUPLO/demo"
said chown demo "generation=- owner=1234:1235 outcome=accepted" "chown"
chmod 700 "$DUPLO/demo"
said chmod demo "generation=- mode=700 outcome=accepted" "chmod"
as 1234 1235 mkdir "$DUPLO/demo/services/web"
said mkdir demo/services/web "generation=- outcome=accepted" "mkdir of a service"
like "$(audit)" " uid=1234 gid=1235 " "by its owner"
SERVICE=$DUPLO/demo/services/web
as 1234 1235 sh -c "echo '{\"DockerImage\":\"example/web:1\"}' >'$SERVICE/spec.json'"
said write demo/services/web/spec.json "generation=1 outcome=accepted" "a spec, with its generation"
is "$(stat -c %s "$DUPLO/.platform/audit")" "$(wc -c <"$DUPLO/.platform/audit")" "its size is exact"
(echo many >"$SERVICE/replicas") 2>/dev/null
said write demo/services/web/replicas "generation=1 outcome=EINVAL" "a refused value"
echo 3 >"$SERVICE/replicas"
said write demo/services/web/replicas "generation=2 outcome=accepted" "an accepted one"
count=$(lines)
# In one call: of more, the first would be wrong already.
dd if=/dev/zero of="$SERVICE/replicas" bs=5000 count=1 status=none 2>/dev/null
said write demo/services/web/replicas "generation=2 outcome=EFBIG" "one too long"
is "$(lines)" $((count + 1)) "once"
echo 3 >"$SERVICE/replicas"
said write demo/services/web/replicas "generation=2 outcome=(unchanged|accepted)" "the same again"
echo restart >"$SERVICE/rollout"
said write demo/services/web/rollout "generation=2 command=restart outcome=accepted" "a command"
(echo restrat >"$SERVICE/rollout") 2>/dev/null
said write demo/services/web/rollout "generation=2 outcome=EINVAL" "one that is none"
cp "$SERVICE/history/1" "$SERVICE/spec.next"
said write demo/services/web/spec.next "generation=2 outcome=accepted" "a staged spec"
mv "$SERVICE/spec.next" "$SERVICE/spec.json"
said rename demo/services/web/spec.json "generation=3 outcome=accepted" "and its mv"
sed -i s/web:1/web:2/ "$SERVICE/spec.json"
said rename demo/services/web/spec.json "generation=4 outcome=accepted" "an editor's rename"
like "$(audit)" "program=sed" "by its name"
echo on >"$SERVICE/protect"
said write demo/services/web/protect "generation=4 outcome=accepted" "a flag"
rmdir "$SERVICE" 2>/dev/null
said rmdir demo/services/web "generation=4 outcome=EBUSY" "a refused rmdir"
echo off >"$SERVICE/protect"
(mkdir "$DUPLO/demo/services/Not a
name") 2>/dev/null
said mkdir 'demo/services/Not\\040a\\012name' "generation=- outcome=EINVAL" "a name that would forge lines"

# Secrets: that, not what.
echo "s3cr3t" >"$DUPLO/demo/secrets/TOKEN"
said create demo/secrets/TOKEN "generation=1 outcome=accepted" "a secret is made"
echo "s3cr3t too" >"$DUPLO/demo/secrets/TOKEN"
said write demo/secrets/TOKEN "generation=2 outcome=accepted" "written"
head -c 70000 /dev/zero 2>/dev/null | tr '\0' s >"$DUPLO/demo/secrets/TOKEN" 2>/dev/null
said write demo/secrets/TOKEN "generation=2 outcome=EFBIG" "refused"
rm "$DUPLO/demo/secrets/TOKEN"
said unlink demo/secrets/TOKEN "generation=2 outcome=accepted" "and removed"
mkdir "$DUPLO/demo/secrets.next"
echo "s3cr3t again" >"$DUPLO/demo/secrets.next/A"
mv -T "$DUPLO/demo/secrets.next" "$DUPLO/demo/secrets"
said rename demo/secrets "generation=- outcome=accepted" "all of them at once"
echo "s3cr3t too" >"$DUPLO/demo/secrets/TOKEN"
rm "$DUPLO/demo/secrets/TOKEN"
unlike "$(cat "$DUPLO/.platform/audit")" "s3cr3t" "no value is told"

# With the change it tells of, whatever kills the platform.
platform_kill
platform_start -c simulated || bail "no platform"
said unlink demo/secrets/TOKEN "generation=1 outcome=accepted" "what was told is told after a crash"
for round in 1 2 3; do
	worker=$(worker_pid)
	for number in {1..40}; do
		echo "$number" >"$DUPLO/demo/config/K$round-$number"
		[ "$number" != 20 ] || kill -KILL "$worker"
	done 2>/dev/null
done
is "$(grep -c 'operation=create path=demo/config/K.* outcome=accepted' "$DUPLO/.platform/audit")" \
	"$(find "$DUPLO/demo/config" -name 'K*' | wc -l)" "a line for each value that is there, over three crashes"
is "$(grep 'path=demo/config/K' "$DUPLO/.platform/audit" | grep -o 'path=[^ ]*' | sort | uniq -d)" "" "none twice"
fails_with "" "who may not is stopped by the kernel" as 5555 5555 mkdir "$DUPLO/demo/services/x"
succeeds "rm -r" rm -r "$DUPLO/demo"
said rmdir demo "generation=- outcome=accepted" "rmdir of the tenant"
platform_stop
tap_done
