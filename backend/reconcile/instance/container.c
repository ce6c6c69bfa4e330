/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/instance/container.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

void container_name(const char *platform, const char *tenant, const char *service,
	int64_t instance_id, const struct instance_spec *instance, char *name, size_t size)
{
	char identity[96];
	uint64_t hash;

	/* A service made anew under the old name, or another platform, must get other names. */
	(void)snprintf(identity, sizeof(identity), "%s/%" PRId64 "/%" PRId64, platform, instance_id,
		instance->restart);
	hash = text_hash(identity, strlen(identity));
	(void)snprintf(name, size, "%s-%s-%" PRId64 "-%" PRId64 "-%06x", tenant, service,
		instance->ordinal, instance->template_generation,
		(unsigned)((hash ^ (hash >> 32)) & 0xffffff));
}

void container_volume_name(const char *platform, int64_t tenant_id, const char *volume, size_t len,
	char *name, size_t size)
{
	(void)snprintf(name, size, "duplo-%s-%" PRId64 "-%.*s", platform, tenant_id, (int)len,
		volume);
}

static size_t strings_count(char *const *strings)
{
	size_t count = 0;

	while (strings && strings[count])
		count++;
	return count;
}

static void strings_free(char **strings)
{
	for (size_t i = 0; strings && strings[i]; i++)
		free(strings[i]);
	free(strings);
}

/* Ours come first: a later value of the same name in the spec wins. */
static char **environment_make(const struct container_source *source)
{
	size_t count = strings_count(source->spec->environment);
	char **list = calloc(count + 4, sizeof(*list));
	size_t n = 0;

	if (!list)
		return NULL;
	list[n++] = text_format("DUPLO_TENANT=%s", source->tenant);
	list[n++] = text_format("DUPLO_SERVICE=%s", source->service);
	list[n++] = text_format("DUPLO_ORDINAL=%" PRId64, source->instance->ordinal);
	for (size_t i = 0; i < count; i++)
		list[n++] = strdup(source->spec->environment[i]);
	for (size_t i = 0; i < n; i++) {
		if (list[i])
			continue;
		for (size_t j = 0; j < n; j++)
			free(list[j]);
		free(list);
		return NULL;
	}
	return list;
}

static char *volume_make(const struct container_source *source, const char *volume)
{
	const char *colon = strchr(volume, ':');
	char name[200];

	if (volume[0] == '/' || !colon)
		return strdup(volume); /* a path of the host that the policy allowed */
	container_volume_name(source->platform, source->tenant_id, volume, (size_t)(colon - volume),
		name, sizeof(name));
	return text_format("%s%s", name, colon);
}

static char **volumes_make(const struct container_source *source)
{
	size_t count = strings_count(source->spec->volumes);
	char **list = calloc(count + 2, sizeof(*list));
	size_t n = 0;

	if (!list)
		return NULL;
	if (source->view_dir) {
		list[n] = text_format("%s/%" PRId64 ":/duplo:ro", source->view_dir,
			source->service_id);
		if (!list[n++])
			goto failed;
	}
	for (size_t i = 0; i < count; i++) {
		list[n] = volume_make(source, source->spec->volumes[i]);
		if (!list[n++])
			goto failed;
	}
	return list;
failed:
	strings_free(list);
	return NULL;
}

static void names_make(struct container_plan *plan, const struct container_source *source)
{
	container_name(source->platform, source->tenant, source->service, source->instance_id,
		source->instance, plan->name, sizeof(plan->name));
	(void)snprintf(plan->hostname, sizeof(plan->hostname), "%.50s-%" PRId64, source->service,
		source->instance->ordinal);
	(void)snprintf(plan->alias, sizeof(plan->alias), "%s.%s", source->service, source->tenant);
	(void)snprintf(plan->generation, sizeof(plan->generation), "%" PRId64,
		source->instance->template_generation);
	(void)snprintf(plan->instance, sizeof(plan->instance), "%" PRId64, source->instance_id);
	(void)snprintf(plan->ordinal, sizeof(plan->ordinal), "%" PRId64, source->instance->ordinal);
	plan->labels[0] = (struct label){LABEL_PLATFORM, source->platform};
	plan->labels[1] = (struct label){LABEL_TENANT, source->tenant};
	plan->labels[2] = (struct label){LABEL_SERVICE, source->service};
	plan->labels[3] = (struct label){LABEL_INSTANCE, plan->instance};
	plan->labels[4] = (struct label){LABEL_ORDINAL, plan->ordinal};
	plan->labels[5] = (struct label){LABEL_GENERATION, plan->generation};
	plan->aliases[0] = source->service;
	plan->aliases[1] = plan->alias;
	plan->aliases[2] = NULL;
}

int container_plan_make(struct container_plan *plan, const struct container_source *source,
	struct error *reterr)
{
	*plan = (struct container_plan){0};
	plan->environment = environment_make(source);
	plan->volumes = volumes_make(source);
	if (!plan->environment || !plan->volumes) {
		container_plan_done(plan);
		return error_oom(reterr);
	}
	names_make(plan, source);
	plan->spec = (struct container_spec){
		.name = plan->name,
		.hostname = plan->hostname,
		.image = source->spec->image,
		.command = (const char *const *)source->spec->command,
		.environment = (const char *const *)plan->environment,
		.volumes = (const char *const *)plan->volumes,
		.labels = plan->labels,
		.label_count = ARRAY_SIZE(plan->labels),
		.network = source->network,
		.aliases = plan->aliases,
		.host_address = source->host_address,
		.host_port = (int)source->instance->host_port,
		.container_port = (int)source->spec->container_port,
		.cpu_milli = source->spec->cpu_milli,
		.memory_mib = source->spec->memory_mib,
	};
	return 0;
}

void container_plan_done(struct container_plan *plan)
{
	strings_free(plan->environment);
	strings_free(plan->volumes);
	plan->environment = NULL;
	plan->volumes = NULL;
}
