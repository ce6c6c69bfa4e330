#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Health as containers tell it, by HTTP or by a command: well, ill, slow, hanging, without end. What is ill leaves the
# load balancer and the neighbors within an interval, is replaced, and the rest of the service answers.
. "${0%/*}/lib/platform.sh"
. "${0%/*}/lib/shell.sh"

platform_start || bail "no platform"
shell_image || bail "no image"
mkdir "$DUPLO/demo"

# A server that runs a script for each connection: serve NAME SCRIPT HEALTH [MEMBERS]
serve() {
	local command threshold='"UnhealthyThreshold":2,'
	[[ $3 != *UnhealthyThreshold* ]] || threshold=
	command=$(jq -cn --arg script "$2" '["nc", "-ll", "-p", "80", "-e", "/bin/sh", "-c", $script]')
	service demo "$1" '{"DockerImage":"'"$SHELL_IMAGE"':1","ContainerPort":80,"DrainSeconds":0,"Command":'"$command"',
		"HealthCheck":{"IntervalSeconds":1,"StartPeriodSeconds":1,'"$threshold"'"HealthyThreshold":1'"${3:+,$3}"'}'"${4:+,$4}"'}'
}

HTTP='"Path":"/","TimeoutSeconds":1'
serve slow 'sleep 0.3; printf "HTTP/1.0 200 OK\r\n\r\n"' "$HTTP"
serve around 'printf "HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n"' "$HTTP"
serve endless 'printf "HTTP/1.0 200 OK\r\n\r\n"; exec yes' "$HTTP"
serve hang 'exec sleep 1000' "$HTTP"
serve headers 'printf "HTTP/1.0 200 OK\r\n"; exec yes "X: y"' "$HTTP"
serve drip 'printf "HTTP/1.0"; sleep 1000' "$HTTP"
serve ill 'printf "HTTP/1.0 500 Ill\r\n\r\n"' "$HTTP"
serve elsewhere 'printf "HTTP/1.0 200 OK\r\n\r\n"' '"Path":"/","Port":9999'
serve talker 'printf "HTTP/1.0 200 OK\r\n\r\n"' '"Command":["/bin/sh","-c","echo no database; exit 3"]'
serve sleeper 'printf "HTTP/1.0 200 OK\r\n\r\n"' '"TimeoutSeconds":1,"Command":["/bin/sh","-c","sleep 987654 & sleep 987654"]'
serve chatter 'printf "HTTP/1.0 200 OK\r\n\r\n"' '"TimeoutSeconds":5,"Command":["/bin/yes"]'
serve nothing 'printf "HTTP/1.0 200 OK\r\n\r\n"' '"Command":["/no/such/program"]'
serve fine 'printf "HTTP/1.0 200 OK\r\n\r\n"' '"Command":["/bin/test","-d","/duplo"]'

says() {
	grep -qE "instance [0-9]+: (not healthy|stays unhealthy, is replaced): $2" "$DUPLO/demo/services/$1/events"
}

for name in slow around endless fine; do
	succeeds "$name is well" settles 90 "$DUPLO/demo/services/$name"
done
becomes 60 "one that hangs: no answer in time" says hang "no answer from .* within 1000 ms"
becomes 60 "headers without end are no answer" says headers "GET / answered with headers without end"
becomes 60 "half an answer is none" says drip "no answer from .* within 1000 ms"
becomes 60 "status 500 is told" says ill "GET / answered 500"
becomes 60 "nobody listens on the port of the health check" says elsewhere "connection refused on .*:9999"
becomes 60 "a command tells its status and its first words" says talker "the command /bin/sh ended with status 3: no database"
becomes 60 "a command that does not end" says sleeper "the command /bin/sh did not end within 1 s"
becomes 60 "a command that talks without end" says chatter "the command /bin/yes: the command wrote more than 65536 bytes"
becomes 60 "a command that is not there" says nothing "the command /no/such/program"
for name in hang talker; do
	becomes 60 "$name: is replaced in the end" grep -q "stays unhealthy, is replaced" "$DUPLO/demo/services/$name/events"
	is "$(cat "$DUPLO/demo/neighbors/$name")" "" "$name: is no neighbor"
done
sleepers() {
	pgrep -cxf "sleep 987654"
}
[ "$(sleepers)" -le 6 ]
ok $? "commands that were given up are not left behind" || diag "$(sleepers) are there"
for name in slow around endless hang headers drip ill elsewhere talker sleeper chatter nothing fine; do
	rmdir "$DUPLO/demo/services/$name"
done

# One of three falls ill and recovers: it leaves and comes back, and nothing that is asked of the service fails.
serve web 'printf "HTTP/1.0 200 OK\r\n\r\n"' '"Command":["/bin/test","!","-e","/tmp/ill"],"UnhealthyThreshold":100' \
	'"Replicas":3,"ExternalLBPort":80'
succeeds "three replicas" settles 90
targets() {
	[ "$(wc -l <"$DUPLO/demo/neighbors/web")" -eq "$1" ]
}
container=$(container_of 1)
address=$(cat "$SERVICE/instances/1/address")
inside "$container" 0 "touch /tmp/ill"
begin_us=${EPOCHREALTIME/./}
becomes 20 "an ill one leaves the neighbors" targets 2
note "after $(((${EPOCHREALTIME/./} - begin_us) / 1000)) ms; the interval is 1000 ms"
unlike "$(cat "$DUPLO/demo/neighbors/web")" "${address//./\\.}" "it is that one"
is "$(status_field Healthy)" "2" "two are healthy"
is "$(for _ in {1..20}; do curl -sS -m 5 -o /dev/null -w '%{http_code} ' "$(url)"; done)" \
	"$(printf '200 %.0s' {1..20})" "the load balancer asks the others"
is "$(curl -s "$(url)" >/dev/null; inside "$container" 0 "rm /tmp/ill")" "" "it recovers"
becomes 20 "and is back" targets 3
is "$(container_of 1)" "$container" "with no new container"

# Fewer replicas: an ill one goes before the newest, then the newest.
ages() {
	jq -r '.Container' "$SERVICE"/instances/*/status.json
}
newest=$(container_of 2)
inside "$(container_of 0)" 0 "touch /tmp/ill"
becomes 20 "the oldest of three is ill" targets 2
echo 2 >"$SERVICE/replicas"
succeeds "two are wanted" settles 60
is "$(ages)" "$container
$newest" "the ill one has gone"
echo 1 >"$SERVICE/replicas"
succeeds "one is wanted" settles 60
is "$(ages)" "$container" "the newest has gone"
echo 3 >"$SERVICE/replicas"
succeeds "three again" settles 60

# How health is asked can be changed while containers run.
serve web 'printf "HTTP/1.0 200 OK\r\n\r\n"' '"Command":["/bin/false"],"UnhealthyThreshold":100' \
	'"Replicas":3,"ExternalLBPort":80'
becomes 20 "another health check is asked at once" targets 0
is "$(container_of 1)" "$container" "with no new container"

# A container that takes no notice of SIGTERM is killed after the grace period, and what waits for it goes on.
service demo stubborn "$(hello_spec stubborn '"ExternalLBPort":"81","ContainerPort":80,"DrainSeconds":0')"
settles 60
echo "$HELLO_IMAGE:1" >"$SERVICE/image"
succeeds "a program that ignores SIGTERM is replaced all the same" settles 60

succeeds "rmdir" rmdir "$SERVICE" "$DUPLO/demo/services/web"
becomes 60 "the tenant goes when its services have gone" rmdir "$DUPLO/demo"
nothing_leaked
platform_stop
tap_done
