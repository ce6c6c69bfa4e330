/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watchers - which of our nodes are watched by inotify(7), by whatever process of this machine.
 * Promises: found by looking through /proc, which asks no file system anything; what cannot be
 *           looked at is left out.
 * Threads: any; takes milliseconds.
 * Ownership: the list is the caller's.
 */
#ifndef DUPLOFS_FS_KERNEL_WATCHERS_H
#define DUPLOFS_FS_KERNEL_WATCHERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/tree/nodes.h"

/* Replaces the list by what is watched on device now. */
int watchers_look(struct nodes *nodes, dev_t device);

/* "inotify wd:1 ino:3200000030000000 sdev:5f mask:fff ...", proc_pid_fdinfo(5). False: another
 * line. */
bool watchers_parse(const char *line, uint64_t *ret_node, dev_t *ret_device);

#endif
