#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzzer for some seconds: run.sh SECONDS [NAME...]. What it finds is kept in
# build/fuzz/findings/; put it into tests/fuzz/corpus/NAME/ together with the fix.
# Leaks are looked for at the end: after an input a worker may still be at work.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:?usage: run.sh SECONDS [NAME...]}
shift
shopt -s nullglob
status=0
for program in build/fuzz/tests/fuzz/fuzz_*; do
	[ -x "$program" ] || continue
	name=${program##*/fuzz_}
	[ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
	mkdir -p "build/fuzz/findings/$name" "build/fuzz/corpus/$name"
	echo "fuzz_$name for $seconds s"
	"$program" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 -verbosity=0 -detect_leaks=0 \
		-artifact_prefix="build/fuzz/findings/$name/" \
		"build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" || status=1
done
exit $status
