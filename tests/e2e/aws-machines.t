#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cloud=aws: the root disk of a host, which is paid for and grows; and a machine whose tags somebody took away, which is
# the host's all the same.
# ministack makes every disk the same at first, and keeps no tags of disks that RunInstances asked for.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/aws.sh
. "${0%/*}/lib/aws.sh"
# shellcheck source=tests/e2e/lib/garbage.sh
. "$lib/garbage.sh"

declare -A IMAGE=([moto]=ami-12c6146b [ministack]=ami-0abcdef1234567890)
declare -A NEEDS=([moto]=15 [ministack]=8) # GiB

aws_machines() {
	aws_ask machines "$@"
}

host() {
	mkdir -p "$DUPLO/demo/hosts/$1" && echo "$2" >"$DUPLO/demo/hosts/$1/spec.json"
}

says() {
	grep -q "$2" "$DUPLO/demo/hosts/$1/status"
}

silent() {
	! says "$1" '^warning'
}

event() {
	grep -q "$2" "$DUPLO/demo/hosts/$1/events"
}

machine_of() {
	sed -n 's/^machine *\(i-[0-9a-f]*\),.*/\1/p' "$DUPLO/demo/hosts/$1/status"
}

disk_is() {
	[[ $(aws_machines disk "$1") =~ ^$2 ]]
}

# Alive instances that say whose they are.
alive() {
	aws_account hosts "duplofs-${platform_id[main]}-" | grep -c ' running \| pending '
}

tag_is() {
	[ "$(aws_machines tag "$1" "$2")" = "$3" ]
}

state_is() {
	[ "$(aws_meddle state "$1")" = "$2" ]
}

# GiB of disks that are paid for now.
metered() {
	python3 -I -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute("SELECT quantity FROM usage_open JOIN usage_subject ON subject = id WHERE sku = ?", ("ebs/gp3-gib",)):
    print(row[0])' "${platform_state[main]}/duplofs.db"
}

is_metered() {
	[ "$(metered | xargs)" = "$1" ]
}

looked() {
	[ "$(aws_log | grep -c '^ListInstanceProfiles')" -ge "$1" ]
}

failed() {
	[ "$(aws_log | grep -c '^RunInstances VcpuLimitExceeded')" -ge "$1" ]
}

has_tag() {
	[ -n "$(aws_machines tag "$1" "$2")" ]
}

# The cause of a failure is told once, however often it is tried and whatever AWS calls the request.
failures() {
	aws_rules "$(rule RunInstances VcpuLimitExceeded 4)"
	host f1 '{"CPU":1,"MemoryGiB":1}'
	becomes 60 "$1: what fails is tried again" failed 2
	becomes 60 "$1: and again, and has its machine then" says f1 ', runs$'
	is "$(grep -c 'host is failed: AWS ec2 RunInstances: VcpuLimitExceeded' "$DUPLO/demo/hosts/f1/events")" 1 "$1: the events tell the cause once"
	rmdir "$DUPLO/demo/hosts/f1"
}

# What a group's policy says of its hosts' machines; ministack knows no spot instances.
spot() {
	[ "$1" != ministack ] || return
	mkdir "$DUPLO/.platform/groups/team"
	echo '{"Spot":true}' >"$DUPLO/.platform/groups/team/policy.json"
	echo team >"$DUPLO/demo/group"
	host s1 '{"CPU":1,"MemoryGiB":1}'
	becomes 60 "$1: a host of a group whose policy says so" says s1 ', runs$'
	like "$(aws_account hosts "duplofs-${platform_id[main]}-" | grep ' s1 ')" ' spot ' "$1: is a spot instance"
	echo '{}' >"$DUPLO/.platform/groups/team/policy.json"
	host s2 '{"CPU":1,"MemoryGiB":1}'
	becomes 60 "$1: one made when it does not" says s2 ', runs$'
	like "$(aws_account hosts "duplofs-${platform_id[main]}-" | grep ' s2 ')" ' on-demand ' "$1: is none"
	rmdir "$DUPLO/demo/hosts/s1" "$DUPLO/demo/hosts/s2"
	becomes 60 "$1: both go" is_metered ""
}

