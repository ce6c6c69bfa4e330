#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws: load balancers and names of services, made, changed, repaired and removed, whatever AWS answers
# meanwhile and whatever the policy says. Services without replicas: no container engine is needed.
# The same scenario against two emulators that we did not write; looked at with AWS's own client.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"
# shellcheck source=tests/e2e/lib/balancers.sh
. "$lib/balancers.sh"
# shellcheck source=tests/e2e/lib/garbage.sh
. "$lib/garbage.sh"

only_record() {
	[ "$(aws_services)" = "${1+record A $1 text}" ]
}

says() {
	grep -q "$1" "$SERVICE/status"
}

is_running() {
	[ "$(status_field Phase)" = running ]
}

asked() {
	aws_log | grep -c "^$1"
}

write_policy() {
	jq -c "$1" <<<"$POLICY" >"$DUPLO/.platform/policy/infrastructure.json" ||
		bail "a policy is refused: $(jq -c "$1" <<<"$POLICY")"
}

life() {
	service demo web "$(spec 80 $NAME)"
	becomes 60 "$1: a load balancer, its parts, and a name" is_whole web 80 $NAME HTTPS:443+certificate
	becomes 20 "$1: the service runs" is_running
	like "$(cat "$SERVICE/url")" "^https://$NAME/" "$1: url says where"
	spec 8080 other.apps.example.com >"$SERVICE/spec.json"
	becomes 60 "$1: port and name change in place" is_whole web 8080 other.apps.example.com HTTPS:443+certificate
	spec 8080 >"$SERVICE/spec.json"
	becomes 60 "$1: without a name there is no TLS" is_whole web 8080 ""

	aws_look break "$prefix"
	kill -KILL "$(worker_pid)"
	becomes 60 "$1: what somebody took or opened by hand is repaired" is_whole web 8080 ""
	rmdir "$SERVICE"
	becomes 60 "$1: all goes with the service" only_record
}

# Everything that can go wrong, while one is made and removed.
faults() {
	aws_rules "$(rule CreateLoadBalancer reset)" "$(rule CreateTargetGroup cut)" "$(rule CreateSecurityGroup reset)" \
		"$(rule CreateListener DuplicateListener)" "$(rule CreateListener reset)" "$(rule DescribeLoadBalancers html500)" \
		"$(rule DescribeTargetHealth throttle 2)" "$(rule ChangeResourceRecordSets throttle)" \
		"$(rule ListResourceRecordSets html500)" "$(rule DescribeTags cut)"
	service demo odd "$(spec 80 $NAME)"
	becomes 90 "$1: resets, half answers, HTML, throttling: all is made once" is_whole odd 80 $NAME HTTPS:443+certificate
	is "$(asked CreateLoadBalancer) $(asked CreateTargetGroup)" "1 1" "$1: what was executed without an answer is not asked for twice"
	becomes 60 "$1: and the service runs" is_running
	aws_rules "$(rule DeleteLoadBalancer reset)" "$(rule DeleteTargetGroup ResourceInUse 2)" \
		"$(rule DeleteSecurityGroup DependencyViolation 3)" "$(rule ChangeResourceRecordSets reset)"
	rmdir "$SERVICE"
	becomes 90 "$1: and all goes, although its parts are in use for a while" only_record
	is "$(asked 'DeleteTargetGroup ResourceInUse') $(asked 'DeleteSecurityGroup DependencyViolation')" "2 3" \
		"$1: it was asked again until they went"
	is "$(asked ChangeResourceRecordSets)" 1 "$1: what was executed without an answer is looked for, not sent again"
	aws_rules
}

