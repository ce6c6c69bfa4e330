/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store - the truth: objects, history, events, journal, allocations, sealed values, and a feed of
 *         what changed. The only room that knows SQL.
 * Promises: store_update is all or nothing; when it returns 0 and the update was durable, it
 *           survives kill -9 and power loss. A store that cannot be written gives -EROFS and can
 *           still be read. Never touches a network.
 * Threads: all calls from any thread at once; an update's function runs on any thread, one at a
 *          time, and must only compute and call txn_ functions.
 * Ownership: struct object is filled in place, object_done releases it; text given is borrowed.
 */
#ifndef DUPLOFS_STORE_STORE_H
#define DUPLOFS_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "model/kind.h"

struct store;
struct txn;

struct object {
	int64_t id; /* never reused, below 2^28 */
	enum kind kind;
	int64_t parent;
	int64_t tenant; /* id of the tenant it belongs to (a tenant's own), 0 for the platform */
	char name[OBJECT_NAME_MAX + 1];
	int64_t generation; /* grows by one on each accepted change of the spec; 0: no spec yet */
	int64_t template_generation; /* generation of the last change that replaces containers */
	int64_t observed; /* generation that the reconciler has last settled or failed */
	bool failed; /* how it settled; the cause is in reason */
	bool deleting; /* tombstone: gone for users, being torn down */
	bool protect;
	bool paused; /* `pause` was written to rollout */
	int64_t restart; /* how often `restart` was written to rollout */
	int64_t observed_restart; /* the one that has last settled or failed */
	uid_t uid; /* owner: of the object's tenant, whatever the object */
	gid_t gid;
	mode_t mode; /* of the object's tenant directory, permission bits only */
	int64_t created_ns; /* wall clock, as all times; those below only grow */
	int64_t spec_ns; /* when spec (or the value) last changed */
	int64_t status_ns; /* when status, or what it sums up, last changed */
	int64_t events_ns;
	int64_t error_ns; /* when last_error last changed */
	int64_t children_ns; /* when a child last appeared or vanished */
	char *spec; /* text as written; NULL: none. Not for secrets, config values, outputs */
	char *status; /* JSON written by the reconciler; NULL: none yet */
	char *last_error; /* why the last write was refused; NULL or "" after an accepted one */
	char *reason; /* why the observed generation failed */
	int64_t value_size; /* bytes of a secret, config value or output */
};

void object_done(struct object *object);
#define _cleanup_object_ __attribute__((cleanup(object_done)))
#define OBJECT_INIT                                                                                \
	(struct object)                                                                            \
	{                                                                                          \
		0                                                                                  \
	}

enum change_flags {
	CHANGE_CREATED = 1,
	CHANGE_DELETED = 2, /* tombstone set: the name is gone */
	CHANGE_PURGED = 4, /* the row is gone */
	CHANGE_SPEC = 8, /* spec, value, generation */
	CHANGE_STATUS = 16, /* status, observed, failed, reason */
	CHANGE_EVENTS = 32,
	CHANGE_ERROR = 64, /* last_error */
	CHANGE_OWNER = 128, /* uid, gid, mode of a tenant: all below it inherits */
	CHANGE_FLAGS = 256, /* protect and the like */
	CHANGE_GRANTS = 512, /* who of other tenants may see the service */
	CHANGE_ASKED = 1024, /* something was asked about an instance, see inquiry.h */
	CHANGE_ANSWERED = 2048,
};

struct change {
	int64_t id, parent, tenant;
	enum kind kind;
	unsigned flags; /* change_flags; one entry an object and commit */
	char name[OBJECT_NAME_MAX + 1];
};

/* Called after the commit and before store_update returns, on the committing thread, in commit
 * order. Must not block and must not call the store. */
typedef void (*store_watch_fn)(void *arg, const struct change *changes, size_t count);

/* What the audit says of an update beside who did it, when and how it came out. Values are none of
 * its business. */
struct audit {
	const char *path; /* in the tree */
	const char *program;
	const char *detail; /* a further word, "owner=5:5"; NULL: none */
	int64_t object; /* its generation after the update is told; 0: none */
};

