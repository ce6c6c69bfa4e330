# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # lib is set by platform.sh, which comes first
# shell - containers with a shell inside, for tests that look around in them.

SHELL_IMAGE=duplofs-test/shell

# shell_image: makes the image from busybox; its program answers with the name of its host.
shell_image() {
	local root query change digest busybox library
	busybox=$(command -v busybox)
	digest=$({ cat "$busybox" && cat "$lib/shell.sh"; } | sha256sum | cut -d ' ' -f 1)
	[ "$(engine "/images/$SHELL_IMAGE:1/json" | jq -r '.Config.Labels["duplofs.digest"]')" != "$digest" ] || return 0
	root=$(mktemp -d "$TEST_DIR/image.XXXXXX")
	mkdir -p "$root"/{bin,etc,proc,sys,dev,tmp,www,duplo}
	chmod 1777 "$root/tmp" "$root/www"
	cp "$busybox" "$root/bin/busybox"
	"$root/bin/busybox" --install -s "$root/bin"
	# Those links name where busybox is here; a static one cannot look up names, bash can.
	for change in "$root"/bin/*; do
		[ ! -L "$change" ] || ln -sf busybox "$change"
	done
	ldd "$(command -v bash)" | grep -o '/[^ ]*' | while IFS= read -r library; do
		mkdir -p "$root${library%/*}" && cp -L "$library" "$root$library"
	done
	cp -L "$(command -v bash)" "$root/bin/bash"
	query="fromSrc=-&repo=$SHELL_IMAGE&tag=1"
	for change in 'CMD ["/bin/sh","-c","hostname >/www/index.html; exec httpd -f -p 80 -h /www"]' \
		'USER 12345:12345' 'ENV PATH=/bin' "LABEL duplofs.digest=$digest"; do
		query+="&changes=$(jq -rn --arg text "$change" '$text | @uri')"
	done
	tar -C "$root" --owner=0 --group=0 --numeric-owner -c . |
		engine "/images/create?$query" -X POST -H 'Content-Type: application/x-tar' -T - |
		grep -q '"status":"sha256:'
}

# shell_spec [MEMBERS]: a spec of that program, on one line.
shell_spec() {
	echo '{"DockerImage":"'"$SHELL_IMAGE"':1","ContainerPort":80,"DrainSeconds":0,"HealthCheck":{"IntervalSeconds":1,"HealthyThreshold":1}'"${1:+,$1}"'}'
}

# inside CONTAINER USER SCRIPT: what the script says; its exit status.
inside() {
	local id body
	body=$(jq -cn --arg user "$2" --arg script "$3" \
		'{AttachStdout: true, AttachStderr: true, Tty: true, User: $user, Cmd: ["/bin/sh", "-c", $script]}')
	id=$(engine "/containers/$1/exec" -H 'Content-Type: application/json' -d "$body" | jq -r .Id)
	engine "/exec/$id/start" -m 120 -N -H 'Content-Type: application/json' -d '{"Tty":true}' | tr -d '\r'
	return "$(engine "/exec/$id/json" | jq -r '.ExitCode // 125')"
}

# answer CONTAINER HOST[:PORT]: what the program there says to it; 1: nothing within 2 seconds.
answer() {
	local host=${2%:*} port=80
	[[ $2 != *:* ]] || port=${2##*:}
	# shellcheck disable=SC2016 # for the container's shell
	inside "$1" 12345 "exec timeout 2 bash -c 'exec 3<>/dev/tcp/$host/$port && printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3 && tail -n 1 <&3' 2>/dev/null"
}

# Root of a container's file tree, as seen from outside.
root_of() {
	echo "/proc/$(engine "/containers/$1/json" | jq -r .State.Pid)/root"
}
