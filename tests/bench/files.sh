#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A platform, a tmpfs and the least of FUSE servers, for files.c.
. "${0%/*}/../e2e/lib/platform.sh"

bench=${0%/*}/../../build/release/tests/bench
least=$TEST_DIR/least
trap 'umount "$least" 2>/dev/null; platform_exit' EXIT
platform_start -c simulated || exit 1
service demo web '{"DockerImage":"example/web:1","Replicas":"1"}'
settles 30
mkdir "$least"
# In a session of its own, as a server that goes into the background is, and as the platform is: the
# scheduler shares processors out by sessions.
setsid "$bench/minimal" "$least" &
eventually 10 test -e "$least/file"
head -c "$(stat -c %s "$SERVICE/spec.json")" /dev/zero >/dev/shm/duplofs-bench.$$
# A new worker reads nothing from the kernel's cache for ten seconds.
past() {
	[ "$SECONDS" -gt "$1" ]
}
eventually 20 past $((SECONDS + 11))
"$bench/files" "/dev/shm/duplofs-bench.$$" "$SERVICE/spec.json" "$least/file"
rm -f /dev/shm/duplofs-bench.$$
