# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# tap - what a test says, as TAP. Every test file ends with tap_done; a file that dies before is failed.

set -uo pipefail

tap_count=0
tap_failed=0

# ok STATUS DESCRIPTION: passed when STATUS is 0.
ok() {
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
		return 0
	fi
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $2"
	diag "at ${BASH_SOURCE[-1]} line ${BASH_LINENO[-2]}"
	return 1
}

# diag TEXT...: lines for a person who looks at a failure; not more than can be looked at.
diag() {
	printf '%s\n' "$@" | cut -c 1-300 | head -n 60 | sed 's/^/# /' >&2
}

note() {
	printf '%s\n' "$@" | sed 's/^/# /'
}

is() {
	local got=$1 wanted=$2 description=$3
	[ "$got" = "$wanted" ]
	ok $? "$description" || {
		diag "     got: $got" "expected: $wanted"
		return 1
	}
}

isnt() {
	local got=$1 unwanted=$2 description=$3
	[ "$got" != "$unwanted" ]
	ok $? "$description" || {
		diag "got what it must not be: $got"
		return 1
	}
}

# like TEXT REGEX DESCRIPTION (extended regular expression, as in [[ =~ ]])
like() {
	local got=$1 pattern=$2 description=$3
	[[ $got =~ $pattern ]]
	ok $? "$description" || {
		diag "        got: $got" "expected to match: $pattern"
		return 1
	}
}

unlike() {
	local got=$1 pattern=$2 description=$3
	[[ ! $got =~ $pattern ]]
	ok $? "$description" || {
		diag "     got: $got" "expected not to match: $pattern"
		return 1
	}
}

# succeeds DESCRIPTION COMMAND...
succeeds() {
	local description=$1 output status
	shift
	output=$("$@" 2>&1)
	status=$?
	ok $status "$description" || {
		diag "$* gave status $status" "$output"
		return 1
	}
}

# fails_with REGEX DESCRIPTION COMMAND...: ends with a status other than 0, and says so.
fails_with() {
	local pattern=$1 description=$2 output status
	shift 2
	output=$("$@" 2>&1)
	status=$?
	[ $status -ne 0 ] && [[ $output =~ $pattern ]]
	ok $? "$description" || {
		diag "$* gave status $status" "output: $output" "expected to match: $pattern"
		return 1
	}
}

# eventually SECONDS COMMAND...: runs COMMAND until it succeeds; fails when the time is over.
eventually() {
	local deadline_us=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "${EPOCHREALTIME/./}" -ge "$deadline_us" ]; then
			return 1
		fi
		sleep 0.02
	done
}

# What a test adds to the deadlines of becomes, in seconds; and what it says beside a failure.
patience=0
explain() {
	:
}

# becomes SECONDS DESCRIPTION COMMAND...: a test of eventually.
becomes() {
	local seconds=$(($1 + patience)) description=$2
	shift 2
	eventually "$seconds" "$@"
	ok $? "$description" || {
		diag "not within $seconds s: $*" "the last answer:" "$("$@" 2>&1)"
		explain
		return 1
	}
}

# bail TEXT: nothing in this file can go on.
bail() {
	ok 1 "$1"
	tap_done
	exit 1
}

tap_done() {
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
}
