/* SPDX-License-Identifier: Apache-2.0 */
/* Where the neighbors of a service answer, in each of the forms that its containers read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "model/instance.h"
#include "store/view.h"

struct endpoint {
	int64_t ordinal;
	char address[64];
	int64_t port;
};

struct endpoints {
	struct endpoint *list;
	size_t count;
};

static int add_endpoint(void *arg, const struct object *object)
{
	struct endpoints *endpoints = arg;
	struct instance_status status;
	struct instance_spec spec;
	struct endpoint *list;

	if (instance_spec_parse(object->spec, &spec) < 0 ||
		instance_status_parse(object->status, &status) < 0)
		return 0;
	if (status.phase != INSTANCE_HEALTHY || !spec.join || !status.address[0])
		return 0;
	list = realloc(endpoints->list, (endpoints->count + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	endpoints->list = list;
	list[endpoints->count].ordinal = spec.ordinal;
	list[endpoints->count].port = status.port;
	(void)text_copy(list[endpoints->count].address, sizeof(list->address), status.address);
	endpoints->count++;
	return 0;
}

static int compare_ordinals(const void *a, const void *b)
{
	const struct endpoint *left = a, *right = b;

	return left->ordinal < right->ordinal ? -1 : left->ordinal > right->ordinal;
}

/* Healthy ones of a service that take traffic, by ordinal. Free the list. */
static int endpoints_list(struct store *store, int64_t service, struct endpoints *ret)
{
	int r;

	*ret = (struct endpoints){NULL, 0};
	r = store_list(store, service, KIND_INSTANCE, 0, true, add_endpoint, ret);
	if (r == 0 && ret->count > 1)
		qsort(ret->list, ret->count, sizeof(*ret->list), compare_ordinals);
	return r;
}

static void print_lines(const struct endpoints *endpoints, struct buf *out)
{
	for (size_t i = 0; i < endpoints->count; i++)
		buf_printf(out, "%s:%lld\n", endpoints->list[i].address,
			(long long)endpoints->list[i].port);
}

int view_neighbors(struct store *store, int64_t service, struct buf *out)
{
	struct endpoints endpoints;
	int r = endpoints_list(store, service, &endpoints);

	if (r == 0)
		print_lines(&endpoints, out);
	free(endpoints.list);
	return r < 0 ? r : out->error;
}

/* ---- all of a service's neighbors at once ---- */

struct peers {
	struct store *store;
	json_t *json; /* NULL: not wanted */
	struct buf *hosts; /* NULL: not wanted */
	const char *tenant; /* of the service that looks */
	view_lines_fn fn;
	void *arg;
};

static int add_json(struct peers *peers, const char *name, const struct endpoints *endpoints)
{
	json_t *list = json_array();
	char text[96];

	for (size_t i = 0; list && i < endpoints->count; i++) {
		(void)snprintf(text, sizeof(text), "%s:%lld", endpoints->list[i].address,
			(long long)endpoints->list[i].port);
		(void)json_array_append_new(list, json_string(text));
	}
	return json_object_set_new(peers->json, name, list) < 0 ? -ENOMEM : 0;
}

static void add_hosts(struct peers *peers, const char *name, const struct endpoints *endpoints)
{
	for (size_t i = 0; i < endpoints->count; i++) {
		buf_printf(peers->hosts, "%s\t%s", endpoints->list[i].address, name);
		if (!strchr(name, '.'))
			buf_printf(peers->hosts, " %s.%s", name, peers->tenant);
		buf_putc(peers->hosts, '\n');
	}
}

static int add_peer(void *arg, const struct view_entry *entry)
{
	_cleanup_buf_ struct buf lines = BUF_INIT;
	struct peers *peers = arg;
	struct endpoints endpoints;
	int r = endpoints_list(peers->store, entry->object, &endpoints);

	if (r == 0 && peers->json)
		r = add_json(peers, entry->name, &endpoints);
	if (r == 0 && peers->hosts)
		add_hosts(peers, entry->name, &endpoints);
	if (r == 0 && peers->fn) {
		print_lines(&endpoints, &lines);
		r = lines.error ? lines.error : peers->fn(peers->arg, entry, &lines);
	}
	free(endpoints.list);
	return r;
}

int view_roster(struct store *store, int64_t service, struct buf *json, struct buf *hosts,
	view_lines_fn fn, void *arg)
{
	_cleanup_json_ json_t *object = json ? json_object() : NULL;
	struct object own = OBJECT_INIT, tenant = OBJECT_INIT;
	struct peers peers = {.store = store, .json = object, .hosts = hosts, .fn = fn, .arg = arg};
	int r = json && !object ? -ENOMEM : store_peek(store, service, &own);

	if (r == 0)
		r = store_peek(store, own.tenant, &tenant);
	if (r < 0)
		return r;
	peers.tenant = tenant.name;
	if (hosts)
		buf_puts(hosts, "# Healthy neighbors; see neighbors/ for their ports.\n");
	r = view_list(store, service, VIEW_NEIGHBORS, add_peer, &peers);
	if (r < 0)
		return r;
	if (json) {
		json_print(object, JSON_INDENT(2) | JSON_SORT_KEYS, json);
		buf_putc(json, '\n');
	}
	return json && json->error ? json->error : hosts ? hosts->error : 0;
}

int view_neighbors_json(struct store *store, int64_t service, struct buf *out)
{
	return view_roster(store, service, out, NULL, NULL, NULL);
}

int view_hosts(struct store *store, int64_t service, struct buf *out)
{
	return view_roster(store, service, NULL, out, NULL, NULL);
}
