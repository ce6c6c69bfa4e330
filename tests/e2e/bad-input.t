#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every malformed name, document and value: the errno, the sentence, and nothing changed.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
GOOD='{"DockerImage":"example/web:1","Replicas":"2","ExternalLBPort":"80","DNS":"web.demo.duplo.test"}'
service demo web "$GOOD"
settles 30
generation=$(status_field Generation)

# Names.
long=$(printf 'a%.0s' {1..64})
name_max=${long%?}
for name in Upper 1abc a_b "a b" -a a- a.b "ä" $'a\nb' $'\xff' "a+b"; do
	is "$(try mkdir "$DUPLO/$name")" "EINVAL mkdir" "a tenant cannot be called $(printf %q "$name")"
	is "$(try mkdir "$DUPLO/demo/services/$name")" "EINVAL mkdir" \
		"a service cannot be called $(printf %q "$name")"
done
is "$(try mkdir "$DUPLO/$long")" "ENAMETOOLONG mkdir" "a tenant's name of 64 characters is too long"
is "$(try mkdir "$DUPLO/demo/services/$long$long$long$long")" "ENAMETOOLONG mkdir" \
	"a service's name of 256 characters is too long"
is "$(try mkdir "$DUPLO/$name_max")" "ok" "63 characters are not"
is "$(try rmdir "$DUPLO/$name_max")" "ok" "and go again"
is "$(try mkdir "$DUPLO/demo")" "EEXIST mkdir" "a tenant is made once"
is "$(try rmdir "$DUPLO/nobody")" "ENOENT rmdir" "a tenant that is not there cannot be removed"
is "$(try rename "$DUPLO/demo" "$DUPLO/other")" "EPERM rename" "a tenant cannot be renamed"
is "$(try rmdir "$DUPLO/demo")" "ENOTEMPTY rmdir" "a tenant with a service cannot be removed"
is "$(ls "$DUPLO")" "$(printf 'README\ndemo')" "nothing came of it"

# refused ERRNO SENTENCE NAME OPERATION PATH TEXT...: the errno, at write or later; the sentence; the
# good spec still in force.
refused() {
	local errno=$1 sentence=$2 name=$3 got
	shift 3
	got=$(try "$@")
	like "$got" "^$errno (write|close|fsync|rename)\$" "$name: $errno"
	like "$(cat "$SERVICE/last_error")" "$sentence" "$name: last_error says why"
	[ "$(cat "$SERVICE/spec.json")" = "$GOOD" ] && [ "$(status_field Generation)" = "$generation" ]
	ok $? "$name: nothing changed"
}

document() {
	local errno=$1 sentence=$2 name=$3 text=$4
	refused "$errno" "$sentence" "$name" write "$SERVICE/spec.json" "$text"
}

with() {
	echo '{"DockerImage":"example/web:1",'"$1"'}'
}

# Documents.
document EINVAL 'line 1' "an open brace" '{'
document EINVAL 'line 2' "a missing value" $'{\n"DockerImage":}'
document EINVAL . "a list" '[]'
document EINVAL . "a word" 'hello'
document EINVAL . "a document and more" "$GOOD x"
document EINVAL . "two documents" "$GOOD$GOOD"
document EINVAL . "a byte that is no UTF-8" $'{"DockerImage":"\xff"}'
document EINVAL 'DockerImage' "no image" '{}'
document EINVAL 'Replica.*Replicas' "a misspelt field" "$(with '"Replica":"3"')"
document EINVAL 'Replicas' "a field twice" "$(with '"Replicas":"3","Replicas":"4"')"
is "$(head -c 1100000 /dev/zero | tr '\0' ' ' | try write "$SERVICE/spec.json" | cut -d ' ' -f 1)" "EFBIG" \
	"more than 1 MiB: EFBIG"
is "$(printf '{"DockerImage":"a\0b"}' | try write "$SERVICE/spec.json" | cut -d ' ' -f 1)" "EINVAL" \
	"a NUL: EINVAL"
