#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A queue or a bucket that a function names stays for as long as it does: rmdir says by whom it is in use.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
base=$DUPLO/demo/resources
resource() {
	mkdir -p "$base/$1" && echo "$2" >"$base/$1/spec.json"
}
function_spec() {
	echo '{"Type":"lambda","Runtime":"python3.12","Handler":"a.b","CodeBucket":"code","CodeKey":"v1.zip"'"${1-}"'}'
}

mkdir "$DUPLO/demo"
resource jobs '{"Type":"sqs"}'
resource others '{"Type":"sqs"}'
resource code '{"Type":"s3"}'
resource f "$(function_spec ',"Queue":"jobs"')"
fails_with "Device or resource busy" "a queue that a function names cannot be removed" rmdir "$base/jobs"
is "$(cat "$base/jobs/last_error")" 'resource "jobs" is the Queue of "f", a lambda: give that another one, or remove it, first' "which is said"
ok "$([ -e "$base/jobs/spec.json" ]; echo $?)" "it is as it was"
succeeds "protection of a bucket is taken off" eval "echo off >$base/code/protect"
fails_with "Device or resource busy" "a bucket that has its code cannot be removed" rmdir "$base/code"
like "$(cat "$base/code/last_error")" 'is the CodeBucket of "f"' "which is said, too"

resource f "$(function_spec ',"Queue":"others"')"
succeeds "given another queue, the first may go" rmdir "$base/jobs"
fails_with "Device or resource busy" "not the other" rmdir "$base/others"
resource f "$(function_spec)"
succeeds "without a queue that may go, too" rmdir "$base/others"
succeeds "a function may go" rmdir "$base/f"
succeeds "and then its bucket" rmdir "$base/code"

mkdir "$DUPLO/other"
resource jobs '{"Type":"sqs"}'
mkdir -p "$DUPLO/other/resources/f"
function_spec ',"Queue":"jobs"' >"$DUPLO/other/resources/f/spec.json"
succeeds "what a function of another tenant names is none of it" rmdir "$base/jobs"

base=$DUPLO/other/resources
resource jobs '{"Type":"sqs"}'
for name in z-first m-second a-last; do
	resource "$name" "$(function_spec ',"Queue":"jobs"')"
done
is "$(find "$base" -mindepth 1 -maxdepth 1 -printf '%f ' | xargs -n1 | sort | xargs)" "a-last f jobs m-second z-first" "each is listed once"
succeeds "rm -r of a tenant removes who names before what is named" rm -r "$DUPLO/other"
platform_stop
tap_done
