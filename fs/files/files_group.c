/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of tenants: their policy, their use, and the file that puts a tenant into one. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "billing/quote.h"
#include "fs/files/common.h"
#include "model/group_policy.h"
#include "store/group.h"

/* ---- policy.json ---- */

static int render_policy(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)fs;
	if (ref->object.spec)
		buf_puts(&content->text, ref->object.spec);
	return 0;
}

static int check_policy(const struct draft *draft, struct error *reterr)
{
	_cleanup_group_policy_ struct group_policy *policy = NULL;

	return group_policy_parse(draft->data, draft->len, draft->ref->object.name, &policy,
		reterr);
}

static bool means_the_same(const struct object *group, const struct group_policy *policy)
{
	_cleanup_group_policy_ struct group_policy *now = NULL;

	return group->spec &&
	       group_policy_parse(group->spec, strlen(group->spec), group->name, &now, NULL) == 0 &&
	       spec_equal(&group_policy_type, now, policy, 0);
}

static int apply_policy(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	_cleanup_group_policy_ struct group_policy *policy = NULL;
	_cleanup_object_ struct object group = OBJECT_INIT;
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = txn_get(txn, draft->ref->object.id, &group);

	buf_add(&text, draft->data, draft->len);
	if (text.len == 0 || text.data[text.len - 1] != '\n')
		buf_putc(&text, '\n');
	if (r == 0)
		r = text.error
			    ? error_oom(reterr)
			    : group_policy_parse(text.data, text.len, group.name, &policy, reterr);
	if (r < 0)
		return r;
	if (means_the_same(&group, policy))
		return txn_set_spec_text(txn, group.id, text.data, text.len);
	return txn_set_spec(txn, group.id, text.data, text.len, false, "", reterr);
}

/* ---- status: what is used of what is allowed ---- */

struct members {
	struct content *content;
	int64_t count;
};

static int add_member(void *arg, const struct object *tenant)
{
	struct members *members = arg;

	members->count++;
	common_line(members->content, "tenant", "%s", tenant->name);
	return 0;
}

static void put_use(struct content *content, const char *name, int64_t used, int64_t limit,
	int64_t unit)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%.10g", (double)used / (double)unit);
	if (limit == GROUP_NO_LIMIT)
		common_line(content, name, "%s, no limit", text);
	else
		common_line(content, name, "%s of %.10g%s", text, (double)limit / (double)unit,
			used > limit ? ", above its limit: nothing may grow" : "");
}

static int put_count(struct fs *fs, const struct ref *ref, const struct group_policy *policy,
	const char *name, enum kind kind, struct content *content)
{
	int64_t count = 0;
	int r = store_group_count(fs->store, ref->object.id, kind, &count);

	if (r == 0)
		put_use(content, name, count, group_policy_count_limit(policy, kind), 1);
	return r;
}

/* By the price table, whatever runs of it. */
static int put_cost(struct fs *fs, const struct ref *ref, const struct group_policy *policy,
	struct content *content)
{
	_cleanup_quote_ struct quote quote = {0};
	_cleanup_buf_ struct buf cost = BUF_INIT;
	struct wanted_sum sum;
	int r = quote_begin(&quote, fs->store, NULL);

	if (r == 0)
		r = store_wanted(fs->store, WANTED_GROUP, ref->object.id, &sum);
	if (r < 0)
		return r;
	money_print(&cost, quote_sum(&quote, &sum) * QUOTE_MONTH_HOURS, 2);
	if (policy->max_cost_milli != GROUP_NO_LIMIT) {
		buf_puts(&cost, " of ");
		money_print(&cost, policy->max_cost_milli * (MONEY_ONE / 1000), 2);
	}
	common_line(content, "cost", "%s %s a month", buf_string(&cost),
		prices_currency(quote.prices));
	return 0;
}

static int render_status(struct fs *fs, const struct ref *ref, struct content *content)
{
	static const struct group_policy unlimited = {
		.max_services = GROUP_NO_LIMIT,
		.max_replicas = GROUP_NO_LIMIT,
		.max_hosts = GROUP_NO_LIMIT,
		.max_resources = GROUP_NO_LIMIT,
		.max_cpu_milli = GROUP_NO_LIMIT,
		.max_memory_mib = GROUP_NO_LIMIT,
		.max_cost_milli = GROUP_NO_LIMIT,
	};
	_cleanup_group_policy_ struct group_policy *own = NULL;
	const struct object *group = &ref->object;
	struct members members = {content, 0};
	const struct group_policy *policy;
	struct reserve used;
	int r = 0;

	if (group->spec)
		r = group_policy_parse(group->spec, strlen(group->spec), group->name, &own, NULL);
	policy = own ? own : &unlimited;
	common_line(content, "group", "%s", group->name);
	if (r == 0)
		r = store_group_use(fs->store, group->id, &used);
	if (r < 0)
		return r;
	put_use(content, "replicas", used.replicas, policy->max_replicas, 1);
	put_use(content, "cpu", used.cpu_milli, policy->max_cpu_milli, 1000);
	put_use(content, "memory MiB", used.memory_mib, policy->max_memory_mib, 1);
	r = put_count(fs, ref, policy, "services", KIND_SERVICE, content);
	if (r == 0)
		r = put_count(fs, ref, policy, "hosts", KIND_HOST, content);
	if (r == 0)
		r = put_count(fs, ref, policy, "resources", KIND_RESOURCE, content);
	if (r == 0)
		r = put_cost(fs, ref, policy, content);
	return r < 0 ? r : store_group_tenants(fs->store, group->id, add_member, &members);
}

