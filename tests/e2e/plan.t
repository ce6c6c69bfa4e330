#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# spec.next is staged, plan says what it would do, mv applies it; and what was said is what is done.
. "${0%/*}/lib/platform.sh"

platform_start || bail "no platform"
chmod 711 "$TEST_DIR" # for other users
mkdir "$DUPLO/demo"
chown 1234:1235 "$DUPLO/demo"
as() {
	setpriv --reuid="$1" --regid="$2" --clear-groups "${@:3}"
}
next() {
	cat >"$SERVICE/spec.next" <<<"$1"
}
plan_has() {
	like $'\n'"$(cat "$SERVICE/plan")"$'\n' $'\n'"$1"$'\n' "$2"
}
# Ordinal and container of each instance.
containers() {
	local path
	for path in "$SERVICE"/instances/*; do
		echo "${path##*/} $(status_field Container "$path/status.json")"
	done
}
# The instances that a label of the plan names, one a line: "create 3-4" is 3 and 4.
planned() {
	sed -n "s/^$1  *\([0-9, -]*[0-9]\).*/\1/p" "$SERVICE/plan" | tr -d ' ' | tr ',' '\n' |
		while IFS=- read -r first last; do seq "$first" "${last:-$first}"; done | sort -n | xargs
}

# Nothing is deployed yet.
mkdir "$DUPLO/demo/services/web"
SERVICE=$DUPLO/demo/services/web
fails_with "No such file" "there is no spec.next before one is written" cat "$SERVICE/spec.next"
is "$(cat "$SERVICE/plan")" "nothing to do: no spec.next is written" "and nothing to do"
fails_with "No such file" "nothing to apply" mv "$SERVICE/spec.next" "$SERVICE/spec.json"
like "$(ls "$SERVICE")" $'plan\n.*spec.json' "plan is listed"
unlike "$(ls "$SERVICE")" "spec.next" "spec.next is not"
fails_with "Invalid argument" "a wrong one is refused" bash -c "echo '{\"Replica\":3}' >'$SERVICE/spec.next'"
like "$(cat "$SERVICE/last_error")" 'did you mean "Replicas"' "with a sentence"
fails_with "No such file" "and is not there" cat "$SERVICE/spec.next"
first=$(hello_spec 1 '"Replicas":"3","ExternalLBPort":"80","DNS":"web.demo.duplo.test","UpdateDomains":3,"DrainSeconds":1')
next "$first"
is "$(cat "$SERVICE/spec.next")" "$first" "a right one is kept as it was written"
like "$(ls "$SERVICE")" "spec.next" "and listed"
is "$(stat -c '%u %g %a' "$SERVICE/spec.next")" "1234 1235 640" "with the tenant's owner"
plan_has 'DockerImage +- -> .*' "the plan of a first deployment: changes"
plan_has 'create +0-2' "instances"
plan_has 'balancer +create, port 80' "load balancer"
plan_has 'dns +create web.demo.duplo.test' "name"
plan_has 'becomes +generation 1' "generation"
is "$(cat "$SERVICE/spec.json")$(status_field Generation)" "0" "nothing is applied"
is "$(count containers)" "0" "nothing runs"
platform_stop
platform_start || bail "no platform"
is "$(cat "$SERVICE/spec.next")" "$first" "spec.next is still there after a restart"
succeeds "mv applies it" mv "$SERVICE/spec.next" "$SERVICE/spec.json"
is "$(cat "$SERVICE/spec.json")" "$first" "it is the spec now"
fails_with "No such file" "and gone" stat "$SERVICE/spec.next"
succeeds "the service settles" settles 120
is "$(status_field Generation)" "1" "as generation 1"

