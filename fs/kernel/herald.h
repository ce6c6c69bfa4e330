/* SPDX-License-Identifier: Apache-2.0 */
/*
 * herald - a small process of its own that writes notifications to kernels before 6.16.
 * Promises: there, a notification may wait, beyond the reach of any signal, for a lock that is held
 *           by a request which only a worker can answer. A worker that waited itself could not die,
 *           and no other could take its place: so this process waits instead. Messages arrive in
 *           order, and again when the process was killed.
 * Threads: herald_abandon from any; all else from one at a time.
 * Ownership: the fd stays the caller's; messages are copied.
 */
#ifndef DUPLOFS_FS_KERNEL_HERALD_H
#define DUPLOFS_FS_KERNEL_HERALD_H

#include <stddef.h>

#include "base/error.h"

#define HERALD_MESSAGE_MAX 320 /* bytes: a name and what is around it */

struct herald;

int herald_new(struct herald **ret, int fuse_fd, struct error *reterr);

/* May wait until earlier messages have arrived. */
void herald_send(struct herald *herald, const void *message, size_t size);

/* Returns when everything sent has reached the kernel, or nobody waits any more. */
void herald_sync(struct herald *herald);

/* Ends all waiting: what was sent is still delivered, at some time. */
void herald_abandon(struct herald *herald);
void herald_free(struct herald *herald);

#endif
