/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_billing - what the billing files of a tenant and those over all of them have in common.
 * Promises: the same time in all files that are read within a few seconds.
 * Threads: any.
 * Ownership: as row.h says.
 */
#ifndef DUPLOFS_FS_FILES_FILES_BILLING_H
#define DUPLOFS_FS_FILES_FILES_BILLING_H

#include "billing/report.h"
#include "fs/tree/context.h"

/* Up to when it is counted: the ledger's time, in steps. */
int64_t billing_now_ns(struct fs *fs);

/* A stamp (see row.h) that depends on one value more. */
uint64_t billing_mix(uint64_t stamp, int64_t value);

/* Months as files: those that the ledger of the ref's object knows, each in both forms. */
int billing_find_month(struct fs *fs, const struct ref *ref, const char *name, struct entry *ret);
int billing_list_months(struct fs *fs, const struct ref *ref, int64_t after, entry_fn fn,
	void *arg);
/* Of such a file; its sub is odd for FOCUS 1.1. */
int billing_month_of(const struct ref *ref, struct calendar_month *ret);

#endif
