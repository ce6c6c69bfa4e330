#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The administrator's policy: what terraform tells goes in, what is missing or wrong is said, old ones are kept.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
POLICY=$DUPLO/.platform/policy/infrastructure.json
ERROR=$DUPLO/.platform/policy/last_error

# As `terraform output -json` prints them: the outputs of the example, with made-up ids.
outputs=$(sed -n 's/^output "\(.*\)".*/\1/p' "$top/examples/terraform/outputs.tf" | jq -Rn '
	def id(name): if name | test("subnet_ids") then ["subnet-1", "subnet-2"]
		elif name | test("group_ids") then ["sg-1"]
		else {vpc_id: "vpc-1", hosted_zone_id: "Z1", certificate_arn: "arn:aws:acm:x",
			host_events_queue_url: "https://sqs"}[name] // "some-text" end;
	[inputs | {key: ., value: {sensitive: false, type: "string", value: id(.)}}] | from_entries')

put() {
	cat <<<"$1" >"$POLICY"
}

is "$(wc -c <"$POLICY")" "0" "at first there is no policy"
succeeds "the outputs of examples/terraform are one" put "$outputs"
is "$(jq -r .vpc_id.value "$POLICY")" "vpc-1" "it is read as it was written"
is "$(cat "$ERROR")" "" "and nothing is wrong with it"

flat='{"region":"us-west-2","vpc_id":"vpc-2","private_subnet_ids":["subnet-1"],"public_subnet_ids":["subnet-2","subnet-3"]}'
succeeds "the same names flat are one, too" put "$flat"
refused() {
	fails_with "Invalid argument" "$1 is refused" put "$2"
	is "$(cat "$ERROR")" "$3" "and the sentence says why"
	is "$(jq -r .vpc_id "$POLICY")" "vpc-2" "the old one stays in force"
}
refused "one without its ids" '{"region":"us-west-2","public_subnet_ids":["subnet-1"]}' \
	"vpc_id is missing; private_subnet_ids is missing; public_subnet_ids has 1 of at least 2"
refused "a misspelt name" "${flat%\}},\"vpcid\":\"vpc-3\"}" 'unknown name "vpcid", did you mean "vpc_id"?'
refused "an id of another kind" "${flat/vpc-2/subnet-9}" 'vpc_id: "subnet-9" does not begin with "vpc-"'

is "$(ls "$DUPLO/.platform/policy/history")" "1
2" "accepted ones are kept"
succeeds "an old one can be had back" cp "$DUPLO/.platform/policy/history/1" "$POLICY"
is "$(jq -r .vpc_id.value "$POLICY")" "vpc-1" "as it was"
sed -i 's/vpc-1/vpc-4/' "$POLICY"
is "$(jq -r .vpc_id.value "$POLICY")" "vpc-4" "sed -i edits it"
is "$(stat -c %a:%U "$POLICY")" "600:root" "it is root's"
platform_kill
platform_start -c simulated "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
is "$(jq -r .vpc_id.value "$POLICY")" "vpc-4" "it survives a crash"
platform_stop
tap_done
