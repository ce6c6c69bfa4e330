# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# aws_resources - resources of the tenant "demo", and AWS's own client to look at what they are in the account.
#   account COMMAND ARGUMENT...   as tests/aws/resources.py says

account() {
	aws_resources "$@"
}

ours() {
	account list "duplofs-${platform_id[main]}-"
}

# made NAME SPEC: the directory is in RESOURCE.
made() {
	RESOURCE=$DUPLO/demo/resources/$1
	mkdir -p "$RESOURCE" && echo "$2" >"$RESOURCE/spec.json"
}

settles_aloud() {
	timeout 30 cat "$RESOURCE/wait"
}

output() {
	cat "$DUPLO/demo/resources/$1/$2"
}

write_spec() {
	bash -c "echo '$1' >'$RESOURCE/spec.json'"
}

shows() {
	grep -qxF "$1" <<<"$(ours)"
}

removed() {
	echo off >"$DUPLO/demo/resources/$1/protect"
	rmdir "$DUPLO/demo/resources/$1"
}

status_says() {
	grep -qE "$1" "$DUPLO/demo/status"
}

is_nothing() {
	[ -z "$(ours)" ]
}

# What the tenant's group, role and profile are called.
name_of_tenant() {
	echo "duplofs-${platform_id[main]}-demo-$(object_of "$DUPLO/demo")"
}

is_bare() {
	[ -z "$(aws_things)" ]
}

# The number of the object behind a directory, as the inode number has it.
object_of() {
	echo $(($(stat -c %i "$1") >> 28 & 0xfffffff))
}
