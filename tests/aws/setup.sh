#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Brings what the tests of AWS are judged by, and what we did not write, into DIRECTORY; does nothing when
# it is there: setup.sh DIRECTORY
#   DIRECTORY/venv     moto and ministack (emulators of AWS), botocore (signs and serialises as AWS's own
#                      clients do), from PyPI
#   DIRECTORY/vectors  AWS's published vectors of signatures, out of the source package aws-crt-python
set -euo pipefail

directory=${1?usage: setup.sh DIRECTORY}
PACKAGES=('moto[server]==5.2.5' 'ministack==1.5.33' 'botocore>=1.43' 'boto3>=1.43')
SUITE='*/aws-c-auth/tests/aws-signing-test-suite/v4/*'
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
exec 9>"$directory/lock"
flock 9
work=$(mktemp -d "$directory/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

packages() {
	[ "$(cat "$directory/venv/packages" 2>/dev/null)" != "${PACKAGES[*]}" ] || return 0
	echo "Installing: ${PACKAGES[*]}"
	rm -rf "$directory/venv"
	/usr/bin/python3 -m venv "$directory/venv"
	"$directory/venv/bin/pip" install -q --disable-pip-version-check "${PACKAGES[@]}"
	echo "${PACKAGES[*]}" >"$directory/venv/packages"
}

# This machine's package sources, for source packages; the machine's own lists stay as they are.
source_lists() {
	local file
	mkdir -p "$work/sources" "$work/lists/partial"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
		[ ! -s "$file" ] || sed 's/^Types:.*/Types: deb-src/; s/^deb /deb-src /' "$file" >"$work/sources/${file##*/}"
	done
	apt_options=(-q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources"
		-o Dir::State::lists="$work/lists" -o APT::Sandbox::User=root)
}

download() (
	cd "$work" && apt-get "${apt_options[@]}" source --download-only aws-crt-python
)

vectors() {
	[ ! -d "$directory/vectors" ] || return 0
	echo "Fetching AWS's vectors of signatures"
	source_lists
	if ! { apt-get "${apt_options[@]}" update && download; } >"$work/log" 2>&1; then
		tail -n 20 "$work/log" >&2
		return 1
	fi
	tar -xf "$work"/aws-crt-python_*.orig.tar.* -C "$work" --wildcards "$SUITE"
	mv "$work"/*/crt/aws-c-auth/tests/aws-signing-test-suite/v4 "$directory/vectors"
}

packages
vectors
