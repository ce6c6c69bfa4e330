#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The programs that people save files with, each saving a spec, a single value and a secret, and each
# being refused a wrong one, which it shows, and which leaves what was before in force.
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
	[bash echo]='exec bash -c "echo \"\$(cat \"\$SRC\")\" >\"\$DST\""'
	[dash echo]='exec dash -c "echo \"\$(cat \"\$SRC\")\" >\"\$DST\""'
	[zsh echo]='exec zsh -c "echo \"\$(cat \"\$SRC\")\" >|\"\$DST\""'
	[dash]='exec dash -c "cat <\"\$SRC\" >\"\$DST\""'
	[zsh]='exec zsh -c "cat <\"\$SRC\" >|\"\$DST\""'
	[cat]='cat "$SRC" >"$DST"'
	[tee]='tee "$DST" <"$SRC" >/dev/null'
	[cp]='cp "$SRC" "$DST"'
	[cp -a]='cp -a "$SRC" "$DST"'
	[cp -b]='cp -b "$SRC" "$DST"'
	[cp --remove-destination]='cp --remove-destination "$SRC" "$DST"'
	[mv]='cp "$SRC" "$SRC.2" && mv -f "$SRC.2" "$DST"'
	[install]='install -m 0640 "$SRC" "$DST"'
	[dd]='dd if="$SRC" of="$DST" status=none'
	[dd bs=1]='dd if="$SRC" of="$DST" bs=997 status=none'
	[dd fsync]='dd if="$SRC" of="$DST" conv=fsync status=none'
	[truncate and dd]='touch "$DST" && truncate -s 0 "$DST" && dd if="$SRC" of="$DST" conv=notrunc status=none'
	[truncate and append]='touch "$DST" && truncate -s 0 "$DST" && cat "$SRC" >>"$DST"'
	[ftruncate]='exec python3 -c "import os
