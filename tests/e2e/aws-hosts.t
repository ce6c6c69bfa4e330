#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws: hosts as EC2 instances: what is asked for and how it is tagged, what is done when AWS has none, takes one
# back or loses one, and one that boots for real: its start-up script, read back from the emulator, runs in a network
# namespace, and the platform joins the engine there by TLS and runs a container on it.
# ministack ignores spot, keeps no start-up script, and gives addresses outside the subnet: none boots there.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"
# shellcheck source=tests/e2e/lib/engines.sh
. "$lib/engines.sh"

test_clean() {
	engines_clean 2>/dev/null
	aws_stop
}

instances() {
	aws_account hosts "duplofs-${platform_id[main]}-" | grep -v ' terminated ' | grep " $1 "
}

is_instance() {
	[[ $(instances "$1") =~ $2 ]]
}

field() {
	instances "$1" | cut -d' ' -f"$2"
}

alive() {
	[ "$(instances "$1" | grep -Ec ' (pending|running) ')" -eq "$2" ]
}

another() {
	local now
	now=$(instances "$1" | grep -E ' (pending|running) ' | cut -d' ' -f1)
	[ -n "$now" ] && [ "$now" != "$2" ] && [ "$(wc -w <<<"$now")" -eq 1 ]
}

host_says() {
	grep -q "$2" "$DUPLO/demo/hosts/$1/status"
}

host_silent() {
	! host_says "$1" 'less than asked for'
}

host() {
	mkdir -p "$DUPLO/demo/hosts/$1"
	echo "$2" >"$DUPLO/demo/hosts/$1/spec.json"
}

all_gone() {
	! aws_account hosts "duplofs-${platform_id[main]}-" | grep -qv ' terminated '
}

with() {
	jq -c "$1" <<<"$POLICY"
}

policy() {
	POLICY=$(with "$1")
	echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
}

# One boots, serves, is lost, and another one takes its place.
boots() {
	local id address
	id=$(field h1 1)
	address=$(field h1 7)
	aws_account script "$id" >"$TEST_DIR/script.$1"
	like "$(head -2 "$TEST_DIR/script.$1")" "host h1 of tenant demo" "the start-up script says what for"
	engine_boot "$1" "$address" "$TEST_DIR/script.$1" || bail "no network namespace"
	becomes 60 "$1 boots, and its engine is joined by TLS" host_says h1 '^phase *ready' ||
		bail "$(cat "$DUPLO/demo/hosts/h1/status" "$engines_dir/$1/boot.log" "$engines_dir/$1/log/docker.log")"
}

real_boot() {
	local first
	engines_begin 0 || bail "no bridge"
	boots first
	first=$(field h1 1)
	is "$(cat "$DUPLO/demo/hosts/h1/address")" "$(field h1 7)" "its address is the instance's"
	like "$(curl -sk -m 5 "https://$(field h1 7):2376/version" 2>&1; echo " $?")" "^ [1-9]" \
		"without the platform's certificate its engine does not answer"
	engine_images first
	service demo web "$(hello_spec 1 '"Replicas":"2","HealthCheck":{"Path":"/healthz","IntervalSeconds":1}')"
	succeeds "a service runs on it" settles 60
	is "$(cat "$SERVICE/instances/0/host")" h1 "there"
	like "$(curl -sS -m 5 "http://$(head -1 "$DUPLO/demo/neighbors/web")/version")" "^1$" "and answers at its address"

	host h1 '{"CPU":4,"MemoryGiB":4}'
	becomes 20 "more than its machine has: the status says what helps" host_says h1 'has CPU 2 .* add a host of the new size'
	is "$(field h1 1) $(status_field CPUMilli "$DUPLO/demo/hosts/h1/status.json")" "$first 2000" "the machine stays, and what it has counts"
	host h1 '{"CPU":2,"MemoryGiB":4}'
	becomes 20 "taken back: nothing is said any more" host_silent h1

	aws_account change "$first" terminate
	engine_kill first
	becomes 30 "terminated by hand: another one takes its place" another h1 "$first"
	becomes 20 "the events say so" grep -q "$first has ended: another machine takes its place" "$DUPLO/demo/hosts/h1/events"
	boots second
	engine_images second
	becomes 60 "what ran on the first runs on the second" test_healthy 2
	like "$(curl -sS -m 5 "http://$(head -1 "$DUPLO/demo/neighbors/web")/version")" "^1$" "and answers there"
	rmdir "$SERVICE"
	rmdir "$DUPLO/demo/hosts/h1"
	becomes 60 "rmdir terminates it" alive h1 0
	engine_kill second
	becomes 30 "and the host is gone" [ ! -e "$DUPLO/demo/hosts/h1" ]
}

