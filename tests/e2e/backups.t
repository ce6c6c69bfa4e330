#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copies of a tenant have every byte; brought back, they rebuild it; a copy of a service is a service.
. "${0%/*}/lib/platform.sh"

as() {
	setpriv --reuid="$1" --regid="$2" --clear-groups "${@:3}"
}
PLANTED=planted-$(od -An -N 12 -tx1 /dev/urandom | tr -d ' \n')

platform_start -n empty -c simulated || bail "no second platform"
EMPTY=$DUPLO
platform_start -c simulated || bail "no platform"
chmod 711 "$TEST_DIR" # for other users
mkdir "$DUPLO/demo"
for n in {1..12}; do
	service demo "web-$n" '{"DockerImage":"example/web:'"$n"'","Replicas":'$((n % 4))',"ExternalLBPort":"80",
 "DNS":"web-'"$n"'.demo.duplo.test", "Environment":{"PADDING":"'"$(printf "%0${n}00d" 0)"'"}}'
	echo "of service $n" >"$SERVICE/config/OWN"
done
echo on >"$DUPLO/demo/services/web-3/protect"
echo on >"$DUPLO/demo/protect"
echo "$PLANTED" >"$DUPLO/demo/secrets/PLANTED"
head -c 65536 /dev/urandom >"$DUPLO/demo/secrets/RANDOM"
printf 'no newline' >"$DUPLO/demo/config/TEXT"
head -c 40000 /dev/urandom >"$DUPLO/demo/config/BYTES"
: >"$DUPLO/demo/config/EMPTY"
chown 1234:1235 "$DUPLO/demo"
succeeds "the tenant settles" settles 60 "$DUPLO/demo"

# What is measured or asked at each read differs from copy to copy.
LIVE=(-x stats -x top -x exec -x billing)
is "$(find "$DUPLO/demo" -type f -not -name wait -not -name stats -not -name top -not -path '*/billing*' -printf '%s %p\n' | while read -r size path; do
	[ "$size" -eq "$(wc -c <"$path")" ] || echo "$path"
done)" "" "each file has just as many bytes as its size says"
is "$(find "$DUPLO/demo" -type f -perm /222 -printf '%f\n' | sort -u | tr '\n' ' ')" \
	"BYTES EMPTY OWN PLANTED RANDOM TEXT budget dns exec grants image protect replicas rollout spec.json " \
	"what is derived has no write permission, what is wanted has"

# Copies.
mkdir "$TEST_DIR/tar" "$TEST_DIR/rsync"
succeeds "tar c of a tenant" tar -C "$DUPLO" -cf "$TEST_DIR/demo.tar" demo
succeeds "tar x of it" tar -C "$TEST_DIR/tar" -xf "$TEST_DIR/demo.tar"
succeeds "rsync -a of a tenant" rsync -a "$DUPLO/demo" "$TEST_DIR/rsync/"
succeeds "the tar has every byte" diff -r "${LIVE[@]}" "$DUPLO/demo" "$TEST_DIR/tar/demo"
succeeds "and rsync's copy" diff -r "${LIVE[@]}" "$DUPLO/demo" "$TEST_DIR/rsync/demo"
is "$(stat -c '%u:%g %a' "$TEST_DIR/tar/demo/secrets/PLANTED")" "1234:1235 600" "with owner and mode"

# wanted ROOT: all that a user has said, with its content.
wanted() {
	(cd "$1/demo" && find . \( -path '*/instances/*' -o -path '*/runtime/*' -o -path '*/history/*' -o \
		-path '*/neighbors/*' -o -path '*/logs/*' \) -prune -o -type f \( -name '[A-Z]*' -o -name spec.json -o \
		-name protect -o -name replicas -o -name image -o -name dns \) -print | sort | xargs sha256sum)
}
generations() {
	for file in "$EMPTY"/demo/services/*/status.json; do
		status_field Generation "$file"
	done | tr '\n' ' '
}
complaints() {
	cat "$EMPTY"/demo/{last_error,services/*/last_error}
}
unprotect() {
	echo off | tee "$EMPTY"/demo/{protect,services/web-3/protect} >/dev/null
}

