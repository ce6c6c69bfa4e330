#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tenants are kept apart by owner, group and mode, which the kernel enforces; with real users.
. "${0%/*}/lib/platform.sh"

chmod 711 "$TEST_DIR" # for other users
platform_start -c simulated || bail "no platform"
OWNER=1234 GROUP=1235 MEMBER=4444 STRANGER=5555
as() {
	setpriv --reuid="$1" --regid="$2" --clear-groups "${@:3}"
}
denied() {
	fails_with "Permission denied|not permitted" "$@"
}

# All of the tenant; but a file of history belongs to who wrote it, behind its directory's mode.
owned() {
	find "$DUPLO/demo" -not -path '*/history/*' "$@"
}

mkdir "$DUPLO/demo" "$DUPLO/other"
for tenant in demo other; do
	service $tenant web '{"DockerImage":"example/web:1","Replicas":2}'
	echo "secret of $tenant" >"$DUPLO/$tenant/secrets/KEY"
	echo "value of $tenant" >"$DUPLO/$tenant/config/KEY"
	echo "own of $tenant" >"$SERVICE/config/OWN"
	settles 60
done
SERVICE=$DUPLO/demo/services/web
is "$(find "$DUPLO/demo" -printf '%u\n' | sort -u)" "root" "a tenant belongs to who made it"
held=$SERVICE/status
exec 3<"$held"
chown $OWNER:$GROUP "$DUPLO/demo"
is "$(owned -printf '%U:%G\n' | sort -u)" "$OWNER:$GROUP" "chown gives all that is below, at once"
chown $STRANGER:$STRANGER "$DUPLO/other"
is "$(head -c 7 <&3)" "service" "what is open stays open"
exec 3<&-

# What there is, and what each may do: find tells of every file.
is "$(owned -perm /027 -not -type d | wc -l)" "0" "no file is for others, nor writable by the group"
is "$(find "$DUPLO/demo" -type d -perm /027 | wc -l)" "0" "nor is a directory"
is "$(find "$DUPLO/demo" \( -path '*/secrets' -o -path '*/secrets/*' \) -perm /077 | wc -l)" "0" "secrets are their owner's alone"
is "$(stat -c %a "$DUPLO/demo/secrets" "$DUPLO/demo/secrets/KEY" "$DUPLO/demo/config/KEY" "$SERVICE/spec.json" \
	"$SERVICE/status" "$DUPLO/demo" "$DUPLO/.platform" | tr '\n' ' ')" "700 600 640 640 440 750 700 " "the modes"

cat >"$TEST_DIR/may.py" <<'PY'
"""Tries to read and to write every file and to list every directory below a path; prints what it could."""
import os, sys
read, written, listed, failed = [], [], [], 0
def walk(path):
    global failed
    try:
        names = os.listdir(path)
        listed.append(path)
    except PermissionError:
        failed += 1
        return
    for name in names:
        below = os.path.join(path, name)
        if os.path.isdir(below):
            walk(below)
            continue
        for flags, done in ((os.O_RDONLY | os.O_NONBLOCK, read), (os.O_WRONLY, written)):
            try:
                os.close(os.open(below, flags))
                done.append(below)
            except PermissionError:
                failed += 1
walk(sys.argv[1])
print(len(read), len(written), len(listed), sum("secrets" in p or "/keys" in p for p in read + listed))
PY
may() {
	as "$1" "$2" /usr/bin/python3 -I "$TEST_DIR/may.py" "$DUPLO/$3"
}
read -r root_read _ root_listed _ <<<"$(/usr/bin/python3 -I "$TEST_DIR/may.py" "$DUPLO/demo")"
read -r got_read got_written got_listed got_secret <<<"$(may $OWNER $GROUP demo)"
is "$got_read $got_listed" "$root_read $root_listed" "the owner reads all"
isnt "$got_written" "0" "and writes what can be written"
isnt "$got_secret" "0" "secrets too"
read -r got_read got_written got_listed got_secret <<<"$(may $MEMBER $GROUP demo)"
ok "$([ "$got_read" -gt 20 ] && echo 0 || echo 1)" "its group reads"
is "$got_written $got_secret" "0 0" "writes nothing, and sees no secret"
is "$(may $STRANGER $STRANGER demo)" "0 0 0 0" "others see nothing: another tenant's owner neither"
is "$(may $OWNER $GROUP other)" "0 0 0 0" "and the other way round"
is "$(may $OWNER $GROUP .platform)" "0 0 0 0" "the administrator's room is root's"
is "$(setpriv --reuid=$MEMBER --regid=$MEMBER --groups=$GROUP cat "$DUPLO/demo/config/KEY")" "value of demo" \
	"a supplementary group is as good"

