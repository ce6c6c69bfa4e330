/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_set - the part of a view that switches as a whole: secrets/, config/, resources/, self.json.
 *            ..data leads to the directory of the set that is shown, and these names lead through
 *            it, so whoever holds a directory of a set reads on from that set.
 * Promises: a set is one state of the store, complete before it is shown and never changed after;
 *           one that nobody is led to any more stays for VIEW_SET_KEEP_NS. What is the same in two
 *           sets is one file. A failure leaves the set that is shown.
 * Threads: one at a time for all views below one directory.
 * Ownership: plain secrets are wiped from memory after they were written.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_VIEW_SET_H
#define DUPLOFS_RECONCILE_VIEW_VIEW_SET_H

#include "base/clock.h"
#include "base/error.h"
#include "store/store.h"

#define VIEW_SET_KEEP_NS (10 * NS_PER_SECOND)

struct view_set_news {
	bool switched; /* another set is shown */
	bool values; /* a secret or config value is another one; never so for a view's first set */
	int64_t due_ns; /* when an old set is to be removed (clock_now_ns); CLOCK_FOREVER: none */
};

struct view_readers;

/* Makes the set of the view at path (a directory that exists) what the store has. readers: who
 * watches over its secrets; may be NULL. */
int view_set_sync(struct store *store, struct view_readers *readers, int64_t service,
	const char *path, struct view_set_news *ret, struct error *reterr);

#endif
