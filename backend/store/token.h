/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token - requests that earlier workers of this mount session have applied, so that one which is
 *         sent again is not applied twice.
 * Promises: a token is recorded in the transaction of its update: both are there or neither.
 * Threads: tokens_known on the committing thread; loading before others use the store.
 * Ownership: tokens_done frees.
 */
#ifndef DUPLOFS_STORE_TOKEN_H
#define DUPLOFS_STORE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/connection.h"

/*
 * Recorded tokens form a ring on disk. Only a request that was read from the kernel and not yet
 * answered can be sent again: at most one a serving thread, of which there are tens. The ring also
 * holds what others apply while one thread stands between its commit and its answer: more than a
 * second's worth of commits at the full speed of a disk.
 */
#define TOKENS_MAX 16384

struct tokens {
	uint64_t *earlier; /* sorted; of earlier processes */
	size_t count;
	int64_t sequence; /* of the last one recorded */
};

/* True when an earlier process has applied it. */
bool tokens_known(const struct tokens *tokens, uint64_t token);

/* Inside a transaction. */
int tokens_record(struct tokens *tokens, struct connection *connection, uint64_t token);
void tokens_done(struct tokens *tokens);

#endif
