/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker_names - the section of a container's /etc/hosts that is ours.
 * Promises: what others have in the file stays, byte for byte; a reader finds the old names or the
 *           new ones.
 * Threads: one at a time for a file.
 * Ownership: arguments are borrowed.
 */
#ifndef DUPLOFS_ENGINE_DOCKER_NAMES_H
#define DUPLOFS_ENGINE_DOCKER_NAMES_H

#include "base/buf.h"
#include "base/error.h"

/* Appends text with the section replaced by lines ("": with none) to out. */
void docker_names_merge(const char *text, const char *lines, struct buf *out);

/* The same in the file at path, of which others hold the inode. -errno. */
int docker_names_put(const char *path, const char *lines, struct error *reterr);

#endif
