/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op - the operations that the kernel asks for, and what they share.
 * Promises: each is get, guard, reply; each replies exactly once.
 * Threads: any serving thread. What changes a directory replies before anybody is told of it; what
 *          changes a file's content replies when the kernel has dropped the old one.
 * Ownership: as libfuse has it: a request is gone with its reply.
 */
#ifndef DUPLOFS_FS_OPS_OP_H
#define DUPLOFS_FS_OPS_OP_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "fs/tree/context.h"
#include "fs/edit/veil.h"

#define OP_FOREVER_S 1e9

/* fi->fh of a file whose writes are accepted and ignored. */
#define OP_SINK UINT64_C(1)
/* Whether it is a draft's; else it says what was there at open (see op_open). */
#define OP_IS_DRAFT(handle) ((handle) >> 63)

static inline struct fs *op_fs(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

struct caller op_caller(fuse_req_t req);

/* Whether the kernel asks again for a change that a worker had applied before it died. */
bool op_was_applied(fuse_req_t req);

/* The same for what is no object: asked for again, it fails with the error that its own success
 * brings about. Gives 0 for that error. */
int op_settle_scratch(int r, int error_of_success);

/* Process of a thread that asks; the thread itself when that cannot be known. */
pid_t op_process(pid_t thread);

/* Whether the process that asks must not see ref, see veil.h. */
enum veil op_veil(fuse_req_t req, const struct ref *ref);

/* What LOOKUP and its kin answer for a node below directory (NULL: unknown). */
int op_entry(struct fs *fs, const struct ref *directory, struct ref *ref,
	struct fuse_entry_param *ret);
/* How long the kernel may count on attributes. */
double op_attr_timeout_s(const struct ref *ref);
void op_entry_scratch(const struct stat *st, struct fuse_entry_param *ret);

/* The same reply, once the kernel knows what changed before. */
void op_reply_later(struct fs *fs, fuse_req_t req, int error);
void op_reply_write_later(struct fs *fs, fuse_req_t req, size_t size);

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t node, uint64_t lookups);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void op_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file);
void op_setattr(fuse_req_t req, fuse_ino_t node, struct stat *attr, int to_set,
	struct fuse_file_info *file);
void op_statfs(fuse_req_t req, fuse_ino_t node);
void op_getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t node, size_t size);
void op_setxattr(fuse_req_t req, fuse_ino_t node, const char *name, const char *value, size_t size,
	int flags);
void op_removexattr(fuse_req_t req, fuse_ino_t node, const char *name);

void op_opendir(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file);
void op_readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *file);
void op_readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *file);
void op_releasedir(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file);
void op_fsyncdir(fuse_req_t req, fuse_ino_t node, int datasync, struct fuse_file_info *file);

void op_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file);
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *file);
void op_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *file);
void op_write(fuse_req_t req, fuse_ino_t node, const char *data, size_t size, off_t offset,
	struct fuse_file_info *file);
void op_flush(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file);
void op_fsync(fuse_req_t req, fuse_ino_t node, int datasync, struct fuse_file_info *file);
void op_release(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file);
void op_fallocate(fuse_req_t req, fuse_ino_t node, int mode, off_t offset, off_t length,
	struct fuse_file_info *file);
void op_poll(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file,
	struct fuse_pollhandle *handle);

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t node, fuse_ino_t new_parent, const char *new_name);

#endif
