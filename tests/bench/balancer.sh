#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From the write of a file to a HAProxy that does what it says: another port of a load balancer (a reload), and an
# endpoint that leaves (by the runtime API). balancer.sh [ROUNDS]
. "${0%/*}/../e2e/lib/platform.sh"

platform_start || exit 1
mkdir "$DUPLO/bench"
SPEC='"Replicas":3,"ExternalLBPort":PORT,"ContainerPort":80,"DrainSeconds":0,"HealthCheck":{"Path":"/healthz","IntervalSeconds":1}'
service bench web "$(hello_spec 1 "${SPEC/PORT/8080}")"
settles 120 || exit 1
python3 "${0%/*}/balancer.py" "$SERVICE" "$(runtime_directory)/cloud/haproxy-master.sock" "${1-20}"
status=$?
rmdir "$SERVICE"
eventually 60 rmdir "$DUPLO/bench"
exit $status
