#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Secrets and configuration: live in the containers, sealed everywhere else.
. "${0%/*}/lib/platform.sh"

platform_start || bail "no platform"
PLANTED=planted-$(od -An -N 12 -tx1 /dev/urandom | tr -d ' \n')
mkdir "$DUPLO/demo" "$DUPLO/other"
is "$(printf '%s' "$PLANTED" | { cat >"$DUPLO/demo/secrets/PASSWORD" && echo ok; })" "ok" "a secret is written"
is "$(cat "$DUPLO/demo/secrets/PASSWORD")" "$PLANTED" "and read by its owner"
is "$(stat -c %a "$DUPLO/demo/secrets/PASSWORD")" "600" "its mode is 0600"
is "$(stat -c %s "$DUPLO/demo/secrets/PASSWORD")" "${#PLANTED}" "its size is exact"
echo "not for demo" >"$DUPLO/other/secrets/FOREIGN"
echo "tenant" >"$DUPLO/demo/config/GREETING"
service demo web "$(hello_spec 1 '"Replicas":"1","ExternalLBPort":"80"')"
succeeds "a service settles" settles 60
url=$(url)

page() {
	curl -fsS -m 5 "$url/"
}

page_says() {
	page | grep -qE "$1"
}

page_silent() {
	! page | grep -qE "$1"
}

container=$(labelled running)

# in_container COMMAND...: as root in the container's namespaces, by a shell of the host.
inside() {
	cat "/proc/$(engine "/containers/$container/json" | jq -r .State.Pid)/root/duplo/$1"
}
becomes 5 "the program reads the secret's length" page_says "PASSWORD \(${#PLANTED} bytes\)"
becomes 5 "and the configuration" page_says "GREETING = tenant"
is "$(inside secrets/PASSWORD)" "$PLANTED" "/duplo/secrets holds the value"
is "$(inside self.json | jq -r .Service)" "web" "/duplo/self.json tells who it is"
unlike "$(page)" "FOREIGN" "another tenant's secret is not there"
is "$(ls "$SERVICE/runtime/secrets")" "PASSWORD" "runtime/ shows what the containers see"
is "$(cat "$SERVICE/runtime/config/GREETING")" "tenant" "with its content"
fails_with "." "a container cannot write there" touch \
	"/proc/$(engine "/containers/$container/json" | jq -r .State.Pid)/root/duplo/config/GREETING"

# Changes are live.
echo "changed" >"$DUPLO/demo/config/GREETING"
becomes 2 "a changed value is read without a restart" page_says "GREETING = changed"
echo "service" >"$SERVICE/config/GREETING"
becomes 2 "a service's own value comes first" page_says "GREETING = service"
rm "$SERVICE/config/GREETING"
becomes 2 "without it the tenant's is back" page_says "GREETING = changed"
printf 'short' >"$DUPLO/demo/secrets/PASSWORD2"
becomes 2 "a new secret appears" page_says "PASSWORD2 \(5 bytes\)"
rm "$DUPLO/demo/secrets/PASSWORD2"
becomes 2 "a removed one vanishes" page_silent "PASSWORD2"
is "$(labelled running)" "$container" "the container was never restarted"

# A list in the spec says which ones a service may read.
printf 'x' >"$DUPLO/demo/secrets/OTHER"
becomes 2 "all of the tenant's without a list" page_says "OTHER"
hello_spec 1 '"Replicas":"1","ExternalLBPort":"80","Secrets":["PASSWORD"]' >"$SERVICE/spec.json"
settles 60
becomes 5 "with a list just those" page_silent "OTHER"
becomes 5 "and those" page_says "PASSWORD"
container=$(labelled running)

# The planted value is nowhere but in memory.
found() {
	grep -rlaF "$PLANTED" "$@" 2>/dev/null
}
is "$(found "${platform_state[main]}")" "" "the state directory does not hold the value"
is "$(engine "/containers/$container/json" | grep -cF "$PLANTED")" "0" "docker inspect does not show it"
is "$(grep -caF "$PLANTED" "$TEST_DIR/main.log")" "0" "the log does not"
is "$(found "$SERVICE/events" "$SERVICE/status" "$SERVICE/status.json" "$SERVICE/logs" "$DUPLO/.platform/events" \
	"$DUPLO/.platform/status" "$SERVICE/history" "$SERVICE/spec.json")" "" "no events, status, logs or history do"
docker_root=$(engine /info | jq -r .DockerRootDir)
is "$(found "$docker_root/containers/$container")" "" "Docker's files do not"

# Other users.
fails_with "Permission denied" "nobody else reads a secret" \
	setpriv --reuid 65533 --regid 65533 --clear-groups cat "$DUPLO/demo/secrets/PASSWORD"
fails_with "Permission denied" "nobody else lists a tenant" \
	setpriv --reuid 65533 --regid 65533 --clear-groups ls "$DUPLO/demo"

# The view outlives the platform.
platform_kill
is "$(inside secrets/PASSWORD)" "$PLANTED" "a container keeps its view while the platform is dead"
platform_start || bail "no platform"
is "$(cat "$DUPLO/demo/secrets/PASSWORD")" "$PLANTED" "the secret is there after a restart"
echo "again" >"$DUPLO/demo/config/GREETING"
becomes 10 "and changes reach the same container" page_says "GREETING = again"
is "$(labelled running)" "$container" "which still runs"

rm "$DUPLO/demo/secrets/"{PASSWORD,OTHER} "$DUPLO/demo/config/GREETING" "$DUPLO/other/secrets/FOREIGN"
succeeds "rmdir" rmdir "$SERVICE" "$DUPLO/demo" "$DUPLO/other"
nothing_leaked
platform_stop
tap_done
