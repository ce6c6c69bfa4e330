/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prober - asks containers how they are: one thread, due times in a heap, sockets that never block.
 *          What no socket can ask (a command in the container) it has asked by somebody else.
 * Promises: the callback gets every change of health once, and none for a key after prober_drop
 *           returned; a peer that hangs, drips or never ends costs its timeout and nothing else.
 * Threads: prober_set and prober_drop from any thread, also from the callbacks; these run on the
 *          prober's thread with no lock held and must not block.
 * Ownership: strings in a probe are copied; why is borrowed for the callback.
 */
#ifndef DUPLOFS_NET_PROBER_H
#define DUPLOFS_NET_PROBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum probe_health {
	PROBE_STARTING, /* where each probe begins; never told by the callback */
	PROBE_HEALTHY,
	PROBE_UNHEALTHY,
};

#define PROBE_PATH_MAX 1024

struct probe {
	bool asked; /* through prober_ask_fn; only the address and the numbers below count */
	const char *address; /* IPv4 or IPv6, as numbers */
	int port;
	const char *path; /* "/healthz": HTTP GET, 200-399 is a success; NULL: connecting is */
	int64_t interval_ms;
	int64_t timeout_ms;
	int healthy_threshold; /* successes in a row that make healthy */
	int unhealthy_threshold; /* failures in a row that make unhealthy */
	int64_t start_period_ms; /* in which failures do not count; ends with the first healthy */
};

struct prober;

/* why: words for people, "connection refused on 172.18.0.5:80", "GET /healthz answered 503". */
typedef void (*prober_fn)(void *arg, int64_t key, enum probe_health health, const char *why);

/* The probe of key is due: somebody shall take it and answer. */
typedef void (*prober_ask_fn)(void *arg, int64_t key);

enum probe_answer {
	PROBE_GOOD,
	PROBE_BAD,
	PROBE_UNKNOWN, /* could not be asked: nothing is said about the container */
};

/* ask may be NULL when no probe is asked. */
int prober_new(struct prober **ret, prober_fn fn, prober_ask_fn ask, void *arg,
	struct error *reterr);

/* Takes what is due for key; *ret_turn goes with the answer. False: nothing is, by now. */
bool prober_take(struct prober *prober, int64_t key, uint32_t *ret_turn);
/* words: what was met, "the command ended with status 1"; copied. Too late: ignored. */
void prober_answer(struct prober *prober, int64_t key, uint32_t turn, enum probe_answer answer,
	const char *words);

/* Adds the probe of key, or replaces it: another address, port or path starts over, other numbers
 * take effect from the next probe on, the same probe changes nothing. -EINVAL for what cannot be
 * probed. */
int prober_set(struct prober *prober, int64_t key, const struct probe *probe, struct error *reterr);

/* Blocks while the callback runs for key (unless called from it). An unknown key is fine. */
void prober_drop(struct prober *prober, int64_t key);

/* How key is by now and what its last probe met, in words; false when it is unknown.
 * Never blocks. */
bool prober_look(struct prober *prober, int64_t key, enum probe_health *ret, char *why,
	size_t size);

void prober_free(struct prober *prober);

#endif
