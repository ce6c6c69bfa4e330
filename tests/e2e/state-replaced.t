#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A state directory that is taken away and begun anew at the same path: another platform, which waits for the end of
# the one before, and shows nothing of its own to containers which that one has left.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/shell.sh
. "$lib/shell.sh"

succeeds "an image with a shell" shell_image
platform_start || bail "no platform"
before=
test_clean() {
	[ -z "$before" ] || platform_id[before]=$before platform_docker[before]=$DOCKER
	local id
	for id in $(labelled containers before); do
		engine "/containers/$id?force=1&v=1" -X DELETE >/dev/null
	done
	for id in $(labelled networks before); do
		engine "/networks/$id" -X DELETE >/dev/null
	done
}

# The holder is the last to end, and is held up until the next platform is there, or long enough waited for.
replace_state() {
	local holder pid others
	holder=$(holder_pid)
	others="$(supervisor_pid) $(worker_pid)"
	kill -STOP "$holder"
	succeeds "umount" umount "$DUPLO"
	for pid in $others; do
		becomes 20 "process $pid ends" gone "$pid"
	done
	rm -rf --one-file-system "${platform_state[main]}"
	(
		trap - EXIT
		eventually 3 platform_answers main
		kill -CONT "$holder"
	) &
	platform_start || bail "no platform in the place of the one before"
	becomes 10 "the holder of the one before ends" gone "$holder"
	succeeds "what the next platform keeps in memory is there" mountpoint -q "$(runtime_directory)"
}

mkdir "$DUPLO/demo"
echo old >"$DUPLO/demo/config/WORD"
service demo web "$(shell_spec '"ExternalLBPort":80')"
succeeds "a service settles" settles 60
left=$(root_of "$(container_of 0)")
is "$(cat "$left/duplo/config/WORD")" "old" "its container sees what is said to it"

before=${platform_id[main]}
replace_state

# The same numbers again, of other things.
mkdir "$DUPLO/other"
echo new >"$DUPLO/other/config/WORD"
printf hidden >"$DUPLO/other/secrets/SECRET"
service other api "$(shell_spec '"ExternalLBPort":80')"
succeeds "a service settles there" settles 60
SERVICE=$DUPLO/other/services/api
is "$(cat "$(root_of "$(container_of 0)")/duplo/config/WORD")" "new" "its container sees what is said to it"
is "$(cat "$left/duplo/config/WORD")" "old" "what was left behind sees what it saw"
is "$(find "$left/duplo/" -name SECRET)" "" "and no secret of others"
succeeds "rm -r" rm -r "$DUPLO/other"
nothing_leaked

# Once more, with nothing left behind.
test_clean
replace_state
service demo web "$(shell_spec '"ExternalLBPort":80')"
succeeds "a service settles" settles 60
succeeds "rm -r" rm -r "$DUPLO/demo"
nothing_leaked
platform_stop
is "$(find "$(runtime_directory)"* 2>/dev/null)" "" "nothing of it is left in memory"
tap_done