static int render_schema(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)ref;
	spec_schema_print(&group_policy_type, &content->text);
	common_raise_mtime(content, fs->started_ns);
	return 0;
}

/* ---- a tenant's group ---- */

static int render_group(struct fs *fs, const struct ref *ref, struct content *content)
{
	_cleanup_group_state_ struct group_state state = {0};
	int r = store_group(fs->store, ref->object.id, &state);

	if (r == 0)
		buf_printf(&content->text, "%s\n", state.name);
	return r;
}

static bool group_begins(const struct row *row, const char *text)
{
	char more[OBJECT_NAME_MAX + 2];

	(void)row;
	(void)snprintf(more, sizeof(more), "%sa", text);
	return text_is_label(text) || text_is_label(more);
}

static int check_group(const struct draft *draft, struct error *reterr)
{
	_cleanup_object_ struct object group = OBJECT_INIT;
	int r = 0;

	/* Who may not write it is not told which groups there are. */
	if (draft->caller && draft->caller->uid != 0)
		return 0;
	if (draft->len > 0)
		r = draft->len > OBJECT_NAME_MAX ? -ENOENT
						 : store_peek_name(draft->fs->store, PLATFORM_ID,
							   KIND_GROUP, draft->data, &group);
	return r == -ENOENT ? error_set(reterr, -EINVAL,
				      "there is no group \"%.64s\": mkdir .platform/groups/%.64s "
				      "makes one",
				      draft->data, draft->data)
			    : r;
}

/* The kernel lets the tenant's owner put another file in the place of this one: that is no right to
 * choose the policy. What says the same again, as copies do, is let through. */
static int apply_group(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	_cleanup_group_state_ struct group_state state = {0};
	_cleanup_object_ struct object group = OBJECT_INIT;
	int64_t id = draft->ref->object.id;
	int r = txn_group(txn, id, &state);

	if (r < 0 || strcmp(state.name, draft->data) == 0)
		return r;
	if (!draft->caller || draft->caller->uid != 0)
		return error_set(reterr, -EPERM, "a tenant's group is written by root alone");
	if (draft->len > 0)
		r = txn_find(txn, PLATFORM_ID, KIND_GROUP, draft->data, &group);
	if (r == -ENOENT)
		return error_set(reterr, -EINVAL, "there is no group \"%.64s\"", draft->data);
	return r < 0 ? r : txn_set_group(txn, id, group.id);
}

/* The tenant's, as all else, so that its owner may bring a copy back; but for root to write. */
static int group_owner(struct fs *fs, const struct ref *ref, struct stat *st)
{
	(void)fs;
	(void)ref;
	st->st_mode &= ~(mode_t)0222;
	return 0;
}

#define GROUP .kind = KIND_GROUP
#define BASE  ".platform/groups/{group}"

const struct row rows_group[] = {
	{.number = 104,
		.path = ".platform/groups",
		.kind = KIND_PLATFORM,
		.mode = 0700,
		.flags = ROW_DIR | ROW_PRIVATE,
		.child_kind = KIND_GROUP,
		.help = "One directory a group of tenants: mkdir makes one, rmdir deletes it."},
	{.number = 105,
		.path = BASE,
		GROUP,
		.mode = 0700,
		.flags = ROW_DIR | ROW_OBJECT | ROW_SCRATCHY,
		.help = "A group: tenants whose file group names it keep to its policy."},
	{.number = 106,
		.path = BASE "/policy.json",
		GROUP,
		.mode = 0600,
		.flags = ROW_TEXTS | ROW_DOCUMENT,
		.depends = CHANGE_SPEC,
		.limit = SPEC_SIZE_MAX,
		.render = render_policy,
		.check = check_policy,
		.apply = apply_policy,
		.help = "Quotas and what is allowed. Fields: .platform/schema/group.json."},
	{.number = 107,
		.path = BASE "/last_error",
		GROUP,
		.mode = 0400,
		.flags = ROW_TEXTS,
		.depends = CHANGE_ERROR,
		.render = common_render_last_error,
		.help = "Why the last write was refused."},
	{.number = 108,
		.path = BASE "/status",
		GROUP,
		.mode = 0400,
		.flags = ROW_TEXTS | ROW_VOLATILE,
		.render = render_status,
		.help = "What its tenants use of what they may, and who they are."},
	{.number = 109,
		.path = "{tenant}/group",
		.kind = KIND_TENANT,
		.mode = 0640,
		.flags = ROW_LINE | ROW_VOLATILE,
		.limit = LINE_SIZE_MAX,
		.render = render_group,
		.check = check_group,
		.begins = group_begins,
		.apply = apply_group,
		.owner = group_owner,
		.help = "Name of the group whose policy holds; written by root."},
	{.number = 110,
		.path = ".platform/schema/group.json",
		.kind = KIND_PLATFORM,
		.mode = 0400,
		.flags = ROW_PRIVATE,
		.render = render_schema,
		.help = "JSON Schema of a group's policy.json."},
	{0},
};
