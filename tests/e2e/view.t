#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a container sees at /duplo: all that is its service's, nothing of anybody else, and no mix of two changes.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/shell.sh
. "$lib/shell.sh"

succeeds "an image with a shell" shell_image
platform_start || bail "no platform"
mkdir "$DUPLO/demo" "$DUPLO/other"
echo tenant >"$DUPLO/demo/config/COLOR"
echo tenant >"$DUPLO/demo/config/SHAPE"
printf 'pass\0word' >"$DUPLO/demo/secrets/PASSWORD"
echo hidden >"$DUPLO/demo/secrets/UNLISTED"
FOREIGN=foreign-$(od -An -N 12 -tx1 /dev/urandom | tr -d ' \n')
echo "$FOREIGN" >"$DUPLO/other/secrets/FOREIGN"
echo "$FOREIGN" >"$DUPLO/other/config/FOREIGN"
service other api "$(shell_spec)"
service demo db "$(shell_spec)"
echo "$FOREIGN" >"$SERVICE/config/OF_DB"
service demo web "$(shell_spec '"Replicas":2,"Secrets":["PASSWORD"]')"
echo service >"$SERVICE/config/SHAPE"
for directory in "$DUPLO"/{other/services/api,demo/services/db,demo/services/web}; do
	settles 60 "$directory"
	ok $? "${directory##*/} settles"
done
web=$(container_of 0)

see() {
	inside "$web" 12345 "$1"
}

try_inside() {
	inside "$web" 0 "$1" 2>&1
}

# ---- what is there ----

is "$(see 'cat /duplo/config/COLOR')" "tenant" "config: the tenant's"
is "$(see 'cat /duplo/config/SHAPE')" "service" "config: the service's over the tenant's"
is "$(see 'ls /duplo/secrets')" "PASSWORD" "secrets: those of the list alone"
is "$(see 'od -An -c /duplo/secrets/PASSWORD' | tr -d ' ')" 'pass\0word' "a secret with a NUL byte"
is "$(see 'ls -1 /duplo')" "$(printf '%s\n' config hosts neighbors neighbors.json resources secrets self.json)" "the names in /duplo"
is "$(see 'cat /duplo/self.json' | jq -r '.Tenant + "/" + .Service')" "demo/web" "self.json"
is "$(see 'ls -1 /duplo/neighbors')" "$(printf '%s\n' db web)" "neighbors: the tenant's services"
both_there() {
	[ "$(see 'cat /duplo/neighbors/web' | wc -l)" -eq 2 ]
}
becomes 10 "a line a healthy instance" both_there
like "$(see 'cat /duplo/neighbors/db')" '^[0-9.]+:80$' "address:port"
is "$(see 'cat /duplo/neighbors.json' | jq -c '[.web, .db] | map(length)')" "[2,1]" "neighbors.json has all at once"
is "$(see 'cat /duplo/neighbors.json' | jq -r '.db[0]')" "$(see 'cat /duplo/neighbors/db')" "with the same addresses"
like "$(see 'cat /duplo/hosts')" "$(see 'cat /duplo/neighbors/db' | cut -d : -f 1)"$'\t''db db\.demo' "hosts has the names"
for name in self.json neighbors.json hosts config/SHAPE neighbors/db; do
	# What shell and container print may end differently.
	is "$(cat "$SERVICE/runtime/$name")" "$(see "cat /duplo/$name")" "runtime/$name is what they see"
done
is "$(inside "$web" 999 'cat /duplo/secrets/PASSWORD' | wc -c)" "9" "any uid in the container reads"

# ---- who has read what ----

reads() {
	grep -c "operation=read path=$1 " "$DUPLO/.platform/audit"
}
told() {
	[ "$(reads "$1")" -eq "$2" ]
}
becomes 10 "the audit tells which service has read which secret" told demo/secrets/PASSWORD 1
like "$(grep operation=read "$DUPLO/.platform/audit")" \
	"^20[0-9TZ:.-]+ uid=(12345|-) gid=(0|-) pid=[0-9]+ program=[^ ]+ operation=read path=demo/secrets/PASSWORD generation=1 service=web outcome=accepted\$" \
	"and when, and who, where the process is there still"
