/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "store/object_row.h"
#include "store/store_private.h"

static int store_read(struct store *store, int64_t id, bool with_texts, struct object *ret)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? object_read(connection, id, with_texts, ret) : -EIO;

	reader_give(store, connection);
	return r;
}

int store_get(struct store *store, int64_t id, struct object *ret)
{
	return store_read(store, id, true, ret);
}

int store_peek(struct store *store, int64_t id, struct object *ret)
{
	return store_read(store, id, false, ret);
}

static int store_read_name(struct store *store, int64_t parent, enum kind kind, const char *name,
	bool with_texts, struct object *ret)
{
	struct connection *connection = reader_take(store, NULL);
	int r = -EIO;

	if (connection)
		r = object_read_name(connection, parent, kind, name, with_texts, ret);
	reader_give(store, connection);
	return r;
}

int store_find(struct store *store, int64_t parent, enum kind kind, const char *name,
	struct object *ret)
{
	return store_read_name(store, parent, kind, name, true, ret);
}

int store_peek_name(struct store *store, int64_t parent, enum kind kind, const char *name,
	struct object *ret)
{
	return store_read_name(store, parent, kind, name, false, ret);
}

struct listing {
	bool whole; /* of the store, not of a parent */
	int64_t parent;
	enum kind kind;
	int64_t after;
	bool with_texts;
	store_object_fn fn;
	void *arg;
};

static int listing_read(struct connection *connection, const struct listing *listing,
	struct object_page *page)
{
	if (listing->whole)
		return object_read_kind(connection, listing->kind, listing->after,
			listing->with_texts, page);
	return object_read_children(connection, listing->parent, listing->kind, listing->after,
		listing->with_texts, page);
}

static int listing_call(struct listing *listing, const struct object_page *page)
{
	int r = 0;

	for (size_t i = 0; i < page->count && r == 0; i++) {
		listing->after = page->objects[i].id;
		r = listing->fn(listing->arg, &page->objects[i]);
	}
	return r;
}

/* connection NULL: a reader, held only while a page is read. */
static int listing_run(struct listing *listing, struct store *store, struct connection *connection)
{
	struct object_page *page = calloc(1, sizeof(*page));
	int r = page ? 0 : -ENOMEM;

	while (r == 0 && !page->last) {
		struct connection *reader = connection ? connection : reader_take(store, NULL);

		r = reader ? listing_read(reader, listing, page) : -EIO;
		if (!connection)
			reader_give(store, reader);
		if (r == 0)
			r = listing_call(listing, page);
		object_page_done(page);
	}
	free(page);
	return r < 0 ? r : 0;
}

int store_list(struct store *store, int64_t parent, enum kind kind, int64_t after, bool with_texts,
	store_object_fn fn, void *arg)
{
	struct listing listing = {.parent = parent,
		.kind = kind,
		.after = after,
		.with_texts = with_texts,
		.fn = fn,
		.arg = arg};

	return listing_run(&listing, store, NULL);
}

int store_list_all(struct store *store, enum kind kind, int64_t after, bool with_texts,
	store_object_fn fn, void *arg)
{
	struct listing listing = {.whole = true,
		.kind = kind,
		.after = after,
		.with_texts = with_texts,
		.fn = fn,
		.arg = arg};

	return listing_run(&listing, store, NULL);
}

int txn_list(struct txn *txn, int64_t parent, enum kind kind, bool with_texts, store_object_fn fn,
	void *arg)
{
	struct listing listing = {
		.parent = parent, .kind = kind, .with_texts = with_texts, .fn = fn, .arg = arg};

	return listing_run(&listing, txn->store, txn->connection);
}

int txn_get(struct txn *txn, int64_t id, struct object *ret)
{
	return txn_fail(txn, object_read(txn->connection, id, true, ret));
}

int txn_find(struct txn *txn, int64_t parent, enum kind kind, const char *name, struct object *ret)
{
	return txn_fail(txn, object_read_name(txn->connection, parent, kind, name, true, ret));
}

int store_count(struct store *store, int64_t parent, enum kind kind, int64_t *ret)
{
	struct connection *connection = reader_take(store, NULL);
	int r = -EIO;

	if (connection)
		r = connection_get_int(connection, ret,
			"SELECT count(*) FROM object"
			" WHERE parent = ?1 AND kind = ?2 AND deleting = 0",
			"ii", parent, (int64_t)kind);
	reader_give(store, connection);
	return r;
}

int store_find_dns(struct store *store, const char *dns, int64_t *ret_service)
{
	struct connection *connection = reader_take(store, NULL);
	int r = -EIO;

	if (connection)
		r = connection_get_int(connection, ret_service,
			"SELECT id FROM object WHERE dns = ?1 AND deleting = 0", "t", dns);
	reader_give(store, connection);
	return r;
}
