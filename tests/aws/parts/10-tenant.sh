# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# The tenant itself: security group, role, instance profile.

tenant_make() {
	mkdir -p "$DUPLO/demo"
}

tenant_is_made() {
	grep -q "^cloud .*are there" "$DUPLO/demo/status"
}

tenant_remove() {
	rmdir "$DUPLO/demo"
}

part tenant
