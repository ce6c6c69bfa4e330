#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Functions in an AWS account: made from code in a bucket or from an image, called by a queue, changed in place, mended,
# and removed with all that they have. The same scenario against two emulators that we did not write, looked at with
# AWS's own client; ministack runs them for real. What hardly depends on the emulator is tried at one of them.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "$lib/aws.sh"
# shellcheck source=tests/e2e/lib/aws_resources.sh
. "$lib/aws_resources.sh"

CODE='"Type":"lambda","Runtime":"python3.12","Handler":"main.handler","CodeBucket":"code"'

# spec KEY FIELDS: of a function whose code is in the tenant's bucket.
spec() {
	echo "{$CODE,\"CodeKey\":\"$1\"${2:+,$2}}"
}

answers() {
	[ "$(account call "$1" '{}')" = "$2" ]
}

heard() {
	grep -qxF "$1" "$TEST_DIR/heard"
}

# What AWS's own words say of the function but for what its role allows.
place() {
	account runs "$1" | grep -v '^duplofs-'
}

allows() {
	account runs "$1" | grep "^duplofs-$2: " | cut -d' ' -f2-
}

scenario_made() {
	local name_jobs role group
	echo "a fine day" >"$DUPLO/demo/config/GREETING"
	made code '{"Type":"s3","EmptyOnRemoval":true}'
	succeeds "$1: a bucket" settles 30 "$RESOURCE"
	made jobs '{"Type":"sqs","VisibilityTimeoutSeconds":60}'
	succeeds "$1: a queue" settles 30 "$RESOURCE"
	name_jobs=$(output jobs name)
	account code "$(output code name)" v1.zip one
	aws_rules "$(rule CreateRole reset)" "$(rule CreateFunction role-not-ready 2)" "$(rule CreateFunction reset)" \
		"$(rule GetFunction cut)" "$(rule CreateLogGroup reset)" "$(rule PutRolePolicy throttle)" \
		"$(rule CreateEventSourceMapping queue-not-allowed)" "$(rule CreateEventSourceMapping reset)"
	made f "$(spec v1.zip '"MemoryMiB":256,"TimeoutSeconds":5,"Environment":{"HEARD":"'"$TEST_DIR/heard"'"},
		"Config":["GREETING"],"Queue":"jobs","BatchSize":5')"
	succeeds "$1: a function is made, though its role is not known yet and answers are lost" settles 90 "$RESOURCE"
	is "$(aws_log | grep -cE ' (reset|cut|throttle|role-not-ready|queue-not-allowed)$')" "9" "$1: all of that happened"
	aws_rules
	name=$(output f name)
	is "$(ours | grep -v '^s3\|^sqs')" "lambda $name python3.12 main.handler 256 5 GREETING=a fine day,HEARD=$TEST_DIR/heard
mapping $name_jobs $name 5 Enabled
function-role $name
log-group /aws/lambda/$name 30" "$1: once, just as asked, with a role and a log of its own, and the queue calls it"
	like "$(output f arn)" "^arn:aws:lambda:us-west-2:[0-9]+:function:$name$" "$1: its ARN is told"
	is "$(output f region) $(cat "$RESOURCE/protect")" "us-west-2 off" "$1: its region; it holds no data"
	group=$(account group "$(name_of_tenant)")
	is "$(place "$name")" "tenant demo
role role/duplofs/functions/$name
network $(jq -r '.private_subnet_ids | join(",")' <<<"$POLICY") $group
taken by lambda.amazonaws.com" "$1: in the tenant's private network and group, and Lambda alone may take its role"
}

scenario_role() {
	local tenants own
	tenants=$(account role "$(name_of_tenant)")
	like "$tenants" "lambda:InvokeFunction $(output f arn)" "$1: the tenant's role may call it"
	unlike "$tenants" "ec2:|lambda:(Update|Delete)|logs:" "$1: and nothing more"
	is "$(allows "$name" resources)" "Allow ${tenants//$'\n'/$'\n'Allow }" "$1: it may use what the tenant's services may"
	own=$(allows "$name" function)
	like "$own" "Allow logs:PutLogEvents arn:aws:logs:us-west-2:[0-9]+:log-group:/aws/lambda/$name:\*" "$1: write its log"
	like "$own" "Allow sqs:ReceiveMessage $(output jobs arn)" "$1: take messages of its queue"
	is "$(grep -c '^Allow ec2:' <<<"$own")" "$(grep -c '^Deny ec2:' <<<"$own")" \
		"$1: what Lambda may do in the network is denied to its code"
}

