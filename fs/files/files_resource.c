/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "fs/files/common.h"
#include "fs/files/files_resource.h"
#include "fs/files/quota.h"
#include "model/resource.h"

/* What is there already bounds what may be wanted. */
static int check_change(const struct object *object, const struct resource_spec *spec,
	struct resource_spec **ret_before, struct error *reterr)
{
	int r;

	*ret_before = NULL;
	if (!object->spec)
		return 0;
	r = resource_spec_parse(object->spec, strlen(object->spec), object->name, ret_before, NULL);
	return r < 0 ? 0 : resource_spec_check_change(*ret_before, spec, reterr);
}

static int check_spec(const struct draft *draft, struct error *reterr)
{
	_cleanup_resource_spec_ struct resource_spec *spec = NULL, *before = NULL;
	_cleanup_object_ struct object object = OBJECT_INIT;
	int r = resource_spec_parse(draft->data, draft->len, draft->ref->object.name, &spec,
		reterr);

	if (r == 0)
		r = store_get(draft->fs->store, draft->ref->object.id, &object);
	if (r == 0)
		r = check_change(&object, spec, &before, reterr);
	return r < 0 ? r : quota_check_resource(draft->fs, &object, before, spec, reterr);
}

/* What holds data is protected from its first spec on. */
static int set_first(struct txn *txn, const struct object *object, const struct resource_spec *spec)
{
	if (object->generation > 0 || !resource_type_find(spec->type)->holds_data)
		return 0;
	return txn_set_protect(txn, object->id, true);
}

/* A new generation only when it means something else. */
static int set_text(struct txn *txn, const struct draft *draft, const struct object *object,
	const struct buf *text, struct error *reterr)
{
	_cleanup_resource_spec_ struct resource_spec *spec = NULL, *before = NULL;
	int r = resource_spec_parse(text->data, text->len, object->name, &spec, reterr);

	if (r == 0)
		r = check_change(object, spec, &before, reterr);
	if (r < 0)
		return r == -ENODATA ? -EINVAL : r;
	if (before && resource_spec_equal(before, spec))
		return common_keep_text(txn, object, text);
	r = quota_apply_resource(txn, draft->fs, object, before, spec, reterr);
	if (r == 0)
		r = set_first(txn, object, spec);
	return r < 0 ? r : txn_set_spec(txn, object->id, text->data, text->len, true, "", reterr);
}

static int apply_spec(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	return common_apply_spec(txn, draft, set_text, reterr);
}

/* ---- who names it ---- */

struct naming {
	const struct object *object;
	const char *type;
	struct error *error;
};

/* -EBUSY: this one does. */
static int find_name(void *arg, const struct object *other)
{
	const struct naming *naming = arg;
	_cleanup_resource_spec_ struct resource_spec *spec = NULL;
	const char *field;

	if (other->deleting || !other->spec ||
		resource_spec_parse(other->spec, strlen(other->spec), other->name, &spec, NULL) < 0)
		return 0;
	field = resource_spec_names(spec, naming->type, naming->object->name);
	if (!field)
		return 0;
	return error_set(naming->error, -EBUSY,
		"resource \"%s\" is the %s of \"%s\", a %s: give that another one, or remove it, "
		"first",
		naming->object->name, field, other->name, spec->type);
}

/* A function whose queue goes would fail. */
static int check_leave(struct txn *txn, const struct object *object, struct error *reterr)
{
	_cleanup_resource_spec_ struct resource_spec *spec = NULL;
	_cleanup_object_ struct object now = OBJECT_INIT;
	struct naming naming = {object, "", reterr};
	int r = txn_get(txn, object->id, &now);

	if (r < 0 || !now.spec ||
		resource_spec_parse(now.spec, strlen(now.spec), now.name, &spec, NULL) < 0)
		return 0;
	naming.type = spec->type;
	return txn_list(txn, object->tenant, KIND_RESOURCE, true, find_name, &naming);
}

/* ---- the directory of all ---- */

#define PLACE_NAMED (INT64_C(1) << 60)

struct walk {
	bool naming; /* those that may name others, or those that may be named */
	int result; /* what fn has said */
	entry_fn fn;
	void *arg;
};

static int list_one(void *arg, const struct object *object)
{
	_cleanup_resource_spec_ struct resource_spec *spec = NULL;
	struct walk *walk = arg;
	struct entry entry = {.name = object->name, .object = object->id, .place = object->id};
	bool naming = object->spec &&
		      resource_spec_parse(object->spec, strlen(object->spec), object->name, &spec,
			      NULL) == 0 &&
		      (spec->queue || spec->code_bucket);

	if (naming != walk->naming)
		return 0;
	entry.place += naming ? 0 : PLACE_NAMED;
	walk->result = walk->fn(walk->arg, &entry);
	return walk->result;
}

/* Who names others comes first: so rm -r removes it before what it names, which else would stay. */
static int list_resources(struct fs *fs, const struct ref *ref, int64_t after, entry_fn fn,
	void *arg)
{
	struct walk walk = {.naming = after < PLACE_NAMED, .fn = fn, .arg = arg};
	int64_t id = ref->object.id;
	int r = 0;

	if (walk.naming)
		r = store_list(fs->store, id, KIND_RESOURCE, after, true, list_one, &walk);
	if (r < 0 || walk.result != 0)
		return r;
	walk.naming = false;
	after = after > PLACE_NAMED ? after - PLACE_NAMED : 0;
	return store_list(fs->store, id, KIND_RESOURCE, after, true, list_one, &walk);
}

