#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How soon a running container reads a change, from the end of the write that was acknowledged; and
# against the floor: a rename in the same tmpfs, seen by the same open. live.sh [ROUNDS]
. "${0%/*}/../e2e/lib/platform.sh"
# shellcheck source=tests/e2e/lib/shell.sh
. "$lib/shell.sh"
rounds=${1:-1000}

shell_image && platform_start || exit 1
mkdir "$DUPLO/demo" "$DUPLO/other"
service other api "$(shell_spec)"
API=$SERVICE
service demo web "$(shell_spec '"Neighbors":["other/api"]')"
settles 60 "$API" && settles 60 || exit 1
pid=$(engine "/containers/$(container_of 0)/json" | jq -r .State.Pid)
duplo=/proc/$pid/root/duplo
view=$(engine "/containers/$(container_of 0)/json" | jq -r '.Mounts[] | select(.Destination == "/duplo") | .Source')

row() {
	local what=$1 answer
	shift
	answer=$(/usr/bin/python3 -I -S "$lib/live.py" "$@") || exit 1
	read -r count median p99 longest <<<"$answer"
	printf '| %s | %d | %.2f | %.2f | %.2f | %s |\n' "$what" "$count" "$median" "$p99" "$longest" \
		"$(jq -n "$median / ${floor:-$median} * 10 | round / 10")"
}

echo "| change | rounds | median ms | p99 ms | longest ms | median against bare |"
echo "| --- | --- | --- | --- | --- | --- |"
row "bare: rename in the tmpfs" bare "$view/hosts" "$duplo/hosts" "$rounds"
floor=$median
row "a config value of the tenant" value "$DUPLO/demo/config/WORD" "$duplo/config/WORD" "$rounds"
row "a secret" value "$DUPLO/demo/secrets/TOKEN" "$duplo/secrets/TOKEN" "$rounds"
row "a config value of the service" value "$SERVICE/config/OWN" "$duplo/config/OWN" "$rounds"
row "100 values at once (mv -T)" staged "$SERVICE/config" "$duplo/config" 100 $((rounds / 10))
row "1000 values at once (mv -T)" staged "$SERVICE/config" "$duplo/config" 1000 $((rounds / 50))
row "one value beside 1000" value "$DUPLO/demo/config/WORD" "$duplo/config/WORD" $((rounds / 5))
row "a grant, and its neighbor" grant "$API/grants" demo "$duplo/neighbors/api.other" $((rounds / 5))
