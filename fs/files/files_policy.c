/* SPDX-License-Identifier: Apache-2.0 */
/* The administrator's policy: the platform object's spec, and every one that was accepted. */
#include <errno.h>
#include <string.h>

#include "fs/files/common.h"
#include "fs/files/history.h"
#include "model/policy.h"

static int render_policy(struct fs *fs, const struct ref *ref, struct content *content)
{
	(void)fs;
	if (ref->object.spec)
		buf_puts(&content->text, ref->object.spec);
	return 0;
}

static int check_policy(const struct draft *draft, struct error *reterr)
{
	_cleanup_policy_ struct policy *policy = NULL;

	return policy_parse(draft->data, draft->len, &policy, reterr);
}

static int apply_policy(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	_cleanup_object_ struct object platform = OBJECT_INIT;
	_cleanup_policy_ struct policy *policy = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = policy_parse(draft->data, draft->len, &policy, reterr);

	if (r < 0)
		return r == -ENODATA ? -EINVAL : r;
	r = txn_get(txn, PLATFORM_ID, &platform);
	if (r < 0)
		return r;
	buf_add(&text, draft->data, draft->len);
	if (draft->data[draft->len - 1] != '\n')
		buf_putc(&text, '\n');
	if (text.error)
		return error_oom(reterr);
	if (platform.spec && strcmp(platform.spec, text.data) == 0)
		return txn_set_spec_text(txn, PLATFORM_ID, text.data, text.len);
	return txn_set_spec(txn, PLATFORM_ID, text.data, text.len, false, "", reterr);
}

#define PLATFORM .kind = KIND_PLATFORM

const struct row rows_policy[] = {
	{.number = 170,
		.path = ".platform/policy",
		PLATFORM,
		.mode = 0700,
		.flags = ROW_DIR | ROW_PRIVATE | ROW_SCRATCHY,
		.help = "What the administrator lays down for all tenants."},
	{.number = 171,
		.path = ".platform/policy/infrastructure.json",
		PLATFORM,
		.mode = 0600,
		.flags = ROW_PRIVATE | ROW_TEXTS | ROW_DOCUMENT,
		.depends = CHANGE_SPEC,
		.limit = SPEC_SIZE_MAX,
		.render = render_policy,
		.check = check_policy,
		.apply = apply_policy,
		.help = "Ids of the AWS account: the output of `terraform output -json`, or the "
			"same names flat."},
	{.number = 172,
		.path = ".platform/policy/last_error",
		PLATFORM,
		.mode = 0400,
		.flags = ROW_PRIVATE | ROW_TEXTS | ROW_POLLED,
		.depends = CHANGE_ERROR | CHANGE_STATUS,
		.render = common_render_last_error,
		.help = "Why the last policy was refused."},
	{.number = 173,
		.path = ".platform/policy/history",
		PLATFORM,
		.mode = 0700,
		.flags = ROW_DIR | ROW_PRIVATE | ROW_VOLATILE | ROW_DERIVED,
		.find = history_find,
		.list = history_list,
		.help = "Every accepted policy, by generation."},
	{.number = 174,
		.path = ".platform/policy/history/{generation}",
		PLATFORM,
		.mode = 0400,
		.flags = ROW_PRIVATE,
		.render = history_render,
		.measure = history_measure,
		.help = "A policy that was accepted; copy it to infrastructure.json to go back."},
	{0},
};
