#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fsx on a service, and stress-ng's file system stressors in a directory of scratch files, of a simulated
# platform: run.sh PROGRAM [SECONDS]. What is left out, and why, is in tests/README.md. With the program of build/asan or build/tsan
# the sanitizers watch the worker.
DUPLOFS=$(realpath "${1:?usage: run.sh PROGRAM [SECONDS]}")
SECONDS_EACH=${2:-3}
export DUPLOFS
. "${0%/*}/../e2e/lib/platform.sh"

STRESSORS=(access aiol chdir chmod chown close dentry dir dirdeep dirmany dup fallocate fcntl
	file-ioctl filename flock fpunch fstat hdd inotify io iomix lease locka lockf lockofd mmapaddr open
	readahead rename revio seek sendfile sync-file touch utime)

platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
service demo web '{"DockerImage":"example/web:1"}'
fsx "$((SECONDS_EACH * 3000))"
mkdir -p "$DUPLO/demo/services/.git/here"
cd "$DUPLO/demo/services/.git/here" || bail "no directory"
for stressor in "${STRESSORS[@]}"; do
	succeeds "stress-ng $stressor" timeout $((SECONDS_EACH + 60)) stress-ng --temp-path . \
		--timeout "$SECONDS_EACH" --hdd-bytes 2m --iomix-bytes 2m --seek-size 1m --revio-bytes 2m \
		--readahead-bytes 2m --sync-file-bytes 1m --fallocate-bytes 1m --sendfile-size 1m --"$stressor" 2
done
is "$(ls -A)" "" "nothing is left"
cd "$top" || bail "no way back"
rm -r "$DUPLO/demo"
platform_stop
tap_done
