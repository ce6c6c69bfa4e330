# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# A resource of each type. moto's caches never go; ministack has no domains of SWF.

RESOURCES='{"assets":{"Type":"s3","Versioning":true,"EmptyOnRemoval":true}, "jobs":{"Type":"sqs"},
	"users":{"Type":"dynamodb"}, "db":{"Type":"rds","Engine":"postgres"}}'
case $emulator in
ministack) RESOURCES=$(jq '. + {"cache":{"Type":"elasticache"}}' <<<"$RESOURCES") ;;
*) RESOURCES=$(jq '. + {"flow":{"Type":"swf"}}' <<<"$RESOURCES") ;;
esac

resource_names() {
	jq -r 'keys[]' <<<"$RESOURCES"
}

resource_make() {
	local name
	for name in $(resource_names); do
		mkdir -p "$DUPLO/demo/resources/$name" || return
		[ -s "$DUPLO/demo/resources/$name/spec.json" ] ||
			jq -c ".$name" <<<"$RESOURCES" >"$DUPLO/demo/resources/$name/spec.json"
	done
}

resource_is_made() {
	local name
	for name in $(resource_names); do
		grep -q "^phase *ready" "$DUPLO/demo/resources/$name/status" || return
	done
}

resource_remove() {
	local name
	for name in $(resource_names); do
		echo off >"$DUPLO/demo/resources/$name/protect"
		rmdir "$DUPLO/demo/resources/$name"
	done
}

part resource
