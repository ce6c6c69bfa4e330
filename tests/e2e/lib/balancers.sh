# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# balancers - services without replicas behind load balancers of AWS, and all that AWS has for one.

NAME=web.apps.example.com

spec() {
	echo '{"DockerImage":"x","Replicas":0,"ExternalLBPort":'"$1"',"DNS":"'"${2-}"'"'"${3-}"'}'
}

# whole SERVICE PORT NAME [MORE-LISTENERS]: all that AWS has for it, as it shall be.
whole() {
	local rules="$2-$2:0.0.0.0/0"
	[ -z "${4-}" ] || rules="443-443:0.0.0.0/0 $rules"
	printf 'balancer %s internet-facing HTTP:%s%s groups: own tenant'\''s zones: 2\n' "$1" "$2" "${4:+ $4}"
	printf 'target-group %s ip / 10 targets:\n' "$1"
	# shellcheck disable=SC2086 # a word each
	printf 'security-group %s in: %s out:\n' "$1" "$(printf '%s\n' $rules | sort | xargs)"
	[ -z "$3" ] || printf 'record A %s %s\nrecord TXT _duplofs.%s text\n' "$3" "$1" "$3"
}

is_whole() {
	[ "$(aws_services)" = "$(whole "$@")" ]
}
