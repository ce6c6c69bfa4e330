# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# engines - container engines of a test's own, each as if on a machine of its own: a network namespace,
# a bridge, its own data. What is started here is ended by engines_clean, and nothing else.
#   engines_begin N       makes N machines: names h1.., ENGINE_ADDRESS and ENGINE_URL by name
#   engine_start NAME...  starts their dockerds and waits until they answer, with the images of the example
#   engine_boot NAME ADDRESS SCRIPT   a machine that makes itself an engine, by a start-up script
#   engines_apart=DIR     before: each has a /run of its own, so that no file there is this machine's, and
#                         answers by TLS alone, at port 2376, to whoever has what is put into DIR
#   engine_kill NAME      kills it as a crash would; its containers die with it, as on a lost machine
#   engines_clean         for test_clean

engines_dir=$TEST_DIR/engines
engines_bridge=dh$$
# 10.A.B.0/24: the machines; 10.A.(B+n).0/24 would be theirs, but each namespace has a world of its own.
engines_net=10.$((60 + $$ / 250 % 40)).$(($$ % 250))
declare -A ENGINE_ADDRESS ENGINE_URL engine_pid
engine_names=()
engines_apart=

engines_begin() {
	local n
	ip link add "$engines_bridge" type bridge || return 1
	ip addr add "$engines_net.1/24" dev "$engines_bridge"
	ip link set "$engines_bridge" up
	for ((n = 1; n <= $1; n++)); do
		engine_place "h$n" "$engines_net.$((10 + n))" docker.sock || return 1
	done
}

# engine_place NAME ADDRESS SOCKET: a machine without anything that runs.
engine_place() {
	local name=$1
	ENGINE_ADDRESS[$name]=$2
	ENGINE_URL[$name]=unix://$engines_dir/$name/$3
	engine_names+=("$name")
	mkdir -p "$engines_dir/$name"
	echo '{}' >"$engines_dir/$name/config.json"
	ip netns add "$engines_bridge-$name" || return 1
	ip link add "dh$$-${#engine_names[@]}" type veth peer name eth0 netns "$engines_bridge-$name"
	ip link set "dh$$-${#engine_names[@]}" master "$engines_bridge" up
	ip -n "$engines_bridge-$name" addr add "$2/24" dev eth0
	ip -n "$engines_bridge-$name" link set eth0 up
	ip -n "$engines_bridge-$name" link set lo up
	ip -n "$engines_bridge-$name" route add default via "$engines_net.1"
}

# engine_boot NAME ADDRESS SCRIPT: a machine boots: the script runs there as root, with /etc, /run and Docker's
# data of its own, and with System V's scripts where it would have systemd.
engine_boot() {
	local name=$1 dir=$engines_dir/$1
	engine_place "$name" "$2" run/docker.sock || return 1
	mkdir -p "$dir/run" "$dir/data" "$dir/log"
	cp -a /etc "$dir/etc"
	sed -i 's/^\t*ulimit .*/:/' "$dir/etc/init.d/docker" # which is not always ours to raise
	# Its script would mount all of cgroup's controllers: they are the kernel's, not this machine's alone, and other
	# engines would miss them.
	echo 'cgroup /sys/fs/cgroup cgroup defaults 0 0' >>"$dir/etc/fstab"
	echo "DOCKER_OPTS=\"--cgroup-parent /$engines_bridge-$name --bip 10.59.0.1/24\"" >"$dir/etc/default/docker"
	# shellcheck disable=SC2016 # for the shell inside
	setsid nsenter --net="/run/netns/$engines_bridge-$name" unshare --mount sh -c '
		mount --bind "$1/etc" /etc && mount --bind "$1/run" /run && mount --bind "$1/log" /var/log &&
		mount --bind "$1/data" /var/lib/docker && { umount -l "$3"; exec sh "$2"; }' boot "$dir" "$3" "${DUPLO:-/none}" >"$dir/boot.log" 2>&1 </dev/null &
	engine_pid[$name]=$!
}

# Whatever was made there before, the images of the example are there when it returns.
engine_images() {
	# shellcheck disable=SC2154 # top is of platform.sh, which comes first
	DOCKER_HOST=${ENGINE_URL[$1]} "$top/examples/hello/image.sh" -r "$HELLO_IMAGE" "$top/build/hello" 1 2 >/dev/null
}

engine_start() {
	local name
	local -a images=()
	for name; do
		engine_begin "$name"
	done
	for name; do
		eventually 60 engine_at "${ENGINE_URL[$name]}" /_ping -f >/dev/null ||
			bail "the engine of $name does not start: $(tail -5 "$engines_dir/$name/log")"
		engine_images "$name" &
		images+=($!)
	done
	wait "${images[@]}" || bail "the images of the example cannot be made"
}

