/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copier - programs that bring whole directories along: cp -r, tar, rsync, git and their kind.
 * Promises: known by their names, which the kernel has; a wrong guess costs comfort, not safety.
 * Threads: any.
 * Ownership: values only.
 */
#ifndef DUPLOFS_FS_OPS_COPIER_H
#define DUPLOFS_FS_OPS_COPIER_H

#include "fs/ops/op.h"

/* It takes a directory that it has made to be empty. */
bool copier_wants_empty(pid_t pid);

/* It reads whatever there is, and waits for nothing by that. */
bool copier_reads_all(pid_t pid);

/* It removes a file only to make it anew. */
bool copier_replaces(pid_t pid);

/* ref is a view on the spec of a service that has none, which the program that asks has made: the
 * spec comes too, and says all of it at once. */
bool copier_brings_spec(fuse_req_t req, const struct ref *ref);

#endif
