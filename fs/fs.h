/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs - the file tree: low-level FUSE operations over the store.
 * Promises: no operation ever waits for a network; each looks into the store, or commits to it.
 * Threads: operations run on any serving thread.
 * Ownership: fs_new borrows everything in options for the life of the fs.
 */
#ifndef DUPLOFS_FS_FS_H
#define DUPLOFS_FS_FS_H

#include "base/error.h"

struct fuse_lowlevel_ops;
struct fuse_session;
struct fs;
struct store;

struct fs_options {
	struct store *store;
	const char *runtime_dir; /* tmpfs: drafts and scratch files, which outlive a worker */
	const char *state_dir; /* for .platform/status.json */
	const char *logs_dir; /* <instance id>.log, written by the reconciler */
	const char *inquiry_dir; /* tmpfs: see store/inquiry.h */
	const char *cloud; /* "local", "aws", "simulated", for .platform/status */
	const char *mountpoint; /* NULL: who watches files is told of nothing */
	const char *mount; /* identity of the mount: drafts of other mounts are dropped */
};

extern const struct fuse_lowlevel_ops fs_operations;
extern const unsigned long fs_operations_size;

/* fs is the userdata of the operations. */
int fs_new(struct fs **ret, const struct fs_options *options, struct error *reterr);

/* Begins to invalidate through this session what the store's feed says has changed. */
int fs_attach(struct fs *fs, struct fuse_session *session, struct error *reterr);
void fs_free(struct fs *fs);

#endif
