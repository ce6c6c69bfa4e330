/* SPDX-License-Identifier: Apache-2.0 */
#include "model/group_policy.h"

#include "model/check.h"

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
	{.name = NULL},
};
/* clang-format on */