fd = os.open(os.environ[\"DST\"], os.O_WRONLY | os.O_CREAT, 0o640)
os.ftruncate(fd, 0); os.write(fd, open(os.environ[\"SRC\"], \"rb\").read()); os.close(fd)"'
	[write and rename]='cp "$SRC" "$(dirname "$DST")/.new.$$" && mv -f "$(dirname "$DST")/.new.$$" "$DST"'
	[sponge]='sponge "$DST" <"$SRC"'
	[curl]='curl -sS -o "$DST" "file://$SRC"'
	[jq]='jq -Rsrj . "$SRC" >"$DST"'
	[rsync]='rsync -I "$SRC" "$DST"'
	[rsync -a]='rsync -aI "$SRC" "$DST"'
	[rsync --delay-updates]='rsync -I --delay-updates "$SRC" "$DST"'
	[rsync --partial-dir]='rsync -I --partial-dir=.rsync-partial "$SRC" "$DST"'
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
	[perl -i]='exec perl -i -ne "BEGIN { local \$/; open F, \"<\", \$ENV{SRC}; \$t = <F>; } print \$t if \$. == 1;
		close(ARGVOUT) || die(\"close: \$!\") if eof" "$DST"'
	[ed]='printf "%s\n" ",d" "0r $SRC" w q | ed -s "$DST"'
	[vim]='vim -u NONE -es -c "%!cat \"\$SRC\"" -c wq -c cq "$DST" </dev/null'
	[vim backup]='vim -u NONE -es -c "set backup writebackup backupcopy=auto" -c "%!cat \"\$SRC\"" -c wq -c cq \
		"$DST" </dev/null'
	[nano]='keys nano -I "$DST" <<<"$NANO"'
	[nano backup]='keys nano -I -B "$DST" <<<"$NANO"'
	[emacs]='emacs -Q -nw --batch --eval "(progn (find-file-literally \"$DST\") (erase-buffer)
		(insert-file-contents-literally \"$SRC\") (save-buffer))"'
	[patch]='diff -u "$DST" "$SRC" >"$SRC.diff"; patch -s "$DST" <"$SRC.diff"'
)
# What they say of a refusal; by an exit status too, but for nano, which stays open.
declare -A SAYS=([dash echo]="I/O error" [zsh echo]="invalid argument|file too large" [write and rename]="cannot move"
	[curl]="Failure writing output|Failed writing" [vim]="" [vim backup]="" [ed]="")
# Opens, empties, reads $SRC in, saves, goes.
# shellcheck disable=SC2034
NANO='expect GNU nano
send \x1b\\\x1bt\x12
expect File to insert
send '$SRC'\r
expect Read [0-9]+ line
send \x0f
expect File Name to Write
send \r
expect Wrote [0-9]+ line|Error writing
send \x18n'

keys() {
	python3 "$lib/keys.py" "$@"
}

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

# refused_as WAY WHAT PATH SENTENCE: what is in $SRC is refused, and what was before stays.
refused_as() {
	local way=$1 what=$2 sentence=$4 before status
	DST=$3
	before=$(cksum <"$DST")
	save "$way"
	status=$?
	[[ $way == nano* ]] || isnt $status 0 "$way: sees that $what is refused"
	like "$(tail -c 3000 "$TEST_DIR/output")" "${SAYS[$way]-Invalid argument|File too large}" \
		"$way: and says why"
	like "$(cat "${DST%/*}/last_error" "${DST%/*/*}/last_error" 2>/dev/null)" "$sentence" \
		"$way: last_error says it in words"
	is "$(cksum <"$DST")" "$before" "$way: what was before stays in force"
}

head -c 70000 /dev/urandom | base64 -w 0 | head -c 70000 >"$TEST_DIR/long"
echo >>"$TEST_DIR/long"
echo first >"$SECRET"
while IFS= read -r way; do
	number=$((number + 1))
	echo '{"DockerImage":"example/web:'$number'","Replicas":2}' >"$SRC"
	saves_as "$way" "a spec" "$SERVICE/spec.json"
	is "$(cat "$SERVICE/image")" "example/web:$number" "$way: the spec is in force"
	echo $((number % 9 + 1)) >"$SRC"
	saves_as "$way" "a value" "$SERVICE/replicas"
	echo "secret $number" >"$SRC"
	saves_as "$way" "a secret" "$SECRET"

	echo '{"DockerImage":"example/web:'$number'","Replicas":"too many"}' >"$SRC"
	refused_as "$way" "a wrong spec" "$SERVICE/spec.json" Replicas
	echo many >"$SRC"
	refused_as "$way" "a wrong value" "$SERVICE/replicas" many
	cp "$TEST_DIR/long" "$SRC"
	refused_as "$way" "too long a secret" "$SECRET" 65536
	rm -f "$SRC".* "$SERVICE"/{.new.*,*~,*.orig,*.rej,*.tmp} "$DUPLO/demo/secrets/"*~
done < <(printf '%s\n' "${!WAYS[@]}" | sort)

# A git work tree may live there: with the repository in it, and with one elsewhere.
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t
tree=$DUPLO/demo/services
for repository in "$tree/.git" "$TEST_DIR/repository.git"; do
	in_tree() {
		(cd "$tree" && git "$@")
	}
	note "the repository is $repository"
	if [ "$repository" = "$tree/.git" ]; then
		succeeds "git init" in_tree init -q -b main .
	else
		succeeds "git init" in_tree init -q -b main --separate-git-dir "$repository" .
	fi
	echo '{"DockerImage":"example/web:100"}' >"$tree/web/spec.json"
	succeeds "git add" in_tree add web/spec.json
	succeeds "git commit" in_tree commit -qm one
	mkdir "$tree/api"
	echo '{"DockerImage":"example/api:1"}' >"$tree/api/spec.json"
	echo '{"DockerImage":"example/web:101"}' >"$tree/web/spec.json"
	is "$(in_tree status --porcelain -uno)" " M web/spec.json" "git sees the change"
	succeeds "git add" in_tree add web/spec.json api/spec.json
	succeeds "git commit" in_tree commit -qm two
	succeeds "git checkout of the commit before" in_tree checkout -q main~1
	is "$(cat "$tree/web/image")" "example/web:100" "rolls back"
	ok "$([ ! -e "$tree/api" ] && echo 0 || echo 1)" "and undeploys what was not there then"
	succeeds "git checkout of the newest" in_tree checkout -q main
	is "$(cat "$tree/web/image") $(cat "$tree/api/image")" "example/web:101 example/api:1" "goes forward"
	is "$(in_tree status --porcelain -uno)" "" "and nothing differs"
	succeeds "a commit from elsewhere" bash -c "git clone -q '$repository' '$TEST_DIR/clone' &&
		cd '$TEST_DIR/clone' && echo '{\"DockerImage\":\"\"}' >web/spec.json && git commit -qam three &&
		git push -q origin HEAD:refs/heads/wrong"
	like "$(in_tree checkout -q wrong 2>&1)" "unable to write file web/spec.json" "git says that a wrong spec is refused"
	is "$(cat "$tree/web/image")" "example/web:101" "and the spec before stays in force"
	like "$(cat "$tree/web/last_error")" "DockerImage" "last_error says why"
	rm -rf "$tree/.git" "$TEST_DIR/clone"
	rmdir "$tree/api"
done

succeeds "rm -r" rm -r "$DUPLO/demo"
is "$(ls "$DUPLO")" "README" "nothing is left"
platform_stop
tap_done
