# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# aws - an emulated AWS account of a test's own, with a proxy before it that goes wrong on demand.
# Emulators have no Docker, listen on 127.0.0.1, and end with the test.
#   aws_start moto|ministack|strict|quick  AWS_ENDPOINT_URL leads the platform to the proxy; POLICY is a policy;
#                                      quick is moto for an account of thousands of things
#                                      (AWS_NET=10.A.B: hosts get addresses of 10.A.B.0/24)

AWS_VENV=$top/build/test-aws/venv
AWS_TOOLS=$top/tests/aws
aws_pids=()
patience=70 # an emulator may fail to answer a call: it is made again after a minute

explain() {
	diag "the last calls:" "$(aws_log | tail -n 20)" "the log:" "$(tail -n 20 "$TEST_DIR/main.log")"
	[ -z "${SERVICE-}" ] || diag "the status:" "$(cat "$SERVICE/status" 2>&1)"
}

aws_free_port() {
	"$AWS_VENV/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

aws_answers() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# aws_tool NAME [ARGUMENT...]: runs tests/aws/NAME.py beside the test until it ends; its port is in NAME.port.
aws_tool() {
	local name=$1
	shift
	rm -f "$TEST_DIR/$name.port"
	AWS_ENDPOINT_URL=$aws_direct "$AWS_VENV/bin/python" "$AWS_TOOLS/$name.py" "$@" >"$TEST_DIR/$name.port" \
		2>"$TEST_DIR/$name.log" </dev/null &
	aws_pids+=($!)
}

aws_told() {
	[ -s "$TEST_DIR/$1.port" ]
}

aws_start() {
	local port
	port=$(aws_free_port)
	mkdir -p "$TEST_DIR/aws"
	export DOCKER_HOST=unix://$TEST_DIR/no-engine AWS_ACCESS_KEY_ID=AKID AWS_SECRET_ACCESS_KEY=secret
	unset AWS_PROFILE AWS_SESSION_TOKEN AWS_REGION
	export AWS_EC2_METADATA_DISABLED=true HOME=$TEST_DIR/aws
	case $1 in
	quick) "$AWS_VENV/bin/python" "$AWS_TOOLS/quick_moto.py" -H 127.0.0.1 -p "$port" >"$TEST_DIR/emulator.log" 2>&1 </dev/null & ;;
	moto | strict) MOTO_ACM_VALIDATION_WAIT=0 "$AWS_VENV/bin/moto_server" -H 127.0.0.1 -p "$port" >"$TEST_DIR/emulator.log" 2>&1 </dev/null & ;;
	ministack)
		(cd "$TEST_DIR/aws" && BIND_HOST=127.0.0.1 GATEWAY_PORT=$port IOT_MTLS_ENABLED=0 SFTP_ENABLED=0 \
			exec "$AWS_VENV/bin/ministack" >"$TEST_DIR/emulator.log" 2>&1 </dev/null) &
		;;
	esac
	aws_pids+=($!)
	aws_direct=http://127.0.0.1:$port
	eventually 60 aws_answers "$port" || bail "$1 does not start: $(tail -n 5 "$TEST_DIR/emulator.log")"
	aws_tool proxy "$aws_direct" "$1"
	aws_tool look
	eventually 30 aws_told proxy || bail "the proxy does not start"
	eventually 30 aws_told look || bail "AWS's own client does not start"
	AWS_ENDPOINT_URL=http://127.0.0.1:$(cat "$TEST_DIR/proxy.port")
	export AWS_ENDPOINT_URL
	POLICY=$(aws_account base ${AWS_NET:+"$AWS_NET"})
	unset DOCKER_HOST
}

# aws_ask MODULE COMMAND [ARGUMENT...]: AWS's own client does that, past the proxy (tests/aws/look.py).
aws_ask() {
	jq -cn '$ARGS.positional' --args "$@" |
		curl -sS -m 30 --fail-with-body -d @- "http://127.0.0.1:$(cat "$TEST_DIR/look.port")/"
}

aws_account() {
	aws_ask account "$@"
}

# Load balancers and names.
aws_look() {
	aws_ask services "$@"
}

# What nobody should do.
aws_meddle() {
	aws_ask meddle "$@"
}

aws_resources() {
	aws_ask resources "$@"
}

aws_services() {
	aws_look things "duplofs-${platform_id[main]}-"
}

aws_things() {
	aws_account things "duplofs-${platform_id[main]}-"
	aws_services
}

# says FILE PATTERN: a line of FILE begins so. It starts no process: what is looked at has the processor.
says() {
	local text=""
	{ IFS= read -rd '' text <"$1"; } 2>/dev/null
	[[ $'\n'$text =~ $'\n'$2 ]]
}

# aws_rules [JSON-RULE...]: what shall go wrong from now on; clears the log.
aws_rules() {
	aws_rules_and_log "$@" >/dev/null
}

# The same, and prints the log before it is cleared.
aws_rules_and_log() {
	local IFS=,
	curl -sS -m 30 -d "[$*]" "$AWS_ENDPOINT_URL/_proxy/rules"
}

# rule ACTION FAULT [TIMES [AFTER]]: one for aws_rules.
rule() {
	echo '{"action":"'"$1"'","fault":"'"$2"'","times":'"${3:-1}"',"after":'"${4:-0}"'}'
}

# aws_late SECONDS STALE: AWS knows so late of what is made, and of what is removed (tests/aws/late.py); what came of it
# aws_late tells.
aws_late() {
	local IFS=,
	if [ $# -gt 0 ]; then
		curl -sS -m 30 -d "[$*]" "$AWS_ENDPOINT_URL/_proxy/late" >/dev/null
	else
		curl -sS -m 30 "$AWS_ENDPOINT_URL/_proxy/late"
	fi
}

aws_log() {
	curl -sS -m 30 "$AWS_ENDPOINT_URL/_proxy/log"
}

aws_happened() {
	aws_log | grep -qxF "$1"
}

aws_stop() {
	local pid
	for pid in "${aws_pids[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	aws_pids=()
}

# The platform and its account end, and nothing of them is left.
aws_end() {
	platform_stop
	aws_stop
	platform_clean main
	rm -rf "${platform_state[main]}"
}

test_clean() {
	aws_stop
}
