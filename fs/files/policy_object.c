/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/files/policy_object.h"

#include <errno.h>
#include <string.h>

#include "fs/files/common.h"

int policy_object_render(struct fs *fs, const char *name, struct content *content)
{
	_cleanup_object_ struct object policy = OBJECT_INIT;
	int r = store_find(fs->store, PLATFORM_ID, KIND_POLICY, name, &policy);

	if (r < 0 && r != -ENOENT)
		return r;
	if (policy.spec)
		buf_puts(&content->text, policy.spec);
	common_raise_mtime(content, policy.spec ? policy.spec_ns : fs->started_ns);
	return 0;
}

/* The object of that name; made when it is not there. */
static int policy_get(struct txn *txn, const char *name, struct object *ret, struct error *reterr)
{
	int64_t id;
	int r = txn_find(txn, PLATFORM_ID, KIND_POLICY, name, ret);

	if (r != -ENOENT)
		return r;
	r = txn_create(txn, PLATFORM_ID, KIND_POLICY, name, &id, reterr);
	return r < 0 ? r : txn_get(txn, id, ret);
}

int policy_object_apply(struct txn *txn, const char *name, const struct draft *draft,
	struct error *reterr)
{
	_cleanup_object_ struct object policy = OBJECT_INIT;
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = policy_get(txn, name, &policy, reterr);

	if (r < 0)
		return r;
	buf_add(&text, draft->data, draft->len);
	if (draft->len == 0 || draft->data[draft->len - 1] != '\n')
		buf_putc(&text, '\n');
	if (text.error)
		return error_oom(reterr);
	if (policy.spec && strcmp(policy.spec, text.data) == 0)
		return 0;
	return txn_set_spec(txn, policy.id, text.data, text.len, false, "", reterr);
}
