#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Between tenants: nothing is seen or reached unless its owner grants it and the other side asks for it.
. "${0%/*}/lib/platform.sh"
# shellcheck source=tests/e2e/lib/shell.sh
. "$lib/shell.sh"

# A rule of somebody else, which has to stay as it is.
FOREIGN_RULE=(DOCKER-USER -s "198.51.100.$(($$ % 250))/32" -m comment --comment "not-of-$$" -j RETURN)
test_clean() {
	iptables -w -D "${FOREIGN_RULE[@]}" 2>/dev/null
	[ -z "${platform_id[main]-}" ] || chain_gone || {
		iptables -w -D DOCKER-USER -j "$CHAIN"
		iptables -w -F "$CHAIN"
		iptables -w -X "$CHAIN"
	} 2>/dev/null
}

chain_gone() {
	! iptables -w -S | grep -qF "$CHAIN"
}

succeeds "an image with a shell" shell_image
platform_start || bail "no platform"
CHAIN=DUPLO-${platform_id[main]}
succeeds "somebody else's rule" iptables -w -I "${FOREIGN_RULE[@]}"
for tenant in asks grants; do
	mkdir "$DUPLO/$tenant"
done
service grants private "$(shell_spec '"ExternalLBPort":80')"
service grants api "$(shell_spec '"Replicas":2,"Neighbors":["asks/web"]')"
API=$SERVICE
service asks plain "$(shell_spec)"
service asks web "$(shell_spec '"Neighbors":["plain","grants/api"]')"
WEB=$SERVICE
for directory in "$DUPLO"/*/services/*; do
	settles 60 "$directory"
	ok $? "${directory##*/} settles"
done

containers() {
	local SERVICE
	SERVICE=$DUPLO/grants/services/private private=$(container_of 0)
	SERVICE=$DUPLO/asks/services/plain plain=$(container_of 0)
	SERVICE=$API api=$(container_of 0)
	SERVICE=$WEB web=$(container_of 0)
}
containers

address() {
	engine "/containers/$1/json" | jq -r '.NetworkSettings.Networks[].IPAddress'
}

reaches() {
	[ -n "$(answer "$1" "$2")" ]
}

# reached and refused FROM TO DESCRIPTION
reached() {
	becomes 10 "$3" reaches "$1" "$2"
}

refused() {
	is "$(answer "$1" "$2")" "" "$3"
}

visible() {
	[ "$(inside "$web" 12345 'cat /duplo/neighbors/api.grants' | grep -c ':80')" -eq "$1" ]
}

# knows CONTAINER NAME: the addresses behind it, for programs that ask as all do.
knows() {
	local ask='import socket,sys; print("\n".join(sorted({a[4][0] for a in socket.getaddrinfo(sys.argv[1], 80)})))'
	cp "$(root_of "$1")"/etc/{hosts,resolv.conf} "$TEST_DIR" || return 1
	# shellcheck disable=SC2016 # for the shell inside
	nsenter -t "$(engine "/containers/$1/json" | jq -r .State.Pid)" -n unshare -m sh -c '
		mount --bind "$1/hosts" /etc/hosts && mount --bind "$1/resolv.conf" /etc/resolv.conf &&
		exec timeout 10 python3 -c "$2" "$3"' knows "$TEST_DIR" "$ask" "$2" 2>/dev/null
}

knows_of() {
	[ "$(knows "$1" "$2" | xargs)" = "$3" ]
}

# Addresses of the replicas of the granting service, as their containers are now.
granting() {
	local ordinal
	for ordinal in 0 1; do
		address "$(SERVICE=$API container_of "$ordinal")"
	done | sort | xargs
}

# ---- without a grant ----

