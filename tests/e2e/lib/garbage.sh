# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# garbage - what a platform says of its sweeps of an account: .platform/garbage and .platform/status.

status_says() {
	grep -q "^sweep .*$1" "$DUPLO/.platform/status"
}

# garbage COLUMN=VALUE...: the lines of the table of which all of that is true, without the time.
garbage() {
	awk -v wanted="$*" '
		NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
		{ n = split(wanted, item, " "); fits = 1
		  for (i = 1; i <= n; i++) { split(item[i], part, "="); fits = fits && $column[part[1]] == part[2] }
		  if (fits) { $1 = ""; print substr($0, 2) } }' "$DUPLO/.platform/garbage"
}

shows() {
	[ "$(garbage "${@:2}" | wc -l)" -eq "$1" ]
}
