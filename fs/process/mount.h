/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount - places in the tree of mounts: is the mount point fit, mount there, take it away, and who
 *         else shows a file system.
 * Promises: refuses in one sentence what a person can act on; never mounts over something in use.
 * Threads: any.
 * Ownership: fds returned are the caller's.
 */
#ifndef DUPLOFS_FS_PROCESS_MOUNT_H
#define DUPLOFS_FS_PROCESS_MOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* One line of a mountinfo file; borrowed during the call. */
struct mount_entry {
	const char *device; /* "major:minor" */
	const char *root; /* what of the file system is shown there */
	const char *place;
	const char *type;
};

/* fn returns 0 to go on, anything else ends and is returned. */
int mount_each(const char *mountinfo, int (*fn)(void *arg, const struct mount_entry *entry),
	void *arg, struct error *reterr);

/* True when the topmost mount exactly at place has this type; its device is copied. */
bool mount_is(const char *place, const char *type, char *ret_device, size_t device_size);

/* Makes place (PATH_MAX bytes) absolute and checks that it is an empty directory; a dead duplofs
 * there is taken away. */
int mount_prepare(char *place, struct error *reterr);

struct mount_options {
	const char *source, *place;
	bool read_only, no_exec;
};

/* Mounts type fuse.duplofs and gives the open /dev/fuse on which FUSE_INIT waits. */
int mount_fuse(int *ret_fd, const struct mount_options *options, struct error *reterr);

/* True when the file system behind an open /dev/fuse is gone. */
bool mount_has_ended(int fuse_fd);

/* umount(2); -EBUSY. lazy: out of the tree at once, gone when the last user is. Not mounted: 0. */
int mount_remove(const char *place, bool lazy, struct error *reterr);

#endif
