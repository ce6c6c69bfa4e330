/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hot - files that somebody has open for writing, or had a moment ago.
 * Promises: errs to the side of hot. While a file is hot the kernel's size of it wavers (opening
 *           with O_TRUNC makes it 0, each write may raise it, long before anything is accepted), so
 *           who reads then must not depend on it.
 *           A successor knows what was hot.
 * Threads: any; hot_open before all others.
 * Ownership: values only.
 */
#ifndef DUPLOFS_FS_EDIT_HOT_H
#define DUPLOFS_FS_EDIT_HOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* path: a file of the tmpfs that the next worker opens, too. */
int hot_open(const char *path, struct error *reterr);

/* node is opened for writing, written, or closed by a writer. */
void hot_touch(uint64_t node);
bool hot_is(uint64_t node);

#endif
