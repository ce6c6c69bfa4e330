/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal - what the files of this room share: the store, a transaction, rows of objects.
 * Promises: nothing outside backend/store includes this.
 * Threads: see each member.
 * Ownership: the store owns everything here.
 */
#ifndef DUPLOFS_STORE_INTERNAL_H
#define DUPLOFS_STORE_INTERNAL_H

#include <pthread.h>

#include "base/lock.h"
#include "store/connection.h"
#include "store/store.h"

#define STORE_WATCHERS_MAX 8
#define STORE_KEY_SIZE	   32 /* AES-256 */
#define STORE_TOKENS_MAX   4096
#define STORE_EVENTS_MAX   500

struct reader {
	struct connection connection;
	struct reader *next; /* free list, LOCK_STORE_QUEUE */
};

struct store {
	char path[4096];
	char dir[4000];
	char platform[16];
	bool read_only;

	struct lock writer_lock; /* one batch at a time */
	struct connection writer;
	bool synced; /* PRAGMA synchronous of the writer is FULL */

	struct lock queue_lock;
	struct cond queue_cond;
	struct update *queue_head, **queue_tail;
	bool leading; /* somebody commits */
	struct reader *idle_readers;

	struct lock watch_lock;
	struct {
		store_watch_fn fn;
		void *arg;
	} watchers[STORE_WATCHERS_MAX];
	unsigned watcher_count;

	struct lock keys_lock;
	unsigned char *master; /* STORE_KEY_SIZE bytes in locked memory */

	uint64_t *tokens; /* applied by earlier workers; read only after store_tokens_open */
	size_t token_count;
	int64_t token_slot; /* writer_lock */
};

/* One caller of store_update, on its stack, while it waits. */
struct update {
	enum store_durability durability;
	const struct caller *caller;
	store_update_fn fn;
	void *arg;
	struct error *reterr;
	int result;
	bool done;
	struct update *next;
};

struct txn {
	struct store *store;
	struct connection *connection;
	const struct caller *caller; /* of the member that runs now; NULL: the platform */
	int64_t now_ns;
	struct change *changes; /* of the whole batch */
	size_t change_count, change_capacity;
	size_t member_start; /* changes before this one are of earlier members */
};

/* A reading connection for the calling thread; given back when its call ends. */
struct reader *reader_take(struct store *store);
void reader_give(struct store *store, struct reader *reader);

/* ---- rows ---- */
#define OBJECT_COLUMNS                                                                             \
	"o.id, o.kind, o.parent, o.tenant, o.name, o.generation, o.template_generation,"           \
	" o.observed, o.failed, o.deleting, o.protect, o.paused, o.restart,"                       \
	" t.uid, t.gid, t.mode, o.created_ns, o.spec_ns, o.status_ns, o.events_ns, o.error_ns,"    \
	" o.children_ns, o.value_size"
#define OBJECT_TEXTS ", o.spec, o.status, o.last_error, o.reason"
/* The owner's row: the tenant's, or the platform's own. */
#define OBJECT_FROM                                                                                \
	" FROM objects o JOIN objects t ON t.id = CASE o.tenant WHEN 0 THEN o.id ELSE o.tenant END"

int object_from_row(sqlite3_stmt *statement, bool with_texts, struct object *ret);
int object_by_id(struct connection *connection, int64_t id, bool with_texts, struct object *ret);
int object_by_name(struct connection *connection, int64_t parent, enum kind kind, const char *name,
	bool with_texts, struct object *ret);
int object_children(struct connection *connection, int64_t parent, enum kind kind, int64_t after,
	bool with_texts, store_object_fn fn, void *arg);

/* ---- feed ---- */
int txn_changed(struct txn *txn, int64_t id, unsigned flags);
void feed_publish(struct store *store, const struct change *changes, size_t count);

/* ---- keys and sealing ---- */
int keys_open(struct store *store, bool fresh, struct error *reterr);
void keys_close(struct store *store);
/* Seals or opens a value of an object of a tenant. */
int seal_value(struct txn *txn, int64_t tenant, int64_t object, const void *data, size_t len,
	struct buf *out, struct error *reterr);
int unseal_value(struct store *store, struct connection *connection, int64_t tenant,
	int64_t object, const void *data, size_t len, struct buf *out, struct error *reterr);

/* ---- tokens ---- */
bool token_applied(const struct store *store, const struct caller *caller);
int token_record(struct txn *txn);

#endif
