#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Resources in an AWS account: made from a spec, told to services through files alone, changed in place,
# kept while they hold data, and removed. The same scenario against two emulators that we did not write,
# looked at with AWS's own client.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "$lib/aws.sh"
# shellcheck source=tests/e2e/lib/aws_resources.sh
. "$lib/aws_resources.sh"
# shellcheck source=tests/e2e/lib/shell.sh
. "$lib/shell.sh"

scenario_made() {
	made assets '{"Type":"s3"}'
	made jobs '{"Type":"sqs","VisibilityTimeoutSeconds":60}'
	made users '{"Type":"dynamodb","HashKey":"user","RangeKey":"at","RangeKeyType":"N"}'
	is "$(cat "$DUPLO/demo/resources/"{assets,jobs,users}/protect | tr '\n' ' ')" "on off on " \
		"$1: what holds data starts protected"
	for RESOURCE in "$DUPLO"/demo/resources/*; do
		succeeds "$1: ${RESOURCE##*/} is made" settles 90 "$RESOURCE"
	done
	name_assets=$(output assets name) name_jobs=$(output jobs name) name_users=$(output users name)
	is "$(ours)" "s3 $name_assets - private
sqs $name_jobs 60 345600 0
dynamodb $name_users user:HASH,at:RANGE 0 0" "$1: just as asked, and the bucket is nobody else's to read"
	is "$(account tags s3 "$name_assets") $(account tags sqs "$name_jobs") $(account tags dynamodb "$name_users")" \
		"demo demo demo" "$1: each is tagged by its tenant"
	like "$name_assets" "^duplofs-${platform_id[main]}-demo-assets-[0-9]+$" "$1: names say whose they are"
	is "$(output assets arn)" "arn:aws:s3:::$name_assets" "$1: outputs are files: arn"
	is "$(output jobs region)" "us-west-2" "$1: region"
	like "$(output jobs url)" "/$name_jobs$" "$1: url"
	is "$(stat -c '%a' "$DUPLO/demo/resources/jobs/url")" "400" "$1: which the owner alone reads"
	like "$(cat "$DUPLO/demo/resources/jobs/status")" "sqs.*ready since.*$name_jobs" "$1: the status has them"
	status_says '^users +dynamodb +ready'
	ok $? "$1: the tenant's status lists it"
}

scenario_role() {
	local allowed
	allowed=$(account role "duplofs-${platform_id[main]}-demo")
	is "$(sed 's/.* //; s|/index/\*$||; s|/\*$||' <<<"$allowed" | sort -u)" \
		"$(sort <<<"$(output assets arn; output jobs arn; output users arn)")" "$1: the role may use just these"
	like "$allowed" "s3:GetObject $(output assets arn)/\*" "$1: objects in the bucket"
	unlike "$allowed" "Delete(Bucket|Table|Queue)| \*$" "$1: but not remove them, nor anything of others"
}

scenario_changes() {
	RESOURCE=$DUPLO/demo/resources/jobs
	made jobs '{"Type":"sqs","VisibilityTimeoutSeconds":90,"RetentionSeconds":600,"DelaySeconds":5}'
	succeeds "$1: a queue is changed" settles 30 "$RESOURCE"
	shows "sqs $name_jobs 90 600 5"
	ok $? "$1: in place"
	fails_with "Invalid argument" "$1: what cannot be changed is refused" write_spec '{"Type":"sqs","Fifo":true}'
	like "$(cat "$RESOURCE/last_error")" "Fifo: it cannot be changed" "$1: in words"
	fails_with "Invalid argument" "$1: so is another type" write_spec '{"Type":"swf"}'
	made assets '{"Type":"s3","Versioning":true}'
	succeeds "$1: a bucket gets versions" settles 30 "$RESOURCE"
	shows "s3 $name_assets Enabled private"
	ok $? "$1: and keeps its name"
	made users '{"Type":"dynamodb","HashKey":"user","RangeKey":"at","RangeKeyType":"N","ReadCapacity":5,"WriteCapacity":6}'
	succeeds "$1: a table gets a capacity" settles 30 "$RESOURCE"
	shows "dynamodb $name_users user:HASH,at:RANGE 5 6"
	ok $? "$1: as asked"
}

