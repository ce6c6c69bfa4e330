#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The example program itself: what it shows, many connections, a graceful end, and its faults.
. "${0%/*}/lib/platform.sh"

program=$top/build/hello
view=$TEST_DIR/view
address=127.$((100 + $$ / 250 % 150)).$(($$ % 250)).9
pid=

test_clean() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
}

# The program listens on all addresses, so each test process has a port of its own.
port=$((10000 + $$ % 9000)) # below the range that the kernel gives to clients
hello() {
	rm -f "$TEST_DIR/log" # what the one before said
	DUPLO_DIR=$view DUPLO_ORDINAL=7 HELLO_VERSION=5 env "$@" "$program" $port >"$TEST_DIR/log" 2>&1 &
	pid=$!
	eventually 5 grep -q "hello: version" "$TEST_DIR/log"
}

get() {
	curl -sS -m 10 "$@"
}
url=http://$address:$port

mkdir -p "$view"/{config,secrets,neighbors}
echo "a fine day" >"$view/config/GREETING"
printf 'swordfish' >"$view/secrets/PASSWORD"
printf '10.0.0.1:80\n10.0.0.2:80\n' >"$view/neighbors/api"
echo '{"service":"web"}' >"$view/self.json"
hello
page=$(get "$url/")
like "$page" "hello, version 5" "it tells its version"
like "$page" "replica: 7 on $(hostname)" "and its replica"
like "$page" "GREETING = a fine day" "and the configuration"
like "$page" "PASSWORD \(9 bytes\)" "and the names and lengths of secrets"
unlike "$page" "swordfish" "but not their values"
like "$page" "api:"$'\n'"    10.0.0.1:80"$'\n'"    10.0.0.2:80" "and its neighbors"
like "$page" '"service":"web"' "and who it is"
is "$(get "$url/version") $(get "$url/healthz") $(get "$url/replica")" "5 ok 7" "single answers"
is "$(get -o "$TEST_DIR/out" -w '%{http_code}' "$url/nowhere")" "404" "nothing there"
is "$(get -o "$TEST_DIR/out" -w '%{http_code}' -d x "$url/")" "405" "no writing"
is "$(get -I -o "$TEST_DIR/out" -w '%{http_code} %{size_download}' "$url/")" "200 0" "HEAD has no body"
is "$(get -o /dev/null -o /dev/null -w '%{num_connects} ' "$url/" "$url/version")" "1 0 " "connections are kept"

# A hundred slow requests at once take no longer than a few.
begin=$SECONDS
clients=()
for _ in {1..100}; do
	get "$url/slow?ms=1000" >/dev/null &
	clients+=($!)
done
wait "${clients[@]}"
[ $((SECONDS - begin)) -lt 10 ]
ok $? "a hundred connections at once"

# What is no HTTP ends the connection and nothing else.
for text in 'nonsense\r\n\r\n' '\r\n\r\n' 'GET /\0 HTTP/1.1\r\n\r\n' "GET /$(printf 'a%.0s' {1..9000}) HTTP/1.1\r\n\r\n"; do
	printf '%b' "$text" | timeout 1 bash -c "exec 3<>/dev/tcp/$address/$port; cat >&3; cat <&3" >/dev/null 2>&1
done
is "$(get "$url/version")" "5" "it survives nonsense"

# An end by SIGTERM: the open request is answered, then it goes.
get "$url/slow?ms=1000" >"$TEST_DIR/slow" &
client=$!
eventually 5 bash -c "ss -Htn state established sport = :$port | grep -q ."
kill -TERM "$pid"
wait "$client"
is $? 0 "an open request is answered after SIGTERM"
like "$(cat "$TEST_DIR/slow")" "after 1000 ms" "in full"
wait "$pid"
is $? 0 "and the program ends with 0"

# Its faults.
HELLO_FAULT="exit" "$program" $port 2>/dev/null
is $? 3 "exit: ends at once"
HELLO_FAULT=crash timeout 20 "$program" $port >/dev/null 2>&1
is $? 4 "crash: ends after a while"
hello HELLO_FAULT=sick
is "$(get -o "$TEST_DIR/out" -w '%{http_code}' "$url/healthz")" "503" "sick: says so"
kill -TERM $pid && wait $pid
hello HELLO_FAULT=stubborn
kill -TERM $pid
is "$(get "$url/version")" "5" "stubborn: takes no notice of SIGTERM"
kill -KILL $pid && wait $pid 2>/dev/null
pid=
tap_done