# rebuilt HOW: the other platform has all that this one has.
rebuilt() {
	succeeds "$1: the tenant settles" settles 60 "$EMPTY/demo"
	is "$(wanted "$EMPTY")" "$(wanted "$DUPLO")" "$1: all that was wanted is wanted there"
	is "$(complaints)" "" "$1: nothing was refused"
	is "$(grep -h healthy "$EMPTY/demo/status" | sort)" "$(grep -h healthy "$DUPLO/demo/status" | sort)" "$1: and runs"
	fails_with "Busy|busy" "$1: with its protection" rmdir "$EMPTY/demo"
}

isnt "$(wanted "$DUPLO" | wc -l)" "0" "something is wanted"
succeeds "tar x into an empty platform" tar -C "$EMPTY" -xf "$TEST_DIR/demo.tar"
rebuilt "tar x"
is "$(stat -c '%u:%g' "$EMPTY/demo")" "1234:1235" "tar x: the owner is the same"
is "$(generations)" "1 1 1 1 1 1 1 1 1 1 1 1 " "tar x: each service came to be at once"
before=$(generations)
succeeds "tar x again" tar -C "$EMPTY" -xf "$TEST_DIR/demo.tar"
succeeds "and rsync over it" rsync -a "$TEST_DIR/rsync/demo" "$EMPTY/"
is "$(generations)" "$before" "what is there already starts nothing"
is "$(complaints)" "" "and is no error"
unprotect
succeeds "rm -r" rm -r "$EMPTY/demo"

succeeds "rsync -a into an empty platform" rsync -a "$TEST_DIR/rsync/demo" "$EMPTY/"
rebuilt "rsync -a"
is "$(generations)" "1 1 1 1 1 1 1 1 1 1 1 1 " "rsync -a: each service came to be at once"
unprotect
rm -r "$EMPTY/demo"

