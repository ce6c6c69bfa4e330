/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common - what several files show in the same way.
 * Promises: each is a renderer, check or apply as row.h wants it.
 * Threads: any.
 * Ownership: as row.h says.
 */
#ifndef DUPLOFS_FS_FILES_COMMON_H
#define DUPLOFS_FS_FILES_COMMON_H

#include "base/json.h"
#include "fs/tree/context.h"

int common_render_events(struct fs *fs, const struct ref *ref, struct content *content);
int common_render_last_error(struct fs *fs, const struct ref *ref, struct content *content);
int common_render_protect(struct fs *fs, const struct ref *ref, struct content *content);
bool common_begins_protect(const struct row *row, const char *text);
/* One of the words (NULL-terminated) begins with text. */
bool common_begins_word(const char *const *words, const char *text);
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

/* A text that means what the object's spec means already: kept as it was written, no new
 * generation. */
int common_keep_text(struct txn *txn, const struct object *object, const struct buf *text);

/* Of a status for people: "phase" with the time since when (0: unknown), and "generation". */
void common_phase(struct content *content, const char *phase, int64_t since_ns);
void common_generation(struct content *content, const struct object *object);

/* A table of a tenant's objects of a kind, those that were removed, too. fn adds one, whose texts
 * are there: a line, or a member of the array when there is one. Nothing when there are none. */
struct common_list {
	struct content *content;
	json_t *array; /* NULL: lines */
	int64_t count; /* of lines so far: before the first comes a head */
};
typedef int (*common_list_fn)(struct common_list *list, const struct object *object);
int common_render_list(struct fs *fs, const struct ref *tenant, enum kind kind,
	struct common_list *list, common_list_fn fn);

/* "name       value" in a column; nothing for an empty value. */
void common_line(struct content *content, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void common_raise_mtime(struct content *content, int64_t mtime_ns);

#define COMMON_PROTECT                                                                             \
	.mode = 0640, .flags = ROW_LINE, .depends = CHANGE_FLAGS, .limit = LINE_SIZE_MAX,          \
	.render = common_render_protect, .check = common_check_protect,                            \
	.begins = common_begins_protect, .apply = common_apply_protect,                            \
	.help = "`on`: rmdir gives EBUSY."
#define COMMON_EVENTS                                                                              \
	.render = common_render_events, .help = "What happened, a line an event, newest last."
#define COMMON_EVENTS_OF_OBJECT                                                                    \
	COMMON_EVENTS, .mode = 0440, .flags = ROW_POLLED, .depends = CHANGE_EVENTS
#define COMMON_SPEC                                                                                \
	.mode = 0640, .flags = ROW_TEXTS | ROW_DOCUMENT, .depends = CHANGE_SPEC,                   \
	.limit = SPEC_SIZE_MAX, .render = common_render_spec
#define COMMON_STATUS                                                                              \
	.mode = 0440, .flags = ROW_TEXTS | ROW_POLLED, .depends = CHANGE_STATUS | CHANGE_SPEC,     \
	.help = "How it is, for people."
#define COMMON_STATUS_JSON                                                                         \
	.mode = 0440, .flags = ROW_TEXTS | ROW_POLLED, .depends = CHANGE_STATUS | CHANGE_SPEC,     \
	.render = common_render_status_json, .help = "How it is, for programs."
#define COMMON_LAST_ERROR                                                                          \
	.mode = 0440, .flags = ROW_TEXTS | ROW_POLLED, .depends = CHANGE_ERROR | CHANGE_STATUS,    \
	.render = common_render_last_error,                                                        \
	.help = "Why the last write was refused, or why the wanted generation failed."
#define COMMON_WAIT                                                                                \
	.mode = 0440, .flags = ROW_WAITS, .depends = CHANGE_SPEC,                                  \
	.help = "A read ends when what is wanted now has settled; EIO: it failed."

#endif
