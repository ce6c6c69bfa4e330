/* SPDX-License-Identifier: Apache-2.0 */
#include "store/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "model/instance.h"
#include "model/service.h"

struct view_walk {
	struct store *store;
	enum view_part part;
	char *const *allowed; /* NULL: all */
	int64_t shadowing; /* a service whose config values hide those of the same name; 0: none */
	view_entry_fn fn;
	void *arg;
	bool stopped;
};

/*
 * Names that the service is limited to; NULL: all of its tenant's. Services of other tenants
 * ("tenant/service") are in no list yet: who owns them has to grant it first.
 */
static char *const *view_allowance(const struct service_spec *spec, enum view_part part)
{
	if (!spec || part == VIEW_CONFIG)
		return NULL;
	return part == VIEW_SECRETS ? spec->secrets : spec->neighbors;
}

static bool view_allowed(char *const *allowed, const char *name)
{
	if (!allowed)
		return true;
	for (; *allowed; allowed++)
		if (strcmp(*allowed, name) == 0)
			return true;
	return false;
}

static void view_fill(const struct object *object, enum view_part part, struct view_entry *ret)
{
	*ret = (struct view_entry){.part = part, .object = object->id};
	(void)text_copy(ret->name, sizeof(ret->name), object->name);
	ret->mtime_ns = part == VIEW_NEIGHBORS ? object->status_ns : object->spec_ns;
	ret->size = part == VIEW_NEIGHBORS ? -1 : object->value_size;
}

static int view_emit(void *arg, const struct object *object)
{
	struct object own = OBJECT_INIT;
	struct view_walk *walk = arg;
	struct view_entry entry;
	int r = -ENOENT;

	if (!view_allowed(walk->allowed, object->name))
		return 0;
	/* A value that was made and not written yet: somebody is about to. */
	if (walk->part != VIEW_NEIGHBORS && object->generation == 0)
		return 0;
	if (walk->shadowing)
		r = store_peek_name(walk->store, walk->shadowing, KIND_CONFIG, object->name, &own);
	if (r != -ENOENT)
		return r;
	view_fill(object, walk->part, &entry);
	r = walk->fn(walk->arg, &entry);
	walk->stopped = r != 0;
	return r;
}

/* The service and, unless it has none yet, its spec. */
static int view_service(struct store *store, int64_t service, struct object *ret,
	struct service_spec **ret_spec)
{
	int r = store_get(store, service, ret);

	*ret_spec = NULL;
	if (r < 0 || !ret->spec)
		return r;
	return service_spec_parse(ret->spec, strlen(ret->spec), ret->name, ret_spec, NULL);
}

static int view_walk_part(struct store *store, const struct object *service, struct view_walk *walk)
{
	static const enum kind kinds[] = {
		[VIEW_SECRETS] = KIND_SECRET,
		[VIEW_CONFIG] = KIND_CONFIG,
		[VIEW_NEIGHBORS] = KIND_SERVICE,
	};
	int r = 0;

	if (walk->part == VIEW_CONFIG) {
		r = store_list(store, service->id, KIND_CONFIG, 0, false, view_emit, walk);
		walk->shadowing = service->id;
	}
	if (r < 0 || walk->stopped)
		return r;
	return store_list(store, service->tenant, kinds[walk->part], 0, false, view_emit, walk);
}

int view_list(struct store *store, int64_t service, enum view_part part, view_entry_fn fn,
	void *arg)
{
	struct view_walk walk = {.store = store, .part = part, .fn = fn, .arg = arg};
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	_cleanup_object_ struct object object = OBJECT_INIT;
	int r = view_service(store, service, &object, &spec);

	if (r < 0)
		return r;
	walk.allowed = view_allowance(spec, part);
	return view_walk_part(store, &object, &walk);
}

/* The object behind a name, which the service is known to be allowed. */
static int view_peek(struct store *store, const struct object *service, enum view_part part,
	const char *name, struct object *ret)
{
	int r;

	switch (part) {
	case VIEW_SECRETS:
		return store_peek_name(store, service->tenant, KIND_SECRET, name, ret);
	case VIEW_CONFIG:
		r = store_peek_name(store, service->id, KIND_CONFIG, name, ret);
		if (r == -ENOENT)
			r = store_peek_name(store, service->tenant, KIND_CONFIG, name, ret);
		return r;
	case VIEW_NEIGHBORS:
		return store_peek_name(store, service->tenant, KIND_SERVICE, name, ret);
	}
	return -ENOENT;
}

int view_find(struct store *store, int64_t service, enum view_part part, const char *name,
	struct view_entry *ret)
{
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	_cleanup_object_ struct object object = OBJECT_INIT;
	struct object behind = OBJECT_INIT;
	int r = view_service(store, service, &object, &spec);

	if (r < 0)
		return r;
	if (!view_allowed(view_allowance(spec, part), name))
		return -ENOENT;
	r = view_peek(store, &object, part, name, &behind);
	if (r == 0)
		view_fill(&behind, part, ret);
	return r;
}

int view_read(struct store *store, int64_t service, const struct view_entry *entry, struct buf *out,
	struct error *reterr)
{
	int r;

	(void)service;
	if (entry->part != VIEW_NEIGHBORS)
		return store_value(store, entry->object, out, reterr);
	r = view_neighbors(store, entry->object, out);
	return r < 0 ? error_set(reterr, r, "cannot read the neighbors") : 0;
}

struct endpoint {
	int64_t ordinal;
	char address[64];
	int64_t port;
};

struct endpoints {
	struct endpoint *list;
	size_t count;
};

static int view_add_endpoint(void *arg, const struct object *object)
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

static int endpoint_compare(const void *a, const void *b)
{
	const struct endpoint *left = a, *right = b;

	return left->ordinal < right->ordinal ? -1 : left->ordinal > right->ordinal;
}

int view_neighbors(struct store *store, int64_t service, struct buf *out)
{
	struct endpoints endpoints = {NULL, 0};
	size_t i;
	int r;

	r = store_list(store, service, KIND_INSTANCE, 0, true, view_add_endpoint, &endpoints);
	if (endpoints.count > 1)
		qsort(endpoints.list, endpoints.count, sizeof(*endpoints.list), endpoint_compare);
	for (i = 0; i < endpoints.count; i++)
		buf_printf(out, "%s:%lld\n", endpoints.list[i].address,
			(long long)endpoints.list[i].port);
	free(endpoints.list);
	return r < 0 ? r : out->error;
}

int view_self(struct store *store, int64_t service, struct buf *out)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	_cleanup_object_ struct object tenant = OBJECT_INIT;
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	_cleanup_json_ json_t *self = NULL;
	int r = view_service(store, service, &object, &spec);

	if (r == 0)
		r = store_peek(store, object.tenant, &tenant);
	if (r < 0)
		return r;
	self = json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:s}", "Platform",
		store_platform(store), "Tenant", tenant.name, "Service", object.name, "Generation",
		(json_int_t)object.generation, "DockerImage", spec ? spec->image : "",
		"ContainerPort", (json_int_t)(spec ? spec->container_port : 0), "ExternalLBPort",
		(json_int_t)(spec ? spec->lb_port : 0), "DNS", spec ? spec->dns : "");
	if (!self)
		return -ENOMEM;
	json_print(self, JSON_INDENT(2), out);
	buf_putc(out, '\n');
	return out->error;
}
