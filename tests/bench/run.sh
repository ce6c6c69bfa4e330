#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs every measurement of this directory and prints its tables. Ratios are against the bare parts in
# the same run, so they mean something on any machine. RECORD=1 adds the result to RESULTS.md.
set -euo pipefail
cd "$(dirname "$0")/../.."

export DUPLOFS=$PWD/build/release/duplofs HELLO_IMAGE=duplofs-test/hello
result=$(mktemp)
trap 'rm -f "$result"; examples/demo/docker-down.sh build/test-docker' EXIT
examples/demo/docker-up.sh build/test-docker
examples/hello/image.sh -r "$HELLO_IMAGE" build/hello 1 2

measure() {
	local measurement status=0
	echo
	echo "## $(date -u +%F), $(nproc) CPUs ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)), kernel $(uname -r)"
	for measurement in tests/bench/*.sh; do
		[ "$measurement" != tests/bench/run.sh ] || continue
		echo
		echo "### $(basename "$measurement" .sh)"
		echo
		"$measurement" || status=1
	done
	return $status
}

measure | tee "$result"
[ -z "${RECORD-}" ] || cat "$result" >>tests/bench/RESULTS.md