# What it refers to is not known everywhere yet; then it is itself, when it was made and when it was terminated.
late() {
	aws_rules "$(rule RunInstances profile-not-ready 2)" "$(rule RunInstances profile-without-role)" \
		"$(rule RunInstances InvalidGroup.NotFound)" "$(rule RunInstances InvalidKeyPair.NotFound)" \
		"$(rule RunInstances IdempotentParameterMismatch)"
	host l1 '{"CPU":1,"MemoryGiB":1}'
	becomes 30 "$1: not all is known everywhere yet: the status says so" host_says l1 'does not know everywhere yet what was just made'
	becomes 60 "$1: then it is made" host_says l1 'a t3.micro, runs'
	is "$(aws_log | sed -n 's/^RunInstances *//p' | sort | uniq -c | xargs)" \
		"1 1 IdempotentParameterMismatch 1 InvalidGroup.NotFound 1 InvalidKeyPair.NotFound 2 profile-not-ready 1 profile-without-role" \
		"$1: it was asked for again until then, and once"
	is "$(instances l1 | wc -l)" "1" "$1: there is one"
	aws_rules "$(rule TerminateInstances InvalidInstanceID.NotFound 2)"
	rmdir "$DUPLO/demo/hosts/l1"
	becomes 60 "$1: not found is not terminated: it is asked again" alive l1 0
	becomes 60 "$1: and the host goes" [ ! -e "$DUPLO/demo/hosts/l1" ]
	is "$(aws_log | grep -c '^TerminateInstances$')" "1" "$1: and that was all"
	aws_rules
}

bad_input() {
	host b1 '{"OS":"plan9","CPU":1}'
	becomes 30 "$1: an unknown OS: the status names those that are known" host_says b1 'debian-12'
	host b1 '{"CPU":500,"MemoryGiB":1}'
	becomes 30 "$1: too large: the status names the largest" host_says b1 'the largest, .* has CPU'
	host b1 '{"CPU":1,"Region":"eu-north-1"}'
	becomes 30 "$1: another region: the status says where there are networks" host_says b1 'us-west-2 alone'
	is "$(instances b1)" "" "$1: and nothing was made"
	aws_rules "$(rule RunInstances VcpuLimitExceeded 4)"
	host b1 '{"CPU":1,"MemoryGiB":1}'
	becomes 30 "$1: a quota: the status says so" host_says b1 'quota of the AWS account'
	aws_rules "$(rule RunInstances InsufficientInstanceCapacity 2)"
	becomes 60 "$1: no capacity: the next type" alive b1 1
	is "$(field b1 4)" "t3.medium" "$1: is tried"
	aws_rules
	rmdir "$DUPLO/demo/hosts/b1"
}

# Images by an owner's newest of a name, and by a parameter.
images() {
	local owner pattern newest
	read -r owner pattern newest < <(aws_account images)
	aws_account parameter /images/debian ami-12c6146b
	policy '. + {"images":["debian-12=/images/debian","ubuntu-24.04='"$owner/$pattern"'","debian-11='"$owner"'/none*"]}'
	host i1 '{"CPU":1,"MemoryGiB":1}'
	becomes 30 "$1: an image by a parameter of SSM" alive i1 1
	is "$(field i1 5)" ami-12c6146b "$1: it is the one"
	host i2 '{"OS":"ubuntu-24.04","CPU":1,"MemoryGiB":1}'
	if [ "$1" = ministack ]; then # which starts no image that it did not ship
		becomes 30 "$1: an image by its owner and a pattern of names: it is asked for" host_says i2 "$newest"
	else
		becomes 30 "$1: an image by its owner and a pattern of names" alive i2 1
		is "$(field i2 5)" "$newest" "$1: the newest of them"
	fi
	host i3 '{"OS":"debian-11","CPU":1,"MemoryGiB":1}'
	becomes 30 "$1: a pattern of none: the status says so" host_says i3 'no x86_64 image that is called none'
}