inside "$(container_of 0 "$DUPLO/demo/services/db")" 12345 'sleep 1 </duplo/secrets/UNLISTED; cat /duplo/secrets/UNLISTED' >/dev/null
becomes 10 "another service, another secret" told demo/secrets/UNLISTED 1
like "$(grep operation=read "$DUPLO/.platform/audit" | tail -n 1)" \
	" uid=12345 gid=0 pid=[0-9]+ program=(sh|sleep|busybox) .* service=db " "with its program"
is "$(reads demo/secrets/PASSWORD)" "1" "what is read again and again is told once"

# ---- what is not ----

for attempt in 'touch /duplo/x' 'touch /duplo/config/COLOR' 'rm -f /duplo/config/COLOR' 'mkdir /duplo/secrets/x' \
	'mv -f /duplo/config /duplo/c' 'chmod 600 /duplo/secrets/PASSWORD' 'echo x >/duplo/secrets/PASSWORD' \
	'ln -s x /duplo/..data' 'touch /duplo/..data/config/COLOR'; do
	like "$(try_inside "$attempt")" "Read-only file system" "root in the container: $attempt"
done
for attempt in 'mount -o remount,rw /duplo' 'mount -o remount,bind,rw /duplo' 'mount -t tmpfs x /duplo' 'umount /duplo'; do
	like "$(try_inside "$attempt")" "denied|not permitted|must be" "root in the container: $attempt"
done
is "$(try_inside 'ls /duplo/..')" "$(try_inside 'ls /')" ".. of /duplo is the container's own root"
is "$(try_inside "grep -rs $FOREIGN /duplo /duplo/../duplo /bin /etc /tmp /www | head -n 3")" "" \
	"nothing of another tenant or service is to be found"
is "$(try_inside "grep -s $FOREIGN /proc/mounts /proc/self/mountinfo /proc/self/environ /proc/1/environ")" "" "nor in /proc"
is "$(try_inside 'cat /duplo/secrets/UNLISTED' | grep -c hidden)" "0" "a secret that is not in the list is not there"
is "$(try_inside 'find /duplo -name UNLISTED -o -name FOREIGN -o -name OF_DB')" "" "nor is its name"
is "$(engine "/containers/$web/json" | jq -r '.Mounts[] | select(.Destination == "/duplo") | .RW')" "false" "the mount is read-only"

# ---- several changes as one ----

