# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# A service without replicas: load balancer, target group, security group, listeners with and without a certificate, and
# the records of its name.

service_make() {
	mkdir -p "$DUPLO/demo/services/web" || return
	[ -s "$DUPLO/demo/services/web/spec.json" ] ||
		echo '{"DockerImage":"x","Replicas":0,"ExternalLBPort":80,"DNS":"web.apps.example.com"}' \
			>"$DUPLO/demo/services/web/spec.json"
}

service_is_made() {
	says "$DUPLO/demo/services/web/status" 'phase *running'
}

service_remove() {
	rmdir "$DUPLO/demo/services/web"
}

part service
