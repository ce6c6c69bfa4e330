#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tenant's billing files, uncached, in a month that was busy.
set -euo pipefail
cd "$(dirname "$0")/../.."

dir=$(mktemp -d build/bench.XXXXXX)
trap 'rm -rf "$dir"' EXIT
build/release/tests/bench/billing "$dir" "${TENANTS:-20}"
