#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# After everything is removed nothing of ours is left outside, also when it was removed half way there;
# and what is not ours is never touched.
. "${0%/*}/lib/platform.sh"

platform_start || bail "no platform"
bystander=
test_clean() {
	[ -z "$bystander" ] || engine "/containers/$bystander?force=1" -X DELETE >/dev/null
}

# A container of somebody else, with names and labels like ours, but not our platform's.
bystander=$(engine "/containers/create?name=demo-web-0-$$" -X POST -H 'Content-Type: application/json' -d '{
	"Image":"'"$HELLO_IMAGE"':1","Labels":{"duplo.platform":"someone-else","duplo.tenant":"demo"}}' | jq -r .Id)
engine "/containers/$bystander/start" -X POST >/dev/null

mkdir "$DUPLO/demo" "$DUPLO/demo2"
for tenant in demo demo2; do
	for number in 1 2; do
		service $tenant web$number "$(hello_spec 1 '"Replicas":"2","ExternalLBPort":"80",
			"DNS":"web'$number.$tenant'.duplo.test","Volumes":["data:/data"]')"
	done
done
for service in "$DUPLO"/demo*/services/*; do
	succeeds "$(basename "$service") settles" settles 60 "$service"
done
is "$(count running)" "8" "eight containers run"
isnt "$(dns web1.demo.duplo.test)" "" "a name is told"

# The same name anew, while the old one is still being torn down.
SERVICE=$DUPLO/demo/services/web1
succeeds "rmdir" rmdir "$SERVICE"
succeeds "mkdir of the same name at once" mkdir "$SERVICE"
hello_spec 2 '"Replicas":"1","ExternalLBPort":"80","DNS":"web1.demo.duplo.test"' >"$SERVICE/spec.json"
succeeds "it settles" settles 60
is "$(curl -fsS -m 5 "$(url)/version")" "2" "and is the new one"

# Removed while it is still being made.
service demo late "$(hello_spec 1 '"Replicas":"10","ExternalLBPort":"80"')"
eventually 10 more_than 8
succeeds "rmdir in the middle of a deployment" rmdir "$SERVICE"
succeeds "rm -r of a tenant" rm -r "$DUPLO/demo2"
succeeds "rm -r of the other" rm -r "$DUPLO/demo"
is "$(ls "$DUPLO")" "README" "the tree is empty at once"
nothing_leaked
is "$(dns web1.demo.duplo.test)$(dns web2.demo2.duplo.test)" "" "no name is told any more"
is "$(engine "/containers/$bystander/json" | jq -r .State.Running)" "true" "what is not ours still runs"
platform_stop
is "$(find "$(runtime_directory)" 2>/dev/null)" "" "the runtime directory is gone"
tap_done
