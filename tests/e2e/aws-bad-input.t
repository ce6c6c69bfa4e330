#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws and what an administrator or an account has wrong: ids of the policy that AWS does not have, credentials, a
# region that is not there, quotas, and an AWS that is full. The status of whatever is made says what helps, and AWS is not
# asked for it in a tight loop. (Of tenants alone, and of no network: aws-faults.t; of the form of a policy: policy.t.)
# The proxy says what emulators never do, as AWS words it.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"

WATCHED_S=3   # so long AWS is watched
MOST_CALLS=25 # of one kind meanwhile, sweeps included: a loop would make hundreds
MADE='^phase *(ready|running)|, runs'
ROOMS=(hosts services resources)
CORRECT='and the administrator corrects .platform/policy/infrastructure.json'

policy() {
	jq -c "$1" <<<"$POLICY" >"$DUPLO/.platform/policy/infrastructure.json" ||
		bail "a policy is refused: $(cat "$DUPLO/.platform/policy/last_error")"
}

# lasting ACTION FAULT [MESSAGE]: a rule.
lasting() {
	jq -cn --arg action "$1" --arg fault "$2" --arg message "${3-}" \
		'{action: $action, fault: $fault, times: 1000000} + if $message == "" then {} else {message: $message} end'
}

says() {
	grep -qE "$2" "$DUPLO/$1/status"
}

declare -A SPEC=(
	[hosts]='{"CPU":1,"MemoryGiB":1}'
	[services]='{"DockerImage":"x","Replicas":0,"ExternalLBPort":80}'
	[resources]='{"Type":"rds","Engine":"postgres","FinalSnapshot":false}'
)

# made ROOM [SPEC]: a host, service or resource x of the tenant's.
made() {
	mkdir -p "$DUPLO/demo/$1/x"
	echo "${2:-${SPEC[$1]}}" >"$DUPLO/demo/$1/x/spec.json"
}

unmade() {
	[ "$1" != resources ] || echo off >"$DUPLO/demo/resources/x/protect"
	rmdir "$DUPLO/demo/$1/x"
}

is_nothing() {
	[ -z "$(aws_things)" ]
}

is_gone() {
	[ ! -e "$DUPLO/demo/$1/x" ]
}

# no_loop WHAT: no call of one kind comes all the time.
no_loop() {
	local busiest
	aws_log | sort >"$TEST_DIR/calls"
	sleep $WATCHED_S
	busiest=$(aws_log | sort | diff "$TEST_DIR/calls" - | sed -n 's/^> //p' | sort | uniq -c | sort -rn | head -1 | xargs)
	ok $((${busiest%% *} + 0 > MOST_CALLS)) "$1: nothing is asked all the time" || diag "$busiest"
}

# wrong FIELD VALUE ROOM [RULE...]: what the policy says there is not in the account.
wrong() {
	local field=$1 value=$2 room=$3 what=demo
	shift 3
	[ "$room" = tenant ] || what=demo/$room/x
	aws_rules "$@"
	policy ".$field = $value"
	if [ "$room" = tenant ]; then mkdir "$DUPLO/demo"; else made "$room" "${OTHER-}"; fi
	value=$(jq -r 'if type == "array" then .[0] else . end' <<<"$value")
	becomes 30 "$field: the status says what is wrong, and who mends it where" \
		says "$what" "the policy's $field ${value#*=}: AWS (refuses|does not have) it, $CORRECT"
	no_loop "$field"
	aws_rules
	policy .
	if [ "$room" = tenant ]; then
		becomes 60 "$field: corrected, all is made" says demo 'are there'
		rmdir "$DUPLO/demo"
		becomes 60 "$field: and goes" [ ! -e "$DUPLO/demo" ]
	else
		becomes 60 "$field: corrected, it is made" says "$what" "$MADE"
		unmade "$room"
		becomes 60 "$field: and goes" is_gone "$room"
	fi
}

# refused WHAT WORDS RULE WORDS RULE WORDS RULE: of a host, a service and a resource; while it lasts, and when it is over.
refused() {
	local what=$1 room
	local -A words=([hosts]=$2 [services]=$4 [resources]=$6)
	aws_rules "$3" "$5" "$7"
	for room in "${ROOMS[@]}"; do
		made "$room"
	done
	for room in "${ROOMS[@]}"; do
		becomes 30 "$what, $room: the status says what helps" says "demo/$room/x" "${words[$room]}"
	done
	no_loop "$what"
	aws_rules
	for room in "${ROOMS[@]}"; do
		becomes 60 "$what, $room: when it is over it is made" says "demo/$room/x" "$MADE"
	done
	for room in "${ROOMS[@]}"; do
		unmade "$room"
	done
	for room in "${ROOMS[@]}"; do
		becomes 60 "$what, $room: and goes" is_gone "$room"
	done
}

