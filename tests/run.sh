#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests with prove, on a Docker Engine that it starts when none answers.
#   run.sh PROGRAM_BUILD UNIT_BUILD [TEST...]      (builds: release, debug, asan, tsan, cov)
# The end-to-end tests drive build/PROGRAM_BUILD/duplofs; the unit tests are those of build/UNIT_BUILD.
# With TEST... just these run. The exit status is prove's, and its summary the last that is printed.
set -euo pipefail
cd "$(dirname "$0")/.."

program_build=${1:?usage: run.sh PROGRAM_BUILD UNIT_BUILD [TEST...]}
unit_build=${2:?usage: run.sh PROGRAM_BUILD UNIT_BUILD [TEST...]}
shift 2
IMAGES=duplofs-test/hello
TAGS=(1 2 exit crash deaf sick stubborn)

shopt -s nullglob
tests=("$@")
if [ $# -eq 0 ]; then
	for binary in build/"$unit_build"/tests/unit/test_* build/"$unit_build"/tests/fuzz/fuzz_*; do
		[ ! -x "$binary" ] || tests+=("$binary")
	done
	[ "$unit_build" != debug ] || tests+=(tests/lint/*.t)
	tests+=(tests/e2e/*.t)
fi
if [ ${#tests[@]} -eq 0 ]; then
	echo "There are no tests to run."
	exit 0
fi

trap 'examples/demo/docker-down.sh build/test-docker' EXIT
export DUPLOFS=$PWD/build/$program_build/duplofs HELLO_IMAGE=$IMAGES CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=abort_on_error=1:detect_leaks=1 TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
if [[ "${tests[*]}" =~ tests/(unit|e2e)/ ]]; then
	examples/demo/docker-up.sh build/test-docker
	examples/hello/image.sh -r "$IMAGES" build/hello "${TAGS[@]}"
fi

# End-to-end tests watch clocks: they run one after the other, those of AWS in a line of their own,
# all else beside each other.
status=0
prove -e '' --timer -j "$(nproc)" --rules 'seq=tests/e2e/aws-*' --rules 'seq=tests/e2e/*' --rules 'par=**' "${tests[@]}" \
	</dev/null || status=$?
exit $status
