/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer_memo - balancers that were looked at a moment ago, so that a rollout costs only what its
 *                 targets cost, and who asks whether they are drained costs AWS little.
 * Promises: a fixed number of them, however many services there are; each for a short while.
 * Threads: all calls from any thread at once.
 * Ownership: the memo owns all; what is put is copied.
 */
#ifndef DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_MEMO_H
#define DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_MEMO_H

#include "base/lock.h"
#include "cloud/aws/balancer/balancer_work.h"

#define BALANCER_MEMO_SIZE 128

/* What was found, of a wish with this hash. */
struct balancer_known {
	uint64_t hash;
	char balancer[ARN_SIZE], target_group[ARN_SIZE];
	bool active;
	int64_t looked_ns; /* monotonic: when all of it was */
	struct network network;
	struct balancer_state state;
};

struct balancer_memo_entry;

struct balancer_memo {
	struct lock lock;
	struct balancer_memo_entry *entries[BALANCER_MEMO_SIZE];
};

void balancer_memo_init(struct balancer_memo *memo);
void balancer_memo_done(struct balancer_memo *memo);

/* False: look anew. */
bool balancer_memo_get(struct balancer_memo *memo, int64_t service, uint64_t hash,
	struct balancer_known *ret);
/* Without memory nothing is kept, and the next one looks anew. */
void balancer_memo_put(struct balancer_memo *memo, int64_t service,
	const struct balancer_known *known);
void balancer_memo_drop(struct balancer_memo *memo, int64_t service);

/* Is this (a hash of what it is called, and where that leads) how it stands? put: 0: it is not
 * known. */
bool balancer_memo_has_name(struct balancer_memo *memo, int64_t service, uint64_t hash);
void balancer_memo_put_name(struct balancer_memo *memo, int64_t service, uint64_t hash);

/* A copy of its targets as they were last seen, as long as the balancer is known. */
bool balancer_memo_get_targets(struct balancer_memo *memo, int64_t service,
	struct seen_targets *ret);
/* Its targets as they were just seen; taken over. */
void balancer_memo_put_targets(struct balancer_memo *memo, int64_t service,
	struct seen_targets *seen);

/* What a caller who wants to know of a target is told. */
enum memo_advice {
	MEMO_ASK, /* AWS, of this target group ("": find it): nobody did a moment ago */
	MEMO_KNOWN,
};
enum memo_advice balancer_memo_target(struct balancer_memo *memo, int64_t service,
	const struct target *target, enum seen_state *ret, char ret_target_group[ARN_SIZE]);

#endif