is "$(head -c 100000 /dev/zero | tr '\0' '[' | try write "$SERVICE/spec.json" | cut -d ' ' -f 1)" "EINVAL" \
	"brackets without end: EINVAL"
is "$(cat "$SERVICE/spec.json")" "$GOOD" "and the spec is as it was"

# Fields.
while IFS='|' read -r field value; do
	document EINVAL "$field" "$field $value" "$(with "\"$field\":$value")"
done <<'END'
Replicas|-1
Replicas|1001
Replicas|"three"
Replicas|""
Replicas|1.5
Replicas|"1.5"
Replicas|true
Replicas|[]
Replicas|"99999999999999999999"
ExternalLBPort|0
ExternalLBPort|65536
ExternalLBPort|"http"
ContainerPort|0
ContainerPort|"-80"
DNS|"bad name"
DNS|"a..b"
DNS|"-a.b"
DNS|"web.demo.duplo.test;rm"
DNS|17
Name|"other"
HealthCheck|"no-slash"
HealthCheck|{"Path":"/","Prot":80}
HealthCheck|{"Path":"/","IntervalSeconds":0}
HealthCheck|17
UpdateDomains|0
MaxSurge|-1
AutoRollback|"perhaps"
Command|"a string"
Command|[1]
Environment|["A=b"]
Environment|{"A B":"c"}
Environment|{"A":"b\nc\u0000"}
Volumes|["data"]
Volumes|["data:relative"]
CPU|-1
MemoryMiB|"much"
Secrets|"ONE"
Neighbors|["Not A Name"]
DrainSeconds|-1
OnConfigChange|"reboot"
OnConfigChange|"signal:"
END
document EINVAL DockerImage "an empty image" '{"DockerImage":""}'
document EINVAL DockerImage "an image with a blank" '{"DockerImage":"a b"}'
document EINVAL DockerImage "an image in capitals" '{"DockerImage":"Example/Web"}'
document 'E(INVAL|PERM|ACCES)' Volumes "a path of the host" "$(with '"Volumes":["/etc:/etc"]')"

# Ways of writing.
refused EINVAL . "in pieces" pieces "$SERVICE/spec.json" '{"Docker' 'Image":"x",' '"Replicas":"many"}'
refused EINVAL . "with fsync" fsync "$SERVICE/spec.json" '{"DockerImage":'
refused EINVAL . "by rename" replace "$SERVICE/spec.json" '{"Replicas":"many"}'
is "$(try truncate "$SERVICE/spec.json")" "ok" "truncating alone is no error"
is "$(cat "$SERVICE/spec.json")" "$GOOD" "and no change"
refused EINVAL . "cutting it in two" cut "$SERVICE/spec.json" 20
is "$(try unlink "$SERVICE/spec.json")" "ok" "unlinking the spec is accepted"
becomes 10 "and the spec stays" test -s "$SERVICE/spec.json"
is "$(try create "$SERVICE/spec.json")" "EEXIST open" "spec.json is there"

# Without a newline at its end a value may go on: what nothing can follow is refused in write(2) all the same, where a
# shell sees it.
unfinished() {
	local shell
	for shell in bash dash; do
		fails_with "rror" "$shell: printf '$2' >$1" "$shell" -c "printf '%s' '$2' >'$SERVICE/$1'"
	done
	is "$(try write "$SERVICE/$1" "$2" | cut -d ' ' -f 2)" "write" "$1 '$2' is refused by write"
}
while read -r name text; do
	unfinished "$name" "$text"
done <<'END'
replicas many
replicas -1
replicas 1001
replicas 5 replicas
image a b
image a//b
image x@md5:
dns a..b
dns http://x
protect perhaps
rollout stop
rollout restart now
grants a b/c
../../group No
../../billing/budget much
../../../.platform/keys/rotate everything
END
is "$(try write "$SERVICE/image" $'x\xff')" "EINVAL write" "so is what is no UTF-8"
is "$(try write "$SERVICE/image" $'x\x01')" "EINVAL write" "and a control character"
is "$(cat "$SERVICE/spec.json") $(status_field Generation)" "$GOOD $generation" "of all that nothing is in force"
for pieces in "replicas 1 0" "image e x a m p l e / w e b : 2" "dns w . d" "protect o n" "rollout p a u s e" "grants a / b"; do
	read -ra pieces <<<"$pieces"
	is "$(try pieces "$SERVICE/${pieces[0]}" "${pieces[@]:1}")" "ok" "who writes byte by byte is waited for: ${pieces[*]}"
