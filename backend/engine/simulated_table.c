/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/simulated.h"

#define PREFIX "simulated/"

enum sim_behaviour sim_behaviour_of(const char *image)
{
	static const struct {
		const char *word;
		enum sim_behaviour behaviour;
	} known[] = {
		{"missing", SIM_MISSING},
		{"exits", SIM_EXITS},
		{"crashes", SIM_CRASHES},
		{"unhealthy", SIM_UNHEALTHY},
	};
	size_t len;

	if (strncmp(image, PREFIX, strlen(PREFIX)) != 0)
		return SIM_GOOD;
	image += strlen(PREFIX);
	len = strcspn(image, ":@");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].word) == len && memcmp(image, known[i].word, len) == 0)
			return known[i].behaviour;
	}
	return SIM_GOOD;
}

static int64_t name_key(const char *name)
{
	return (int64_t)text_hash(name, strlen(name));
}

static const char *spec_label(const struct container_spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->label_count; i++) {
		if (strcmp(spec->labels[i].key, key) == 0)
			return spec->labels[i].value;
	}
	return "";
}

int64_t sim_spec_number(const struct container_spec *spec, const char *key)
{
	int64_t value = 0;

	(void)text_parse_int(spec_label(spec, key), 0, INT64_MAX, &value);
	return value;
}

static struct sim_container *container_new(const struct container_spec *spec)
{
	const char *tenant = spec_label(spec, LABEL_TENANT);
	const char *service = spec_label(spec, LABEL_SERVICE);
	size_t name_size = strlen(spec->name) + 1, tenant_size = strlen(tenant) + 1;
	size_t service_size = strlen(service) + 1;
	struct sim_container *container;

	if (name_size + tenant_size > UINT8_MAX)
		return NULL;
	container = malloc(sizeof(*container) + name_size + tenant_size + service_size);
	if (!container)
		return NULL;
	*container = (struct sim_container){
		.instance = sim_spec_number(spec, LABEL_INSTANCE),
		.generation = sim_spec_number(spec, LABEL_GENERATION),
		.host_port = spec->host_port,
		.phase = CONTAINER_CREATED,
		.behaviour = (uint8_t)sim_behaviour_of(spec->image),
		.tenant_at = (uint8_t)name_size,
		.service_at = (uint8_t)(name_size + tenant_size),
	};
	memcpy(container->text, spec->name, name_size);
	memcpy(container->text + container->tenant_at, tenant, tenant_size);
	memcpy(container->text + container->service_at, service, service_size);
	return container;
}

static int table_grow(struct sim_table *table)
{
	size_t capacity = table->capacity ? table->capacity * 2 : 64;
	struct sim_container **slots;
	uint32_t *free_slots;

	slots = realloc(table->slots, capacity * sizeof(struct sim_container *));
	if (!slots)
		return -ENOMEM;
	table->slots = slots;
	free_slots = realloc(table->free_slots, capacity * sizeof(*free_slots));
	if (!free_slots)
		return -ENOMEM;
	table->free_slots = free_slots;
	for (size_t i = capacity; i-- > table->capacity;) {
		slots[i] = NULL;
		free_slots[table->free_count++] = (uint32_t)i;
	}
	table->capacity = capacity;
	return 0;
}

static int table_insert(struct sim_table *table, struct sim_container *container)
{
	uint32_t slot;

	if (table->free_count == 0 && table_grow(table) < 0)
		return -ENOMEM;
	slot = table->free_slots[table->free_count - 1];
	container->serial = table->last_serial + 1;
	if (key_map_put(&table->by_serial, container->serial, slot) < 0)
		return -ENOMEM;
	if (key_map_put(&table->by_name, name_key(container->text), slot) < 0) {
		key_map_remove(&table->by_serial, container->serial);
		return -ENOMEM;
	}
	table->last_serial++;
	table->free_count--;
	table->slots[slot] = container;
	table->count++;
	return 0;
}

int sim_table_add(struct sim_table *table, const struct container_spec *spec,
	struct sim_container **ret)
{
	struct sim_container *container;
	uint32_t slot;
	int r;

