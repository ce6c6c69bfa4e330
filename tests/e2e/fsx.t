#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Random writes, cuts, renames, reads and syncs of scratch files, a value, a spec and a view on it, against a
# model in memory. `make conformance` does more of them.
. "${0%/*}/lib/platform.sh"

platform_start -c simulated || bail "no platform"
mkdir "$DUPLO/demo"
service demo web '{"DockerImage":"example/web:1"}'
fsx 1500
succeeds "rmdir" rmdir "$SERVICE" "$DUPLO/demo"
platform_stop
tap_done
