/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar - writes archives of directories and regular files (ustar: POSIX.1-2017, pax, "ustar
 *       Interchange Format"). Pure.
 * Promises: owner and group are 0; the first failure sticks in the buf, as with all that buf does.
 * Threads: a buf belongs to one thread at a time.
 * Ownership: the archive is the caller's buf; names and contents are borrowed for the call.
 */
#ifndef DUPLOFS_BASE_TAR_H
#define DUPLOFS_BASE_TAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define TAR_NAME_MAX 99 /* bytes of a name; a longer one: -ENAMETOOLONG */

/* mode: permissions alone. mtime_s: seconds since 1970. */
void tar_directory(struct buf *tar, const char *name, unsigned mode);
void tar_file(struct buf *tar, const char *name, unsigned mode, int64_t mtime_s, const void *data,
	size_t len);
/* Nothing may be added after it. */
void tar_end(struct buf *tar);

#endif