/* Who did it, for history and audit. */
struct caller {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	uint64_t token; /* identity of the request for exactly-once; 0: none */
	const char *operation; /* "write", "mkdir", ... */
	const struct audit *audit; /* NULL: nothing is said of it */
};

struct store_options {
	const char *dir; /* database, master key; made with mode 0700 when missing */
	bool read_only;
};

/* Opens or makes the database; upgrades its schema; refuses one that is newer. */
int store_open(struct store **ret, const struct store_options *options, struct error *reterr);
void store_close(struct store *store);

/* Whether this program could open the database of dir, which another one may be using: refuses a
 * newer one. Changes nothing. */
int store_probe(const char *dir, struct error *reterr);

/* -EROFS: there is no room on the disk for len more bytes, or it cannot be written; what looks well
 * may still fail at the commit. */
int store_check_room(const struct store *store, size_t len);

/* Random name of this platform, made at the first open: 12 lower-case hex digits. Borrowed. */
const char *store_platform(const struct store *store);

int store_watch(struct store *store, store_watch_fn fn, void *arg);
/* The same, and store_freeze: until store_thaw this thread reads the store as it was just before
 * the first change that fn is told. */
int store_watch_frozen(struct store *store, store_watch_fn fn, void *arg, struct error *reterr);

/* ---- reading: waits for no writer; sees every finished store_update ---- */

int store_get(struct store *store, int64_t id, struct object *ret); /* -ENOENT; tombstones too */
int store_find(struct store *store, int64_t parent, enum kind kind, const char *name,
	struct object *ret); /* -ENOENT; living objects only */

/* The same without the texts (spec, status, ... stay NULL): what getattr needs. */
int store_peek(struct store *store, int64_t id, struct object *ret);
int store_peek_name(struct store *store, int64_t parent, enum kind kind, const char *name,
	struct object *ret);

/*
 * Living children of a kind with id > after, in id order; fn returns 0 to go on, 1 to stop, or a
 * negative errno. with_texts: as store_get, else as store_peek. fn may call anything of the store;
 * what changes meanwhile may or may not be seen.
 */
typedef int (*store_object_fn)(void *arg, const struct object *object);
int store_list(struct store *store, int64_t parent, enum kind kind, int64_t after, bool with_texts,
	store_object_fn fn, void *arg);
/* The same over the whole store, tombstones included, for the reconciler's start. */
int store_list_all(struct store *store, enum kind kind, int64_t after, bool with_texts,
	store_object_fn fn, void *arg);
int store_count(struct store *store, int64_t parent, enum kind kind, int64_t *ret);

/* Until store_thaw all that this thread reads is one state of the store, whatever others write
 * meanwhile. For milliseconds, and not around a store_update of this thread. */
int store_freeze(struct store *store, struct error *reterr);
void store_thaw(struct store *store);

/* Finds a living service by its DNS name; -ENOENT. */
int store_find_dns(struct store *store, const char *dns, int64_t *ret_service);

/* Plain bytes of a living secret, config value or output, or of a tenant's SSH key; wipe secrets
 * after use. -ENOENT; -EIO: what is stored was changed by somebody else or belongs elsewhere. */
int store_value(struct store *store, int64_t id, struct buf *out, struct error *reterr);

/* Appends who of other tenants may see a service, as model/grants.h reads it; -ENOENT: nobody. */
int store_grants(struct store *store, int64_t service, struct buf *out, int64_t *ret_changed_ns);
/* All services that somebody else may see, in id order; fn as in store_list. */
int store_grants_list(struct store *store, int (*fn)(void *arg, int64_t service), void *arg);

struct history_entry {
	int64_t generation, wall_ns;
	uid_t uid;
	gid_t gid;
	size_t size;
};
/* Spec text of a generation (out may be NULL), with who and when; -ENOENT. */
int store_history(struct store *store, int64_t id, int64_t generation, struct history_entry *ret,
	struct buf *out);
int store_history_list(struct store *store, int64_t id, int64_t after,
	int (*fn)(void *arg, const struct history_entry *entry), void *arg);