refused "$web" "$(address "$api")" "without a grant: refused"
refused "$api" "$(address "$web")" "and the other way round"
is "$(inside "$web" 12345 'ls -1 /duplo/neighbors')" "plain" "and not to be seen, though it is asked for"
reached "$web" plain "in its own tenant it reaches its neighbors"
is "$(knows "$web" plain.asks)" "$(address "$plain")" "and knows their names"
is "$(knows "$web" api.grants)" "" "but none of the other tenant's"
own_hosts=$(cat "$(root_of "$web")/etc/hosts")
is "$(cat "$API/grants")" "" "grants is empty"
succeeds "nobody's firewall is touched" chain_gone
SERVICE=$DUPLO/grants/services/private
host_port=$(engine "/containers/$private/json" | jq -r '.NetworkSettings.Ports["80/tcp"][0].HostPort')
gateway=$(engine "/containers/$web/json" | jq -r '.NetworkSettings.Networks[].Gateway')
is "$(curl -s "http://127.0.0.1:$host_port/")" "private-0" "the host reaches another one's port"
refused "$web" "$gateway:$host_port" "by way of the host it is refused, too"
is "$(answer "$web" "$(url | cut -d / -f 3)")" "web-0" "its load balancer is on the host's loopback: a container finds its own there"
SERVICE=$WEB

# ---- what a grant is ----

for wrong in 'No Such' 'a/b/c' 'asks/' '/web' '-x' "$(printf 'asks\n\nasks/we b')"; do
	is "$(try write "$API/grants" "$wrong
")" "EINVAL write" "refused: ${wrong//$'\n'/ }"
done
like "$(cat "$API/last_error")" "line 3: .*we b" "last_error says where"
is "$(cat "$API/grants")" "" "nothing of it is in force"
is "$(try write "$API/grants" "as")" "ok" "a line without its end is one"
is "$(cat "$API/grants")" "as" "as it was written"
printf '# who may see us\nasks/web  # the shop\n' >"$API/grants"
is "$(wc -l <"$API/grants")" "2" "comments stay"

# ---- with it ----

becomes 10 "both replicas are to be seen, without a restart" visible 2
like "$(inside "$web" 12345 'cat /duplo/hosts')" "$(address "$api")"$'\t'"api.grants" "hosts has them"
is "$(inside "$web" 12345 'cat /duplo/neighbors.json' | jq -r '."api.grants" | length')" "2" "so has neighbors.json"
is "$(cat "$WEB/runtime/neighbors/api.grants" "$WEB/neighbors/api.grants" | wc -l)" "4" "and runtime/ and neighbors/"
becomes 10 "its name leads to both" knows_of "$web" api.grants "$(granting)"
reached "$web" api.grants "and it is reached by name, with no restart"
is "$(knows "$web" api; knows "$web" private.grants)" "" "other names of that tenant lead nowhere"
is "$(knows "$plain" api.grants; knows "$private" web.asks; knows "$api" web.asks)" "" "nor does this one for anybody else"
like "$(cat "$(root_of "$web")/etc/hosts")" "^$own_hosts"$'\n' "what the engine wrote there stays"
while IFS=: read -r host port; do
	reached "$web" "$host:$port" "a granted replica is reached"
done <"$WEB/neighbors/api.grants"
inside "$api" 0 'httpd -p 81 -h /www'
reached "$api" 127.0.0.1:81 "another port listens there"
refused "$web" "$(address "$api"):81" "and is not granted"
refused "$api" "$(address "$web")" "the way back is not granted"
refused "$plain" "$(address "$api")" "nor is it for a service that was not named"
refused "$web" "$(address "$private")" "nor for another service of the tenant"
is "$(inside "$plain" 12345 'ls -1 /duplo/neighbors')" "$(printf 'plain\nweb')" "who was not named sees nothing"
echo asks >"$API/grants"
refused "$plain" "$(address "$api")" "a grant to all opens nothing for who does not ask"
reached "$web" "$(address "$api")" "who asks reaches it still"

# ---- it lasts, and follows the containers ----

