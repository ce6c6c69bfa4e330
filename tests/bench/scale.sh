#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A thousand services and a million (scale.sh [MANY [TENANTS]]), idle and simulated: looks through the
# mount, the start, memory, processor time, and the listing of a directory of a hundred thousand.
# Looks are made on one processor, each for the first time since the start; the figures are medians of
# several starts. On two, one look takes 30 µs or 150 by where the scheduler has put who answers it.
. "${0%/*}/../e2e/lib/platform.sh"

scale=${0%/*}/../../build/release/tests/bench/scale
many=${1:-1000000}
many_tenants=${2:-10000}

sizes=(few many)
rounds=5 # of looks
declare -A tenants=([few]=10 [many]=$many_tenants) services=([few]=1000 [many]=$many)
declare -A figures

# worker SIZE FIELD: of /proc/PID/status, in KiB.
worker() {
	awk -v field="$2:" '$1 == field { print $2 }' "/proc/$(cat "${platform_state[$1]}/worker.pid")/status"
}

# Ticks of all processes of the one platform, or of both.
ticks() {
	local size stats=()
	for size in "$@"; do
		stats+=("/proc/$(cat "${platform_state[$size]}/worker.pid")/stat")
		stats+=("/proc/$(cat "${platform_state[$size]}/supervisor.pid")/stat")
	done
	awk '{ sum += $14 + $15 } END { print sum }' "${stats[@]}"
}

# They have swept what is there, and used no processor for a while.
last=0 same=0
rests() {
	local now
	now=$(ticks few many)
	same=$((now == last ? same + 1 : 0))
	last=$now
	[ $same -ge 10 ]
}

# run_on PROCESSORS: those who answer.
run_on() {
	local size
	for size in "${sizes[@]}"; do
		taskset -acp "$1" "$(cat "${platform_state[$size]}/worker.pid")" >/dev/null || return 1
	done
}

# Both platforms started anew; adds a line to the file of looks, the four figures of each.
look() {
	local size
	for size in "${sizes[@]}"; do
		platform_stop "$size" >/dev/null
		platform_start -n "$size" -c simulated || return 1
	done
	same=0
	eventually 60 rests
	run_on 0 || return 1
	taskset -c 0 "$scale" look \
		"${platform_mount[few]}" "${tenants[few]}" "${services[few]}" \
		"${platform_mount[many]}" "${tenants[many]}" "${services[many]}" |
		paste -sd ' ' >>"$TEST_DIR/looks"
	run_on "0-$(($(nproc) - 1))"
}

# median COLUMN: of the looks.
median() {
	cut -d ' ' -f "$1" "$TEST_DIR/looks" | sort -n | sed -n "$(((rounds + 1) / 2))p"
}

past() {
	[ "$SECONDS" -ge "$1" ]
}

for name in "${sizes[@]}"; do
	platform_start -n "$name" -c simulated || exit 1
	platform_stop "$name" >/dev/null
	"$scale" fill "${platform_state[$name]}" "${tenants[$name]}" "${services[$name]}" || exit 1
	[ "$name" = few ] || "$scale" fill-one "${platform_state[$name]}" 100000 || exit 1
	begun=$(date +%s%N)
	platform_start -n "$name" -c simulated || exit 1
	cat "$DUPLO/t3/services/s7/status" >/dev/null || exit 1
	figures[$name-start]=$((($(date +%s%N) - begun) / 1000000))
done
eventually 120 rests
for name in "${sizes[@]}"; do
	figures[$name-memory]=$(worker "$name" VmRSS)
done
for ((round = 0; round < rounds; round++)); do
	look || exit 1
done
same=0
eventually 60 rests
for name in "${sizes[@]}"; do
	figures[$name-ticks]=$(ticks "$name")
done
eventually 20 past $((SECONDS + 10))
for name in "${sizes[@]}"; do
	figures[$name-ticks]=$(($(ticks "$name") - figures[$name-ticks]))
done
echo 5 >"/proc/$(cat "${platform_state[many]}/worker.pid")/clear_refs" # the peak begins anew
memory=$(worker many VmRSS)
read -r count first all < <("$scale" list "${platform_mount[many]}/wide/services")
memory=$(($(worker many VmHWM) - memory))

row() {
	echo "| $1 | $2 | $3 | $(awk "BEGIN { printf \"%.2f\", $3 / $2 }") | $4 |"
}
echo "| | 1000 services | $many in $many_tenants tenants | ratio | wanted |"
echo "| --- | --- | --- | --- | --- |"
row "stat of any status, median µs" "$(median 1)" "$(median 3)" ""
row "stat of any status, p99 µs" "$(median 2)" "$(median 4)" "at most 1.5"
row "reading any status, median µs" "$(median 5)" "$(median 7)" ""
row "reading any status, p99 µs" "$(median 6)" "$(median 8)" "at most 1.5"
echo "| start to the first answer, ms | ${figures[few-start]} | ${figures[many-start]} | | under 1000 |"
row "resident memory at rest, KiB" "${figures[few-memory]}" "${figures[many-memory]}" \
	"$(awk "BEGIN { printf \"%.1f\", (${figures[many-memory]} - ${figures[few-memory]}) * 1024 / $many }") bytes a service, wanted under 100"
echo "| processor time in 10 s of rest, ticks | ${figures[few-ticks]} | ${figures[many-ticks]} | | 0 |"
echo
echo "Listing $count entries: the first after $first ms, all after $all ms, with $memory KiB more memory."
for name in "${sizes[@]}"; do
	platform_stop "$name" >/dev/null
done
