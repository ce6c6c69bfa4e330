#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws: what the account was billed for stands in the place of estimates. Cost Explorer is asked once a
# day for all tenants, whatever people read; each question costs money. Its answer is moto's, of our making.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"

aws_start moto
platform_start -c aws "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
mkdir "$DUPLO/red" "$DUPLO/blue"
day=$(date -u -d '3 days ago' +%F)
month=${day%-*}
id_of() {
	python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("SELECT id FROM object WHERE parent = 1 AND name = ?", sys.argv[2:]).fetchone()[0])' \
		"${platform_state[main]}/duplofs.db" "$1"
}
asked() {
	aws_log | grep -c '^GetCostAndUsage'
}
was_asked() {
	[ "$(asked)" -eq "$1" ]
}
# group TAG-VALUE SERVICE AMOUNT
group() {
	echo '{"Keys":["duplo.tenant-id$'"$1"'","'"$2"'"],"Metrics":{"UnblendedCost":{"Amount":"'"$3"'","Unit":"USD"}}}'
}
canned() {
	local groups
	groups="$(group "$(id_of red)" "Amazon Simple Storage Service" 1.2345678912),$(group "$(id_of red)" "AWS Lambda" 0.5)"
	groups+=",$(group "$(id_of blue)" "Amazon Simple Queue Service" 2),$(group "" "Tax" 0.25)"
	curl -sS -m 30 -d '{"results":[{"ResultsByTime":[{"TimePeriod":{"Start":"'"$day"'"},"Total":{},"Groups":['"$groups"'],"Estimated":true}]}]}' \
		"$aws_direct/moto-api/static/ce/cost-and-usage-results"
}

is "$(asked)" "0" "without a policy nothing is asked"
canned
aws_rules '{"action":"GetCostAndUsage","fault":"throttle","times":1}'
echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
is_billed() {
	grep -q Actual "$DUPLO/$1/billing/$month.csv"
}
becomes 60 "what the account was billed for is on the bill" is_billed red
is "$(asked)" "2" "for which it was asked once, and once more as it was told to slow down"
rows() {
	python3 -c 'import csv, sys
for row in csv.DictReader(open(sys.argv[1])):
    print(row["ChargePeriodStart"][:10], row["ServiceName"], row["BilledCost"], row["ServiceCategory"], row["x_CostBasis"], row["ProviderName" if "1.1" in sys.argv[1] else "ServiceProviderName"])' "$1"
}
is "$(rows "$DUPLO/red/billing/$month.csv")" "$day AWS Lambda 0.500000000 Compute Actual AWS
$day Amazon Simple Storage Service 1.234567891 Storage Actual AWS" "to the billionth, by service, and marked"
is "$(rows "$DUPLO/red/billing/$month.focus-1.1.csv")" "$(rows "$DUPLO/red/billing/$month.csv")" "in both forms"
is "$(rows "$DUPLO/blue/billing/$month.csv")" "$day Amazon Simple Queue Service 2.000000000 Integration Actual AWS" "each tenant has its own"
if [ "$month" = "$(date -u +%Y-%m)" ]; then
	like "$(cat "$DUPLO/red/billing/summary")" "so far +1.73 USD.*as the account was billed" "summary says whose word it is"
	like "$(cat "$DUPLO/red/billing/by-day")" "$day	1.7346	1.7346	actual" "by-day does"
	is "$(jq -c '[.Estimated, .Lines[0].Basis]' "$DUPLO/red/billing/month-to-date.json")" '[false,"actual"]' "and month-to-date.json"
	like "$(cat "$DUPLO/.platform/billing/by-tenant")" "0.2500	\(unallocated\)" "what is nobody's is the platform's"
fi

# What a host will cost is known before there is one: the price of the machine that would be made.
mkdir -p "$DUPLO/.platform/groups/team" "$DUPLO/red/hosts/h1"
echo team >"$DUPLO/red/group"
echo '{"MaxMonthlyCost":30}' >"$DUPLO/.platform/groups/team/policy.json"
refused() {
	try write "$DUPLO/red/hosts/h1/spec.json" '{"CPU":2,"MemoryGiB":4}'
	grep -o 'and with this.*' "$DUPLO/red/hosts/h1/last_error"
}
is "$(refused)" "EDQUOT write
and with this 31.01" "a host that costs more than the group may is refused: a t3.medium, 0.0416 an hour, and 8 GiB of disk"
jq '. + {machine_types: ["m5.large:2:8:0.01"]}' <<<"$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
is "$(refused)" "EDQUOT write
and with this 70.72" "the machine is of the types that the policy names, its price that of the table"
echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
rmdir "$DUPLO/red/hosts/h1"

# What a resource of the account is made of is counted as long as it is there.
echo '{"Prices":[{"Sku":"dynamodb/read-unit","Region":"us-west-2","Price":"3600"},{"Sku":"dynamodb/read-unit","Price":"0"}]}' \
	>"$DUPLO/.platform/policy/prices.json"
mkdir "$DUPLO/blue/resources/users"
echo '{"Type":"dynamodb","HashKey":"user","ReadCapacity":5,"WriteCapacity":6}' >"$DUPLO/blue/resources/users/spec.json"
line() {
	jq -r --arg sku "$1" '.Lines[] | select(.Sku == $sku) | "\(.Kind) \(.Name) \(.Region) \(.Cost)"' "$DUPLO/blue/billing/month-to-date.json"
}
counts() {
	[[ $(line dynamodb/read-unit) =~ ^resource\ users\ us-west-2\ [1-9] ]]
}
becomes 60 "a table costs its read units" counts
like "$(line dynamodb/write-unit)" "^resource users us-west-2 0.00" "and its write units"
is "$(jq -r .BurnPerHour "$DUPLO/blue/billing/month-to-date.json")" "18000.003900000" "five and six of them an hour"

before=$(asked)
for _ in {1..20}; do
	cat "$DUPLO"/{red,blue}/billing/* "$DUPLO/.platform/billing/"* >/dev/null
done
platform_kill
platform_start -c aws "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
echo "$POLICY " >"$DUPLO/.platform/policy/infrastructure.json"
becomes 60 "after a restart the account is used again" grep -q 'are there' "$DUPLO/red/status"
cat "$DUPLO"/{red,blue}/billing/* >/dev/null
is "$(asked)" "$before" "no reading, no restart and no policy asks again on the same day"
is "$(rows "$DUPLO/blue/billing/$month.csv" | grep Actual)" "$day Amazon Simple Queue Service 2.000000000 Integration Actual AWS" "what was told is kept"
platform_stop
tap_done
