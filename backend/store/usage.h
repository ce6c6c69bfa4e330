/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage - the ledger of what ran, for whom, from when to when: hosts, instances, balancers,
 *         resources. Prices are none of its business.
 * Promises: a meter begins and ends in the transaction of the change that causes it; the intervals
 *           of one object neither overlap nor leave a gap where something ran; what has ended is
 *           never changed again and outlives the object, its service and its tenant.
 * Threads: any; txn_ functions inside an update.
 * Ownership: usage_set_done frees what store_usage_load gave.
 */
#ifndef DUPLOFS_STORE_USAGE_H
#define DUPLOFS_STORE_USAGE_H

#include "store/store.h"

enum usage_kind { USAGE_HOST = 1, USAGE_INSTANCE, USAGE_BALANCER, USAGE_RESOURCE };

/* What an interval is of. Two that are equal are the same subject. */
struct usage_subject {
	enum usage_kind kind;
	char service[64]; /* of an instance or a balancer; else "" */
	char name[128]; /* ordinal, or name of the host or the resource; "" of a balancer */
	char host[64]; /* on which an instance runs; else "" */
	char sku[64]; /* what the price table calls it; "" of an instance: its host is paid */
	char region[32]; /* "" none */
	int64_t cpu_milli, memory_mib; /* reserved by an instance; what a host has */
	int64_t quantity; /* how often the sku is paid: GiB of a disk; 0 counts as 1 */
};

#define USAGE_PARTS_MAX 4 /* of one object */

/*
 * From now on, by the ledger's clock, object is this subject (NULL: nothing any more), paid by
 * payer: a tenant, or PLATFORM_ID for a machine that several share. Nothing happens when it is so
 * already. object may be gone: then only NULL makes sense.
 */
int txn_usage_set(struct txn *txn, int64_t object, int64_t payer,
	const struct usage_subject *subject);

/* The same of an object that is several things, each paid by itself: these, and nothing else. */
int txn_usage_set_parts(struct txn *txn, int64_t object, int64_t payer,
	const struct usage_subject *parts, size_t count);

/* Average use of the first of an object's meters in the hour around now, when that is more than it
 * has reserved: the larger of the two counts for the whole of that hour. No meter: 0. */
int txn_usage_measured(struct txn *txn, int64_t object, int64_t cpu_milli, int64_t memory_mib);

struct usage_interval {
	int64_t start_ns, end_ns; /* inside the window */
	size_t subject; /* index */
};

struct usage_measure {
	int64_t hour_ns; /* when the hour began */
	size_t subject;
	int64_t cpu_milli, memory_mib;
};

/* What the provider has billed for a day, see actual.h. */
struct usage_actual {
	int64_t day_ns, nano;
	char service[64];
};

struct usage_set {
	struct usage_subject *subjects;
	struct usage_interval *intervals; /* what has ended by its end, then what runs */
	struct usage_measure *measures; /* of two of one subject and hour the later counts */
	struct usage_actual *actuals; /* by day and service */
	size_t subject_count, interval_count, measure_count, actual_count;
};

/* All of one payer's intervals in [from_ns, to_ns), cut to it; what runs ends at to_ns. The window
 * lies within one month (UTC). */
int store_usage_load(struct store *store, int64_t payer, int64_t from_ns, int64_t to_ns,
	struct usage_set *ret);
void usage_set_done(struct usage_set *set);
#define _cleanup_usage_set_ __attribute__((cleanup(usage_set_done)))

/* Each payer that the ledger knows, with the name that it last had; fn as store_object_fn. */
int store_usage_payers(struct store *store, int (*fn)(void *arg, int64_t payer, const char *name),
	void *arg);

/* Another number whenever the payer's ledger or its budget is another; 0: it has none. */
int store_usage_moved(struct store *store, int64_t payer, int64_t *ret);

/* When the payer's first interval began; -ENOENT. */
int store_usage_first(struct store *store, int64_t payer, int64_t *ret_ns);

/*
 * Now, by the ledger's clock: the wall's at the start of the process, then counted by elapsed time,
 * so that a clock that is set makes nobody pay for time that did not pass.
 */
int64_t store_usage_now(struct store *store);

/* To be called now and then: when the wall clock was set forward, cuts all that runs and goes on by
 * the new time. Set back: goes on by elapsed time. Either is told in an event of the platform. */
int store_usage_check_clock(struct store *store, struct error *reterr);

/* ---- budgets ---- */

struct budget {
	int64_t nano; /* a month, in billionths of the currency; 0: none */
	int64_t changed_ns;
	int64_t month_ns, percent; /* for which month's start what was told last */
};

int store_budget(struct store *store, int64_t tenant, struct budget *ret); /* none: zeros */
int txn_set_budget(struct txn *txn, int64_t tenant, int64_t nano);
int txn_set_budget_told(struct txn *txn, int64_t tenant, int64_t month_ns, int64_t percent);
/* Each tenant that has one. */
int store_budgets(struct store *store, int (*fn)(void *arg, int64_t tenant), void *arg);

#endif
