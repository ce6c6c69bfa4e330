#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The programs that people save files with, each saving a spec, a single value and a secret, and each
# being refused a wrong spec, which leaves the one before in force.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
service demo web '{"DockerImage":"example/web:0"}'
SECRET=$DUPLO/demo/secrets/KEY
export SRC=$TEST_DIR/src DST HOME=$TEST_DIR/home
mkdir "$HOME"
number=0

# The ways to save what is in $SRC as $DST.
# shellcheck disable=SC2016
declare -A WAYS=(
	[bash]='printf "%s\n" "$(cat "$SRC")" >"$DST"'
	[dash]='exec dash -c "cat <\"\$SRC\" >\"\$DST\""'
	[zsh]='exec zsh -c "cat <\"\$SRC\" >|\"\$DST\""'
	[cat]='cat "$SRC" >"$DST"'
	[tee]='tee "$DST" <"$SRC" >/dev/null'
	[cp]='cp "$SRC" "$DST"'
	[cp -a]='cp -a "$SRC" "$DST"'
	[cp -b]='cp -b "$SRC" "$DST"'
	[mv]='cp "$SRC" "$SRC.2" && mv -f "$SRC.2" "$DST"'
	[install]='install -m 0640 "$SRC" "$DST"'
	[dd]='dd if="$SRC" of="$DST" status=none'
	[dd bs=1]='dd if="$SRC" of="$DST" bs=1 status=none'
	[dd fsync]='dd if="$SRC" of="$DST" conv=fsync status=none'
	[write and rename]='cp "$SRC" "$(dirname "$DST")/.new.$$" && mv -f "$(dirname "$DST")/.new.$$" "$DST"'
	[sponge]='sponge "$DST" <"$SRC"'
	[curl]='curl -sS -o "$DST" "file://$SRC"'
	[jq]='jq -Rsrj . "$SRC" >"$DST"'
	[rsync]='rsync -I "$SRC" "$DST"'
	[rsync --inplace]='rsync -I --inplace "$SRC" "$DST"'
	[tar]='tar -C "$(dirname "$SRC")" --transform "s/.*/$(basename "$DST")/" -c "$(basename "$SRC")" |
		tar -C "$(dirname "$DST")" -x --no-same-owner'
	[python open]='exec python3 -c "import os
with open(os.environ[\"DST\"], \"w\") as f: f.write(open(os.environ[\"SRC\"]).read())"'
	[python pathlib]='exec python3 -c "import os, pathlib
pathlib.Path(os.environ[\"DST\"]).write_bytes(open(os.environ[\"SRC\"], \"rb\").read())"'
	[python replace]='exec python3 -c "import os, shutil
t = os.environ[\"DST\"] + \".tmp\"
shutil.copyfile(os.environ[\"SRC\"], t); os.replace(t, os.environ[\"DST\"])"'
	[sed -i]='sed -i -n -e "1{r $SRC" -e "}" "$DST"'
	[perl -i]='exec perl -i -ne "BEGIN { local \$/; open F, \"<\", \$ENV{SRC}; \$t = <F>; } print \$t if \$. == 1" "$DST"'
	[ed]='printf "%s\n" ",d" "0r $SRC" w q | ed -s "$DST"'
	[vim]='vim -u NONE -es -c "%!cat \"\$SRC\"" -c wq -c cq "$DST" </dev/null'
	[vim backup]='vim -u NONE -es -c "set backup writebackup backupcopy=auto" -c "%!cat \"\$SRC\"" -c wq -c cq \
		"$DST" </dev/null'
	[patch]='diff -u "$DST" "$SRC" >"$SRC.diff"; patch -s "$DST" <"$SRC.diff"'
)
# These do not tell a refusal by their exit status (an editor says it on its screen).
QUIET=' bash '

save() {
	(cd "$TEST_DIR" && eval "${WAYS[$1]}") >"$TEST_DIR/output" 2>&1
}

saves_as() {
	local way=$1 what=$2
	DST=$3
	save "$way"
	ok $? "$way: saves $what" || diag "$(cat "$TEST_DIR/output")"
	is "$(cat "$DST")" "$(cat "$SRC")" "$way: $what reads as saved"
}

while IFS= read -r way; do
	number=$((number + 1))
	echo '{"DockerImage":"example/web:'$number'","Replicas":2}' >"$SRC"
	saves_as "$way" "a spec" "$SERVICE/spec.json"
	is "$(cat "$SERVICE/image")" "example/web:$number" "$way: the spec is in force"
	echo $((number % 9 + 1)) >"$SRC"
	saves_as "$way" "a value" "$SERVICE/replicas"
	[ -e "$SECRET" ] || echo first >"$SECRET"
	echo "secret $number" >"$SRC"
	saves_as "$way" "a secret" "$SECRET"

	good=$(cat "$SERVICE/spec.json")
	DST=$SERVICE/spec.json
	echo '{"DockerImage":"example/web:'$number'","Replicas":"too many"}' >"$SRC"
	save "$way"
	status=$?
	[[ $QUIET == *" $way "* ]] || isnt $status 0 "$way: sees that a wrong spec is refused"
	like "$(cat "$SERVICE/last_error")" "Replicas" "$way: last_error says why"
	is "$(cat "$SERVICE/spec.json")" "$good" "$way: the spec before stays in force"
	rm -f "$SRC".* "$SERVICE"/{.new.*,spec.json~,spec.json.orig,spec.json.rej,*.tmp} "$SECRET"~
done < <(printf '%s\n' "${!WAYS[@]}" | sort)

# A git work tree may live there.
cd "$DUPLO/demo/services" || bail "no services directory"
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t
mkdir "$TEST_DIR/repository"
git() {
	command git --git-dir "$TEST_DIR/repository/.git" --work-tree "$DUPLO/demo/services" "$@"
}
succeeds "git init" git init -q
echo '{"DockerImage":"example/web:100"}' >web/spec.json
succeeds "git commit" bash -c "$(declare -f git); cd '$PWD'; TEST_DIR=$TEST_DIR DUPLO=$DUPLO; git add web/spec.json && git commit -qm one"
echo '{"DockerImage":"example/web:101"}' >web/spec.json
is "$(git status --porcelain | head -n 1)" " M web/spec.json" "git sees the change"
succeeds "git checkout" git checkout -q -- web/spec.json
is "$(cat web/image)" "example/web:100" "and takes it back"
cd "$TEST_DIR" || exit 1

# Copies of everything have every byte.
settles 60
succeeds "tar of a tenant" tar -C "$DUPLO" -cf "$TEST_DIR/copy.tar" demo
mkdir "$TEST_DIR/copy" && tar -C "$TEST_DIR/copy" -xf "$TEST_DIR/copy.tar"
is "$(cat "$TEST_DIR/copy/demo/services/web/spec.json")" "$(cat "$SERVICE/spec.json")" "a tar has the spec's bytes"
is "$(find "$TEST_DIR/copy/demo/services/web" -maxdepth 1 -name status -size 0)" "" "and files that are made on reading"
mkdir "$DUPLO/clone"
succeeds "cp -r clones a service" cp -r "$SERVICE" "$DUPLO/clone/services/"
is "$(cat "$DUPLO/clone/services/web/image")" "example/web:100" "the clone has its spec"
succeeds "rm -r" rm -r "$DUPLO/clone" "$DUPLO/demo"
is "$(ls "$DUPLO")" "README" "nothing is left"
platform_stop
tap_done
