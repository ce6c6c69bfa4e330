# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Hosts: instances with start-up scripts, one of them spot.

HOSTS='{"h1":{"CPU":1,"MemoryGiB":1},"h2":{"CPU":1,"MemoryGiB":2,"Spot":true}}'

host_make() {
	local name
	for name in h1 h2; do
		mkdir -p "$DUPLO/demo/hosts/$name" || return
		[ -s "$DUPLO/demo/hosts/$name/spec.json" ] || jq -c ".$name" <<<"$HOSTS" >"$DUPLO/demo/hosts/$name/spec.json"
	done
}

host_is_made() {
	grep -q ', a t3\.micro, runs' "$DUPLO/demo/hosts/h1/status" && grep -q ', a t3\.small, runs' "$DUPLO/demo/hosts/h2/status"
}

host_remove() {
	rmdir "$DUPLO"/demo/hosts/h[12]
}

part host