static void get_status(const struct object *object, struct resource_status *status)
{
	*status = (struct resource_status){0};
	if (object->status)
		(void)resource_status_parse(object->status, status);
}

struct output_list {
	struct fs *fs;
	struct content *content;
};

/* Secrets are in their files alone. */
static int add_output(void *arg, const struct object *output)
{
	_cleanup_buf_ struct buf value = BUF_INIT;
	struct output_list *list = arg;

	if (output->generation == 0 || resource_output_is_secret(output->name))
		return 0;
	if (store_value(list->fs->store, output->id, &value, NULL) == 0)
		common_line(list->content, output->name, "%.*s",
			(int)strcspn(buf_string(&value), "\n"), buf_string(&value));
	return 0;
}

static int render_status(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct output_list outputs = {fs, content};
	const struct object *object = &ref->object;
	struct resource_status status;

	get_status(object, &status);
	common_line(content, "resource", "%s", object->name);
	common_line(content, "type", "%s", status.type);
	common_phase(content, resource_phase_name(status.phase), status.since_ns);
	(void)store_list(fs->store, object->id, KIND_OUTPUT, 0, false, add_output, &outputs);
	common_generation(content, object);
	common_line(content, "message", "%s", status.message);
	return 0;
}

static int list_resource(struct common_list *list, const struct object *object)
{
	struct resource_status status;
	const char *phase;

	get_status(object, &status);
	phase = resource_phase_name(object->deleting ? RESOURCE_REMOVING : status.phase);
	if (list->array)
		return json_array_append_new(list->array,
			       json_pack("{s:s, s:s, s:s, s:b, s:s}", "Name", object->name, "Type",
				       status.type, "Phase", phase, "Removed",
				       (int)object->deleting, "Message", status.message)) < 0
			       ? -ENOMEM
			       : 0;
	if (list->count++ == 0)
		buf_printf(&list->content->text, "\n%-24s %-12s %s\n", "RESOURCE", "TYPE", "STATE");
	buf_printf(&list->content->text, "%-24s %-12s %s%s%s\n", object->name, status.type, phase,
		status.message[0] ? "  " : "", status.message);
	return 0;
}

int resource_render_list(struct fs *fs, const struct ref *tenant, struct content *content,
	json_t *array)
{
	struct common_list list = {.content = content, .array = array};

	return common_render_list(fs, tenant, KIND_RESOURCE, &list, list_resource);
}

static int render_output(struct fs *fs, const struct ref *ref, struct content *content)
{
	if (ref->object.generation == 0)
		return 0;
	return store_value(fs->store, ref->object.id, &content->text, NULL);
}

static int render_schema(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)ref;
	resource_schema_print(&content->text);
	common_raise_mtime(content, fs->started_ns);
	return 0;
}

#define RESOURCE .kind = KIND_RESOURCE
#define BASE     "{tenant}/resources/{resource}"

const struct row rows_resource[] = {
	{.number = ROW_RESOURCES,
		.path = "{tenant}/resources",
		.kind = KIND_TENANT,
		.mode = 0750,
		.flags = ROW_DIR | ROW_SCRATCHY,
		.child_kind = KIND_RESOURCE,
		.list = list_resources,
		.help = "Databases, buckets, queues: mkdir and a spec make one, rmdir removes it."},
	{.number = ROW_RESOURCE,
		.path = BASE,
		RESOURCE,
		.mode = 0750,
		.flags = ROW_DIR | ROW_OBJECT | ROW_SCRATCHY,
		.child_kind = KIND_OUTPUT,
		.leave = check_leave,
		.help = "Something that the cloud makes for the tenant's services."},
	{.number = 222,
		.path = BASE "/spec.json",
		RESOURCE,
		COMMON_SPEC,
		.check = check_spec,
		.apply = apply_spec,
		.help = "What is wanted. Fields: .platform/schema/resource.json."},
	{.number = 223, .path = BASE "/status", RESOURCE, COMMON_STATUS, .render = render_status},
	{.number = 224, .path = BASE "/status.json", RESOURCE, COMMON_STATUS_JSON},
	{.number = 225, .path = BASE "/events", RESOURCE, COMMON_EVENTS_OF_OBJECT},
	{.number = 226, .path = BASE "/last_error", RESOURCE, COMMON_LAST_ERROR},
	{.number = 227, .path = BASE "/wait", RESOURCE, COMMON_WAIT},
	{.number = 228, .path = BASE "/protect", RESOURCE, COMMON_PROTECT},
	{.number = 229,
		.path = BASE "/{output}",
		.kind = KIND_OUTPUT,
		.mode = 0400,
		.flags = ROW_SECRETIVE,
		.depends = CHANGE_SPEC,
		.render = render_output,
		.help = "What services need to use it: endpoint, port, username, password, url, "
			"arn and so on, as its type has them."},
	{.number = 230,
		.path = ".platform/schema/resource.json",
		.kind = KIND_PLATFORM,
		.mode = 0400,
		.flags = ROW_PRIVATE,
		.render = render_schema,
		.help = "JSON Schema of a resource's spec.json."},
	{0},
};
