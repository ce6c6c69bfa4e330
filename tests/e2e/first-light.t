#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job: a tenant writes the plain form of a spec and gets a running, balanced, named service.
. "${0%/*}/lib/platform.sh"

platform_start || bail "no platform"
domain=website.demo.duplo.test
spec='{"Name":"Website","DockerImage":"'$HELLO_IMAGE':1","Replicas":"3","ExternalLBPort":"80","DNS":"'$domain'"}'

page() {
	curl -fsS -m 5 "$@"
}

# The replicas that answer, by asking until all have been heard or the time is over.
replicas_heard() {
	local wanted=$1 url=$2 i
	for ((i = 0; i < 60; i++)); do
		page "$url/replica"
	done | sort -un | tr '\n' ' ' | grep -qxF "$wanted "
}

# platform_tells INSTANCES: what the platform's status says of what a tenant has just got.
platform_tells() {
	[ "$(jq -r '[.Tenants, .Services, .Instances] | join(" ")' "$DUPLO/.platform/status.json")" = "1 1 $1" ] &&
		grep -q '^balancer .* 1 load balancer$' "$DUPLO/.platform/status" &&
		grep -q '^dns .* 1 name$' "$DUPLO/.platform/status"
}

succeeds "mkdir makes a tenant" mkdir "$DUPLO/demo"
is "$(cd "$DUPLO/demo" && for name in services secrets config status events; do
	[ -e $name ] && echo $name
done | tr '\n' ' ')" "services secrets config status events " "a tenant has its files"
becomes 5 "it has a key pair" test -s "$DUPLO/demo/keys/ssh.pub"
is "$(ssh-keygen -y -f "$DUPLO/demo/keys/ssh")" "$(cat "$DUPLO/demo/keys/ssh.pub")" "of two halves"
like "$(cat "$DUPLO/demo/keys/ssh.pub")" "^ssh-ed25519 [A-Za-z0-9+/]+ demo@duplofs$" "with its name"
is "$(stat -c %a "$DUPLO/demo/keys" "$DUPLO/demo/keys/ssh" | tr '\n' ' ')" "700 400 " "which others cannot read"
succeeds "mkdir makes a service" mkdir "$DUPLO/demo/services/website"
SERVICE=$DUPLO/demo/services/website
is "$(try write "$SERVICE/spec.json" "$spec"$'\n')" "ok" "the plain form of a spec is accepted"
is "$(cat "$SERVICE/spec.json")" "$spec" "spec.json reads as it was written"
is "$(cat "$SERVICE/last_error")" "" "last_error is empty"
is "$(cat "$SERVICE/replicas")" "3" "replicas shows a field of the spec"
is "$(cat "$SERVICE/image")" "$HELLO_IMAGE:1" "image shows a field of the spec"
is "$(cat "$SERVICE/dns")" "$domain" "dns shows a field of the spec"
succeeds "wait returns when the service has settled" settles 60
becomes 1 "the platform's status tells of them at once" platform_tells 3
is "$(count running)" "3" "three containers run"

url=$(url)
like "$url" "^http://${platform_net[main]//./\\.}\.[0-9]+$" "url names the load balancer's address"
like "$(page "$url/")" "hello, version 1" "the page answers through the load balancer"
becomes 10 "all replicas answer" replicas_heard "0 1 2" "$url"
address=${url#http://}
address=${address%%[:/]*}
is "$(dns $domain)" "$address" "the name leads to the load balancer"
like "$(page --resolve "$domain:80:$address" "http://$domain/")" "hello, version 1" "the page answers by its name"
like "$(page --cacert "${platform_state[main]}/certs/ca.pem" --resolve "$domain:443:$address" "https://$domain/version")" "^1$" \
	"the page answers by TLS with the platform's certificate"

like "$(cat "$SERVICE/status")" "3" "status counts the replicas"
is "$(jq -r type "$SERVICE/status.json")" "object" "status.json is JSON"
is "$(ls "$SERVICE/instances" | tr '\n' ' ')" "0 1 2 " "instances are listed by ordinal"
like "$(cat "$SERVICE/instances/0/address")" "^[0-9.]+:80$|^[0-9.]+$" "an instance has an address"
becomes 5 "logs show what the program printed" grep -q "hello: version 1" "$SERVICE/logs/0"
becomes 5 "those of the tenant, too" grep -q "hello: version 1" "$DUPLO/demo/logs/website.0"
is "$(ls "$DUPLO/demo/logs" | tr '\n' ' ')" "website.0 website.1 website.2 " "of each replica"
like "$(cat "$DUPLO/demo/neighbors/website")" "^[0-9.]+:[0-9]+"$'\n'"[0-9.]+:[0-9]+"$'\n'"[0-9.]+:[0-9]+$" \
	"neighbors has a line for each healthy instance"
like "$(page "$url/")" "website:" "a container sees its neighbors"
[ -s "$SERVICE/events" ]
ok $? "events tell what happened"

# Scaling up and down through the view; what runs stays.
before=$(labelled running | sort)
succeeds "a number into replicas" bash -c "echo 5 >'$SERVICE/replicas'"
is "$(cat "$SERVICE/replicas")" "5" "replicas is read back at once"
is "$(jq -r .Replicas "$SERVICE/spec.json")" "5" "spec.json has it too"
settles
becomes 1 "the platform's status tells of five" platform_tells 5
is "$(count running)" "5" "five containers run"
is "$(comm -23 <(echo "$before") <(labelled running | sort))" "" "those that ran before were not touched"
is "$(grep ^generation "$SERVICE/rollout" | tr -s ' ')" "generation 1, last good 1" "nothing was rolled out by that"
echo 2 >"$SERVICE/replicas"
settles
is "$(count containers)" "2" "two containers are left"
is "$(comm -13 <(echo "$before") <(labelled running | sort))" "" "the newest went first"
becomes 5 "only those two answer" replicas_heard "0 1" "$url"

# An upgrade goes through the update domains.
echo "$HELLO_IMAGE:2" >"$SERVICE/image"
settles
is "$(for _ in 1 2 3 4 5 6; do page "$url/version"; done | sort -u)" "2" "the new version answers everywhere"
like "$(cat "$SERVICE/rollout")" "[0-9]" "rollout is a table"

# What is there already starts nothing.
generation=$(status_field Generation)
before=$(labelled running | sort)
cat "$SERVICE/spec.json" >"$TEST_DIR/spec" && cat "$TEST_DIR/spec" >"$SERVICE/spec.json"
echo 2 >"$SERVICE/replicas"
settles
is "$(status_field Generation)" "$generation" "writing what is there makes no new generation"
is "$(labelled running | sort)" "$before" "and starts nothing"

# The name can be dropped alone.
echo "" >"$SERVICE/dns"
settles
becomes 10 "the name is gone" no_name $domain
like "$(page "$url/version")" "2" "the address still answers"

succeeds "rmdir removes the service" rmdir "$SERVICE"
[ ! -e "$SERVICE" ]
ok $? "its directory is gone at once"
succeeds "rmdir removes the tenant" rmdir "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