# What somebody removed or made by hand.
scenario_others() {
	account lose "$name_jobs"
	echo "$POLICY " >"$DUPLO/.platform/policy/infrastructure.json"
	becomes 90 "$1: a queue that somebody removed is made anew at the next look" shows "sqs $name_jobs 90 600 5"
	mkdir "$DUPLO/demo/resources/taken"
	foreign=duplofs-${platform_id[main]}-demo-taken-$(object_of "$DUPLO/demo/resources/taken")
	account taken "$foreign"
	made taken '{"Type":"sqs","DelaySeconds":7}'
	fails_with "Input/output error" "$1: a name that is taken fails" settles_aloud
	like "$(cat "$RESOURCE/last_error")" "does not carry this platform's tags: it is left alone" "$1: and says why"
	rmdir "$RESOURCE"
	becomes 30 "$1: it is removed here" eval "! status_says '^taken'"
	shows "sqs $foreign 30 345600 0"
	ok $? "$1: and what is not ours stays as it is"
	account lose "$foreign"
}

scenario_removed() {
	fails_with "Device or resource busy" "$1: protected, it cannot be removed" rmdir "$DUPLO/demo/resources/users"
	account put "$name_assets" a/b
	removed assets
	becomes 30 "$1: a bucket with objects is kept, and says what helps" status_says '^assets .*EmptyOnRemoval: it goes when somebody'
	shows "s3 $name_assets Enabled private"
	ok $? "$1: it is there"
	account empty "$name_assets"
	becomes 90 "$1: emptied, it goes" eval "! shows 's3 $name_assets Enabled private'"
	made heap '{"Type":"s3","Versioning":true,"EmptyOnRemoval":true}'
	succeeds "$1: another one" settles 30 "$RESOURCE"
	account put "$(output heap name)" "odd & <name>/ü"
	account put "$(output heap name)" "odd & <name>/ü"
	removed heap
	removed jobs
	removed users
	becomes 60 "$1: one whose spec says so goes with all versions in it, and so do all others" is_nothing
	is "$(account snapshots "duplofs-${platform_id[main]}-")" "dynamodb $name_users-final" "$1: a table leaves a backup"
	becomes 30 "$1: nothing is left of them here" eval "! status_says '^RESOURCE'"
	is "$(account role "duplofs-${platform_id[main]}-demo")" "" "$1: the role may use nothing any more"
}

# no_trace_of SECRET RESOURCE
no_trace_of() {
	! grep -rqaF "$1" "${platform_state[main]}" "$TEST_DIR/main.log" &&
		! grep -qaF "$1" "$DUPLO"/demo/{status,events,status.json} "$DUPLO/demo/resources/$2"/{status,status.json,events,spec.json} \
			"$DUPLO"/.platform/{events,audit}
}

scenario_cache_group() {
	local name password
	made sessions '{"Type":"elasticache","Replicas":1,"Auth":true}'
	succeeds "$1: redis with a replica and a password" settles 30 "$RESOURCE"
	name=$(output sessions name) password=$(output sessions password)
	shows "cache-group $name cache.t3.micro 2 failover-enabled password tls encrypted"
	ok $? "$1: is as asked, and the password goes over no open line"
	like "$password" '^[A-Za-z0-9]{32}$' "$1: it is made"
	is "$(stat -c %a "$RESOURCE/password")" "400" "$1: for the owner alone"
	no_trace_of "$password" sessions
	ok $? "$1: and is nowhere on disk, in the log, in a status or an event"
	like "$(output sessions endpoint):$(output sessions port) $(output sessions reader)" '^[a-z0-9.-]+:[0-9]+ [a-z0-9.-]+$' \
		"$1: where to write and where to read is told"
	made sessions '{"Type":"elasticache","Replicas":2,"Auth":true,"InstanceClass":"cache.t3.small"}'
	succeeds "$1: it is changed" settles 30 "$RESOURCE"
	shows "cache-group $name cache.t3.small 3 failover-enabled password tls encrypted"
	ok $? "$1: in place"
	made sessions '{"Type":"elasticache","Auth":true,"InstanceClass":"cache.t3.small"}'
	succeeds "$1: without replicas" settles 30 "$RESOURCE"
	shows "cache-group $name cache.t3.small 1 failover-disabled password tls encrypted"
	ok $? "$1: nothing waits for one to take over"
	is "$(output sessions password)" "$password" "$1: the password stays"
	fails_with "Invalid argument" "$1: as does what it is" write_spec '{"Type":"elasticache"}'
	removed sessions
}

