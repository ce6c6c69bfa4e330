#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A container that dies, is removed or is stopped behind the platform's back is there again at once.
. "${0%/*}/lib/platform.sh"

platform_start || bail "no platform"
mkdir "$DUPLO/demo"
service demo web "$(hello_spec 1 '"Replicas":"3","ExternalLBPort":"80"')"
settles 60
url=$(url)

# Running, and started after the given time in the engine's words.
runs_since() {
	engine "/containers/$(container_of "$1")/json" |
		jq -e --arg since "$2" '.State.Running and .State.StartedAt > $since' >/dev/null
}

started_at() {
	engine "/containers/$(container_of "$1")/json" | jq -r .State.StartedAt
}

# What the engine itself takes to start a container now, in ms: the machine may be busy.
bare_start_ms() {
	local name=duplofs-bare-$$ begin_us=${EPOCHREALTIME/./}
	engine "/containers/create?name=$name" -H "Content-Type: application/json" \
		-d "{\"Image\":\"$HELLO_IMAGE:1\"}" >/dev/null
	engine "/containers/$name/start" -X POST
	echo $(((${EPOCHREALTIME/./} - begin_us) / 1000))
	engine "/containers/$name?force=1" -X DELETE
}

# killed ORDINAL DESCRIPTION PATH CURL-OPTION...: does that to its container, then looks at the clock.
killed() {
	local ordinal=$1 description=$2 since begin_us took_ms bare_ms
	shift 2
	bare_ms=$(bare_start_ms)
	since=$(started_at "$ordinal")
	engine "$@" >/dev/null
	begin_us=${EPOCHREALTIME/./}
	eventually 10 runs_since "$ordinal" "$since"
	ok $? "$description: it runs again"
	took_ms=$(((${EPOCHREALTIME/./} - begin_us) / 1000))
	note "after $took_ms ms; the engine alone takes $bare_ms ms to start one"
	[ $took_ms -lt $((1000 + bare_ms)) ]
	ok $? "$description: within a second beside what the engine takes"
}

killed 0 "SIGKILL" "/containers/$(container_of 0)/kill" -X POST
killed 1 "docker rm -f" "/containers/$(container_of 1)?force=1" -X DELETE
killed 2 "docker stop" "/containers/$(container_of 2)/stop?t=1" -X POST
becomes 20 "all are healthy again" test_healthy 3
is "$(count containers)" "3" "there are three, as wanted"
for ordinal in 0 1 2; do
	eventually 10 curl -fsS -m 2 "$url/version"
done
is "$(for _ in {1..12}; do curl -fsS -m 5 "$url/replica"; done | sort -u | tr '\n' ' ')" "0 1 2 " \
	"all three answer through the load balancer"
like "$(cat "$SERVICE/events")" "[0-9]{4}-[0-9]{2}-[0-9]{2}T" "events tell of it"

succeeds "rmdir" rmdir "$SERVICE" "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
