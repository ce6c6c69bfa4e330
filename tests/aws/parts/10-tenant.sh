# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# The tenant itself: security group, role, instance profile.

tenant_make() {
	mkdir -p "$DUPLO/demo"
}

tenant_is_made() {
	says "$DUPLO/demo/status" $'cloud [^\n]*are there'
}

tenant_remove() {
	rmdir "$DUPLO/demo"
}

part tenant