CONFIG=$SERVICE/config
mkdir "$CONFIG.next"
cp "$CONFIG"/* "$CONFIG.next/"
for key in A B C D E F; do
	echo 0 >"$CONFIG.next/$key"
done
is "$(ls "$CONFIG")" "SHAPE" "what is staged is not in force"
succeeds "mv -T puts it there" mv -T "$CONFIG.next" "$CONFIG"
is "$(cat "$CONFIG"/{A,F,SHAPE} | tr '\n' ' ')" "0 0 service " "all of it"
is "$(ls -d "$CONFIG.next" 2>/dev/null)" "" "the staged directory is gone"
first_round() {
	[ "$(see 'cat /duplo/config/F')" = 0 ]
}
becomes 5 "the container has it" first_round

# shellcheck disable=SC2016 # for the container's shell
READER='passes=0 mixed=0 failed=0 rounds=0 last=
while [ "$last" != end ]; do
	cd /duplo/config || failed=$((failed + 1))
	set -- $(cat A B C D E F) || failed=$((failed + 1))
	[ $# -eq 6 ] || failed=$((failed + 1))
	for value; do [ "$value" = "$1" ] || mixed=$((mixed + 1)); done
	[ "$1" = "$last" ] || rounds=$((rounds + 1))
	last=$1 passes=$((passes + 1))
done
echo "mixed=$mixed failed=$failed rounds=$rounds passes=$passes"'
{ see "$READER" >"$TEST_DIR/reader"; } &
reader=$!
for round in $(seq 60) end; do
	mkdir "$CONFIG.next" && cp "$CONFIG"/SHAPE "$CONFIG.next/"
	for key in A B C D E F; do
		echo "$round" >"$CONFIG.next/$key"
	done
	mv -T "$CONFIG.next" "$CONFIG" || diag "round $round"
done
wait "$reader"
like "$(cat "$TEST_DIR/reader")" "mixed=0 failed=0 rounds=[0-9]{2}" "60 changes of six files: a reader never sees a mix"
note "$(cat "$TEST_DIR/reader")"
is "$(inside "$web" 12345 'cd /duplo/config; pwd -P' >/dev/null; see 'ls -A /duplo | grep -c "^\.\.data$"')" "1" "..data leads to the set"
old_sets() {
	[ "$(see 'ls -A /duplo | grep -cE "^\.\.[0-9a-f]{16}-"')" -eq "$1" ]
}

# Refused as a whole.
refused() {
	fails_with "$1" "refused: $2" mv -T "$CONFIG.next" "$CONFIG"
	like "$(cat "$SERVICE/last_error")" "$3" "last_error says why: $2"
	is "$(cat "$CONFIG/A")" "end" "and all is as it was: $2"
	rm -r "$CONFIG.next"
}
mkdir "$CONFIG.next" "$CONFIG.next/SUB"
echo new >"$CONFIG.next/A"
refused "directory" "a directory in it" "SUB.*is a directory"
mkdir "$CONFIG.next"
echo new >"$CONFIG.next/A"
head -c 65537 /dev/zero >"$CONFIG.next/BIG"
refused "too large" "a value over 64 KiB" "BIG.*65536"
mkdir "$CONFIG.next"
echo new >"$CONFIG.next/A"
echo new >"$CONFIG.next/9LIVES"
refused "." "a name that is none" "9LIVES"
mkdir "$CONFIG.next"
echo new >"$CONFIG.next/A"
fails_with "directory" "without -T mv would put it into the directory: refused" mv "$CONFIG.next" "$CONFIG"
rm -r "$CONFIG.next"
mkdir "$DUPLO/demo/secrets.next"
is "$(stat -c %a "$DUPLO/demo/secrets.next")" "700" "staged secrets are private"
printf changed >"$DUPLO/demo/secrets.next/PASSWORD"
succeeds "secrets as a whole" mv -T "$DUPLO/demo/secrets.next" "$DUPLO/demo/secrets"
is "$(ls "$DUPLO/demo/secrets")" "PASSWORD" "those that were not staged are gone"
password_changed() {
	[ "$(see 'cat /duplo/secrets/PASSWORD')" = changed ]
}
becomes 5 "the container reads it" password_changed
becomes 10 "and the audit tells that it has read the new one" told demo/secrets/PASSWORD 2
like "$(grep operation=read "$DUPLO/.platform/audit" | tail -n 1)" "path=demo/secrets/PASSWORD generation=[2-9].* service=web" \
	"by its generation"
fails_with "." "other directories cannot be made there" mkdir "$DUPLO/demo/configs.next"

# ---- names ----

is "$(answer "$web" db)" "db-0" "a service is reached by its name"
is "$(answer "$web" db.demo)" "db-0" "and by name and tenant"
is "$(answer "$web" "$(see 'cat /duplo/neighbors/db')")" "db-0" "and by its address"
becomes 30 "old sets go after a while" old_sets 1
is "$(container_of 0)" "$web" "the container was never restarted"

rm "$DUPLO"/{demo,other}/{secrets,config}/*
succeeds "rmdir" rmdir "$DUPLO"/demo/services/{web,db} "$DUPLO"/other/services/api "$DUPLO/demo" "$DUPLO/other"
nothing_leaked
platform_stop
tap_done