/* A spec that waits beside the one in force: nothing follows it until it is applied. */
struct staged {
	int64_t base; /* generation that was in force when it was written */
	int64_t wall_ns; /* when it was written, or taken away */
	uid_t uid;
	gid_t gid;
	size_t size; /* 0: it was taken away */
	int64_t epoch; /* how often it was taken away */
};
/* out may be NULL. -ENOENT: there never was one. */
int store_staged(struct store *store, int64_t id, struct staged *ret, struct buf *out);

/* The last 500 events of an object (PLATFORM_ID: of all; a tenant: its own and its services'),
 * oldest first, a line each: "2026-11-23T02:30:00Z warning demo/web: text". As many are kept. */
int store_events(struct store *store, int64_t id, struct buf *out);

/* The audit, oldest first: a line an accepted or refused operation of a user's. */
int store_audit(struct store *store, struct buf *out);
/* Its size in bytes, and when the last line was written (0: there is none). */
int store_audit_stat(struct store *store, int64_t *ret_size, int64_t *ret_wall_ns);

/* ---- writing ---- */

/* Runs inside a transaction; a negative return rolls its part back (and only its). After a return
 * of 0 it may run again, on what it found the first time, when another caller's part in the same
 * transaction had to be undone: it must not go by what it has left in arg. */
typedef int (*store_update_fn)(struct txn *txn, void *arg, struct error *reterr);

enum store_durability {
	STORE_DURABLE, /* synced to disk before return: what people write */
	STORE_RELAXED, /* survives kill -9, not power loss: what can be observed again */
};

/*
 * Runs fn in a transaction, possibly one shared with concurrent callers. Returns fn's error, -EROFS
 * when the database cannot be written (nothing was changed; try again when it can), or 0. caller
 * may be NULL (the platform itself). When caller->token was already applied by an earlier process,
 * fn does not run and 0 is returned: one request makes one update with its token. fn may have run
 * although nothing was kept, so what it leaves in arg counts only when this returns 0.
 */
int store_update(struct store *store, enum store_durability durability, const struct caller *caller,
	store_update_fn fn, void *arg, struct error *reterr);

/* Inside fn only. Reads see the transaction's own changes. */
int txn_get(struct txn *txn, int64_t id, struct object *ret);
int txn_find(struct txn *txn, int64_t parent, enum kind kind, const char *name, struct object *ret);
int txn_list(struct txn *txn, int64_t parent, enum kind kind, bool with_texts, store_object_fn fn,
	void *arg);

/* -EEXIST; -ENOSPC when ids are used up. Owner and tenant are inherited from the parent; a tenant
 * gets the caller's uid and gid and mode 0750. */
int txn_create(struct txn *txn, int64_t parent, enum kind kind, const char *name, int64_t *ret_id,
	struct error *reterr);
/* Sets the tombstone. Living children: -ENOTEMPTY; a service's instances and config values and
 * a resource's outputs do not count and get theirs too. -EBUSY when protected, -ENOENT when it is
 * one already. */
int txn_delete(struct txn *txn, int64_t id, struct error *reterr);
/* Removes the row for good, with its value, events, history, allocations. -EBUSY while the journal
 * holds an intent of it or while it has children, tombstones included. */
int txn_purge(struct txn *txn, int64_t id, struct error *reterr);

/* New spec text, new generation, history entry, last_error cleared. template_changed: the new
 * generation becomes the template generation. dns ("" none) is recorded for store_find_dns:
 * -EBUSY when another living service has it. */
int txn_set_spec(struct txn *txn, int64_t id, const char *text, size_t len, bool template_changed,
	const char *dns, struct error *reterr);
/* The same spec in other words (formatting): no new generation, no history entry; last_error is
 * cleared. */
int txn_set_spec_text(struct txn *txn, int64_t id, const char *text, size_t len);
/* Writes the spec that waits; len 0 takes it away. The same text again: nothing happens, unless
 * another spec has been accepted meanwhile. */
int txn_stage(struct txn *txn, int64_t id, const char *text, size_t len);
int txn_staged(struct txn *txn, int64_t id, struct staged *ret, struct buf *out);
/* The same bytes again: nothing happens. */
int txn_set_value(struct txn *txn, int64_t id, const void *data, size_t len, struct error *reterr);
/* The tenant's private SSH key, which store_value gives for its id: set once, and then for ever. */
int txn_set_ssh_key(struct txn *txn, int64_t tenant, const void *data, size_t len,
	struct error *reterr);