all_replaced() {
	[ "$(jq -r 'select(.Phase == "healthy") | .Container' "$API"/instances/*/status.json | grep -cvxF "$old")" -eq 2 ]
}
old=$(jq -r .Container "$API"/instances/*/status.json)
echo restart >"$API/rollout"
becomes 60 "the granted ones are replaced" all_replaced
containers
becomes 10 "the new ones are to be seen" visible 2
reached "$web" "$(head -n 1 "$WEB/neighbors/api.grants")" "and reached"
becomes 10 "the name leads to the new ones alone" knows_of "$web" api.grants "$(granting)"
engine "/containers/$web/kill" -X POST
runs_again() {
	[ "$(engine "/containers/$web/json" | jq -r .State.Running)" = true ]
}
becomes 30 "who asks dies, and is started again" runs_again
becomes 30 "with the name" knows_of "$web" api.grants "$(granting)"
becomes 30 "and reaches it" reaches "$web" api.grants
platform_kill
reached "$web" "$(address "$api")" "while the platform is dead it goes on"
reached "$web" api.grants "by name, too"
iptables -w -F "$CHAIN"
refused "$web" "$(address "$api")" "somebody clears the firewall"
platform_start || bail "no platform"
reached "$web" "$(address "$api")" "the platform's start makes it anew"
is "$(cat "$API/grants")" "asks" "the grant is there after a crash"
reached "$web" api.grants "with its name"

# ---- revoked ----

# shellcheck disable=SC2016 # for the container's shell
HOLD='exec 3<>/dev/tcp/'$(address "$api")'/80 || exit 9
echo >/tmp/held
while [ -e /duplo/neighbors/api.grants ]; do sleep 0.1; done
printf "GET / HTTP/1.0\r\n\r\n" >&3
read -r -t 3 line <&3 && echo "answered: $line" || echo silence'
inside "$web" 12345 "exec bash -c '$HOLD'" >"$TEST_DIR/held" &
holder=$!
becomes 10 "a connection is held" test -e "$(root_of "$web")/tmp/held"
succeeds "rm grants" rm "$API/grants"
becomes 10 "the chain is gone" chain_gone
wait "$holder"
is "$(tail -n 1 "$TEST_DIR/held")" "silence" "who held a connection hears nothing any more"
becomes 10 "the name is gone" knows_of "$web" api.grants ""
# shellcheck disable=SC2001 # the address was another one before it was started again
is "$(cat "$(root_of "$web")/etc/hosts")" "$(sed "s/^[0-9.]*\t\(web-0\)/$(address "$web")\t\1/" <<<"$own_hosts")" \
	"without a trace in the engine's file"
refused "$web" "$(address "$api")" "and nobody new connects"
is "$(inside "$web" 12345 'ls -1 /duplo/neighbors')" "plain" "nor sees it"
is "$(container_of 0)" "$web" "web was never restarted"
succeeds "somebody else's rule is as it was" iptables -w -C "${FOREIGN_RULE[@]}"

# A service that goes takes its grants along.
echo asks >"$API/grants"
becomes 10 "granted again" visible 2
: >"$API/grants"
becomes 10 "an empty file grants nothing" visible 0
echo asks >"$API/grants"
becomes 10 "and once more" visible 2
becomes 10 "with the name" knows_of "$web" api.grants "$(granting)"
platform_kill
platform_start || bail "no platform"
succeeds "rmdir" rmdir "$API" "$DUPLO/grants/services/private"
becomes 20 "its neighbors see it go" visible 0
becomes 20 "and forget its name, though it was told before a crash" knows_of "$web" api.grants ""
is "$(inside "$web" 12345 'ls -1 /duplo/neighbors')" "plain" "without a trace"
succeeds "rmdir of the rest" rmdir "$DUPLO/asks/services/web" "$DUPLO/asks/services/plain" "$DUPLO/asks" "$DUPLO/grants"
nothing_leaked
becomes 10 "and no rule" chain_gone
platform_stop
tap_done
