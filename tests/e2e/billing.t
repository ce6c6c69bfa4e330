#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What services cost, as files: a real container on a machine at a price that is seen in seconds.
. "${0%/*}/lib/platform.sh"

platform_start || bail "no platform"
PRICES=$DUPLO/.platform/policy/prices.json
is "$(jq -r '.Prices[] | select(.Sku == "ec2/m5.large").Price' "$PRICES")" "0.096" "a price table ships"
fails_with "Invalid argument" "prices that are none are refused" \
	cp <(echo '{"Prices":[{"Sku":"local/machine","Price":"-3"}]}') "$PRICES"
echo '{"Prices":[{"Sku":"local/machine","Price":"36000"},{"Sku":"local/load-balancer","Price":"3600"}]}' >"$PRICES"
is "$(jq -r '.Prices | length' "$PRICES")" "2" "the administrator's rows are kept"

mkdir "$DUPLO/demo" "$DUPLO/other"
BILLING=$DUPLO/demo/billing
like "$(cat "$BILLING/summary")" "so far     0.00 USD" "a new tenant owes nothing"
month=$(date -u +%Y-%m)
is "$(find "$BILLING" -name '*.csv' -printf '%f ')" "$month.csv $month.focus-1.1.csv " "this month is there"
fails_with "No such file" "a month to come is not" cat "$BILLING/2199-01.csv"
fails_with "No such file" "what is no month is not" cat "$BILLING/$month.tsv"

service demo web "$(hello_spec 1 '"Replicas":"2","ExternalLBPort":"80","CPU":0.1,"MemoryMiB":64')"
succeeds "a service settles" settles 60

cost() {
	jq -r '.Cost' "$BILLING/month-to-date.json"
}

# costs MORE_THAN [AWK-CONDITION]
costs() {
	awk -v cost="$(cost)" -v more="$1" 'BEGIN { exit !(cost > more) }'
}
becomes 30 "time is money" costs 0.5
json=$(cat "$BILLING/month-to-date.json")
is "$(jq -r '[.Lines[].Service] | unique | join(" ")' <<<"$json")" "web" "of a shared machine a tenant pays his services alone"
is "$(jq -r '[.Lines[].Kind] | sort | join(", ")' <<<"$json")" "instances, load balancer" "containers and the balancer are counted"
is "$(jq '[.Lines[].Cost | tonumber * 1e9 | round] | add' <<<"$json")" "$(jq '.Cost | tonumber * 1e9 | round' <<<"$json")" \
	"the lines add up to the billionth"

becomes 30 "by-service has a line for it" grep -qP '\tweb\tinstances\tlocal\t' "$BILLING/by-service"
is "$(awk -F '\t' '!/^#/ && $3 != "(total)" { sum += $1 * 100 } $3 == "(total)" { total = $1 * 100 } END { print int(sum + 0.5) == int(total + 0.5) }' \
	"$BILLING/by-service")" "1" "its cents add up to the total"
like "$(cat "$BILLING/by-day")" "$(date -u +%F)" "by-day has today"
like "$(cat "$BILLING/forecast")" "committed" "forecast names its method"
like "$(cat "$SERVICE/billing")" "so far" "the service tells its own share"
like "$(head -n 1 "$BILLING/$month.csv")" "ServiceProviderName.*AllocatedMethodId" "the month is in FOCUS 1.4"
like "$(head -n 1 "$BILLING/$month.focus-1.1.csv")" "ProviderName,PublisherName" "and in FOCUS 1.1"
is "$(python3 -c 'import csv, sys; rows = list(csv.DictReader(open(sys.argv[1])))
print(all(float(r["BilledCost"]) > 0 and r["BillingCurrency"] == "USD" and r["SubAccountId"] == "demo" for r in rows) and len(rows) > 0)' \
	"$BILLING/$month.csv")" "True" "as any reader of CSV sees it"
is "$(python3 -c 'import sys, xml.dom.minidom as m; print(m.parse(sys.argv[1]).documentElement.tagName)' "$BILLING/cost.svg")" \
	"svg" "the chart is well-formed"