done
is "$(cat "$SERVICE"/{replicas,image,dns,protect,grants} | xargs)" "10 example/web:2 w.d on a/b" "and gets what it wrote"
echo off >"$SERVICE/protect"
echo resume >"$SERVICE/rollout"
: >"$SERVICE/grants" && rm "$SERVICE/grants"
echo "$GOOD" >"$SERVICE/spec.json"
generation=$(status_field Generation)

# Single values.
value() {
	refused "$1" "$2" "$4" write "$SERVICE/$3" "$4"
}
value EINVAL . replicas "many"
value EINVAL . replicas "-1"
value EINVAL . replicas "1001"
value EINVAL . replicas $'1\n2'
value EINVAL . image "a b"
value EINVAL . dns "bad name"
is "$(head -c 5000 /dev/zero | tr '\0' 1 | try write "$SERVICE/replicas" | cut -d ' ' -f 1)" "EFBIG" \
	"a value over 4 KiB: EFBIG"
fails_with "Invalid argument" "a shell sees it" bash -c "echo bad >'$SERVICE/replicas'"
like "$(cat "$SERVICE/rollout" >/dev/null && try write "$SERVICE/rollout" "jump")" "^EINVAL" "an unknown command to rollout"
like "$(try write "$SERVICE/rollout" "$(printf 'x%.0s' {1..5000})")" "^EFBIG" "more than a command is"
WEB=$SERVICE
service demo other '{"DockerImage":"example/web:1","ExternalLBPort":"80"}'
is "$(try write "$SERVICE/dns" "web.demo.duplo.test" | cut -d ' ' -f 1)" "EBUSY" "a name that is taken"
like "$(cat "$SERVICE/last_error")" "demo/web" "last_error says by whom"
is "$(try rmdir "$SERVICE")" "ok" "the other service goes"
SERVICE=$WEB

# Protection.
echo on >"$SERVICE/protect"
is "$(try rmdir "$SERVICE")" "EBUSY rmdir" "what is protected stays"
is "$(try write "$SERVICE/protect" "maybe" | cut -d ' ' -f 1)" "EINVAL" "protect is on or off"
echo off >"$SERVICE/protect"

# Secrets and configuration.
for directory in secrets config; do
	for name in 1A "a b" -A "ä"; do
		like "$(try create "$DUPLO/demo/$directory/$name")" "^EINVAL " \
			"no key in $directory is called $(printf %q "$name")"
	done
	like "$(try create "$DUPLO/demo/$directory/$(printf 'A%.0s' {1..129})")" "^(EINVAL|ENAMETOOLONG) " \
		"a key in $directory has at most 128 characters"
	try create "$DUPLO/demo/$directory/BIG" >/dev/null
	like "$(head -c 65537 /dev/urandom | try write "$DUPLO/demo/$directory/BIG")" "^EFBIG " \
		"a value in $directory has at most 64 KiB"
	head -c 65536 /dev/urandom >"$TEST_DIR/value"
	is "$(try write "$DUPLO/demo/$directory/BIG" <"$TEST_DIR/value")" "ok" "64 KiB of any bytes are fine"
	succeeds "and come back" cmp "$TEST_DIR/value" "$DUPLO/demo/$directory/BIG"
done

# What was accepted in the end counts.
is "$(try write "$SERVICE/replicas" "3")" "ok" "a good value is accepted"
is "$(cat "$SERVICE/last_error")" "" "and last_error is empty again"
rm "$DUPLO"/demo/{secrets,config}/BIG
succeeds "rmdir" rmdir "$SERVICE" "$DUPLO/demo"
platform_stop
tap_done