# What was just made is not known everywhere, and what is just gone is still referred to.
late() {
	aws_rules "$(rule AuthorizeSecurityGroupIngress InvalidGroup.NotFound 2)" "$(rule ModifyTargetGroupAttributes TargetGroupNotFound)" \
		"$(rule CreateListener LoadBalancerNotFound 2)" "$(rule DescribeLoadBalancers LoadBalancerNotFound 1 1)" \
		"$(rule DescribeTargetGroups TargetGroupNotFound 1 1)" "$(rule DescribeTargetHealth TargetGroupNotFound)" \
		"$(rule CreateLoadBalancer InvalidSecurityGroup)"
	service demo late "$(spec 80 $NAME)"
	becomes 90 "$1: what is not shown when it was made: all is made once" is_whole late 80 $NAME HTTPS:443+certificate
	becomes 60 "$1: and the service runs" is_running
	aws_rules "$(rule DeleteSecurityGroup InvalidGroup.InUse 3)" "$(rule DeleteLoadBalancer throttle)"
	rmdir "$SERVICE"
	becomes 90 "$1: and all goes" only_record
	is "$(asked 'DeleteSecurityGroup InvalidGroup.InUse')" "3" "$1: it was asked again until it went"
	aws_rules
}

# What is somebody else's.
others() {
	aws_look record $NAME
	service demo web "$(spec 80 $NAME)"
	becomes 60 "$1: a name that somebody else has is refused" says 'did not make it: it is left alone'
	spec 80 >"$SERVICE/spec.json"
	becomes 30 "$1: without it the service runs" is_running
	rmdir "$SERVICE"
	becomes 60 "$1: what is not ours stays" only_record $NAME
	aws_look unrecord $NAME
}

# They came while the platform was away, and the journal knows of none of them.
unknown() {
	local id=${platform_id[main]}
	platform_stop
	aws_look balancer "duplofs-$id-zz" "duplo.platform=$id" "duplo.service-id=1295"
	aws_look balancer "duplofs-$id-zy"
	aws_look balancer mine "duplo.platform=$id" "duplo.service-id=1293"
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
	becomes 30 "$1: what has our name, and the journal does not know, is told" shows 2 STATE=left CLAIMS=name
	is "$(aws_names)" "mine zy zz" "$1: and left alone"
}

aws_names() {
	aws_look names | sed "s/^duplofs-${platform_id[main]}-//" | sort | xargs
}

# The balancers with names as ours.
only_the_foreign() {
	[ "$(aws_things | uniq)" = "balancer None internet-facing groups: zones: 2" ]
}

# What is wrong with the policy or the account is said in words, and not asked for all the time.
bad() {
	service demo bad "$(spec 80 $NAME)"
	write_policy '.public_subnet_ids = .public_subnet_ids[1:]'
	spec 81 $NAME >"$SERVICE/spec.json"
	becomes 60 "$1: subnets in one zone" says 'all in zone us-west-2b: a load balancer needs subnets in two zones'
	write_policy '.hosted_zone_id = "Z000"'
	becomes 90 "$1: a zone that is not there" says "the policy's hosted_zone_id Z000"
	write_policy 'del(.hosted_zone_id)'
	becomes 90 "$1: no zone" says 'the policy has no hosted_zone_id'
	write_policy '.certificate_arn = "arn:aws:acm:us-west-2:123456789012:certificate/none"'
	becomes 90 "$1: a certificate that is not there" says "the policy's certificate_arn arn:.*/none"
	rmdir "$SERVICE"
	write_policy .
	aws_rules "$(rule CreateLoadBalancer TooManyLoadBalancers 1000)"
	service demo bad "$(spec 80)"
	becomes 60 "$1: a quota" says 'a quota of the AWS account is used up'
	sleep 3
	ok $(($(asked CreateLoadBalancer) > 8)) "$1: it is not asked for all the time"
	aws_rules
	rmdir "$SERVICE"
	becomes 90 "$1: nothing of it is left" only_record
}

scenario() {
	aws_start "$1"
	POLICY=$(aws_look base 10.40)
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
	prefix=duplofs-${platform_id[main]}-
	write_policy .
	mkdir "$DUPLO/demo"
	life "$1"
	faults "$1"
	late "$1"
	others "$1"
	bad "$1"
	unknown "$1"
	rmdir "$DUPLO/demo"
	becomes 60 "$1: the tenant goes" only_the_foreign
	aws_end
}

for emulator in ${AWS_EMULATORS:-moto ministack}; do
	scenario "$emulator"
done
tap_done
