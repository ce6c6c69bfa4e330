#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 10,000 health probes at an interval of 5 s, and the same number of bare exchanges.
exec "${0%/*}/../../build/release/tests/bench/probes" "$@"
