#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Groups: what their policy allows, for all their tenants together; what is there already stays.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
chmod 711 "$TEST_DIR" # for other users
as() {
	setpriv --reuid="$1" --regid="$2" --clear-groups "${@:3}"
}
GROUP=$DUPLO/.platform/groups/team
POLICY=$GROUP/policy.json
spec() {
	echo "{\"DockerImage\":\"example/web:1\",\"Replicas\":$1${2:+,$2}}"
}
# put SERVICE REPLICAS [MEMBERS]: what writing the spec says.
put() {
	try write "$DUPLO/$1/spec.json" "$(spec "${@:2}")"
}
refusal() {
	cat "$DUPLO/$1/last_error"
}

mkdir -p "$DUPLO/red/services/web" "$DUPLO/blue/services/web" "$DUPLO/free/services/web"
mkdir "$GROUP"
is "$(stat -c '%U %a' "$GROUP" "$POLICY" | xargs)" "root 700 root 600" "a group is root's alone"
is "$(cat "$POLICY")" "" "it has no policy at first"
chown -R 1234:1235 "$DUPLO/red"
echo team >"$DUPLO/red/group"
echo team >"$DUPLO/blue/group"
is "$(cat "$DUPLO/red/group" "$DUPLO/blue/group" "$DUPLO/free/group" | xargs)" "team team" "tenants are put into it"
is "$(stat -c '%u %g %a' "$DUPLO/red/group")" "1234 1235 440" "its owner may bring a copy back, root alone writes another"
is "$(try write "$DUPLO/red/group" nobody | cut -d ' ' -f 1)" "EINVAL" "there has to be such a group"
like "$(cat "$DUPLO/red/last_error")" "there is no group \"nobody\"" "says last_error"
is "$(as 1234 1235 cat "$DUPLO/red/group")" "team" "the tenant reads it"
fails_with "Permission denied" "and does not write it" as 1234 1235 sh -c "echo >'$DUPLO/red/group'"
fails_with "not permitted" "nor puts another in its place" \
	as 1234 1235 sh -c "echo other >'$DUPLO/red/.g.tmp' && mv -f '$DUPLO/red/.g.tmp' '$DUPLO/red/group'"
fails_with "not permitted" "nor makes it anew" \
	as 1234 1235 /usr/bin/python3 -I -c \
	"import os; os.unlink('$DUPLO/red/group'); f = open('$DUPLO/red/group', 'x'); f.write('other'); f.close()"
is "$(cat "$DUPLO/red/group")" "team" "so it stays"
succeeds "the same again is no change" as 1234 1235 cp --remove-destination "$DUPLO/red/group" "$DUPLO/red/group.bak"
rm -f "$DUPLO/red/group.bak"
is "$(try rmdir "$GROUP")" "EBUSY rmdir" "a group that has tenants stays"
like "$(cat "$GROUP/last_error")" 'is that of tenant "(red|blue)"' "and says whose it is"

# The policy itself.
is "$(try write "$POLICY" '{"MaxReplica":3}' | cut -d ' ' -f 1)" "EINVAL" "a misspelt field"
like "$(cat "$GROUP/last_error")" 'did you mean "MaxReplicas"' "with the right one"
like "$(try write "$POLICY" '{"AllowedHostPaths":["/var/run/docker.sock"]}')" "^EPERM " "no policy gives the engine away"
succeeds "a policy" try write "$POLICY" \
	'{"MaxReplicas":10,"MaxServices":"3","AllowedHostPaths":["/srv/red"],"AllowedImages":["example/"]}'
is "$(cat "$GROUP/last_error")" "" "that is accepted"
python3 - "$DUPLO/.platform/schema/group.json" "$POLICY" <<'PY'
import json, sys
from jsonschema import Draft202012Validator
schema, policy = (json.load(open(path)) for path in sys.argv[1:])
Draft202012Validator.check_schema(schema)
Draft202012Validator(schema).validate(policy)
PY
ok $? "and keeps to its schema"

# Quotas, for both tenants together.
is "$(put red/services/web 6)" "ok" "6 of 10 replicas"
is "$(put blue/services/web 5)" "EDQUOT write" "5 more are too many"
is "$(refusal blue/services/web)" \
	'MaxReplicas of group "team" is 10: its tenants use 6, and with this 11' "the sentence names quota, limit and use"