# What takes long at AWS, in the tenant's security group. Caches at ministack alone: moto's have no address,
# cannot be changed and never go. Domains at moto alone: ministack has none.
scenario_machines() {
	local group name password
	group=$(account group "$(name_of_tenant)")
	made db '{"Type":"rds","Engine":"postgres","BackupRetentionDays":3}'
	succeeds "$1: a database is made" settles 30 "$RESOURCE"
	name=$(output db name) password=$(output db password)
	shows "rds $name postgres db.t3.micro 20 single 3 encrypted private $group"
	ok $? "$1: just as asked, encrypted, in the tenant's group, from outside not to be reached"
	like "$(output db endpoint):$(output db port)" '^[a-z0-9.-]+:[0-9]+$' "$1: its address is told"
	is "$(output db username) $(output db database)" "duplo app" "$1: user and database"
	like "$password" '^[A-Za-z0-9]{32}$' "$1: the password is made"
	is "$(stat -c %a "$RESOURCE/password")" "400" "$1: for the owner alone"
	no_trace_of "$password" db
	ok $? "$1: and is nowhere on disk, in the log, in a status or an event"
	made db '{"Type":"rds","Engine":"postgres","SizeGiB":40,"MultiAZ":true,"InstanceClass":"db.t3.small"}'
	succeeds "$1: it is changed" settles 30 "$RESOURCE"
	shows "rds $name postgres db.t3.small 40 multi-az 7 encrypted private $group"
	ok $? "$1: in place"
	is "$(output db password)" "$password" "$1: with the same password"
	fails_with "Invalid argument" "$1: it cannot shrink" write_spec '{"Type":"rds","Engine":"postgres","SizeGiB":30}'
	if [ "$1" = ministack ]; then
		made cache '{"Type":"elasticache"}'
		succeeds "$1: a cache is made" settles 30 "$RESOURCE"
		shows "elasticache $(output cache name) redis cache.t3.micro 1"
		ok $? "$1: as asked"
		like "$(output cache endpoint):$(output cache port)" '^[a-z0-9.-]+:[0-9]+$' "$1: its address is told"
		made cache '{"Type":"elasticache","InstanceClass":"cache.t3.small"}'
		succeeds "$1: it is changed" settles 30 "$RESOURCE"
		shows "elasticache $(output cache name) redis cache.t3.small 1"
		ok $? "$1: in place"
		removed cache
		scenario_cache_group "$1"
	else
		made flow '{"Type":"swf"}'
		succeeds "$1: a domain is registered" settles 30 "$RESOURCE"
		like "$(account role "duplofs-${platform_id[main]}-demo")" "swf:PollFor\* $(output flow arn)" "$1: the role may use it"
		removed flow
	fi
	removed db
	becomes 60 "$1: all go" is_nothing
	like "$(account snapshots "duplofs-${platform_id[main]}-")" "rds $name-final" "$1: the database leaves a snapshot"
}

# Whatever AWS answers meanwhile, each is made once and removed.
scenario_faults() {
	aws_rules "$(rule CreateQueue reset)" "$(rule ListQueueTags throttle 2)" "$(rule CreateTable reset)" \
		"$(rule DescribeTable cut)" "$(rule CreateBucket reset)" "$(rule PutBucketTagging html500)" "$(rule PutRolePolicy throttle)" \
		"$(rule HeadBucket html500)" "$(rule ListTagsOfResource ResourceNotFoundException)"
	made q '{"Type":"sqs"}'
	made t '{"Type":"dynamodb","FinalSnapshot":false}'
	made b '{"Type":"s3"}'
	for RESOURCE in "$DUPLO"/demo/resources/*; do
		succeeds "$1: resets, half answers, HTML and throttling: ${RESOURCE##*/} is made" settles 60 "$RESOURCE"
	done
	unlike "$(cat "$DUPLO"/demo/resources/t/events)" "failed" "$1: a table whose tags are not known yet is not taken for somebody else's"
	is "$(ours | wc -l)" "3" "$1: once"
	is "$(aws_log | grep -cE ' (reset|throttle|cut|html500|ResourceNotFoundException)$')" "10" "$1: all of that happened"
	is "$(aws_log | grep -c '^CreateTable')" "1" "$1: what was executed without an answer is not asked for twice"
	aws_rules "$(rule DeleteQueue reset)" "$(rule DeleteTable ResourceInUseException 2)" "$(rule DeleteBucket html500)"
	removed q
	removed t
	removed b
	becomes 90 "$1: and all go" is_nothing
	is "$(aws_log | grep -c '^CreateBackup')" "0" "$1: without a backup when the spec says so"
	aws_rules
}

