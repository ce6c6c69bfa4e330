/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "fs/files/common.h"
#include "fs/files/files_host.h"
#include "fs/files/quota.h"
#include "model/host.h"

static int parse_old(const struct object *object, struct host_spec **ret)
{
	*ret = NULL;
	if (!object->spec)
		return 0;
	return host_spec_parse(object->spec, strlen(object->spec), object->name, ret, NULL);
}

/* An engine is all power over its machine: who may name one is the administrator alone. */
static int check_engine_owner(const struct draft *draft, const struct object *object,
	const struct host_spec *spec, struct error *reterr)
{
	_cleanup_host_spec_ struct host_spec *old = NULL;

	if (!draft->caller || draft->caller->uid == 0)
		return 0;
	(void)parse_old(object, &old);
	if (host_spec_same_engine(old, spec))
		return 0;
	return error_set(reterr, -EPERM,
		"Engine and Address are the administrator's to set: leave them as they are");
}

static void status_of(const struct object *object, struct host_status *status)
{
	*status = (struct host_status){.phase = HOST_NEW};
	if (object->status)
		(void)host_status_parse(object->status, status);
}

/* What it may become, beside what it is. */
static int check_change(const struct draft *draft, const struct object *object,
	const struct host_spec *old, const struct host_spec *spec, struct error *reterr)
{
	struct host_status status;
	int r = check_engine_owner(draft, object, spec, reterr);

	status_of(object, &status);
	return r < 0 ? r : host_spec_check_disk(old, spec, status.disk_gib, reterr);
}

static int check_spec(const struct draft *draft, struct error *reterr)
{
	_cleanup_host_spec_ struct host_spec *spec = NULL, *old = NULL;
	_cleanup_object_ struct object object = OBJECT_INIT;
	int r = host_spec_parse(draft->data, draft->len, draft->ref->object.name, &spec, reterr);

	if (r == 0)
		r = store_get(draft->fs->store, draft->ref->object.id, &object);
	if (r == 0)
		(void)parse_old(&object, &old);
	if (r == 0)
		r = check_change(draft, &object, old, spec, reterr);
	if (r < 0)
		return r;
	return quota_check_host(draft->fs, &object, old, spec, reterr);
}

/* A new generation only when it means something else. */
static int set_text(struct txn *txn, const struct draft *draft, const struct object *object,
	const struct buf *text, struct error *reterr)
{
	_cleanup_host_spec_ struct host_spec *spec = NULL, *old = NULL;
	int r = host_spec_parse(text->data, text->len, object->name, &spec, reterr);

	if (r == 0)
		(void)parse_old(object, &old);
	if (r == 0)
		r = check_change(draft, object, old, spec, reterr);
	if (r < 0)
		return r == -ENODATA ? -EINVAL : r;
	if (old && spec_equal(&host_type, old, spec, 0))
		return common_keep_text(txn, object, text);
	r = quota_apply_host(txn, draft->fs, object, old, spec, reterr);
	return r < 0 ? r : txn_set_spec(txn, object->id, text->data, text->len, true, "", reterr);
}

static int apply_spec(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	return common_apply_spec(txn, draft, set_text, reterr);
}

static void add_amounts(struct content *content, const char *name, int64_t cpu_milli,
	int64_t memory_mib)
{
	if (cpu_milli || memory_mib)
		common_line(content, name, "CPU %lld.%03lld, MemoryMiB %lld",
			(long long)cpu_milli / 1000, (long long)cpu_milli % 1000,
			(long long)memory_mib);
}

static int render_status(struct fs *fs, const struct ref *ref, struct content *content)
{
	const struct object *object = &ref->object;
	struct host_status status;
	char tried[32];

	(void)fs;
	status_of(&ref->object, &status);
	common_line(content, "host", "%s", object->name);
	common_phase(content, host_phase_name(status.phase), status.since_ns);
	common_line(content, "address", "%s", status.address);
	common_line(content, "machine", "%s", status.machine);
	common_line(content, "engine", "%s", status.engine);
	add_amounts(content, "capacity", status.cpu_milli, status.memory_mib);
	if (status.disk_gib)
		common_line(content, "disk", "%lld GiB, gp3", (long long)status.disk_gib);
	add_amounts(content, "reserved", status.cpu_milli_reserved, status.memory_mib_reserved);
	common_line(content, "instances", "%lld", (long long)status.instances);
	common_generation(content, object);
	common_line(content, "message", "%s", status.message);
	common_line(content, "warning", "%s", status.warning);
	if (status.tries > 1) {
		clock_format_utc(status.tried_ns, tried, sizeof(tried));
		common_line(content, "tried", "%lld times, last at %s", (long long)status.tries,
			tried);
	}
	return 0;
}