# A tenant without hosts waits for one, unless the policy opens the platform's own machine.
without_hosts() {
	mkdir "$DUPLO/bare"
	service bare web '{"DockerImage":"x"}'
	becomes 20 "$1: a tenant without hosts is told to make one" \
		grep -q 'tenant "bare" has no host that is there yet: mkdir bare/hosts/a' "$SERVICE/status"
	policy '. + {"local_services":"yes"}'
	becomes 20 "$1: unless the policy lets it run on the platform's own machine" grep -q ' local' "$SERVICE/status"
	rmdir "$SERVICE" "$DUPLO/bare"
	policy 'del(.local_services)'
}

scenario() {
	local emulator=$1 id queue own
	AWS_NET=$engines_net aws_start "$emulator"
	platform_start -c aws host_grace=3 "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
	own=duplofs-${platform_id[main]}
	mkdir "$DUPLO/demo"
	host h1 '{"CPU":2,"MemoryGiB":4}'
	becomes 30 "$emulator: without a policy the status says what to do" host_says h1 'infrastructure.json'
	queue=$(aws_account queue) # by way of the proxy
	queue=$AWS_ENDPOINT_URL/${queue#http://*/}
	policy '. + {"images":["debian-12=ami-12c6146b"],"host_events_queue_url":"'"$queue"'"}'
	becomes 60 "$emulator: with one a machine is made" alive h1 1
	# moto shows an instance before it has its profile.
	becomes 20 "$emulator: the cheapest type that fits, in the tenant's group, with its key and profile" is_instance h1 \
		" t3.medium ami-12c6146b on-demand .* groups: $own-demo-.* key: $own-demo-.* profile: $own-demo-"
	[ "$emulator" = ministack ] || real_boot

	# A spot instance is taken back.
	host s1 '{"CPU":1,"MemoryGiB":1,"Spot":true}'
	becomes 30 "$emulator: a spot instance" alive s1 1
	[ "$emulator" = ministack ] || is "$(field s1 6)" "spot" "is one"
	id=$(field s1 1)
	becomes 30 "$emulator: runs" host_says s1 "$id, a t3.micro, runs"
	aws_account event "$queue" recall "$id"
	becomes 20 "$emulator: taken back: another one is made at once" alive s1 2
	aws_account change "$id" terminate
	aws_account event "$queue" terminated "$id"
	becomes 20 "$emulator: and takes its place" another s1 "$id"

	# Stopped by hand.
	id=$(instances s1 | grep ' running ' | cut -d' ' -f1)
	aws_account change "$id" stop
	aws_account event "$queue" stopped "$id"
	becomes 30 "$emulator: a stopped one is terminated and replaced" another s1 "$id"

	# The answer is lost: no second one stays.
	aws_rules "$(rule RunInstances reset)"
	host d1 '{"CPU":1,"MemoryGiB":2}'
	becomes 30 "$emulator: executed without an answer: it is there" host_says d1 'a t3.small'
	becomes 30 "$emulator: once" alive d1 1
	is "$(aws_log | grep -c '^RunInstances')" "2" "$emulator: the same token was sent again"
	aws_rules

	late "$emulator"
	bad_input "$emulator"
	images "$emulator"
	without_hosts "$emulator"
	rm -r "$DUPLO/demo/hosts" 2>/dev/null
	becomes 60 "$emulator: all are terminated with their hosts" all_gone
	rmdir "$DUPLO/demo"
	becomes 60 "$emulator: and the tenant goes" [ ! -e "$DUPLO/demo" ]
	aws_end
}

for emulator in ${AWS_EMULATORS:-moto ministack}; do
	scenario "$emulator"
done
tap_done
