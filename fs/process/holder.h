/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder - the first process of a mount, which mounts, and from then on only holds the connection
 *          to the kernel: when neither a supervisor nor a worker lives, it starts a supervisor.
 * Promises: opens no store and starts no thread, and is not chosen when the kernel ends processes
 *           for want of memory. It may die as the other two may: the supervisor starts it anew.
 *           Whoever is the holder at the end leaves nothing behind.
 * Threads: one, the process's main thread, with its signals.
 * Ownership: borrows the options; takes the lock's fd.
 *
 * Holder and supervisor speak through the socket pair options_fds.watch and options_fds.alive. The
 * latter is open in supervisor and worker alone: end of file at the former says that both are dead.
 */
#ifndef DUPLOFS_FS_PROCESS_HOLDER_H
#define DUPLOFS_FS_PROCESS_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "fs/process/options.h"

struct fuse_lowlevel_ops;

struct holder_service {
	const struct fuse_lowlevel_ops *operations; /* those that the workers will serve */
	size_t operations_size;
};

/* First byte of what they say to each other. */
enum holder_word {
	HOLDER_NOTHING, /* the other end is closed */
	HOLDER_ANSWERING = 'a', /* the file system answers */
	HOLDER_FAILED = 'f', /* it never will; a sentence follows */
	HOLDER_RENEW = 'r', /* become the program that is now on disk */
	HOLDER_STOP = 's', /* to the supervisor, as these: SIGTERM came */
	HOLDER_UPGRADE = 'u', /* SIGUSR2 came */
};

#define HOLDER_WORD_MAX (1 + sizeof(((struct error *)0)->text))

/* Mounts and holds until the file system is gone. answering (may be NULL) is called once, when it
 * answers. */
int holder_mount(const struct options *options, const struct holder_service *service, int lock_fd,
	void (*answering)(void *arg), void *arg, struct error *reterr);

/* Holds what options->fds name. -EBUSY: another process does. */
int holder_adopt(const struct options *options, struct error *reterr);

/* The holder that lives, as a pidfd; -ESRCH: there is none. */
int holder_find(int handoff_fd, pid_t *ret_pid);

/* One message; text may be NULL. False: nobody listens. Never waits. */
bool holder_say(int fd, enum holder_word word, const char *text);

/* The word of the next message, or -EAGAIN. text (HOLDER_WORD_MAX bytes) is what
 * follows the first byte. */
int holder_hear(int fd, char *text);

#endif