# The authority and a certificate for who asks go into DIR, as the platform wants them; a machine's own beside it.
engine_certificates() {
	local name=$1 dir=$engines_dir/$1 key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2)
	local ca=$engines_dir/authority
	[ -e "$ca.key" ] || {
		mkdir -p "$engines_apart"
		openssl req -x509 "${key[@]}" -subj /CN=authority -keyout "$ca.key" -out "$engines_apart/ca.pem"
		openssl req -x509 "${key[@]}" -subj /CN=client -CA "$engines_apart/ca.pem" -CAkey "$ca.key" \
			-keyout "$ca.client" -out "$ca.pem" -addext extendedKeyUsage=clientAuth -addext basicConstraints=CA:FALSE
		cat "$ca.pem" "$ca.client" >"$engines_apart/client.pem"
	} 2>>"$dir/log"
	openssl req -x509 "${key[@]}" -subj "/CN=$name" -CA "$engines_apart/ca.pem" -CAkey "$ca.key" -keyout "$dir/key.pem" \
		-out "$dir/cert.pem" -addext "subjectAltName=DNS:$name" -addext extendedKeyUsage=serverAuth \
		-addext basicConstraints=CA:FALSE 2>>"$dir/log"
}

# nsenter and not `ip netns exec`: that would hide /sys/fs/cgroup.
engine_begin() {
	local name=$1 dir=$engines_dir/$1
	local run=$dir/run
	local -a world=() door=(--host "tcp://${ENGINE_ADDRESS[$name]}:2375" --tls=false)
	# A copy of a mount of ours would keep its platform from ending.
	# shellcheck disable=SC2016 # for the shell in there
	if [ -n "$engines_apart" ]; then
		world=(unshare -m sh -c 'mount -t tmpfs none /run && { umount -l "$0" 2>/dev/null; exec "$@"; }'
			"${DUPLO:-/none}")
		run=/run/docker
		engine_certificates "$name"
		door=(--host "tcp://${ENGINE_ADDRESS[$name]}:2376" --tlsverify --tlscacert "$engines_apart/ca.pem"
			--tlscert "$dir/cert.pem" --tlskey "$dir/key.pem")
	fi
	setsid nsenter --net="/run/netns/$engines_bridge-$name" "${world[@]}" dockerd --host "${ENGINE_URL[$name]}" \
		"${door[@]}" --data-root "$dir/data" --exec-root "$run" --pidfile "$dir/pid" \
		--cgroup-parent "/$engines_bridge-$name" --bip 10.59.0.1/24 \
		--config-file "$dir/config.json" >>"$dir/log" 2>&1 </dev/null &
	engine_pid[$name]=$!
}

# Processes in the machine's network namespace.
engine_processes() {
	ip netns pids "$engines_bridge-$1" 2>/dev/null
	# The containers' own: they have namespaces of their own, but the engine's cgroup.
	cat "/sys/fs/cgroup/pids/$engines_bridge-$1"/*/cgroup.procs 2>/dev/null
}

no_engine_processes() {
	[ -z "$(engine_processes "$1")" ]
}

engine_kill() {
	local name=$1 pid
	for pid in $(engine_processes "$name"); do
		kill -KILL "$pid" 2>/dev/null
	done
	wait "${engine_pid[$name]}" 2>/dev/null
	eventually 20 no_engine_processes "$name"
	rm -f "$engines_dir/$name/docker.sock" "$engines_dir/$name/pid"
	engine_pid[$name]=
}

engines_clean() {
	local name mount id
	for name in "${engine_names[@]}"; do
		for id in $(engine_at "${ENGINE_URL[$name]}" "/containers/json?all=1" 2>/dev/null | jq -r '.[]?.Id'); do
			engine_at "${ENGINE_URL[$name]}" "/containers/$id?force=1" -X DELETE >/dev/null
		done
		[ -z "${engine_pid[$name]-}" ] || engine_kill "$name"
		ip netns delete "$engines_bridge-$name"
		awk -v dir="$engines_dir/$name/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
			while read -r mount; do umount -l "$mount"; done
		find /sys/fs/cgroup/*/"$engines_bridge-$name" -depth -type d -exec rmdir {} + 2>/dev/null
	done
	ip link delete "$engines_bridge"
	true
}

# containers_on NAME: ids of what a platform has there, running or not.
containers_on() {
	local saved=${platform_docker[main]} ids
	platform_docker[main]=${ENGINE_URL[$1]}
	ids=$(labelled "${2:-containers}")
	platform_docker[main]=$saved
	[ -z "$ids" ] || echo "$ids"
}

test_on() {
	[ "$(containers_on "$1" running | wc -l)" -eq "$2" ]
}