scenario_called() {
	like "$(account call "$name" '{"a":1}')" '"event": \{"a": 1\}, "greeting": "a fine day", "version": "one"' "$1: it runs"
	account send "$(output jobs name)" "hello there"
	becomes 20 "$1: a message calls it" heard "hello there"
}

scenario_changed() {
	echo "another day" >"$DUPLO/demo/config/GREETING"
	becomes 20 "$1: a changed config value reaches it" eval "grep -q 'GREETING=another day' <<<\"\$(ours)\""
	account code "$(output code name)" v2.zip two
	aws_rules "$(rule UpdateFunctionConfiguration being-updated)" "$(rule UpdateFunctionCode reset)"
	made f "$(spec v2.zip '"Config":["GREETING"],"Queue":"jobs"')"
	succeeds "$1: it is changed" settles 60 "$RESOURCE"
	is "$(ours | grep '^lambda\|^mapping')" "lambda $name python3.12 main.handler 128 3 GREETING=another day
mapping $(output jobs name) $name 10 Enabled" "$1: in place"
	is "$(aws_log | grep -c '^UpdateFunctionCode')$(aws_log | grep -c ' being-updated$')" "21" "$1: waiting for AWS, and code whose fate was lost was sent again"
	aws_rules
	[ "$1" != ministack ] ||
		becomes 20 "$1: new code runs" answers "$name" '{"event": {}, "greeting": "another day", "version": "two"}'
	made f "$(spec v2.zip)"
	succeeds "$1: without a queue" settles 60 "$RESOURCE"
	is "$(ours | grep '^lambda\|^mapping')" "lambda $name python3.12 main.handler 128 3 -" "$1: none calls it, and variables go"
	made f "$(spec v2.zip '"Config":["GREETING"],"Queue":"jobs"')"
	succeeds "$1: and with one again" settles 60 "$RESOURCE"
}

# What somebody did by hand is mended at the next look.
scenario_mended() {
	local whole
	whole=$(ours)
	for what in environment mapping role function; do
		account forget "$name" "$what"
		looks="$looks "
		echo "$POLICY$looks" >"$DUPLO/.platform/policy/infrastructure.json"
		becomes 60 "$1: its $what, changed or removed by hand, is as it was" mended "$whole"
	done
}

mended() {
	[ "$(ours)" = "$1" ] && status_says '^f +lambda +ready' && [ -n "$(allows "$name" resources)" ]
}

just_one() {
	[ "$(ours | grep -c ^lambda)" = 1 ] && ! status_says '^(g|img) '
}

scenario_refused() {
	made g '{"Type":"lambda","Runtime":"python3.12","Handler":"a.b","CodeBucket":"shared-code","CodeKey":"x"}'
	fails_with "Input/output error" "$1: a bucket that is not the tenant's is refused" settles_aloud
	like "$(cat "$RESOURCE/last_error")" "CodeBucket: \"shared-code\" is no resource of this tenant, nor in the policy" "$1: in words"
	account bucket shared-code
	account code shared-code x three
	jq '.code_buckets = ["shared-code"]' <<<"$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
	becomes 30 "$1: the policy may allow it" eval "status_says '^g +lambda +ready'"
	rmdir "$RESOURCE"
	made g "$(spec v1.zip '"Queue":"code"')"
	fails_with "Input/output error" "$1: a queue that is none" settles_aloud
	like "$(cat "$RESOURCE/last_error")" 'Queue: "code" is no resource of type sqs' "$1: in words"
	made g "$(spec v1.zip '"Config":["ABSENT"]')"
	fails_with "Input/output error" "$1: a config value that is not there" settles_aloud
	like "$(cat "$RESOURCE/last_error")" 'Config: the tenant has no config/ABSENT' "$1: in words"
	echo yes >"$DUPLO/demo/config/ABSENT"
	becomes 30 "$1: and as soon as it is there" eval "status_says '^g +lambda +ready'"
	fails_with "Invalid argument" "$1: secrets are not put into an environment" write_spec "$(spec v1.zip '"Secrets":["K"]')"
	like "$(cat "$RESOURCE/last_error")" 'Secrets: AWS shows the environment' "$1: in words"
	rmdir "$RESOURCE"
}

