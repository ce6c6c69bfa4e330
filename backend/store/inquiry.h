/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inquiry - what is asked about a running container, and the answers: commands to run in it, what
 *           it uses, its processes. Whoever asks writes a file, the reconciler writes the answer.
 * Promises: in a directory in memory only, never on disk; outlives a worker. An inquiry has an id
 *           that its asker chose: asked again it is the same. Bounded in number and size: of the
 *           answered ones the oldest go first.
 * Threads: any; processes too.
 * Ownership: nothing is kept open.
 */
#ifndef DUPLOFS_STORE_INQUIRY_H
#define DUPLOFS_STORE_INQUIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum inquiry_type {
	INQUIRY_NONE,
	INQUIRY_COMMAND, /* text: a line for /bin/sh -c, or a JSON array of words */
	INQUIRY_USAGE,
	INQUIRY_PROCESSES,
};

#define INQUIRY_TEXT_MAX   4096
#define INQUIRY_ANSWER_MAX (256 * 1024)
#define INQUIRY_OPEN_MAX   8 /* of a tenant, not yet answered */
#define INQUIRY_KEPT_MAX   128 /* answered ones, of all */

struct inquiry {
	int64_t id; /* above 0 */
	enum inquiry_type type;
	int64_t tenant, instance; /* objects */
};

/* From 64 bits that differ, an id. */
int64_t inquiry_id(uint64_t bits);

/* Asks, and makes it the last of its instance and type. The same id again: 0. -EBUSY: too many of
 * the tenant's wait for an answer. */
int inquiry_ask(const char *dir, const struct inquiry *inquiry, const char *text, size_t len,
	struct error *reterr);

/* How many of the tenant's wait for an answer. */
int inquiry_waiting(const char *dir, int64_t tenant);

/* The last that was asked; 0: none. */
int64_t inquiry_last(const char *dir, int64_t instance, enum inquiry_type type);

/* 1 when it is answered, 0 when not; -ENOENT: it was never asked, or is forgotten. Size and time of
 * the answer are written when there is one; either may be NULL. */
int inquiry_answered(const char *dir, int64_t id, int64_t *ret_size, int64_t *ret_mtime_ns);

/* Appends a part of the answer. */
int inquiry_read(const char *dir, int64_t id, size_t offset, size_t len, struct buf *out);

/* ---- for who answers ---- */

/* Calls fn for each that waits. */
int inquiry_each_waiting(const char *dir, void (*fn)(void *arg, int64_t id), void *arg);

/* What was asked; -ENOENT. */
int inquiry_open(const char *dir, int64_t id, struct inquiry *ret, struct buf *text);

/* True for the first who asks: what has effects is not done twice. */
bool inquiry_begin(const char *dir, int64_t id);

int inquiry_answer(const char *dir, int64_t id, const struct buf *text);

#endif
