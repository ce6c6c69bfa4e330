/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edit_model - what the files of fuzz_edit must hold, and whether they do.
 * Promises: a file that is not as the model says ends the program, see kernel_die.
 * Threads: one.
 * Ownership: the model belongs to one input at a time.
 */
#ifndef DUPLOFS_TESTS_EDIT_MODEL_H
#define DUPLOFS_TESTS_EDIT_MODEL_H

#include "kernel.h"

#define FILES   8
#define SCRATCH 4 /* from this one on */
#define HANDLES 6

enum { SPEC, REPLICAS, VALUE_A, VALUE_B };

struct place {
	const char *name;
	bool config; /* in the service's config directory */
};

/* What a scratch file, a value or a draft holds. */
struct bytes {
	char *data;
	size_t len;
};

/* A plain file: as long as it has a name or is open. */
struct inode {
	struct bytes text;
	int users;
};

struct handle {
	bool open;
	int file;
	uint64_t node, fh;
	int flags;
	struct inode *inode; /* of a scratch file */
	struct bytes draft;
	bool loaded, dirty;
	bool wild; /* a write was refused: what follows is not modelled */
};

struct state {
	bool twice; /* see kernel_ask_twice */
	int64_t service;
	uint64_t directories[2];
	struct inode *names[FILES]; /* scratch files */
	struct bytes values[FILES];
	bool there[FILES]; /* values */
	bool known[FILES]; /* values: what they hold */
	struct buf spec;
	struct handle handles[HANDLES];
};

extern struct kernel *kernel;
extern struct state state;
extern const struct place places[FILES];

/* With zeros where it grows. */
void bytes_cut(struct bytes *bytes, size_t len);
void bytes_put(struct bytes *bytes, size_t offset, const char *data, size_t len);
void bytes_copy(struct bytes *to, const struct bytes *from);
void bytes_free(struct bytes *bytes);
void inode_drop(struct inode *inode);

uint64_t directory_of(int file);
bool is_scratch(int file);
bool is_value(int file);

/* What a program finds that opens the file now. */
void read_file(int file, struct buf *out);
void check_file(int file);

/* A call that may put a spec into force has returned r: refused means untouched. */
void settle_spec(int r);

#endif
