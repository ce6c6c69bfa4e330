/* SPDX-License-Identifier: Apache-2.0 */
#include "store/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "model/grants.h"
#include "model/service.h"

struct view_walk {
	struct store *store;
	enum view_part part;
	char *const *allowed; /* NULL: all */
	int64_t shadowing; /* a service whose config values hide those of the same name; 0: none */
	view_entry_fn fn;
	void *arg;
	bool stopped;
	bool shown; /* something was */
};

/* Names that the service is limited to; NULL: all of its tenant's. */
static char *const *view_allowance(const struct service_spec *spec, enum view_part part)
{
	if (!spec || part == VIEW_CONFIG || part == VIEW_RESOURCES)
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
	if (r == 0 && own.generation == 0)
		r = -ENOENT;
	if (r != -ENOENT)
		return r;
	view_fill(object, walk->part, &entry);
	walk->shown = true;
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

/* The service of another tenant behind "tenant/service", when its owner lets this one see it;
 * -ENOENT. */
static int view_peek_granted(struct store *store, const struct object *service,
	const struct grant *wanted, struct object *ret)
{
	_cleanup_object_ struct object own = OBJECT_INIT;
	_cleanup_buf_ struct buf grants = BUF_INIT;
	struct object other = OBJECT_INIT;
	int r = store_peek_name(store, PLATFORM_ID, KIND_TENANT, wanted->tenant, &other);

	if (r == 0)
		r = store_peek_name(store, other.id, KIND_SERVICE, wanted->service, ret);
	if (r < 0 || ret->tenant == service->tenant)
		return r;
	r = store_peek(store, service->tenant, &own);
	if (r == 0)
		r = store_grants(store, ret->id, &grants, NULL);
	if (r == 0 && !grants_allow(buf_string(&grants), own.name, service->name))
		r = -ENOENT;
	return r;
}

/* How a neighbor of another tenant is called: as it is in the network. */
static void view_fill_granted(const struct object *object, const struct grant *wanted,
	struct view_entry *ret)
{
	view_fill(object, VIEW_NEIGHBORS, ret);
	(void)snprintf(ret->name, sizeof(ret->name), "%s.%s", wanted->service, wanted->tenant);
}

static int view_walk_granted(struct store *store, const struct object *service,
	const struct view_walk *walk)
{
	struct view_entry entry;
	struct grant wanted;
	int r = 0;

	for (char *const *name = walk->allowed; name && *name && r == 0; name++) {
		struct object object = OBJECT_INIT;

		if (!grants_split(*name, &wanted))
			continue;
		r = view_peek_granted(store, service, &wanted, &object);
		if (r == 0) {
			view_fill_granted(&object, &wanted, &entry);
			r = walk->fn(walk->arg, &entry);
		} else if (r == -ENOENT) {
			r = 0;
		}
	}
	return r < 0 ? r : 0;
}

/* ---- outputs of the tenant's resources ---- */

struct resource_walk {
	const struct view_walk *walk;
	const char *resource;
	bool stopped;
};

static void view_fill_output(const struct object *output, const char *resource,
	struct view_entry *ret)
{
	view_fill(output, VIEW_RESOURCES, ret);
	(void)snprintf(ret->name, sizeof(ret->name), "%.63s/%.63s", resource, output->name);
}

static int view_emit_output(void *arg, const struct object *output)
{
	struct resource_walk *resources = arg;
	struct view_entry entry;
	int r;

	if (output->generation == 0)
		return 0;
	view_fill_output(output, resources->resource, &entry);
	r = resources->walk->fn(resources->walk->arg, &entry);
	resources->stopped = r > 0;
	return r;
}

static int view_walk_resource(void *arg, const struct object *resource)
{
	struct resource_walk *resources = arg;
	int r;

	resources->resource = resource->name;
	r = store_list(resources->walk->store, resource->id, KIND_OUTPUT, 0, false,
		view_emit_output, resources);
	return r < 0 ? r : resources->stopped;
}

static int view_walk_resources(const struct object *service, const struct view_walk *walk)
{
	struct resource_walk resources = {.walk = walk};

	return store_list(walk->store, service->tenant, KIND_RESOURCE, 0, false, view_walk_resource,
		&resources);
}

/* "<resource>/<output>" */
static int view_find_output(struct store *store, const struct object *service, const char *name,
	struct view_entry *ret)
{
	struct object resource = OBJECT_INIT, output = OBJECT_INIT;
	const char *slash = strchr(name, '/');
	char above[OBJECT_NAME_MAX + 1];
	int r;

	if (!slash || (size_t)(slash - name) >= sizeof(above))
		return -ENOENT;
	(void)snprintf(above, sizeof(above), "%.*s", (int)(slash - name), name);
	r = store_peek_name(store, service->tenant, KIND_RESOURCE, above, &resource);
	if (r == 0)
		r = store_peek_name(store, resource.id, KIND_OUTPUT, slash + 1, &output);
	if (r < 0 || output.generation == 0)
		return r < 0 ? r : -ENOENT;
	view_fill_output(&output, above, ret);
	return 0;
}

/* ---- all parts ---- */

static int view_walk_part(struct store *store, const struct object *service, struct view_walk *walk)
{
	static const enum kind kinds[] = {
		[VIEW_SECRETS] = KIND_SECRET,
		[VIEW_CONFIG] = KIND_CONFIG,
		[VIEW_NEIGHBORS] = KIND_SERVICE,
	};
	int r = 0;

	if (walk->part == VIEW_RESOURCES)
		return view_walk_resources(service, walk);
	if (walk->part == VIEW_CONFIG) {
		r = store_list(store, service->id, KIND_CONFIG, 0, false, view_emit, walk);
		walk->shadowing = walk->shown ? service->id : 0;
	}
	if (r < 0 || walk->stopped)
		return r;
	r = store_list(store, service->tenant, kinds[walk->part], 0, false, view_emit, walk);
	if (r == 0 && !walk->stopped && walk->part == VIEW_NEIGHBORS)
		r = view_walk_granted(store, service, walk);
	return r;
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
		if (r == -ENOENT || (r == 0 && ret->generation == 0))
			r = store_peek_name(store, service->tenant, KIND_CONFIG, name, ret);
		return r;
	case VIEW_NEIGHBORS:
		return store_peek_name(store, service->tenant, KIND_SERVICE, name, ret);
	case VIEW_RESOURCES:
		break;
	}
	return -ENOENT;
}