is "$(cat "$DUPLO/blue/services/web/spec.json")" "" "nothing was taken"
is "$(put blue/services/web 4)" "ok" "4 are not"
is "$(try write "$DUPLO/blue/services/web/replicas" 5 | cut -d ' ' -f 1)" "EDQUOT" "a view keeps to it"
is "$(try replace "$DUPLO/blue/services/web/spec.json" "$(spec 5)")" "EDQUOT rename" "and a rename"
rm "$DUPLO/blue/services/web/.try.tmp"
is "$(try replace "$DUPLO/blue/services/web/spec.next" "$(spec 5)")" "EDQUOT rename" "and a staged spec"
fails_with "quota exceeded" "as the shell says" bash -c "echo 5 >'$DUPLO/blue/services/web/replicas'"
is "$(put free/services/web 1000)" "ok" "who is in no group has no limit"
like "$(cat "$GROUP/status")" "replicas +10 of 10.*services +2 of 3.*tenant +red.*tenant +blue" "status tells the use"
is "$(try mkdir "$DUPLO/red/services/two")" "ok" "a third service"
is "$(try mkdir "$DUPLO/red/services/three")" "EDQUOT mkdir" "a fourth is one too many"
like "$(cat "$DUPLO/red/last_error")" 'MaxServices of group "team" is 3: its tenants have 3' "says last_error"
is "$(put red/services/two 1)" "EDQUOT write" "it may have no replicas"
is "$(put red/services/two 0)" "ok" "but none"
echo 5 >"$DUPLO/red/services/web/replicas"
is "$(put red/services/two 1)" "ok" "what one gives up another may take"
rmdir "$DUPLO/red/services/two"
is "$(put blue/services/web 5)" "ok" "and what a removed one had"
# Of many at once, exactly as many as fit.
echo 0 >"$DUPLO/blue/services/web/replicas"
echo 0 >"$DUPLO/red/services/web/replicas"
for tenant in red blue; do
	for value in 6 7 8; do
		(echo $value >"$DUPLO/$tenant/services/web/replicas") 2>/dev/null &
	done
done
wait %2 %3 %4 %5 %6 %7
[ $(($(cat "$DUPLO/red/services/web/replicas") + $(cat "$DUPLO/blue/services/web/replicas"))) -le 10 ]
ok $? "writers at the same time do not get more than there is"

# What is allowed at all.
echo 0 >"$DUPLO/blue/services/web/replicas"
is "$(put red/services/web 1 '"Volumes":["/srv/red:/data:ro"]')" "ok" "a path of the host that is allowed"
is "$(put blue/services/web 1 '"Volumes":["/srv/red/sub:/data"]')" "EPERM write" "not what is below it"
like "$(refusal blue/services/web)" "/srv/red/sub is a path of the host that AllowedHostPaths of group \"team\" has not" "says last_error"
is "$(put free/services/web 1 '"Volumes":["/srv/red:/data"]')" "EPERM write" "none without a group"
is "$(try write "$DUPLO/blue/services/web/image" "evil/web:1" | cut -d ' ' -f 1)" "EPERM" "an image of elsewhere"
like "$(refusal blue/services/web)" "AllowedImages of group \"team\"" "says last_error"

# A policy that becomes tighter.
echo 6 >"$DUPLO/red/services/web/replicas"
succeeds "the service settles" settles 30 "$DUPLO/red/services/web"
echo '{"MaxReplicas":2,"AllowedImages":[]}' >"$POLICY"
is "$(cat "$DUPLO/red/services/web/replicas")" "6" "what runs is left alone"
like "$(cat "$GROUP/status")" "replicas +[0-9]+ of 2, above its limit" "status tells"
is "$(try write "$DUPLO/red/services/web/replicas" 7 | cut -d ' ' -f 1)" "EPERM" "it may not grow"
is "$(try write "$DUPLO/red/services/web/replicas" 5)" "ok" "it may shrink"
like "$(try write "$DUPLO/red/services/web/spec.json" "$(jq -c '.DrainSeconds = 1' "$DUPLO/red/services/web/spec.json")")" \
	"ok" "and change otherwise"

# It survives; and ends.
platform_kill
platform_start -c simulated || bail "no platform"
is "$(cat "$DUPLO/red/group" "$DUPLO/blue/group" | xargs)" "team team" "tenants are in their group after a crash"
like "$(cat "$GROUP/status")" "replicas +[0-9]+ of 2" "with what they use"
is "$(put blue/services/web 900)" "EPERM write" "and its policy"
echo '{"MaxReplicas":2}' >"$POLICY"
is "$(put blue/services/web 900)" "EDQUOT write" "and its quotas"
echo >"$DUPLO/blue/group"
is "$(put blue/services/web 900)" "ok" "out of the group nothing holds"
echo "" >"$DUPLO/red/group"
succeeds "a group without tenants goes" rmdir "$GROUP"
is "$(ls -A "$DUPLO/.platform/groups")" "" "for good"
succeeds "and comes again, empty" mkdir "$GROUP"
is "$(cat "$POLICY")" "" "without a policy"
succeeds "rm -r takes it, too" rm -r "$GROUP"
like "$(grep 'path=red/group' "$DUPLO/.platform/audit" | grep -c 'uid=1234 .*outcome=EPERM')" "^[1-9]" \
	"the audit has who tried to change the group"
rm -r "$DUPLO/red" "$DUPLO/blue" "$DUPLO/free"
platform_stop
tap_done
