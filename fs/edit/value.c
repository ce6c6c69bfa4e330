/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/value.h"

#include <errno.h>

#include "fs/edit/commit.h"
#include "fs/edit/record.h"

struct creation {
	int64_t parent;
	enum kind kind;
	const char *name;
};

static int create(struct txn *txn, void *arg, struct error *reterr)
{
	const struct creation *creation = arg;
	int64_t id;

	return txn_create(txn, creation->parent, creation->kind, creation->name, &id, reterr);
}

int value_make(struct fs *fs, const struct ref *directory, const char *name, struct ref *ret)
{
	struct creation creation = {directory->object.id, directory->row->child_kind, name};
	struct error error = ERROR_INIT;
	int r = store_update(fs->store, STORE_RELAXED, NULL, create, &creation, &error);

	if (r < 0 && r != -EEXIST) {
		commit_refuse(fs, directory, name, NULL, r, &error);
		return r;
	}
	return ref_child(fs, directory, name, ret);
}

static int delete (struct txn *txn, void *arg, struct error *reterr)
{
	return txn_delete(txn, *(const int64_t *)arg, reterr);
}

void value_unmake(struct fs *fs, struct ref *ref)
{
	if (ref_reload(fs, ref) == 0 && ref->object.generation == 0)
		(void)store_update(fs->store, STORE_RELAXED, NULL, delete, &ref->object.id, NULL);
}

int value_delete(struct fs *fs, const struct ref *ref, const struct caller *caller,
	struct error *reterr)
{
	_cleanup_record_ struct record record = RECORD_INIT;
	int64_t id = ref->object.id;

	if (caller) {
		record_fill(&record, fs, caller, ref, NULL);
		record.caller.operation = "unlink";
		caller = &record.caller;
	}
	return store_update(fs->store, STORE_DURABLE, caller, delete, &id, reterr);
}

/* ---- rows ---- */

static int render_value(struct fs *fs, const struct ref *ref, struct content *content)
{
	if (ref->object.generation == 0)
		return 0;
	return store_value(fs->store, ref->object.id, &content->text, NULL);
}

static int measure_value(struct fs *fs, const struct ref *ref, int64_t *ret_size,
	int64_t *ret_mtime_ns)
{
	(void)fs;
	(void)ret_mtime_ns;
	*ret_size = ref->object.value_size;
	return 0;
}

static int apply_value(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	return txn_set_value(txn, draft->ref->object.id, draft->data, draft->len, reterr);
}

#define VALUE                                                                                      \
	.depends = CHANGE_SPEC, .limit = VALUE_SIZE_MAX, .render = render_value,                   \
	.measure = measure_value, .apply = apply_value

const struct row rows_value[] = {
	{.number = ROW_SECRETS,
		.path = "{tenant}/secrets",
		.mode = 0700,
		.kind = KIND_TENANT,
		.flags = ROW_DIR | ROW_SCRATCHY,
		.child_kind = KIND_SECRET,
		.help = "Secrets of the tenant, sealed at rest; create, write, read and remove."},
	{.number = ROW_SECRET,
		.path = "{tenant}/secrets/{secret}",
		.kind = KIND_SECRET,
		VALUE,
		.mode = 0600,
		.flags = ROW_VALUE | ROW_SECRETIVE,
		.help = "A secret: any bytes, up to 64 KiB."},
	{.number = ROW_TENANT_CONFIGS,
		.path = "{tenant}/config",
		.mode = 0750,
		.kind = KIND_TENANT,
		.flags = ROW_DIR | ROW_SCRATCHY,
		.child_kind = KIND_CONFIG,
		.help = "Configuration of all the tenant's services."},
	{.number = ROW_TENANT_CONFIG,
		.path = "{tenant}/config/{config}",
		.kind = KIND_CONFIG,
		VALUE,
		.mode = 0640,
		.flags = ROW_VALUE,
		.help = "A configuration value: any bytes, up to 64 KiB."},
	{.number = ROW_SERVICE_CONFIGS,
		.path = "{tenant}/services/{service}/config",
		.mode = 0750,
		.kind = KIND_SERVICE,
		.flags = ROW_DIR | ROW_SCRATCHY,
		.child_kind = KIND_CONFIG,
		.help = "Configuration of this service alone, over the tenant's."},
	{.number = ROW_SERVICE_CONFIG,
		.path = "{tenant}/services/{service}/config/{config}",
		.kind = KIND_CONFIG,
		VALUE,
		.mode = 0640,
		.flags = ROW_VALUE,
		.help = "A configuration value: any bytes, up to 64 KiB."},
	{0},
};