int txn_set_owner(struct txn *txn, int64_t tenant, uid_t uid, gid_t gid, mode_t mode);
/* Text that grants_check has accepted; empty: nobody. The same again: nothing happens. */
int txn_set_grants(struct txn *txn, int64_t service, const char *text, size_t len);
int txn_set_protect(struct txn *txn, int64_t id, bool on);
/* What `rollout` takes: both wake the reconciler (CHANGE_SPEC) and make no generation. */
int txn_set_paused(struct txn *txn, int64_t id, bool paused);
int txn_add_restart(struct txn *txn, int64_t id);
int txn_set_last_error(struct txn *txn, int64_t id, const char *text);
/* A line of the audit for what caller was refused; accepted updates have theirs of themselves. */
/* A line of the audit: the containers of a service can read a secret, or a secret output of a
 * resource, from now on, or its new value. Its object may be gone. */
int txn_audit_given(struct txn *txn, int64_t service, int64_t secret);
int txn_audit_refusal(struct txn *txn, const struct caller *caller, int error);

/* Tells the feed of what is kept elsewhere: changes nothing. */
int txn_tell(struct txn *txn, int64_t id, unsigned flags);
int store_tell(struct store *store, int64_t id, unsigned flags);

/* For the reconciler's own objects (instances): spec text and generation, without history. */
int txn_set_plan(struct txn *txn, int64_t id, const char *json);
/* status_ns moves only when the text differs. */
int txn_set_status(struct txn *txn, int64_t id, const char *json);
/* What status sums up has changed (an instance of a service): moves status_ns. */
int txn_touch_status(struct txn *txn, int64_t id);
/* The generation has settled: well (reason NULL) or not. Never moves backwards. */
int txn_set_observed(struct txn *txn, int64_t id, int64_t generation, int64_t restart,
	const char *reason);

/* severity: "info", "warning", "error". What happens to an instance or a value counts for the
 * service or tenant above; CHANGE_EVENTS is told of the object, its tenant and the platform. */
int txn_event(struct txn *txn, int64_t id, const char *severity, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- journal: what is being made outside, written before the call that makes it ---- */

struct intent {
	int64_t id;
	int64_t owner; /* object */
	char type[24]; /* "container", "network", ... */
	char name[160]; /* name or token under which it is made */
	int64_t created_ns;
};
/* The same owner, type and name twice: one row. */
int txn_intent_add(struct txn *txn, int64_t owner, const char *type, const char *name);
int txn_intent_done(struct txn *txn, int64_t owner, const char *type, const char *name);
/* Done, and remembered until it is forgotten: what was gone may turn up again. */
int txn_intent_bury(struct txn *txn, int64_t owner, const char *type, const char *name);
int txn_intent_forget(struct txn *txn, int64_t before_ns);
/* Whether the journal has it or remembers it: 1, 0 or a negative errno. ret_buried_ns: when it was
 * buried (wall); 0: it is there, or not known at all. */
int store_intent_known(struct store *store, int64_t owner, const char *type, const char *name,
	int64_t *ret_buried_ns);
/* All rows (owner 0) or one owner's. */
int store_intents(struct store *store, int64_t owner,
	int (*fn)(void *arg, const struct intent *intent), void *arg);

/* ---- allocations: numbers that only one object may have ---- */

/* The number that owner holds in pool, or a free one in [low, high], searched round robin behind
 * the last one given; -ENOSPC. not_this: give up the held number when it is this one, it is taken
 * by somebody else outside (0: none). */
int txn_allocate(struct txn *txn, const char *pool, int64_t low, int64_t high, int64_t not_this,
	int64_t owner, int64_t *ret);
int txn_release(struct txn *txn, const char *pool, int64_t owner);

/* ---- exactly once across a worker's death: a resent request may have been applied already ---- */

/* Called once by a new worker, before it serves: tokens that earlier workers of the same mount
 * session applied are remembered; those of other sessions are dropped. */
int store_tokens_open(struct store *store, const char *mount, struct error *reterr);

/* Whether an earlier worker has applied what the caller asks for again. */
bool store_applied(const struct store *store, const struct caller *caller);

#endif
