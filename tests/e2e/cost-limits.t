#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What things would cost: told by `plan`, and refused beyond what the policy of a group lets them cost.
. "${0%/*}/lib/platform.sh"

platform_start || bail "no platform"
GROUP=$DUPLO/.platform/groups/team
POLICY=$GROUP/policy.json
RESERVE='"CPU":0.1,"MemoryMiB":64'
known() {
	grep -q '(unallocated)' "$DUPLO/.platform/billing/by-tenant"
}
becomes 20 "the machine that all share is on the bill" known

# A price of the machine by which a replica that reserves this costs 10.00 a month of 730 hours.
# prices BALANCER: and a balancer so much an hour.
prices() {
	engine /info | jq -c --arg balancer "$1" '(.NCPU * 9216000 + (.MemTotal / 1048576 | floor) * 1000) / (921600 + 64000) * 10 / 730
		| {Prices: [{Sku: "local/machine", Price: .}, {Sku: "local/load-balancer", Price: $balancer}]}' \
		>"$DUPLO/.platform/policy/prices.json"
}
prices 0.01
spec() {
	hello_spec 1 "\"Replicas\":\"$1\",$RESERVE${2:+,$2}"
}
put() {
	try write "$DUPLO/$1/services/web/spec.json" "$(spec "${@:2}")"
}
refusal() {
	cat "$DUPLO/$1/services/web/last_error"
}
cost() {
	sed -n 's/^cost *//p' "$DUPLO/red/services/web/plan"
}

mkdir -p "$DUPLO/red/services/web" "$DUPLO/blue/services/web" "$DUPLO/free/services/web" "$GROUP"
spec 2 >"$DUPLO/red/services/web/spec.next"
is "$(cost)" "+20.00 USD a month, on top of 0.00" "plan tells what two replicas would cost"
spec 2 '"ExternalLBPort":"80"' >"$DUPLO/red/services/web/spec.next"
is "$(cost)" "+27.30 USD a month, on top of 0.00" "and their balancer"
rm "$DUPLO/red/services/web/spec.next"

for tenant in red blue; do
	echo team >"$DUPLO/$tenant/group"
done
is "$(try write "$POLICY" '{"MaxMonthlyCost":"much"}' | cut -d ' ' -f 1)" "EINVAL" "a limit is a number"
is "$(try write "$POLICY" '{"AllowedResourceTypes":["rsd"]}' | cut -d ' ' -f 1)" "EINVAL" "a type of resource is a known one"
like "$(cat "$GROUP/last_error")" 'did you mean "rds"' "says last_error"
succeeds "a limit" try write "$POLICY" '{"MaxMonthlyCost":35.5,"AllowedRegions":["us-west-2"]}'

is "$(put red 2)" "ok" "20.00 of 35.50"
is "$(put blue 2)" "EDQUOT write" "20.00 more are too many"
is "$(refusal blue)" \
	'MaxMonthlyCost of group "team" is 35.50: what its tenants want costs 20.00 USD a month, and with this 40.00' \
	"the sentence names the limit and both amounts"
fails_with "quota exceeded" "as the shell says" bash -c "spec=\$(cat); echo \"\$spec\" >'$DUPLO/blue/services/web/spec.json'" <<<"$(spec 2)"
is "$(cat "$DUPLO/blue/services/web/spec.json")" "" "nothing was taken"
is "$(put blue 1)" "ok" "10.00 are not"
is "$(try write "$DUPLO/red/services/web/replicas" 3 | cut -d ' ' -f 1)" "EDQUOT" "a view keeps to it"
is "$(try write "$DUPLO/red/services/web/spec.json" "$(spec 2 | sed 's/"CPU":0.1/"CPU":0.5/')")" "EDQUOT write" "and a larger reservation"
is "$(put red 2 '"ExternalLBPort":"80"' | cut -d ' ' -f 1)" "EDQUOT" "and a balancer"
is "$(put free 9)" "ok" "who is in no group has no limit"
echo 0 >"$DUPLO/free/services/web/replicas"
like "$(cat "$GROUP/status")" "cost +30.00 of 35.50 USD a month" "status tells what is wanted"
spec 1 >"$DUPLO/red/services/web/spec.next"
is "$(cost)" "-10.00 USD a month, on top of 20.00" "plan tells what one less saves"
rm "$DUPLO/red/services/web/spec.next"
prices 0.02
succeeds "a policy that is tighter than what is there" try write "$POLICY" '{"MaxMonthlyCost":5}'
is "$(try write "$DUPLO/red/services/web/replicas" 1)" "ok" "what costs less may be had"
is "$(put red 1 '"DrainSeconds":1')" "ok" "and what costs the same"
is "$(put red 2 | cut -d ' ' -f 1)" "EDQUOT" "not what costs more"

