#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests on a build that counts lines, then prints for each source file how many were reached.
set -euo pipefail
cd "$(dirname "$0")/.."

find build/cov -name '*.gcda' -delete
status=0
tests/run.sh cov cov || status=$?
echo "Lines reached:"
find build/cov/fs build/cov/backend -name '*.gcda' | while read -r data; do
	gcov -n -o "$data" "$data" 2>/dev/null
done | awk '
	/^File / { file = $2; gsub(/\047/, "", file) }
	/^Lines executed:/ && file ~ /\.c$/ {
		split($2, part, /[:%]/)
		lines[file] = $4
		reached[file] = part[2] * $4 / 100
		file = ""
	}
	END {
		for (file in lines) {
			printf "%6.1f %%  %s\n", 100 * reached[file] / lines[file], file | "sort -k 3"
			all += lines[file]
			hit += reached[file]
		}
		close("sort -k 3")
		if (all)
			printf "%6.1f %%  of %d lines\n", 100 * hit / all, all
	}'
exit $status
