#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# .platform/metrics: what Prometheus makes of it, and whether it is true.
. "${0%/*}/lib/platform.sh"

platform_start || bail "no platform"
metrics=$DUPLO/.platform/metrics

# metric NAME[LABELS]: its value.
metric() {
	awk -v name="$1" '$1 == name { print $2 }' "$metrics"
}
metric_is() {
	[ "$(metric "$1")" = "$2" ]
}

mkdir "$DUPLO/demo" "$DUPLO/other"
service demo web "$(hello_spec 1 '"Replicas":3,"ExternalLBPort":80,"DrainSeconds":0')"
succeeds "a service settles" settles 60
becomes 2 "tenants are counted" metric_is duplofs_tenants 2
becomes 2 "services, too" metric_is duplofs_services 1
becomes 2 "and instances" metric_is duplofs_instances 3
for part in engine balancer dns; do
	becomes 5 "the $part is up" metric_is "duplofs_up{part=\"$part\"}" 1
done
is "$(metric "duplofs_info{version=\"$("$DUPLOFS" --version | cut -d ' ' -f 2)\",platform=\"${platform_id[main]}\",cloud=\"local\"}")" \
	"1" "what runs is named"
database_size() {
	metric_is 'duplofs_store_bytes{file="duplofs.db"}' "$(stat -c %s "${platform_state[main]}/duplofs.db")"
}
becomes 5 "the database's size" database_size
threads() {
	metric_is process_threads "$(ls "/proc/$(worker_pid)/task" | wc -l)"
}
becomes 5 "the worker's threads" threads
is "$(stat -c %a "$metrics")" "400" "it is the administrator's"

# The text as the format wants it: each metric is described once, before all of its samples, and each sample is there once.
for file in "$metrics" "$DUPLO/demo/metrics" "$DUPLO/demo/billing/cost.prom" "$DUPLO/.platform/billing/cost.prom"; do
	is "$(python3 - "$file" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
name, seen, described, bad = None, set(), {}, []
for line in text.splitlines():
    head = re.fullmatch(r"# (HELP|TYPE) ([a-z_]+) (.+)", line)
    if head:
        kinds = described.setdefault(head[2], [])
        kinds.append(head[1])
        name = head[2]
        continue
    sample = re.fullmatch(r'([a-z_]+)(\{[a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*\})? [0-9]+(\.[0-9]+)?', line)
    if not sample or sample[1] != name or line.rsplit(" ", 1)[0] in seen:
        bad.append(line)
    seen.add(line.rsplit(" ", 1)[0])
print(text.endswith("\n"), bad, [name for name in described if described[name] != ["HELP", "TYPE"]])
PY
)" "True [] []" "Prometheus can read ${file#"$DUPLO/"}"
done
before=$(metric process_cpu_seconds_total)
moved() {
	! metric_is process_cpu_seconds_total "$before"
}
becomes 10 "a read tells of now" moved

echo 1 >"$SERVICE/replicas"
succeeds "fewer replicas" settles 60
becomes 2 "are fewer instances" metric_is duplofs_instances 1
succeeds "rm -r" rm -r "$DUPLO/demo" "$DUPLO/other"
becomes 30 "nothing is left to count" metric_is duplofs_instances 0
is "$(metric duplofs_tenants) $(metric duplofs_services)" "0 0" "neither tenants nor services"
platform_stop
tap_done
