/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common - what several files show in the same way.
 * Promises: each is a renderer, check or apply as row.h wants it.
 * Threads: any.
 * Ownership: as row.h says.
 */
#ifndef DUPLOFS_FS_FILES_COMMON_H
#define DUPLOFS_FS_FILES_COMMON_H

#include "fs/tree/context.h"

int common_render_events(struct fs *fs, const struct ref *ref, struct content *content);
int common_render_last_error(struct fs *fs, const struct ref *ref, struct content *content);
int common_render_protect(struct fs *fs, const struct ref *ref, struct content *content);
int common_check_protect(const struct draft *draft, struct error *reterr);
int common_apply_protect(struct txn *txn, const struct draft *draft, struct error *reterr);

int common_render_spec(struct fs *fs, const struct ref *ref, struct content *content);

/* What text, which ends a line, does to the object as it is in the transaction. */
typedef int (*common_text_fn)(struct txn *txn, const struct draft *draft,
	const struct object *object, const struct buf *text, struct error *reterr);
int common_apply_spec(struct txn *txn, const struct draft *draft, common_text_fn set_text,
	struct error *reterr);

/* What the reconciler says of the object, with what the store knows. */
int common_render_status_json(struct fs *fs, const struct ref *ref, struct content *content);

/* "name       value" in a column; nothing for an empty value. */
void common_line(struct content *content, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void common_raise_mtime(struct content *content, int64_t mtime_ns);

#define COMMON_PROTECT                                                                             \
	.mode = 0640, .flags = ROW_LINE, .depends = CHANGE_FLAGS, .limit = LINE_SIZE_MAX,          \
	.render = common_render_protect, .check = common_check_protect,                            \
	.apply = common_apply_protect, .help = "`on`: rmdir gives EBUSY."
#define COMMON_EVENTS                                                                              \
	.render = common_render_events, .help = "What happened, a line an event, newest last."
#define COMMON_LAST_ERROR                                                                          \
	.mode = 0440, .flags = ROW_TEXTS | ROW_POLLED, .depends = CHANGE_ERROR | CHANGE_STATUS,    \
	.render = common_render_last_error,                                                        \
	.help = "Why the last write was refused, or why the wanted generation failed."
#define COMMON_WAIT                                                                                \
	.mode = 0440, .flags = ROW_WAITS, .depends = CHANGE_SPEC,                                  \
	.help = "A read ends when what is wanted now has settled; EIO: it failed."

#endif
