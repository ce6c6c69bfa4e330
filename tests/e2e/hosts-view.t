#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What containers see at /duplo on a machine that shares no file with the platform's: the same as at home, as soon,
# and as whole, through lost connections and machines that start anew.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/engines.sh
. "$lib/engines.sh"
# shellcheck source=tests/e2e/lib/shell.sh
. "$lib/shell.sh"

test_clean() {
	engines_clean 2>/dev/null
}

engines_apart=$TEST_DIR/main.state/engines
engines_begin 1 || bail "no network namespaces can be made"
engine_start h1
HOME_DOCKER=$DOCKER
DOCKER=${ENGINE_URL[h1]} shell_image || bail "no image with a shell"
platform_start host_grace=3 || bail "a platform starts"
mkdir -p "$DUPLO/demo/hosts/h1"
echo '{"Engine":"tls://h1@'"${ENGINE_ADDRESS[h1]}"':2376","CPU":2,"MemoryGiB":2}' \
	>"$DUPLO/demo/hosts/h1/spec.json"
succeeds "an engine elsewhere is attached" settles 60 "$DUPLO/demo/hosts/h1"
echo one >"$DUPLO/demo/secrets/TOKEN"
echo red >"$DUPLO/demo/config/COLOR"
service demo web "$(shell_spec '"Replicas":2,"Secrets":["TOKEN"]')"
succeeds "a service runs there" settles 90
is "$(containers_on h1 running | wc -l)" "3" "with the agent beside its two containers"

# there CONTAINER SCRIPT: what it says, by the engine of that machine.
there() {
	DOCKER=${ENGINE_URL[h1]} inside "$1" 12345 "$2"
}
reads() {
	[ "$(there "$1" "cat $2")" = "$3" ]
}
first=$(container_of 0)
second=$(container_of 1)
is "$(there "$first" 'cat /duplo/secrets/TOKEN /duplo/config/COLOR; wc -l </duplo/neighbors/web; ls /duplo | cat')" \
	"$(printf '%s\n' one red 2 config hosts neighbors neighbors.json resources secrets self.json)" \
	"its containers see what they would at home"
like "$(there "$first" 'echo x >/duplo/config/COLOR' 2>&1)" "Read-only" "and cannot write there"

# Changes come, and come whole: a reader of two values that change together never sees one of each.
# shellcheck disable=SC2016 # for the container's shell
there "$second" 'for i in $(seq 600); do cd /duplo/config/ && a=$(cat A 2>/dev/null) b=$(cat B 2>/dev/null)
	[ "$a" = "$b" ] || echo "torn: $a $b"; cd /; sleep 0.01; done; echo end' >"$TEST_DIR/reader" &
reader=$!
for i in {1..20}; do
	cp -r "$DUPLO/demo/config" "$DUPLO/demo/config.next" && echo "$i" >"$DUPLO/demo/config.next/A" &&
		echo "$i" >"$DUPLO/demo/config.next/B" && mv -T "$DUPLO/demo/config.next" "$DUPLO/demo/config"
done
becomes 10 "a change is read there" reads "$first" /duplo/config/B 20
begin_us=${EPOCHREALTIME/./}
echo two >"$DUPLO/demo/secrets/TOKEN"
becomes 10 "a secret, too" reads "$first" /duplo/secrets/TOKEN two
note "after $(((${EPOCHREALTIME/./} - begin_us) / 1000)) ms, with the looking"
wait $reader
is "$(cat "$TEST_DIR/reader")" "end" "two values that change together are never seen apart"
echo 1 >"$SERVICE/replicas"
settles 60
becomes 10 "neighbors follow" reads "$first" /duplo/neighbors.json "$(cat "$SERVICE/runtime/neighbors.json")"
rm "$DUPLO/demo/secrets/TOKEN"
becomes 10 "what is removed is gone there" there "$first" '! test -e /duplo/secrets/TOKEN'
is "$(container_of 0)" "$first" "all without a restart"

# The platform dies, and something changes while it is away: seen after its start.
platform_kill
platform_start host_grace=3 || bail "it does not start again"
echo green >"$DUPLO/demo/config/COLOR"
becomes 20 "after the platform was killed containers see changes" reads "$first" /duplo/config/COLOR green
is "$(container_of 0)" "$first" "they were not touched"

# The agent is killed: it is there again with the next change.
agent() {
	engine_at "${ENGINE_URL[h1]}" "/containers/json?filters=%7B%22label%22:%5B%22duplo.agent%22%5D%7D" | jq -r '.[].Id'
}
engine_at "${ENGINE_URL[h1]}" "/containers/$(agent)?force=1" -X DELETE
echo blue >"$DUPLO/demo/config/COLOR"
becomes 20 "an agent that was removed is made anew" reads "$first" /duplo/config/COLOR blue

# The machine starts anew: its memory is empty, its containers are dead.
engine_kill h1
becomes 20 "a machine dies" grep -q "^phase  *away" "$DUPLO/demo/hosts/h1/status"
engine_start h1
becomes 60 "it is back, and a container runs" test_healthy 1
first=$(container_of 0)
is "$(there "$first" 'cat /duplo/config/COLOR')" "blue" "with its values"

# Nothing stays: no value, no agent.
succeeds "rmdir" rmdir "$SERVICE"
no_agent() {
	[ -z "$(agent)" ]
}
becomes 60 "the host goes" rmdir "$DUPLO/demo/hosts/h1"
becomes 30 "with its agent" no_agent
run=/proc/$(cat "$engines_dir/h1/pid")/root/run
is "$(find "$run"/duplofs-* -mindepth 1 2>/dev/null)" "" "and with all values"
rm "$DUPLO"/demo/config/*
succeeds "the tenant goes" rmdir "$DUPLO/demo"
DOCKER=$HOME_DOCKER
nothing_leaked
platform_stop
tap_done
