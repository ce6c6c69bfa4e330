#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws: new code under the key that functions have theirs from reaches them within a sweep, which asks for an
# object once however many functions have their code from it; tags that somebody took off a queue or a function are
# put back; and no secret is to be seen in what AWS tells of a function.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "$lib/aws.sh"
# shellcheck source=tests/e2e/lib/aws_resources.sh
. "$lib/aws_resources.sh"

spec() {
	echo '{"Type":"lambda","Runtime":"python3.12","Handler":"main.handler","CodeBucket":"code","CodeKey":"lib/v1.zip"'"${1-}"'}'
}

functions() {
	aws_ask functions "$@"
}

swept() {
	[ "$(aws_log | grep -c '^ListFunctions')" -ge "$1" ]
}

answers() {
	[[ $(account call "$1" '{}') =~ \"version\":\ \"$2\" ]]
}

# Both have code of another checksum.
is_new() {
	[ "$(functions sum "$(output f name)")" != "$1" ] && [ "$(functions sum "$(output g name)")" = "$(functions sum "$(output f name)")" ]
}

ready() {
	status_says "^$1 +$2 +ready"
}

tagged() {
	[ "$(account tags sqs "$1" 2>/dev/null)" = demo ]
}

# What no list tells is looked at when the policy is another one.
look_again() {
	looks="$looks "
	echo "$POLICY$looks" >"$DUPLO/.platform/policy/infrastructure.json"
}

scenario_code() {
	local before heads
	made code '{"Type":"s3","EmptyOnRemoval":true}'
	succeeds "$1: a bucket" settles 30 "$RESOURCE"
	account code "$(output code name)" "lib/v1.zip" one
	printf 'planted-secret' >"$DUPLO/demo/secrets/API_KEY"
	made f "$(spec)"
	made g "$(spec)"
	becomes 90 "$1: two functions of one object" eval "ready f lambda && ready g lambda"
	before=$(functions sum "$(output f name)")
	aws_rules
	becomes 30 "$1: sweeps" swept 4
	heads=$(aws_log | grep -c '^HeadObject')
	ok "$((heads < 3 || heads > 4))" "$1: ask for the object once each ($heads)"
	is "$(aws_log | grep -c '^GetFunction\|^UpdateFunction')" 0 "$1: and of no function"

	account code "$(output code name)" "lib/v1.zip" two
	becomes 30 "$1: new code under the same key reaches both" is_new "$before"
	[ "$1" != ministack ] || becomes 20 "$1: and runs" answers "$(output f name)" two
	becomes 30 "$1: the events say so" grep -q 'the function gets new code' "$DUPLO/demo/resources/f/events"
	becomes 30 "$1: both are ready again" eval "ready f lambda && ready g lambda"
	is "$(aws_log | grep -c '^UpdateFunctionCode')" 2 "$1: each was given it once"
	aws_rules
	becomes 30 "$1: sweeps go on" swept 3
	functions delete "$(output code name)" "lib/v1.zip"
	aws_rules
	becomes 30 "$1: without the object, too" swept 3
	is "$(aws_log | grep -c '^UpdateFunction')" 0 "$1: nothing is changed"
	ok "$(ready f lambda; echo $?)" "$1: the functions serve on"

	unlike "$(functions whole "$(output f name)")" 'planted-secret' "$1: no secret of the tenant's is to be seen"
	like "$(functions whole "$(output f name)")" 'main.handler' "$1: in all that AWS tells of a function"
}

scenario_tags() {
	local queue
	made jobs '{"Type":"sqs"}'
	succeeds "$1: a queue" settles 30 "$RESOURCE"
	queue=$(output jobs name)
	functions strip sqs "$queue"
	look_again
	becomes 60 "$1: tags that a queue lost are put back" tagged "$queue"
	becomes 20 "$1: the events say so" grep -q 'somebody took its tags away at AWS: they are put back' "$RESOURCE/events"
	becomes 20 "$1: and it is ready" ready jobs sqs
	functions strip lambda "$(output g name)"
	look_again
	becomes 60 "$1: those of a function, too" grep -q 'somebody took its tags away' "$DUPLO/demo/resources/g/events"
	becomes 60 "$1: and it is ready" ready g lambda

	aws_rules "$(rule TagQueue no-permission 10000)"
	functions strip sqs "$queue"
	look_again
	becomes 60 "$1: where AWS does not allow it, the status says so" grep -q 'its tags were taken away, and cannot be put back' "$RESOURCE/status"
	aws_rules
	look_again
	becomes 60 "$1: until it does" tagged "$queue"
	functions strip sqs "$queue"
	rmdir "$DUPLO/demo/resources/jobs"
	becomes 60 "$1: without tags it goes all the same, as it was made here" eval "! ours | grep -q ^sqs"
}

scenario() {
	aws_start "$1"
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" sweep=1 || bail "no platform"
	echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
	mkdir "$DUPLO/demo"
	scenario_code "$1"
	scenario_tags "$1"
	rmdir "$DUPLO/demo/resources/f" "$DUPLO/demo/resources/g"
	removed code
	becomes 60 "$1: all goes" is_nothing
	rm -r "$DUPLO/demo"
	becomes 60 "$1: and the tenant" is_bare
	aws_end
}

looks=
for emulator in ${AWS_EMULATORS:-moto ministack}; do
	scenario "$emulator"
done
tap_done