# Hosts: a machine of one's own is paid whole.
echo '{"MaxMonthlyCost":10000,"AllowedRegions":["us-west-2"]}' >"$POLICY"
mkdir "$DUPLO/blue/hosts/h1"
ENGINE='"Engine":"tcp://127.99.9.9:1"'
is "$(try write "$DUPLO/blue/hosts/h1/spec.json" "{$ENGINE,\"Region\":\"eu-west-1\"}")" "EPERM write" "a region that the group has not"
like "$(cat "$DUPLO/blue/hosts/h1/last_error")" 'AllowedRegions of group "team" has no "eu-west-1"' "says last_error"
echo '{"MaxMonthlyCost":50,"AllowedRegions":["us-west-2"]}' >"$POLICY"
is "$(try write "$DUPLO/blue/hosts/h1/spec.json" "{$ENGINE,\"Region\":\"us-west-2\"}")" "EDQUOT write" "a machine that costs too much"
like "$(cat "$DUPLO/blue/hosts/h1/last_error")" "MaxMonthlyCost of group" "says last_error"
rmdir "$DUPLO/blue/hosts/h1"

# Resources: a database of 12.41 for its class and 2.30 for its 20 GiB.
echo '{"MaxMonthlyCost":34,"AllowedResourceTypes":["rds"]}' >"$POLICY"
echo 1 >"$DUPLO/red/services/web/replicas"
mkdir "$DUPLO/red/resources/db" "$DUPLO/red/resources/bucket"
resource() {
	try write "$DUPLO/red/resources/$1/spec.json" "$2"
}
is "$(resource bucket '{"Type":"s3"}')" "EPERM write" "a type that the group has not"
like "$(cat "$DUPLO/red/resources/bucket/last_error")" 'AllowedResourceTypes of group "team" has no "s3"' "says last_error"
is "$(resource db '{"Type":"rds","Engine":"mysql","SizeGiB":20}')" "EDQUOT write" "a database that costs too much"
like "$(cat "$DUPLO/red/resources/db/last_error")" "costs 20.00 USD a month, and with this 34.71" "says last_error"
echo '{"MaxMonthlyCost":35}' >"$POLICY"
is "$(resource db '{"Type":"rds","Engine":"mysql","SizeGiB":20}')" "ok" "one that does not"
is "$(resource db '{"Type":"rds","Engine":"mysql","SizeGiB":40}')" "EDQUOT write" "and does when it grows"
is "$(put blue 2 | cut -d ' ' -f 1)" "EDQUOT" "what it costs nobody else of the group may spend"

# Budgets that the policy enforces.
echo '{"EnforceBudgets":true}' >"$POLICY"
echo 0.01 >"$DUPLO/red/billing/budget"
is "$(put red 2)" "EDQUOT write" "growth beyond the tenant's own budget"
like "$(refusal red)" '^billing/budget is 0.01 and the policy of group "team" enforces it: the month comes to [0-9.]+ USD, and with this to [0-9.]+$' \
	"the sentence names it"
echo 100000 >"$DUPLO/red/billing/budget"
is "$(put red 2)" "ok" "below a larger one it is let through"
is "$(put blue 2)" "ok" "and without one"

# What a version that failed wanted is given up with it.
service back web "$(spec 1)"
echo team >"$DUPLO/back/group"
echo '{"MaxMonthlyCost":10000}' >"$POLICY"
cost_of_group() {
	grep -o 'cost .*' "$GROUP/status"
}
succeeds "a good version" settles 30
COST=$(cost_of_group)
hello_spec exit "\"Replicas\":\"1\",$RESERVE,\"ExternalLBPort\":\"80\"" >"$SERVICE/spec.json"
isnt "$(cost_of_group)" "$COST" "one with a balancer costs more"
rolled_back() {
	[ "$(status_field Phase)" = running ] && [ "$(cat "$SERVICE/image")" = "$HELLO_IMAGE:1" ]
}
becomes 60 "it fails and goes back" rolled_back
is "$(cost_of_group)" "$COST" "what it cost is free again"

platform_stop
tap_done
