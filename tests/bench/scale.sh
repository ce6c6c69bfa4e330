#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A thousand services and a million (scale.sh [MANY [TENANTS]]), idle and simulated: looks through the
# mount, the start, memory, processor time, and the listing of a directory of a hundred thousand.
. "${0%/*}/../e2e/lib/platform.sh"

scale=${0%/*}/../../build/release/tests/bench/scale
many=${1:-1000000}
many_tenants=${2:-10000}

# worker FIELD: of /proc/PID/status, in KiB.
worker() {
	awk -v field="$1:" '$1 == field { print $2 }' "/proc/$(cat "${platform_state[$name]}/worker.pid")/status"
}

# Ticks of both processes.
ticks() {
	awk '{ sum += $14 + $15 } END { print sum }' \
		"/proc/$(cat "${platform_state[$name]}/worker.pid")/stat" \
		"/proc/$(cat "${platform_state[$name]}/supervisor.pid")/stat"
}

# It has swept what is there, and used no processor for a while.
last=0 same=0
rests() {
	local now
	now=$(ticks)
	same=$((now == last ? same + 1 : 0))
	last=$now
	[ $same -ge 10 ]
}

past() {
	[ "$SECONDS" -ge "$1" ]
}

declare -A figures
for size in few many; do
	name=$size
	tenants=10 services=1000
	[ $size = few ] || tenants=$many_tenants services=$many
	platform_start -n $name -c simulated || exit 1
	platform_stop $name >/dev/null
	"$scale" fill "${platform_state[$name]}" "$tenants" "$services" || exit 1
	[ $size = few ] || "$scale" fill-one "${platform_state[$name]}" 100000 || exit 1
	begun=$(date +%s%N)
	platform_start -n $name -c simulated || exit 1
	cat "$DUPLO/t3/services/s7/status" >/dev/null || exit 1
	figures[$size-start]=$((($(date +%s%N) - begun) / 1000000))
	same=0
	eventually 120 rests
	figures[$size-memory]=$(worker VmRSS)
	figures[$size-look]=$("$scale" look "$DUPLO" "$tenants" "$services" | tr '\n' ' ')
	same=0
	eventually 60 rests
	before=$(ticks)
	eventually 20 past $((SECONDS + 10))
	figures[$size-ticks]=$(($(ticks) - before))
	[ $size = few ] || figures[list]=$("$scale" list "$DUPLO/wide/services")
	platform_stop $name >/dev/null
done

read -r f1 f2 f3 f4 <<<"${figures[few-look]}"
read -r m1 m2 m3 m4 <<<"${figures[many-look]}"
row() {
	echo "| $1 | $2 | $3 | $(awk "BEGIN { printf \"%.2f\", $3 / $2 }") | $4 |"
}
echo "| | 1000 services | $many in $many_tenants tenants | ratio | wanted |"
echo "| --- | --- | --- | --- | --- |"
row "stat of any status, median µs" "$f1" "$m1" ""
row "stat of any status, p99 µs" "$f2" "$m2" "at most 1.5"
row "reading any status, median µs" "$f3" "$m3" ""
row "reading any status, p99 µs" "$f4" "$m4" "at most 1.5"
echo "| start to the first answer, ms | ${figures[few-start]} | ${figures[many-start]} | | under 1000 |"
row "resident memory at rest, KiB" "${figures[few-memory]}" "${figures[many-memory]}" \
	"$(awk "BEGIN { printf \"%.1f\", (${figures[many-memory]} - ${figures[few-memory]}) * 1024 / $many }") bytes a service, wanted under 100"
echo "| processor time in 10 s of rest, ticks | ${figures[few-ticks]} | ${figures[many-ticks]} | | 0 |"
read -r count first all <<<"${figures[list]}"
echo
echo "Listing $count entries: the first after $first ms, all after $all ms."
