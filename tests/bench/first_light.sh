#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A platform of its own for first_light.py: first_light.sh [REPLICAS [ROUNDS]]
. "${0%/*}/../e2e/lib/platform.sh"

platform_start || exit 1
python3 "${0%/*}/first_light.py" "$DUPLO" "${platform_state[main]}" "${DOCKER#unix://}" "$HELLO_IMAGE:1" "$@"