scenario_image() {
	made img '{"Type":"lambda","DockerImage":"123456789012.dkr.ecr.us-west-2.amazonaws.com/f:1","MemoryMiB":512}'
	succeeds "$1: a function of an image" settles 30 "$RESOURCE"
	like "$(ours)" "lambda $(output img name) image - 512 3 -" "$1: is as asked"
	made img '{"Type":"lambda","DockerImage":"123456789012.dkr.ecr.us-west-2.amazonaws.com/f:2","MemoryMiB":512}'
	succeeds "$1: and another image" settles 30 "$RESOURCE"
	rmdir "$RESOURCE"
	becomes 30 "$1: both are removed" just_one
}

# killed_at CALL COMMAND...: the platform is killed as soon as AWS has executed that call, and started again.
killed_at() {
	local action=$1 pids
	shift
	mapfile -t pids < <(platform_pids)
	aws_rules '{"action":"'"$action"'","fault":"kill-after","state":"'"${platform_state[main]}"'"}'
	"$@"
	platform_wait_killed main "${pids[@]}"
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
}

is_as() {
	[ "$(ours | sort)" = "$1" ]
}

scenario_killed() {
	local killed before
	before=$(ours | sort)
	killed_at CreateFunction made k "$(spec v1.zip '"Queue":"jobs"')"
	killed_at CreateEventSourceMapping true
	RESOURCE=$DUPLO/demo/resources/k
	succeeds "$1: killed after the function and its mapping were made, before it knew" settles 60 "$RESOURCE"
	killed=$(output k name)
	is "$(ours | grep -c "$killed")" "4" "$1: each is there once"
	killed_at DeleteFunction rmdir "$RESOURCE"
	becomes 60 "$1: killed after the function was deleted: nothing is left of it" is_as "$before"
}

scenario_removed() {
	aws_rules "$(rule DeleteEventSourceMapping reset)" "$(rule DeleteFunction reset)" "$(rule DeleteRole throttle)" \
		"$(rule DeleteLogGroup reset)"
	rmdir "$DUPLO/demo/resources/f"
	becomes 60 "$1: it goes, with its mapping, role and log" eval "! ours | grep -vq '^s3\|^sqs'"
	is "$(aws_log | grep -oE '^(DeleteEventSourceMapping|DeleteFunction|DeleteRole|DeleteLogGroup)' | awk '!seen[$0]++' | xargs)" \
		"DeleteEventSourceMapping DeleteFunction DeleteRole DeleteLogGroup" "$1: in that order"
	is "$(account role "$(name_of_tenant)" | grep -c lambda)" "0" "$1: nobody may call it any more"
	removed code
	removed jobs
	becomes 60 "$1: all goes" is_nothing
}

scenario() {
	aws_start "$1"
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
	echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
	mkdir "$DUPLO/demo"
	scenario_made "$1"
	scenario_role "$1"
	[ "$1" != ministack ] || scenario_called "$1"
	scenario_changed "$1"
	if [ "$1" = ministack ]; then
		scenario_mended "$1"
	else
		scenario_killed "$1"
		scenario_refused "$1"
		scenario_image "$1"
	fi
	scenario_removed "$1"
	rm -r "$DUPLO/demo"
	becomes 60 "$1: the tenant goes" is_bare
	aws_end
}

looks=
for emulator in ${AWS_EMULATORS:-moto ministack}; do
	scenario "$emulator"
done
tap_done