disks() {
	local id spec=$DUPLO/demo/hosts/h1/spec.json
	host h0 '{"CPU":1,"MemoryGiB":1,"DiskGiB":5}'
	becomes 30 "$1: a disk that is smaller than its image is not had: the status says so" \
		says h0 "DiskGiB: the image ${IMAGE[$1]} needs ${NEEDS[$1]} GiB at least, and not 5"
	rmdir "$DUPLO/demo/hosts/h0"
	host h1 '{"CPU":1,"MemoryGiB":1,"DiskGiB":20}'
	becomes 60 "$1: a host with a disk of its own size" says h1 '^disk *20 GiB, gp3'
	becomes 30 "$1: runs" says h1 ', runs$'
	id=$(machine_of h1)
	if [ "$1" = ministack ]; then
		becomes 30 "$1: which was made otherwise, and is enlarged" disk_is "$id" '20 gp3'
	else
		is "$(aws_machines disk "$id")" "20 gp3 True True ${platform_id[main]}" "$1: it is encrypted, ours, and goes with its machine"
	fi
	becomes 20 "$1: it is metered" is_metered 20
	is "$(status_field DiskGiB "$DUPLO/demo/hosts/h1/status.json")" 20 "$1: programs are told"

	echo '{"CPU":1,"MemoryGiB":1,"DiskGiB":30}' >"$spec"
	becomes 30 "$1: it grows" disk_is "$id" '30 gp3'
	becomes 20 "$1: the events say so" event h1 'its disk is enlarged from 20 to 30 GiB'
	becomes 20 "$1: the status, too" says h1 '^disk *30 GiB'
	becomes 20 "$1: and the ledger" is_metered 30
	is "$(machine_of h1)" "$id" "$1: on the machine that was there"
	fails_with 'Invalid argument' "$1: it never shrinks" write_to "$spec" '{"CPU":1,"MemoryGiB":1,"DiskGiB":20}'
	is "$(cat "$DUPLO/demo/hosts/h1/last_error")" "DiskGiB: a disk can only grow, and this one has 30 GiB already: for a smaller one make another host, then remove this one" "$1: which is said"

	aws_rules "$(rule ModifyVolume VolumeModificationRateExceeded 1000)"
	echo '{"CPU":1,"MemoryGiB":1,"DiskGiB":40}' >"$spec"
	becomes 20 "$1: what AWS does not do just now is said" says h1 'its disk stays at 30 of 40 GiB for now: .*VolumeModificationRateExceeded'
	aws_rules
	becomes 20 "$1: looked at again and again" looked 3
	is "$(aws_log | grep -c '^ModifyVolume')" 0 "$1: it is not asked for in a tight loop"
	aws_machines resize "$id" 50
	becomes 20 "$1: enlarged by hand: the status says what helps" says h1 'its disk has 50 GiB, more than the 40 asked for, and no disk shrinks: write "DiskGiB":50'
	becomes 20 "$1: what is paid for is what is there" is_metered 50
	echo '{"CPU":1,"MemoryGiB":1,"DiskGiB":50}' >"$spec"
	becomes 20 "$1: and then all is well" silent h1
	is "$(aws_log | grep -c '^ModifyVolume')" 0 "$1: with nothing done"

	host h2 '{"CPU":1,"MemoryGiB":1}'
	becomes 60 "$1: without DiskGiB the policy says how large it is" says h2 ', runs$'
	[ "$1" = ministack ] || is "$(aws_machines disk "$(machine_of h2)" | cut -d' ' -f1)" 25 "$1: at first"
	rmdir "$DUPLO/demo/hosts/h2"
	becomes 60 "$1: a host goes" grep -q 'host h2 is removed' "$DUPLO/demo/events"
	becomes 20 "$1: and its disk costs no more" is_metered 50
}

