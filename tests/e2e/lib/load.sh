# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # lib is set by platform.sh, which comes first
# load - requests without pause while something happens, and that none of them fails.
# Two of wrk at a time: one that keeps its connections, and one that makes a new one for each request.

load_pids=()

load_start() {
	local url=$1 kind header
	load_pids=()
	for kind in keep close; do
		header="X-Load: keep"
		[ $kind = keep ] || header="Connection: close"
		wrk -t 1 -c 8 -d 600 --timeout 20s -H "$header" -s "$lib/load.lua" "$url/" \
			>"$TEST_DIR/load.$kind" 2>&1 &
		load_pids+=($!)
	done
}

# Not before both have begun: what they say at the end is of the whole time.
load_stop() {
	local pid
	for pid in "${load_pids[@]}"; do
		kill -INT "$pid" 2>/dev/null
	done
	wait "${load_pids[@]}"
	load_pids=()
}

load_says() {
	grep '^load ' "$TEST_DIR/load.$1"
}

# under_load DESCRIPTION COMMAND...: runs COMMAND while requests come; it succeeds, and no request fails.
under_load() {
	local description=$1 kind
	shift
	load_start "$(url)"
	sleep 0.5 # of undisturbed load before and after: an error at the edges counts too
	succeeds "$description" "$@"
	sleep 0.5
	load_stop
	for kind in keep close; do
		like "$(load_says $kind)" \
			"^load [1-9][0-9]+ connect 0 read 0 write 0 timeout 0 status 0\$" \
			"$description: no request fails ($kind)"
		note "$(load_says $kind)"
	done
}