/* "service.tenant": no name of this tenant's own has a dot. */
static int view_find_granted(struct store *store, const struct object *service,
	char *const *allowed, const char *name, struct view_entry *ret)
{
	struct object behind = OBJECT_INIT;
	const char *dot = strchr(name, '.');
	struct grant wanted;
	char listed[160];
	int r;

	(void)snprintf(listed, sizeof(listed), "%s/%.*s", dot + 1, (int)(dot - name), name);
	if (!allowed || !view_allowed(allowed, listed) || !grants_split(listed, &wanted))
		return -ENOENT;
	r = view_peek_granted(store, service, &wanted, &behind);
	if (r == 0)
		view_fill_granted(&behind, &wanted, ret);
	return r;
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
	if (part == VIEW_RESOURCES)
		return view_find_output(store, &object, name, ret);
	if (part == VIEW_NEIGHBORS && strchr(name, '.'))
		return view_find_granted(store, &object, view_allowance(spec, part), name, ret);
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

int view_sees_tenant(struct store *store, int64_t service, bool *ret)
{
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	_cleanup_object_ struct object object = OBJECT_INIT;
	int r = view_service(store, service, &object, &spec);

	if (r == 0)
		*ret = !view_allowance(spec, VIEW_NEIGHBORS);
	return r;
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
