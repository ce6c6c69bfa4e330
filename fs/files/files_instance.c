/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "fs/files/common.h"
#include "model/instance.h"

static int render_status_json(struct fs *fs, const struct ref *ref, struct content *content)
{
	const struct object *object = &ref->object;
	_cleanup_json_ json_t *spec = NULL;
	_cleanup_json_ json_t *status = NULL;

	(void)fs;
	spec = object->spec ? json_loads(object->spec, 0, NULL) : NULL;
	status = object->status ? json_loads(object->status, 0, NULL) : NULL;
	if (!spec)
		spec = json_object();
	if (!spec || (status && json_object_update(spec, status) < 0))
		return -ENOMEM;
	json_print(spec, JSON_INDENT(2), &content->text);
	buf_putc(&content->text, '\n');
	return 0;
}

static int render_address(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct instance_status status = {0};

	(void)fs;
	if (ref->object.status)
		(void)instance_status_parse(ref->object.status, &status);
	if (status.address[0])
		buf_printf(&content->text, "%s:%lld\n", status.address, (long long)status.port);
	return 0;
}

static int render_host(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct instance_spec spec = {0};

	(void)fs;
	if (ref->object.spec)
		(void)instance_spec_parse(ref->object.spec, &spec);
	if (spec.host[0])
		buf_printf(&content->text, "%s\n", spec.host);
	return 0;
}

/* ---- what is asked about the container ---- */

/* Each read asks anew: like a file of proc(5) it has no size, so that what copies a tree does not
 * see it change while it is copied. */
static int measure_answer(struct fs *fs, const struct ref *ref, int64_t *ret_size,
	int64_t *ret_mtime_ns)
{
	(void)fs;
	(void)ref;
	(void)ret_mtime_ns;
	*ret_size = 0;
	return 0;
}

/* The same for the same request: asked again by the kernel, or applied once more by the store, the
 * command is not run again. */
static int64_t command_id(const struct draft *draft)
{
	uint64_t token = draft->caller ? draft->caller->token : 0;

	return inquiry_id(token ^ draft->fs->mount_hash);
}

static int check_words(const char *text, struct error *reterr)
{
	_cleanup_json_ json_t *words = json_loads(text, 0, NULL);
	json_t *word;
	size_t i;

	if (!json_is_array(words) || json_array_size(words) == 0)
		return error_set(reterr, -EINVAL,
			"a command that begins with [ is a JSON array of words, [\"ls\",\"-l\"]");
	json_array_foreach(words, i, word)
	{
		if (!json_is_string(word))
			return error_set(reterr, -EINVAL, "word %zu is no string", i + 1);
	}
	return 0;
}

static int check_command(const struct draft *draft, struct error *reterr)
{
	const char *dir = draft->fs->inquiry_dir;
	int waiting = inquiry_waiting(dir, draft->ref->object.tenant);

	if (draft->len == 0)
		return error_set(reterr, -EINVAL, "a command is expected");
	if (waiting >= INQUIRY_OPEN_MAX &&
		inquiry_answered(dir, command_id(draft), NULL, NULL) == -ENOENT)
		return error_set(reterr, -EBUSY, "%d commands of this tenant are running already",
			waiting);
	return draft->data[0] == '[' ? check_words(draft->data, reterr) : 0;
}

static int apply_command(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	const struct object *object = &draft->ref->object;
	struct inquiry inquiry = {.id = command_id(draft),
		.type = INQUIRY_COMMAND,
		.tenant = object->tenant,
		.instance = object->id};
	int r = inquiry_ask(draft->fs->inquiry_dir, &inquiry, draft->data, draft->len, reterr);

	return r < 0 ? r : txn_tell(txn, object->id, CHANGE_ASKED);
}

#define INSTANCE .kind = KIND_INSTANCE
#define BASE     "{tenant}/services/{service}"

const struct row rows_instance[] = {
	{.number = ROW_INSTANCES,
		.path = BASE "/instances",
		.kind = KIND_SERVICE,
		.mode = 0750,
		.flags = ROW_DIR | ROW_DERIVED,
		.child_kind = KIND_INSTANCE,
		.help = "One directory a replica, named by its ordinal."},
	{.number = ROW_INSTANCE,
		.path = BASE "/instances/{instance}",
		INSTANCE,
		.mode = 0750,
		.flags = ROW_DIR | ROW_DERIVED,
		.help = "A replica."},
	{.number = 80,
		.path = BASE "/instances/{instance}/status.json",
		INSTANCE,
		.mode = 0440,
		.flags = ROW_TEXTS | ROW_POLLED,
		.depends = CHANGE_STATUS | CHANGE_SPEC,
		.render = render_status_json,
		.help = "How the replica is, for programs."},
	{.number = 81,
		.path = BASE "/instances/{instance}/address",
		INSTANCE,
		.mode = 0440,
		.flags = ROW_TEXTS,
		.depends = CHANGE_STATUS,
		.render = render_address,
		.help = "`address:port` of the container."},
	{.number = 82,
		.path = BASE "/instances/{instance}/host",
		INSTANCE,
		.mode = 0440,
		.flags = ROW_TEXTS,
		.depends = CHANGE_SPEC,
		.render = render_host,
		.help = "Host that it runs on."},
	{.number = 84,
		.path = BASE "/instances/{instance}/exec",
		INSTANCE,
		.mode = 0600,
		.flags = ROW_DIRECT | ROW_LINE | ROW_SECRETIVE,
		.asks = INQUIRY_COMMAND,
		.limit = INQUIRY_TEXT_MAX,
		.measure = measure_answer,
		.check = check_command,
		.apply = apply_command,
		.help = "Write a command line, read its output and exit status."},
	{.number = 85,
		.path = BASE "/instances/{instance}/stats",
		INSTANCE,
		.mode = 0440,
		.flags = ROW_DIRECT,
		.asks = INQUIRY_USAGE,
		.measure = measure_answer,
		.help = "What the container uses: processor, memory, network, processes."},
	{.number = 86,
		.path = BASE "/instances/{instance}/top",
		INSTANCE,
		.mode = 0440,
		.flags = ROW_DIRECT,
		.asks = INQUIRY_PROCESSES,
		.measure = measure_answer,
		.help = "The container's processes."},
	{0},
};
