/* SPDX-License-Identifier: Apache-2.0 */
#include "model/group_policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int defaults(void *base)
{
	struct group_policy *policy = base;

	policy->max_services = policy->max_replicas = GROUP_NO_LIMIT;
	policy->max_hosts = policy->max_resources = GROUP_NO_LIMIT;
	policy->max_cpu_milli = policy->max_memory_mib = GROUP_NO_LIMIT;
	policy->max_cost_milli = GROUP_NO_LIMIT;
	return 0;
}

const struct spec_type group_policy_type = {
	.title = "Group",
	.fields = group_policy_fields,
	.size = sizeof(struct group_policy),
	.defaults = defaults,
};

int group_policy_parse(const char *text, size_t len, const char *group, struct group_policy **ret,
	struct error *reterr)
{
	void *policy;
	int r = spec_parse(&group_policy_type, text, len, group, &policy, reterr);

	if (r == 0)
		*ret = policy;
	return r;
}

void group_policy_free(struct group_policy *policy)
{
	spec_free(&group_policy_type, policy);
}

struct reserve group_policy_reserve(const struct service_spec *spec)
{
	return (struct reserve){
		.replicas = spec->replicas,
		.cpu_milli = spec->replicas * spec->cpu_milli,
		.memory_mib = spec->replicas * spec->memory_mib,
	};
}

/* ---- how much ---- */

struct quota {
	const char *name;
	size_t limit; /* offset in struct group_policy */
	size_t amount; /* offset in struct reserve */
	int64_t unit; /* how many of it are 1 in the sentence */
	const char *field; /* that has to be given, for the sum to mean something */
	size_t given; /* its offset in struct service_spec */
};

static const struct quota quotas[] = {
	{"MaxReplicas", offsetof(struct group_policy, max_replicas),
		offsetof(struct reserve, replicas), 1, NULL, 0},
	{"MaxCPU", offsetof(struct group_policy, max_cpu_milli),
		offsetof(struct reserve, cpu_milli), 1000, "CPU",
		offsetof(struct service_spec, cpu_milli)},
	{"MaxMemoryMiB", offsetof(struct group_policy, max_memory_mib),
		offsetof(struct reserve, memory_mib), 1, "MemoryMiB",
		offsetof(struct service_spec, memory_mib)},
};

static int64_t member(const void *base, size_t offset)
{
	return *(const int64_t *)(const void *)((const char *)base + offset);
}

static const char *print(int64_t amount, int64_t unit, char *text, size_t size)
{
	size_t len;

	(void)snprintf(text, size, "%" PRId64, amount / unit);
	len = strlen(text);
	if (amount % unit == 0)
		return text;
	(void)snprintf(text + len, size - len, ".%03d", (int)(amount % unit));
	for (len = strlen(text); text[len - 1] == '0'; len--)
		text[len - 1] = '\0';
	return text;
}

static int check_quota(const struct quota *quota, int64_t limit, const char *group, int64_t used,
	int64_t total, struct error *reterr)
{
	char numbers[3][32];

	return error_set(reterr, -EDQUOT,
		"%s of group \"%s\" is %s: its tenants use %s, and with this %s", quota->name,
		group, print(limit, quota->unit, numbers[0], sizeof(numbers[0])),
		print(used, quota->unit, numbers[1], sizeof(numbers[1])),
		print(total, quota->unit, numbers[2], sizeof(numbers[2])));
}

static int check_quotas(const struct group_policy *policy, const char *group,
	const struct reserve *used, const struct service_spec *before,
	const struct service_spec *after, struct error *reterr)
{
	const struct reserve old = before ? group_policy_reserve(before) : (struct reserve){0};
	const struct reserve new = group_policy_reserve(after);

	for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++) {
		const struct quota *quota = &quotas[i];
		int64_t limit = member(policy, quota->limit);
		int64_t now = member(used, quota->amount);
		int64_t total = now - member(&old, quota->amount) + member(&new, quota->amount);
		bool unsaid = quota->field && member(after, quota->given) == 0 &&
			      new.replicas > 0 &&
			      (!before || member(before, quota->given) != 0 ||
				      new.replicas > old.replicas);

		if (limit == GROUP_NO_LIMIT)
			continue;
		if (unsaid)
			return error_set(reterr, -EDQUOT,
				"%s is needed: %s of group \"%s\" limits the sum of it",
				quota->field, quota->name, group);
		if (total > limit && total > now)
			return check_quota(quota, limit, group, now, total, reterr);
	}
	return 0;
}

/* ---- what at all ---- */

/* A prefix ends where a part of the reference does: "nginx" is no beginning of "nginxevil". */
static bool begins(const char *image, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(image, prefix, len) == 0 &&
	       (image[len] == '\0' || strchr("/:@", image[len]) ||
		       (len > 0 && strchr("/:@", prefix[len - 1])));
}

