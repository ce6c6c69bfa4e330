/* SPDX-License-Identifier: Apache-2.0 */
/*
 * puppet_world - what the puppet's engine and cloud share: the world itself.
 * Promises: everything is guarded by lock but what never changes.
 * Threads: any.
 * Ownership: as puppet.h says.
 */
#ifndef DUPLOFS_TESTS_PUPPET_WORLD_H
#define DUPLOFS_TESTS_PUPPET_WORLD_H

#include "base/lock.h"
#include "tests/unit/puppet.h"

#define MANY 512

struct box {
	bool used;
	struct container_state state;
	int host_port;
	bool crashes;
};

struct puppet {
	struct lock lock;
	struct box boxes[MANY];
	char networks[MANY][160];
	struct {
		int64_t service;
		int ready, drain;
	} balancers[MANY];
	char names[MANY][160];
	char broken[64], crashing[64];
	char pulled[MANY][128];
	char signal[16]; /* the last one sent */
	int signals;
	int per_mille, taken_port, created, fewest;
	int64_t last_id;
	unsigned seed;
	bool up;
	bool hold; /* calls to start wait */
	int held; /* so many do */
	struct cond released;
	engine_event_fn fn;
	void *arg;
};

/* Gives the news to who watches the engine. box may be NULL. */
void puppet_tell(struct puppet *puppet, enum engine_event_type type, const struct box *box);

#endif
