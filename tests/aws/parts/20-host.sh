# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Hosts: instances with start-up scripts, one of them spot.

declare -gA HOSTS=([h1]='{"CPU":1,"MemoryGiB":1}' [h2]='{"CPU":1,"MemoryGiB":2,"Spot":true}')

host_make() {
	local name
	for name in h1 h2; do
		mkdir -p "$DUPLO/demo/hosts/$name" || return
		[ -s "$DUPLO/demo/hosts/$name/spec.json" ] || echo "${HOSTS[$name]}" >"$DUPLO/demo/hosts/$name/spec.json"
	done
}

host_is_made() {
	says "$DUPLO/demo/hosts/h1/status" $'[^\n]*, a t3\\.micro, runs' &&
		says "$DUPLO/demo/hosts/h2/status" $'[^\n]*, a t3\\.small, runs'
}

host_remove() {
	rmdir "$DUPLO"/demo/hosts/h[12]
}

part host