# Ids that are not in the account.
policies() {
	local group='sg-0123456789abcdef0' arn=arn:aws:iam::123456789012:policy/none
	wrong admin_security_group_ids '["'$group'"]' tenant
	wrong tenant_policy_arns '["'$arn'"]' tenant
	wrong vpc_id '"vpc-0none"' tenant "$(lasting CreateSecurityGroup InvalidVpcID.NotFound "The vpc ID 'vpc-0none' does not exist")"
	wrong permissions_boundary_arn '"'$arn'"' tenant \
		"$(lasting CreateRole NoSuchEntity "Scope ARN: $arn does not exist or is not attachable.")"
	mkdir "$DUPLO/demo"
	becomes 60 "a tenant is made" says demo 'are there'
	wrong private_subnet_ids '["subnet-0none"]' hosts
	wrong images '["debian-12=ami-0none"]' hosts
	wrong public_subnet_ids '["subnet-0none","subnet-0none"]' services
	wrong db_subnet_group '"none-of-that-name"' resources \
		"$(lasting CreateDBInstance DBSubnetGroupNotFoundFault "DB subnet group 'none-of-that-name' does not exist.")"
	wrong db_parameter_group '"no-parameters"' resources \
		"$(lasting CreateDBInstance DBParameterGroupNotFound "DBParameterGroup not found: no-parameters")"
	OTHER='{"Type":"elasticache","FinalSnapshot":false}'
	wrong_cache
	OTHER=
	policy '.host_events_queue_url = "'"$AWS_ENDPOINT_URL"'/123456789012/none"'
	becomes 30 "host_events_queue_url: the platform's status says so" \
		grep -qE '^sweep .*events of hosts not: AWS sqs ReceiveMessage' "$DUPLO/.platform/status"
	policy .
	becomes 30 "host_events_queue_url: corrected, nothing is said" eval "! grep -q 'events of hosts' '$DUPLO/.platform/status'"
}

# A cache is asked for and refused; moto's never go once they are made.
wrong_cache() {
	aws_rules "$(lasting CreateCacheCluster CacheSubnetGroupNotFoundFault "Cache Subnet Group none-of-that-name does not exist.")"
	policy '.cache_subnet_group = "none-of-that-name"'
	made resources "$OTHER"
	becomes 30 "cache_subnet_group: the status says what is wrong" \
		says demo/resources/x "the policy's cache_subnet_group none-of-that-name: AWS refuses it, $CORRECT"
	no_loop cache_subnet_group
	unmade resources
	becomes 60 "cache_subnet_group: nothing is left" is_gone resources
	aws_rules
}

# credentials FAULT WORDS: of what is asked first for a host, a service and a resource.
credentials() {
	refused "$1" "$2" "$(lasting DescribeInstances "$1")" "$2" "$(lasting DescribeLoadBalancers "$1")" \
		"$2" "$(lasting DescribeDBInstances "$1")"
}

# One tenant is made; whatever it wants next is refused.
refusals() {
	local quota="quota of the AWS account is used up: the administrator asks AWS for a higher one"
	credentials expired-token "credentials have expired: give it new ones"
	credentials wrong-region "does not know the platform's credentials: check them and the policy's region"
	refused "a quota" "current vCPU limit of 32.*$quota" "$(lasting RunInstances VcpuLimitExceeded \
		"You have requested more vCPU capacity than your current vCPU limit of 32 allows")" \
		"$quota" "$(lasting CreateLoadBalancer TooManyLoadBalancers)" "$quota" "$(lasting CreateDBInstance StorageQuotaExceeded)"
	refused "a full AWS" "AWS has no room for a machine just now, whichever of t3" "$(lasting RunInstances InsufficientInstanceCapacity)" \
		"AWS does not know everywhere yet what was just made" "$(lasting CreateLoadBalancer InvalidSecurityGroup)" \
		"AWS has no room for it just now" "$(lasting CreateDBInstance InsufficientDBInstanceCapacity)"
}

# Nothing there to ask: the name of its endpoint is none.
no_region() {
	platform_stop
	AWS_ENDPOINT_URL='' platform_start -c aws "${options[@]}" || bail "no platform"
	policy '.region = "us-mars-1"'
	mkdir "$DUPLO/mars"
	becomes 60 "a region that is not there: the status says what to look at" \
		says mars "AWS ec2 .* in us-mars-1 cannot be reached, check this machine's network and the policy's region: .*resolve"
	platform_stop
	platform_start -c aws "${options[@]}" || bail "no platform"
	policy .
	becomes 60 "corrected, all is made" says mars 'are there'
	rmdir "$DUPLO/mars"
}

export MOTO_ENABLE_AMI_VALIDATION=true
options=("docker=unix://$TEST_DIR/no-engine" host_grace=1 sweep=1)
aws_start moto
POLICY=$(jq -c '. + {"images": ["debian-12=ami-12c6146b"]}' <<<"$POLICY")
platform_start -c aws "${options[@]}" || bail "no platform"
policies
refusals
no_region
succeeds "the tenant goes" rmdir "$DUPLO/demo"
becomes 60 "and all that it had" is_nothing
aws_end
tap_done
