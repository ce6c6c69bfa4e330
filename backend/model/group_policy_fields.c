/* SPDX-License-Identifier: Apache-2.0 */
#include "model/group_policy.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "model/check.h"

static int check_type(const char *value, struct error *reterr)
{
	static const char *const types[] = {
		"rds", "s3", "elasticache", "dynamodb", "sqs", "lambda", "swf", NULL};
	const char *nearest = text_nearest(value, types);

	for (size_t i = 0; types[i]; i++)
		if (strcmp(types[i], value) == 0)
			return 0;
	if (nearest)
		return error_set(reterr, -EINVAL,
			"\"%.64s\" is no type of resource, did you mean \"%s\"?", value, nearest);
	return error_set(reterr, -EINVAL, "\"%.64s\" is no type of resource", value);
}

#define AT(member) offsetof(struct group_policy, member)
#define MOST       INT64_C(1000000000)

/* clang-format off */
const struct field group_policy_fields[] = {
	{.name = "MaxServices", .type = FIELD_INT, .offset = AT(max_services), .max = MOST,
		.otherwise = "no limit",
		.help = "Services that the group's tenants may have."},
	{.name = "MaxReplicas", .type = FIELD_INT, .offset = AT(max_replicas), .max = MOST,
		.otherwise = "no limit",
		.help = "Sum of the Replicas of their services."},
	{.name = "MaxCPU", .type = FIELD_DECIMAL, .offset = AT(max_cpu_milli), .max = 1000 * MOST,
		.otherwise = "no limit",
		.help = "Cores of all replicas; each service has to say its CPU then."},
	{.name = "MaxMemoryMiB", .type = FIELD_INT, .offset = AT(max_memory_mib), .max = MOST,
		.otherwise = "no limit",
		.help = "Memory of all replicas; each service has to say its MemoryMiB then."},
	{.name = "MaxHosts", .type = FIELD_INT, .offset = AT(max_hosts), .max = MOST,
		.otherwise = "no limit",
		.help = "Hosts that the group's tenants may have."},
	{.name = "MaxResources", .type = FIELD_INT, .offset = AT(max_resources), .max = MOST,
		.otherwise = "no limit",
		.help = "Resources that the group's tenants may have."},
	{.name = "AllowedImages", .type = FIELD_LIST, .offset = AT(images), .max = 1024,
		.otherwise = "all", .check = check_image_prefix,
		.help = "Images, or beginnings of image references, up to \"/\", \":\" or \"@\"."},
	{.name = "AllowedHostPaths", .type = FIELD_LIST, .offset = AT(host_paths), .max = 1024,
		.otherwise = "none", .check = check_host_path,
		.help = "Paths of the host that Volumes may name, each as it is."},
	{.name = "AllowedRegions", .type = FIELD_LIST, .offset = AT(regions), .max = 1024,
		.otherwise = "all", .check = check_region,
		.help = "Regions that hosts and resources may name."},
	{.name = "AllowedResourceTypes", .type = FIELD_LIST, .offset = AT(resource_types),
		.max = 1024, .otherwise = "all", .check = check_type,
		.help = "Types of resources that may be made, such as rds."},
	{.name = "MaxMonthlyCost", .type = FIELD_DECIMAL, .offset = AT(max_cost_milli),
		.max = 1000 * MOST, .otherwise = "no limit",
		.help = "What a month of all that the group's tenants want may cost, by the "
			"price table."},
	{.name = "EnforceBudgets", .type = FIELD_BOOL, .offset = AT(enforce_budgets),
		.otherwise = "false",
		.help = "Growth beyond a tenant's billing/budget is refused."},
	{.name = "Spot", .type = FIELD_BOOL, .offset = AT(spot), .otherwise = "false",
		.help = "Every machine that is made for a host of the group's tenants is a spot "
			"one, whatever the host's spec says."},
	{.name = NULL},
};
/* clang-format on */
