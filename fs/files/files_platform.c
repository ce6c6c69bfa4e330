/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "fs/files/common.h"
#include "model/service.h"
#include "store/garbage.h"
#include "store/rotate.h"

static int render_readme(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)fs;
	(void)ref;
	buf_puts(&content->text,
		"Write what you want, read what is.\n"
		"\n"
		"  mkdir TENANT                            an account for a team (chown it to "
		"them)\n"
		"  mkdir TENANT/services/NAME              a service\n"
		"  echo "
		"'{\"DockerImage\":\"nginx:latest\",\"Replicas\":\"3\",\"ExternalLBPort\":\"80\"}' "
		"\\\n"
		"       > TENANT/services/NAME/spec.json   deploy it\n"
		"  cat TENANT/services/NAME/wait           until it runs; EIO: last_error says why "
		"not\n"
		"  cat TENANT/services/NAME/status         and url, events, instances/, logs/\n"
		"  echo 5 > TENANT/services/NAME/replicas  also image, dns: views on spec.json\n"
		"  echo pause > TENANT/services/NAME/rollout   also resume, rollback, restart\n"
		"  cp TENANT/services/NAME/history/1 TENANT/services/NAME/spec.json   go back\n"
		"  edit TENANT/services/NAME/spec.next     stage a spec; cat plan: what it would "
		"do;\n"
		"                                          mv spec.next spec.json applies it\n"
		"  echo VALUE > TENANT/secrets/KEY         containers read it at "
		"/duplo/secrets/KEY\n"
		"  echo VALUE > TENANT/config/KEY          or services/NAME/config/KEY for one "
		"service\n"
		"  rmdir TENANT/services/NAME              undeploy (rm -r works, too)\n"
		"\n"
		"A write that is refused changes nothing and leaves its reason in last_error.\n");
	return 0;
}

/* What the platform's reconcilers say of themselves: a line each; flags are for programs. */
static void render_members(const char *text, struct content *content)
{
	_cleanup_json_ json_t *status = text ? json_loads(text, 0, NULL) : NULL;
	const char *key;
	json_t *value;

	json_object_foreach(status, key, value)
	{
		char word[64] = "";

		for (size_t i = 0; key[i] && i < sizeof(word) - 1; i++)
			word[i] = (char)tolower((unsigned char)key[i]);
		if (json_is_string(value) && json_string_length(value) > 0)
			common_line(content, word, "%s", json_string_value(value));
		else if (json_is_integer(value))
			common_line(content, word, "%lld", (long long)json_integer_value(value));
	}
}

static int render_status(struct fs *fs, const struct ref *ref, struct content *content)
{
	char since[32];
	int64_t tenants = 0;
	int r = store_count(fs->store, PLATFORM_ID, KIND_TENANT, &tenants);

	if (r < 0)
		return r;
	clock_format_utc(fs->started_ns, since, sizeof(since));
	common_line(content, "version", "duplofs %s", DUPLOFS_VERSION);
	common_line(content, "platform", "%s", store_platform(fs->store));
	common_line(content, "cloud", "%s%s", fs->cloud,
		strcmp(fs->cloud, "simulated") == 0
			? " (nothing runs: every change is accepted and forgotten)"
		: strcmp(fs->cloud, "aws") == 0
			? " (tenants have their security groups, role, instance profile and key "
			  "pair in "
			  "AWS, and hosts, load balancers, names and resources)"
			: "");
	common_line(content, "serving", "since %s", since);
	common_line(content, "tenants", "%lld", (long long)tenants);
	render_members(ref->object.status, content);
	common_raise_mtime(content, fs->started_ns);
	common_raise_mtime(content, ref->object.children_ns);
	return 0;
}

