/* SPDX-License-Identifier: Apache-2.0 */
/* The spec that waits, and what it would do. */
#include <errno.h>

#include "fs/files/common.h"
#include "fs/files/files_plan.h"
#include "fs/files/files_service.h"

static int is_present(struct fs *fs, int64_t object, int64_t *ret_sub)
{
	struct staged staged = {0};
	int r = store_staged(fs->store, object, &staged, NULL);

	if (r < 0 && r != -ENOENT)
		return r;
	*ret_sub = staged.epoch & NODE_KEY_MAX;
	return staged.size > 0;
}

static int render_next(struct fs *fs, const struct ref *ref, struct content *content)
{
	struct staged staged = {0};
	int r = store_staged(fs->store, ref->object.id, &staged, &content->text);

	common_raise_mtime(content, staged.wall_ns);
	return r == -ENOENT ? 0 : r;
}

/* Nothing at all takes it away. */
static int check_next(const struct draft *draft, struct error *reterr)
{
	return draft->len == 0 ? 0 : service_check_text(draft, reterr);
}

static int apply_next(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	buf_add(&text, draft->data, draft->len);
	if (text.len > 0 && text.data[text.len - 1] != '\n')
		buf_putc(&text, '\n');
	if (text.error)
		return error_oom(reterr);
	return txn_stage(txn, draft->ref->object.id, text.data, text.len);
}

/* `mv spec.next spec.json`: what waits now takes effect, and does not wait any more. */
static int move_next(struct txn *txn, const struct draft *draft, struct error *reterr)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int64_t id = draft->ref->object.id;
	struct staged staged = {0};
	int r;

	if (draft->ref->row->number != ROW_SERVICE_SPEC)
		return -EXDEV;
	r = txn_staged(txn, id, &staged, &text);
	if (r == 0 && staged.size == 0)
		r = -ENOENT;
	if (r == 0)
		r = service_apply_text(txn, draft->fs, id, text.data, text.len, reterr);
	return r < 0 ? r : txn_stage(txn, id, NULL, 0);
}

#define SERVICE .kind = KIND_SERVICE
#define BASE    "{tenant}/services/{service}"

const struct row rows_next[] = {
	{.number = ROW_SERVICE_NEXT,
		.path = BASE "/spec.next",
		SERVICE,
		.mode = 0640,
		.flags = ROW_DOCUMENT | ROW_VOLATILE | ROW_UNLINK_CLEARS,
		.limit = SPEC_SIZE_MAX,
		.render = render_next,
		.check = check_next,
		.apply = apply_next,
		.move = move_next,
		.present = is_present,
		.help = "A spec that waits: see plan; `mv spec.next spec.json` applies it."},
	{.number = ROW_SERVICE_PLAN,
		.path = BASE "/plan",
		SERVICE,
		.mode = 0440,
		.flags = ROW_TEXTS | ROW_VOLATILE,
		.render = plan_render,
		.help = "What applying spec.next would do."},
	{0},
};