# By the tenant's owner, who is not root.
mkdir "$EMPTY/demo"
chown 1234:1235 "$EMPTY/demo"
mkdir -m 777 "$TEST_DIR/owner"
succeeds "the owner's tar c" as 1234 1235 tar -C "$DUPLO" -cf "$TEST_DIR/owner/demo.tar" demo
succeeds "the owner's tar x" as 1234 1235 tar -C "$EMPTY" -xf "$TEST_DIR/owner/demo.tar"
rebuilt "the owner's tar x"
unprotect
as 1234 1235 rm -r "$EMPTY"/demo/*/* 2>/dev/null
becomes 20 "the owner empties the tenant" test ! -e "$EMPTY/demo/services/web-1"
chown -R 1234:1235 "$TEST_DIR/rsync"
succeeds "the owner's rsync -a" as 1234 1235 rsync -a "$TEST_DIR/rsync/demo/" "$EMPTY/demo"
rebuilt "the owner's rsync -a"

# Who may not read secrets has none in an archive.
as 4444 1235 tar -C "$DUPLO" -cf - demo >"$TEST_DIR/group.tar" 2>"$TEST_DIR/group.log"
isnt $? 0 "the group's tar says that something is missing"
like "$(cat "$TEST_DIR/group.log")" "demo/secrets: .*Permission denied" "namely the secrets"
is "$(grep -caF "$PLANTED" "$TEST_DIR/group.tar")" "0" "they are not in it"
isnt "$(tar -tf "$TEST_DIR/group.tar" demo/services/web-1/spec.json)" "" "the specs are"
mkdir -m 777 "$TEST_DIR/group"
as 4444 1235 rsync -a "$DUPLO/demo" "$TEST_DIR/group/" 2>/dev/null
isnt $? 0 "the group's rsync says so too"
is "$(grep -rlF "$PLANTED" "$TEST_DIR/group")" "" "and has no secret"
as 5555 5555 tar -C "$DUPLO" -cf - demo >"$TEST_DIR/others.tar" 2>/dev/null
is "$(tar -tf "$TEST_DIR/others.tar" 2>/dev/null)" "" "all others have nothing"

# Derived files are ignored on the way in.
status=$(cat "$DUPLO/demo/services/web-1/status")
(echo running >"$DUPLO/demo/services/web-1/status")
ok $? "writing a derived file is no error"
cp "$TEST_DIR/demo.tar" "$DUPLO/demo/services/web-1/events"
ok $? "however much is written"
is "$(cat "$DUPLO/demo/services/web-1/status")" "$status" "and has no effect"
is "$(cat "$DUPLO/demo/services/web-1/last_error")" "" "nor does last_error speak of it"

# Clones.
fails_with "web-2/spec.json.*busy" "a name belongs to one service: a copy cannot have it too" \
	cp -r "$DUPLO/demo/services/web-2" "$DUPLO/demo/services/copy"
cp "$DUPLO/demo/services/web-2/spec.json" "$DUPLO/demo/services/copy/" 2>/dev/null
like "$(cat "$DUPLO/demo/services/copy/last_error")" "demo/web-2" "last_error says whose it is"
rmdir "$DUPLO/demo/services/copy"
rm "$DUPLO/demo/services/web-2/dns"
is "$(cat "$DUPLO/demo/services/web-2/dns")" "" "rm of dns gives the name up"
succeeds "cp -r of a service within the tenant" cp -r "$DUPLO/demo/services/web-2" "$DUPLO/demo/services/copy"
mkdir "$DUPLO/other"
sed -i s/web-1.demo/web-100.demo/ "$TEST_DIR/tar/demo/services/web-1/"{spec.json,dns}
succeeds "cp -r from a backup to another tenant" cp -r "$TEST_DIR/tar/demo/services/web-1" "$DUPLO/other/services/"
is "$(jq -c .DockerImage "$DUPLO"/{demo/services/copy,other/services/web-1}/spec.json | tr '\n' ' ')" \
	'"example/web:2" "example/web:1" ' "both have their specs"
is "$(cat "$DUPLO"/{demo/services/copy,other/services/web-1}/config/OWN)" "of service 2
of service 1" "and configuration"

# Neither what has not settled nor what has failed keeps a copy from being made.
mkdir "$DUPLO/third"
service third slow '{"DockerImage":"simulated/unhealthy:1","HealthCheck":{"Path":"/","StartPeriodSeconds":600}}'
service third bad '{"DockerImage":"simulated/exits:1"}'
fails_with "Input/output error" "a service has failed" timeout 120 cat "$SERVICE/wait"
ln -s "$(command -v busybox)" "$TEST_DIR/cp"
mkdir "$TEST_DIR/third"
number=0
for copy in "cp -r" "cp -a" "busybox cp -r" "$TEST_DIR/cp -r"; do
	for name in slow bad; do
		number=$((number + 1))
		# shellcheck disable=SC2086
		succeeds "$copy of the one that is $name" timeout 30 $copy "$DUPLO/third/services/$name" \
			"$DUPLO/third/services/$name-$number"
		is "$(cat "$DUPLO/third/services/$name-$number/spec.json")" "$(cat "$DUPLO/third/services/$name/spec.json")" "is a service"
	done
done
succeeds "tar c of the tenant" timeout 30 tar -C "$DUPLO" -cf /dev/null third
succeeds "rsync -a" timeout 30 rsync -a "$DUPLO/third" "$TEST_DIR/third/"
grep_all() {
	[ "$(timeout 30 grep -rl simulated/exits "$DUPLO"/third/services/*/spec.json "$DUPLO/third/services/slow" | wc -l)" -eq 5 ]
}
succeeds "grep -r" grep_all
timeout 1 cat "$DUPLO/third/services/slow/wait"
is $? 124 "who only waits does wait"
platform_stop empty
platform_stop

# The same for real.
platform_start -n real || bail "no platform with containers"
service shop site "$(hello_spec 1 '"Replicas":"2","ExternalLBPort":"80"')"
echo "open" >"$DUPLO/shop/config/DOOR"
echo "$PLANTED" >"$DUPLO/shop/secrets/KEY"
succeeds "a service runs" settles 60
succeeds "tar c" tar -C "$DUPLO" -cf "$TEST_DIR/shop.tar" shop
succeeds "the service goes" rm -r "$DUPLO/shop"
nothing_leaked real
succeeds "tar x" tar -C "$DUPLO" -xf "$TEST_DIR/shop.tar"
succeeds "it runs again" settles 60
page=$(curl -fsS -m 5 "$(url)/")
like "$page" "DOOR = open" "with its configuration"
like "$page" "KEY \($((${#PLANTED} + 1)) bytes\)" "and secrets"
test_running 2 real
ok $? "in as many containers"
rm -r "$DUPLO/shop"
nothing_leaked real
platform_stop real
tap_done