like "$(cat "$BILLING/cost.prom")" 'duplofs_cost_month\{tenant="demo",service="web"' "Prometheus text has it"
is "$(stat -c %a "$BILLING/summary")" "440" "figures are read-only"
like "$(cat "$DUPLO/other/billing/summary")" "so far     0.00 USD" "another tenant owes nothing of it"
# The administrator's.
ALL=$DUPLO/.platform/billing
all_know() {
	grep -qP '[1-9].*\tdemo\t-$' "$ALL/by-tenant"
}
becomes 90 "the administrator sees all tenants" all_know
like "$(cat "$ALL/summary")" "TENANT +USD.*demo +[0-9.]+" "in the summary"
is "$(jq -r '[.Lines[] | select(.Kind == "tenant").Service] | join(" ")' "$ALL/month-to-date.json")" "demo" "as JSON"
is "$(jq '[.Lines[].Cost | tonumber * 1e9 | round] | add' "$ALL/month-to-date.json")" \
	"$(jq '.Cost | tonumber * 1e9 | round' "$ALL/month-to-date.json")" "adding up to the billionth"
like "$(cat "$ALL/cost.prom")" 'duplofs_cost_month\{tenant="demo",service="",kind="tenant"' "for Prometheus"
like "$(sed -n 2p "$ALL/$month.csv")" '"demo","demo","\{""tenant"":""demo""\}"' "in FOCUS, a row a tenant and day"
like "$(cat "$ALL/cost.svg")" "^<svg .*by tenant" "and as a chart"
is "$(stat -c %a "$ALL/summary" "$ALL" | xargs)" "400 700" "nobody else does"

# As long as neither the time nor the ledger moves on, a file is not made again.
cpu() {
	awk '{ print $14 + $15 }' "/proc/$(cat "${platform_state[main]}/worker.pid")/stat"
}
before=$(cpu)
for _ in {1..2000}; do
	read -r _ <"$BILLING/cost.svg"
done
spent=$((($(cpu) - before) * 10))
[ "$spent" -lt 1500 ]
ok $? "2000 readers of the chart cost little"
note "$spent ms"

# Budgets.
fails_with "Invalid argument" "a budget that is no number is refused" dd of="$BILLING/budget" status=none <<<"a lot"
like "$(cat "$DUPLO/demo/last_error")" "what a month may cost" "and why stands in last_error"
echo 0.015 >"$BILLING/budget"
is "$(cat "$BILLING/budget")" "0.015" "all of its places are kept"
echo 0.01 >"$BILLING/budget"
is "$(cat "$BILLING/budget")" "0.01" "a budget is kept"
becomes 90 "an event tells that it is spent" grep -q "100 % of the month's budget are spent" "$DUPLO/demo/events"
echo >"$BILLING/budget"
is "$(cat "$BILLING/budget")" "" "it can be cleared"

# The ledger outlives a crash and the service: what ran on was counted on, with neither a cut nor a second count.
ledger() {
	python3 -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute("""SELECT s.kind, s.service, s.name, start_ns, end_ns FROM usage_subject s JOIN
	(SELECT subject, start_ns, end_ns FROM usage UNION ALL SELECT subject, start_ns, 0 FROM usage_open) ON s.id = subject
	WHERE s.service = "web" OR s.name = "local" ORDER BY 1, 2, 3, 4"""):
    print(*row)' "${platform_state[main]}/duplofs.db"
}
before=$(ledger)
like "$before" "^1  local [0-9]+ 0
2 web 0 [0-9]+ 0
2 web 1 [0-9]+ 0
3 web  [0-9]+ 0\$" "the machine, two containers and their balancer are counted, each since it began"
platform_kill
platform_start || bail "no platform"
counted_on() {
	settles 30 && [ "$(ledger)" = "$before" ]
}
becomes 30 "after a crash all of them go on" counted_on
becomes 30 "what was counted is there after a crash" costs 0.5
rmdir "$SERVICE"
gone_for_good() {
	[ ! -e "$SERVICE" ] && [ "$(count containers)" -eq 0 ] &&
		[ "$(jq -r .BurnPerHour "$BILLING/month-to-date.json")" = 0.000000000 ]
}
becomes 60 "a removed service costs nothing more" gone_for_good
is "$(jq -r '[.Lines[].Service] | unique | join(" ")' "$BILLING/month-to-date.json")" "web" "and keeps what it has cost"

# A tenant keeps its name, and what it has cost when it goes.
fails_with "not permitted" "a tenant is not renamed in the middle of a month" \
	python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$DUPLO/demo" "$DUPLO/renamed"
like "$(cat "$DUPLO/demo/last_error")" '"demo" keeps its name: make another' "last_error says what to do instead"
rmdir "$DUPLO/demo"
keeps() {
	grep -qP '[1-9].*\tdemo\tdeleted$' "$ALL/by-tenant"
}
becomes 30 "a removed tenant keeps its cost" keeps
platform_stop
tap_done
