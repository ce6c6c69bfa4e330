/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object_row - struct object to and from rows; the same queries for readers and for transactions.
 * Promises: a query gives one state of the object, never half of two.
 * Threads: those of the connection.
 * Ownership: objects are the caller's, see object_done.
 */
#ifndef DUPLOFS_STORE_OBJECT_ROW_H
#define DUPLOFS_STORE_OBJECT_ROW_H

#include "store/connection.h"
#include "store/store.h"

/* Parts of an object in table text: row id * 8 + part. Stored on disk. */
enum text_part { TEXT_SPEC = 1, TEXT_STATUS = 2, TEXT_LAST_ERROR = 3, TEXT_REASON = 4 };

static inline int64_t text_row(int64_t object, enum text_part part)
{
	return object * 8 + (int64_t)part;
}

/* Its row alone: without its owner and texts. -ENOENT; *ret is written on success only. */
int object_read_row(struct connection *connection, int64_t id, struct object *ret);

/* -ENOENT; *ret is written on success only. */
int object_read(struct connection *connection, int64_t id, bool with_texts, struct object *ret);
int object_read_name(struct connection *connection, int64_t parent, enum kind kind,
	const char *name, bool with_texts, struct object *ret);

/* Up to a page of objects at once, so that no query runs while somebody is called back. */
#define OBJECT_PAGE_MAX   64
#define OBJECT_PAGE_BYTES (256 * 1024) /* of texts, after which a page is full */

struct object_page {
	struct object objects[OBJECT_PAGE_MAX];
	size_t count;
	bool last; /* nothing follows */
};

/* Living children of a kind with id > after. */
int object_read_children(struct connection *connection, int64_t parent, enum kind kind,
	int64_t after, bool with_texts, struct object_page *page);
/* All of a kind, tombstones included. */
int object_read_kind(struct connection *connection, enum kind kind, int64_t after, bool with_texts,
	struct object_page *page);
void object_page_done(struct object_page *page);

#define _cleanup_object_page_ __attribute__((cleanup(object_page_done)))

#endif
