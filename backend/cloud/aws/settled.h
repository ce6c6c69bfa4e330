/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settled - what each service and each resource was last brought to in the account, so that a
 *           survey sees at once, in lists of all there is, for whom something was taken or changed.
 * Promises: an object has an entry only while nothing of it is being worked on. An entry is small
 *           and of fixed size: facts are hashes.
 * Threads: all calls from any thread at once.
 * Ownership: what is put is copied.
 */
#ifndef DUPLOFS_CLOUD_AWS_SETTLED_H
#define DUPLOFS_CLOUD_AWS_SETTLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTLED_FACTS     6
#define SETTLED_LISTENERS 2
#define SETTLED_TAIL      40 /* of a listener's ARN: what follows its balancer's, with the NUL */

enum settled_part {
	SETTLED_BALANCER, /* with target group, security group and listeners */
	SETTLED_NAME, /* DNS records */
	SETTLED_RESOURCE,
	SETTLED_PARTS,
};

/* A hash of what a list must show, as texts that end in NULL; never 0. Pure. */
uint64_t settled_fact(const char *first, ...) __attribute__((sentinel));

struct settled_entry {
	uint64_t facts[SETTLED_FACTS];
	size_t count;
	const char *type; /* of thing, as surveys call it; a constant */
	char listeners[SETTLED_LISTENERS][SETTLED_TAIL];
};

/* One more of its facts; what does not fit is not looked for. */
void settled_add(struct settled_entry *entry, uint64_t fact);

struct settled;
struct survey;

struct settled *settled_new(void); /* NULL: no memory */
void settled_free(struct settled *settled);

/* Without memory there is no entry, and nothing is noticed of this object. */
void settled_put(struct settled *settled, int64_t object, enum settled_part part,
	const struct settled_entry *entry);
void settled_drop(struct settled *settled, int64_t object, enum settled_part part);
/* False: there is none. */
bool settled_get(struct settled *settled, int64_t object, enum settled_part part,
	struct settled_entry *ret);

/* Of a balancer: a hash of its targets as last brought about (0: they are on their way). */
void settled_put_targets(struct settled *settled, int64_t service, uint64_t targets);
/* When a survey last asked for them: monotonic; 0: never; -1: there is nothing to compare. */
int64_t settled_asked_ns(struct settled *settled, int64_t service);
/* Notes that it did. False: they are others, and the balancer's entry is dropped. */
bool settled_check_targets(struct settled *settled, int64_t service, uint64_t targets);

/*
 * At the end of a survey that began at began_ns (monotonic): drops the entries from before of which
 * a fact was not seen, and tells whom they are about. Types that could not be listed are left out.
 * Result: the hearer's, or -ENOMEM.
 */
int settled_compare(struct settled *settled, const struct survey *survey, int64_t began_ns);

#endif
