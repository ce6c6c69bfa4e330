#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes images of the example program from nothing: no registry, no base image, no docker command;
# only the engine's socket. An image that is there already and up to date is left alone.
#   image.sh [-r REPOSITORY] PROGRAM TAG...
# TAG is a version (1, 2, ...) or the name of a fault, see FAULTS below.
set -euo pipefail

# What the tags of misbehaving images set; the program's main.c knows the words.
FAULTS=" exit crash deaf sick stubborn "

repository=duplofs/hello
if [ "${1-}" = -r ]; then
	repository=$2
	shift 2
fi
program=${1?usage: image.sh [-r REPOSITORY] PROGRAM TAG...}
shift

engine() {
	local url=${DOCKER_HOST:-unix:///var/run/docker.sock} path=$1
	shift
	case $url in
	unix://*) curl -sS --unix-socket "${url#unix://}" "$@" "http://engine/v1.41$path" ;;
	*) curl -sS "$@" "http://${url#*://}/v1.41$path" ;;
	esac
}

urlencode() {
	jq -rn --arg text "$1" '$text | @uri'
}

# The file tree of the image, as a tar on stdout.
tree() {
	local root
	root=$(mktemp -d)
	mkdir -p "$root/duplo" "$root/tmp"
	chmod 1777 "$root/tmp"
	install -m 0755 "$program" "$root/hello"
	tar -C "$root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -c .
	rm -r "$root"
}

image() {
	local tag=$1 version=$1 fault="" change query digest old answer
	local -a changes
	case $FAULTS in *" $tag "*) version=1 fault=$tag ;; esac
	digest=$(cat "$0" "$program" | sha256sum | cut -d ' ' -f 1)
	old=$(engine "/images/$repository:$tag/json" |
		jq -r '[.Id, .Config.Labels["duplofs.hello.digest"]] | map(. // "") | join(" ")')
	if [ "${old#* }" = "$digest" ]; then
		echo "$repository:$tag is up to date"
		return
	fi
	changes=('ENTRYPOINT ["/hello"]' "ENV HELLO_VERSION=$version" 'EXPOSE 80' 'USER 65534:65534'
		"LABEL duplofs.hello.digest=$digest")
	[ -z "$fault" ] || changes+=("ENV HELLO_FAULT=$fault")
	query="fromSrc=-&repo=$(urlencode "$repository")&tag=$(urlencode "$tag")"
	for change in "${changes[@]}"; do
		query+="&changes=$(urlencode "$change")"
	done
	answer=$(tree | engine "/images/create?$query" -X POST -H 'Content-Type: application/x-tar' -T -)
	if ! grep -q '"status":"sha256:' <<<"$answer"; then
		echo "cannot make $repository:$tag: $answer" >&2
		exit 1
	fi
	# The image that had the tag before; in use by a container it stays.
	[ -z "${old% *}" ] || engine "/images/${old% *}" -X DELETE >/dev/null
	echo "$repository:$tag is made"
}

for tag; do
	image "$tag"
done
