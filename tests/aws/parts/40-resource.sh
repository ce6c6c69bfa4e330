# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# A resource of each type. moto's caches never go; ministack has no domains of SWF.

declare -gA RESOURCES=(
	[assets]='{"Type":"s3","Versioning":true,"EmptyOnRemoval":true}' [jobs]='{"Type":"sqs"}'
	[users]='{"Type":"dynamodb"}' [db]='{"Type":"rds","Engine":"postgres"}'
)
case $emulator in
ministack) RESOURCES[cache]='{"Type":"elasticache"}' ;;
*) RESOURCES[flow]='{"Type":"swf"}' ;;
esac

resource_make() {
	local name
	for name in "${!RESOURCES[@]}"; do
		mkdir -p "$DUPLO/demo/resources/$name" || return
		[ -s "$DUPLO/demo/resources/$name/spec.json" ] ||
			echo "${RESOURCES[$name]}" >"$DUPLO/demo/resources/$name/spec.json"
	done
}

resource_is_made() {
	local name
	for name in "${!RESOURCES[@]}"; do
		says "$DUPLO/demo/resources/$name/status" 'phase *ready' || return
	done
}

resource_remove() {
	local name
	for name in "${!RESOURCES[@]}"; do
		echo off >"$DUPLO/demo/resources/$name/protect"
		rmdir "$DUPLO/demo/resources/$name"
	done
}

part resource
