/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_old - sets of a view that are not shown any more, and stay a while for who reads in them.
 * Promises: the set that is shown is never touched; of the others no more are kept than memory is
 *           worth, the oldest go first.
 * Threads: one at a time for all views below one directory.
 * Ownership: values only.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_VIEW_OLD_H
#define DUPLOFS_RECONCILE_VIEW_VIEW_OLD_H

#include <stddef.h>
#include <stdint.h>

/* The set is shown no more from now on. */
void view_old_mark(const char *view, const char *name);

/* Removes those whose time is over, or that are too many for sets of so many files. Returns when
 * the next one is to go (clock_now_ns), CLOCK_FOREVER: none is left. */
int64_t view_old_sweep(const char *view, const char *shown, size_t files);

#endif
