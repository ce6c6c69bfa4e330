#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make install puts the program, man pages and examples in place; make uninstall takes them away.
. "${0%/*}/lib/platform.sh"

build=$(basename "$(dirname "$DUPLOFS")")
place=$TEST_DIR/place
succeeds "make install" make -s -C "$top" BUILD="$build" DESTDIR="$place" PREFIX=/usr install
succeeds "the program runs" "$place/usr/sbin/duplofs" --version
for file in man/man8/duplofs.8 man/man5/duplofs.5 doc/duplofs/README.md doc/duplofs/duplofs.service doc/duplofs/fstab; do
	[ -s "$place/usr/share/$file" ]
	ok $? "$file is there"
done
is "$(grep -o '/[a-z/]*/duplofs ' "$place/usr/share/doc/duplofs/duplofs.service" | sort -u)" "/usr/sbin/duplofs " \
	"the unit starts what was installed"
succeeds "the man page reads" mandoc "$place/usr/share/man/man8/duplofs.8"
succeeds "make uninstall" make -s -C "$top" BUILD="$build" DESTDIR="$place" PREFIX=/usr uninstall
is "$(find "$place" -type f)" "" "nothing is left"
tap_done
