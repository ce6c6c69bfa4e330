#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# .platform/schema/service.json and resource.json, as an editor would use them: each is a JSON Schema,
# accepts whatever the tree accepts, and refuses what is of a wrong name, type or size.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
SCHEMA=$DUPLO/.platform/schema/service.json
VALIDATOR=$TEST_DIR/validate.py
cat >"$VALIDATOR" <<'PYTHON'
import json, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
print("valid" if Draft202012Validator(schema).is_valid(json.loads(sys.argv[2])) else "invalid")
PYTHON

# The packaged interpreter has the packaged module.
judge() {
	/usr/bin/python3 "$VALIDATOR" "$SCHEMA" "$1" 2>&1
}

is "$(judge '{"DockerImage":"a"}')" "valid" "the schema is one of draft 2020-12"
is "$(jq -r '."$schema"' "$SCHEMA")" "https://json-schema.org/draft/2020-12/schema" "and says so"
is "$(jq -r '.properties[] | select(.description == null or .description == "")' "$SCHEMA")" "" \
	"each field has a description"

mkdir "$DUPLO/demo/services/web"
SPEC=$DUPLO/demo/services/web/spec.json
number=0
while IFS= read -r spec; do
	number=$((number + 1))
	is "$(try write "$SPEC" "$spec")" "ok" "good spec $number: the tree takes $spec"
	is "$(judge "$spec")" "valid" "good spec $number: so does the schema"
done <<'SPECS'
{"Name":"Web","DockerImage":"nginx:latest","Replicas":"3","ExternalLBPort":"80","DNS":""}
{"DockerImage":"a","Replicas":0,"ContainerPort":"","ExternalLBPort":"","HealthCheck":"","Hosts":""}
{"DockerImage":"a","Replicas":1e2,"UpdateDomains":"1","MaxSurge":3.0,"AutoRollback":"False"}
{"DockerImage":"a","HealthCheck":"/h","Command":["sh","-c","x"],"Environment":{"A":1,"B":true,"C":""}}
{"DockerImage":"a","HealthCheck":{"Path":"/h","Port":"81","IntervalSeconds":1},"Volumes":["v:/x:ro"]}
{"DockerImage":"a","HealthCheck":{},"CPU":"0.25","MemoryMiB":64,"Secrets":[],"Neighbors":["a/b"]}
{"DockerImage":"a","Hosts":{"Spot":true,"Prefer":["h1"]},"DrainSeconds":0,"OnConfigChange":"signal:RTMIN+3"}
{"DockerImage":"a","Hosts":["h1","zone=b"],"CPU":1.5,"Command":"","Environment":"","OnConfigChange":""}
SPECS
is "$number" "8" "all of them were tried"

number=0
while IFS= read -r spec; do
	number=$((number + 1))
	like "$(try write "$SPEC" "$spec")" "^EINVAL " "bad spec $number: the tree refuses $spec"
	is "$(judge "$spec")" "invalid" "bad spec $number: so does the schema"
done <<'SPECS'
{}
{"DockerImage":7}
{"DockerImage":"a","Replica":3}
{"DockerImage":"a","Replicas":1001}
{"DockerImage":"a","Replicas":""}
{"DockerImage":"a","Replicas":1.5}
{"DockerImage":"a","Replicas":null}
{"DockerImage":"a","UpdateDomains":0}
{"DockerImage":"a","AutoRollback":"yes"}
{"DockerImage":"a","CPU":"0x10"}
{"DockerImage":"a","Command":"sh"}
{"DockerImage":"a","Environment":["A=b"]}
{"DockerImage":"a","Environment":{"A":1.5}}
{"DockerImage":"a","Volumes":[3]}
{"DockerImage":"a","Secrets":""}
{"DockerImage":"a","HealthCheck":{"path":"/"}}
{"DockerImage":"a","HealthCheck":{"Port":65536}}
{"DockerImage":"a","Hosts":{"Spot":1}}
{"DockerImage":"a","OnConfigChange":"reload"}
SPECS
is "$number" "19" "all of them were tried"

# Resources have a schema a type in one document. An accepted spec bounds the next: each has a new directory.
SCHEMA=$DUPLO/.platform/schema/resource.json
number=0
while IFS=' ' read -r wanted spec; do
	number=$((number + 1))
	mkdir "$DUPLO/demo/resources/r$number"
	like "$(try write "$DUPLO/demo/resources/r$number/spec.json" "$spec")" \
		"$([ "$wanted" = valid ] && echo '^ok$' || echo '^EINVAL ')" "resource $number: the tree: $wanted: $spec"
	is "$(judge "$spec")" "$wanted" "resource $number: so says the schema"
done <<'SPECS'
valid {"Type":"rds","Engine":"mysql","SizeGiB":"40","MultiAZ":"true","EngineVersion":""}
valid {"Type":"s3","EmptyOnRemoval":true,"Name":"R2"}
valid {"Type":"elasticache"}
valid {"Type":"elasticache","Replicas":"5","Auth":true}
valid {"Type":"dynamodb","HashKey":"a.b","ReadCapacity":1,"WriteCapacity":1}
valid {"Type":"sqs","Fifo":false,"DelaySeconds":900}
valid {"Type":"lambda","DockerImage":"1.dkr.ecr.us-west-2.amazonaws.com/f:1","Environment":{"AB":1},"Config":["GREETING"],"Queue":"jobs","BatchSize":"1"}
invalid {"Type":"lambda","DockerImage":"f:1","BatchSize":11}
valid {"Type":"swf","HistoryDays":"90"}
invalid {}
invalid {"Type":"rds"}
invalid {"Type":"RDS","Engine":"mysql"}
invalid {"Type":"s3","SizeGiB":20}
invalid {"Type":"sqs","DelaySeconds":901}
invalid {"Type":"rds","Engine":"mysql","SizeGiB":19}
SPECS
is "$number" "15" "all of them were tried"
platform_stop
tap_done
