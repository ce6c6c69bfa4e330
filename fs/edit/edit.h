/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edit - what was written to an open file and is not accepted yet: a draft a handle, in a file of
 *        the tmpfs, so that it outlives the process that serves it.
 * Promises: a handle is a random number that is never 0; its draft is found again by any worker.
 *           What to do at a write or a close is decided by pure functions of the header.
 * Threads: any; a draft is locked from edit_open to edit_close.
 * Ownership: edit_drop removes the draft; leftovers of mounts that are gone go at edits_new.
 */
#ifndef DUPLOFS_FS_EDIT_EDIT_H
#define DUPLOFS_FS_EDIT_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

enum edit_flags {
	EDIT_EMPTY = 1, /* started empty: nothing of the old content is in it */
	EDIT_LOADED = 2, /* holds the old content, or its own */
	EDIT_DIRTY = 4, /* written since the last decision */
	EDIT_REFUSED = 8, /* the last decision was a refusal, see error */
	EDIT_CREATED = 16, /* the object was made for this draft */
	EDIT_ACCEPTED = 32, /* something of this draft was accepted */
	/* A write was refused: what follows it would be taken without it (bash goes on with the
	 * next line), so everything is refused until a close has told, and the writer begins anew.
	 *  */
	EDIT_POISONED = 64,
	EDIT_TOLD = 128,
	EDIT_APPEND = 256, /* writes go to the end, wherever the kernel believes it to be */
	EDIT_COPY = 512, /* nobody writes it: a reader's own copy of what was there at open */
};

struct edit_header {
	uint64_t magic;
	uint64_t node;
	uint32_t flags; /* edit_flags */
	int32_t error; /* negative errno of the refusal */
	uint32_t uid, gid;
	int32_t pid; /* of the opener */
	uint32_t start; /* a single value counts from here: before are values accepted earlier */
	uint64_t asked; /* the inquiry that was last written here; 0: none */
	uint64_t base; /* position of the first read of its answer; of a copy its mtime_ns */
};

struct edits;

struct edit {
	struct edits *edits;
	uint64_t handle;
	int fd;
	struct edit_header header;
	size_t size; /* bytes of the draft */
};
#define EDIT_INIT                                                                                  \
	(struct edit)                                                                              \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* mount: identity of the mount; drafts of other mounts in dir are removed. */
int edits_new(struct edits **ret, const char *dir, const char *mount, struct error *reterr);
void edits_free(struct edits *edits);

/* -EDQUOT: too many drafts. */
int edit_create(struct edits *edits, const struct edit_header *header, uint64_t *ret_handle);
int edit_open(struct edits *edits, uint64_t handle, struct edit *ret);
void edit_close(struct edit *edit); /* unlocks; NULL-safe for EDIT_INIT */
#define _cleanup_edit_ __attribute__((cleanup(edit_close)))
void edit_drop(struct edits *edits, uint64_t handle);

int edit_save(struct edit *edit); /* the header */
int edit_write(struct edit *edit, size_t offset, const void *data, size_t len);
int edit_truncate(struct edit *edit, size_t size);
/* Appends len bytes from offset, or what there is of them. */
int edit_read(struct edit *edit, size_t offset, size_t len, struct buf *out);

/* ---- decisions ---- */

enum edit_step {
	EDIT_NOTHING, /* go on */
	EDIT_CHECK, /* look whether it is wrong already */
	EDIT_CHECK_BEGUN, /* the same of a value whose line may go on */
	EDIT_COMMIT, /* put it into the store */
	EDIT_REPEAT, /* say again why it was refused */
	EDIT_RESTART, /* forget first what is in the draft behind start */
};

/* Before a write at offset: EDIT_NOTHING, EDIT_RESTART or EDIT_REPEAT. */
enum edit_step edit_before_write(const struct edit_header *header, size_t offset);

/* A write was refused with result. */
void edit_refused(struct edit_header *header, int result);

/* After a write of len bytes at offset that left size bytes. line: a single value, document: says
 * itself when it is complete. last: the last byte, for a document the last that is no blank. */
enum edit_step edit_after_write(bool line, bool document, size_t offset, size_t len, size_t size,
	char last);

/* At close, fsync or the last release; opener: who closes is who opened, or the opener is gone. */
enum edit_step edit_at_close(struct edit_header *header, bool opener);

/* Emptied, and nothing was written to it. */
bool edit_is_cut(const struct edit *edit);

/* What became of a decision. */
void edit_decided(struct edit_header *header, int result, size_t size);

#endif