# What was just made is not shown at once; then a quota is reached.
scenario_late() {
	aws_rules "$(rule GetQueueUrl QueueDoesNotExist 2)" "$(rule GetQueueAttributes QueueDoesNotExist)" \
		"$(rule DescribeTable ResourceNotFoundException 2)" "$(rule HeadBucket NoSuchBucket 2)" \
		"$(rule PutBucketTagging NoSuchBucket)" "$(rule PutPublicAccessBlock NoSuchBucket)" \
		"$(rule DescribeDBInstances DBInstanceNotFound 2)"
	made q '{"Type":"sqs"}'
	made t '{"Type":"dynamodb","FinalSnapshot":false}'
	made b '{"Type":"s3"}'
	made db '{"Type":"rds","Engine":"postgres","FinalSnapshot":false}'
	for RESOURCE in "$DUPLO"/demo/resources/*; do
		succeeds "$1: not shown when it was made: ${RESOURCE##*/} is made" settles 60 "$RESOURCE"
	done
	is "$(ours | wc -l)" "4" "$1: once"
	is "$(aws_log | grep -c 'NotFound\|DoesNotExist\|NoSuch')" "11" "$1: all of that happened"
	removed q
	removed t
	removed b
	removed db
	becomes 90 "$1: and all go" is_nothing
	aws_rules "$(rule CreateDBInstance InstanceQuotaExceeded 2)" "$(rule CreateBucket TooManyBuckets 2)" \
		"$(rule CreateTable LimitExceededException 2)"
	made t '{"Type":"dynamodb","FinalSnapshot":false}'
	made b '{"Type":"s3"}'
	made db '{"Type":"rds","Engine":"postgres","FinalSnapshot":false}'
	for RESOURCE in "$DUPLO"/demo/resources/*; do
		becomes 30 "$1: a quota: ${RESOURCE##*/} says so" grep -q 'quota of the AWS account' "$RESOURCE/events"
	done
	for RESOURCE in "$DUPLO"/demo/resources/*; do
		becomes 60 "$1: when there is room again ${RESOURCE##*/} is made" grep -q '^phase *ready' "$RESOURCE/status"
	done
	removed t
	removed b
	removed db
	becomes 90 "$1: and all go" is_nothing
	aws_rules
}

seen() {
	inside "$(container_of 0)" 12345 "cat /duplo/resources/$1"
}

sees() {
	[ "$(seen "$1")" = "$2" ]
}

sees_just() {
	[ "$(inside "$(container_of 0)" 12345 "ls /duplo/resources")" = "$1" ]
}

# A container sees them, and what becomes of them, with no restart.
scenario_container() {
	made first '{"Type":"sqs"}'
	succeeds "$1: a queue" settles 30 "$RESOURCE"
	service demo web "$(shell_spec)"
	succeeds "$1: and a service" settles 60
	is "$(seen first/url)" "$(output first url)" "$1: its containers read where the queue is"
	is "$(cat "$SERVICE/runtime/resources/first/url")" "$(output first url)" "$1: runtime/ shows the same"
	made db '{"Type":"rds","Engine":"mysql","FinalSnapshot":false}'
	succeeds "$1: a database" settles 30 "$RESOURCE"
	becomes 10 "$1: hands its password over through a file alone" sees db/password "$(output db password)"
	like "$(cat "$DUPLO/.platform/audit")" "operation=give path=demo/resources/db/password" "$1: which the audit tells"
	removed db
	made later '{"Type":"sqs"}'
	succeeds "$1: a second queue" settles 30 "$RESOURCE"
	becomes 10 "$1: is seen by the running container" sees later/name "$(output later name)"
	rmdir "$DUPLO/demo/resources/later"
	becomes 20 "$1: and not any more when it is removed" sees_just first
	rmdir "$SERVICE" "$DUPLO/demo/resources/first"
	becomes 60 "$1: all goes" is_nothing
}

scenario() {
	aws_start "$1"
	POLICY=$(jq -c '. + {"local_services": "yes"}' <<<"$POLICY")
	platform_start -c aws "docker=$2" || bail "no platform"
	echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
	mkdir "$DUPLO/demo"
	scenario_made "$1"
	scenario_role "$1"
	scenario_changes "$1"
	scenario_others "$1"
	scenario_removed "$1"
	scenario_machines "$1"
	scenario_faults "$1"
	scenario_late "$1"
	[ "$1" != moto ] || scenario_container "$1"
	rmdir "$DUPLO/demo"
	becomes 60 "$1: the tenant goes" is_bare
	nothing_leaked
	aws_end
}

# Where there is no AWS, a resource says so.
platform_start -n plain -c simulated "docker=unix://$TEST_DIR/no-engine" || bail "no platform"
mkdir "$DUPLO/demo"
made db '{"Type":"rds","Engine":"mysql"}'
fails_with "Input/output error" "another cloud makes none" settles_aloud
like "$(cat "$RESOURCE/last_error")" "started with cloud=aws" "last_error says which does"
fails_with "Device or resource busy" "it is protected all the same" rmdir "$RESOURCE"
removed db
becomes 30 "and removed" eval "! status_says '^RESOURCE'"
rmdir "$DUPLO/demo"
platform_stop plain

shell_image || bail "no image"
for emulator in ${AWS_EMULATORS:-moto ministack}; do
	docker=$DOCKER
	[ "$emulator" = moto ] || docker=unix://$TEST_DIR/no-engine
	scenario "$emulator" "$docker"
done

tap_done
