/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/files/common.h"
#include "fs/files/history.h"
#include "model/grants.h"
#include "store/view.h"

enum {
	ROW_PEERS = 90,
	ROW_PEER,
	ROW_RUNTIME,
	ROW_RUNTIME_SECRETS,
	ROW_RUNTIME_SECRET,
	ROW_RUNTIME_CONFIGS,
	ROW_RUNTIME_CONFIG,
	ROW_RUNTIME_PEERS,
	ROW_RUNTIME_PEER,
	ROW_RUNTIME_SELF,
	ROW_HISTORY_ENTRY,
	ROW_GRANTS = 130,
	ROW_RUNTIME_JSON,
	ROW_RUNTIME_HOSTS,
	ROW_RUNTIME_RESOURCES,
	ROW_RUNTIME_RESOURCE = 231,
	ROW_RUNTIME_OUTPUT,
};

/* ---- what the containers see: the keys are the service and the object behind the entry ---- */

static enum view_part part_of(const struct row *row)
{
	switch (row->number) {
	case ROW_RUNTIME_SECRETS:
	case ROW_RUNTIME_SECRET:
		return VIEW_SECRETS;
	case ROW_RUNTIME_CONFIGS:
	case ROW_RUNTIME_CONFIG:
		return VIEW_CONFIG;
	default:
		return VIEW_NEIGHBORS;
	}
}

static int find_view(struct fs *fs, const struct ref *ref, const char *name, struct entry *ret)
{
	struct view_entry entry;
	int r;

	if (strlen(name) > OBJECT_NAME_MAX)
		return -ENOENT;
	r = view_find(fs->store, ref->object.id, part_of(ref->row), name, &entry);
	if (r < 0)
		return r;
	*ret = (struct entry){.name = name, .object = ref->object.id, .sub = entry.object};
	return 0;
}

struct entries {
	struct view_entry *all;
	size_t count, capacity;
};

