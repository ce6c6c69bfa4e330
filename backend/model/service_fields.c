/* SPDX-License-Identifier: Apache-2.0 */
#include "model/service.h"

#include "model/check.h"

#define AT(member) offsetof(struct service_spec, member)

const struct field service_fields[] = {
	{"Name", FIELD_TEXT, AT(name), 0, 0, "the directory's name", NULL, 0, NULL,
		"Must equal the directory's name when given; case does not matter."},
	{"DockerImage", FIELD_TEXT, AT(image), 0, 0, NULL, "image", FIELD_REQUIRED | FIELD_TEMPLATE,
		check_image, "Image reference, tag or digest."},
	{"Replicas", FIELD_INT, AT(replicas), 0, 1000, "1", "replicas", 0, NULL,
		"Wanted number of containers."},
	{"ContainerPort", FIELD_INT, AT(container_port), 1, 65535, "ExternalLBPort, else 80", NULL,
		FIELD_TEMPLATE, NULL, "Port that the program listens on inside the container."},
	{"ExternalLBPort", FIELD_INT, AT(lb_port), 1, 65535, "none", NULL, 0, NULL,
		"Port of the load balancer, mapped to the allocated host ports. "
		"None: the service is internal."},
	{"DNS", FIELD_TEXT, AT(dns), 0, 0, "", "dns", 0, check_dns,
		"Name that points to the load balancer; TLS ends there on 443 when a certificate "
		"covers it."},
	{"HealthCheck", FIELD_CUSTOM, AT(health), 0, 0, "TCP connect to the port", NULL, 0, NULL,
		"A path, or an object with Path, Port, IntervalSeconds, TimeoutSeconds, "
		"HealthyThreshold, UnhealthyThreshold, StartPeriodSeconds."},
	{"UpdateDomains", FIELD_INT, AT(update_domains), 1, 1000, "3", NULL, 0, NULL,
		"Number of batches in which an upgrade replaces the replicas."},
	{"MaxSurge", FIELD_INT, AT(max_surge), 0, 1000, "0", NULL, 0, NULL,
		"Extra replicas during an upgrade, started before old ones stop."},
	{"AutoRollback", FIELD_BOOL, AT(auto_rollback), 0, 0, "true", NULL, 0, NULL,
		"Go back when the new version does not get healthy."},
	{"Command", FIELD_LIST, AT(command), 0, 0, "the image's", NULL, FIELD_TEMPLATE, NULL,
		"Program and arguments instead of the image's."},
	{"Environment", FIELD_MAP, AT(environment), 0, 0, "none", NULL, FIELD_TEMPLATE,
		check_environment, "Environment variables."},
	{"Volumes", FIELD_LIST, AT(volumes), 0, 0, "none", NULL, FIELD_TEMPLATE, check_volume,
		"Named volumes of the tenant: name:/path or name:/path:ro."},
	{"CPU", FIELD_DECIMAL, AT(cpu_milli), 0, 1024000, "0", NULL, FIELD_TEMPLATE, NULL,
		"Cores, reserved and at most; 0: a share."},
	{"MemoryMiB", FIELD_INT, AT(memory_mib), 0, 16777216, "0", NULL, FIELD_TEMPLATE, NULL,
		"Memory, reserved and at most; 0: a share."},
	{"Secrets", FIELD_LIST, AT(secrets), 0, 0, "all of the tenant's", NULL, 0, check_key,
		"Names of the secrets that the containers may read."},
	{"Neighbors", FIELD_LIST, AT(neighbors), 0, 0, "all of the tenant's", NULL, 0,
		check_neighbor, "Services that the containers may see."},
	{"Hosts", FIELD_CUSTOM, AT(hosts), 0, 0, "any", NULL, 0, NULL,
		"{\"Spot\":true}, or names or tags of hosts to prefer."},
	{"DrainSeconds", FIELD_INT, AT(drain_s), 0, 3600, "10", NULL, 0, NULL,
		"Longest time between leaving the load balancer and SIGTERM."},
	{"OnConfigChange", FIELD_CUSTOM, AT(on_change), 0, 0, "none", NULL, 0, NULL,
		"What a change of config or secrets does: none, signal:HUP (any signal) or "
		"restart."},
	{NULL, FIELD_TEXT, 0, 0, 0, NULL, NULL, 0, NULL, NULL},
};
