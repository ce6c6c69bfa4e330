/* SPDX-License-Identifier: Apache-2.0 */
#include "model/service.h"

#include "model/check.h"

#define AT(member)     offsetof(struct service_spec, member)
#define HEALTH(member) offsetof(struct health_spec, member)

/* clang-format off */
static const struct field health_fields[] = {
	{.name = "Path", .type = FIELD_TEXT, .offset = HEALTH(path), .check = check_url_path,
		.otherwise = "none: TCP connect",
		.help = "Path that answers with status 200 to 399 when all is well."},
	{.name = "Port", .type = FIELD_INT, .offset = HEALTH(port), .min = 1, .max = 65535,
		.otherwise = "ContainerPort",
		.help = "Port in the container."},
	{.name = "IntervalSeconds", .type = FIELD_INT, .offset = HEALTH(interval_s), .min = 1,
		.max = 3600, .otherwise = "5",
		.help = "Time between two probes."},
	{.name = "TimeoutSeconds", .type = FIELD_INT, .offset = HEALTH(timeout_s), .min = 1,
		.max = 300, .otherwise = "2",
		.help = "Time for an answer."},
	{.name = "HealthyThreshold", .type = FIELD_INT, .offset = HEALTH(healthy_threshold),
		.min = 1, .max = 100, .otherwise = "2",
		.help = "Good probes in a row until healthy."},
	{.name = "UnhealthyThreshold", .type = FIELD_INT, .offset = HEALTH(unhealthy_threshold),
		.min = 1, .max = 100, .otherwise = "3",
		.help = "Bad probes in a row until unhealthy."},
	{.name = "StartPeriodSeconds", .type = FIELD_INT, .offset = HEALTH(start_period_s),
		.min = 0, .max = 3600, .otherwise = "30",
		.help = "Time after the start in which bad probes do not count."},
	{.name = NULL},
};

static const struct field hosts_fields[] = {
	{.name = "Prefer", .type = FIELD_LIST, .offset = AT(hosts), .max = 64, .flags = FIELD_NONE,
		.check = check_host, .otherwise = "any",
		.help = "Names or tags of hosts."},
	{.name = "Spot", .type = FIELD_BOOL, .offset = AT(spot), .otherwise = "false",
		.help = "Prefer hosts that may be taken away at short notice."},
	{.name = NULL},
};

const struct field service_fields[] = {
	{.name = "Name", .type = FIELD_TEXT, .offset = AT(name),
		.otherwise = "the directory's name",
		.help = "Must equal the directory's name when given; case does not matter."},
	{.name = "DockerImage", .type = FIELD_TEXT, .offset = AT(image), .view = "image",
		.flags = FIELD_REQUIRED | FIELD_TEMPLATE, .check = check_image,
		.help = "Image reference, tag or digest."},
	{.name = "Replicas", .type = FIELD_INT, .offset = AT(replicas), .min = 0, .max = 1000,
		.otherwise = "1", .view = "replicas",
		.help = "Wanted number of containers."},
	{.name = "ContainerPort", .type = FIELD_INT, .offset = AT(container_port), .min = 1,
		.max = 65535, .otherwise = "ExternalLBPort, else 80", .flags = FIELD_TEMPLATE,
		.help = "Port that the program listens on inside the container."},
	{.name = "ExternalLBPort", .type = FIELD_INT, .offset = AT(lb_port), .min = 1,
		.max = 65535, .otherwise = "none",
		.help = "Port of the load balancer, mapped to the allocated host ports. None: the "
			"service is internal."},
	{.name = "DNS", .type = FIELD_TEXT, .offset = AT(dns), .otherwise = "", .view = "dns",
		.check = check_dns,
		.help = "Name that points to the load balancer; TLS ends there on 443 when a "
			"certificate covers it."},
	{.name = "HealthCheck", .type = FIELD_OBJECT, .offset = AT(health),
		.members = health_fields, .otherwise = "TCP connect to the port",
		.help = "A path, or an object with Path, Port, IntervalSeconds, TimeoutSeconds, "
			"HealthyThreshold, UnhealthyThreshold, StartPeriodSeconds."},
	{.name = "UpdateDomains", .type = FIELD_INT, .offset = AT(update_domains), .min = 1,
		.max = 1000, .otherwise = "3",
		.help = "Number of batches in which an upgrade replaces the replicas."},
	{.name = "MaxSurge", .type = FIELD_INT, .offset = AT(max_surge), .min = 0, .max = 1000,
		.otherwise = "0",
		.help = "Extra replicas during an upgrade, started before old ones stop."},
	{.name = "AutoRollback", .type = FIELD_BOOL, .offset = AT(auto_rollback),
		.otherwise = "true",
		.help = "Go back when the new version does not get healthy."},
	{.name = "Command", .type = FIELD_LIST, .offset = AT(command), .max = 4096,
		.otherwise = "the image's", .flags = FIELD_TEMPLATE | FIELD_NONE,
		.help = "Program and arguments instead of the image's."},
	{.name = "Environment", .type = FIELD_MAP, .offset = AT(environment), .max = 4096,
		.otherwise = "none", .flags = FIELD_TEMPLATE | FIELD_NONE,
		.check = check_environment,
		.help = "Environment variables."},
	{.name = "Volumes", .type = FIELD_LIST, .offset = AT(volumes), .max = 64,
		.otherwise = "none", .flags = FIELD_TEMPLATE | FIELD_NONE, .check = check_volume,
		.help = "Named volumes of the tenant: name:/path or name:/path:ro."},
	{.name = "CPU", .type = FIELD_DECIMAL, .offset = AT(cpu_milli), .min = 0, .max = 1024000,
		.otherwise = "0", .flags = FIELD_TEMPLATE,
		.help = "Cores, reserved and at most; 0: a share."},
	{.name = "MemoryMiB", .type = FIELD_INT, .offset = AT(memory_mib), .min = 0,
		.max = 16777216, .otherwise = "0", .flags = FIELD_TEMPLATE,
		.help = "Memory, reserved and at most; 0: a share."},
	{.name = "Secrets", .type = FIELD_LIST, .offset = AT(secrets), .max = 4096,
		.otherwise = "all of the tenant's", .check = check_key,
		.help = "Names of the secrets that the containers may read."},
	{.name = "Neighbors", .type = FIELD_LIST, .offset = AT(neighbors), .max = 4096,
		.otherwise = "all of the tenant's", .check = check_neighbor,
		.help = "Services that the containers may see."},
	{.name = "Hosts", .type = FIELD_OBJECT, .members = hosts_fields, .otherwise = "any",
		.help = "{\"Spot\":true}, or names or tags of hosts to prefer."},
	{.name = "DrainSeconds", .type = FIELD_INT, .offset = AT(drain_s), .min = 0, .max = 3600,
		.otherwise = "10",
		.help = "Longest time between leaving the load balancer and SIGTERM."},
	{.name = "OnConfigChange", .type = FIELD_CUSTOM, .offset = AT(on_change),
		.otherwise = "none",
		.help = "What a change of config or secrets does: none, signal:HUP (any signal) or "
			"restart."},
	{.name = NULL},
};
/* clang-format on */