	/* Two names of one hash count as taken too. */
	if (key_map_get(&table->by_name, name_key(spec->name), &slot)) {
		*ret = table->slots[slot];
		return -EEXIST;
	}
	container = container_new(spec);
	if (!container)
		return -ENOMEM;
	r = table_insert(table, container);
	if (r < 0) {
		free(container);
		return r;
	}
	*ret = container;
	return 0;
}

struct sim_container *sim_table_by_serial(const struct sim_table *table, int64_t serial)
{
	uint32_t slot;

	return key_map_get(&table->by_serial, serial, &slot) ? table->slots[slot] : NULL;
}

struct sim_container *sim_table_find(const struct sim_table *table, const char *id)
{
	struct sim_container *container = NULL;
	char expected[ENGINE_ID_MAX];
	uint32_t slot;

	if (strncmp(id, "sim", 3) == 0)
		container = sim_table_by_serial(table, (int64_t)strtoull(id + 3, NULL, 16));
	if (container) {
		sim_container_id(container->serial, expected);
		if (strcmp(expected, id) == 0)
			return container;
	}
	if (!key_map_get(&table->by_name, name_key(id), &slot))
		return NULL;
	container = table->slots[slot];
	return strcmp(container->text, id) == 0 ? container : NULL;
}

void sim_table_remove(struct sim_table *table, struct sim_container *container)
{
	uint32_t slot;

	if (!key_map_get(&table->by_serial, container->serial, &slot))
		return;
	sim_table_give_port(table, container);
	key_map_remove(&table->by_serial, container->serial);
	key_map_remove(&table->by_name, name_key(container->text));
	table->slots[slot] = NULL;
	table->free_slots[table->free_count++] = slot;
	table->count--;
	free(container);
}

int sim_table_take_port(struct sim_table *table, const struct sim_container *container)
{
	uint32_t slot, holder;

	if (container->host_port == 0)
		return 0;
	if (!key_map_get(&table->by_serial, container->serial, &slot))
		return -ENOENT;
	if (key_map_get(&table->by_port, container->host_port, &holder) && holder != slot)
		return -EADDRINUSE;
	return key_map_put(&table->by_port, container->host_port, slot);
}

void sim_table_give_port(struct sim_table *table, const struct sim_container *container)
{
	uint32_t slot, holder;

	if (key_map_get(&table->by_port, container->host_port, &holder) &&
		key_map_get(&table->by_serial, container->serial, &slot) && holder == slot)
		key_map_remove(&table->by_port, container->host_port);
}

void sim_table_done(struct sim_table *table)
{
	for (size_t i = 0; i < table->capacity; i++)
		free(table->slots[i]);
	free(table->slots);
	free(table->free_slots);
	key_map_done(&table->by_serial);
	key_map_done(&table->by_name);
	key_map_done(&table->by_port);
	*table = (struct sim_table){0};
}

void sim_container_id(int64_t serial, char id[ENGINE_ID_MAX])
{
	(void)snprintf(id, ENGINE_ID_MAX, "sim%013llx", (unsigned long long)serial);
}

void sim_container_state(const struct sim_container *container, struct container_state *ret)
{
	unsigned host = (unsigned)container->serial & 0xffffff;

	*ret = (struct container_state){
		.phase = container->phase,
		.exit_code = container->exit_code,
		.started_wall_ns = container->started_wall_ns,
		.finished_wall_ns = container->finished_wall_ns,
		.instance = container->instance,
		.generation = container->generation,
	};
	sim_container_id(container->serial, ret->id);
	(void)text_copy(ret->name, sizeof(ret->name), container->text);
	(void)text_copy(ret->tenant, sizeof(ret->tenant), container->text + container->tenant_at);
	(void)text_copy(ret->service, sizeof(ret->service),
		container->text + container->service_at);
	if (container->phase == CONTAINER_RUNNING)
		(void)snprintf(ret->address, sizeof(ret->address), "10.%u.%u.%u", host >> 16,
			host >> 8 & 0xff, host & 0xff);
}