static int collect(void *arg, const struct view_entry *entry)
{
	struct entries *entries = arg;

	if (entries->count == entries->capacity) {
		size_t capacity = entries->capacity ? 2 * entries->capacity : 16;
		struct view_entry *grown = reallocarray(entries->all, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		entries->all = grown;
		entries->capacity = capacity;
	}
	entries->all[entries->count++] = *entry;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct view_entry *left = a, *right = b;

	return (left->object > right->object) - (left->object < right->object);
}

static int list_view(struct fs *fs, const struct ref *ref, int64_t after, entry_fn fn, void *arg)
{
	struct entries entries = {0};
	int r = view_list(fs->store, ref->object.id, part_of(ref->row), collect, &entries);
	size_t i;

	if (r >= 0 && entries.count > 1)
		qsort(entries.all, entries.count, sizeof(*entries.all), compare);
	for (i = 0, r = r < 0 ? r : 0; i < entries.count && r == 0; i++) {
		struct entry entry = {.name = entries.all[i].name,
			.object = ref->object.id,
			.sub = entries.all[i].object};

		if (entry.sub > after)
			r = fn(arg, &entry);
	}
	free(entries.all);
	return r;
}

/* The entry behind a node, if the service may still see it. */
static int get_entry(struct fs *fs, const struct ref *ref, struct view_entry *ret)
{
	struct object behind = OBJECT_INIT;
	int r = store_peek(fs->store, ref->sub, &behind);

	if (r == 0)
		r = view_find(fs->store, ref->object.id, part_of(ref->row), behind.name, ret);
	/* A peer of another tenant goes by another name: look through all. */
	if (r == -ENOENT || (r == 0 && ret->object != ref->sub)) {
		struct entries entries = {0};
		size_t i;

		r = view_list(fs->store, ref->object.id, part_of(ref->row), collect, &entries);
		for (i = 0; r >= 0 && i < entries.count && entries.all[i].object != ref->sub; i++)
			;
		if (r >= 0 && i == entries.count)
			r = -ESTALE;
		if (r >= 0) {
			*ret = entries.all[i];
			r = 0;
		}
		free(entries.all);
	}
	object_done(&behind);
	return r;
}

static int render_view(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct view_entry entry;
	int r = get_entry(fs, ref, &entry);

	if (r < 0)
		return r;
	content->mtime_ns = entry.mtime_ns;
	return view_read(fs->store, ref->object.id, &entry, &content->text, NULL);
}

static int render_self(struct fs *fs, const struct ref *ref, struct content *content)
{
	return view_self(fs->store, ref->object.id, &content->text);
}

static int render_json(struct fs *fs, const struct ref *ref, struct content *content)
{
	return view_neighbors_json(fs->store, ref->object.id, &content->text);
}

static int render_hosts(struct fs *fs, const struct ref *ref, struct content *content)
{
	return view_hosts(fs->store, ref->object.id, &content->text);
}

/* ---- outputs of resources: a directory a resource ---- */

static int find_resource(struct fs *fs, const struct ref *ref, const char *name, struct entry *ret)
{
	struct object resource = OBJECT_INIT;
	int r = store_peek_name(fs->store, ref->object.tenant, KIND_RESOURCE, name, &resource);

	if (r == 0)
		*ret = (struct entry){.name = name, .object = ref->object.id, .sub = resource.id};
	return r;
}

struct resource_walk {
	int64_t service;
	entry_fn fn;
	void *arg;
};

static int list_one(void *arg, const struct object *object)
{
	const struct resource_walk *walk = arg;
	struct entry entry = {.name = object->name, .object = walk->service, .sub = object->id};

	return walk->fn(walk->arg, &entry);
}

static int list_resources(struct fs *fs, const struct ref *ref, int64_t after, entry_fn fn,
	void *arg)
{
	struct resource_walk walk = {ref->object.id, fn, arg};

	return store_list(fs->store, ref->object.tenant, KIND_RESOURCE, after, false, list_one,
		&walk);
}

static int find_output(struct fs *fs, const struct ref *ref, const char *name, struct entry *ret)
{
	struct object output = OBJECT_INIT;
	int r = store_peek_name(fs->store, ref->sub, KIND_OUTPUT, name, &output);

	if (r == 0)
		*ret = (struct entry){.name = name, .object = ref->object.id, .sub = output.id};
	return r;
}

static int list_outputs(struct fs *fs, const struct ref *ref, int64_t after, entry_fn fn, void *arg)
{
	struct resource_walk walk = {ref->object.id, fn, arg};

	return store_list(fs->store, ref->sub, KIND_OUTPUT, after, false, list_one, &walk);
}

static int render_output(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct object output = OBJECT_INIT;
	int r = store_peek(fs->store, ref->sub, &output);

	if (r == 0 && (output.deleting || output.kind != KIND_OUTPUT))
		r = -ENOENT;
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	content->mtime_ns = output.spec_ns;
	return store_value(fs->store, ref->sub, &content->text, NULL);
}

/* ---- grants ---- */

static int render_grants(struct fs *fs, const struct ref *ref, struct content *content)
{
	int64_t changed_ns = 0;
	int r = store_grants(fs->store, ref->object.id, &content->text, &changed_ns);

	common_raise_mtime(content, changed_ns);
	return r == -ENOENT ? 0 : r;
}

static int check_grants(const struct draft *draft, struct error *reterr)
{
	if (!text_is_utf8(draft->data, draft->len))
		return error_set(reterr, -EINVAL,
			"grants are text: tenant or tenant/service a line");
	return grants_check(draft->data, draft->len, reterr);
}

static int apply_grants(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	buf_add(&text, draft->data, draft->len);
	if (draft->len > 0 && draft->data[draft->len - 1] != '\n')
		buf_putc(&text, '\n');
	if (text.error)
		return error_oom(reterr);
	return txn_set_grants(txn, draft->ref->object.id, buf_string(&text), text.len);
}

#define SERVICE .kind = KIND_SERVICE
#define BASE    "{tenant}/services/{service}"
#define VIEW_DIR                                                                                   \
	.mode = 0750, .flags = ROW_DIR | ROW_VOLATILE | ROW_DERIVED, .find = find_view,            \
	.list = list_view
#define VIEW_FILE  .mode = 0440, .flags = ROW_VOLATILE
#define VIEW_ENTRY .mode = 0440, .flags = ROW_VOLATILE, .render = render_view
#define SECRET     .flags = ROW_VOLATILE | ROW_SECRETIVE, .render = render_view

const struct row rows_view[] = {
	{.number = ROW_PEERS,
		.path = BASE "/neighbors",
		SERVICE,
		VIEW_DIR,
		.help = "Services that this one may see."},
	{.number = ROW_PEER,
		.path = BASE "/neighbors/{peer}",
		SERVICE,
		VIEW_ENTRY,
		.help = "Healthy instances of the neighbor, one `address:port` a line."},
	{.number = ROW_RUNTIME,
		.path = BASE "/runtime",
		SERVICE,
		.mode = 0750,
		.flags = ROW_DIR | ROW_DERIVED,
		.help = "What the containers see at /duplo."},
	{.number = ROW_RUNTIME_SECRETS,
		.path = BASE "/runtime/secrets",
		SERVICE,
		.mode = 0700,
		.flags = ROW_DIR | ROW_VOLATILE | ROW_DERIVED,
		.find = find_view,
		.list = list_view,
		.help = "Secrets that the containers may read."},
	{.number = ROW_RUNTIME_SECRET,
		.path = BASE "/runtime/secrets/{secret}",
		SERVICE,
		.mode = 0400,
		SECRET,
		.help = "A secret."},
	{.number = ROW_RUNTIME_CONFIGS,
		.path = BASE "/runtime/config",
		SERVICE,
		VIEW_DIR,
		.help = "Configuration: the service's over the tenant's."},
	{.number = ROW_RUNTIME_CONFIG,
		.path = BASE "/runtime/config/{config}",
		SERVICE,
		VIEW_ENTRY,
		.help = "A configuration value."},
	{.number = ROW_RUNTIME_PEERS,
		.path = BASE "/runtime/neighbors",
		SERVICE,
		VIEW_DIR,
		.help = "Services that the containers may see."},
	{.number = ROW_RUNTIME_PEER,
		.path = BASE "/runtime/neighbors/{peer}",
		SERVICE,
		VIEW_ENTRY,
		.help = "Healthy instances of the neighbor."},
	{.number = ROW_RUNTIME_SELF,
		.path = BASE "/runtime/self.json",
		SERVICE,
		.mode = 0440,
		.flags = ROW_VOLATILE,
		.depends = CHANGE_SPEC | CHANGE_STATUS,
		.render = render_self,
		.help = "Who the containers are."},
	{.number = ROW_RUNTIME_JSON,
		.path = BASE "/runtime/neighbors.json",
		SERVICE,
		VIEW_FILE,
		.render = render_json,
		.help = "All neighbors at once: lists of `address:port` by name."},
	{.number = ROW_RUNTIME_HOSTS,
		.path = BASE "/runtime/hosts",
		SERVICE,
		VIEW_FILE,
		.render = render_hosts,
		.help = "The same as lines of an /etc/hosts."},
	{.number = ROW_RUNTIME_RESOURCES,
		.path = BASE "/runtime/resources",
		SERVICE,
		.mode = 0750,
		.flags = ROW_DIR | ROW_VOLATILE | ROW_DERIVED,
		.find = find_resource,
		.list = list_resources,
		.help = "Outputs of the tenant's resources."},
	{.number = ROW_RUNTIME_RESOURCE,
		.path = BASE "/runtime/resources/{resource}",
		SERVICE,
		.mode = 0750,
		.flags = ROW_DIR | ROW_VOLATILE | ROW_DERIVED,
		.find = find_output,
		.list = list_outputs,
		.help = "Outputs of one resource."},
	{.number = ROW_RUNTIME_OUTPUT,
		.path = BASE "/runtime/resources/{resource}/{output}",
		SERVICE,
		.mode = 0400,
		.flags = ROW_VOLATILE | ROW_SECRETIVE,
		.render = render_output,
		.help = "An output: endpoint, port, username, password, ..."},
	{.number = ROW_GRANTS,
		.path = BASE "/grants",
		SERVICE,
		.mode = 0640,
		.flags = ROW_DOCUMENT | ROW_UNLINK_CLEARS,
		.depends = CHANGE_GRANTS,
		.limit = VALUE_SIZE_MAX,
		.render = render_grants,
		.check = check_grants,
		.apply = apply_grants,
		.help = "Who else may see and reach it: `tenant` or `tenant/service` a line."},
	{.number = ROW_HISTORY,
		.path = BASE "/history",
		SERVICE,
		.mode = 0750,
		.flags = ROW_DIR | ROW_VOLATILE | ROW_DERIVED,
		.find = history_find,
		.list = history_list,
		.help = "Every accepted spec, by generation."},
	{.number = ROW_HISTORY_ENTRY,
		.path = BASE "/history/{generation}",
		SERVICE,
		.mode = 0440,
		.render = history_render,
		.measure = history_measure,
		.owner = history_owner,
		.help = "A spec that was accepted, owned by who wrote it; copy it to spec.json to "
			"go back."},
	{0},
};
