#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing: deps.sh PACKAGE[:PROGRAM]...
# With PROGRAM, the package also counts as there when that program is on PATH (another packaging of it).
set -euo pipefail

PATH=$PATH:/usr/sbin:/sbin
missing=()
for wanted; do
	package=${wanted%%:*}
	program=${wanted#"$package"}
	if [ -n "$program" ] && command -v "${program#:}" >/dev/null; then
		continue
	fi
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "No apt-get here. Please install what these Debian packages bring: ${missing[*]}" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "Not root. Please run: sudo apt-get install ${missing[*]}" >&2
	exit 1
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install=(apt-get install -y -q --no-install-recommends "${missing[@]}")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Package lists are fetched only when the ones at hand do not do.
if ! "${install[@]}" >"$log" 2>&1 </dev/null; then
	if ! { apt-get update -q && "${install[@]}"; } >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		exit 1
	fi
fi
