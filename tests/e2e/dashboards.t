#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a tenant looks at: dashboards from the administrator's templates, links, and its metrics.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
chmod 711 "$TEST_DIR" # for other users
as() {
	setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"
}
mkdir "$DUPLO/demo" "$DUPLO/other"
chown 1234:1234 "$DUPLO/demo"
dashboards=$DUPLO/demo/dashboards
policy=$DUPLO/.platform/policy/observability.json

names() {
	(cd "$dashboards" && echo *)
}

# What ships.
is "$(names)" "grafana.json links.txt" "a dashboard and links are there from the start"
is "$(cat "$policy")" "" "no template is written"
is "$(jq -r '.title, (.panels | length), ([.panels[].targets[].expr | select(contains("{tenant=\"demo\"}"))] | length)' \
	"$dashboards/grafana.json" | xargs)" "demo 6 8" "Grafana's is the tenant's own"
is "$(jq -r .title "$DUPLO/other/dashboards/grafana.json")" "other" "and another tenant's is another"
is "$(stat -c %a:%U "$dashboards/grafana.json")" "440:$(stat -c %U "$DUPLO/demo")" "it belongs to the tenant"
succeeds "whose owner reads it" as 1234 cat "$dashboards/grafana.json"
fails_with "denied" "others do not" as 1235 cat "$dashboards/grafana.json"

# The queries ask for what the tenant's metrics and bill have.
service demo web '{"DockerImage":"example/web:1","Replicas":3,"ExternalLBPort":80}'
service demo db '{"DockerImage":"example/db:1"}'
for name in web db; do
	succeeds "$name settles" settles 30 "$DUPLO/demo/services/$name"
done
succeeds "metrics tell of replicas" grep -xF 'duplofs_service_replicas{tenant="demo",service="web"} 3' "$DUPLO/demo/metrics"
succeeds "and of healthy ones" grep -xF 'duplofs_service_healthy{tenant="demo",service="db"} 1' "$DUPLO/demo/metrics"
becomes 30 "the bill has a line" grep -q '^duplofs_cost_month{' "$DUPLO/demo/billing/cost.prom"
echo 100 >"$DUPLO/demo/billing/budget"
known=$(cat "$DUPLO/demo/metrics" "$DUPLO/demo/billing/cost.prom" | grep -o '^duplofs_[a-z_]*' | sort -u)
asked=$(jq -r '.panels[].targets[].expr' "$dashboards/grafana.json" | grep -o 'duplofs_[a-z_]*' | sort -u)
is "$(comm -13 <(echo "$known") <(echo "$asked"))" "" "no panel asks for what nobody tells"
url=$(head -n 1 "$DUPLO/demo/services/web/url")
is "$(grep ^web "$dashboards/links.txt" | tr -s ' ' | head -n 1)" "web $url" "links lead to the service"

# The administrator's own.
cat >"$policy" <<'POLICY'
{"Dashboards": {
	"signalfx.json": {"name": "<TenantName>", "charts": [{"programText": "data('cpu', filter=filter('tag', '<TenantName>-*'))"}]},
	"notes.md": "# <TenantName>\nof <TenantName>\n"},
 "Links": {"Our Grafana": "https://grafana.example.com/d/x?var-tenant=<TenantName>"}}
POLICY
is "$(cat "$DUPLO/.platform/policy/last_error")" "" "templates are accepted"
is "$(names)" "grafana.json links.txt notes.md signalfx.json" "they are dashboards of each tenant"
is "$(jq -r '.name, .charts[0].programText' "$dashboards/signalfx.json" | tr '\n' ' ')" \
	"demo data('cpu', filter=filter('tag', 'demo-*')) " "with its name in its place"
is "$(cat "$DUPLO/other/dashboards/notes.md")" $'# other\nof other' "a text is one, too"
is "$(stat -c %s "$dashboards/notes.md")" "$(wc -c <"$dashboards/notes.md")" "its size is exact"
is "$(head -n 1 "$dashboards/links.txt" | tr -s ' ')" "Our Grafana https://grafana.example.com/d/x?var-tenant=demo" "links come first"
fails_with "denied" "templates are the administrator's" as 1234 cat "$policy"

# refused SENTENCE TEXT
refused() {
	like "$(try write "$policy" "$2")" "^EINVAL" "refused: $2"
	like "$(cat "$DUPLO/.platform/policy/last_error")" "$1" "because: $1"
}
refused 'did you mean "Dashboards"' '{"Dashboard":{}}'
refused 'unknown field "SignalFxToken"' '{"SignalFxToken":"x"}'
refused "no file name" '{"Dashboards":{"../x":{}}}'
refused "no file name" '{"Dashboards":{"a/b":{}}}'
refused "is there already" '{"Dashboards":{"links.txt":"x"}}'
refused "a document or a text" '{"Dashboards":{"x.json":3}}'
refused "a URL is needed" '{"Links":{"x":"javascript:alert(1)"}}'
refused "a URL is needed" '{"Links":{"x":"https://a b"}}'
refused "one line" '{"Links":{"a\nb":"https://x"}}'
refused "object" '[]'
is "$(ls "$dashboards" | wc -l)" "4" "what was there stays"

# One of the shipped one's name stands over it; without it that one is there again.
echo '{"Dashboards":{"grafana.json":{"title":"ours of <TenantName>"}}}' >"$policy"
is "$(names)" "grafana.json links.txt" "others are gone"
fails_with "No such file" "for those who ask by name, too" cat "$dashboards/notes.md"
is "$(jq -r .title "$dashboards/grafana.json")" "ours of demo" "the administrator's stands over the one that ships"
platform_kill
platform_start -c simulated || bail "no platform"
is "$(jq -r .title "$dashboards/grafana.json")" "ours of demo" "it survives a crash"
echo '{}' >"$policy"
is "$(jq -r .title "$dashboards/grafana.json")" "demo" "without it that one is there again"

succeeds "tar copies them" tar -cf "$TEST_DIR/tar" -C "$DUPLO" demo/dashboards demo/metrics
succeeds "rm -r" rm -r "$DUPLO/demo" "$DUPLO/other"
platform_stop
tap_done
