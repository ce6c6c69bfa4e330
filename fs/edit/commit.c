/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/commit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fs/edit/record.h"
#include "fs/feed.h"

static int check_controls(const char *data, size_t len, struct error *reterr)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)data[i] < ' ' && data[i] != '\t')
			return error_set(reterr, -EINVAL,
				"the value has a control character (byte %zu)", i + 1);
	return 0;
}

/* A single value: one line, of text. Ends len before the newline. */
static int check_line(const char *data, size_t *len, struct error *reterr)
{
	while (*len > 0 && (data[*len - 1] == '\n' || data[*len - 1] == '\r'))
		(*len)--;
	if (memchr(data, '\n', *len))
		return error_set(reterr, -EINVAL, "one line with one value is expected");
	if (!text_is_utf8(data, *len))
		return error_set(reterr, -EINVAL, "the value is not UTF-8 text");
	return check_controls(data, *len, reterr);
}

/* data as the row wants it; text holds it when it had to be copied. */
static int prepare(struct draft *draft, struct buf *text, struct error *reterr)
{
	int r;

	if (draft->len > draft->ref->row->limit)
		return error_set(reterr, -EFBIG, "%zu bytes are more than the %zu that fit here",
			draft->len, draft->ref->row->limit);
	if (!(draft->ref->row->flags & ROW_LINE))
		return 0;
	r = check_line(draft->data, &draft->len, reterr);
	if (r < 0)
		return r;
	buf_add(text, draft->data, draft->len);
	if (text->error)
		return error_oom(reterr);
	draft->data = buf_string(text);
	return 0;
}

/* Of a line that has no end yet: what no more text can mend. */
static int check_begun(const char *data, size_t len, struct error *reterr)
{
	if (memchr(data, '\n', len))
		return error_set(reterr, -EINVAL, "one line with one value is expected");
	if (!text_begins_utf8(data, len))
		return error_set(reterr, -EINVAL, "the value is not UTF-8 text");
	return check_controls(data, len, reterr);
}

int commit_check_begun(struct fs *fs, const struct ref *ref, const char *data, size_t len,
	const struct caller *caller, struct error *reterr)
{
	const struct row *row = ref->row;
	int r;

	/* Who left a hole will fill it, and a value may end as it does under another system. */
	if (memchr(data, '\0', len) || memchr(data, '\r', len))
		return 0;
	r = check_begun(data, len, reterr);
	if (r < 0 || !row->begins || row->begins(row, data))
		return r;
	return commit_check(fs, ref, data, len, caller, reterr);
}

int commit_check(struct fs *fs, const struct ref *ref, const char *data, size_t len,
	const struct caller *caller, struct error *reterr)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct draft draft = {.fs = fs, .ref = ref, .data = data, .len = len, .caller = caller};
	int r = prepare(&draft, &text, reterr);

	if (r == 0 && ref->row->check)
		r = ref->row->check(&draft, reterr);
	return r;
}

/* The object whose last_error tells of this node. */
static int64_t error_object(const struct ref *ref)
{
	return ref->row->flags & ROW_VALUE || ref->row->kind == KIND_INSTANCE ? ref->object.parent
									      : ref->object.id;
}

static int apply(struct txn *txn, void *arg, struct error *reterr)
{
	const struct draft *draft = arg;
	int r = draft->ref->row->apply(txn, draft, reterr);

	return r < 0 ? r : txn_set_last_error(txn, error_object(draft->ref), NULL);
}

/* Which command `rollout` was given; the table that copies bring back is none. */
static const char *command_of(const struct draft *draft, char *detail, size_t size)
{
	int len = (int)strspn(draft->data, "abcdefghijklmnopqrstuvwxyz");

	if (draft->ref->row->number != ROW_SERVICE_ROLLOUT || draft->data[len] == ' ')
		return NULL;
	(void)snprintf(detail, size, "command=%.*s", len, draft->data);
	return detail;
}

/* A value that is written for the first time is made by that. */
static const char *operation_of(const struct ref *ref, const struct caller *caller)
{
	if (caller->operation)
		return caller->operation;
	return ref->row->flags & ROW_VALUE && ref->object.generation == 0 ? "create" : "write";
}

int commit_apply(struct fs *fs, const struct ref *ref, const char *data, size_t len,
	const struct caller *caller, struct error *reterr)
{
	_cleanup_record_ struct record record = RECORD_INIT;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct draft draft = {.fs = fs, .ref = ref, .data = data, .len = len, .caller = caller};
	char detail[32];
	int r;

	/* Asked for again by the kernel: what was right then need not be so now. */
	if (caller && store_applied(fs->store, caller)) {
		feed_renew(fs, &ref->object);
		return 0;
	}
	r = prepare(&draft, &text, reterr);
	if (r == 0 && ref->row->check)
		r = ref->row->check(&draft, reterr);
	if (r == -ENODATA)
		r = -EINVAL;
	if (r < 0)
		return r;
	if (caller) {
		record_fill(&record, fs, caller, ref, NULL);
		record.caller.operation = operation_of(ref, caller);
		record.audit.detail = command_of(&draft, detail, sizeof(detail));
		caller = &record.caller;
	}
	return store_update(fs->store, STORE_DURABLE, caller, apply, &draft, reterr);
}

struct move {
	const struct ref *from;
	struct draft draft; /* of what it is moved over */
};

static int apply_move(struct txn *txn, void *arg, struct error *reterr)
{
	const struct move *move = arg;
	int r = move->from->row->move(txn, &move->draft, reterr);

	return r < 0 ? r : txn_set_last_error(txn, error_object(move->draft.ref), NULL);
}

int commit_move(struct fs *fs, const struct ref *from, const struct ref *to,
	const struct caller *caller, struct error *reterr)
{
	struct move move = {from, {.fs = fs, .ref = to, .data = "", .caller = caller}};
	_cleanup_record_ struct record record = RECORD_INIT;

	record_fill(&record, fs, caller, to, NULL);
	return store_update(fs->store, STORE_DURABLE, &record.caller, apply_move, &move, reterr);
}

struct refusal {
	int64_t object;
	bool tells; /* it has a last_error, which is for who did this */
	const struct caller *caller;
	int code;
	const char *sentence;
};

static int refuse(struct txn *txn, void *arg, struct error *reterr)
{
	const struct refusal *refusal = arg;
	int r = 0;

	(void)reterr;
	if (refusal->tells && refusal->sentence[0])
		r = txn_set_last_error(txn, refusal->object, refusal->sentence);
	/* Who was refused something in a directory that is gone by now was refused it all the same.
	 */
	if (r == 0 || r == -ENOENT)
		r = txn_audit_refusal(txn, refusal->caller, refusal->code);
	return r;
}

void commit_refuse(struct fs *fs, const struct ref *ref, const char *name,
	const struct caller *caller, int code, const struct error *error)
{
	_cleanup_record_ struct record record = RECORD_INIT;
	struct refusal refusal = {
		.object = error_object(ref),
		.tells = error_object(ref) != PLATFORM_ID || ref->row->flags & ROW_PRIVATE,
		.caller = &record.caller,
		.code = code,
		.sentence = error->text,
	};

	/* A store that cannot be written keeps no record of it. */
	if (code == -EROFS)
		return;
	if (caller) {
		record_fill(&record, fs, caller, ref, name);
		if (!record.caller.operation)
			record.caller.operation = operation_of(ref, caller);
	}
	(void)store_update(fs->store, STORE_RELAXED, NULL, refuse, &refusal, NULL);
}