static int render_status_json(struct fs *fs, const struct ref *ref, struct content *content)
{
	_cleanup_json_ json_t *known = NULL;
	_cleanup_json_ json_t *status = NULL;
	int64_t tenants = 0;
	int r = store_count(fs->store, PLATFORM_ID, KIND_TENANT, &tenants);

	if (r < 0)
		return r;
	known = json_pack("{s:s, s:s, s:s, s:s, s:I}", "Version", DUPLOFS_VERSION, "Platform",
		store_platform(fs->store), "Cloud", fs->cloud, "State", fs->state_dir, "Tenants",
		(json_int_t)tenants);
	status = ref->object.status ? json_loads(ref->object.status, 0, NULL) : NULL;
	if (!known || (json_is_object(status) && json_object_update(known, status) < 0))
		return -ENOMEM;
	json_print(known, JSON_INDENT(2), &content->text);
	buf_putc(&content->text, '\n');
	common_raise_mtime(content, fs->started_ns);
	common_raise_mtime(content, ref->object.children_ns);
	return 0;
}

static int render_version(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)ref;
	buf_puts(&content->text, "duplofs " DUPLOFS_VERSION "\n");
	common_raise_mtime(content, fs->started_ns);
	return 0;
}

static int render_audit(struct fs *fs, const struct ref *ref, struct content *content)
{
	int64_t size, wall_ns = 0;
	int r = store_audit_stat(fs->store, &size, &wall_ns);

	(void)ref;
	common_raise_mtime(content, wall_ns);
	return r < 0 ? r : store_audit(fs->store, &content->text);
}

static int measure_audit(struct fs *fs, const struct ref *ref, int64_t *ret_size,
	int64_t *ret_mtime_ns)
{
	int64_t wall_ns = 0;
	int r = store_audit_stat(fs->store, ret_size, &wall_ns);

	(void)ref;
	*ret_mtime_ns = wall_ns > *ret_mtime_ns ? wall_ns : *ret_mtime_ns;
	return r;
}

static int render_garbage(struct fs *fs, const struct ref *ref, struct content *content)
{
	int64_t changed_ns = 0;
	int r = store_garbage(fs->store, &content->text, &changed_ns);

	(void)ref;
	common_raise_mtime(content, changed_ns);
	return r;
}

static int render_schema(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)ref;
	spec_schema_print(&service_type, &content->text);
	common_raise_mtime(content, fs->started_ns);
	return 0;
}

/* ---- keys ---- */

static const char *const phases[] = {
	[ROTATION_MASTER_MAKE] = "making a master key",
	[ROTATION_MASTER_WRAP] = "sealing the tenants' keys anew",
	[ROTATION_MASTER_DROP] = "removing the old master key",
	[ROTATION_TENANT_MAKE] = "making keys of tenants",
	[ROTATION_VALUE_SEAL] = "sealing secrets anew",
	[ROTATION_TENANT_DROP] = "removing old keys of tenants",
};

static int render_rotate(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct rotation rotation;
	int r = store_rotation(fs->store, &rotation);
	bool runs = r == 0 && rotation.phase != ROTATION_IDLE;
	char time[32];

	(void)ref;
	if (r < 0)
		return r;
	common_line(content, "rotation", "%s",
		runs            ? phases[rotation.phase]
		: rotation.what ? "finished"
				: "never");
	common_line(content, "master", "version %lld", (long long)rotation.master);
	if (!rotation.what)
		return 0;
	common_line(content, "what", "%s", rotation_word(rotation.what));
	clock_format_utc(rotation.started_ns, time, sizeof(time));
	common_line(content, "started", "%s", time);
	clock_format_utc(rotation.finished_ns, time, sizeof(time));
	common_line(content, "finished", "%s", runs ? "" : time);
	common_line(content, "keys", "%lld sealed anew", (long long)rotation.keys);
	common_line(content, "secrets", "%lld sealed anew", (long long)rotation.values);
	if (rotation.damaged)
		common_line(content, "damaged", "%lld left as they are",
			(long long)rotation.damaged);
	common_raise_mtime(content, runs ? clock_wall_ns() : rotation.finished_ns);
	return 0;
}

static int check_rotate(const struct draft *draft, struct error *reterr)
{
	struct rotation rotation;

	if (!rotation_parse(draft->data))
		return error_set(reterr, -EINVAL,
			"rotate takes \"master\", \"tenants\" or \"all\"");
	/* Said at once, where a shell sees it; txn_rotate says it again where it counts. */
	if (store_rotation(draft->fs->store, &rotation) == 0 && rotation.phase != ROTATION_IDLE)
		return error_set(reterr, -EBUSY, "a rotation is under way: let it end first");
	return 0;
}

