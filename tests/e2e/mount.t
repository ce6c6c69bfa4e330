#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The command line, mount(8) and fstab; start, stop, and what is told when something is missing.
. "${0%/*}/lib/platform.sh"

net=$(platform_address)
options="state=$TEST_DIR/state,cloud=simulated,lb_range=$net.0/24,dns_listen=$net.1:53"
mnt=$TEST_DIR/mnt
mkdir "$mnt"
# mount(8) looks for programs in the system's directories alone; this one has a name of its own there.
type=duplofs-test-$$
ln -s "$(readlink -f "$DUPLOFS")" "/usr/local/sbin/$type"
test_clean() {
	rm -f "/usr/local/sbin/$type"
}
platform_names=(main)
platform_mount[main]=$mnt
platform_state[main]=$TEST_DIR/state
platform_net[main]=$net
platform_docker[main]=$DOCKER
platform_pid[main]=0

like "$("$DUPLOFS" --version)" "^duplofs [0-9]+\.[0-9]+" "--version"
like "$("$DUPLOFS" --help)" "MOUNTPOINT" "--help"
fails_with "MOUNTPOINT|mount point|usage|Usage" "without a mount point" "$DUPLOFS"
fails_with "too many arguments.*$mnt" "check mounts nothing" "$DUPLOFS" check "$mnt"
fails_with "" "--version that nobody can read" bash -c "'$DUPLOFS' --version >/dev/full"
fails_with "" "check that nobody can read" bash -c "'$DUPLOFS' check -o cloud=simulated >/dev/full"
fails_with "colour" "an unknown option is named" "$DUPLOFS" -o "$options,colour=red" "$mnt"
fails_with "nowhere" "an unknown cloud is named" "$DUPLOFS" -o "state=$TEST_DIR/state,cloud=nowhere" "$mnt"
fails_with "$TEST_DIR/none" "a mount point that is not there" "$DUPLOFS" -o "$options" "$TEST_DIR/none"
fails_with "lb_range|300.1.2.3" "a wrong range" "$DUPLOFS" -o "$options,lb_range=300.1.2.3/8" "$mnt"
not_mounted main
ok $? "none of these has mounted anything"

succeeds "duplofs check is content on this machine" "$DUPLOFS" check
mkdir "$TEST_DIR/empty"
fails_with "haproxy" "check names the package that is missing" env PATH="$TEST_DIR/empty" "$DUPLOFS" check

# Into the background once the mount answers.
succeeds "duplofs in the background" timeout 30 "$DUPLOFS" -o "$options" "$mnt"
[ -s "$mnt/README" ]
ok $? "the mount answers as soon as the command has returned"
platform_id[main]=$(jq -r .Platform "$mnt/.platform/status.json")
like "$(grep " $mnt " /proc/mounts)" "fuse" "it is a FUSE mount"
like "$(cat "$mnt/.platform/status")" "simulated" "the status says that the cloud is simulated"
is "$(cat "$mnt/.platform/version")" "$("$DUPLOFS" --version)" ".platform/version"
mkdir "$mnt/demo"
exec 7<"$mnt/demo/events"
fails_with "busy" "a mount in use is not taken away" umount "$mnt"
exec 7<&-
platform_stop

# As mount(8) and fstab do it.
succeeds "mount -t fuse.duplofs" mount -t "fuse.$type" -o "$options" none "$mnt"
[ -d "$mnt/demo" ]
ok $? "the state is as it was"
platform_stop
printf '%s\n' "duplofs $mnt fuse.$type $options,noauto,_netdev 0 0" >"$TEST_DIR/fstab"
succeeds "mount by an fstab line" mount --fstab "$TEST_DIR/fstab" "$mnt"
succeeds "rmdir" rmdir "$mnt/demo"
platform_stop
succeeds "mount read-only" mount -t "fuse.$type" -o "ro,$options" none "$mnt"
is "$(try mkdir "$mnt/demo")" "EROFS mkdir" "nothing can be written there"
platform_stop

# SIGTERM is a wish to stop, too.
succeeds "again" timeout 30 "$DUPLOFS" -o "$options" "$mnt"
kill -TERM "$(supervisor_pid)"
becomes $START_S "SIGTERM unmounts" not_mounted main
becomes $START_S "and ends" no_processes main

# All three killed at once leave a mount that the kernel still knows something about.
succeeds "once more" timeout 30 "$DUPLOFS" -o "$options" "$mnt"
eventually $START_S platform_answers main
# stat asks anew only for what it has not seen for a while: so twice.
stat "$mnt" "$mnt/README" >"$TEST_DIR/stat" && stat "$mnt" "$mnt/README" >"$TEST_DIR/stat"
mapfile -t pids < <(platform_pids)
kill -STOP "${pids[@]}" && kill -KILL "${pids[@]}"
becomes $START_S "the processes are gone" no_processes main
fails_with "not connected" "nobody answers" ls "$mnt"
succeeds "the next start takes the dead mount away" timeout 30 "$DUPLOFS" -o "$options" "$mnt"
becomes $START_S "and answers" platform_answers main
is "$(grep -cF " $mnt " /proc/mounts)" "1" "there is one mount"
platform_stop
tap_done
