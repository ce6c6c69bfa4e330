#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A disk that is full, or cannot be written: EROFS for who writes, reads go on, nothing half-applied,
# and when there is room again everything goes on by itself.
. "${0%/*}/lib/platform.sh"

STATE=$TEST_DIR/main.state
mkdir "$STATE"
mount -t tmpfs -o size=6m,mode=0700 duplofs-test "$STATE"
test_clean() {
	chattr -i "$TEST_DIR"/locked.state/duplofs.db* 2>/dev/null
	umount -l "$STATE" "$TEST_DIR/locked.state" 2>/dev/null
}
platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
service demo web '{"DockerImage":"example/web:1","Replicas":2}'
settles 60
echo before >"$DUPLO/demo/config/KEY"
echo secret >"$DUPLO/demo/secrets/KEY"
good=$(cat "$SERVICE/spec.json")
head -c 60000 /dev/urandom >"$TEST_DIR/value"

refused() {
	local name=$1 got
	shift
	got=$(try "$@" 2>&1)
	like "$got" "^EROFS (write|close|fsync|rename|open|mkdir|rmdir|unlink)\$" "$name: EROFS"
}

# all_refused WHY: whatever is written; and what is read meanwhile.
all_refused() {
	refused "$1: a spec" write "$SERVICE/spec.json" '{"DockerImage":"example/web:2","Replicas":5}'
	refused "$1: by rename" replace "$SERVICE/spec.json" '{"DockerImage":"example/web:2","Replicas":5}'
	refused "$1: a value" write "$SERVICE/replicas" 7
	refused "$1: a secret" write "$DUPLO/demo/secrets/KEY" "other"
	refused "$1: a new secret" create "$DUPLO/demo/secrets/NEW"
	refused "$1: a tenant" mkdir "$DUPLO/new"
	refused "$1: a service" mkdir "$DUPLO/demo/services/new"
	refused "$1: to undeploy" rmdir "$SERVICE"
	refused "$1: to remove" unlink "$DUPLO/demo/config/KEY"
	fails_with "Read-only file system" "$1: cat sees it" bash -c "echo 7 | cat >'$SERVICE/replicas'"
	is "$(cat "$SERVICE/spec.json")" "$good" "$1: the spec is as it was"
	is "$(cat "$SERVICE/replicas" "$DUPLO"/demo/{config,secrets}/KEY | tr '\n' ' ')" "2 before secret " \
		"$1: all values too"
	is "$(ls "$DUPLO" "$DUPLO/demo/services" "$DUPLO/demo/secrets" | tr '\n' ' ')" \
		"$DUPLO: README demo  $DUPLO/demo/secrets: KEY  $DUPLO/demo/services: web " "$1: no new names"
	is "$(status_field Generation)" "$generation" "$1: no new generation"
	like "$(cat "$SERVICE/status")" "running" "$1: status is there"
	succeeds "$1: the mount is up" mountpoint -q "$DUPLO"
}

# goes_on WHEN: everything can be written again, with no restart.
goes_on() {
	eventually 30 try write "$SERVICE/replicas" 3
	is "$(try write "$SERVICE/replicas" 3)" "ok" "$1: a value is accepted"
	succeeds "$1: and comes true" settles 60
	is "$(status_field Healthy)" "3" "$1: as wanted"
	is "$(try write "$SERVICE/spec.json" "$good")" "ok" "$1: a spec too"
	succeeds "$1: and settles" settles 60
	generation=$(status_field Generation)
}
generation=$(status_field Generation)
worker=$(worker_pid)

# Full: by somebody else's file, up to the last byte.
fill() {
	head -c 20M /dev/zero >"$STATE/somebodys" 2>/dev/null
	# What is left of the log's last pages.
	for _ in {1..200}; do
		[ "$(try write "$DUPLO/demo/config/FILL" <"$TEST_DIR/value" 2>&1 | cut -d ' ' -f 1)" = ok ] || return 0
	done
}
touch "$DUPLO/demo/config/FILL"
fill
rm -f "$DUPLO/demo/config/FILL" 2>/dev/null
fill_left=$(ls "$DUPLO/demo/config" | tr '\n' ' ')
note "in config: $fill_left"
all_refused "the disk is full"
fails_with "Read-only file system" "bash sees it" bash -c "echo 7 >'$SERVICE/replicas'"
fails_with "I/O error" "and dash" dash -c "echo 7 >'$SERVICE/replicas'"
rm "$STATE/somebodys"
goes_on "there is room again"
rm -f "$DUPLO/demo/config/FILL"

# Filled by the platform's own data: just the same.
head -c 20M /dev/zero >"$STATE/somebodys" 2>/dev/null
truncate -s -300K "$STATE/somebodys"
refusals=0 wrong=0
for ((i = 0; i < 40; i++)); do
	got=$(try write "$DUPLO/demo/config/KEY" <"$TEST_DIR/value")
	case $got in
	ok) ;;
	EROFS*) refusals=$((refusals + 1)) ;;
	*) wrong=$((wrong + 1)) ;;
	esac
done
isnt "$refusals" "0" "the platform's own data fill the disk at some time"
is "$wrong" "0" "nothing but EROFS is answered"
rm "$STATE/somebodys"
eventually 30 try write "$DUPLO/demo/config/KEY" before
is "$(cat "$DUPLO/demo/config/KEY")" "before" "and writing goes on with room"
goes_on "after that"

is "$(worker_pid)" "$worker" "the same worker has served all the time"

# A restart finds a sound store.
platform_stop
platform_start -c simulated || bail "no platform"
is "$(cat "$SERVICE/spec.json" "$DUPLO"/demo/{config,secrets}/KEY | tr '\n' ' ')" "$good beforesecret " \
	"all is there after a restart"
rm -r "$DUPLO/demo"
platform_stop

# A database that cannot be written, on a disk of its own.
truncate -s 64M "$TEST_DIR/disk"
mkfs.ext4 -q "$TEST_DIR/disk"
mkdir "$TEST_DIR/locked.state"
mount -o loop "$TEST_DIR/disk" "$TEST_DIR/locked.state"
ok $? "a disk in a file"
platform_start -n locked -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
service demo web "$good"
settles 60
echo before >"$DUPLO/demo/config/KEY"
echo secret >"$DUPLO/demo/secrets/KEY"
generation=$(status_field Generation)
chattr +i "$TEST_DIR"/locked.state/duplofs.db*
all_refused "a locked database"
chattr -i "$TEST_DIR"/locked.state/duplofs.db*
goes_on "unlocked"
rm -r "$DUPLO/demo"
platform_stop locked
umount "$TEST_DIR/locked.state"
tap_done
