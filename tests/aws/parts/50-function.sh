# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# A function that a queue of the tenant calls, with a role and a log of its own. Its code lies in a bucket that is not the
# tenant's and that the policy allows.

function_before() {
	aws_resources bucket shared-code
	aws_resources code shared-code x one
	POLICY=$(jq -c '. + {"code_buckets": ["shared-code"]}' <<<"$POLICY")
}

function_make() {
	mkdir -p "$DUPLO/demo/resources/work" || return
	[ -s "$DUPLO/demo/resources/work/spec.json" ] ||
		echo '{"Type":"lambda","Runtime":"python3.12","Handler":"main.handler","CodeBucket":"shared-code","CodeKey":"x",
			"Queue":"jobs"}' >"$DUPLO/demo/resources/work/spec.json"
}

function_is_made() {
	says "$DUPLO/demo/resources/work/status" 'phase *ready'
}

function_remove() {
	rmdir "$DUPLO/demo/resources/work"
}

part function
