/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/local/balancer_table.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cloud/dns_name.h"

#define TARGETS_MAX 4096

/* Names go into HAProxy's configuration: letters, digits, '.', '_' and '-' only. */
static bool target_name_ok(const char *name)
{
	const char *at;

	for (at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("._-", *at))
			return false;
	return at > name && at - name < 64;
}

static int target_check(const struct target *target, struct error *reterr)
{
	if (memchr(target->name, '\0', sizeof(target->name)) == NULL ||
		!target_name_ok(target->name))
		return error_set(reterr, -EINVAL,
			"a target's name is empty or has a character that "
			"is not a letter, digit, '.', '_' or '-'");
	if (memchr(target->address, '\0', sizeof(target->address)) == NULL ||
		!address_is_numeric(target->address))
		return error_set(reterr, -EINVAL, "the address of target %s is not an IP address",
			target->name);
	if (target->port < 1 || target->port > 65535)
		return error_set(reterr, -EINVAL, "port %d of target %s is not within 1 to 65535",
			target->port, target->name);
	return 0;
}

static int target_compare(const void *a, const void *b)
{
	return strcmp(((const struct target *)a)->name, ((const struct target *)b)->name);
}

/* Copies the targets in the order of their names, so that equal wants are equal texts. */
static int want_copy_targets(struct balancer_want *want, const struct balancer *wanted,
	struct error *reterr)
{
	size_t i;
	int r;

	for (i = 0; i < wanted->target_count; i++) {
		r = target_check(&wanted->targets[i], reterr);
		if (r < 0)
			return r;
		want->targets[i] = wanted->targets[i];
	}
	want->target_count = wanted->target_count;
	if (want->target_count > 1)
		qsort(want->targets, want->target_count, sizeof(want->targets[0]), target_compare);
	for (i = 1; i < want->target_count; i++)
		if (strcmp(want->targets[i - 1].name, want->targets[i].name) == 0)
			return error_set(reterr, -EINVAL, "target %s is given twice",
				want->targets[i].name);
	return 0;
}

int balancer_want_new(struct balancer_want **ret, const struct balancer *wanted,
	const struct address_range *range, struct error *reterr)
{
	struct balancer_want *want;
	int r;

	if (wanted->service < 0)
		return error_set(reterr, -EINVAL, "a load balancer needs an object id");
	if (wanted->port < 1 || wanted->port > 65535)
		return error_set(reterr, -EINVAL, "port %d is not within 1 to 65535", wanted->port);
	if (wanted->target_count > TARGETS_MAX)
		return error_set(reterr, -E2BIG, "a load balancer takes at most %d targets",
			TARGETS_MAX);
	want = calloc(1, sizeof(*want) + wanted->target_count * sizeof(want->targets[0]));
	if (!want)
		return error_oom(reterr);
	want->port = wanted->port;
	r = address_of_slot(range, wanted->slot, want->address, reterr);
	if (r == 0 && wanted->dns && *wanted->dns)
		r = dns_name_normalize(wanted->dns, want->dns, reterr);
	if (r == 0)
		r = want_copy_targets(want, wanted, reterr);
	if (r < 0)
		free(want);
	else
		*ret = want;
	return r;
}

/* The place where service is, or where it belongs. */
static size_t table_position(const struct balancer_table *table, int64_t service)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->entries[middle]->service < service)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct balancer_entry *balancer_table_find(const struct balancer_table *table, int64_t service)
{
	size_t at = table_position(table, service);

	return at < table->count && table->entries[at]->service == service ? table->entries[at]
									   : NULL;
}

struct balancer_entry *balancer_table_add(struct balancer_table *table, int64_t service)
{
	struct balancer_entry *entry = balancer_table_find(table, service);
	size_t at = table_position(table, service);

	if (entry)
		return entry;
	if (table->count == table->capacity) {
		size_t capacity = table->capacity ? 2 * table->capacity : 16;
		struct balancer_entry **entries =
			reallocarray(table->entries, capacity, sizeof(struct balancer_entry *));

		if (!entries)
			return NULL;
		table->entries = entries;
		table->capacity = capacity;
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->service = service;
	memmove(table->entries + at + 1, table->entries + at,
		(table->count - at) * sizeof(struct balancer_entry *));
	table->entries[at] = entry;
	table->count++;
	return entry;
}

static void entry_free(struct balancer_entry *entry)
{
	free(entry->pending);
	free(entry->want);
	free(entry->listener);
	free(entry->listener_next);
	free(entry->servers);
	free(entry);
}

void balancer_table_remove(struct balancer_table *table, struct balancer_entry *entry)
{
	size_t at = table_position(table, entry->service);

	table->count--;
	memmove(table->entries + at, table->entries + at + 1,
		(table->count - at) * sizeof(struct balancer_entry *));
	entry_free(entry);
}

void balancer_table_done(struct balancer_table *table)
{
	size_t i;

	for (i = 0; i < table->count; i++)
		entry_free(table->entries[i]);
	free(table->entries);
	*table = (struct balancer_table){0};
}

struct server *balancer_entry_server(struct balancer_entry *entry, const char *name)
{
	size_t i;

	for (i = 0; i < entry->server_count; i++)
		if (strcmp(entry->servers[i].name, name) == 0)
			return &entry->servers[i];
	return NULL;
}

int balancer_entry_add_server(struct balancer_entry *entry, const struct server *server)
{
	struct server *servers =
		reallocarray(entry->servers, entry->server_count + 1, sizeof(struct server));

	if (!servers)
		return -ENOMEM;
	entry->servers = servers;
	entry->servers[entry->server_count++] = *server;
	return 0;
}

void balancer_entry_remove_server(struct balancer_entry *entry, struct server *server)
{
	size_t at = (size_t)(server - entry->servers);

	entry->server_count--;
	memmove(server, server + 1, (entry->server_count - at) * sizeof(*server));
}

int balancer_entry_reset_servers(struct balancer_entry *entry)
{
	size_t i, count = 0;

	if (!entry->want) {
		for (i = 0; i < entry->server_count; i++)
			if (entry->servers[i].state == SERVER_READY)
				entry->servers[count++] = entry->servers[i];
		entry->server_count = count;
		return 0;
	}
	entry->server_count = 0;
	for (i = 0; i < entry->want->target_count; i++) {
		const struct target *target = &entry->want->targets[i];
		struct server server = {.port = target->port, .state = SERVER_READY};

		(void)text_copy(server.name, sizeof(server.name), target->name);
		(void)text_copy(server.address, sizeof(server.address), target->address);
		if (target->state == TARGET_READY && balancer_entry_add_server(entry, &server) < 0)
			return -ENOMEM;
	}
	return 0;
}