int group_policy_check_image(const struct group_policy *policy, const char *group,
	const char *before, const char *after, struct error *reterr)
{
	char *const *prefix = policy ? policy->images : NULL;

	if (!prefix || !after || (before && strcmp(before, after) == 0))
		return 0;
	for (; *prefix; prefix++)
		if (begins(after, *prefix))
			return 0;
	return error_set(reterr, -EPERM,
		"DockerImage: AllowedImages of group \"%s\" has nothing that \"%s\" begins with",
		group, after);
}

static int check_word(char *const *allowed, const char *field, const char *list, const char *group,
	const char *before, const char *after, struct error *reterr)
{
	if (!allowed || !after || (before && strcmp(before, after) == 0))
		return 0;
	for (; *allowed; allowed++)
		if (strcmp(*allowed, after) == 0)
			return 0;
	return error_set(reterr, -EPERM, "%s: %s of group \"%s\" has no \"%.64s\"", field, list,
		group, after);
}

int group_policy_check_region(const struct group_policy *policy, const char *group,
	const char *before, const char *after, struct error *reterr)
{
	return check_word(policy ? policy->regions : NULL, "Region", "AllowedRegions", group,
		before, after, reterr);
}

int group_policy_check_type(const struct group_policy *policy, const char *group,
	const char *before, const char *after, struct error *reterr)
{
	return check_word(policy ? policy->resource_types : NULL, "Type", "AllowedResourceTypes",
		group, before, after, reterr);
}

static bool is_allowed_path(char *const *paths, const char *volume)
{
	size_t len = strcspn(volume, ":");

	for (; paths && *paths; paths++)
		if (strncmp(*paths, volume, len) == 0 && (*paths)[len] == '\0')
			return true;
	return false;
}

static bool has_volume(const struct service_spec *spec, const char *volume)
{
	for (char *const *at = spec ? spec->volumes : NULL; at && *at; at++)
		if (strcmp(*at, volume) == 0)
			return true;
	return false;
}

static int check_paths(const struct group_policy *policy, const char *group, bool grows,
	const struct service_spec *before, const struct service_spec *after, struct error *reterr)
{
	for (char *const *at = after->volumes; at && *at; at++) {
		const char *volume = *at;
		int len = (int)strcspn(volume, ":");

		if (volume[0] != '/' || (!grows && has_volume(before, volume)) ||
			is_allowed_path(policy ? policy->host_paths : NULL, volume))
			continue;
		if (!group[0])
			return error_set(reterr, -EPERM,
				"Volumes: %.*s is a path of the host, which needs the policy of a "
				"group, and the tenant is in none",
				len, volume);
		return error_set(reterr, -EPERM,
			"Volumes: %.*s is a path of the host that AllowedHostPaths of group \"%s\" "
			"has not",
			len, volume, group);
	}
	return 0;
}

int group_policy_check_service(const struct group_policy *policy, const char *group,
	const struct reserve *used, const struct service_spec *before,
	const struct service_spec *after, struct error *reterr)
{
	bool grows = !before || after->replicas > before->replicas;
	int r = check_paths(policy, group, grows, before, after, reterr);

	if (r == 0)
		r = group_policy_check_image(policy, group, grows ? NULL : before->image,
			after->image, reterr);
	if (r == 0 && policy)
		r = check_quotas(policy, group, used, before, after, reterr);
	return r;
}

/* ---- how many ---- */

struct count_quota {
	enum kind kind;
	const char *name;
	size_t limit;
};

static const struct count_quota count_quotas[] = {
	{KIND_SERVICE, "MaxServices", offsetof(struct group_policy, max_services)},
	{KIND_HOST, "MaxHosts", offsetof(struct group_policy, max_hosts)},
	{KIND_RESOURCE, "MaxResources", offsetof(struct group_policy, max_resources)},
};

static const struct count_quota *find_count(enum kind kind)
{
	for (size_t i = 0; i < sizeof(count_quotas) / sizeof(count_quotas[0]); i++)
		if (count_quotas[i].kind == kind)
			return &count_quotas[i];
	return NULL;
}

int64_t group_policy_count_limit(const struct group_policy *policy, enum kind kind)
{
	const struct count_quota *quota = find_count(kind);

	return policy && quota ? member(policy, quota->limit) : GROUP_NO_LIMIT;
}

int group_policy_check_count(const struct group_policy *policy, const char *group, enum kind kind,
	int64_t count, struct error *reterr)
{
	int64_t limit = group_policy_count_limit(policy, kind);

	if (limit == GROUP_NO_LIMIT || count < limit)
		return 0;
	return error_set(reterr, -EDQUOT,
		"%s of group \"%s\" is %" PRId64 ": its tenants have %" PRId64,
		find_count(kind)->name, group, limit, count);
}