static bool rotate_begins(const struct row *row, const char *text)
{
	const char *const words[] = {rotation_word(ROTATE_MASTER), rotation_word(ROTATE_TENANTS),
		rotation_word(ROTATE_ALL), NULL};

	(void)row;
	return common_begins_word(words, text);
}

static int apply_rotate(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	return txn_rotate(txn, rotation_parse(draft->data), reterr);
}

#define PLATFORM .kind = KIND_PLATFORM

const struct row rows_platform[] = {
	{.number = ROW_ROOT,
		.path = "",
		PLATFORM,
		.mode = 0755,
		.flags = ROW_DIR,
		.child_kind = KIND_TENANT,
		.help = "One directory a tenant: mkdir makes one, rmdir deletes it."},
	{.number = 2,
		.path = "README",
		PLATFORM,
		.mode = 0444,
		.render = render_readme,
		.help = "How to use this tree, in one screen."},
	{.number = 3,
		.path = ".platform",
		PLATFORM,
		.mode = 0700,
		.flags = ROW_DIR | ROW_PRIVATE,
		.help = "The administrator's room."},
	{.number = 4,
		.path = ".platform/status",
		PLATFORM,
		.mode = 0400,
		.flags = ROW_PRIVATE | ROW_TEXTS | ROW_VOLATILE | ROW_POLLED,
		.depends = CHANGE_STATUS,
		.render = render_status,
		.help = "The platform's state, for people."},
	{.number = 5,
		.path = ".platform/status.json",
		PLATFORM,
		.mode = 0400,
		.flags = ROW_PRIVATE | ROW_TEXTS | ROW_VOLATILE,
		.depends = CHANGE_STATUS,
		.render = render_status_json,
		.help = "The platform's state, for programs."},
	{.number = 6,
		.path = ".platform/version",
		PLATFORM,
		.mode = 0400,
		.flags = ROW_PRIVATE,
		.render = render_version,
		.help = "Version of the running platform."},
	{.number = 7,
		.path = ".platform/events",
		PLATFORM,
		COMMON_EVENTS,
		.mode = 0400,
		.flags = ROW_PRIVATE | ROW_VOLATILE | ROW_POLLED,
		.depends = CHANGE_EVENTS},
	{.number = ROW_AUDIT,
		.path = ".platform/audit",
		PLATFORM,
		.mode = 0400,
		.flags = ROW_PRIVATE | ROW_VOLATILE,
		.render = render_audit,
		.measure = measure_audit,
		.help = "Who did or tried what, a line each, newest last; 5000 of each user."},
	{.number = 178,
		.path = ".platform/garbage",
		PLATFORM,
		.mode = 0400,
		.flags = ROW_PRIVATE | ROW_VOLATILE,
		.render = render_garbage,
		.help = "What was found in the cloud's account that is nobody's, and what became "
			"of it."},
	{.number = 8,
		.path = ".platform/schema",
		PLATFORM,
		.mode = 0700,
		.flags = ROW_DIR | ROW_PRIVATE,
		.help = "JSON Schema of each spec, for editors and CI."},
	{.number = 9,
		.path = ".platform/schema/service.json",
		PLATFORM,
		.mode = 0400,
		.flags = ROW_PRIVATE,
		.render = render_schema,
		.help = "JSON Schema of a service's spec.json."},
	{.number = 140,
		.path = ".platform/keys",
		PLATFORM,
		.mode = 0700,
		.flags = ROW_DIR | ROW_PRIVATE,
		.help = "The keys that secrets are sealed under."},
	{.number = 141,
		.path = ".platform/keys/rotate",
		PLATFORM,
		.mode = 0600,
		.flags = ROW_PRIVATE | ROW_VOLATILE | ROW_LINE,
		.depends = CHANGE_FLAGS,
		.limit = 64,
		.render = render_rotate,
		.check = check_rotate,
		.begins = rotate_begins,
		.apply = apply_rotate,
		.help = "Takes `master`, `tenants` or `all`: new keys, while everything goes on."},
	{0},
};
