#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two platforms on one machine and one Docker Engine: the same names in both, neither touches the other.
. "${0%/*}/lib/platform.sh"

platform_start -n one || bail "no first platform"
ONE=$DUPLO
platform_start -n two || bail "no second platform"
TWO=$DUPLO
isnt "${platform_id[one]}" "${platform_id[two]}" "they have different names"

for DUPLO in "$ONE" "$TWO"; do
	mkdir "$DUPLO/demo"
	service demo web "$(hello_spec 1 '"Replicas":"2","ExternalLBPort":"80","DNS":"web.demo.duplo.test"')"
done
echo "$HELLO_IMAGE:2" >"$TWO/demo/services/web/image"
succeeds "the first settles" settles 60 "$ONE/demo/services/web"
succeeds "the second settles" settles 60 "$TWO/demo/services/web"
is "$(count running one) $(count running two)" "2 2" "each runs its two containers"

version() {
	curl -fsS -m 5 "$(url "$1/demo/services/web")/version"
}
is "$(version "$ONE") $(version "$TWO")" "1 2" "each load balancer leads to its own"
isnt "$(dns web.demo.duplo.test one)" "" "the name is known to the first"
isnt "$(dns web.demo.duplo.test two)" "$(dns web.demo.duplo.test one)" "and to the second, differently"

before=$(labelled running two | sort)
succeeds "the first is emptied" rmdir "$ONE/demo/services/web" "$ONE/demo"
nothing_leaked one
platform_stop one
is "$(labelled running two | sort)" "$before" "the second has not noticed"
is "$(version "$TWO")" "2" "it still answers"

# The same state directory twice would be two masters of one store.
DUPLO=$TWO
mkdir "$TEST_DIR/other"
fails_with "." "a state directory in use is refused" timeout 20 "$DUPLOFS" -o \
	"state=${platform_state[two]},cloud=simulated" "$TEST_DIR/other"
mountpoint -q "$TEST_DIR/other" && umount "$TEST_DIR/other"
fails_with "." "a mount point in use is refused" timeout 20 "$DUPLOFS" -o \
	"state=$TEST_DIR/other.state,cloud=simulated" "$TWO"
is "$(version "$TWO")" "2" "it still answers"

succeeds "the second is emptied" rmdir "$TWO/demo/services/web" "$TWO/demo"
nothing_leaked two
platform_stop two
tap_done