# The owner's work, as it is done.
succeeds "the owner makes a service" as $OWNER $GROUP mkdir "$DUPLO/demo/services/api"
succeeds "deploys it" as $OWNER $GROUP sh -c "echo '{\"DockerImage\":\"example/api:1\"}' >'$DUPLO/demo/services/api/spec.json'"
succeeds "waits for it" as $OWNER $GROUP timeout 60 cat "$DUPLO/demo/services/api/wait"
succeeds "writes a secret" as $OWNER $GROUP sh -c "echo new >'$DUPLO/demo/secrets/NEW'"
is "$(stat -c '%u:%g %a' "$DUPLO/demo/secrets/NEW")" "$OWNER:$GROUP 600" "which is the tenant's, whatever the umask"
echo root >"$DUPLO/demo/config/ROOT"
is "$(stat -c '%u:%g %a' "$DUPLO/demo/config/ROOT")" "$OWNER:$GROUP 640" "as is what root makes there"
succeeds "removes it" as $OWNER $GROUP rm "$DUPLO/demo/secrets/NEW" "$DUPLO/demo/config/ROOT"
succeeds "undeploys" as $OWNER $GROUP rmdir "$DUPLO/demo/services/api"
denied "tenants are made by root" as $OWNER $GROUP mkdir "$DUPLO/mine"
denied "and removed by root" as $OWNER $GROUP rmdir "$DUPLO/demo"
denied "nothing is brought to another tenant" as $OWNER $GROUP mv "$DUPLO/demo/config/KEY" "$DUPLO/other/config/KEY2"
for work in "mkdir $DUPLO/demo/services/x" "rm $DUPLO/demo/config/KEY" "rmdir $SERVICE" "touch $DUPLO/demo/config/X" \
	"cp $SERVICE/spec.json $SERVICE/.x.tmp" "mv $SERVICE/spec.json $SERVICE/spec.json~"; do
	# shellcheck disable=SC2086
	denied "the group does not ${work%% *}" as $MEMBER $GROUP $work
done

# Who may change whose it is.
denied "the owner does not give it away" as $OWNER $GROUP chown $STRANGER "$DUPLO/demo"
denied "nor to a group that is not its own" as $OWNER $GROUP chgrp $STRANGER "$DUPLO/demo"
denied "the group changes no mode" as $MEMBER $GROUP chmod 770 "$DUPLO/demo"
succeeds "the owner changes the mode" as $OWNER $GROUP chmod 700 "$DUPLO/demo"
is "$(may $MEMBER $GROUP demo)" "0 0 0 0" "and shuts the group out"
is "$(owned -perm /077 | wc -l)" "0" "from all below"
succeeds "a mode that opens more is no error" as $OWNER $GROUP chmod 6777 "$DUPLO/demo"
is "$(stat -c %a "$DUPLO/demo")" "750" "but opens no more than to the group"
succeeds "the owner may choose among its groups" setpriv --reuid=$OWNER --regid=$GROUP --groups=$MEMBER \
	chgrp $MEMBER "$DUPLO/demo"
is "$(owned -printf '%G\n' | sort -u)" "$MEMBER" "for all below"
is "$(may $STRANGER $GROUP demo)" "0 0 0 0" "the group before has lost it"
chgrp $GROUP "$DUPLO/demo"
for path in services services/web services/web/spec.json secrets/KEY; do
	succeeds "chown and chmod of $path is no error" sh -c "chown $STRANGER:$STRANGER '$DUPLO/demo/$path' &&
		chmod 666 '$DUPLO/demo/$path'"
done
is "$(owned -printf '%U:%G\n' | sort -u)" "$OWNER:$GROUP" "and has no effect"
is "$(stat -c %a "$DUPLO/demo/secrets/KEY")" "600" "on secrets neither"

# It stays so.
platform_stop
platform_start -c simulated || bail "no platform"
is "$(owned -printf '%U:%G\n' | sort -u)" "$OWNER:$GROUP" "it is so after a restart"
is "$(may $STRANGER $STRANGER demo)" "0 0 0 0" "others see nothing then"

rm -r "$DUPLO/demo" "$DUPLO/other"
platform_stop
tap_done