static int list_host(struct common_list *list, const struct object *object)
{
	struct host_status status = {0};
	const char *phase, *words;

	if (object->status)
		(void)host_status_parse(object->status, &status);
	words = status.warning[0] ? status.warning : status.message;
	phase = host_phase_name(object->deleting ? HOST_DRAINING : status.phase);
	if (list->array)
		return json_array_append_new(list->array,
			       json_pack("{s:s, s:s, s:I, s:b}", "Name", object->name, "Phase",
				       phase, "Instances", (json_int_t)status.instances, "Removed",
				       (int)object->deleting)) < 0
			       ? -ENOMEM
			       : 0;
	if (list->count++ == 0)
		buf_printf(&list->content->text, "\n%-24s %-12s %s\n", "HOST", "STATE",
			"INSTANCES");
	buf_printf(&list->content->text, "%-24s %-12s %lld%s%s%s\n", object->name, phase,
		(long long)status.instances, object->deleting ? ", removed" : "",
		*words ? "  " : "", words);
	return 0;
}

int host_render_list(struct fs *fs, const struct ref *tenant, struct content *content,
	json_t *array)
{
	struct common_list list = {.content = content, .array = array};

	return common_render_list(fs, tenant, KIND_HOST, &list, list_host);
}

static int render_address(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct host_status status;

	(void)fs;
	status_of(&ref->object, &status);
	if (status.address[0])
		buf_printf(&content->text, "%s\n", status.address);
	return 0;
}

static int render_schema(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)ref;
	spec_schema_print(&host_type, &content->text);
	common_raise_mtime(content, fs->started_ns);
	return 0;
}

#define HOST .kind = KIND_HOST
#define BASE "{tenant}/hosts/{host}"

const struct row rows_host[] = {
	{.number = ROW_HOSTS,
		.path = "{tenant}/hosts",
		.kind = KIND_TENANT,
		.mode = 0750,
		.flags = ROW_DIR | ROW_SCRATCHY,
		.child_kind = KIND_HOST,
		.help = "Machines of the tenant's own: mkdir makes one, rmdir drains and removes "
			"it."},
	{.number = ROW_HOST,
		.path = BASE,
		HOST,
		.mode = 0750,
		.flags = ROW_DIR | ROW_OBJECT | ROW_SCRATCHY,
		.help = "A machine that the tenant's containers run on."},
	{.number = 152,
		.path = BASE "/spec.json",
		HOST,
		COMMON_SPEC,
		.check = check_spec,
		.apply = apply_spec,
		.help = "What is wanted of the machine. Fields: .platform/schema/host.json."},
	{.number = 153, .path = BASE "/status", HOST, COMMON_STATUS, .render = render_status},
	{.number = 154, .path = BASE "/status.json", HOST, COMMON_STATUS_JSON},
	{.number = 155, .path = BASE "/events", HOST, COMMON_EVENTS_OF_OBJECT},
	{.number = 156, .path = BASE "/last_error", HOST, COMMON_LAST_ERROR},
	{.number = 157, .path = BASE "/wait", HOST, COMMON_WAIT},
	{.number = 158, .path = BASE "/protect", HOST, COMMON_PROTECT},
	{.number = 159,
		.path = BASE "/address",
		HOST,
		.mode = 0440,
		.flags = ROW_TEXTS,
		.depends = CHANGE_STATUS,
		.render = render_address,
		.help = "Where its ports are reached."},
	{.number = 160,
		.path = ".platform/schema/host.json",
		.kind = KIND_PLATFORM,
		.mode = 0400,
		.flags = ROW_PRIVATE,
		.render = render_schema,
		.help = "JSON Schema of a host's spec.json."},
	{0},
};
