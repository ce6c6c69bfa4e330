#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The store beside SQLite alone: durable updates, latency, and looks among a million services.
set -euo pipefail
cd "$(dirname "$0")/../.."

dir=$(mktemp -d build/bench.XXXXXX)
trap 'rm -rf "$dir"' EXIT
build/release/tests/bench/store_commit "$dir"
echo
build/release/tests/bench/store_read "$dir"