# What is said is what is done.
# agrees NAME SPEC [COMMAND...]: applies a staged spec, by mv or COMMAND, and compares.
agrees() {
	local name=$1 spec=$2 before after kept replaced created removed said
	shift 2
	[ $# -gt 0 ] || set -- mv "$SERVICE/spec.next" "$SERVICE/spec.json"
	next "$spec"
	before=$(containers)
	said="kept $(planned keep); replaced $(planned replace); created $(planned create); removed $(planned remove)"
	cat "$SERVICE/plan" >"$TEST_DIR/plan"
	is "$(containers)" "$before" "$name: nothing has happened yet"
	succeeds "$name: apply" "$@"
	succeeds "$name: it settles" settles 120
	after=$(containers)
	kept=$(comm -12 <(sort <<<"$before") <(sort <<<"$after") | cut -d ' ' -f 1 | sort -n | xargs)
	replaced=$(join -j 1 <(sort <<<"$before") <(sort <<<"$after") | awk '$2 != $3 { print $1 }' | sort -n | xargs)
	created=$(join -v 2 <(sort <<<"$before") <(sort <<<"$after") | cut -d ' ' -f 1 | sort -n | xargs)
	removed=$(join -v 1 <(sort <<<"$before") <(sort <<<"$after") | cut -d ' ' -f 1 | sort -n | xargs)
	is "kept $kept; replaced $replaced; created $created; removed $removed" "$said" "$name: done as said" ||
		diag "$(cat "$TEST_DIR/plan")"
}
with() {
	hello_spec "$1" "\"DNS\":\"$2\",\"UpdateDomains\":3,\"DrainSeconds\":1,\"ExternalLBPort\":\"80\",\"Replicas\":$3${4:+,$4}"
}
agrees "more replicas" "$(with 1 web.demo.duplo.test 5)"
like "$(cat "$TEST_DIR/plan")" "Replicas +3 -> 5" "the change is told"
like "$(cat "$TEST_DIR/plan")" "keep +0-2" "who stays is told"
agrees "a new image" "$(with 2 web.demo.duplo.test 5)"
like "$(cat "$TEST_DIR/plan")" "replaces containers" "what replaces containers is told"
like "$(cat "$TEST_DIR/plan")" "replace +0-1 +update domain 1 of 3" "by update domain"
agrees "another name and fewer replicas, by cp" "$(with 2 other.demo.duplo.test 2)" \
	cp "$SERVICE/spec.next" "$SERVICE/spec.json"
like "$(cat "$TEST_DIR/plan")" "dns +create other.demo.duplo.test.*remove web.demo.duplo.test" "both names are told"
becomes 20 "the new name answers" dns other.demo.duplo.test
becomes 20 "the old one does not" no_name web.demo.duplo.test
is "$(cat "$SERVICE/plan")" "nothing to do: spec.next means what spec.json means" "after cp it waits, with nothing to do"
agrees "probes and draining only" "$(with 2 other.demo.duplo.test 2 '"HealthCheck":"/","AutoRollback":false')"
like "$(cat "$TEST_DIR/plan")" "health +GET / on port 80" "the probe is told"
like "$(cat "$TEST_DIR/plan")" "keep +0-1" "for it no container is replaced"

# Stale, taken away, by other users.
next "$(with 1 other.demo.duplo.test 2)"
echo 1 >"$SERVICE/replicas"
plan_has 'stale +generation [0-9]+ was accepted since.*' "another spec was accepted since: stale"
succeeds "unlinking" rm "$SERVICE/spec.next"
fails_with "No such file" "takes it away" cat "$SERVICE/spec.next"
is "$(cat "$SERVICE/plan")" "nothing to do: no spec.next is written" "with its plan"
succeeds "the owner stages" as 1234 1235 cp "$SERVICE/history/1" "$SERVICE/spec.next"
plan_has 'spec.next +staged .* by uid 1234, .*' "and is named"
fails_with "Permission denied" "the group does not" as 4444 1235 bash -c "echo {} >'$SERVICE/spec.next'"
succeeds "it reads the plan" as 4444 1235 cat "$SERVICE/plan"
fails_with "Permission denied" "others do not" as 5555 5555 cat "$SERVICE/plan"
is "$(python3 - "$SERVICE" <<'PY'
import os, sys
service = sys.argv[1]
staged = open(f"{service}/spec.next").read()
os.rename(f"{service}/spec.next", f"{service}/spec.json")
print(open(f"{service}/spec.json").read() == staged, os.stat(f"{service}/spec.json").st_size == len(staged),
      os.path.exists(f"{service}/spec.next"), end=" ")
os.unlink(f"{service}/spec.json")
open(f"{service}/.x.tmp", "w").write(staged)
os.replace(f"{service}/.x.tmp", f"{service}/spec.next")
print(open(f"{service}/spec.next").read() == staged)
PY
)" "True True False True" "at once after rename(2) each name has what it should"
succeeds "other files take no staged spec" bash -c "! mv '$SERVICE/spec.next' '$SERVICE/replicas' 2>/dev/null"
is "$(wc -l <"$SERVICE/spec.next")" "1" "which is still there"
succeeds "mv to another directory" mv "$SERVICE/spec.next" "$TEST_DIR/kept"
fails_with "No such file" "takes it along" cat "$SERVICE/spec.next"
is "$(cat "$TEST_DIR/kept")" "$first" "whole"

succeeds "rm -r removes it all" rm -r "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
