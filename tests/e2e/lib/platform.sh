# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# platform - platforms of a test's own: state, mount point, addresses, and the clean-up of just that.
# What a test starts here is ended by the trap on exit, whatever happens; a failed test tells what it saw.
#   platform_start [-n NAME] [-c CLOUD] [OPTION=VALUE...]   mounts; DUPLO is the mount point of the last
#   platform_stop [NAME]                                    umounts and tests that nothing is left

lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/lib/tap.sh
. "$lib/tap.sh"
top=$(cd "$lib/../../.." && pwd)
DUPLOFS=${DUPLOFS:-$top/build/duplofs}
HELLO_IMAGE=${HELLO_IMAGE:-duplofs-test/hello}
DOCKER=${DOCKER_HOST:-unix:///var/run/docker.sock}
TEST_DIR=$(mktemp -d "/tmp/duplofs-test.XXXXXX")
START_S=30 # longest time for a start or a stop
unset DOCKER_HOST

declare -A platform_mount platform_state platform_net platform_id platform_pid platform_docker
platform_names=()

# engine PATH [CURL-OPTION...]: a call of the Docker Engine API.
engine() {
	local path=$1
	shift
	engine_at "$DOCKER" "$path" "$@"
}

engine_at() {
	local url=$1 path=$2
	shift 2
	case $url in
	unix://*) curl -sS -m 30 --unix-socket "${url#unix://}" "$@" "http://engine/v1.41$path" ;;
	*) curl -sS -m 30 "$@" "http://${url#*://}/v1.41$path" ;;
	esac
}

# Queries take filters as JSON; these are the ids of what carries a platform's label.
labelled() {
	local kind=$1 name=${2:-main} filter
	[ -n "${platform_id[$name]-}" ] || return 0
	filter="%7B%22label%22:%5B%22duplo.platform=${platform_id[$name]}%22%5D%7D"
	case $kind in
	containers) engine_at "${platform_docker[$name]}" "/containers/json?all=1&filters=$filter" | jq -r '.[].Id' ;;
	running) engine_at "${platform_docker[$name]}" "/containers/json?filters=$filter" | jq -r '.[].Id' ;;
	networks) engine_at "${platform_docker[$name]}" "/networks?filters=$filter" | jq -r '.[].Id' ;;
	volumes) engine_at "${platform_docker[$name]}" "/volumes?filters=$filter" | jq -r '.Volumes[]?.Name' ;;
	esac
}

count() {
	labelled "$@" | wc -l
}

# test_running N [NAME]: so many containers run.
test_running() {
	[ "$(count running "${2:-main}")" -eq "$1" ]
}

# test_healthy N: so many instances of SERVICE are healthy.
test_healthy() {
	[ "$(status_field Healthy)" = "$1" ]
}

more_than() {
	[ "$(count containers "${2:-main}")" -gt "$1" ]
}

# A /24 of the loopback range that no other test process uses at the same time.
platform_address() {
	local number=$(($$ * 2 + ${#platform_names[@]}))
	echo "127.$((100 + number / 250 % 150)).$((number % 250))"
}

platform_start() {
	local name=main cloud=local option options net log
	while getopts n:c: option; do
		case $option in
		n) name=$OPTARG ;;
		c) cloud=$OPTARG ;;
		*) return 2 ;;
		esac
	done
	shift $((OPTIND - 1))
	OPTIND=1
	if [ -z "${platform_mount[$name]-}" ]; then
		net=$(platform_address)
		platform_names+=("$name")
		platform_mount[$name]=$TEST_DIR/$name
		platform_state[$name]=$TEST_DIR/$name.state
		platform_net[$name]=$net
		platform_docker[$name]=$DOCKER
		mkdir -p "${platform_mount[$name]}"
	fi
	net=${platform_net[$name]}
	log=$TEST_DIR/$name.log
	options="state=${platform_state[$name]},cloud=$cloud,lb_range=$net.0/24,dns_listen=$net.1:53"
	options+=",docker=${platform_docker[$name]}"
	for option; do
		options+=",$option"
	done
	setsid "$DUPLOFS" -f -o "$options" "${platform_mount[$name]}" >>"$log" 2>&1 </dev/null &
	platform_pid[$name]=$!
	DUPLO=${platform_mount[$name]}
	eventually $START_S platform_decided "$name"
	if ! platform_answers "$name"; then
		ok 1 "platform $name starts"
		return 1
	fi
	platform_id[$name]=$(jq -r '.Platform // empty' "$DUPLO/.platform/status.json")
	[ -n "${platform_id[$name]}" ] || {
		ok 1 "platform $name tells its id in .platform/status.json"
		return 1
	}
}

# It answers, or has given up.
platform_decided() {
	platform_answers "$1" || gone "${platform_pid[$1]}"
}

platform_answers() {
	mountpoint -q "${platform_mount[$1]}" && [ -s "${platform_mount[$1]}/.platform/status.json" ]
}

