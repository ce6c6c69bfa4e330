#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What follows a change of configuration: nothing, a signal, or a restart by the service's own update domains.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/shell.sh
. "$lib/shell.sh"

succeeds "an image with a shell" shell_image
platform_start || bail "no platform"
mkdir "$DUPLO/demo"
echo one >"$DUPLO/demo/config/WORD"
# shellcheck disable=SC2016 # for the container's shell
COUNTS='"Command":["/bin/sh","-c","trap \"echo x >>/tmp/hups\" HUP; httpd -p 80 -h /www; while :; do sleep 0.1; done"]'
service demo quiet "$(shell_spec '"Replicas":1')"
QUIET=$SERVICE
service demo hup "$(shell_spec "$COUNTS"',"Replicas":2,"OnConfigChange":"signal:HUP"')"
HUP=$SERVICE
service demo again "$(shell_spec '"Replicas":6,"UpdateDomains":3,"OnConfigChange":"restart"')"
AGAIN=$SERVICE
for directory in "$QUIET" "$HUP" "$AGAIN"; do
	settles 90 "$directory"
	ok $? "${directory##*/} settles"
done

all_containers() {
	jq -r .Container "$1"/instances/*/status.json | sort
}

# Healthy ones by the ordinal, as they are now: "new new old old - -".
generation_of() {
	jq -r --arg old "$old" '.Container as $is | if .Phase != "healthy" then "-" elif ($old | contains($is)) then "old" else "new" end' \
		"$AGAIN"/instances/*/status.json | tr '\n' ' '
}

hups() {
	local ordinal sum=0
	for ordinal in 0 1; do
		sum=$((sum + $(wc -l <"$(root_of "$(SERVICE=$HUP container_of "$ordinal")")/tmp/hups")))
	done 2>/dev/null
	[ "$sum" -eq "$1" ]
}

quiet=$(all_containers "$QUIET")
signalled=$(all_containers "$HUP")
old=$(all_containers "$AGAIN")

# Many values, one change: one signal each, one restart.
mkdir "$DUPLO/demo/config.next"
for key in WORD A B C D; do
	echo two >"$DUPLO/demo/config.next/$key"
done
mv -T "$DUPLO/demo/config.next" "$DUPLO/demo/config"

fewest=6 seen=""
finished() {
	local now healthy
	now=$(generation_of)
	[[ $seen == *"|$now|"* ]] || seen+="|$now|"
	healthy=$(tr ' ' '\n' <<<"$now" | grep -cE 'old|new')
	[ "$healthy" -ge "$fewest" ] || fewest=$healthy
	[ "$now" = "new new new new new new " ]
}
eventually 120 finished
ok $? "restart: all six were replaced" || diag "$seen"
[ "$fewest" -ge 4 ]
ok $? "one update domain of two at a time: never less than four were healthy ($fewest)"
note "as it was seen: $seen"
like "$(cat "$AGAIN/events")" "configuration changed: restarting by domains" "an event says why"
is "$(grep -c 'configuration changed' "$AGAIN/events")" "1" "one change, one restart"
settles 60 "$AGAIN"
after=$(all_containers "$AGAIN")
is "$(grep -cxF "$old" <<<"$after")" "0" "none of the old ones is left"
becomes 10 "signal: each got one HUP" hups 2
is "$(all_containers "$HUP")" "$signalled" "and no other container"
is "$(all_containers "$QUIET")" "$quiet" "none: nothing happened"
is "$(cat "$(root_of "$(SERVICE=$QUIET container_of 0)")/duplo/config/A")" "two" "but that it sees the change"

# A signal again, by the service's own value; the same bytes again are no change.
echo own >"$HUP/config/WORD"
becomes 10 "a value of the service's own" hups 4
echo own >"$HUP/config/WORD"
echo two >"$DUPLO/demo/config/WORD" # hidden from hup by its own, the same for all others
echo other >"$DUPLO/demo/config/NEW"
becomes 20 "what is the same again is no change, what is new is one" hups 6
restarts() {
	[ "$(grep -c "configuration changed" "$AGAIN/events")" -eq "$1" ]
}
becomes 30 "and again is restarted once more" restarts 2
settles 60 "$AGAIN"

rm "$DUPLO/demo/config"/*
succeeds "rmdir" rmdir "$QUIET" "$HUP" "$AGAIN" "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