policy() {
	POLICY=$(jq -c "$1" <<<"$POLICY")
	echo "$POLICY" >"$DUPLO/.platform/policy/infrastructure.json"
}

write_to() {
	echo "$2" >"$1"
}

tags() {
	local id
	id=$(machine_of h1)
	aws_machines strip "$id"
	becomes 30 "$1: tags that somebody took away are put back" tag_is "$id" duplo.platform "${platform_id[main]}"
	becomes 20 "$1: the events say so" event h1 'somebody took tags of its machine away at AWS: they are put back'
	aws_machines strip "$id" duplo.token
	becomes 30 "$1: one of them, too" tag_is "$id" duplo.host h1
	becomes 30 "$1: and what it was made with" has_tag "$id" duplo.token
	is "$(machine_of h1)" "$id" "$1: the machine stays"
	is "$(alive)" 1 "$1: and is alone"

	is "$(grep -c 'there is no policy' "$DUPLO/demo/hosts/h1/events")" 0 "$1: there was a policy all the while"
	platform_stop
	aws_machines strip "$id"
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" sweep=1 host_grace=1 || bail "no platform"
	becomes 30 "$1: taken away while nobody looked: the journal knows its id" tag_is "$id" duplo.host h1
	becomes 20 "$1: it is the host's" says h1 "$id, a t3.micro, runs"
	is "$(alive)" 1 "$1: and no other was made"
	is "$(cat "$DUPLO/demo/events" "$DUPLO/demo/hosts/h1/events" | grep -c 'there is no policy')" 0 "$1: nor does a start say that there is no policy"

	aws_rules "$(rule CreateTags UnauthorizedOperation 10000)"
	aws_machines strip "$id"
	becomes 30 "$1: tags that cannot be put back: the status says why" \
		says h1 "its machine's tags were taken away, and cannot be put back: .*UnauthorizedOperation"
	becomes 30 "$1: garbage knows it, in words" shows 1 STATE=left CLAIMS=name+journal TYPE=instance "NAME=$id"
	like "$(garbage "NAME=$id")" "this platform made it and pays for it: its tags were taken away" "$1: which say what helps"
	is "$(machine_of h1)" "$id" "$1: it serves on"
	becomes 20 "$1: and costs" is_metered 50
	rmdir "$DUPLO/demo/hosts/h1"
	becomes 30 "$1: removed: it is left alone, and the tenant's status says so" \
		grep -q "^h1 .*removed  its machine $id runs on and is paid" "$DUPLO/demo/status"
	aws_rules "$(rule CreateTags UnauthorizedOperation 10000)"
	becomes 30 "$1: for as long as that is so" looked 3
	is "$(aws_meddle state "$id")" running "$1: it runs"
	is "$(aws_log | grep -c '^TerminateInstances')" 0 "$1: and nobody wanted to end it"
	is "$(metered)" 50 "$1: and costs"
	aws_rules
	becomes 60 "$1: allowed again: it is terminated" state_is "$id" terminated
	becomes 60 "$1: and the host goes" grep -q 'host h1 is removed' "$DUPLO/demo/events"
	becomes 20 "$1: and its cost ends" is_metered ""
	becomes 20 "$1: and it is no garbage any more" shows 0 STATE=left TYPE=instance
}

scenario() {
	aws_start "$1"
	platform_start -c aws "docker=unix://$TEST_DIR/no-engine" sweep=1 host_grace=1 || bail "no platform"
	policy '. + {"images":["debian-12='"${IMAGE[$1]}"'"],"host_disk_gib":25}'
	mkdir "$DUPLO/demo"
	failures "$1"
	spot "$1"
	disks "$1"
	tags "$1"
	rmdir "$DUPLO/demo"
	aws_end
}

for emulator in ${AWS_EMULATORS:-moto ministack}; do
	scenario "$emulator"
done
tap_done