# The platform's directory in memory: named by the FNV-1a hash of its state directory.
runtime_directory() {
	local path=${platform_state[${1:-main}]} hash=$((0xcbf29ce484222325)) i
	for ((i = 0; i < ${#path}; i++)); do
		hash=$(((hash ^ $(printf '%d' "'${path:i:1}")) * 0x100000001b3))
	done
	printf '/run/duplofs/%.12s\n' "$(printf '%016x' $hash)"
}

# Pids of the platform's own processes: holder, supervisor, worker, load balancer, name server.
platform_processes() {
	local name=${1:-main} pid file
	for file in "${platform_state[$name]}"/{holder,supervisor,worker}.pid; do
		pid=$(cat "$file" 2>/dev/null) || continue
		[ "$(readlink "/proc/$pid/exe")" = "$(readlink -f "$DUPLOFS")" ] && echo "$pid"
	done
	grep -lsaP "^[^\0]*(haproxy|dnsmasq)\0.*$(runtime_directory "$name")/" /proc/[0-9]*/cmdline | cut -d / -f 3
}

test_processes() {
	[ "$(platform_processes "${2:-main}" | wc -l)" -eq "$1" ]
}

supervisor_pid() {
	cat "${platform_state[${1:-main}]}/supervisor.pid"
}

worker_pid() {
	cat "${platform_state[${1:-main}]}/worker.pid"
}

holder_pid() {
	cat "${platform_state[${1:-main}]}/holder.pid"
}

# The three, one a line.
platform_pids() {
	cat "${platform_state[${1:-main}]}"/{holder,supervisor,worker}.pid
}

# What listens on the platform's addresses, the name server left out.
listeners() {
	local net=${platform_net[${1:-main}]}
	ss -Hltn | awk '{ print $4 }' | grep -F "$net." | grep -vxF "$net.1:53"
}

# dns NAME [PLATFORM]: the address that the platform's name server tells.
dns() {
	dig +short +time=2 +tries=1 "@${platform_net[${2:-main}]}.1" "$1" A
}

no_name() {
	[ -z "$(dns "$@")" ]
}

no_processes() {
	[ -z "$(platform_processes "$1")" ]
}

not_mounted() {
	! mountpoint -q "${platform_mount[$1]}"
}

# A zombie has gone too.
gone() {
	! grep -qs '^State:[^Z]*$' "/proc/$1/status"
}

# replaced ROLE PID: another process has that role now.
replaced() {
	local now
	now=$(cat "${platform_state[main]}/$1.pid" 2>/dev/null) && [ -n "$now" ] && [ "$now" != "$2" ] && ! gone "$now"
}

# kill_roles ROLE...: kills holder, supervisor or worker at once; succeeds when others are there. Of several none sees
# another die: they are stopped first.
kill_roles() {
	local role failed=0
	local -A killed_pid
	for role; do
		killed_pid[$role]=$(cat "${platform_state[main]}/$role.pid")
	done
	[ $# = 1 ] || kill -STOP "${killed_pid[@]}"
	kill -KILL "${killed_pid[@]}"
	for role; do
		eventually 20 replaced "$role" "${killed_pid[$role]}" || failed=1
	done
	return $failed
}

# All three processes at once, as a power cut would; what they started stays. Stopped first, none can
# start another anew.
platform_kill() {
	local name=${1:-main}
	local -a pids
	mapfile -t pids < <(platform_pids "$name")
	kill -STOP "${pids[@]}"
	kill -KILL "${pids[@]}"
	platform_wait_killed "$name" "${pids[@]}"
}

# platform_wait_killed NAME PID...: until they are gone; then takes the dead mount away.
platform_wait_killed() {
	local name=$1 pid
	shift
	for pid; do
		eventually $START_S gone "$pid"
	done
	umount -l "${platform_mount[$name]}" 2>/dev/null
	wait "${platform_pid[$name]}" 2>/dev/null
	true
}

platform_stop() {
	local name=${1:-main}
	# An engine that makes a container just now holds a copy of every mount for a moment.
	becomes $START_S "umount of $name" umount "${platform_mount[$name]}"
	becomes $START_S "no process of $name is left" no_processes "$name"
	ok "$(not_mounted "$name" && echo 0 || echo 1)" "$name is not mounted any more"
	is "$(listeners "$name")" "" "nothing of $name listens any more"
	is "$(platform_complaints "$name")" "" "no sanitizer and no lock check complained in $name"
}

platform_complaints() {
	grep -aE 'Sanitizer|runtime error:|lock order|rank' "$TEST_DIR/$1.log" | head -5
}

nothing_deployed() {
	[ -z "$(labelled containers "$1")$(labelled networks "$1")$(labelled volumes "$1")$(listeners "$1")" ]
}

# After everything was removed by rmdir: nothing of ours is left outside.
nothing_leaked() {
	local name=${1:-main}
	eventually 60 nothing_deployed "$name"
	is "$(labelled containers "$name")" "" "no container of $name is left"
	is "$(labelled networks "$name")" "" "no network of $name is left"
	is "$(labelled volumes "$name")" "" "no volume of $name is left"
	is "$(listeners "$name")" "" "no listener of $name is left"
}

# service TENANT SERVICE SPEC: makes the directories and writes the spec; the path is in SERVICE.
service() {
	SERVICE=$DUPLO/$1/services/$2
	mkdir -p "$SERVICE" && cat <<<"$3" >"$SERVICE/spec.json"
}

# hello_spec TAG [MEMBERS]: a spec of the example program, on one line.
hello_spec() {
	echo '{"DockerImage":"'"$HELLO_IMAGE:$1"'"'"${2:+,$2}"'}'
}

# fsx OPERATIONS [SEED]: so many random ones on SERVICE, against a model; built beside the program.
fsx() {
	"$(dirname "$(realpath "$DUPLOFS")")/tests/conformance/fsx" "$SERVICE" "$@"
	ok $? "fsx: $1 random operations do what is promised"
}

# settles [SECONDS] [SERVICE-DIRECTORY]: reads `wait` to its end.
settles() {
	timeout "${1:-60}" cat "${2:-$SERVICE}/wait" >/dev/null
}

try() {
	/usr/bin/python3 -I -S "$lib/try.py" "$@"
}

# status_field NAME [FILE]: one member of a status.json; of SERVICE's unless told.
status_field() {
	jq -r ".$1" "${2:-$SERVICE/status.json}"
}

# url [SERVICE-DIRECTORY]: the address of its load balancer, as a URL without a path.
url() {
	grep -m 1 '^http://[0-9]' "${1:-$SERVICE}/url" | sed 's|/$||'
}

# container_of ORDINAL [SERVICE-DIRECTORY]: identity of the container of an instance.
container_of() {
	status_field Container "${2:-$SERVICE}/instances/$1/status.json"
}

# A mount whose processes are gone for good keeps everyone waiting: -f ends that.
platform_unblock() {
	local mount=${platform_mount[$1]}
	grep -qF " $mount " /proc/mounts || return 0
	timeout -s KILL 5 cat "$mount/README" >/dev/null 2>&1 || umount -f "$mount" 2>/dev/null
}

platform_report() {
	local name=$1 file
	diag "--- platform $name, the end of its log:"
	diag "$(tail -n 40 "$TEST_DIR/$name.log" 2>/dev/null)"
	if timeout 5 mountpoint -q "${platform_mount[$name]}"; then
		for file in "${platform_mount[$name]}"/{.platform,*,*/services/*}/{status,last_error}; do
			[ -s "$file" ] || continue
			diag "--- ${file#"${platform_mount[$name]}"/}:" "$(timeout 5 head -c 4000 "$file")"
		done
		diag "--- .platform/events:" "$(timeout 5 tail -n 20 "${platform_mount[$name]}/.platform/events")"
	fi
}

platform_clean() {
	local name=$1 id pid
	if [ -n "${platform_pid[$name]-}" ]; then
		timeout 10 umount "${platform_mount[$name]}" 2>/dev/null
		eventually 15 no_processes "$name"
		for pid in $(platform_processes "$name"); do
			kill -KILL "$pid" 2>/dev/null
		done
		umount -l "${platform_mount[$name]}" 2>/dev/null
	fi
	for id in $(labelled containers "$name"); do
		engine_at "${platform_docker[$name]}" "/containers/$id?force=1&v=1" -X DELETE >/dev/null
	done
	for id in $(labelled networks "$name"); do
		engine_at "${platform_docker[$name]}" "/networks/$id" -X DELETE >/dev/null
	done
	for id in $(labelled volumes "$name"); do
		engine_at "${platform_docker[$name]}" "/volumes/$id" -X DELETE >/dev/null
	done
	umount -l "$(runtime_directory "$name")" 2>/dev/null
	rm -f "$(runtime_directory "$name").lock"
	rmdir "$(runtime_directory "$name")" 2>/dev/null
	true
}

# A test may add what else is to be undone.
test_clean() {
	true
}

platform_exit() {
	local status=$? name
	trap - EXIT
	for name in "${platform_names[@]}"; do
		platform_unblock "$name"
	done
	if [ $status -ne 0 ] || [ "$tap_failed" -gt 0 ]; then
		for name in "${platform_names[@]}"; do
			platform_report "$name"
		done
		status=1
	fi
	test_clean
	for name in "${platform_names[@]}"; do
		platform_clean "$name"
	done >/dev/null 2>&1
	if [ -n "${KEEP_LOGS-}" ]; then
		diag "kept: $TEST_DIR"
	else
		rm -rf --one-file-system "$TEST_DIR"
	fi
	exit $status
}
trap platform_exit EXIT
trap 'exit 1' INT TERM
