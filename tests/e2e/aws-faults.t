#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws when AWS refuses for long: the platform serves, the status says what a person can do, and nothing is asked
# in a tight loop. When it is over, all is made.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"

LOOPS=30 # calls of one kind that would be a loop, in the time of three sweeps
options=("docker=unix://$TEST_DIR/no-engine" sweep=1)

status_says() {
	grep -qE "^cloud .*$2" "$DUPLO/$1/status"
}

sweep_says() {
	grep -qE "^sweep .*$1" "$DUPLO/.platform/status"
}

# As one word of a rule.
lasting() {
	echo '{"action":"'"$1"'","fault":"'"$2"'","times":1000000'"${3:+,$3}"'}'
}

swept() {
	[ "$(aws_log | grep -c '^ListInstanceProfiles')" -ge 3 ]
}

# fault NAME ACTION FAULT WORDS: while it lasts, and when it is over.
fault() {
	local name=$1 action=$2 fault=$3 words=$4 calls
	aws_rules "$(lasting "$action" "$fault")"
	mkdir "$DUPLO/$name"
	becomes 30 "$fault: the status says what to do" status_says "$name" "$words"
	becomes 30 "$fault: sweeps go on" swept
	calls=$(aws_log | grep -c "^$action $fault")
	ok $((calls >= LOOPS)) "$fault: $calls calls meanwhile"
	aws_rules
	becomes 90 "$fault: when it is over all is made" status_says "$name" "are there"
	rmdir "$DUPLO/$name"
}

aws_start moto
keys=("$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY")
endpoint=$AWS_ENDPOINT_URL

unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
platform_start -c aws "${options[@]}" || bail "no platform"
echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
mkdir "$DUPLO/bare"
becomes 30 "without credentials the tenant says so" status_says bare "no credentials for AWS: give the platform AWS_ACCESS_KEY_ID"
becomes 30 "and the platform's status" sweep_says "cannot be looked over: no credentials for AWS"
is "$(aws_log)" "" "nothing is asked without"
mkdir -p "$DUPLO/bare/config" && echo 1 >"$DUPLO/bare/config/KEY"
is "$(cat "$DUPLO/bare/config/KEY")" "1" "files are served"
platform_stop

export AWS_ACCESS_KEY_ID=${keys[0]} AWS_SECRET_ACCESS_KEY=${keys[1]} AWS_ENDPOINT_URL=http://127.0.0.1:1
platform_start -c aws "${options[@]}" || bail "no platform"
becomes 60 "without a network the tenant says so" status_says bare "AWS ec2 .* in us-west-2 cannot be reached.*(refused|connect)"
becomes 60 "and the platform's status" sweep_says "cannot be looked over: AWS ec2"
is "$(cat "$DUPLO/bare/config/KEY")" "1" "files are served"
platform_stop

export AWS_ENDPOINT_URL=$endpoint
platform_start -c aws "${options[@]}" || bail "no platform"
becomes 60 "with both all is made" status_says bare "are there"

fault quota CreateSecurityGroup quota "SecurityGroupLimitExceeded.*quota of the AWS account is used up: the administrator asks AWS for a higher one"
fault roles CreateRole quota-iam "RolesPerAccount.*quota of the AWS account"
fault denied CreateSecurityGroup no-permission "lacks this permission: the administrator can add it"
fault expired CreateRole expired-token "credentials have expired: give it new ones"
fault region CreateSecurityGroup wrong-region "does not know the platform's credentials: check them and the policy's region"
fault slow CreateRole throttle "asks for fewer requests"
fault lost CreateSecurityGroup InvalidVpcID.NotFound "InvalidVpcID.NotFound"

# Its clock is two hours ahead: the first answer tells, and the next request is signed for that time.
aws_rules "$(lasting '*' skew '"seconds":7200')"
mkdir "$DUPLO/skew"
becomes 60 "with another idea of the time all is made" status_says skew "are there"
aws_rules "$(lasting '*' skew '"seconds":0')"
mkdir "$DUPLO/back"
becomes 60 "and with the clock set right again" status_says back "are there"
aws_rules
rm "$DUPLO/bare/config/KEY"
succeeds "the tenants go" rmdir "$DUPLO"/{skew,back,bare}
platform_stop
aws_stop
tap_done
