/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_wire - one probe on the wire: connect, and for HTTP send a request and read as far as the
 *              end of the answer's headers, with a socket that never blocks.
 * Promises: no call blocks; at most PROBE_ANSWER_MAX bytes are read; memory does not grow.
 * Threads: an attempt belongs to one thread at a time.
 * Ownership: the attempt owns its socket until probe_attempt_close.
 */
#ifndef DUPLOFS_NET_PROBE_WIRE_H
#define DUPLOFS_NET_PROBE_WIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/prober.h"

#define PROBE_ANSWER_MAX ((size_t)32 << 10)

struct probe_target {
	bool asked; /* by somebody else */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	char *path; /* NULL: connecting is enough */
	char *request; /* NULL with path */
	size_t request_len;
};

enum probe_outcome_kind {
	OUTCOME_NONE, /* no answer yet */
	OUTCOME_CONNECTED,
	OUTCOME_STATUS, /* code: of HTTP */
	OUTCOME_ERRNO, /* code: what connect, send or recv said */
	OUTCOME_TIMEOUT, /* code: milliseconds */
	OUTCOME_CLOSED, /* before an answer */
	OUTCOME_NOT_HTTP,
	OUTCOME_ENDLESS, /* headers without end */
	OUTCOME_TOLD_GOOD, /* by who asked for us */
	OUTCOME_TOLD_BAD,
	OUTCOME_LOCAL, /* code: errno of this host's lack of sockets; says nothing about the peer */
};

struct probe_outcome {
	enum probe_outcome_kind kind;
	int code;
};

struct probe_attempt {
	int fd; /* -1: none */
	bool connected;
	char head[13]; /* "HTTP/1.1 200 " */
	uint8_t head_bytes;
	uint8_t newlines; /* in a row: two end the headers */
	uint32_t received_bytes;
	uint32_t sent_bytes;
};

int probe_target_init(struct probe_target *target, const struct probe *probe, struct error *reterr);
void probe_target_done(struct probe_target *target);
bool probe_target_equal(const struct probe_target *a, const struct probe_target *b);

/* True when it is over at once, with *ret written; else attempt->fd is to be watched,
 * edge-triggered, in both directions. */
bool probe_attempt_begin(struct probe_attempt *attempt, const struct probe_target *target,
	struct probe_outcome *ret);

/* Goes on after the socket became ready (epoll events); true when it is over. */
bool probe_attempt_step(struct probe_attempt *attempt, const struct probe_target *target,
	uint32_t events, struct probe_outcome *ret);
void probe_attempt_close(struct probe_attempt *attempt, const struct probe_target *target);

bool probe_outcome_is_success(const struct probe_outcome *outcome);
void probe_outcome_words(const struct probe_outcome *outcome, const struct probe_target *target,
	char *words, size_t size);

#endif
